"""Large pictures in pieces: where tiles lie, and how neighbours fade into each other where they overlap.

A network sees nothing beyond a tile's edge, so what it makes near a cut is worth less, the nearer the less.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Span:
    """A tile along one axis, from `start` up to, but without, `stop`.

    weight: float32 [scale · (stop − start)], how much each pixel of its result counts; at every place of the axis those
    of all tiles add up to 1, but for rounding.
    """

    start: int
    stop: int
    weight: Tensor


def starts(length: int, side: int, overlap: int) -> list[int]:
    """Where tiles begin along an axis: evenly, the last one ending with the axis. overlap < side."""
    if length <= side:
        return [0]
    return [*range(0, length - side, side - overlap), length - side]


def spans(length: int, side: int, overlap: int, rise: Tensor, scale: int = 1) -> list[Span]:
    """The tiles along an axis, as `starts` has them.

    rise: float32 [≤ scale · side], how the weight of a tile rises from a cut inwards; behind it, and at the ends of the
    axis, it is 1, before all is brought to a sum of 1. scale: pixels of the result for each of the axis.
    """
    begins = starts(length, side, overlap)
    side, total, weights = min(side, length), torch.zeros(length * scale), list[Tensor]()
    for start in begins:
        weight = torch.ones(side * scale)
        if start > 0:
            weight[: len(rise)] = rise
        if start + side < length:
            weight[len(weight) - len(rise) :] *= rise.flip(0)
        weights.append(weight)
        total[start * scale : (start + side) * scale] += weight
    return [
        Span(start, start + side, weight / total[start * scale : (start + side) * scale])
        for start, weight in zip(begins, weights, strict=True)
    ]


def in_tiles(
    compute: Callable[[Tensor], Tensor], picture: Tensor, side: int, overlap: int, *, scale: float, channels: int
) -> Tensor:
    """`compute` on overlapping square tiles of `picture`, faded linearly into one result.

    picture: [1, C, H, W]. side, overlap: of tiles, in its pixels, overlap < side. scale: the result's pixels per pixel
    of the picture; side, overlap and the picture's sides must be multiples of 1/scale. channels: of the result. Returns
    [1, channels, scale·H, scale·W]. A picture that fits in one tile is computed whole.
    """
    height, width = picture.shape[-2:]
    if height <= side and width <= side:
        return compute(picture)
    total = torch.zeros(1, channels, round(height * scale), round(width * scale))
    weight = torch.zeros(1, 1, *total.shape[-2:])
    for top in starts(height, side, overlap):
        for left in starts(width, side, overlap):
            tile = compute(picture[:, :, top : top + side, left : left + side])
            fade = _fade(tile.shape[-2:], round(overlap * scale))
            y, x = round(top * scale), round(left * scale)
            place = (..., slice(y, y + tile.shape[-2]), slice(x, x + tile.shape[-1]))
            total[place] += tile * fade
            weight[place] += fade
    return total / weight


def _fade(shape: torch.Size | tuple[int, ...], width: int) -> Tensor:
    """Weights [1, 1, H, W] that rise from every edge over `width` pixels; where no tile overlaps they cancel out."""
    ramps = []
    for length in shape:
        ramp = torch.ones(length)
        reach = min(width, length)
        rise = torch.arange(1, reach + 1) / (reach + 1)
        ramp[:reach] = rise
        ramp[length - reach :] = torch.minimum(ramp[length - reach :], rise.flip(0))
        ramps.append(ramp)
    return (ramps[0][:, None] * ramps[1][None, :])[None, None]
