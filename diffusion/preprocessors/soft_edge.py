"""Soft edges: lines as bright as an edge is clear, fading to both sides, as HED and PiDiNet draw them."""

import math

from torch import Tensor

from diffusion.preprocessors.gradient import sobel
from diffusion.preprocessors.planes import colours, picture
from diffusion.smoothing import blurred
from diffusion.values import Image


def soft_edge(image: Image, sigma: float, contrast: float) -> Image:
    """Soft white lines on black, [B, H, W, 3] in 0..1.

    sigma: in pixels, half the width of a line; finer detail vanishes. contrast: the step in brightness whose line has
    tanh(1) = 0.76 at its middle. A straight step of height h is drawn as tanh(h / contrast · exp(−x² / 2 sigma²)), x
    the distance from it: the gradient at scale sigma, made free of it (Lindeberg 1998, eq. 3), of all colours at once.
    """
    slope = colour_gradient(blurred(colours(image), sigma))
    return picture((slope * (math.sqrt(2 * math.pi) * sigma / contrast)).tanh(), image)


def colour_gradient(planes: Tensor) -> Tensor:
    """The steepest change per pixel of several planes together, [B, 1, H, W]; of equal planes, the change of one.

    The root of the structure tensor's larger eigenvalue (Di Zenzo 1986, "A note on the gradient of a multi-image").
    """
    across, down = (derivative / 8 for derivative in sobel(planes))
    along, beside, both = (
        product.mean(dim=1, keepdim=True) for product in (across.square(), down.square(), across * down)
    )
    larger = (along + beside) / 2 + (((along - beside) / 2).square() + both.square()).sqrt()
    return larger.sqrt()
