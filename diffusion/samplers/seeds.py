"""SEEDS: exponential single-step solvers of the reverse SDE whose stages share one path of noise.

Gonzalez et al. 2023, "SEEDS: Exponential SDE Solvers for Fast High-Quality Sampling from Diffusion Models". In lambda =
log(alpha / sigma), so either frame.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from diffusion.samplers.contract import Moment, Step, finite, stepwise
from diffusion.samplers.exponential import between, leap


@finite
@stepwise
def seeds_2(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0, r: float = 1 / 2) -> Step:
    """Two answers a step; second order at eta 0.

    Gonzalez et al. 2023, SEEDS-2 with data prediction; the second answer at share r of the step.
    """
    denoised = at.denoise(at.x, at.sigma)
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    sigma_1 = between(at.frame, at.sigma, at.sigma_next, r)
    noise_1, noise = _noises(at, (sigma_1, at.sigma_next), eta, s_noise)
    inner, whole = (leap(at.frame, at.sigma, level, eta) for level in (sigma_1, at.sigma_next))
    x = inner.keep * at.x + inner.gain * denoised + noise_1
    target = denoised + (at.denoise(x, sigma_1) - denoised) / (2 * r)
    return at.step(whole.keep * at.x + whole.gain * target + noise, denoised)


@finite
@stepwise
def seeds_3(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0, r_1: float = 1 / 3, r_2: float = 2 / 3) -> Step:
    """Three answers a step; third order at eta 0.

    Gonzalez et al. 2023, SEEDS-3 with data prediction; the later answers at shares r_1 and r_2 of the step.
    """
    denoised = at.denoise(at.x, at.sigma)
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    sigma_1, sigma_2 = (between(at.frame, at.sigma, at.sigma_next, share) for share in (r_1, r_2))
    noise_1, noise_2, noise = _noises(at, (sigma_1, sigma_2, at.sigma_next), eta, s_noise)
    first, second, whole = (leap(at.frame, at.sigma, level, eta) for level in (sigma_1, sigma_2, at.sigma_next))
    x = first.keep * at.x + first.gain * denoised + noise_1
    change = at.denoise(x, sigma_1) - denoised
    x = second.keep * at.x + second.gain * denoised + (second.bend * r_2 / r_1) * change + noise_2
    change = at.denoise(x, sigma_2) - denoised
    return at.step(whole.keep * at.x + whole.gain * denoised + (whole.bend / r_2) * change + noise, denoised)


def _noises(at: Moment, levels: Sequence[float], eta: float, s_noise: float) -> list[Tensor]:
    """The noise in x at each of `levels`: one draw a stretch, carried through the later ones as x is."""
    found, noise = [], torch.zeros_like(at.x)
    for start, end in pairwise([at.sigma, *levels]):
        stretch = leap(at.frame, start, end, eta)
        noise = at.noised(stretch.keep * noise, s_noise * stretch.up, (start, end))
        found.append(noise)
    return found
