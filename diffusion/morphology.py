"""Grey-scale morphology with a flat square: each pixel becomes the least or the greatest of those around it.

Serra 1982, "Image Analysis and Mathematical Morphology". Beyond the edges there is nothing. A square of an even side
lies half a pixel to the upper left of its pixel where the least is taken, and to the lower right for the greatest, so
that opening and closing move nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

from diffusion.pictures import levelled, relevelled
from diffusion.tables import look_up
from diffusion.values import Image


def morphed(image: Image, operation: str, side: int) -> Image:
    """What an operation of OPERATIONS makes of a picture, channel by channel. side: of the square, in pixels.

    Raises ValueError for an operation that is not there.
    """
    change = look_up(OPERATIONS, operation, "operation of morphology")
    planes = change(levelled(image).movedim(-1, 1), side)
    return replace(image, pixels=relevelled(image, planes.movedim(1, -1).contiguous()))


def dilated(planes: Tensor, side: int) -> Tensor:
    """The greatest value of each square of planes [B, C, H, W]."""
    return _greatest(_greatest(planes, 2, side), 3, side)


def eroded(planes: Tensor, side: int) -> Tensor:
    """The least value of each square of planes [B, C, H, W]."""
    return -_greatest(_greatest(-planes.flip(2, 3), 2, side), 3, side).flip(2, 3)


def opened(planes: Tensor, side: int) -> Tensor:
    """Planes without what is bright and too narrow for a square."""
    return dilated(eroded(planes, side), side)


def closed(planes: Tensor, side: int) -> Tensor:
    """Planes without what is dark and too narrow for a square."""
    return eroded(dilated(planes, side), side)


def _greatest(planes: Tensor, axis: int, side: int) -> Tensor:
    """The greatest value of each run of `side` pixels on an axis, one pixel more behind than before if that is even.

    The greatest of 2n pixels is the greater of two that n hold, so it takes as many passes as `side` has binary digits.
    """
    side = min(side, 2 * planes.shape[axis] + side % 2)  # a larger one holds the whole axis everywhere, too
    length, margins = planes.shape[axis], ((side - 1) // 2, side // 2)
    padding = (0, 0, *margins) if axis == 2 else margins
    values, reach = functional.pad(planes, padding, value=-torch.inf), 1
    while reach < side:
        step = min(reach, side - reach)
        left = values.shape[axis] - step
        values = torch.maximum(values.narrow(axis, 0, left), values.narrow(axis, step, left))
        reach += step
    return values.narrow(axis, 0, length)


OPERATIONS: Mapping[str, Callable[[Tensor, int], Tensor]] = MappingProxyType(
    {
        "erode": eroded,
        "dilate": dilated,
        "open": opened,
        "close": closed,
        "gradient": lambda planes, side: dilated(planes, side) - eroded(planes, side),
        "bottom_hat": lambda planes, side: closed(planes, side) - planes,
        "top_hat": lambda planes, side: planes - opened(planes, side),
    }
)
"""What can be done to planes [B, C, H, W] with squares of a side, by name."""
