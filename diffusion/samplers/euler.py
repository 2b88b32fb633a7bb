"""First-order samplers: one answer of the denoiser a step, nothing remembered (but by gradient estimation)."""

import math

from torch import Tensor

from diffusion.samplers.ancestral import ancestral, ancestral_in
from diffusion.samplers.contract import Moment, Step, remembered, stepwise


def churned(at: Moment, s_churn: float, s_tmin: float, s_tmax: float, s_noise: float) -> tuple[Tensor, float]:
    """x with fresh noise, and its raised level: Karras et al. 2022, algorithm 2, lines 4 to 6."""
    if s_churn == 0 or not s_tmin <= at.sigma <= s_tmax:
        return at.x, at.sigma
    gamma = min(s_churn / (len(at.sigmas) - 1), math.sqrt(2) - 1)
    raised = at.sigma * (1 + gamma)
    fresh = at.noise(at.sigma, at.sigma_next) * s_noise
    return at.x + fresh * math.sqrt(raised**2 - at.sigma**2), raised


def toward(x: Tensor, denoised: Tensor, sigma: float, sigma_to: float) -> Tensor:
    """x at sigma_to, on the straight line to the denoised latent at 0: exact in either frame while D stands still."""
    return denoised + (sigma_to / sigma) * (x - denoised)


@stepwise
def euler(
    at: Moment, *, s_churn: float = 0.0, s_tmin: float = 0.0, s_tmax: float = math.inf, s_noise: float = 1.0
) -> Step:
    """Euler's method on the probability-flow ODE dx/dsigma = (x - D) / sigma, the same as DDIM at eta 0; first order.

    Karras et al. 2022, "Elucidating the Design Space of Diffusion-Based Generative Models", algorithm 2 without the
    correction.
    """
    x, sigma = churned(at, s_churn, s_tmin, s_tmax, s_noise)
    denoised = at.denoise(x, sigma)
    return at.step(toward(x, denoised, sigma, at.sigma_next), denoised)


@stepwise
def euler_cfg_pp(at: Moment, *, eta: float = 0.0, s_noise: float = 1.0, version: str = "regular") -> Step:
    """DDIM with CFG++: noise read from the negative answer, the guided one as target; eta 1 is ancestral. First order.

    Chung et al. 2024, "CFG++: Manifold-constrained Classifier Free Guidance", algorithm 2; the noise levels are taken
    relative to alpha, so that both frames are served. version "alternative": Euler's method to as far beyond the guided
    answer as the negative one lies before it, which is guidance with twice the scale.
    """
    denoised, negative = at.both(at.x, at.sigma)
    if version == "alternative":
        return at.step(toward(at.x, 2 * denoised - negative, at.sigma, at.sigma_next), denoised)
    alpha, alpha_next = at.frame.alpha(at.sigma), at.frame.alpha(at.sigma_next)
    noise = (at.x - alpha * negative) / at.sigma
    if eta == 0:
        return at.step(alpha_next * denoised + at.sigma_next * noise, denoised)
    down, up, _ = ancestral(at.sigma / alpha if alpha > 0 else math.inf, at.sigma_next / alpha_next, eta)
    x = alpha_next * (denoised + down * noise)
    return at.step(at.noised(x, s_noise * up * alpha_next), denoised)


@stepwise
def euler_ancestral(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0) -> Step:
    """Euler's method with ancestral noise; first order at eta 0.

    Song et al. 2020, "Denoising Diffusion Implicit Models", eq. 12 and 16 with eta = 1, in the variables of Karras et
    al. 2022.
    """
    denoised = at.denoise(at.x, at.sigma)
    down, up, scale = ancestral_in(at.frame, at.sigma, at.sigma_next, eta)
    x = toward(at.x, denoised, at.sigma, down)
    return at.step(at.noised(scale * x, s_noise * up), denoised)


@stepwise
def ddpm(at: Moment) -> Step:
    """Ancestral sampling of the DDPM posterior, by convention in its variance-exploding form; first order.

    Ho et al. 2020, "Denoising Diffusion Probabilistic Models", algorithm 2, with x / sqrt(1 + sigma²) as the paper's x.
    """
    denoised = at.denoise(at.x, at.sigma)
    down, up, _ = ancestral(at.sigma, at.sigma_next, eta=1.0)
    x = toward(at.x, denoised, at.sigma, down)
    return at.step(at.noised(x, up), denoised)


@stepwise
def lcm(at: Moment) -> Step:
    """Consistency sampling: trust the denoiser wholly, then noise its answer to the next level.

    Luo et al. 2023, "Latent Consistency Models", algorithm 3; Song et al. 2023, "Consistency Models", algorithm 1.
    """
    x = denoised = at.denoise(at.x, at.sigma)
    if at.sigma_next > 0:
        x = at.frame.renoise(denoised, at.noise(at.sigma, at.sigma_next), at.sigma_next)
    return at.step(x, denoised)


@stepwise
def gradient_estimation(at: Moment, *, gamma: float = 2.0, cfg_pp: bool = False) -> Step:
    """Euler's method along gamma · d + (1 - gamma) · d of the step before; first order (second where gamma is 1.5).

    Permenter & Yuan 2023, "Interpreting and Improving Diffusion Models from an Optimization Perspective".
    With cfg_pp the direction is that of the negative answer (Chung et al. 2024).
    """
    denoised, negative = at.both(at.x, at.sigma) if cfg_pp else (at.denoise(at.x, at.sigma),) * 2
    direction = (at.x - negative) / at.sigma
    x = denoised + at.sigma_next * direction
    if at.sigma_next > 0:
        for before in at.history("direction", 1):
            x = x + (gamma - 1) * (at.sigma_next - at.sigma) * (direction - before)
    return at.step(x, denoised, **remembered("direction", [direction], 1))
