"""Smoothing planes [B, C, H, W] with weights that are the same along rows and columns and to both sides."""

import math
from collections.abc import Sequence
from typing import Literal

from torch import Tensor
from torch.nn import functional

Edges = Literal["replicate", "reflect"]
"""What lies beyond the edges: the pixel on the edge again, or the picture mirrored, without that pixel."""


def smoothed(planes: Tensor, weights: Sequence[float], edges: Edges = "replicate") -> Tensor:
    """Weighted means along columns, then along rows.

    planes: float [B, C, H, W]. weights: [n + 1], of a pixel itself and of those 1 to n away on either side; they are
    made to sum to 1. edges: mirrored ones need more pixels than n. Same shape; every pixel is summed in the same order,
    so that equal neighbourhoods give equal bits, and zeros stay zeros.
    """
    total = weights[0] + 2 * sum(weights[1:])
    shares = [weight / total for weight in weights]
    return _along(_along(planes, 2, shares, edges), 3, shares, edges)


def blurred(planes: Tensor, sigma: float, radius: int | None = None, edges: Edges = "replicate") -> Tensor:
    """Gaussian smoothing of float [B, C, H, W]; sigma, radius: in pixels.

    The Gaussian is taken at whole pixels and cut beyond `radius`, by default 3 sigma. Sigma 0 changes nothing.
    """
    if sigma == 0:
        return planes
    radius = math.ceil(3 * sigma) if radius is None else radius
    return smoothed(planes, [math.exp(-0.5 * (distance / sigma) ** 2) for distance in range(radius + 1)], edges)


def _along(planes: Tensor, axis: int, shares: Sequence[float], edges: Edges) -> Tensor:
    radius, length = len(shares) - 1, planes.shape[axis]
    margins = (0, 0, radius, radius) if axis == 2 else (radius, radius, 0, 0)
    padded = functional.pad(planes, margins, mode=edges)
    total = planes * shares[0]
    for distance, share in enumerate(shares[1:], start=1):
        before = padded.narrow(axis, radius - distance, length)
        after = padded.narrow(axis, radius + distance, length)
        total += (before + after) * share
    return total
