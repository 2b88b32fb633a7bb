"""The exponential integrator behind the solvers that work in lambda = log(alpha / sigma), stochastic or not.

With the data prediction D held still over a step of length h, the SDE of Song et al. 2021 with noise strength eta is solved exactly:
x' = sigma'/sigma · e^(-h·eta) · x + alpha' · (1 - e^(-h·(1 + eta))) · D + sigma' · sqrt(1 - e^(-2·h·eta)) · noise
(Lu et al. 2022, "DPM-Solver++", eq. 9 for eta 0 and proposition 6.1 for eta 1; Gonzalez et al. 2023, "SEEDS", section 3).
"""

import math
from dataclasses import dataclass

from diffusion.prediction import Frame


@dataclass(frozen=True)
class Leap:
    """One step in lambda: x' = keep · x + gain · D + up · noise.

    h: its length in lambda. strength: h · (1 + eta). alpha: the share of the latent at its end. Higher orders add multiples of
    the first and second derivative of D over h: `bend` and `curve`.
    """

    h: float
    strength: float
    alpha: float
    keep: float
    up: float

    @property
    def gain(self) -> float:
        """alpha · (1 - e^(-strength))."""
        return -self.alpha * math.expm1(-self.strength)

    @property
    def bend(self) -> float:
        """alpha · strength · phi_2(-strength): the weight of h · dD/dlambda."""
        return self.alpha * (math.expm1(-self.strength) / self.strength + 1)

    @property
    def curve(self) -> float:
        """alpha · strength · phi_3(-strength) · 2: the weight of h²/2 · d²D/dlambda², with its sign."""
        return self.bend / self.strength - self.alpha / 2


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
