"""DPM-Solver: exponential integrators of the noise prediction eps = (x - D) / sigma, in t = -log sigma.

Lu et al. 2022, "DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps". By
convention t = -log sigma in either frame, and both samplers end at the smallest level above 0.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from diffusion.samplers.ancestral import ancestral
from diffusion.samplers.contract import Denoise, Draw, Moment, Step, stepwise


@stepwise
def _fast_step(at: Moment, *, orders: Sequence[int], eta: float, s_noise: float) -> Step:
    """One step of `dpm_fast`."""
    down = max(ancestral(at.sigma, at.sigma_next, eta).down, at.sigmas[-1])
    x, _, denoised = _solved(at, down, orders[at.index])
    return at.step(_with_noise(at, x, down, s_noise), denoised)


def dpm_fast(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Draw,
    resume: Step | None,
    eta: float = 0.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """As many answers as `sigmas` has steps, spent in third-order steps that are even in log sigma.

    Lu et al. 2022, DPM-Solver-fast. Third order, but for one or two steps of first or second at the end.
    Of `sigmas` only the first, the smallest above 0 and the number count.
    """
    answers = len(sigmas) - 1
    thirds, rest = divmod(answers, 3)
    orders = [3] * thirds + [rest] if rest else [3] * (thirds - 1) + [2, 1]
    lowest = _lowest(sigmas)
    levels = [_inside(sigmas[0], lowest, index / len(orders)) for index in range(len(orders) + 1)]
    return _fast_step(denoise, x, levels, noise=noise, resume=resume, orders=orders, eta=eta, s_noise=s_noise)


def dpm_adaptive(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Draw,
    resume: Step | None,
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
    """Adaptive steps by the distance of two orders, of which the accepted ones are yielded; third order (or second).

    Lu et al. 2022, DPM-Solver-12 and -23; the step length follows a PID controller (Söderlind 2003), the factor f
    limited to 1 + atan(f - 1). x's error is measured against max(atol, rtol · |x|). Of `sigmas` only the first and the
    smallest above 0 count.
    """
    power = 1.5 if eta else order
    exponents = ((pcoeff + icoeff + dcoeff) / power, -(pcoeff + 2 * dcoeff) / power, dcoeff / power)
    index, memory = 0, {"t": -math.log(sigmas[0]), "h": h_init, "lower": x}
    if resume is not None:
        index, x, memory = resume.index + 1, resume.x, dict(resume.memory)
    t, h, lower = float(memory["t"]), float(memory["h"]), torch.as_tensor(memory["lower"])
    inverses = [float(memory[name]) for name in ("inverse_error_1", "inverse_error_2") if name in memory]
    lowest = _lowest(sigmas)
    while t < -math.log(lowest) - 1e-5:
        t_next = min(-math.log(lowest), t + h)
        at = Moment(denoise, x, (math.exp(-t), math.exp(-t_next)), 0, {}, noise)
        down = max(ancestral(at.sigma, at.sigma_next, eta).down, lowest)
        tried, tried_lower, denoised = _solved(at, down, order)
        inverse = 1 / (_error(tried, tried_lower, lower, rtol, atol) + 1e-8)
        inverses = inverses or [inverse, inverse]
        factor = 1 + math.atan(math.prod(map(pow, (inverse, *inverses), exponents)) - 1)
        h *= factor
        if factor < accept_safety:
            continue
        t, x, lower, inverses = t_next, _with_noise(at, tried, down, s_noise), tried_lower, [inverse, inverses[0]]
        memory = {"t": t, "h": h, "lower": lower, "inverse_error_1": inverses[0], "inverse_error_2": inverses[1]}
        yield Step(index, x, denoised, memory)
        index += 1


def _error(x: Tensor, lower: Tensor, lower_before: Tensor, rtol: float, atol: float) -> float:
    """The distance of the answers of two orders, in units of the tolerance; root mean square."""
    tolerance = torch.maximum(lower.abs(), lower_before.abs()).mul(rtol).clamp(min=atol)
    return float(torch.linalg.vector_norm((lower - x) / tolerance)) / x.numel() ** 0.5


def _lowest(sigmas: Sequence[float]) -> float:
    """The smallest level above 0, where both samplers end."""
    return min(sigma for sigma in sigmas if sigma > 0)


def _solved(at: Moment, sigma_next: float, order: int) -> tuple[Tensor, Tensor, Tensor]:
    """One step of DPM-Solver of order 1, 2 or 3: x, x by the order below (1: the same), the first denoised answer."""
    x, sigma = at.x, at.sigma
    denoised = at.denoise(x, sigma)
    eps = (x - denoised) / sigma
    straight = x + (sigma_next - sigma) * eps
    if order == 1:
        return straight, straight, denoised
    share = 1 / 2 if order == 2 else 1 / 3
    sigma_1 = _inside(sigma, sigma_next, share)
    change = _eps(at, x + (sigma_1 - sigma) * eps, sigma_1) - eps
    second = straight + (sigma_next - sigma) / (2 * share) * change
    if order == 2:
        return second, straight, denoised
    sigma_2 = _inside(sigma, sigma_next, 2 / 3)
    halfway = x + (sigma_2 - sigma) * eps + 2 * _bend(sigma, sigma_2) * change
    change = _eps(at, halfway, sigma_2) - eps
    return straight + 1.5 * _bend(sigma, sigma_next) * change, second, denoised


def _eps(at: Moment, x: Tensor, sigma: float) -> Tensor:
    return (x - at.denoise(x, sigma)) / sigma


def _inside(sigma: float, sigma_next: float, share: float) -> float:
    """The level at this share of the way in log sigma."""
    return sigma ** (1 - share) * sigma_next**share


def _bend(sigma: float, sigma_next: float) -> float:
    """The weight of h · d eps/dt over a step from sigma: -sigma_next · (e^h - 1 - h) / h, algorithm 2."""
    h = math.log(sigma / sigma_next)
    return sigma_next - (sigma - sigma_next) / h


def _with_noise(at: Moment, x: Tensor, down: float, s_noise: float) -> Tensor:
    """x at level `down`, noised up to the level the step goes to."""
    return at.noised(x, s_noise * math.sqrt(max(at.sigma_next**2 - down**2, 0.0)))
