"""Segmentation maps: pictures in which every class of things has a colour of its own."""

import difflib

import torch
from torch import Tensor

from diffusion.masks import fitted
from diffusion.preprocessors.ade20k import COLOURS, LABELS
from diffusion.preprocessors.planes import colours, picture
from diffusion.values import Image, Mask

AT_ONCE = 65536
"""Pixels whose distances to all colours are computed together; it bounds memory, not the result."""


def class_numbers(image: Image) -> Tensor:
    """The class of each pixel, int64 [B, H, W]: the one whose colour is nearest, counted in 8 bits; of several, the
    first.
    """
    planes = (colours(image) * 255).round().movedim(1, -1)
    palette = _palette()
    # |a − b|² − |a|²: whole numbers below 2^24, so exact in float32.
    offsets = palette.square().sum(dim=1)
    nearest = [(offsets - 2 * (part @ palette.T)).argmin(dim=1) for part in planes.reshape(-1, 3).split(AT_ONCE)]
    return torch.cat(nearest).reshape(planes.shape[:3])


def segmentation(image: Image) -> Image:
    """The map with every pixel's colour replaced by the nearest of a class, [B, H, W, 3] in 0..1.

    Maps drawn by hand, scaled or saved as JPEG have the exact colours again.
    """
    return picture((_palette() / 255)[class_numbers(image)].movedim(-1, 1), image)


def class_mask(image: Image, label: str) -> Mask:
    """Where on a map the colour of a class is, [B, H, W] of 0 and 1. Raises ValueError for an unknown class."""
    first = list(COLOURS.values()).index(COLOURS[LABELS[_number(label)]])
    return Mask((class_numbers(image) == first).float())


def recoloured(image: Image, mask: Mask, label: str) -> Image:
    """A map with the colour of a class where the mask is above 0.5; elsewhere as it was.

    mask: resized to the map, repeated or cut to its batch. The result has three channels, in 0..1. Raises ValueError
    for an unknown class.
    """
    colour = _palette()[_number(label)] / 255
    planes = colours(image)
    covered = fitted(mask, planes.shape[2], planes.shape[3], len(planes)) > 0.5
    return picture(torch.where(covered[:, None], colour[:, None, None], planes), image)


def _number(label: str) -> int:
    if label not in COLOURS:
        near = difflib.get_close_matches(label, LABELS, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else "The classes are those of ADE20K, such as wall, sky or person."
        raise ValueError(f"There is no class '{label}'. {hint}")
    return LABELS.index(label)


def _palette() -> Tensor:
    """The colours of all classes, float32 [150, 3] in 0..255."""
    levels = [[colour >> 16, colour >> 8 & 255, colour & 255] for colour in COLOURS.values()]
    return torch.tensor(levels, dtype=torch.float32)
