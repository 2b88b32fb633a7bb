"""Pictures made larger by a network, in tiles whose borders cannot be seen.

A network sees nothing beyond a tile's edge, so what it makes near a cut differs from what it would make of the whole
picture, the more the nearer it is. Where neighbours overlap, the pixels at each one's own edge count nothing, and
between them one fades into the other.
"""

import logging
from collections.abc import Generator
from dataclasses import dataclass, replace
from itertools import product
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from diffusion.activations import enlarging_bytes
from diffusion.lease import Lease
from diffusion.pictures import levelled
from diffusion.services import Weights
from diffusion.tensors import Residence
from diffusion.tiling import Span, spans
from diffusion.upscalers.architecture import Enlarger
from diffusion.values import Image, UpscaleModel

__all__ = ["FEATHER", "Tiles", "Upscaler", "UpscalingProgress", "upscale"]

log = logging.getLogger(__name__)

FEATHER = 8
"""Pixels over which neighbours fade into each other at least, where they overlap that far."""

SMALLEST = 64
"""Pixels a side of the smallest tiles that are tried where a device has too little memory."""


@dataclass(frozen=True)
class Tiles:
    """How a picture is cut, in its own pixels. overlap: what neighbours share; at most half of a side is used.

    Where overlap ≥ 2 · reach + FEATHER, with the network's reach (n + 2 for n convolutions between first and last of a
    compact network, 15 · n + 4 for n blocks of ESRGAN), the result is that of the whole picture, but for rounding.
    """

    side: int = 512
    overlap: int = 32


@dataclass(frozen=True)
class UpscalingProgress:
    """How many tiles of how many are done."""

    done: int
    total: int


