"""DPM-Solver++ for the ODE: exponential integrators of the data prediction, single-step and multistep.

Lu et al. 2022, "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models". `dpmpp_2s_ancestral`
knows the frame; the others take lambda = -log sigma in either, by convention.
"""

from diffusion.prediction import FLOW, VARIANCE_EXPLODING
from diffusion.samplers.ancestral import ancestral, ancestral_in
from diffusion.samplers.contract import Moment, Step, remembered, stepwise
from diffusion.samplers.euler import toward
from diffusion.samplers.exponential import between, leap


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
    return at.step(at.noised(scale * x, s_noise * up), denoised)


@stepwise
def dpmpp_2s_ancestral_cfg_pp(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0) -> Step:
    """DPM-Solver++(2S) with ancestral noise and CFG++: the direction comes from the newest negative answer.

    Lu et al. 2022, algorithm 1; Chung et al. 2024, "CFG++: Manifold-constrained Classifier Free Guidance", algorithm 2.
    The second half sets the guided answer of the full step against the negative one of the half step, which takes
    dD / 2 off every step: at eta 0 this is first order for that equation, not for the ODE. Pictures under this name
    have always been made so.
    """
    denoised, negative = at.both(at.x, at.sigma)
    down, up, _ = ancestral(at.sigma, at.sigma_next, eta)
    if down == 0:
        return at.step(denoised, denoised)
    middle = between(VARIANCE_EXPLODING, at.sigma, down, 1 / 2)
    halfway = toward(at.x + (denoised - negative), denoised, at.sigma, middle)
    second, negative = at.both(halfway, middle)
    x = toward(at.x + (denoised - negative), second, at.sigma, down)
    return at.step(at.noised(x, s_noise * up), denoised)


@stepwise
def dpmpp_2m(at: Moment) -> Step:
    """DPM-Solver++(2M): second-order multistep, one answer a step; the last step to 0 is of first order.

    Lu et al. 2022, algorithm 2, written in lambda = -log sigma.
    """
    denoised = target = at.denoise(at.x, at.sigma)
    if at.sigma_next > 0:
        for before in at.history("denoised", 1):
            target = denoised + (denoised - before) / (2 * _length_ratio(at))
    return at.step(toward(at.x, target, at.sigma, at.sigma_next), denoised, **remembered("denoised", [denoised], 1))


@stepwise
def dpmpp_2m_cfg_pp(at: Moment) -> Step:
    """DPM-Solver++(2M) with CFG++: direction and earlier answer are those of the negative side.

    Lu et al. 2022, algorithm 2; Chung et al. 2024, "CFG++: Manifold-constrained Classifier Free Guidance", algorithm 2.
    Second order where both answers are one.
    """
    denoised, negative = at.both(at.x, at.sigma)
    share = at.sigma_next / at.sigma
    x = denoised + share * (at.x - negative)
    if at.sigma_next > 0:
        for before in at.history("negative", 1):
            x = x + (1 - share) / (2 * _length_ratio(at)) * (denoised - before)
    return at.step(x, denoised, **remembered("negative", [negative], 1))


def _length_ratio(at: Moment) -> float:
    """Length of the step before over that of this one, in -log sigma."""
    before, here, after = at.sigmas[at.index - 1 : at.index + 2]
    return leap(VARIANCE_EXPLODING, before, here).h / leap(VARIANCE_EXPLODING, here, after).h
