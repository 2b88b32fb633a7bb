"""Tile: a picture without its fine detail, which a tile control network then invents anew."""

from diffusion.preprocessors.planes import colours, picture
from diffusion.resize import resize
from diffusion.values import Image


def tile(image: Image, factor: float) -> Image:
    """The picture made smaller by `factor`, by averaging, and as large as before again: [B, H, W, 3] in 0..1."""
    planes = colours(image)
    height, width = planes.shape[2:]
    small = resize(planes, max(1, round(height / factor)), max(1, round(width / factor)), "area")
    return picture(resize(small, height, width, "bicubic").clamp(0, 1), image)
