"""What each kind of network needs in memory, counted from its real architecture: the table of docs/models.md.

    python -m benchmarks.memory_table

Networks are built without weights and their parameters counted. What a call takes is the estimate that a budget goes
by, `diffusion.activations`, at the usual size, in 16 bits. The least budget is the largest layer that comes and goes on
a processor, in 16 bits, beside a call with one picture; what comes whole is there with all its weights.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from benchmarks.sd15_checkpoint import TEXT, UNET, VAE
from benchmarks.sdxl_memory import CLIP_G
from benchmarks.sdxl_memory import UNET as XL
from diffusion.activations import coding_bytes, denoising_bytes, enlarging_bytes
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
from diffusion.budget import said
from diffusion.ip_adapter import AdapterNetwork
from diffusion.streaming import layers_of
from diffusion.upscalers.compact import CompactNet
from diffusion.upscalers.esrgan import RRDBNet

HALF, FULL = 2, 4
"""Bytes of a number in 16 and in 32 bits."""

GUIDED = 2
"""Rows of a call: a prompt and a negative one."""

FACTOR = 8
"""Pixels of a latent pixel's side."""

SD15: dict[str, Any] = {**UNET}
CODER: dict[str, Any] = {**VAE}
CLIP_L: dict[str, Any] = {**TEXT}
SD2: dict[str, Any] = SD15 | {
    "cross_attention_dim": 1024, "attention_head_dim": (5, 10, 20, 20), "use_linear_projection": True,
}  # fmt: skip
REFINER: dict[str, Any] = {
    "block_out_channels": (384, 768, 1536, 1536),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": 4,
    "attention_head_dim": (6, 12, 24, 24),
    "cross_attention_dim": 1280,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2560,
}
CLIP_H: dict[str, Any] = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 23,
    "num_attention_heads": 16,
}
VISION_H: dict[str, Any] = {
    "hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 16,
    "patch_size": 14, "projection_dim": 1024,
}  # fmt: skip
VISION_G: dict[str, Any] = VISION_H | {
    "hidden_size": 1664, "intermediate_size": 8192, "num_hidden_layers": 48, "projection_dim": 1280,
}  # fmt: skip
ESRGAN: dict[str, Any] = {"channels": 3, "width": 64, "growth": 32, "blocks": 23, "doublings": 2}
COMPACT: dict[str, Any] = {"channels": 3, "width": 64, "layers": 32, "scale": 4}
TILE, LEAST_TILE, LEAST_CODED = 512, 64, 128
"""Pixels a side: of an upscaling model's tiles, of its smallest ones, of the smallest in which pictures are coded."""

RANK = 16


@dataclass(frozen=True)
class Needs:
    """A line of the table. largest: numbers in the largest layer. call, least_call: bytes at the usual size and at the
    least that is tried, in 16 bits; 0: less than is considered. streams: whether its layers may come and go.
    """

    name: str
    parameters: int
    largest: int
    usual: str = ""
    call: int = 0
    least_call: int = 0
    streams: bool = True

    @property
    def least(self) -> int:
        """The least budget in bytes."""
        return HALF * (self.largest if self.streams else self.parameters) + self.least_call

    def line(self) -> str:
        """As the table has it."""
        call = f"{said(self.call)} ({self.usual})" if self.usual else "little"
        least = said(self.least) if self.least else "with its model"
        halves = " | ".join(said(size * self.parameters) for size in (HALF, FULL))
        return f"| {self.name} | {self.parameters / 1e6:,.0f} M | {halves} | {call} | {least} |"


