"""DPM-Solver++ for the reverse SDE: noise from a Brownian path in every step.

Lu et al. 2022, "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models". In
lambda = log(alpha / sigma), so either frame.
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from diffusion.prediction import FLOW, Frame
from diffusion.samplers.contract import Moment, Step, finite, remembered, stepwise
from diffusion.samplers.euler import toward
from diffusion.samplers.exponential import leap


@finite
@stepwise
def dpmpp_sde(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0, r: float = 1 / 2) -> Step:
    """DPM-Solver++(S) with ancestral noise in both sub-steps; second order at eta 0.

    Lu et al. 2022, algorithm 1; Song et al. 2020, "DDIM", eq. 16 for the noise, in noise levels relative to alpha.

    The levels inside a step are computed in float32, as they always were: a Brownian path is so rough that a level off
    by 1e-6 changes its increments by 1e-3, and seeds would give other pictures than people know.
    """
    denoised = at.denoise(at.x, at.sigma)
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    start, end = _lambda_in_float32(at.frame, at.sigma), _lambda_in_float32(at.frame, at.sigma_next)
    middle = start + r * (end - start)
    sigma_middle = float(middle.neg().sigmoid() if at.frame == FLOW else middle.neg().exp())
    x = _ancestral_step(at, denoised, (start, middle), sigma_middle, eta, s_noise)
    target = denoised + (at.denoise(x, sigma_middle) - denoised) / (2 * r)
    return at.step(_ancestral_step(at, target, (start, end), at.sigma_next, eta, s_noise), denoised)


def _lambda_in_float32(frame: Frame, sigma: float) -> Tensor:
    """Half log-SNR, 0-d."""
    level = torch.tensor(sigma, dtype=torch.float32)
    return ((1 - level) / level).log() if frame == FLOW else level.log().neg()


def _ancestral_step(
    at: Moment, target: Tensor, lambdas: tuple[Tensor, Tensor], sigma_end: float, eta: float, s_noise: float
) -> Tensor:
    """x towards `target` from the first of two half log-SNRs to the second, by the ancestral step of x / alpha."""
    start, end = (half_log_snr.neg().exp() for half_log_snr in lambdas)
    up = torch.minimum(end, eta * (end**2 * (start**2 - end**2) / start**2).sqrt())
    down = float((end**2 - up**2).sqrt())
    alpha, alpha_end = at.sigma / float(start), sigma_end / float(end)
    x = alpha_end * toward(at.x / alpha, target, float(start), down)
    return at.noised(x, s_noise * alpha_end * float(up), (at.sigma, sigma_end))


@finite
@stepwise
def dpmpp_2m_sde(
    at: Moment, *, eta: float = 1.0, s_noise: float = 1.0, solver_type: Literal["midpoint", "heun"] = "midpoint"
) -> Step:
    """SDE-DPM-Solver++(2M), multistep, one answer a step; second order at eta 0.

    Lu et al. 2022, SDE-DPM-Solver++, the change of D weighted as by a midpoint or as by Heun's method.
    """
    denoised = at.denoise(at.x, at.sigma)
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    way = leap(at.frame, at.sigma, at.sigma_next, eta)
    x = way.keep * at.x + way.gain * denoised
    for before in at.history("denoised", 1):
        h_before = leap(at.frame, at.sigmas[at.index - 1], at.sigma).h
        weight = way.bend if solver_type == "heun" else way.gain / 2
        x = x + (weight * way.h / h_before) * (denoised - before)
    return at.step(at.noised(x, s_noise * way.up), denoised, **remembered("denoised", [denoised], 1))


@finite
@stepwise
def dpmpp_3m_sde(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0) -> Step:
    """SDE-DPM-Solver++(3M), multistep, one answer a step; second order at eta 0 with a small constant.

    Lu et al. 2022, DPM-Solver++(3M), with the noise of SDE-DPM-Solver++. The second
    derivative has half the weight that third order would ask for, as in the authors' code, so that the pictures are
    those of the field.
    """
    denoised = at.denoise(at.x, at.sigma)
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    way = leap(at.frame, at.sigma, at.sigma_next, eta)
    x = way.keep * at.x + way.gain * denoised
    history = at.history("denoised", 2)
    passed = at.sigmas[at.index - len(history) : at.index + 1]
    lengths = [leap(at.frame, *levels).h / way.h for levels in pairwise(passed)][::-1]
    answers = pairwise([denoised, *history])
    slopes = [(new - old) / length for (new, old), length in zip(answers, lengths, strict=True)]
    if slopes:
        x = x + way.bend * slopes[0]
    if len(slopes) == 2:
        curvature = way.bend / way.strength - way.alpha / 2
        x = x + (way.bend * lengths[0] - curvature) / sum(lengths) * (slopes[0] - slopes[1])
    return at.step(at.noised(x, s_noise * way.up), denoised, **remembered("denoised", [denoised, *history], 2))
