"""Canny's edges: thin lines where brightness changes most (Canny 1986, IEEE PAMI 8(6))."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from diffusion.components import holding
from diffusion.preprocessors.gradient import sobel
from diffusion.preprocessors.planes import luma, picture
from diffusion.smoothing import blurred
from diffusion.values import Image

TIE = 1e-6
"""Gradients that differ by less count as equal: rounding does not decide on which side of an edge its line is."""

NEIGHBOURS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""(rows, columns) to the next pixel in directions of 0, 45, 90 and 135 degrees, clockwise from right."""


def canny(image: Image, low: float, high: float) -> Image:
    """White lines one pixel wide on black, [B, H, W, 3] of 0 and 1, where the gradient of luma is greatest.

    Smoothed by a Gaussian of sigma 1 over 5×5 pixels. low, high: of Sobel's gradient, where a step from black to white
    has 2.5 at its pixels; see `edge_lines`.
    """
    return picture(edge_lines(luma(image), 1.0, low, high, radius=2), image)


def edge_lines(planes: Tensor, sigma: float, low: float, high: float, radius: int | None = None) -> Tensor:
    """Edges of planes [B, C, H, W] together, [B, 1, H, W]: 1 on lines one pixel wide, else 0.

    sigma, radius: of the Gaussian that smooths before, as `diffusion.smoothing.blurred` takes them. A pixel is on a
    line where Sobel's gradient, of the plane in which it is steepest, is greatest along its direction, rounded to 45
    degrees, and above `low`, if it is connected, also across corners, with one above `high`. A `high` below `low`
    leaves nothing more out.
    """
    ridges = _thinned(*_steepest(*sobel(blurred(planes, sigma, radius))))
    lines = [holding((ridge > low).numpy(), (ridge > high).numpy()) for ridge in ridges[:, 0]]
    return torch.from_numpy(np.stack(lines)).to(planes)[:, None]


def _steepest(across: Tensor, down: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient of the plane in which it is longest, [B, 1, H, W] each; of equal ones, the first."""
    plane = (across.square() + down.square()).argmax(dim=1, keepdim=True)
    return across.gather(1, plane), down.gather(1, plane)


def _thinned(across: Tensor, down: Tensor) -> Tensor:
    """The gradient's length where it is greatest along its direction, else 0. Of two equal pixels it is the first."""
    length = torch.hypot(across, down)
    padded = functional.pad(length, (1, 1, 1, 1))
    sector = (torch.atan2(down, across) / (math.pi / 4)).round().remainder(4)
    greatest = torch.zeros_like(length, dtype=torch.bool)
    for index, (rows, columns) in enumerate(NEIGHBOURS):
        before, after = (_moved(padded, sign * rows, sign * columns) for sign in (-1, 1))
        greatest |= (sector == index) & (length > before + TIE) & (length >= after - TIE)
    return length * greatest


def _moved(padded: Tensor, rows: int, columns: int) -> Tensor:
    """What is so many rows below and columns to the right of each pixel, of a plane with a margin of one pixel."""
    height, width = padded.shape[2] - 2, padded.shape[3] - 2
    return padded[:, :, 1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]
