"""CLIP's picture encoders in a file: those of OpenAI's CLIP and of OpenCLIP, sizes read from shapes. Loads no torch."""

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from diffusion.families.family import Component
from diffusion.families.shapes import count
from diffusion.header import Header, WeightFileError

HEADS: Mapping[int, int] = MappingProxyType({768: 12, 1024: 16, 1280: 16, 1664: 16})
"""Attention heads by the width of the states: ViT-B, ViT-L, ViT-H, ViT-bigG."""

HEAD_WIDTH = 64
"""Of models of another width."""

OPENAI_LAYERS = 24
"""The most layers of OpenAI's models (ViT-L), which have quick_gelu; deeper ones are OpenCLIP's and have gelu."""

OPEN_CLIP_PREFIXES = ("embedder.model.visual.", "visual.", "")
"""Of the names in unCLIP checkpoints, in files of both of OpenCLIP's networks, and of a picture encoder alone."""

EMBEDDINGS = "vision_model.embeddings.class_embedding"
_OTHERS = re.compile(r"text_model\..*|text_projection\.weight|logit_scale|vision_model\.embeddings\.position_ids")


def clip_vision(header: Header) -> Component | None:
    """The picture encoder in a file, alone or beside other networks; None where there is none.

    What shapes cannot say, metadata may: `clip_vision` with `attention_heads` and `activation`.
    """
    if EMBEDDINGS in header.tensors:
        ignored = frozenset(name for name in header.tensors if _OTHERS.fullmatch(name))
        return Component("clip_vision", header, "", "modules", _config(header), ignored)
    for prefix in OPEN_CLIP_PREFIXES:
        if all(f"{prefix}{name}" in header.tensors for name in ("class_embedding", "conv1.weight")):
            return Component("clip_vision", header, prefix, "open_clip", _open_clip_config(header, prefix))
    return None


def clip_vision_folder(header: Header, config: Mapping[str, Any]) -> Component | None:
    """The picture encoder of a diffusers folder with this config.json (`image_encoder`); None where it is another."""
    found = clip_vision(header)
    if found is None or config.get("model_type") != "clip_vision_model":
        return None
    return Component("clip_vision", header, "", "modules", config, found.ignored)


def _config(header: Header) -> dict[str, Any]:
    """Configuration of transformers' `CLIPVisionModelWithProjection`."""
    if "visual_projection.weight" not in header.tensors:
        raise WeightFileError(
            f"'{header.path.name}' has a CLIP vision model without its projection (visual_projection), so that it "
            "gives no vector of a picture. Use a file that holds the whole vision model."
        )
    stem = "vision_model.encoder.layers."
    return _sizes(
        header,
        positions=header.shape("vision_model.embeddings.position_embedding.weight"),
        patch=header.shape("vision_model.embeddings.patch_embedding.weight")[-1],
        inner=header.shape(f"{stem}0.mlp.fc1.weight")[0],
        layers=count(header.tensors, re.escape(stem) + r"(\d+)\."),
        projection=header.shape("visual_projection.weight")[0],
    )


def _open_clip_config(header: Header, prefix: str) -> dict[str, Any]:
    stem = f"{prefix}transformer.resblocks."
    return _sizes(
        header,
        positions=header.shape(f"{prefix}positional_embedding"),
        patch=header.shape(f"{prefix}conv1.weight")[-1],
        inner=header.shape(f"{stem}0.mlp.c_fc.weight")[0],
        layers=count(header.tensors, re.escape(stem) + r"(\d+)\."),
        projection=header.shape(f"{prefix}proj")[1],
    )


def _sizes(
    header: Header, *, positions: tuple[int, ...], patch: int, inner: int, layers: int, projection: int
) -> dict[str, Any]:
    tokens, width = positions
    said = header.config.get("clip_vision", {})
    activation = "quick_gelu" if layers <= OPENAI_LAYERS else "gelu"
    return {
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": said.get("attention_heads", HEADS.get(width, max(1, width // HEAD_WIDTH))),
        "image_size": math.isqrt(tokens - 1) * patch,
        "patch_size": patch,
        "projection_dim": projection,
        "hidden_act": said.get("activation", activation),
    }
