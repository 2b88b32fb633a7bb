"""Colour blocks: where which colour is, and nothing else."""

import torch
from torch import Tensor

from diffusion.preprocessors.planes import colours, picture
from diffusion.values import Image


def colour_blocks(image: Image, size: int) -> Image:
    """A mosaic, [B, H, W, 3] in 0..1: every block of about size × size pixels has its mean colour.

    Sides that are no multiples of `size` are divided into the nearest whole number of blocks.
    """
    planes = colours(image)
    return picture(_averaged(_averaged(planes, 2, size), 3, size), image)


def _averaged(planes: Tensor, axis: int, size: int) -> Tensor:
    """The mean of each block along one axis, in place of its pixels."""
    length = planes.shape[axis]
    count = max(1, round(length / size))
    block = torch.arange(length) * count // length
    sums = torch.zeros_like(planes.narrow(axis, 0, 1)).expand(*_with(planes.shape, axis, count)).clone()
    sums.index_add_(axis, block, planes)
    counts = torch.bincount(block, minlength=count).reshape(_with((1, 1, 1, 1), axis, count))
    return (sums / counts).index_select(axis, block)


def _with(shape: torch.Size | tuple[int, ...], axis: int, length: int) -> tuple[int, ...]:
    return (*shape[:axis], length, *shape[axis + 1 :])
