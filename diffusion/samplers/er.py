"""ER-SDE: extended reverse-time SDE solvers, exact in the linear part and in the noise.

Cui et al. 2023, "Elucidating the Solution Space of Extended Reverse-Time SDE for Diffusion Models". In sigma / alpha,
so either frame.
"""

import numpy as np

from diffusion.samplers.contract import Moment, Step, finite, remembered, stepwise

POINTS = 200
"""Points of the left Riemann sums for the two integrals without a closed form."""


def noise_scale(ratio: np.ndarray, power: float | None = None) -> np.ndarray:
    """How much noise is put back at a noise-to-signal ratio: x · (e^(x^0.3) + 10), the paper's ER SDE 5; or x^power."""
    return ratio * (np.exp(ratio**0.3) + 10.0) if power is None else ratio**power


@finite
@stepwise
def er_sde(at: Moment, *, max_stage: int = 3, s_noise: float = 1.0, power: float | None = None) -> Step:
    """Third-stage multistep with noise, one answer a step; second order in the mean.

    Cui et al. 2023, ER-SDE-Solver-3, in x / alpha and sigma / alpha. The Riemann sums keep it from third order, at a
    small error. max_stage 1 and 2 give the solvers of lower order. power: of the noise scale, in place of the paper's
    own: 1 is the probability-flow ODE, 2 the reverse-time SDE.
    """
    denoised = at.denoise(at.x, at.sigma)
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    ratios = [level / at.frame.alpha(level) for level in at.sigmas[: at.index + 2]]
    start, end = ratios[-2:]
    alpha, alpha_end = at.frame.alpha(at.sigma), at.frame.alpha(at.sigma_next)
    scale = noise_scale(np.array([start, end]), power)
    kept = float(scale[1] / scale[0])
    x = alpha_end * (kept / alpha * at.x + (1 - kept) * denoised)
    memory = remembered("denoised", [denoised], 1)
    grid = end + (start - end) / POINTS * np.arange(POINTS)
    weights = (start - end) / POINTS * scale[1] / noise_scale(grid, power)
    for before in at.history("denoised", 1) if max_stage >= 2 else []:
        slope = (denoised - before) / (start - ratios[-3])
        x = x + alpha_end * float(end - start + weights.sum()) * slope
        memory |= remembered("slope", [slope], 1)
        for slope_before in at.history("slope", 1) if max_stage >= 3 else []:
            bend = (slope - slope_before) / ((start - ratios[-4]) / 2)
            x = x + alpha_end * float((start - end) ** 2 / 2 + weights @ (grid - start)) * bend
    up = max(end**2 - (start * kept) ** 2, 0.0) ** 0.5
    return at.step(at.noised(x, s_noise * alpha_end * up), denoised, **memory)
