"""What kind of model a file is, by the names and shapes in its header: the folder it belongs in, the family it is of.

Families are named as the engine names its own ("sd1"); those it does not run have names, too, so that lists can say
what a file is.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from graph.document import NAME
from server.models.header import Header

UNET = "model.diffusion_model."
VAE = ("first_stage_model.", "vae.")

FOLDERS: tuple[tuple[str, str], ...] = (
    ("ipadapter", r"(image_proj|ip_adapter)\."),
    ("photomaker", r"id_encoder\."),
    ("style_models", r"style_embedding$|transformer_layes\."),
    ("loras", r"lora_(unet|te\d?|transformer)_|.*[._](lora_(up|down|A|B)|lora\.(up|down)|hada_w1_a|lokr_w1)\b"),
    ("controlnet", r"(control_model|controlnet_cond_embedding|controlnet_down_blocks|input_hint_block)\."),
    ("controlnet", r"(adapter\.)?body\.\d+\.(block1|in_conv)\."),
    ("embeddings", r"emb_params$|string_to_param|clip_[lg]$|<[^>]*>$"),
    ("clip_vision", r"(vision_model\.(encoder|embeddings)\.|visual\.transformer\.)"),
    ("text_encoders", r"(text_model\.|encoder\.block\.\d+\.layer\.\d+\.|transformer\.resblocks\.)"),
    ("text_encoders", r"model\.layers\.\d+\.self_attn\.q_proj\."),
    ("diffusion_models", r"(model\.diffusion_model\.)?(double_blocks|joint_blocks|input_blocks)\.\d+\."),
    ("diffusion_models", r"(single_)?transformer_blocks\.\d+\.|blocks\.\d+\.(self_attn|cross_attn)\."),
    ("diffusion_models", r"model\.diffusion_model\.|down_blocks\.\d+\.(resnets|attentions)\."),
    ("vae", r"(first_stage_model\.)?(encoder|decoder)\.(conv_in|up_blocks|down_blocks|up|down|mid)\."),
    ("vae", r"(taesd_)?(decoder|encoder)\.(layers\.)?\d+\."),
    ("upscale_models", r"(params_ema\.|conv_first\.|body\.\d+\.(rdb\d|weight)|model\.\d+\.(sub\.\d+\.)?|RRDB_trunk\.)"),
)
"""Folder and how the names of its tensors begin; the first that fits a name decides."""

ARCHITECTURES: Mapping[str, str] = MappingProxyType({
    "stable-diffusion-v1": "sd1", "stable-diffusion-v2": "sd2", "stable-diffusion-xl-v1-refiner": "sdxl-refiner",
    "stable-diffusion-xl-v1": "sdxl", "stable-diffusion-3": "sd3", "stable-diffusion-v3": "sd3", "flux-1": "flux",
})  # fmt: skip
"""How `modelspec.architecture` begins (github.com/Stability-AI/ModelSpec), and the family that is."""

TRAINED_ON: Mapping[str, str] = MappingProxyType(
    {"sd_v1": "sd1", "sd_v2": "sd2", "sdxl": "sdxl", "sd3": "sd3", "flux": "flux"}
)
"""How `ss_base_model_version`, which trainers write into LoRA files, begins, and the family that is."""

CONTEXT: Mapping[int, str] = MappingProxyType({768: "sd1", 1024: "sd2", 2048: "sdxl", 1280: "sdxl-refiner"})
"""The width of the text states a U-Net's cross-attention reads, and the family that is."""


SIDES: Mapping[str, int] = MappingProxyType(
    {"sd1": 512, "sd2": 768, "sdxl": 1024, "sdxl-refiner": 1024, "sd3": 1024, "flux": 1024}
)
"""Pixels a side of the square pictures that models of a family were trained on last."""


@dataclass(frozen=True)
class Kind:
    """What a file is. folder: it belongs in; family: of its base model. "": not known. side: pixels a side of the
    square pictures that a checkpoint makes best; 0: not known.
    """

    folder: str = ""
    family: str = ""
    side: int = 0


def kind_of(header: Header) -> Kind:
    """What a safetensors file is."""
    names = header.shapes
    is_unet = any(name.startswith(UNET) for name in names)
    if is_unet and any(name.startswith(VAE) for name in names):
        family = _family(header)
        return Kind("checkpoints", family, _side(header) or SIDES.get(family, 0))
    for folder, pattern in FOLDERS:
        begins = re.compile(pattern)
        if any(begins.match(name) for name in names):
            family = _family(header) if folder in ("loras", "controlnet", "diffusion_models") else _told(header)
            return Kind(folder, family)
    return Kind("", _told(header))


def _family(header: Header) -> str:
    """By what the file says, else by its parts, else by the width of its cross-attention."""
    told = _told(header)
    if told:
        return told
    for name in header.shapes:
        bare = name.removeprefix(UNET)
        if bare.startswith("joint_blocks."):
            return "sd3"
        if re.match(r"(double_blocks\.\d+\.img_attn|single_transformer_blocks)\b", bare):
            return "flux"
        if name.startswith("conditioner.embedders.1."):
            return "sdxl"
        if name.startswith("cond_stage_model.model.transformer."):
            return "sd2"
        if name.startswith("cond_stage_model.transformer.text_model.embeddings."):
            return "sd1"
    widths = {
        shape[-1] for name, shape in header.shapes.items() if len(shape) == 2 and name.endswith("attn2.to_k.weight")
    }
    return CONTEXT.get(widths.pop(), "") if len(widths) == 1 else ""


def _side(header: Header) -> int:
    """What the file itself says (`noisewright.config`); 0 where it says nothing that can be read."""
    try:
        told = json.loads(header.metadata.get(f"{NAME}.config", "{}"))
        side = told.get("default_size", 0)
    except (ValueError, AttributeError):
        return 0
    return side if isinstance(side, int) and 0 < side <= 2**16 else 0


def _told(header: Header) -> str:
    told = header.metadata.get("modelspec.architecture", "").lower()
    for start, family in ARCHITECTURES.items():
        if told.startswith(start):
            return family
    told = header.metadata.get("ss_base_model_version", "").lower()
    return next((family for start, family in TRAINED_ON.items() if told.startswith(start)), "")
