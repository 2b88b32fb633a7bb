"""What preprocessors read and write: planes [B, C, H, W] in 0..1."""

import torch
from torch import Tensor

from diffusion.pictures import levelled
from diffusion.values import Image

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in luma (ITU-R BT.601)."""


def colours(image: Image) -> Tensor:
    """Red, green and blue, [B, 3, H, W] clipped to 0..1; grey is all three, alpha is left out."""
    pixels = levelled(image)
    pixels = pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., :1].expand(-1, -1, -1, 3)
    return pixels.movedim(-1, 1).clamp(0, 1)


def luma(image: Image) -> Tensor:
    """The brightness of the picture as it is stored, [B, 1, H, W] in 0..1 (ITU-R BT.601); of grey, the grey."""
    if image.pixels.shape[-1] < 3:
        return colours(image)[:, :1]
    red, green, blue = colours(image).split(1, dim=1)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def picture(planes: Tensor, image: Image) -> Image:
    """Planes [B, 1 or 3, H, W] as pictures of three channels, of the spacing of those they were made from."""
    pixels = planes.expand(-1, 3, -1, -1).movedim(1, -1).contiguous()
    return Image(pixels.to(torch.float32), spacing=image.spacing)
