"""Tiny models of the structures of SDXL, its refiner and Stable Diffusion 2, with seeded random weights, written as the
files people have: the twins of `tests.diffusion.tiny`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from diffusion.architectures import CLIPTextModel, UNet2DConditionModel
from diffusion.original_layout import open_clip_places, text_names, unet_names
from tests.diffusion.tiny import seeded, tiny_vae, vae_tensors

WIDTHS = (64, 128)
L_WIDTH, G_WIDTH, POOLED = 64, 128, 96
"""Widths of the states of the two text encoders, and of the larger one's projection."""


@dataclass(frozen=True)
class Tiny:
    """A model's networks, as diffusers and transformers have them."""

    name: str
    unet: UNet2DConditionModel
    texts: Mapping[str, nn.Module]
    factor: int = 8

    def write(self, path: Path, dtype: torch.dtype = torch.float32, **config: Any) -> Path:
        """Write it as one file in the original layout. config: what is to stand in the metadata besides."""
        heads = {part: {"attention_heads": 2} for part in self.texts}
        said = {"unet": {"attention_heads": [2, 4]}, **heads, **config}
        tensors = {name: tensor.to(dtype).contiguous() for name, tensor in self.tensors().items()}
        save_file(tensors, path, metadata={"noisewright.config": json.dumps(said)})
        return path

    def tensors(self) -> dict[str, Tensor]:
        """Its tensors by the original names."""
        unet = self.unet.state_dict()
        found = {file: unet[name] for name, file in unet_names(list(unet), layers_per_block=1).items()}
        for prefix, part in PREFIXES[self.name].items():
            found |= text_tensors(self.texts[part], prefix)
        return found | vae_tensors(factor=self.factor)

    def write_folder(self, path: Path, **scheduler: Any) -> Path:
        """Write it as a diffusers folder. scheduler: its configuration."""
        for part, module in {"unet": self.unet, "vae": tiny_vae(factor=self.factor), **self.texts}.items():
            module.save_pretrained(path / part)
        (path / "model_index.json").write_text("{}", encoding="utf-8")
        (path / "scheduler").mkdir()
        (path / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler), encoding="utf-8")
        return path


PREFIXES: Mapping[str, Mapping[str, str]] = {
    "sdxl": {
        "conditioner.embedders.0.transformer.text_model.": "text_encoder",
        "conditioner.embedders.1.model.": "text_encoder_2",
    },
    "sdxl-refiner": {"conditioner.embedders.0.model.": "text_encoder_2"},
    "sd2": {"cond_stage_model.model.": "text_encoder"},
    "sd-x4-upscaler": {"cond_stage_model.model.": "text_encoder"},
}


def text_tensors(module: nn.Module, prefix: str) -> dict[str, Tensor]:
    """A text encoder's tensors by original names: below `….model.` in OpenCLIP's layout, else in transformers'."""
    weights = module.state_dict()
    if not prefix.endswith(".model."):
        return {file: weights[name] for name, file in text_names(list(weights), prefix).items()}
    found: dict[str, Tensor] = {f"{prefix}logit_scale": torch.ones(())}
    thirds: dict[str, dict[int, Tensor]] = {}
    for name, place in open_clip_places(list(weights), prefix).items():
        if place.third is None:
            found[place.name] = weights[name].T if place.transposed else weights[name]
        else:
            thirds.setdefault(place.name, {})[place.third] = weights[name]
    return found | {name: torch.cat([parts[third] for third in range(3)]) for name, parts in thirds.items()}


def tiny_sdxl(in_channels: int = 4) -> Tiny:
    """Two levels, the deeper one with two transformer layers, as SDXL has ten there."""
    texts = {"text_encoder": _clip(L_WIDTH, "quick_gelu", 11), "text_encoder_2": _big_clip()}
    return Tiny("sdxl", _unet(L_WIDTH + G_WIDTH, POOLED + 6 * 256, in_channels), texts)


def tiny_refiner() -> Tiny:
    """Attends to the larger text encoder's states alone; its pooled state is as wide."""
    return Tiny("sdxl-refiner", _unet(G_WIDTH, G_WIDTH + 5 * 256), {"text_encoder_2": _big_clip(G_WIDTH)})


def tiny_sd2() -> Tiny:
    """Linear layers before and after attention, OpenCLIP's text encoder."""
    return Tiny("sd2", _unet(G_WIDTH, None), {"text_encoder": _clip(G_WIDTH, "gelu", 13)})


def tiny_x4_upscaler() -> Tiny:
    """Sees three channels beside the latent and is told a class; the upper of two levels attends to tokens alone."""
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=7,
        block_out_channels=WIDTHS,
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2,
        cross_attention_dim=G_WIDTH,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        only_cross_attention=(True, False),
        num_class_embeds=1000,
    )
    return Tiny("sd-x4-upscaler", seeded(unet, 14), {"text_encoder": _clip(G_WIDTH, "gelu", 13)}, factor=4)


def _unet(tokens: int, told: int | None, in_channels: int = 4) -> UNet2DConditionModel:
    sizes = {"addition_embed_type": "text_time", "addition_time_embed_dim": 256}
    return seeded(
        UNet2DConditionModel(
            sample_size=16,
            in_channels=in_channels,
            block_out_channels=WIDTHS,
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D")
            if told
            else ("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D") if told else ("UpBlock2D", "CrossAttnUpBlock2D"),
            cross_attention_dim=tokens,
            attention_head_dim=(2, 4),
            transformer_layers_per_block=(1, 2) if told else 1,
            use_linear_projection=True,
            projection_class_embeddings_input_dim=told,
            **(sizes if told else {}),
        ),
        10,
    )


def _clip(width: int, activation: str, seed: int, layers: int = 3) -> CLIPTextModel:
    return seeded(CLIPTextModel(_text_config(width, activation, layers)), seed)


def _big_clip(projection: int = POOLED) -> CLIPTextModelWithProjection:
    return seeded(CLIPTextModelWithProjection(_text_config(G_WIDTH, "gelu", 3, projection)), 12)


def _text_config(width: int, activation: str, layers: int, projection: int = 512) -> CLIPTextConfig:
    return CLIPTextConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        hidden_act=activation,
        projection_dim=projection,
        bos_token_id=49406,
        eos_token_id=49407,
    )
