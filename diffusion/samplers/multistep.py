"""Linear multistep samplers: the slopes dx/dsigma of earlier steps are carried over the next one (Adams–Bashforth).

One answer of the denoiser a step; the last step, to 0, is Euler's. Right in either frame, because
dx/dsigma = (x - D) / sigma holds in both.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.polynomial.legendre import leggauss

from diffusion.samplers.contract import Moment, Step, remembered, stepwise
from diffusion.samplers.heun import slope
from diffusion.samplers.polynomials import lagrange


@stepwise
def lms(at: Moment, *, order: int = 4) -> Step:
    """Adams–Bashforth with exact weights for uneven steps; fourth order once enough slopes are known.

    Hairer, Nørsett & Wanner 1993, "Solving Ordinary Differential Equations I", III.5, on the ODE of Karras et al. 2022,
    eq. 1.
    """
    return _multistep(at, order, _exact_weights)


def _exact_weights(passed: Sequence[float], sigma_next: float) -> list[float]:
    """The integrals from passed[0] to sigma_next of the Lagrange polynomials through `passed`."""
    length = sigma_next - passed[0]
    places = [(sigma - passed[0]) / length for sigma in passed]  # small numbers: powers of sigma itself would cancel
    return [length * float(polynomial.integ()(1.0)) for polynomial in lagrange(places)]


@stepwise
def ipndm(at: Moment, *, max_order: int = 4) -> Step:
    """Improved PNDM: Adams–Bashforth with the weights of even steps; fourth order where sigma falls evenly.

    Zhang & Chen 2023, "Fast Sampling of Diffusion Models with Exponential Integrator", iPNDM, after Liu et al. 2022.
    """
    return _multistep(at, max_order, _even_weights)


EVEN_WEIGHTS = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))


def _even_weights(passed: Sequence[float], sigma_next: float) -> list[float]:
    """The weights of even steps, times the length of this one."""
    return [weight * (sigma_next - passed[0]) for weight in EVEN_WEIGHTS[len(passed) - 1]]


@stepwise
def ipndm_v(at: Moment, *, max_order: int = 4) -> Step:
    """Improved PNDM for uneven steps; third order where sigma falls evenly.

    Zhang & Chen 2023, with the variable-step weights of Zhou et al. 2024, "Fast ODE-based Sampling for Diffusion Models
    in Around 5 Steps" (its code). Three of them are not those of Adams–Bashforth; they are kept, because pictures made
    under this name have them.
    """
    return _multistep(at, max_order, _published_weights)


def _published_weights(passed: Sequence[float], sigma_next: float) -> list[float]:
    """Euler's weight, and what first, second and third differences of the slopes add to it."""
    h = sigma_next - passed[0]
    lengths = [new - old for new, old in pairwise(passed)]
    weights = np.array([1.0, 0.0, 0.0, 0.0])
    if len(lengths) >= 1:
        (h1,) = lengths[:1]
        weights += h / (2 * h1) * np.array([1.0, -1.0, 0.0, 0.0])
    if len(lengths) >= 2:
        h1, h2 = lengths[:2]
        second = (1 - h**2 / (3 * h1 * (h1 + h2))) / 2
        weights += second * np.array([1.0, -(1 + h1 / h2), h1 / h2, 0.0])
    if len(lengths) >= 3:
        h1, h2, h3 = lengths
        third = (1 - h / (3 * (h + h1))) / 2 + (1 - h / (2 * (h + h1))) * h / (6 * (h + h1 + h2))
        third *= h * (h + h1) * (h + h1 + h2) / (h1 * (h1 + h2) * (h1 + h2 + h3))
        bend = h1 * (h1 + h2) / (h2 * (h2 + h3))
        weights += third * np.array([1.0, -(1 + h1 / h2 + bend), h1 / h2 + bend * (1 + h2 / h3), -bend * h1 / h2])
    return (h * weights[: len(passed)]).tolist()


@stepwise
def deis(at: Moment, *, max_order: int = 3) -> Step:
    """DEIS: slopes interpolated in the time of a variance-preserving process; third order once enough are known.

    Zhang & Chen 2023, "Fast Sampling of Diffusion Models with Exponential Integrator", tAB-DEIS.
    """
    return _multistep(at, max_order, _time_weights)


def _time_weights(passed: Sequence[float], sigma_next: float) -> list[float]:
    """The integrals over sigma, passed[0] to sigma_next, of the Lagrange polynomials through the times of `passed`."""
    if len(passed) == 1:
        return [sigma_next - passed[0]]
    points, shares = leggauss(32)
    half = (sigma_next - passed[0]) / 2
    start, end = _time(np.array([passed[0], sigma_next]))
    places = (_time(np.array(passed)) - start) / (end - start)
    within = (_time(passed[0] + half * (1 + points)) - start) / (end - start)
    return [float(half * shares @ polynomial(within)) for polynomial in lagrange(places.tolist())]


def _time(sigma: np.ndarray) -> np.ndarray:
    """t in log(1 + sigma²) = a·t²/2 + b·t, with sigma(0.001) = 0.002 and sigma(1) = 80 (Karras et al. 2022, C.1)."""
    first, last = math.log(1 + 0.002**2) / 0.001, math.log(1 + 80.0**2)
    a = 2 * (last - first) / (1 - 0.001)
    b = last - a / 2
    return (np.sqrt(b**2 + 2 * a * np.log1p(sigma**2)) - b) / a


def _multistep(at: Moment, order: int, weigh: Callable[[Sequence[float], float], Sequence[float]]) -> Step:
    """A step along weighted slopes; `weigh` gives one weight for each level passed, newest first."""
    denoised = at.denoise(at.x, at.sigma)
    newest = slope(at.x, denoised, at.sigma)
    history = at.history("slope", order - 1)
    memory = remembered("slope", [newest, *history], order - 1)
    if at.sigma_next == 0:
        return at.step(denoised, denoised, **memory)
    passed = at.sigmas[at.index - len(history) : at.index + 1][::-1]
    x = at.x
    for weight, direction in zip(weigh(passed, at.sigma_next), [newest, *history], strict=True):
        x = x + weight * direction
    return at.step(x, denoised, **memory)
