"""UniPC: a predictor–corrector of any order whose corrector costs no further answer of the denoiser.

Zhao et al. 2023, "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models". By convention lambda = -log sigma in
either frame, and a run that should end at 0 ends at 0.001.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from torch import Tensor

from diffusion.samplers.contract import Denoise, Moment, Step, extended, stepwise
from diffusion.samplers.euler import toward


def uni_pc(denoise: Denoise, x: Tensor, sigmas: Sequence[float], *, variant: Literal["bh1", "bh2"], **rest: Any) -> Iterator[Step]:
    """UniPC-3 with data prediction, multistep; one answer a step; third order.

    Zhao et al. 2023, algorithms 5 and 6, with B(h) = h (bh1) or e^h - 1 (bh2). The order rises from 1 at the start and falls to 1 at the end.
    """
    levels = [*sigmas[:-1], sigmas[-1] or 2**-10]
    return _step(denoise, x, levels, bh1=variant == "bh1", **rest)


@stepwise
def _step(at: Moment, *, bh1: bool) -> Step:
    """Predict x at the next level, ask the denoiser there, correct x with its answer."""
    count = len(at.sigmas) - 1
    highest = max(min(3, count - 1), 1)
    order = min(at.index + 1, highest, count - at.index)
    if at.index + 1 < highest: order = at.index+1
    known = at.history("denoised", 3) or [at.denoise(at.x, at.sigma)]
    h = math.log(at.sigma / at.sigma_next)
    ratios = [math.log(at.sigma / level) / h for level in at.sigmas[at.index + 1 - order : at.index][::-1]]
    changes = [(denoised - known[0]) / ratio for denoised, ratio in zip(known[1:], ratios, strict=False)]
    scale = h if bh1 else -math.expm1(-h)
    straight = toward(at.x, known[0], at.sigma, at.sigma_next)
    x = straight
    for weight, change in zip(_weights(ratios, h, scale), changes, strict=True):
        x = x + (scale * weight) * change
    if at.index == count - 1:
        return at.step(x, known[0])
    denoised = at.denoise(x, at.sigma_next)
    x = straight
    for weight, change in zip(_weights([*ratios, 1.0], h, scale), [*changes, denoised - known[0]], strict=True):
        x = x + (scale * weight) * change
    return at.step(x, denoised, **extended("denoised", denoised, known, 3))


def _weights(ratios: Sequence[float], h: float, scale: float) -> Sequence[float]:
    """The weights of the changes at `ratios` of the step that make it exact for polynomials: eq. 11; for one change always 1/2."""
    if len(ratios) <= 1:
        return [0.5] * len(ratios)
    powers = np.vander(ratios, increasing=True).T
    moments, moment = [], math.expm1(-h) / -h - 1
    for degree in range(1, len(ratios) + 1):
        moments.append(-moment * math.factorial(degree) / scale)
        moment = moment / -h - 1 / math.factorial(degree + 1)
    return np.linalg.solve(powers, moments).tolist()
