"""SA-Solver"""
import math
from collections.abc import Sequence
import os

import numpy as np
from torch import Tensor

from diffusion.samplers.contract import Moment, Step, extended, finite, stepwise
from diffusion.samplers.exponential import leap
from diffusion.samplers.multistep import _lagrange

S2=int(os.environ.get('S2','0')); LO=int(os.environ.get('LO','0')); LC=int(os.environ.get('LC','0')); TA=int(os.environ.get('TA','1'))
AL=int(os.environ.get('AL','0')); SH=float(os.environ.get('SH','0'))
@finite
@stepwise
def sa_solver(at: Moment, *, predictor_order: int = 3, corrector_order: int = 4, pece: bool = False, s_noise: float = 1.0) -> Step:
    """SA"""
    denoised = at.denoise(at.x, at.sigma)
    history = at.history("denoised", 3)
    x = at.x
    n = len(at.sigmas) - 1
    if at.index > 0:
        order = min(corrector_order, at.index + 1, n - at.index + LC)
        x = _adams(at, at.index-1, at.memory["corrected"], [denoised, *history][:order], at.sigmas[at.index-order+1: at.index+1][::-1], float(at.memory["tau"]), corr=True)
        if "noise" in at.memory: x = x + at.memory["noise"]
        if pece: denoised = at.denoise(x, at.sigma)
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    order = min(predictor_order, at.index + 1, n - at.index + LO)
    t = at.sigmas[at.index+TA]
    a, b = at.ask.percent_to_sigma(.2), at.ask.percent_to_sigma(.8)
    if SH and at.frame.alpha(.5)!=1:
        f=lambda p: SH*(1-p)/(1+(SH-1)*(1-p)); a,b=f(.2),f(.8)
    tau = 1.0 if b <= t <= a else 0.0
    memory = {"corrected": x, "tau": tau}
    new = _adams(at, at.index, x, [denoised, *history][:order], at.sigmas[at.index-order+1: at.index+1][::-1], tau, corr=False)
    if tau > 0 or AL:
        h = leap(at.frame, at.sigma, at.sigma_next).h
        noise = at.noise(at.sigma, at.sigma_next) * (s_noise*at.sigma_next * math.sqrt(-math.expm1(-2 * tau**2 * h)))
        memory["noise"] = noise
        new = new + noise
    return at.step(new, denoised, **memory, **extended("denoised", denoised, history, 3))


def _adams(at, i, x, answers, nodes, tau, corr):
    f = at.frame
    s, t = at.sigmas[i], at.sigmas[i+1]
    h = f.lambda_(t) - f.lambda_(s)
    a = 1 + tau**2
    lt = f.lambda_(t)
    m = [-math.expm1(-a*h)]
    for k in range(1, 4):
        m.append(-((-h)**k) * math.exp(-a*h) - k / a * m[-1])
    ls = [f.lambda_(q) - lt for q in nodes]
    w = [sum(c * mm for c, mm in zip(p.coef, m)) for p in _lagrange(ls)]
    if len(w) == 2 and S2:
        d = ls[0] - ls[1]
        # (1+tau^2) e^{..}(h^2/2 - (h a - 1 + e^{-ah})/a^2)/d
        extra = a * (h*h/2 - (h*a - 1 + math.exp(-a*h)) / a**2) / d
        w[0] += extra; w[1] -= extra
    y = (t/s) * math.exp(-tau**2*h) * x
    for ww, D in zip(w, answers, strict=True): y = y + f.alpha(t) * ww * D
    return y
