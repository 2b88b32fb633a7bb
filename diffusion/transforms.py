"""Where the pixels of pictures [B, H, W, C] lie: cutting, turning, framing, side by side, picking from a batch."""

from dataclasses import replace
from math import sqrt

import torch
from torch import Tensor

from diffusion.pictures import levelled, relevelled, scaled, with_channels
from diffusion.values import Image

MEGAPIXEL = 1024 * 1024
"""Pixels in what sizes of models are counted in: 1024 × 1024."""


def cropped(image: Image, width: int, height: int, x: int, y: int) -> Image:
    """The part of a picture from (x, y), [B, ≤ height, ≤ width, C]: what would lie beyond its edge is not there.

    x and y are moved into the picture, so that one pixel remains at least.
    """
    rows, columns = image.pixels.shape[1:3]
    top, left = min(y, rows - 1), min(x, columns - 1)
    return replace(image, pixels=image.pixels[:, top : top + height, left : left + width].clone())


def turned(image: Image, quarter_turns: int) -> Image:
    """A picture turned clockwise by 90° times `quarter_turns`."""
    spacing = image.spacing
    if spacing is not None and quarter_turns % 2:
        spacing = spacing[1], spacing[0]
    return replace(image, pixels=torch.rot90(image.pixels, quarter_turns, dims=(2, 1)).contiguous(), spacing=spacing)


def flipped(image: Image, *, vertically: bool) -> Image:
    """A picture with top and bottom (`vertically`) or left and right exchanged."""
    return replace(image, pixels=image.pixels.flip(1 if vertically else 2))


def scaled_to_area(image: Image, megapixels: float, method: str) -> Image:
    """A picture of about so many times 1024 × 1024 pixels, in its proportions. method: as `resize` takes it."""
    height, width = image.pixels.shape[1:3]
    factor = sqrt(megapixels * MEGAPIXEL / (height * width))
    return scaled(image, max(1, round(width * factor)), max(1, round(height * factor)), method, "disabled")


def scaled_to_side(image: Image, side: int, method: str) -> Image:
    """A picture whose longer side has so many pixels, in its proportions; 0: the picture itself."""
    height, width = image.pixels.shape[1:3]
    return scaled(image, 0, side, method, "disabled") if height > width else scaled(image, side, 0, method, "disabled")


def framed(image: Image, width: int, height: int, colour: tuple[float, float, float], method: str) -> Image:
    """The whole picture as large as it fits into width × height, around it margins of one colour, 0..1.

    Where a margin cannot be the same on both sides, that to the right or below is a pixel wider. Margins are opaque.
    """
    rows, columns = image.pixels.shape[1:3]
    factor = min(width / columns, height / rows)
    fitting = scaled(image, max(1, int(columns * factor)), max(1, int(rows * factor)), method, "disabled")
    return replace(fitting, pixels=relevelled(image, _centred(levelled(fitting), height, width, colour)))


def stitched(
    first: Image, second: Image, direction: str, *, match: bool, spacing: int, colour: tuple[float, float, float]
) -> Image:
    """Two pictures side by side, the second lying to the "right", "left", "up" or "down" of the first.

    match: resize the second (Lanczos, in its proportions) until their common sides are of one length; else the shorter
    one gets margins of `colour`, 0..1. spacing: pixels of that colour between them, rounded up to an even number. The
    batch is the longer one, the shorter goes on with its last picture; channels are those of the picture that has
    most, and as many as the colour takes. The range is the first's.
    """
    beside = direction in ("right", "left")
    height, width = first.pixels.shape[1:3]
    if match:
        tall, wide = second.pixels.shape[1:3]
        size = (max(1, int(height * wide / tall)), height) if beside else (width, max(1, int(width * tall / wide)))
        second = scaled(second, *size, "lanczos", "disabled")
    channels = max(first.pixels.shape[3], second.pixels.shape[3])
    if len(set(colour)) > 1 and channels < 3:
        channels += 2
    batch = max(len(first.pixels), len(second.pixels))
    parts = [with_channels(_lasting(levelled(image), batch), channels) for image in (first, second)]
    height, width = (max(part.shape[axis] for part in parts) for axis in (1, 2))
    sides = [(height, part.shape[2]) if beside else (part.shape[1], width) for part in parts]
    parts = [_centred(part, *size, colour) for part, size in zip(parts, sides, strict=True)]
    if direction in ("left", "up"):
        parts.reverse()
    even = spacing + spacing % 2
    gap = (height, even) if beside else (even, width)
    parts.insert(1, _filled(batch, *gap, channels, colour))
    return replace(first, pixels=relevelled(first, torch.cat(parts, dim=2 if beside else 1)))


def picked(image: Image, start: int, length: int) -> Image:
    """Pictures start … start + length − 1 of the batch, as many as there are, at least one."""
    start = min(start, len(image.pixels) - 1)
    return replace(image, pixels=image.pixels[start : start + length].clone())


def repeated(image: Image, amount: int) -> Image:
    """The whole batch `amount` times over."""
    return replace(image, pixels=image.pixels.repeat(amount, 1, 1, 1))


def _centred(pixels: Tensor, height: int, width: int, colour: tuple[float, float, float]) -> Tensor:
    """Pixels in the middle of a colour, [B, height, width, C]."""
    batch, rows, columns, channels = pixels.shape
    top, left = (height - rows) // 2, (width - columns) // 2
    canvas = _filled(batch, height, width, channels, colour)
    canvas[:, top : top + rows, left : left + columns] = pixels
    return canvas


def _filled(batch: int, height: int, width: int, channels: int, colour: tuple[float, float, float]) -> Tensor:
    """Pixels of one opaque colour, [batch, height, width, channels]."""
    levels = (*(colour if channels in (3, 4) else colour[:1]), *([1.0] if channels in (2, 4) else []))
    return torch.tensor(levels).expand(batch, height, width, len(levels)).clone()


def _lasting(pixels: Tensor, batch: int) -> Tensor:
    """A batch of so many pictures: after the last one comes the last one again."""
    return pixels[torch.arange(batch).clamp(max=len(pixels) - 1)]
