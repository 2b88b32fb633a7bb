"""Single-step samplers after Karras et al. 2022: a trial step, and further answers of the denoiser to mend it."""

import math

from torch import Tensor

from diffusion.samplers.ancestral import ancestral_in
from diffusion.samplers.contract import Moment, Step, stepwise
from diffusion.samplers.euler import churned, toward


def slope(x: Tensor, denoised: Tensor, sigma: float) -> Tensor:
    """dx/dsigma of the probability-flow ODE: (x - D) / sigma, in either frame (Karras et al. 2022, eq. 3)."""
    return (x - denoised) / sigma


@stepwise
def heun(
    at: Moment, *, s_churn: float = 0.0, s_tmin: float = 0.0, s_tmax: float = math.inf, s_noise: float = 1.0
) -> Step:
    """Heun's method: the mean of the slopes at both ends of the step; second order. The last step to 0 is Euler's.

    Karras et al. 2022, "Elucidating the Design Space of Diffusion-Based Generative Models", algorithm 2.
    """
    x, sigma = churned(at, s_churn, s_tmin, s_tmax, s_noise)
    denoised = at.denoise(x, sigma)
    first, length = slope(x, denoised, sigma), at.sigma_next - sigma
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    trial = x + length * first
    second = slope(trial, at.denoise(trial, at.sigma_next), at.sigma_next)
    return at.step(x + length * (first + second) / 2, denoised)


@stepwise
def heunpp2(
    at: Moment, *, s_churn: float = 0.0, s_tmin: float = 0.0, s_tmax: float = math.inf, s_noise: float = 1.0
) -> Step:
    """Heun++: slopes here and one or two levels further down; 3 answers a step, in the last two 2 and 1; first order.

    Carzit 2023, "sd-webui-sampler-heunpp": each later slope counts sigma / (k · sigma_max), k the number of slopes, the
    first one the rest, so that the method moves from Heun-like to Euler as the noise falls.
    """
    x, sigma = churned(at, s_churn, s_tmin, s_tmax, s_noise)
    denoised = at.denoise(x, sigma)
    first, length = slope(x, denoised, sigma), at.sigma_next - sigma
    ahead = at.sigmas[at.index + 1 : min(at.index + 3, len(at.sigmas) - 1)]
    weights = [later / ((len(ahead) + 1) * at.sigmas[0]) for later in ahead]
    mean = (1 - sum(weights)) * first
    here, trial, direction = sigma, x, first
    for later, weight in zip(ahead, weights, strict=True):
        trial = trial + (later - here) * direction
        direction = slope(trial, at.denoise(trial, later), later)
        mean, here = mean + weight * direction, later
    return at.step(x + length * mean, denoised)


@stepwise
def dpm_2(
    at: Moment, *, s_churn: float = 0.0, s_tmin: float = 0.0, s_tmax: float = math.inf, s_noise: float = 1.0
) -> Step:
    """The midpoint method, the midpoint taken in log sigma; second order. The last step to 0 is Euler's.

    Lu et al. 2022, "DPM-Solver", section 3 (the midpoint), in the variables and with the churn of Karras et al. 2022,
    algorithm 2.
    """
    x, sigma = churned(at, s_churn, s_tmin, s_tmax, s_noise)
    denoised = at.denoise(x, sigma)
    return at.step(_by_midpoint(at, x, sigma, denoised, at.sigma_next), denoised)


@stepwise
def dpm_2_ancestral(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0) -> Step:
    """The midpoint method with ancestral noise; second order at eta 0.

    Karras et al. 2022 for the variables, Song et al. 2020, "DDIM", eq. 16 for the noise.
    """
    denoised = at.denoise(at.x, at.sigma)
    down, up, scale = ancestral_in(at.frame, at.sigma, at.sigma_next, eta)
    x = _by_midpoint(at, at.x, at.sigma, denoised, down)
    return at.step(at.noised(scale * x, s_noise * up), denoised)


def _by_midpoint(at: Moment, x: Tensor, sigma: float, denoised: Tensor, sigma_end: float) -> Tensor:
    """x at sigma_end, by the slope at sqrt(sigma * sigma_end)."""
    if sigma_end == 0:
        return denoised
    middle = math.sqrt(sigma * sigma_end)
    trial = toward(x, denoised, sigma, middle)
    return x + (sigma_end - sigma) * slope(trial, at.denoise(trial, middle), middle)
