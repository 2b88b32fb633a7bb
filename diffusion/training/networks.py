"""Sprout's three networks: Stable Diffusion 1's structure in miniature, as diffusers and transformers build it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import torch
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn

from diffusion.architectures import (
    AutoencoderKL,
    CLIPTextConfig,
    CLIPTextModel,
    ControlNetModel,
    UNet2DConditionModel,
)
from diffusion.precision import native_bf16

__all__ = [
    "HEADS",
    "Hued",
    "Painter",
    "Speller",
    "autocast",
    "autoencoder",
    "decoded",
    "denoiser",
    "moments",
    "plainly_attending",
    "seeded",
    "text_encoder",
    "unet",
]

HEADS = 8
"""Heads of every attention in the U-Net."""
VOCABULARY = 49408
POSITIONS = 77
BEGIN, END = 49406, 49407

Attending = TypeVar("Attending", AutoencoderKL, UNet2DConditionModel, ControlNetModel)


def autoencoder(widths: tuple[int, ...] = (32, 64, 96)) -> AutoencoderKL:
    """RGB in -1..1 [B, 3, H, W] <-> latents [B, 4, H/4, W/4] for three widths (each further one halves again)."""
    model = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * len(widths),  # pyright: ignore[reportArgumentType] — declared tuple[str], meant as any length
        up_block_types=("UpDecoderBlock2D",) * len(widths),  # pyright: ignore[reportArgumentType] — declared tuple[str], meant as any length
        block_out_channels=widths,  # pyright: ignore[reportArgumentType] — declared tuple[int], meant as any length
        layers_per_block=1,
        latent_channels=4,
        sample_size=64,
    )
    return plainly_attending(model)


def plainly_attending(model: Attending) -> Attending:
    """The network with its attention written out: the fused kernel's backward is several times slower for narrow heads
    on a CPU.
    """
    model.set_attn_processor(AttnProcessor())
    return model


def moments(model: AutoencoderKL, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and logarithm of the variance of the latents of pictures in -1..1, float32 [B, 4, H/4, W/4] each."""
    posterior = cast(Any, model).encode(pictures).latent_dist  # diffusers declares the tuple that it gives on request
    return posterior.mean.float(), posterior.logvar.float()


def decoded(model: AutoencoderKL, latents: Tensor) -> Tensor:
    """Pictures around -1..1 of latents in the autoencoder's own scale, float32 [B, 3, 4H, 4W]."""
    return cast(Any, model).decode(latents).sample.float()


def text_encoder(width: int = 128, layers: int = 4) -> CLIPTextModel:
    """CLIP's text model with its own vocabulary: tokens [B, 77] -> states [B, 77, width]."""
    config = CLIPTextConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // 64),
        max_position_embeddings=POSITIONS,
        hidden_act="quick_gelu",
        bos_token_id=BEGIN,
        eos_token_id=END,
        pad_token_id=END,
    )
    model = CLIPTextModel(config)
    model.set_attn_implementation("eager")  # the fused kernel's backward is slower on a CPU
    return model


def unet(
    widths: tuple[int, ...] = (64, 96, 96),
    attends: tuple[bool, ...] = (False, True, True),
    context: int = 128,
    layers: int = 1,
) -> UNet2DConditionModel:
    """The network that predicts noise: x [B, 4, h, w], timesteps [B], context [B, 77, C] -> epsilon [B, 4, h, w].

    attends: per level, shallowest first, whether it holds transformers (the middle always does).
    """
    down = tuple("CrossAttnDownBlock2D" if at else "DownBlock2D" for at in attends)
    up = tuple("CrossAttnUpBlock2D" if at else "UpBlock2D" for at in reversed(attends))
    model = UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=down,
        up_block_types=up,
        block_out_channels=widths,
        layers_per_block=layers,
        cross_attention_dim=context,
        attention_head_dim=HEADS,  # diffusers means the number of heads
    )
    return plainly_attending(model)


class Hued(nn.Module):
    """An autoencoder in training, with a throw-away linear head that reads colours from latents."""

    def __init__(self, model: AutoencoderKL) -> None:
        super().__init__()
        self.autoencoder = model
        self.colour = nn.Conv2d(model.config["latent_channels"], 3, 1)


class Painter(nn.Module):
    """The decoding half of an autoencoder, under the autoencoder's own names for its weights."""

    def __init__(self, model: AutoencoderKL) -> None:
        super().__init__()
        self.post_quant_conv = cast(nn.Conv2d, model.post_quant_conv)
        self.decoder = model.decoder

    def forward(self, latents: Tensor) -> Tensor:
        """As `decoded`."""
        return self.decoder(self.post_quant_conv(latents)).float()


class Speller(nn.Module):
    """A text encoder in training, with a throw-away linear head that reads `values` numbers from each state."""

    def __init__(self, model: CLIPTextModel, values: int) -> None:
        super().__init__()
        self.encoder = model
        self.head = nn.Linear(model.config.hidden_size, values)

    def forward(self, ids: Tensor, count: int) -> Tensor:
        """What the states of the last `count` positions say: tokens [B, T] -> [B, count, values]."""
        return self.head(self.encoder(ids).last_hidden_state[:, -count:])


def denoiser(unet: UNet2DConditionModel) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The U-Net as a function (x, timesteps, context) -> epsilon, computed in half precision."""

    def predict(x: Tensor, timesteps: Tensor, context: Tensor) -> Tensor:
        with autocast():
            return unet(x, timesteps, context).sample

    return predict


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within it, initial weights come from `seed`: constructors draw from the global generator, put back after."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def autocast() -> torch.autocast:
    """Training's precision: products in bfloat16 on a processor made for them; weights stay float32."""
    return torch.autocast("cpu", torch.bfloat16, enabled=bool(native_bf16()))
