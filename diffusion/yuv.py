"""Pictures as brightness and two differences of colour, and back: BT.601 for pictures whose levels are 0..1.

Its equations with factors rounded to three places, as tools for JPEG and video have them; there and back again a
picture is the same to about 0.002.
"""

from dataclasses import replace

import torch
from torch import Tensor

from diffusion.pictures import levelled, with_channels
from diffusion.preprocessors.planes import LUMA
from diffusion.values import Image


def to_yuv(image: Image) -> tuple[Image, Image, Image]:
    """Brightness Y, and blue and red less brightness, U = 0.564 · (B − Y) + 0.5 and V = 0.713 · (R − Y) + 0.5.

    Each as a grey picture of three channels. Alpha is left out.
    """
    pixels = levelled(image)
    red, green, blue = with_channels(pixels, 3).unbind(-1)
    y = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    planes = y, 0.564 * (blue - y) + 0.5, 0.713 * (red - y) + 0.5
    first, second, third = (replace(image, pixels=plane[..., None].repeat(1, 1, 1, 3), range=None) for plane in planes)
    return first, second, third


def from_yuv(y: Image, u: Image, v: Image) -> Image:
    """The picture of which these are brightness and differences, clipped to 0..1. The mean of channels counts.

    Raises ValueError for pictures of different sizes.
    """
    sizes = [image.pixels.shape[:3] for image in (y, u, v)]
    if len(set(sizes)) > 1:
        named = ", ".join(f"{batch} of {width}×{height}" for batch, height, width in sizes)
        raise ValueError(f"Y, U and V must be as many pictures of one size; got {named}. Take all three from one node.")
    brightness, blueness, redness = (_mean(image) for image in (y, u, v))
    blueness, redness = blueness - 0.5, redness - 0.5
    red = brightness + 1.403 * redness
    green = brightness - 0.714 * redness - 0.344 * blueness
    blue = brightness + 1.773 * blueness
    return replace(y, pixels=torch.stack([red, green, blue], dim=-1).clamp(0, 1), range=None)


def _mean(image: Image) -> Tensor:
    pixels = levelled(image)
    return (pixels[..., :-1] if pixels.shape[3] in (2, 4) else pixels).mean(dim=-1)
