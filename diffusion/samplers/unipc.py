"""UniPC: predictor and corrector of any order, where the corrector costs no further answer of the denoiser.

Zhao et al. 2023, "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models". By convention
lambda = -log sigma in either frame.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from torch import Tensor

from diffusion.samplers.contract import Denoise, Moment, Step, remembered, stepwise
from diffusion.samplers.euler import toward

LOWEST = 2**-10
"""Where a run ends that should end at 0: 0.001, as float32 arithmetic on 1 + sigma² has it."""


def uni_pc(
    denoise: Denoise, x: Tensor, sigmas: Sequence[float], *, variant: Literal["bh1", "bh2"], **rest: Any
) -> Iterator[Step]:
    """UniPC-3, multistep, with data prediction: one answer a step; fourth order, second over the last two steps.

    Zhao et al. 2023, UniPC-3 with B(h) = h (bh1) or e^h - 1 (bh2): the corrector raises the predictor's
    order by one. The order rises from 1 at the start and falls to 1 at the end; a last level of 0 is replaced by one
    just above it.
    """
    levels = [*sigmas[:-1], *(level or LOWEST for level in sigmas[-1:])]
    return _step(denoise, x, levels, bh1=variant == "bh1", **rest)


@stepwise
def _step(at: Moment, *, bh1: bool) -> Step:
    """Predict x at the next level, ask there, and (but for the last step) correct x with the answer."""
    left = len(at.sigmas) - 1 - at.index
    known = at.history("denoised", 3) or [at.denoise(at.x, at.sigma)]
    order = min(len(known), left, max(len(at.sigmas) - 2, 1))
    h = math.log(at.sigma / at.sigma_next)
    passed = at.sigmas[at.index + 1 - order : at.index][::-1]
    places = [math.log(at.sigma / level) / h for level in passed]
    changes = [(answer - known[0]) / place for answer, place in zip(known[1:], places, strict=False)]
    straight = toward(at.x, known[0], at.sigma, at.sigma_next)
    x = _bent(straight, changes, _weights(places, h, bh1))
    if left == 1:
        return at.step(x, known[0])
    denoised = at.denoise(x, at.sigma_next)
    x = _bent(straight, [*changes, denoised - known[0]], _weights([*places, 1.0], h, bh1))
    return at.step(x, denoised, **remembered("denoised", [denoised, *known], 3))


def _bent(x: Tensor, changes: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    for weight, change in zip(weights, changes, strict=True):
        x = x + weight * change
    return x


def _weights(places: Sequence[float], h: float, bh1: bool) -> list[float]:
    """What the changes of D from here to `places` (in steps) count: exact for polynomials; B(h) / 2 for one."""
    if len(places) == 1:
        return [(h if bh1 else -math.expm1(-h)) / 2]
    moments, moment = [], 1 + math.expm1(-h) / h
    for degree in range(1, len(places) + 1):
        moments.append(moment * math.factorial(degree))
        moment = 1 / math.factorial(degree + 1) - moment / h
    return np.linalg.solve(np.vander(places, increasing=True).T, moments).tolist()
