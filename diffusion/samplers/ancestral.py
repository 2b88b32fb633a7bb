"""Ancestral steps: go down further than asked, then add fresh noise up to the level asked for."""

import math
from typing import NamedTuple

from diffusion.prediction import FLOW, Frame


class Ancestral(NamedTuple):
    """How to reach a noise level by way of a lower one: x_next = scale * x_down + up * noise."""

    down: float
    up: float
    scale: float = 1.0


def ancestral(sigma: float, sigma_next: float, eta: float) -> Ancestral:
    """The variance-exploding form: down² + up² = sigma_next², all of the posterior's variance drawn anew at eta = 1.

    Song et al. 2020, "Denoising Diffusion Implicit Models", eq. 16, in the variables of Karras et al. 2022.
    """
    up = min(sigma_next, eta * sigma_next * math.sqrt(1 - (sigma_next / sigma) ** 2))
    return Ancestral(math.sqrt(sigma_next**2 - up**2), up)


def ancestral_in(frame: Frame, sigma: float, sigma_next: float, eta: float) -> Ancestral:
    """The form that fits the frame; in a flow x is also scaled, so that latent and noise keep the shares of sigma_next.

    The flow form goes down linearly, down = sigma_next · (1 + (sigma_next / sigma - 1) · eta), and restores the
    variance (Liu et al. 2022 for the frame).
    """
    if frame != FLOW:
        return ancestral(sigma, sigma_next, eta)
    down = sigma_next * (1 + (sigma_next / sigma - 1) * eta)
    scale = frame.alpha(sigma_next) / frame.alpha(down)
    return Ancestral(down, math.sqrt(max(sigma_next**2 - (down * scale) ** 2, 0.0)), scale)
