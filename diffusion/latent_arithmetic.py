"""Latents as vectors: sums, differences, multiples, and ways between two.

A second latent of another size is resized to the first's (bilinear, cropped to its shape around the centre). Batches
must be of one size, or one of them 1. Noise mask and places in the batch are the first's. What is combined with an
empty latent is combined with zeros; two empty ones stay empty. Two latents of different spaces raise ValueError.
"""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from diffusion.latents import picture_size, together
from diffusion.resize import resize
from diffusion.values import Latent


def added(first: Latent, second: Latent) -> Latent:
    """first + second."""
    return _combined(first, second, lambda one, other: one + other)


def subtracted(first: Latent, second: Latent) -> Latent:
    """first − second."""
    return _combined(first, second, lambda one, other: one - other)


def multiplied(latent: Latent, factor: float) -> Latent:
    """factor · latent."""
    picture_size(latent)
    return replace(latent, samples=latent.samples * factor)


def interpolated(first: Latent, second: Latent, ratio: float) -> Latent:
    """From the second latent (ratio 0) to the first (1), pixel by pixel: direction and length of each apart.

    A pixel is a vector over channels. Its direction is that of the mean of both directions by weight, its length the
    mean of both lengths: noise-like latents keep their contrast, which a plain mean would lower.
    """

    def between(one: Tensor, other: Tensor) -> Tensor:
        (first_way, first_length), (second_way, second_length) = _polar(one), _polar(other)
        way, _ = _polar(first_way * ratio + second_way * (1 - ratio))
        return way * (first_length * ratio + second_length * (1 - ratio))

    return _combined(first, second, between)


def _polar(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Directions and lengths over axis 1; where the length is 0, so is the direction."""
    lengths = vectors.norm(dim=1, keepdim=True)
    return vectors / lengths.masked_fill(lengths == 0, 1), lengths


def _combined(first: Latent, second: Latent, formula: Callable[[Tensor, Tensor], Tensor]) -> Latent:
    first, second = together(first, second)
    if first.empty_size is not None:
        return first
    other, size = second.samples, first.samples.shape[-2:]
    if other.shape[-2:] != size:
        other = resize(other, size[0], size[1], "bilinear", crop="center")
    return replace(first, samples=formula(first.samples, other))
