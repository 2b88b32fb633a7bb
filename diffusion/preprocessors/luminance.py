"""Luminance: a picture without its colours, which a recolouring control network then gives anew."""

import difflib
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from diffusion.preprocessors.planes import colours, luma, picture
from diffusion.values import Image


def luminance(image: Image, kind: str, gamma: float) -> Image:
    """Grey pictures [B, H, W, 3] in 0..1.

    kind: a name in KINDS. gamma: the power to which it is raised; above 1 darkens the middle.
    Raises ValueError for an unknown kind.
    """
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(KINDS)}."
        raise ValueError(f"There is no kind of luminance '{kind}'. {hint}")
    return picture(KINDS[kind](image) ** gamma, image)


def lightness(image: Image) -> Tensor:
    """L* of CIELAB, divided by 100: [B, 1, H, W] in 0..1 (CIE 015:2018, of sRGB by IEC 61966-2-1)."""
    planes = colours(image)
    linear = torch.where(planes <= 0.04045, planes / 12.92, ((planes + 0.055) / 1.055) ** 2.4)
    red, green, blue = linear.split(1, dim=1)
    relative = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    dark = relative * (29 / 3) ** 3 / 100
    return torch.where(relative <= (6 / 29) ** 3, dark, 1.16 * relative ** (1 / 3) - 0.16).clamp(0, 1)


def intensity(image: Image) -> Tensor:
    """The brightest of the three colours, V of HSV: [B, 1, H, W] in 0..1."""
    return colours(image).amax(dim=1, keepdim=True)


KINDS: Mapping[str, Callable[[Image], Tensor]] = MappingProxyType(
    {"lightness": lightness, "luma": luma, "intensity": intensity}
)
"""How bright a pixel is, by name."""
