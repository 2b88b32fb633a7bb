"""Pictures in few colours, with or without dithering."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PilImage

from diffusion.pictures import levelled, with_channels
from diffusion.values import Image


def quantized(image: Image, colours: int, dither: str) -> Image:
    """Each picture in at most `colours` (1 to 256) colours, chosen for it by median cut (Heckbert 1982), in 8 bits.

    dither: "none"; "floyd-steinberg", which hands each pixel's error on to its neighbours (Floyd & Steinberg 1976); or
    "bayer-2", "bayer-4", "bayer-8", "bayer-16": a pattern of that side (Bayer 1973). Alpha stays as it is.
    """
    pixels = levelled(image)
    has_alpha = pixels.shape[3] in (2, 4)
    colour = with_channels(pixels[..., :-1] if has_alpha else pixels, 3)
    levels = colour.clamp(0, 1).mul(255).round().to(torch.uint8).numpy()
    flat = torch.from_numpy(np.stack([_quantized(picture, colours, dither) for picture in levels])).float() / 255
    result = torch.cat([flat, pixels[..., -1:]], dim=-1) if has_alpha else flat
    return replace(image, pixels=result, range=None, source_bits=8)


def bayer(side: int) -> NDArray[np.float32]:
    """Bayer's thresholds as steps around 0: float32 [side, side], evenly spaced within ±1/2. side: a power of two."""
    order = np.zeros((1, 1))
    while len(order) < side:
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    return ((order + 0.5) / side**2 - 0.5).astype(np.float32)


def _quantized(levels: NDArray[np.uint8], colours: int, dither: str) -> NDArray[np.uint8]:
    """One picture, uint8 [H, W, 3]."""
    palette = PilImage.fromarray(levels).quantize(colours)
    if dither.startswith("bayer-"):
        levels = _patterned(levels, int(dither.removeprefix("bayer-")), colours)
    spread = PilImage.Dither.FLOYDSTEINBERG if dither == "floyd-steinberg" else PilImage.Dither.NONE
    flat = PilImage.fromarray(levels).quantize(colours, palette=palette, dither=spread)
    return np.asarray(flat.convert("RGB"))


def _patterned(levels: NDArray[np.uint8], side: int, colours: int) -> NDArray[np.uint8]:
    """Levels with Bayer's pattern on them, as strong as the colours are few."""
    height, width = levels.shape[:2]
    rows, columns = np.arange(height) % side, np.arange(width) % side
    pattern = bayer(side)[rows[:, None], columns] * (512 / colours)
    return (levels + pattern[..., None] + 0.5).clip(0, 255).astype(np.uint8)
