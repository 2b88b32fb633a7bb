"""Tiny models of Stable Diffusion 1's structure with seeded random weights, written as the files people have.

One original-layout checkpoint is about 13 MB in float32: CLIP's real vocabulary at width 64 is most of it.
"""

import json
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from diffusion.architectures import AutoencoderKL, CLIPTextConfig, CLIPTextModel, UNet2DConditionModel
from diffusion.loading import put
from diffusion.original_layout import text_names, unet_names, vae_names
from diffusion.packing import packed

WIDTHS = (32, 64)
TEXT_WIDTH = 64

M = TypeVar("M", bound=nn.Module)


def tiny_unet(seed: int = 0, in_channels: int = 4) -> UNet2DConditionModel:
    """Two levels, the deeper one without attention as in SD 1; eight heads."""
    return seeded(
        UNet2DConditionModel(
            sample_size=16,
            in_channels=in_channels,
            block_out_channels=WIDTHS,
            layers_per_block=1,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
            cross_attention_dim=TEXT_WIDTH,
            attention_head_dim=8,
        ),
        seed,
    )


def all_packed(module: M) -> M:
    """A module with all its convolutions packed, as loading leaves it on a processor in bfloat16."""
    for name in [name for name, _ in module.named_modules()]:
        if (other := packed(module.get_submodule(name))) is not module.get_submodule(name):
            put(module, name, other)
    return module


def tiny_vae(seed: int = 0, factor: int = 8) -> AutoencoderKL:
    """One level more than `factor` has halvings, 32 channels each."""
    levels = factor.bit_length()
    return seeded(
        AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=(32,) * levels,
            layers_per_block=1,
            latent_channels=4,
            sample_size=64,
        ),
        seed + 1,
    )


def tiny_text_encoder(seed: int = 0, layers: int = 3) -> CLIPTextModel:
    """CLIP's vocabulary and 77 positions, one head of 64."""
    config = CLIPTextConfig(
        hidden_size=TEXT_WIDTH,
        intermediate_size=4 * TEXT_WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=1,
        pad_token_id=49407,
    )
    return seeded(CLIPTextModel(config), seed + 2)


def vae_tensors(seed: int = 0, factor: int = 8) -> dict[str, Tensor]:
    """The tensors of the autoencoder by their original names."""
    vae = tiny_vae(seed, factor).state_dict()
    return {file: _as_original(file, vae[name]) for name, file in vae_names(list(vae)).items()}


def tiny_tensors(
    seed: int = 0, factor: int = 8, dtype: torch.dtype = torch.float32, in_channels: int = 4
) -> dict[str, Tensor]:
    """The tensors of a whole tiny checkpoint in the original layout."""
    unet, text = tiny_unet(seed, in_channels).state_dict(), tiny_text_encoder(seed).state_dict()
    tensors = {file: unet[name] for name, file in unet_names(list(unet), layers_per_block=1).items()}
    tensors |= {file: text[name] for name, file in text_names(list(text)).items()}
    tensors |= vae_tensors(seed, factor)
    return {name: tensor.to(dtype).contiguous() for name, tensor in tensors.items()}


def write_tiny_checkpoint(
    path: Path, seed: int = 0, factor: int = 8, dtype: torch.dtype = torch.float32, in_channels: int = 4
) -> Path:
    """Write a checkpoint in the original layout. What its shapes cannot say is in its metadata, as
    `noisewright.config`.
    """
    config = {
        "family": "sd1",
        "unet": {"attention_heads": 8},
        "text_encoder": {"attention_heads": 1},
        "default_size": 64,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tiny_tensors(seed, factor, dtype, in_channels), path, metadata={"noisewright.config": json.dumps(config)})
    return path


def write_tiny_diffusers_folder(path: Path, seed: int = 0, factor: int = 8) -> Path:
    """Write the same model as a diffusers folder: model_index.json with unet, vae and text_encoder."""
    path.mkdir(parents=True, exist_ok=True)
    tiny_unet(seed).save_pretrained(path / "unet")
    tiny_vae(seed, factor).save_pretrained(path / "vae")
    tiny_text_encoder(seed).save_pretrained(path / "text_encoder")
    index = {
        "_class_name": "StableDiffusionPipeline",
        "text_encoder": ["transformers", "CLIPTextModel"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (path / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    return path


def seeded(module: M, seed: int) -> M:
    """Fill a module: matrices N(0, 1/fan_in), norms near 1, everything else N(0, 0.02²). Ready to compare with."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in module.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if weight.ndim >= 2:
            fan_in = weight[0].numel() if "embedding.weight" not in name else 2500
            weight.data = noise / fan_in**0.5
        else:
            weight.data = 0.02 * noise + (1 if "norm" in name and name.endswith("weight") else 0)
    return module.eval().requires_grad_(False)


def _as_original(name: str, tensor: Tensor) -> Tensor:
    """The original autoencoder attends with 1×1 convolutions."""
    return tensor[:, :, None, None] if ".attn_1." in name and tensor.ndim == 2 else tensor
