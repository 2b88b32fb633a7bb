"""Framing: which part of a picture is cut out around what is to be repainted, and at which size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from diffusion.values import Box

Size = tuple[int, int]
"""(height, width) in pixels."""


@dataclass(frozen=True)
class Framing:
    """How much of a picture is cut out around a mask, and at which size.

    factor: the least size of the crop, as a multiple of the mask's bounding box. margin: pixels more on every side.
    width, height: of the result in pixels, rounded up to multiples of `multiple`; one of them 0: it follows from the
    crop's proportions; both 0: the crop keeps its size, and only grows to the next multiples. method: as
    `diffusion.resize.resize` takes it, there and back.
    """

    factor: float = 1.5
    margin: int = 0
    width: int = 512
    height: int = 512
    multiple: int = 8
    method: str = "lanczos"


def framed(bounds: Sequence[Box], framing: Framing, feather: int, picture: Size) -> tuple[Size, list[Box]]:
    """The size of the crops of a batch, and where each lies in its picture.

    bounds: what each crop must hold, inside its picture. feather: pixels around it that it must hold as well, as far as
    they are in the picture. picture: the size of the pictures. Crops that keep their size all have the largest one's.
    A box reaches beyond the picture, evenly to both sides, where the picture is smaller than what it must hold.
    """
    least = [_widened(box, 1, feather, feather, picture) for box in bounds]
    wished = [_widened(box, framing.factor, framing.margin, feather, picture) for box in bounds]
    whole = [_on_grid(size, smallest, picture, framing.multiple) for size, smallest in zip(wished, least, strict=True)]
    largest = (max(size[0] for size in whole), max(size[1] for size in whole))
    if framing.width == framing.height == 0:
        return largest, [_placed(box, largest, picture) for box in bounds]
    width = framing.width or framing.height * largest[1] / largest[0]
    height = framing.height or framing.width * largest[0] / largest[1]
    target = (_up(height, framing.multiple), _up(width, framing.multiple))
    sizes = [_in_proportion(size, small, picture, target) for size, small in zip(wished, least, strict=True)]
    return target, [_placed(box, size, picture) for box, size in zip(bounds, sizes, strict=True)]


def _widened(bounds: Box, factor: float, margin: int, feather: int, picture: Size) -> Size:
    """The size of a box with its context: at least its feather, at most the picture."""
    extra = [max(math.ceil(side * (factor - 1) / 2) + margin, feather) for side in (bounds.height, bounds.width)]
    return min(bounds.height + 2 * extra[0], picture[0]), min(bounds.width + 2 * extra[1], picture[1])


def _on_grid(wished: Size, least: Size, picture: Size, multiple: int) -> Size:
    """A size in multiples, that of more context if the picture has it."""
    fits = [
        _up(wish, multiple) if _up(wish, multiple) <= side else max(side // multiple * multiple, _up(small, multiple))
        for wish, small, side in zip(wished, least, picture, strict=True)
    ]
    return fits[0], fits[1]


def _in_proportion(wished: Size, least: Size, picture: Size, target: Size) -> Size:
    """A size of the target's proportions, that of more context if the picture has it."""
    size = _covering(wished, target)
    if size[0] <= picture[0] and size[1] <= picture[1]:
        return size
    scale = min(picture[0] / target[0], picture[1] / target[1])
    small = _covering(least, target)
    return max(math.floor(target[0] * scale), small[0]), max(math.floor(target[1] * scale), small[1])


def _covering(size: Size, target: Size) -> Size:
    """The smallest size of the target's proportions that holds another."""
    height = max(size[0], math.ceil(size[1] * target[0] / target[1]))
    width = max(size[1], math.ceil(size[0] * target[1] / target[0]))
    return height, width


def _placed(bounds: Box, size: Size, picture: Size) -> Box:
    """A box of this size around another."""
    y = _start(bounds.y, bounds.height, size[0], picture[0])
    x = _start(bounds.x, bounds.width, size[1], picture[1])
    return Box(x, y, size[1], size[0])


def _start(start: int, length: int, wanted: int, side: int) -> int:
    """Where `wanted` pixels around those from `start` begin: inside the axis, or evenly beyond both its ends."""
    if wanted >= side:
        return -((wanted - side) // 2)
    return min(max(start + (length - wanted) // 2, 0), side - wanted)


def _up(side: float, multiple: int) -> int:
    return max(1, math.ceil(side / multiple)) * multiple
