"""Scribbles: few bold strokes, as somebody would draw the outlines of a picture by hand."""

import numpy as np
import torch
from scipy import ndimage

from diffusion.components import large
from diffusion.preprocessors.canny import edge_lines
from diffusion.preprocessors.planes import colours, picture
from diffusion.values import Image

STEP = 3.19
"""Sobel's gradient of a step from black to white, smoothed by sigma 1: 8 / √(2π). It falls as sigma grows."""


def scribble(image: Image, sigma: float, contrast: float, radius: int, shortest: int) -> Image:
    """White strokes of one width on black, [B, H, W, 3] of 0 and 1.

    sigma: how far the picture is smoothed before, in pixels; finer detail vanishes. contrast: the least step
    of a colour, of 1, that is drawn; where a stroke has begun half of it will do. radius: strokes are 2 · radius + 1
    pixels wide. shortest: strokes of fewer pixels in length are left out.
    """
    high = contrast * STEP / sigma
    lines = edge_lines(colours(image), sigma, high / 2, high)
    strokes = [_bold(large(line.numpy() > 0, shortest), radius) for line in lines[:, 0]]
    return picture(torch.from_numpy(np.stack(strokes)).to(lines)[:, None], image)


def _bold(line: np.ndarray, radius: int) -> np.ndarray:
    """Everything at most `radius` pixels from a line."""
    return np.asarray(ndimage.distance_transform_edt(~line)) <= radius if line.any() else line
