"""Sprout as it is shipped, frozen: what the recipes of smaller networks learn from and train beside."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from diffusion.architectures import AutoencoderKL, CLIPTextModel, UNet2DConditionModel
from diffusion.checkpoint import component, read_checkpoint
from diffusion.loading import load
from diffusion.tensors import Residence
from diffusion.training import networks
from diffusion.training.latents import SCALE_FACTOR
from diffusion.training.tokens import tokens

__all__ = ["CHECKPOINT", "Teacher", "read_teacher"]

CHECKPOINT = Path("models/checkpoints/sprout.safetensors")


@dataclass(frozen=True, eq=False)
class Teacher:
    """A trained model's networks in float32 on the CPU, in eval mode and without gradients."""

    unet: UNet2DConditionModel
    autoencoder: AutoencoderKL
    text: CLIPTextModel

    @torch.no_grad()
    def contexts(self, captions: Sequence[str]) -> Tensor:
        """The text encoder's states, float32 [N, 77, width]."""
        with networks.autocast():
            return self.text(tokens(captions)).last_hidden_state.float()

    @torch.no_grad()
    def latents(self, pictures: Tensor) -> Tensor:
        """Pictures [B, 3, H, W] in 0..1 → latents in model scale, float32 [B, 4, H/4, W/4]."""
        with networks.autocast():
            return networks.moments(self.autoencoder, pictures * 2 - 1)[0] * SCALE_FACTOR

    @torch.no_grad()
    def pictures(self, latents: Tensor) -> Tensor:
        """Latents in model scale [B, 4, h, w] → pictures about 0..1, float32 [B, 3, 4h, 4w]."""
        with networks.autocast():
            return networks.decoded(self.autoencoder, latents / SCALE_FACTOR) / 2 + 0.5


def read_teacher(path: Path) -> Teacher:
    """The networks of a checkpoint of Stable Diffusion 1's family.

    Raises WeightFileError as `read_checkpoint` does.
    """
    parts, place = read_checkpoint(path, str(path)), Residence(torch.device("cpu"), torch.float32)
    unet = cast(UNet2DConditionModel, load(component(parts.model.file, "unet"), place))
    autoencoder = cast(AutoencoderKL, load(component(parts.vae.file, "vae"), place))
    text = load(component(parts.text_encoder.files[0], "text_encoder", parts.text_encoder.family), place)
    unet, autoencoder = networks.plainly_attending(unet), networks.plainly_attending(autoencoder)
    return Teacher(unet, autoencoder, cast(CLIPTextModel, text))
