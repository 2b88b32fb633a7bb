"""Small pictures for models that enlarge them: shown beside the noisy latent, pixel for pixel, under noise that the
model is told (Ho et al. 2022, "Cascaded Diffusion Models", §4.2, "conditioning augmentation").
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from diffusion.context import Inputs
from diffusion.families.sd_x4_upscaler import BETAS, HIGHEST_LEVEL
from diffusion.latents import empty
from diffusion.prediction import discrete_sigmas
from diffusion.regions import repeat_items
from diffusion.resize import resize
from diffusion.unclip import SEED_OFFSET
from diffusion.vae import in_colour
from diffusion.values import Conditioning, ConditioningEntry, Image, Latent, Model, Shown


def to_enlarge(image: Image, scale: float, noise: float) -> tuple[Shown, Latent]:
    """What a model that enlarges is shown of pictures [B, H, W, C], and an empty latent `scale` times their size,
    rounded, at least one pixel. noise: 0..1 of the most the model knows.
    """
    batch, height, width = image.pixels.shape[:3]
    wide, high = (max(1, round(side * scale)) for side in (width, height))
    return Shown(in_colour(image) * 2 - 1, noise=noise), empty(wide, high, batch)


def noised(conditioning: Conditioning, takes: Inputs, shape: Sequence[int], model: Model, seed: int) -> Conditioning:
    """The conditioning for a run with latents of `shape` [B, C, H, W]: what entries show is as large as the latent and
    under noise, for a model that enlarges; for another one, it is left as it is.

    seed: of the run. Raises ValueError, naming both sides, for pictures that the model cannot be shown.
    """
    if not takes.beside:
        return conditioning
    return Conditioning(tuple(_noised(entry, takes, shape, model, seed) for entry in conditioning.entries))


def level_of(noise: float) -> int:
    """The noise level, of 1000, that a share of the most that the model knows is."""
    return round(HIGHEST_LEVEL * noise)


def under_noise(picture: Tensor, level: int, noise: Tensor) -> Tensor:
    """A picture of the same shape as the noise at a noise level: Ho et al. 2020, eq. 4."""
    kept = 1 / (discrete_sigmas(*BETAS)[level] ** 2 + 1)
    return kept.sqrt() * picture + (1 - kept).sqrt() * noise


def _noised(
    entry: ConditioningEntry, takes: Inputs, shape: Sequence[int], model: Model, seed: int
) -> ConditioningEntry:
    batch, channels, height, width = shape
    name, shown = Path(model.file.path).name, entry.shown
    if not takes.levels:
        if shown is not None and shown.samples.shape[1] != channels:
            raise ValueError(
                f"The conditioning shows a picture to be enlarged (SD_4XUpscale_Conditioning), but the model '{name}' "
                "does not enlarge pictures: it is shown one in latents. Load an x4 upscaler."
            )
        return entry
    if shown is None or shown.samples.shape[1] != takes.beside:
        raise ValueError(
            f"The model '{name}' enlarges pictures: it must be shown one"
            f"{'' if shown is None else ', in pixels, not as a latent'}. Connect its conditionings through "
            "SD_4XUpscale_Conditioning."
        )
    level = level_of(shown.noise)
    picture = repeat_items(resize(shown.samples, height, width, "bilinear", crop="center"), batch)
    drawn = torch.randn(picture.shape, generator=torch.Generator().manual_seed(seed + SEED_OFFSET))
    told = torch.full((1, 1), float(level))
    return replace(entry, shown=Shown(under_noise(picture, level, drawn)), classes=told)
