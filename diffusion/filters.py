"""Filters of pictures [B, H, W, C]: blurring, sharpening, noise. Every channel is filtered, alpha too."""

from dataclasses import replace

import torch
from torch import Tensor

from diffusion.pictures import levelled, relevelled
from diffusion.smoothing import blurred
from diffusion.values import Image


def blur(image: Image, radius: int, sigma: float) -> Image:
    """Gaussian smoothing: a picture goes on beyond its edges as in a mirror.

    radius: in pixels; what is farther away counts nothing. sigma: of the Gaussian, in parts of the radius.
    """
    return replace(image, pixels=_soft(image.pixels, radius, sigma))


def sharpened(image: Image, radius: int, sigma: float, alpha: float) -> Image:
    """Unsharp masking: x + 10 · alpha · (x − blurred x), clipped to the range. radius, sigma: as in `blur`."""
    pixels = levelled(image)
    sharp = pixels + 10 * alpha * (pixels - _soft(pixels, radius, sigma))
    return replace(image, pixels=relevelled(image, sharp.clamp(0, 1)))


def noisy(image: Image, seed: int, strength: float) -> Image:
    """A picture plus `strength` times standard normal noise, clipped to its range. One seed gives one noise."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(image.pixels.shape, generator=generator)
    return replace(image, pixels=relevelled(image, (levelled(image) + strength * noise).clamp(0, 1)))


def mirrored(planes: Tensor, margin: int) -> Tensor:
    """Planes [B, C, H, W] with `margin` pixels more on each side, mirrored in the edges, as often as that takes."""
    for axis in (2, 3):
        length = planes.shape[axis]
        period = max(1, 2 * length - 2)
        places = torch.arange(-margin, length + margin) % period
        planes = planes.index_select(axis, torch.minimum(places, period - places))
    return planes


def _soft(pixels: Tensor, radius: int, sigma: float) -> Tensor:
    planes = blurred(mirrored(pixels.movedim(-1, 1), radius), radius * sigma, radius)
    return planes[:, :, radius:-radius, radius:-radius].movedim(1, -1).contiguous()
