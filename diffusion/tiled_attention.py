"""HyperTile: self-attention within tiles, whose cost grows with the picture, not with its square.

Known by its author's name, tfernd (2023).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from diffusion.changes import Call, Change, Place, States
from diffusion.drawing import drawn
from diffusion.model_options import HyperTile

LEAST = 32
"""The least side of a tile, in picture pixels, whatever is asked for."""


class Tiled(Change):
    """Self-attention that looks only at the pixels of its own tile. factor: picture pixels per latent pixel.

    Tiles divide a layer's picture evenly; where no tile of at least the size asked for does so, the layer stays whole.
    Of the sizes that do, the smallest `swaps` take turns from noise level to noise level, so that edges do not show:
    which one it is follows from the noise level and the layer alone, and a run gives the same bits each time.
    """

    def __init__(self, option: HyperTile, factor: int) -> None:
        self._option = option
        self._side = max(LEAST, option.tile) // factor

    def attended(self, states: States, place: Place, call: Call, attend: Callable[[States], Tensor]) -> Tensor:
        """The same pixels, asked tile by tile."""
        if place.attends != "self" or states.size is None:
            return super().attended(states, place, call, attend)
        (height, width), depth = states.size, halvings(states.size, call.size)
        if depth > self._option.depth:
            return attend(states)
        side = max(1, self._side * (2**depth if self._option.scaled else 1))
        rows, columns = self._count(height, side, place, call, 0), self._count(width, side, place, call, 1)
        if rows * columns == 1:
            return attend(states)
        query, key, value = (
            _cut(each, rows, columns, states.size) for each in (states.query, states.key, states.value)
        )
        tiles = States(query, key, value, (height // rows, width // columns))
        return _whole(attend(tiles), rows, columns, states.size)

    def _count(self, length: int, side: int, place: Place, call: Call, axis: int) -> int:
        counts = tile_counts(length, side)[: self._option.swaps]
        choice = drawn(call.context.sigma, place, axis)
        return counts[int(torch.randint(len(counts), (1,), generator=choice))]


def tile_counts(length: int, side: int) -> list[int]:
    """Into how many equal tiles of at least `side` pixels a length can be cut, the most first; the last is 1."""
    return [length // tile for tile in range(min(side, length), length + 1) if length % tile == 0]


def halvings(size: tuple[int, int], whole: tuple[int, int]) -> int:
    """How often a picture of the size `whole` was halved to become one of `size`."""
    return max(0, round(math.log2(whole[0] * whole[1] / (size[0] * size[1])) / 2))


def _cut(states: Tensor, rows: int, columns: int, size: tuple[int, int]) -> Tensor:
    """[B, heads, H·W, D] as [B·rows·columns, heads, H/rows · W/columns, D]."""
    batch, heads, _, width = states.shape
    tall, wide = size[0] // rows, size[1] // columns
    cells = states.reshape(batch, heads, rows, tall, columns, wide, width)
    return cells.permute(0, 2, 4, 1, 3, 5, 6).reshape(batch * rows * columns, heads, tall * wide, width)


def _whole(tiles: Tensor, rows: int, columns: int, size: tuple[int, int]) -> Tensor:
    """The way back from `_cut`."""
    heads, width = tiles.shape[1], tiles.shape[3]
    tall, wide = size[0] // rows, size[1] // columns
    cells = tiles.reshape(-1, rows, columns, heads, tall, wide, width)
    return cells.permute(0, 3, 1, 4, 2, 5, 6).reshape(-1, heads, size[0] * size[1], width)