def needs() -> Iterator[Needs]:
    """All lines, in order."""
    with torch.device("meta"):
        yield _unet("U-Net of Stable Diffusion 1.5", UNet2DConditionModel(**SD15), SD15, 512)
        painter: dict[str, Any] = SD15 | {"in_channels": 9}
        yield _unet("the same for inpainting", UNet2DConditionModel(**painter), painter, 512)
        yield _unet("U-Net of Stable Diffusion 2", UNet2DConditionModel(**SD2), SD2, 768)
        yield _unet("U-Net of SDXL", UNet2DConditionModel(**XL), XL, 1024)
        painter = XL | {"in_channels": 9}
        yield _unet("the same for inpainting", UNet2DConditionModel(**painter), painter, 1024)
        yield _unet("U-Net of SDXL's refiner", UNet2DConditionModel(**REFINER), REFINER, 1024)
        yield _counted("text encoder CLIP L", CLIPTextModel(CLIPTextConfig(**CLIP_L)))
        yield _counted("text encoder OpenCLIP H", CLIPTextModel(CLIPTextConfig(**CLIP_H)))
        projected = CLIPTextModel(CLIPTextConfig(**CLIP_G))
        projected.add_module("text_projection", nn.Linear(1280, 1280, bias=False))
        yield _counted("text encoder OpenCLIP bigG", projected)
        yield _vae("autoencoder, 512 × 512", 512)
        yield _vae("autoencoder, 1024 × 1024", 1024)
        yield _unet("ControlNet for Stable Diffusion 1.5", ControlNetModel(**_shared(SD15)), SD15, 512)
        yield _unet("ControlNet for SDXL", ControlNetModel(**_shared(XL)), XL, 1024)
        for name, factor, kind in (("Stable Diffusion 1", 8, "full_adapter"), ("SDXL", 16, "full_adapter_xl")):
            adapter = T2IAdapter(3, [320, 640, 1280, 1280], 2, factor, kind)
            yield _counted(f"T2I-Adapter for {name}", adapter, streams=False)
        for name, config in (("Stable Diffusion 1", SD15), ("SDXL", XL)):
            yield _counted(f"IP-Adapter for {name}", _ip_adapter(config), streams=False)
        for name, config in (("H", VISION_H), ("bigG", VISION_G)):
            model = CLIPVisionModelWithProjection(CLIPVisionConfig(**config))
            yield _counted(f"CLIP vision {name}", model)
        yield _upscaler("ESRGAN ×4", "esrgan", RRDBNet(**ESRGAN), ESRGAN)
        yield _upscaler("compact upscaling model ×4", "compact", CompactNet(**COMPACT), COMPACT)
        yield Needs(f"LoRA of rank {RANK}, SD 1.5", _lora(UNet2DConditionModel(**SD15)), 0)
        yield Needs(f"LoRA of rank {RANK}, SDXL", _lora(UNet2DConditionModel(**XL)), 0)


def _counted(name: str, module: nn.Module, *, streams: bool = True, **call: Any) -> Needs:
    total = sum(weight.numel() for weight in module.parameters())
    weights = dict(module.named_parameters())
    layers = layers_of(module, lambda leaf: weights[leaf].numel())
    return Needs(name, total, max(layer.nbytes for layer in layers), streams=streams, **call)


def _unet(name: str, module: nn.Module, config: Mapping[str, Any], side: int) -> Needs:
    latent = side // FACTOR
    both, one = (denoising_bytes(config, rows, latent, latent, HALF) for rows in (GUIDED, 1))
    return _counted(name, module, usual=f"{GUIDED} × {side} × {side}", call=both, least_call=one)


def _vae(name: str, side: int) -> Needs:
    whole, tile = (coding_bytes(CODER, pixels * pixels, HALF) for pixels in (side, LEAST_CODED))
    return _counted(name, AutoencoderKL(**CODER), usual=f"{side} × {side}", call=whole, least_call=tile)


def _upscaler(name: str, kind: str, module: nn.Module, config: Mapping[str, Any]) -> Needs:
    of = {"architecture": kind, **config}
    whole, tile = (enlarging_bytes(of, side * side, HALF) for side in (TILE, LEAST_TILE))
    return _counted(name, module, streams=False, usual=f"a tile of {TILE} × {TILE}", call=whole, least_call=tile)


def _shared(unet: Mapping[str, Any]) -> dict[str, Any]:
    """What a ControlNet's configuration has of its U-Net's."""
    return {name: value for name, value in unet.items() if name not in ("sample_size", "up_block_types")}


def _ip_adapter(config: Mapping[str, Any]) -> nn.Module:
    """The plain kind, for CLIP vision H."""
    unet: Any = UNet2DConditionModel(**config)
    tokens = config["cross_attention_dim"]
    widths = [layer.to_k.out_features for name, layer in unet.named_modules() if name.endswith(".attn2")]
    return AdapterNetwork({
        "kind": "plain", "seen": 1024, "tokens": tokens, "count": 4, "numbers": tuple(range(len(widths))),
        "widths": widths,
    })  # fmt: skip


def _lora(unet: nn.Module) -> int:
    """Numbers of a LoRA of all linear layers in transformers, and of what stands before and behind them."""
    layers = (layer for name, layer in unet.named_modules() if ".attentions." in name)
    return sum(RANK * (layer.weight.shape[0] + layer.weight.shape[1])
               for layer in layers if isinstance(layer, nn.Linear | nn.Conv2d))  # fmt: skip


def table() -> list[str]:
    """The lines of the table."""
    head = "| network | parameters | 16 bits | 32 bits | a call, 16 bits | least `--memory`, 16 bits |"
    return [head, "|---|---|---|---|---|---|", *(each.line() for each in needs())]


if __name__ == "__main__":
    print("\n".join(table()))
