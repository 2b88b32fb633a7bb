"""Stable Diffusion 2.x: OpenCLIP's text encoder (Cherti et al. 2022), heads of width 64 behind linear layers; the
models for 512 pixels predict noise, those for 768 velocity (Salimans & Ho 2022). Loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from diffusion.families.clip import TextKind
from diffusion.families.family import TextStates
from diffusion.families.marks import prediction, said
from diffusion.families.sd1 import SPACE
from diffusion.families.stable_diffusion import Structure, family
from diffusion.header import Header
from diffusion.original_layout import UNET_PREFIX

if TYPE_CHECKING:
    from diffusion.prediction import Prediction

PROBE = "output_blocks.11.1.transformer_blocks.0.norm1.bias"
"""A tensor by whose spread the two kinds of published models can be told apart."""

SPREAD = 0.09
"""Its standard deviation is above this in models that predict velocity: the rule by which everyone tells them."""


def _said(header: Header, scheduler: Mapping[str, Any]) -> Callable[[], Prediction] | None:
    """What the file says, or else what the spread of one of its tensors suggests, looked at when the model is used."""
    name = next((name for name in (UNET_PREFIX + PROBE, PROBE) if name in header.tensors), None)
    known = said(header, scheduler)
    return known if known is not None or name is None else partial(_probed, header, name)


def _probed(header: Header, name: str) -> Prediction:
    import torch

    from diffusion.tensors import Reader, Residence

    bias = Reader(header, Residence(torch.device("cpu"), torch.float32)).read(name)
    return prediction("v" if float(bias.std(correction=0)) > SPREAD else "eps")


CLIP_H = TextKind(
    "text_encoder",
    "cond_stage_model.model.",
    width=1024,
    layouts=("open_clip", "modules"),
    activation="gelu",
    states=TextStates(layer=-2, padding=0),
    whole=24,
    name="clip_h",
)


def _is_sd2(unet: Mapping[str, Any]) -> bool:
    told = unet.get("addition_embed_type") or unet.get("num_class_embeds")
    return not told and bool(unet.get("use_linear_projection"))


SD2 = family(
    Structure(
        "sd2",
        "Stable Diffusion 2",
        fits=_is_sd2,
        texts=(CLIP_H,),
        space=SPACE,
        prediction=prediction,
        said=_said,
    )
)
