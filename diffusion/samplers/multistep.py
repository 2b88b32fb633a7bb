"""Linear multistep samplers: the slopes dx/dsigma of earlier steps are extrapolated over the next one (Adams–Bashforth).

One answer of the denoiser a step. Right in either frame, because dx/dsigma = (x - D) / sigma holds in both.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from torch import Tensor

from diffusion.samplers.contract import Moment, Step, extended, stepwise
from diffusion.samplers.heun import slope


def _multistep(at: Moment, order: int, weights: Callable[[Sequence[float], float], Sequence[float]]) -> Step:
    """A step by weighted slopes: `weights` gives one for each of the levels passed so far (newest first, at most `order`)."""
    denoised = at.denoise(at.x, at.sigma)
    slopes = [slope(at.x, denoised, at.sigma), *at.history("slope", order - 1)]
    passed = at.sigmas[at.index + 1 - len(slopes) : at.index + 1][::-1]
    x = at.x
    for weight, direction in zip(weights(passed, at.sigma_next), slopes, strict=False):
        x = x + weight * direction
    return at.step(x, denoised, **extended("slope", slopes[0], slopes[1:], order - 1))


@stepwise
def lms(at: Moment, *, order: int = 4) -> Step:
    """Linear multistep with exact weights for uneven steps; fourth order.

    Adams–Bashforth (Hairer, Nørsett & Wanner 1993, "Solving Ordinary Differential Equations I", III.5), on the ODE of Karras et al. 2022.
    """
    return _multistep(at, order if at.sigma_next > 0 else 1, _lagrange_weights)


def _lagrange_weights(passed: Sequence[float], sigma_next: float) -> list[float]:
    """The integrals from passed[0] to sigma_next of the Lagrange polynomials through `passed`."""
    return [
        float((antiderivative := polynomial.integ())(sigma_next) - antiderivative(passed[0])) for polynomial in _lagrange(passed)
    ]


def _lagrange(nodes: Sequence[float]) -> list[np.polynomial.Polynomial]:
    """The polynomials that are 1 at one node and 0 at the others."""
    found = []
    for node in nodes:
        others = [other for other in nodes if other != node]
        unscaled = np.polynomial.Polynomial.fromroots(others) if others else np.polynomial.Polynomial([1.0])
        found.append(unscaled / unscaled(node))
    return found


@stepwise
def ipndm(at: Moment, *, max_order: int = 4) -> Step:
    """Improved PNDM: Adams–Bashforth with the weights of even steps, whatever the steps are; fourth order where they are even in sigma.

    Zhang & Chen 2023, "Fast Sampling of Diffusion Models with Exponential Integrator", eq. 16 (after Liu et al. 2022, PNDM).
    """
    return _multistep(at, max_order if at.sigma_next > 0 else 1, _even_weights)


EVEN_WEIGHTS = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))


def _even_weights(passed: Sequence[float], sigma_next: float) -> list[float]:
    """Weights of even steps, times the length of this one."""
    return [weight * (sigma_next - passed[0]) for weight in EVEN_WEIGHTS[len(passed) - 1]]


@stepwise
def ipndm_v(at: Moment, *, max_order: int = 4) -> Step:
    """PNDM for uneven steps."""
    return _multistep(at, max_order if at.sigma_next > 0 else 1, _ipndm_v_weights)


def _ipndm_v_weights(passed: Sequence[float], sigma_next: float) -> list[float]:
    h = sigma_next - passed[0]
    hs = [new - old for new, old in pairwise(passed)]
    weights = [1.0, 0, 0, 0]
    if len(hs) >= 1:
        h1 = hs[0]
        weights = [1 + h / h1 / 2, -h / h1 / 2, 0, 0]
    if len(hs) >= 2:
        h1, h2 = hs[:2]
        t1 = (1 - h / (3 * (h + h1)) * (h * (h + h1)) / (h1 * (h1 + h2))) / 2
        weights = [weights[0] + t1, weights[1] - (1 + h1 / h2) * t1, t1 * h1 / h2, 0]
    if len(hs) >= 3:
        h1, h2, h3 = hs
        t2 = ((1 - h / (3 * (h + h1))) / 2 + (1 - h / (2 * (h + h1))) * h / (6 * (h + h1 + h2))) * (h * (h + h1) * (h + h1 + h2)) / (
            h1 * (h1 + h2) * (h1 + h2 + h3)
        )
        a = h1 * (h1 + h2) / (h2 * (h2 + h3))
        weights = [
            weights[0] + t2,
            weights[1] - (1 + h1 / h2 + a) * t2,
            weights[2] + (h1 / h2 + a * (1 + h2 / h3)) * t2,
            -t2 * a * h1 / h2,
        ]
    return [weight * h for weight in weights]


@stepwise
def deis(at: Moment, *, max_order: int = 3) -> Step:
    """DEIS"""
    return _multistep(at, max_order if at.sigma_next > 0 else 1, _deis_weights)


def _deis_weights(passed: Sequence[float], sigma_next: float) -> list[float]:
    """exact"""
    if len(passed) == 1:
        return [sigma_next - passed[0]]
    times = [_vp_time(sigma) for sigma in passed]
    import scipy.integrate as si
    out=[]
    for p in _lagrange(times):
        out.append(si.quad(lambda s: p(_vp_time(s)), passed[0], sigma_next,epsabs=1e-12,epsrel=1e-12)[0])
    return out

def _vp_time(sigma):
    eps=1e-3
    a,b=np.log(0.002**2+1),np.log(80.**2+1)
    bd=2*(a/eps-b)/(eps-1)
    bm=b-.5*bd
    return float((np.sqrt(bm**2+2*bd*np.log(sigma**2+1))-bm)/bd)
