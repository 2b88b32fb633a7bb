"""SA-Solver: stochastic Adams predictor and corrector for the reverse SDE.

Xue et al. 2023, "SA-Solver: Stochastic Adams Solver for Fast Sampling of Diffusion Models". In lambda = log(alpha /
sigma), so either frame.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from diffusion.samplers.contract import Moment, Step, finite, remembered, stepwise
from diffusion.samplers.exponential import adams_weights, leap


@finite
@stepwise
def sa_solver(
    at: Moment,
    *,
    predictor_order: int = 3,
    corrector_order: int = 4,
    pece: bool = False,
    eta: float = 1.0,
    s_noise: float = 1.0,
    start_percent: float = 0.2,
    end_percent: float = 0.8,
    simple_order_2: bool = False,
) -> Step:
    """SA-Solver with data prediction: a step predicts, the next one corrects with its answer; fourth order at eta 0.

    Xue et al. 2023, algorithm 1, in PEC form, or with a second answer after the correction (pece). tau = eta while the
    level a step goes to lies between the two percents, else 0. The order rises from 1 at the start and falls again
    towards a last level of 0. corrector_order 0 leaves the corrector out. simple_order_2: as in `_adams`.
    """
    denoised = at.denoise(at.x, at.sigma)
    depth = max(predictor_order, corrector_order, 4) - 1
    history = at.history("denoised", depth)
    order = min(len(history) + 1, _steps_left(at))
    x = at.x
    if at.index > 0 and corrector_order > 0:
        answers = [denoised, *history][: min(corrector_order, order)]
        (corrected,), (noise,) = at.history("corrected", 1), at.history("noise", 1)
        x = _adams(at, -1, corrected, answers, float(at.memory["tau"]), simple=simple_order_2) + noise
        if pece:
            denoised = at.denoise(x, at.sigma)
    if at.sigma_next == 0:
        return at.step(denoised, denoised)
    inside = at.ask.percent_to_sigma(end_percent) <= at.sigma_next <= at.ask.percent_to_sigma(start_percent)
    tau = eta if inside else 0.0
    answers = [denoised, *history][: min(predictor_order, order, _steps_left(at) - 1)]
    noise = at.noised(torch.zeros_like(x), s_noise * leap(at.frame, at.sigma, at.sigma_next, tau**2).up)
    predicted = _adams(at, 0, x, answers, tau, simple=simple_order_2) + noise
    kept = remembered("denoised", [denoised, *history], depth)
    return at.step(
        predicted, denoised, tau=tau, **kept, **remembered("corrected", [x], 1), **remembered("noise", [noise], 1)
    )


def _steps_left(at: Moment) -> int:
    """Steps to go to a last level of 0, this one included; a run that ends above 0 has no need to lower its order."""
    return len(at.sigmas) - 1 - at.index if at.sigmas[-1] == 0 else len(at.sigmas)


def _adams(at: Moment, offset: int, x: Tensor, answers: Sequence[Tensor], tau: float, *, simple: bool) -> Tensor:
    """x over the step that begins at level index + offset, by answers from this level on backwards; eq. 14 and 17.

    simple: with two answers their slope counts as over a short step, (1 + tau²) · h² / 2, as in appendix D.
    """
    start, end = at.sigmas[at.index + offset : at.index + offset + 2]
    way = leap(at.frame, start, end, tau**2)
    passed = at.sigmas[at.index + 1 - len(answers) : at.index + 1][::-1]
    nodes = [at.frame.lambda_(level) - at.frame.lambda_(end) for level in passed]
    x = way.keep * x
    weights = adams_weights(nodes, way.h, 1 + tau**2)
    if simple and len(nodes) == 2:
        more = (way.strength * way.h / 2 - way.bend * way.h / way.alpha) / (nodes[0] - nodes[1])
        weights = [weights[0] + more, weights[1] - more]
    for weight, answer in zip(weights, answers, strict=True):
        x = x + (way.alpha * weight) * answer
    return x
