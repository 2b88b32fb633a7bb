"""DPM-Solver: exponential integrators of the noise prediction eps = (x - D) / sigma, in t = -log sigma.

Lu et al. 2022, "DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps". By convention t = -log sigma
in either frame, and both samplers end at the smallest level above 0.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from diffusion.samplers.ancestral import ancestral
from diffusion.samplers.contract import Denoise, Draw, Moment, Step, stepwise


def _eps(at: Moment, x: Tensor, sigma: float) -> Tensor:
    return (x - at.denoise(x, sigma)) / sigma


def _second(x: Tensor, eps: Tensor, eps_1: Tensor, sigma: float, sigma_next: float, r1: float) -> Tensor:
    """DPM-Solver-2, algorithm 1 (general r1: appendix D, eq. D.2): eps at sigma, eps_1 at share r1 of the step."""
    return x + (sigma_next - sigma) * (eps + (eps_1 - eps) / (2 * r1))


def _bent(x: Tensor, eps: Tensor, eps_r: Tensor, sigma: float, sigma_to: float, ratio: float) -> Tensor:
    """The last two stages of DPM-Solver-3, algorithm 2: from sigma to sigma_to with the change of eps over `ratio` of that way."""
    h = math.log(sigma / sigma_to)
    bend = (sigma - sigma_to) / h - sigma_to
    return x + (sigma_to - sigma) * eps - (bend / ratio) * (eps_r - eps)


def _inside(sigma: float, sigma_next: float, share: float) -> float:
    """The level at this share of the way in log sigma."""
    return sigma ** (1 - share) * sigma_next**share


def _solved(at: Moment, x: Tensor, sigma: float, sigma_next: float, order: int) -> tuple[Tensor, Tensor, Tensor]:
    """One step of DPM-Solver of order 1, 2 or 3: x, the x of the order below (for order 1 the same), the first denoised answer."""
    denoised = at.denoise(x, sigma)
    eps = (x - denoised) / sigma
    straight = x + (sigma_next - sigma) * eps
    if order == 1:
        return straight, straight, denoised
    r1 = 1 / 2 if order == 2 else 1 / 3
    sigma_1 = _inside(sigma, sigma_next, r1)
    eps_1 = _eps(at, x + (sigma_1 - sigma) * eps, sigma_1)
    second = _second(x, eps, eps_1, sigma, sigma_next, r1)
    if order == 2:
        return second, straight, denoised
    sigma_2 = _inside(sigma, sigma_next, 2 / 3)
    eps_2 = _eps(at, _bent(x, eps, eps_1, sigma, sigma_2, ratio=1 / 2), sigma_2)
    return _bent(x, eps, eps_2, sigma, sigma_next, ratio=2 / 3), second, denoised


def _with_noise(at: Moment, x: Tensor, sigma: float, sigma_next: float, down: float, s_noise: float) -> Tensor:
    """x at level `down`, noised up to sigma_next."""
    if down >= sigma_next:
        return x
    return x + at.noise(sigma, sigma_next) * (s_noise * math.sqrt(sigma_next**2 - down**2))


@stepwise
def _fast_step(at: Moment, *, orders: Sequence[int], eta: float, s_noise: float) -> Step:
    """One step of `dpm_fast`."""
    down = max(ancestral(at.sigma, at.sigma_next, eta).down, at.sigmas[-1])
    x, _, denoised = _solved(at, at.x, at.sigma, down, orders[at.index])
    return at.step(_with_noise(at, x, at.sigma, at.sigma_next, down, s_noise), denoised)


def dpm_fast(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Draw,
    resume: Step | None = None,
    eta: float = 0.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """DPM-Solver-fast: as many answers as `sigmas` has steps, spent in third-order steps even in log sigma and a lower order at the end.

    Lu et al. 2022, section 3.4 and appendix D.3. Third order (the last one or two steps are of first or second).
    Of `sigmas` only the first, the smallest above 0 and the number count.
    """
    answers = len(sigmas) - 1
    thirds, rest = divmod(answers, 3)
    orders = [3] * thirds + [rest] if rest else [3] * (thirds - 1) + [2, 1]
    lowest = min(sigma for sigma in sigmas if sigma > 0)
    levels = [_inside(sigmas[0], lowest, index / len(orders)) for index in range(len(orders) + 1)]
    return _fast_step(denoise, x, levels, noise=noise, resume=resume, orders=orders, eta=eta, s_noise=s_noise)


def dpm_adaptive(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Draw,
    resume: Step | None = None,
    order: int = 3,
    rtol: float = 0.05,
    atol: float = 0.0078,
    h_init: float = 0.05,
    pcoeff: float = 0.0,
    icoeff: float = 1.0,
    dcoeff: float = 0.0,
    accept_safety: float = 0.81,
    eta: float = 0.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """DPM-Solver-12 or -23 with adaptive steps: as many as the error estimate asks for; yields the accepted ones. Order 3 (or 2).

    Lu et al. 2022, appendix C, "adaptive step size"; the step length follows a PID controller (Söderlind 2003) limited by 1 + atan(f - 1).
    Of `sigmas` only the first and the smallest above 0 count.
    """
    index, memory = 0, {"t": -math.log(sigmas[0]), "h": h_init, "lower": x}
    if resume is not None:
        index, x, memory = resume.index + 1, resume.x, dict(resume.memory)
    t, h, lower = float(memory["t"]), float(memory["h"]), torch.as_tensor(memory["lower"])
    inverses = [float(memory[key]) for key in ("inverse_error_1", "inverse_error_2") if key in memory]
    power = 1.5 if eta else order
    exponents = ((pcoeff + icoeff + dcoeff) / power, -(pcoeff + 2 * dcoeff) / power, dcoeff / power)
    t_end = -math.log(min(sigma for sigma in sigmas if sigma > 0))
    while t < t_end - 1e-5:
        t_next = min(t_end, t + h)
        at = Moment(denoise, x, (math.exp(-t), math.exp(-t_next)), 0, {}, noise)
        down = max(ancestral(at.sigma, at.sigma_next, eta).down, math.exp(-t_end))
        tried, tried_lower, denoised = _solved(at, x, at.sigma, down, order)
        tolerance = torch.maximum(tried_lower.abs(), lower.abs()).mul(rtol).clamp(min=atol)
        error = float(torch.linalg.vector_norm((tried_lower - tried) / tolerance)) / x.numel() ** 0.5
        inverse = 1 / (error + 1e-8)
        inverses = inverses or [inverse, inverse]
        growth = math.prod(base**exponent for base, exponent in zip((inverse, *inverses), exponents, strict=True))
        factor = 1 + math.atan(growth - 1)
        h = h * factor
        if factor < accept_safety:
            continue
        inverses = [inverse, inverses[0]]
        t, lower = t_next, tried_lower
        x = _with_noise(at, tried, at.sigma, at.sigma_next, down, s_noise)
        memory = {"t": t, "h": h, "lower": lower, "inverse_error_1": inverses[0], "inverse_error_2": inverses[1]}
        yield Step(index, x, denoised, memory)
        index += 1
