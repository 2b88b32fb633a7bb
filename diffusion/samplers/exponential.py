"""The exponential integrator behind the solvers that work in lambda = log(alpha / sigma), stochastic or not.

While the denoised answer D holds still over a step of length h, the reverse SDE with noise of strength eta is solved by
x' = sigma'/sigma · e^(-h·eta) · x + alpha' · (1 - e^(-h·(1 + eta))) · D + sigma' · sqrt(1 - e^(-2·h·eta)) · noise
(Lu et al. 2022, "DPM-Solver++" and its SDE form, for eta 0 and 1; Gonzalez et al. 2023, "SEEDS").
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from diffusion.prediction import Frame
from diffusion.samplers.polynomials import lagrange


@dataclass(frozen=True)
class Leap:
    """One step in lambda: x' = keep · x + gain · D + up · noise.

    h: its length in lambda. strength: h · (1 + eta). alpha: the share of the latent at its end.
    """

    h: float
    strength: float
    alpha: float
    keep: float
    up: float

    @property
    def gain(self) -> float:
        """alpha · (1 - e^(-strength)): the weight of D."""
        return -self.alpha * math.expm1(-self.strength)

    @property
    def bend(self) -> float:
        """The weight of h · dD/dlambda: alpha · strength · phi_2(-strength)."""
        return self.alpha * (math.expm1(-self.strength) / self.strength + 1)


def leap(frame: Frame, sigma: float, sigma_next: float, eta: float = 0.0) -> Leap:
    """The step from sigma to a sigma_next above 0."""
    h = frame.lambda_(sigma_next) - frame.lambda_(sigma)
    return Leap(
        h=h,
        strength=h * (1 + eta),
        alpha=frame.alpha(sigma_next),
        keep=sigma_next / sigma * math.exp(-h * eta),
        up=sigma_next * math.sqrt(-math.expm1(-2 * h * eta)),
    )


def between(frame: Frame, sigma: float, sigma_next: float, share: float) -> float:
    """The noise level at this share of the way from sigma to sigma_next in lambda."""
    start, end = frame.lambda_(sigma), frame.lambda_(sigma_next)
    return frame.sigma_of(start + share * (end - start))


def adams_weights(nodes: Sequence[float], h: float, rate: float) -> list[float]:
    """The weights of answers at `nodes` (lambda, 0 at the step's end): integrals of rate·e^(rate·u)·l_j(u) over -h..0.

    l_j are the Lagrange polynomials through the nodes. Xue et al. 2023, "SA-Solver", eq. 15.
    """
    moments = [-math.expm1(-rate * h)]
    for degree in range(1, len(nodes)):
        moments.append(-((-h) ** degree) * math.exp(-rate * h) - degree / rate * moments[-1])
    return [
        sum(float(factor) * moment for factor, moment in zip(polynomial.coef, moments, strict=False))
        for polynomial in lagrange(nodes)
    ]
