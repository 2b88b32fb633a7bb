"""Operations on latents as values: a latent can be given to them, or the way that guidance goes."""

from dataclasses import replace

import torch
from torch import Tensor

from diffusion.smoothing import blurred
from diffusion.values import Latent, LatentOperation, Sharpen, TonemapReinhard

DEVIATIONS = 5
"""How many standard deviations above the mean the length lies to which tone mapping bends."""
SHARPENING = 10
"""How much of its neighbourhood is taken from a pixel when it is sharpened with alpha 1."""


def operated(operation: LatentOperation, latent: Tensor) -> Tensor:
    """What an operation makes of a latent [B, C, H, W]. Items of a batch do not know each other.

    Raises ValueError for a latent too small for it, and TypeError for an operation of another kind.
    """
    match operation:
        case TonemapReinhard(multiplier=multiplier):
            return _tonemapped(latent, multiplier)
        case Sharpen():
            return _sharpened(latent, operation)
    raise TypeError(f"There is no operation on latents of the class {type(operation).__name__}.")


def operated_latent(operation: LatentOperation, latent: Latent) -> Latent:
    """A latent of pictures after an operation; an empty one stays empty.

    Raises ValueError as `operated` does, and for a latent that holds no pictures.
    """
    if latent.samples.ndim != 4:
        raise ValueError(f"Operations are for latents of pictures; got one of shape {list(latent.samples.shape)}.")
    return latent if latent.empty_size is not None else replace(latent, samples=operated(operation, latent.samples))


def check(operation: LatentOperation, height: int, width: int) -> None:
    """Raise ValueError where an operation cannot be done on a latent of this size."""
    if isinstance(operation, Sharpen) and operation.radius >= min(height, width):
        raise ValueError(
            f"LatentOperationSharpen: a sharpen_radius of {operation.radius} latent pixels reaches across the whole "
            f"latent of {width} × {height}. Choose at most {min(height, width) - 1}."
        )


def _tonemapped(latent: Tensor, multiplier: float) -> Tensor:
    """Lengths l of pixels' vectors as l / (1 + l / top): Reinhard et al. 2002, "Photographic Tone Reproduction for
    Digital Images", eq. 3, with top = multiplier · (mean + 5 standard deviations of all lengths).
    """
    length = latent.norm(dim=1, keepdim=True)
    axes = tuple(range(1, latent.ndim))
    top = multiplier * (length.mean(axes, keepdim=True) + DEVIATIONS * length.std(axes, keepdim=True))
    # Where all is 0 there is no top either, and 0 stays.
    return latent * torch.where(top > 0, top / (top + length), torch.zeros_like(length))


def _sharpened(latent: Tensor, operation: Sharpen) -> Tensor:
    """Unsharp masking of the directions of pixels' vectors: n + 10 · alpha · (n − blurred n), lengths as they were.

    The Gaussian is cut to a square of 2 · radius + 1 pixels; its sigma is told in radii. Edges are mirrored.
    """
    check(operation, *latent.shape[2:])
    length = latent.norm(dim=1, keepdim=True) + 1e-6
    direction = latent / length
    soft = blurred(direction, operation.sigma * operation.radius, operation.radius, "reflect")
    return length * (direction + SHARPENING * operation.alpha * (direction - soft))