class Upscaler:
    """What `Weights.lend(upscale_model)` gives."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    @property
    def network(self) -> Enlarger:
        """The network, which says its scale, channels, reach, and of which number sides are multiples."""
        return cast("Enlarger", self._lease.run)

    def __call__(self, picture: Tensor) -> Tensor:
        """The picture `scale` times as large, float32 [B, C, scale·H, scale·W] on the CPU, not clipped.

        picture: float32 [B, C, H, W] in 0..1 with the network's channels, of any H and W; where they are no multiples
        of what the network takes, it is continued as in a mirror and the result is cut.
        """
        whole = mirrored(picture, self.network.multiple)

        def forward(network: nn.Module, residence: Residence) -> Tensor:
            # with channels last, a processor's convolutions take a third less time and memory, in float32 too
            return network(whole.to(residence.device, memory_format=torch.channels_last))

        large = self._lease.compute(forward, self._need(whole)).to("cpu", torch.float32)
        height, width = (side * self.network.scale for side in picture.shape[-2:])
        return large[..., :height, :width]

    def _need(self, tile: Tensor) -> int:
        """Bytes that a tile takes beside the weights."""
        pixels = tile.shape[0] * tile.shape[-2] * tile.shape[-1]
        return enlarging_bytes(self._lease.config, pixels, self._lease.residence.dtype.itemsize)


def upscale(
    image: Image, model: UpscaleModel, weights: Weights, tiles: Tiles | None = None
) -> Generator[UpscalingProgress, None, Image]:
    """Make pictures larger, one tile after another; closing the generator ends it between two of them.

    image: [B, H, W, C] with 1 (grey), 2 (grey, alpha), 3 or 4 (colours, alpha) channels. Returns the same range and
    channels, [B, scale·H, scale·W, C], clipped to the range. Alpha is enlarged bicubically. tiles: None: of 512×512
    pixels. Where the device has too little memory for one, it is begun again with half the side, with a warning.
    Raises ValueError for other channels.
    """
    pixels, tiles = levelled(image), tiles or Tiles()
    if pixels.shape[-1] > 4:
        raise ValueError(
            f"A picture of {pixels.shape[-1]} channels cannot be enlarged by a network for colours. "
            "Give it pictures of 1 to 4 channels: grey or colours, and alpha."
        )
    with weights.lend(model) as upscaler:
        while True:
            try:
                large = yield from _enlarged(pixels, upscaler, tiles)
                break
            except torch.OutOfMemoryError:
                if tiles.side < 2 * SMALLEST:
                    raise
                tiles = replace(tiles, side=tiles.side // 2)
            log.warning("The device has too little memory for a tile; they are %d pixels a side now.", tiles.side)
    spacing = None if image.spacing is None else (image.spacing[0] / model.scale, image.spacing[1] / model.scale)
    if image.range is not None:
        black, white = image.range
        large = large * (white - black) + black
    return replace(image, pixels=large, spacing=spacing)


def mirrored(picture: Tensor, multiple: int) -> Tensor:
    """[..., H, W] continued to the right and below until its sides are multiples: mirrored in its last pixels, as often
    as that takes.
    """
    for axis in (-2, -1):
        length = picture.shape[axis]
        missing = -length % multiple
        if missing:
            period = max(1, 2 * length - 2)
            places = torch.arange(length + missing, device=picture.device) % period
            picture = picture.index_select(axis, torch.minimum(places, period - places))
    return picture


def _enlarged(pixels: Tensor, upscaler: Upscaler, tiles: Tiles) -> Generator[UpscalingProgress, None, Tensor]:
    """Pixels [B, H, W, C] in 0..1 as the network enlarges them, clipped."""
    network = upscaler.network
    batch, height, width, channels = pixels.shape
    rows, columns = (_spans(length, tiles, network) for length in (height, width))
    large = torch.zeros(batch, height * network.scale, width * network.scale, channels)
    colours = 1 if channels < 3 else 3
    if colours < channels:
        large[..., -1] = _resized(pixels[..., -1], network.scale)
    done, total = 0, batch * len(rows) * len(columns)
    for result, picture in zip(large, pixels, strict=True):
        planes = mirrored(picture[..., :colours].movedim(-1, 0), network.multiple)
        for row, column in product(rows, columns):
            tile = planes[:, row.start : row.stop, column.start : column.stop]
            under = result[network.scale * row.start :, network.scale * column.start :, :colours]
            under = under[: len(row.weight), : len(column.weight)]
            weight = row.weight[:, None, None] * column.weight[:, None]
            over = _taken(upscaler(_laid_out(tile, network.channels)), colours) * weight
            under += over[: len(under), : under.shape[1]]
            done += 1
            yield UpscalingProgress(done, total)
    return large.clamp_(0, 1)


def _spans(length: int, tiles: Tiles, network: Enlarger) -> list[Span]:
    """The tiles along an axis of `length` pixels, continued to what the network takes."""
    unit = network.multiple
    whole = length + -length % unit
    side = max(unit, tiles.side // unit * unit)
    overlap = min(tiles.overlap, side // 2) // unit * unit
    return spans(whole, side, overlap, _rise(overlap, network.reach, network.scale), network.scale)


def _rise(overlap: int, reach: int | None, scale: int) -> Tensor:
    """How the weight of a tile rises from a cut inwards, [scale · overlap]: nothing, then linearly, then 1.

    What the cut has touched counts nothing where the overlap leaves room for that, else the outer quarter of it.
    """
    touched = reach if reach is not None and 2 * reach + FEATHER <= overlap else overlap // 4
    inwards = (torch.arange(overlap * scale) + 0.5) / scale
    return ((inwards - touched) / max(1, overlap - 2 * touched)).clamp(0, 1)


def _laid_out(planes: Tensor, channels: int) -> Tensor:
    """Grey or coloured planes [1 or 3, H, W] as a network takes them: [B, channels, H, W].

    One that knows brightness alone enlarges each colour for itself; one that knows colours is given grey as such.
    """
    return planes[:, None] if channels == 1 else planes.expand(3, -1, -1)[None]


def _taken(large: Tensor, colours: int) -> Tensor:
    """What a network has made of `_laid_out` planes, as [H, W, colours]."""
    planes = large.flatten(0, 1)
    return planes.movedim(0, -1) if len(planes) == colours else planes.mean(0)[..., None]


def _resized(plane: Tensor, scale: int) -> Tensor:
    """[B, H, W] bicubically `scale` times as large."""
    if scale == 1:
        return plane
    return functional.interpolate(plane[:, None], scale_factor=scale, mode="bicubic", align_corners=False)[:, 0]
