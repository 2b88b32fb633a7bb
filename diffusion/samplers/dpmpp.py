"""DPM-Solver++: exponential integrators of the data prediction in lambda = log(alpha / sigma), single-step and multistep, with noise or without.

Lu et al. 2022, "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models". `dpmpp_2m` and the CFG++ forms take
lambda = -log sigma in either frame (by convention), the others know the frame.
"""

from itertools import pairwise
from typing import Literal

from torch import Tensor

from diffusion.prediction import FLOW, VARIANCE_EXPLODING
from diffusion.samplers.ancestral import ancestral, ancestral_in
from diffusion.samplers.contract import Moment, Step, extended, finite, stepwise
from diffusion.samplers.euler import toward
from diffusion.samplers.exponential import Leap, between, leap


@stepwise
def dpmpp_2s_ancestral(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0) -> Step:
    """DPM-Solver++(2S), a midpoint method in lambda, with ancestral noise; second order at eta 0.

    Lu et al. 2022, algorithm 1 with r = 1/2; Song et al. 2020, "DDIM", eq. 16 for the noise.
    """
    denoised = at.denoise(at.x, at.sigma)
    down, up, scale = ancestral_in(at.frame, at.sigma, at.sigma_next, eta)
    if down == 0:
        return at.step(denoised, denoised)
    middle = 0.9999 if at.frame == FLOW and at.sigma >= 1 else between(at.frame, at.sigma, down, 1 / 2)
    x = toward(at.x, at.denoise(toward(at.x, denoised, at.sigma, middle), middle), at.sigma, down)
    if up > 0:
        x = scale * x + at.noise(at.sigma, at.sigma_next) * (s_noise * up)
    return at.step(x, denoised)


@stepwise
def dpmpp_2s_ancestral_cfg_pp(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0) -> Step:
    """DPM-Solver++(2S) with ancestral noise and CFG++: the direction of both half-steps starts from the negative answer. First order.

    Lu et al. 2022, algorithm 1; Chung et al. 2024, "CFG++", algorithm 2. lambda = -log sigma.
    """
    denoised, negative = at.both(at.x, at.sigma)
    down, up, _ = ancestral(at.sigma, at.sigma_next, eta)
    if down == 0:
        return at.step(denoised, denoised)
    middle = between(VARIANCE_EXPLODING, at.sigma, down, 1 / 2)
    halfway = toward(at.x + (denoised - negative), denoised, at.sigma, middle)
    second, negative = at.both(halfway, middle)
    x = toward(at.x + (denoised - negative), second, at.sigma, down)
    if up > 0:
        x = x + at.noise(at.sigma, at.sigma_next) * (s_noise * up)
    return at.step(x, denoised)


@stepwise
def dpmpp_2m(at: Moment) -> Step:
    """DPM-Solver++(2M): second-order multistep, one answer a step; the last step to 0 is of first order.

    Lu et al. 2022, algorithm 2, written in lambda = -log sigma.
    """
    denoised = target = at.denoise(at.x, at.sigma)
    if at.sigma_next > 0:
        for before in at.history("denoised", 1):
            target = denoised + (denoised - before) / (2 * _length_ratio(at))
    return at.step(toward(at.x, target, at.sigma, at.sigma_next), denoised, **extended("denoised", denoised))


@stepwise
def dpmpp_2m_cfg_pp(at: Moment) -> Step:
    """DPM-Solver++(2M) with CFG++: the direction starts from the negative answer, its change is measured against the one before.

    Lu et al. 2022, algorithm 2; Chung et al. 2024, "CFG++", algorithm 2. First order, lambda = -log sigma.
    """
    denoised, negative = at.both(at.x, at.sigma)
    share = at.sigma_next / at.sigma
    x = denoised + share * (at.x - negative)
    if at.sigma_next > 0:
        for before in at.history("negative", 1):
            x = x + (1 - share) / (2 * _length_ratio(at)) * (denoised - before)
    return at.step(x, denoised, **extended("negative", negative))


def _length_ratio(at: Moment) -> float:
    """Length of the step before over that of this one, in -log sigma."""
    before, here, after = at.sigmas[at.index - 1 : at.index + 2]
    return leap(VARIANCE_EXPLODING, before, here).h / leap(VARIANCE_EXPLODING, here, after).h


@finite
@stepwise
def dpmpp_2m_sde(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0, solver_type: Literal["midpoint", "heun"] = "midpoint") -> Step:
    """SDE-DPM-Solver++(2M): second-order multistep with noise from a Brownian path; second order at eta 0.

    Lu et al. 2022, appendix, "SDE-DPM-Solver++", in its midpoint or its Heun form.
    """
    denoised = at.denoise(at.x, at.sigma)
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    way = leap(at.frame, at.sigma, at.sigma_next, eta)
    x = way.keep * at.x + way.gain * denoised
    for before in at.history("denoised", 1):
        h_before = leap(at.frame, at.sigmas[at.index - 1], at.sigma).h
        change = (denoised - before) * (way.h / h_before)
        x = x + (way.bend if solver_type == "heun" else way.gain / 2) * change
    return at.step(_noised(at, x, way, s_noise), denoised, **extended("denoised", denoised))


@finite
@stepwise
def dpmpp_3m_sde(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0) -> Step:
    """SDE-DPM-Solver++(3M): third-order multistep with noise from a Brownian path; third order at eta 0.

    Lu et al. 2022, "DPM-Solver++", appendix (multistep, third order), with the noise of SDE-DPM-Solver++.
    """
    denoised = at.denoise(at.x, at.sigma)
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    way = leap(at.frame, at.sigma, at.sigma_next, eta)
    x = way.keep * at.x + way.gain * denoised
    history = at.history("denoised", 2)
    if history:
        levels = at.sigmas[at.index - len(history) : at.index + 1]
        lengths = [leap(at.frame, *pair).h / way.h for pair in pairwise(levels)][::-1]
        slopes = [(new - old) / length for (new, old), length in zip(pairwise([denoised, *history]), lengths, strict=True)]
        x = x + way.bend * slopes[0]
        if len(slopes) == 2:
            bent = (slopes[0] - slopes[1]) / sum(lengths)
            x = x + (way.bend * lengths[0] - way.curve) * bent
    return at.step(_noised(at, x, way, s_noise), denoised, **extended("denoised", denoised, history, 2))


def _noised(at: Moment, x: Tensor, way: Leap, s_noise: float) -> Tensor:
    """x with the step's noise on it."""
    return x + at.noise(at.sigma, at.sigma_next) * (s_noise * way.up) if way.up > 0 else x
