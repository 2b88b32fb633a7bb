"""SEEDS: exponential single-step solvers of the diffusion SDE, with noise that is correct to the order of the step.

Gonzalez et al. 2023, "SEEDS: Exponential SDE Solvers for Fast High-Quality Sampling from Diffusion Models". In lambda, so either frame.
"""

import math
from collections.abc import Sequence

from torch import Tensor

from diffusion.samplers.contract import Moment, Step, finite, stepwise
from diffusion.samplers.exponential import Leap, between, leap


@finite
@stepwise
def seeds_2(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0, r: float = 1 / 2) -> Step:
    """SEEDS-2: two answers a step; second order at eta 0.

    Gonzalez et al. 2023, algorithm 2 (data prediction), with the inner answer at share r of the step.
    """
    denoised = at.denoise(at.x, at.sigma)
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    sigma_1 = between(at.frame, at.sigma, at.sigma_next, r)
    inner, whole = (leap(at.frame, at.sigma, level, eta) for level in (sigma_1, at.sigma_next))
    noise = _Path(at, (sigma_1, at.sigma_next), eta, s_noise)
    x = noise.on(inner.keep * at.x + inner.gain * denoised, 1)
    mixed = denoised + (at.denoise(x, sigma_1) - denoised) / (2 * r)
    return at.step(noise.on(whole.keep * at.x + whole.gain * mixed, 2), denoised)


@finite
@stepwise
def seeds_3(at: Moment, *, eta: float = 1.0, s_noise: float = 1.0, r_1: float = 1 / 3, r_2: float = 2 / 3) -> Step:
    """SEEDS-3: three answers a step; third order at eta 0.

    Gonzalez et al. 2023, algorithm 3 (data prediction), with the inner answers at shares r_1 and r_2 of the step.
    """
    denoised = at.denoise(at.x, at.sigma)
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    sigma_1, sigma_2 = (between(at.frame, at.sigma, at.sigma_next, share) for share in (r_1, r_2))
    first, second, whole = (leap(at.frame, at.sigma, level, eta) for level in (sigma_1, sigma_2, at.sigma_next))
    noise = _Path(at, (sigma_1, sigma_2, at.sigma_next), eta, s_noise)
    x = noise.on(first.keep * at.x + first.gain * denoised, 1)
    change = at.denoise(x, sigma_1) - denoised
    x = noise.on(second.keep * at.x + second.gain * denoised + (second.bend * r_2 / r_1) * change, 2)
    change = at.denoise(x, sigma_2) - denoised
    return at.step(noise.on(whole.keep * at.x + whole.gain * denoised + (whole.bend / r_2) * change, 3), denoised)


class _Path:
    """experimental"""
    def __init__(self, at, ends, eta, s_noise):
        levels=[at.sigma,*ends]
        self.draws=[at.noise(a,b)*s_noise for a,b in zip(levels,levels[1:])] if eta>0 else []
        ls=[at.frame.lambda_(l) for l in levels]
        dec=[math.exp(-2*(l-ls[0])*eta) for l in ls]
        self.w=[math.sqrt(a-b) for a,b in zip(dec,dec[1:])]
        self.levels=levels
        self.ls=ls; self.eta=eta
    def on(self,x,k):
        if not self.draws: return x
        for i in range(k):
            if MODE==0: x=x+self.levels[k]*self.w[i]*self.draws[k-1-i]   # reversed
            else:
                hi=math.exp(-2*(self.ls[k]-self.ls[i+1])*self.eta); lo=math.exp(-2*(self.ls[k]-self.ls[i])*self.eta)
                x=x+self.levels[k]*math.sqrt(hi-lo)*self.draws[i]
        return x
import os
MODE=int(os.environ.get('MODE','0'))
