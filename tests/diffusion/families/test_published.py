"""The published models by the shapes of their tensors alone: built anew from what is read, they are what they were."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from diffusion.architectures import AutoencoderKL, CLIPTextConfig, CLIPTextModel, UNet2DConditionModel
from diffusion.families import families
from diffusion.header import Header, TensorInfo
from diffusion.loading import build, find
from diffusion.original_layout import open_clip_places, text_names, unet_names, vae_names
from tests.diffusion.tiny_families import PREFIXES

CROSS, PLAIN = "CrossAttnDownBlock2D", "DownBlock2D"
UP = {CROSS: "CrossAttnUpBlock2D", PLAIN: "UpBlock2D"}
CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
CLIP_H = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
CLIP_G = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20}
CLIP_G |= {"projection_dim": 1280}
VAE = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2}
VAE |= {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
SMALL_VAE = {"block_out_channels": (128, 256, 512), "layers_per_block": 2}
SMALL_VAE |= {"down_block_types": ("DownEncoderBlock2D",) * 3, "up_block_types": ("UpDecoderBlock2D",) * 3}


def unet_config(widths: tuple[int, ...], kinds: tuple[str, ...], depths: Any, **config: Any) -> dict[str, Any]:
    return {
        "block_out_channels": widths,
        "down_block_types": kinds,
        "up_block_types": tuple(UP[kind] for kind in reversed(kinds)),
        "transformer_layers_per_block": depths,
        "attention_head_dim": tuple(width // 64 for width in widths),
        "use_linear_projection": True,
        **config,
    }


def sizes(told: int) -> dict[str, Any]:
    return {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": told,
    }


PUBLISHED: dict[str, tuple[dict[str, Any], dict[str, dict[str, Any]], int]] = {
    "sd2": (
        unet_config((320, 640, 1280, 1280), (CROSS, CROSS, CROSS, PLAIN), 1, cross_attention_dim=1024),
        {"text_encoder": CLIP_H},
        865_910_724,
    ),
    "sdxl": (
        unet_config((320, 640, 1280), (PLAIN, CROSS, CROSS), (1, 2, 10), cross_attention_dim=2048, **sizes(2816)),
        {"text_encoder": CLIP_L, "text_encoder_2": CLIP_G},
        2_567_463_684,
    ),
    "sdxl-refiner": (
        unet_config((384, 768, 1536, 1536), (PLAIN, CROSS, CROSS, PLAIN), 4, cross_attention_dim=1280, **sizes(2560)),
        {"text_encoder_2": CLIP_G},
        0,
    ),
    "sd-x4-upscaler": (
        unet_config((256, 512, 512, 1024), (PLAIN, CROSS, CROSS, CROSS), 1, cross_attention_dim=1024)
        | {"attention_head_dim": 8, "in_channels": 7, "num_class_embeds": 1000}
        | {"only_cross_attention": (False, True, True, False)},
        {"text_encoder": CLIP_H},
        0,
    ),
}
"""U-Net, text encoders, and the U-Net's parameters as its publisher counts them (0: not looked up)."""


def text_module(config: dict[str, Any]) -> nn.Module:
    module = CLIPTextModel(CLIPTextConfig(**config))
    if "projection_dim" in config:
        module.add_module("text_projection", nn.Linear(config["hidden_size"], config["projection_dim"], bias=False))
    return module


def shapes(family: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a published checkpoint."""
    unet_settings, texts, _ = PUBLISHED[family]
    with torch.device("meta"):
        unet = UNet2DConditionModel(**unet_settings).state_dict()
        vae = AutoencoderKL(**(SMALL_VAE if family == "sd-x4-upscaler" else VAE)).state_dict()
        encoders = {part: text_module(config).state_dict() for part, config in texts.items()}
    found = {file: tuple(unet[name].shape) for name, file in unet_names(list(unet), layers_per_block=2).items()}
    found |= {file: tuple(vae[name].shape) for name, file in vae_names(list(vae)).items()}
    for prefix, part in PREFIXES[family].items():
        weights = encoders[part]
        if not prefix.endswith(".model."):
            found |= {file: tuple(weights[name].shape) for name, file in text_names(list(weights), prefix).items()}
            continue
        for name, place in open_clip_places(list(weights), prefix).items():
            shape = tuple(weights[name].shape)
            found[place.name] = shape if place.third is None else (3 * shape[0], *shape[1:])
    return found


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_model_is_read_from_its_shapes(name: str):
    settings, texts, parameters = PUBLISHED[name]
    header = Header(
        Path("x"), "safetensors", {key: TensorInfo("F16", shape) for key, shape in shapes(name).items()}, {}
    )
    found = {family.name: family.recognise(header) for family in families().values()}
    assert [key for key, checkpoint in found.items() if checkpoint is not None] == [name]
    checkpoint = found[name]
    assert checkpoint is not None
    unet = build(checkpoint.components["unet"])
    for key, value in settings.items():
        assert unet.config[key] == value, key
    if parameters:
        assert sum(weight.numel() for weight in unet.parameters()) == parameters
    for part, config in texts.items():
        read = checkpoint.components[part].config
        assert {key: read[key] for key in config} == config
    for component in checkpoint.components.values():
        assert find(component, build(component))
