"""Files of weights as people have them, by names and shapes alone: all their numbers are 0.

U-Nets are small, but attend to text states as wide as those of the published models, so that what is said of a file
names the model that people know. A file is a hole behind its header: it takes no room and no time.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from diffusion.architectures import (
    AutoencoderKL,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    ControlNetModel,
    T2IAdapter,
    UNet2DConditionModel,
)
from diffusion.ip_adapter import AdapterNetwork
from diffusion.original_layout import control_names, open_clip_places, text_names, unet_names, vae_names
from diffusion.style_model import StyleNetwork
from tests.diffusion.tiny_control import HINTS
from tests.diffusion.tiny_families import PREFIXES

Shapes = Mapping[str, tuple[int, ...]]

TOKENS: Mapping[str, int] = {"sd1": 768, "sd2": 1024, "sdxl": 2048, "sdxl-refiner": 1280}
"""Widths of the text states that a family's U-Net attends to."""

TEXTS: Mapping[str, Mapping[str, int]] = {
    "sd1": {"text_encoder": 768},
    "sd2": {"text_encoder": 1024},
    "sdxl": {"text_encoder": 768, "text_encoder_2": 1280},
    "sdxl-refiner": {"text_encoder_2": 1280},
}
"""Widths of its text encoders' states."""

BITS = {"F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "U8": 8, "I8": 8, "I32": 32, "F4": 4}
CROSS, PLAIN = "CrossAttnDownBlock2D", "DownBlock2D"


def write(path: Path, shapes: Shapes, dtypes: Mapping[str, str] | None = None) -> Path:
    """Write a safetensors file of zeros. dtypes: of tensors by name; the others are F16."""
    header: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        dtype = (dtypes or {}).get(name, "F16")
        start, end = end, end + torch.Size(shape).numel() * BITS[dtype] // 8
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    return path


def checkpoint(family: str, beside: int = 0, told: int = 0) -> Shapes:
    """A whole checkpoint. beside: channels behind the latent's own; told: numbers that an unCLIP model is told."""
    found = {**unet(family, beside, told), **vae()}
    prefixes = PREFIXES.get(family, {"cond_stage_model.transformer.text_model.": "text_encoder"})
    for prefix, part in prefixes.items():
        found |= text_encoder(TEXTS[family][part], prefix)
    return found


@cache
def unet_module(family: str, beside: int = 0, told: int = 0) -> UNet2DConditionModel:
    """A family's U-Net on the meta device."""
    config: dict[str, Any] = {"use_linear_projection": family != "sd1", "attention_head_dim": 8}
    if family.startswith("sdxl"):
        config |= {"addition_embed_type": "text_time", "addition_time_embed_dim": 256}
        config |= {"projection_class_embeddings_input_dim": 1280 + 256 * (6 if family == "sdxl" else 5)}
    if told:
        config |= {"class_embed_type": "projection", "projection_class_embeddings_input_dim": told}
    with torch.device("meta"):
        return UNet2DConditionModel(
            in_channels=4 + beside,
            block_out_channels=(32, 64),
            layers_per_block=1,
            down_block_types=(CROSS, PLAIN),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
            cross_attention_dim=TOKENS[family],
            **config,
        )


def unet(family: str, beside: int = 0, told: int = 0) -> Shapes:
    """A U-Net as in checkpoints."""
    found = _shapes(unet_module(family, beside, told))
    return {file: found[name] for name, file in unet_names(list(found), layers_per_block=1).items()}


def control_net(family: str) -> Shapes:
    """A ControlNet for a family's U-Net, with the names of the first ones."""
    with torch.device("meta"):
        net = ControlNetModel.from_unet(unet_module(family), conditioning_embedding_out_channels=HINTS)
    found = _shapes(net)
    names = control_names(list(found), layers_per_block=1)
    return {file.removeprefix("control_model."): found[name] for name, file in names.items()}


def adapter(channels: list[int], kind: str = "full_adapter") -> Shapes:
    """A T2I-Adapter."""
    with torch.device("meta"):
        return _shapes(T2IAdapter(3, channels, 2, 16 if kind.endswith("_xl") else 8, kind))


def picture_prompt(tokens: int, widths: tuple[int, ...], seen: int = 1024) -> Shapes:
    """A plain IP-Adapter."""
    numbers = tuple(range(1, 2 * len(widths), 2))
    config = {"kind": "plain", "seen": seen, "tokens": tokens, "count": 4, "numbers": numbers, "widths": widths}
    with torch.device("meta"):
        return _shapes(AdapterNetwork(config))


def vae(prefix: str = "first_stage_model.", channels: int = 4, levels: int = 4) -> Shapes:
    """An autoencoder. prefix: of its names; "" alone in a file. levels: one more than it halves pictures."""
    config: dict[str, Any] = {"block_out_channels": (32,) * levels, "layers_per_block": 1, "latent_channels": channels}
    config |= {"down_block_types": ("DownEncoderBlock2D",) * levels, "up_block_types": ("UpDecoderBlock2D",) * levels}
    with torch.device("meta"):
        module = AutoencoderKL(**config)
    found = _shapes(module)
    return {
        prefix + file.removeprefix("first_stage_model."): found[name] for name, file in vae_names(list(found)).items()
    }


def text_encoder(width: int, prefix: str = "text_model.") -> Shapes:
    """A CLIP text encoder: below `….model.` in OpenCLIP's layout, else in transformers'."""
    config = CLIPTextConfig(
        hidden_size=width, intermediate_size=width, num_hidden_layers=2, num_attention_heads=width // 64
    )
    with torch.device("meta"):
        module = CLIPTextModel(config)
        if width == 1280:
            module.add_module("text_projection", nn.Linear(width, width, bias=False))
    found = _shapes(module)
    if prefix == "text_model.":  # alone in a file, the projection stands beside it
        return {name if name.startswith("text_projection") else prefix + name: shape for name, shape in found.items()}
    if not prefix.endswith(".model."):
        return {file: found[name] for name, file in text_names(list(found), prefix).items()}
    places = open_clip_places(list(found), prefix)
    return {
        place.name: found[name] if place.third is None else (3 * found[name][0], *found[name][1:])
        for name, place in places.items()
    }


def vision(width: int, projection: int) -> Shapes:
    """What of CLIP sees pictures."""
    config = CLIPVisionConfig(
        hidden_size=width, intermediate_size=width, num_hidden_layers=2, num_attention_heads=width // 64,
        image_size=28, patch_size=14, projection_dim=projection,
    )  # fmt: skip
    with torch.device("meta"):
        return _shapes(CLIPVisionModelWithProjection(config))


def style(width: int, tokens: int) -> Shapes:
    """A style model. width: of the states that it takes; tokens: of what it gives."""
    with torch.device("meta"):
        return _shapes(StyleNetwork(width, 8, tokens, 1, 8))


def lora(layers: Mapping[str, tuple[int, int]], rank: int = 4, ending: str = "weight") -> Shapes:
    """A LoRA in kohya's spelling. layers: (out, in) by stem."""
    found: dict[str, tuple[int, ...]] = {}
    for stem, (out, taken) in layers.items():
        found |= {f"{stem}.lora_down.{ending}": (rank, taken), f"{stem}.lora_up.{ending}": (out, rank)}
        found |= {f"{stem}.alpha": ()}
    return found


def _shapes(module: nn.Module) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
