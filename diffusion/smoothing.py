"""Smoothing planes [B, C, H, W] with weights that are the same along rows and columns and to both sides."""

import math
from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional


def smoothed(planes: Tensor, weights: Sequence[float]) -> Tensor:
    """Weighted means along columns, then along rows.

    planes: float [B, C, H, W]. weights: [n + 1], of a pixel itself and of those 1 to n away on either side; they are
    made to sum to 1. Beyond the edges the edge holds. Same shape; every pixel is summed in the same order, so that
    equal neighbourhoods give equal bits, and zeros stay zeros.
    """
    total = weights[0] + 2 * sum(weights[1:])
    shares = [weight / total for weight in weights]
    return _along(_along(planes, 2, shares), 3, shares)


def blurred(planes: Tensor, sigma: float, radius: int | None = None) -> Tensor:
    """Gaussian smoothing of float [B, C, H, W]; sigma, radius: in pixels.

    The Gaussian is taken at whole pixels and cut beyond `radius`, by default 3 sigma. Sigma 0 changes nothing.
    """
    if sigma == 0:
        return planes
    radius = math.ceil(3 * sigma) if radius is None else radius
    return smoothed(planes, [math.exp(-0.5 * (distance / sigma) ** 2) for distance in range(radius + 1)])


def _along(planes: Tensor, axis: int, shares: Sequence[float]) -> Tensor:
    radius, length = len(shares) - 1, planes.shape[axis]
    margins = (0, 0, radius, radius) if axis == 2 else (radius, radius, 0, 0)
    padded = functional.pad(planes, margins, mode="replicate")
    total = planes * shares[0]
    for distance, share in enumerate(shares[1:], start=1):
        before = padded.narrow(axis, radius - distance, length)
        after = padded.narrow(axis, radius + distance, length)
        total += (before + after) * share
    return total
