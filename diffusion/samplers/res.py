"""RES: second-order exponential multistep, with ancestral noise or CFG++ if asked for."""

import math

from diffusion.samplers.ancestral import ancestral
from diffusion.samplers.contract import Moment, Step, remembered, stepwise
from diffusion.samplers.euler import toward


@stepwise
def res_multistep(at: Moment, *, eta: float = 0.0, s_noise: float = 1.0, cfg_pp: bool = False) -> Step:
    """Second-order exponential multistep in t = -log sigma; second order at eta 0.

    Zhang et al. 2023, "Improved Order Analysis and Design of Exponential Integrator for Diffusion Models Sampling".
    With cfg_pp the direction is that of the negative answer, as are those carried on (Chung et al. 2024, "CFG++").
    """
    denoised, negative = at.both(at.x, at.sigma) if cfg_pp else (at.denoise(at.x, at.sigma),) * 2
    down, up, _ = ancestral(at.sigma, at.sigma_next, eta)
    x = at.x + (denoised - negative) if cfg_pp else at.x
    target = denoised
    if down > 0:
        for before in at.history("denoised", 1):
            target = negative + _slope_weight(at, down) * (negative - before)
    x = toward(x, target, at.sigma, down)
    return at.step(at.noised(x, s_noise * up), denoised, **remembered("denoised", [negative], 1), down=down)


def _slope_weight(at: Moment, down: float) -> float:
    """What the change of D since the last step counts: phi_2(-h) / phi_1(-h), over its length in steps of this one."""
    h = math.log(at.sigma / down)
    c2 = math.log(float(at.memory["down"]) / at.sigmas[at.index - 1]) / h
    phi_1 = -math.expm1(-h) / h
    phi_2 = (1 - phi_1) / h
    return -phi_2 / c2 / phi_1
