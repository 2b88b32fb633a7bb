"""Large latents asked about tile by tile, each of a size that the network was trained with.

Bar-Tal et al. 2023, "MultiDiffusion", eq. 5 with crops of the latent as regions: at every noise level the answer to a
pixel is the mean, by weight, of those to the tiles that show it. As tiles overlap, they agree more and more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import torch
from torch import Tensor

from diffusion.model_options import TiledSampling
from diffusion.regions import Box, Region
from diffusion.tiling import Span, spans

WIDTH = 0.1
"""Standard deviation of the Gaussian of "gaussian" weights, in parts of a tile's side."""


def tiled(regions: Sequence[Region], options: Sequence[object], factor: int) -> tuple[Region, ...]:
    """Regions cut into tiles, where the last of the model's options that is a `TiledSampling` says so.

    A region that fits into one tile stays as it is. Else each of its tiles is a region, and their weights add up to its
    own, so that what overlaps it counts as much as before. factor: picture pixels per latent pixel.
    """
    wanted = [option for option in options if isinstance(option, TiledSampling)]
    if not wanted:
        return tuple(regions)
    return tuple(tile for region in regions for tile in _tiles(region, wanted[-1], factor))


def gaussian(side: int) -> Tensor:
    """How the weight of a tile rises from an edge to its middle, float32 [side // 2]: Jiménez 2023, "Mixture of
    Diffusers for scene composition and high resolution image generation", §3.
    """
    from_middle = (side - 1) / 2 - torch.arange(side // 2)
    return torch.exp(-0.5 * (from_middle / (WIDTH * side)) ** 2)


def _tiles(region: Region, option: TiledSampling, factor: int) -> Iterator[Region]:
    box = region.box
    rows, columns = (
        _along(length, max(1, side // factor), option.overlap // factor, option.weighting)
        for length, side in ((box.height, option.height), (box.width, option.width))
    )
    if len(rows) == len(columns) == 1:
        yield region
        return
    for place, (row, column) in enumerate(product(rows, columns)):
        part = Box(row.start, column.start, row.stop - row.start, column.stop - column.start)
        weight = (row.weight[:, None] * column.weight).to(region.weight.device)
        yield replace(
            region,
            box=replace(part, top=box.top + part.top, left=box.left + part.left),
            weight=part.of(region.weight) * weight,
            group=place // option.at_once,
        )


def _along(length: int, side: int, overlap: int, weighting: str) -> list[Span]:
    """The tiles along an axis, all in latent pixels."""
    return spans(length, side, overlap, gaussian(side) if weighting == "gaussian" else torch.ones(0))
