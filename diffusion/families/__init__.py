"""The families of models that are known, and the names of those that are only recognised. Loads no torch."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from diffusion import added
from diffusion.families.family import (
    TEXT_PARTS,
    Changed,
    Checkpoint,
    Component,
    Family,
    Folder,
    Part,
    TextPlace,
    TextStates,
)
from diffusion.families.sd1 import SD1
from diffusion.families.sd2 import SD2
from diffusion.families.sd_x4_upscaler import SD_X4_UPSCALER
from diffusion.families.sdxl import SDXL, SDXL_REFINER
from diffusion.header import Header

__all__ = [
    "FAMILIES", "TEXT_PARTS", "Changed", "Checkpoint", "Component", "Family", "Folder", "Part", "TextPlace",
    "TextStates", "attending_to", "families", "family_named", "looks_like", "seems",
]  # fmt: skip

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {one.name: one for one in (SD1, SD2, SDXL, SDXL_REFINER, SD_X4_UPSCALER)}
)

_FINGERPRINTS: tuple[tuple[str, str, str], ...] = (
    (
        r"(.*[._])?(lora_(up|down|A|B|unet|te\d?)|hada_w1_a|lokr_w1|dora_scale)[._]",
        "a LoRA, which changes a model but is none",
        "Load LoRA",
    ),
    (r"lora_controlnet$", "a Control-LoRA", ""),
    (r"lllite_", "a ControlNet-LLLite", ""),
    (r"(transformer\.)?controlnet_(blocks|x_embedder)\.", "a ControlNet for a transformer such as Flux", ""),
    (r"(.*\.)?(temporal_transformer|time_stack|time_mixer)\.", "a model of videos", ""),
    (r"noise_augmentor\.|embedder\.model\.visual\.", "an unCLIP checkpoint", "unCLIPCheckpointLoader"),
    (r"conditioner\.embedders\.1\.|model\.diffusion_model\.label_emb\.", "an SDXL checkpoint", "Load Checkpoint"),
    (r"conditioner\.embedders\.0\.model\.", "an SDXL refiner", "Load Checkpoint"),
    (r"cond_stage_model\.model\.transformer\.resblocks", "a Stable Diffusion 2 checkpoint", "Load Checkpoint"),
    (r"cond_stage_model\.transformer\.", "a Stable Diffusion 1 checkpoint", "Load Checkpoint"),
    (r"(model\.diffusion_model\.)?joint_blocks\.", "a Stable Diffusion 3 model", ""),
    (r"(model\.diffusion_model\.)?double_blocks\.\d+\.img_attn", "a Flux model", ""),
    (r"(model\.diffusion_model\.)?single_transformer_blocks\.", "a Flux model in diffusers' layout", ""),
    (r"(.*\.)?ip_adapter_(double|single)_stream", "an IP-Adapter for Flux", ""),
    (
        r"control_model\.|input_hint_block\.|controlnet_(cond_embedding|down_blocks)\.",
        "a ControlNet",
        "Load ControlNet Model",
    ),
    (r"(.*\.)?motion_modules\.", "a motion module", ""),
    (r"image_proj\.|ip_adapter\.", "an IP-Adapter", "Load IP-Adapter"),
    (r"id_encoder\.", "PhotoMaker", "PhotoMakerLoader"),
    (r"style_embedding$|transformer_layes\.", "a style model of T2I-Adapter", "Load Style Model"),
    (r"redux_(up|down)\.", "a style model for Flux (Redux)", ""),
    (
        r"emb_params$|string_to_param|clip_[lg]$|<.*>$",
        "a textual inversion embedding, which a prompt names as embedding:NAME",
        "",
    ),
    (r"vision_model\.encoder\.", "a CLIP vision model", "Load CLIP Vision"),
    (
        r"(text_model\.)?encoder\.layers\.\d+\.self_attn\.|text_model\.",
        "a CLIP text encoder alone",
        "Load CLIP",
    ),
    (r"transformer\.resblocks\.\d+\.", "an OpenCLIP text encoder alone", "Load CLIP"),
    (r"(encoder\.)?block\.\d+\.layer\.\d+\.", "a T5 text encoder", ""),
    (r"down_blocks\.\d+\.(resnets|attentions)\.", "a U-Net alone, in diffusers' layout", "Load Diffusion Model"),
    (r"input_blocks\.\d+\.", "a U-Net alone", "Load Diffusion Model"),
    (r"(first_stage_model\.)?(encoder|decoder)\.(conv_in|down|up|mid)[._]", "an autoencoder (VAE) alone", "Load VAE"),
    (
        r"(adapter\.)?body\.\d+\.(in_conv|block1|resnets|body\.\d+\.block1)\.",
        "a T2I-Adapter",
        "Load ControlNet Model",
    ),
    (r"body\.\d+\.|model\.\d+\.(sub\.\d+\.)?|params_ema\.|conv_first\.", "an upscaling model", "Load Upscale Model"),
    (r"model\.diffusion_model\.", "a diffusion model of a family that is not known here", ""),
)
"""How tensors are named in files of a kind, what that is, and which node loads it; "": none."""


def families() -> Mapping[str, Family]:
    """All families by name, in the order in which they may recognise a file: built in, then those packs have added."""
    return {**FAMILIES, **added.FAMILIES.by_name()}


def family_named(name: str) -> Family:
    """The family of that name. Raises ValueError where there is none, as when the pack that brings it is missing."""
    found = families().get(name)
    if found is None:
        raise ValueError(f"There is no family of models '{name}' here; known are {', '.join(families())}.")
    return found


def attending_to(width: int | None) -> str:
    """The family whose U-Net attends to text states of this width; "" where there is none, or a smaller model."""
    sums = {sum(one.widths.values()): one.title for one in reversed(list(families().values()))}
    return sums.get(width or 0, "")


def looks_like(header: Header) -> str:
    """What a file seems to be, in a few words that follow "it looks like"."""
    known = _kind(header)
    if known is not None:
        return known[0]
    if not header.tensors:
        return "a file without tensors"
    names = list(header.tensors)
    return f"something unknown: {len(names)} tensors such as {', '.join(repr(name) for name in names[:3])}"


def seems(header: Header) -> str:
    """The same in a sentence, and which node loads it: "it looks like an upscaling model. Load it with …"."""
    known, told = _kind(header), f"it looks like {looks_like(header)}."
    return f"{told} Load it with '{known[1]}'." if known is not None and known[1] else told


def _kind(header: Header) -> tuple[str, str] | None:
    """What a file seems to be, and which node loads it."""
    for pattern, meaning, loader in _FINGERPRINTS:
        matcher = re.compile(pattern)
        if any(matcher.match(name) for name in header.tensors):
            return meaning, loader
    return None
