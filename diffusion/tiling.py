"""Large pictures in pieces: each tile is computed alone, and neighbours are faded into each other."""

from collections.abc import Callable

import torch
from torch import Tensor


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
    for top in _starts(height, side, overlap):
        for left in _starts(width, side, overlap):
            tile = compute(picture[:, :, top : top + side, left : left + side])
            fade = _fade(tile.shape[-2:], round(overlap * scale))
            y, x = round(top * scale), round(left * scale)
            place = (..., slice(y, y + tile.shape[-2]), slice(x, x + tile.shape[-1]))
            total[place] += tile * fade
            weight[place] += fade
    return total / weight


def _starts(length: int, side: int, overlap: int) -> list[int]:
    """Where tiles begin along an axis: evenly, the last one ending with the axis."""
    if length <= side:
        return [0]
    starts = list(range(0, length - side, side - overlap))
    return [*starts, length - side]


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
