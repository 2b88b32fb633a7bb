"""What a network's answer means: noise frames, sigma tables, and from the raw output to the denoised latent.

Two frames exist. *Variance exploding* (eps and v families): x = x0 + sigma * n.
*Flow* (rectified flow): x = (1 - sigma) * x0 + sigma * n.
A `Prediction` adds the table of noise levels a family was trained on and how its network is asked and understood.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol, TypeAlias

import torch
from torch import Tensor

Level: TypeAlias = float | Tensor
"""A noise level: a number, or a tensor that broadcasts against x (0-d in practice)."""


class Frame(Protocol):
    """How latent and noise mix at noise level sigma, and the half log-SNR lambda = log(alpha / sigma)."""

    def alpha(self, sigma: float) -> float:
        """The share of the clean latent in x at `sigma`."""
        ...

    def lambda_(self, sigma: float) -> float:
        """Half log-SNR of `sigma`; infinity at 0."""
        ...

    def sigma_of(self, lambda_: float) -> float:
        """The noise level of a half log-SNR: the inverse of `lambda_`."""
        ...

    def renoise(self, latent: Tensor, noise: Tensor, sigma: Level) -> Tensor:
        """The clean latent at noise level `sigma`."""
        ...

    def start(self, latent: Tensor, noise: Tensor, sigma: float, *, full: bool) -> Tensor:
        """The first x of a sampling run from `sigma`; `full` when that is the model's highest noise level."""
        ...

    def finish(self, x: Tensor, sigma_last: float) -> Tensor:
        """The latent that a run which stops at `sigma_last` hands back."""
        ...


@dataclass(frozen=True)
class VarianceExploding:
    """x = x0 + sigma * n, sigma in 0..infinity (Karras et al. 2022, §2)."""

    def alpha(self, sigma: float) -> float:
        """Always 1: the latent keeps its size."""
        del sigma
        return 1.0

    def lambda_(self, sigma: float) -> float:
        """-log sigma."""
        return -math.log(sigma) if sigma > 0 else math.inf

    def sigma_of(self, lambda_: float) -> float:
        """exp(-lambda)."""
        return math.exp(-lambda_)

    def renoise(self, latent: Tensor, noise: Tensor, sigma: Level) -> Tensor:
        """latent + sigma * noise."""
        return latent + sigma * noise

    def start(self, latent: Tensor, noise: Tensor, sigma: float, *, full: bool) -> Tensor:
        """The latent with noise of variance sigma² on it; for a full run 1 + sigma², the variance of x there."""
        return latent + noise * (math.sqrt(1 + sigma**2) if full else sigma)

    def finish(self, x: Tensor, sigma_last: float) -> Tensor:
        """x as it is: what noise is left simply stays on top."""
        del sigma_last
        return x


@dataclass(frozen=True)
class Flow:
    """x = (1 - sigma) * x0 + sigma * n, sigma in 0..1 (rectified flow: Liu et al. 2022; Esser et al. 2024, §2)."""

    def alpha(self, sigma: float) -> float:
        """1 - sigma."""
        return 1.0 - sigma

    def lambda_(self, sigma: float) -> float:
        """log((1 - sigma) / sigma); minus infinity at 1."""
        if sigma <= 0:
            return math.inf
        return math.log((1 - sigma) / sigma) if sigma < 1 else -math.inf

    def sigma_of(self, lambda_: float) -> float:
        """1 / (1 + exp(lambda))."""
        return 0.5 * (1 - math.tanh(lambda_ / 2))

    def renoise(self, latent: Tensor, noise: Tensor, sigma: Level) -> Tensor:
        """(1 - sigma) * latent + sigma * noise."""
        return (1 - sigma) * latent + sigma * noise

    def start(self, latent: Tensor, noise: Tensor, sigma: float, *, full: bool) -> Tensor:
        """The same as `renoise`: at sigma = 1 nothing of the latent is left anyway."""
        del full
        return self.renoise(latent, noise, sigma)

    def finish(self, x: Tensor, sigma_last: float) -> Tensor:
        """x / (1 - sigma_last), so that the latent in it has its own size again; x where none of it is left."""
        return x / (1 - sigma_last) if 0 < sigma_last < 1 else x


VARIANCE_EXPLODING: Final[Frame] = VarianceExploding()
FLOW: Final[Frame] = Flow()


class Prediction(Protocol):
    """A family's noise levels, and how its network is asked and understood."""

    @property
    def frame(self) -> Frame:
        """How latent and noise mix."""
        ...

    @property
    def sigmas(self) -> Tensor:
        """The table of trained noise levels, float32 [T], ascending, on the CPU."""
        ...

    @property
    def sigma_min(self) -> float:
        """The lowest trained noise level."""
        ...

    @property
    def sigma_max(self) -> float:
        """The highest trained noise level."""
        ...

    def timestep(self, sigma: Level) -> Tensor:
        """What the network is told for `sigma`, float32 of sigma's shape."""
        ...

    def sigma(self, timestep: Level) -> Tensor:
        """The noise level of a (fractional) training time, float32 of timestep's shape."""
        ...

    def percent_to_sigma(self, percent: float) -> float:
        """The noise level after `percent` (0..1) of the way from noise to picture."""
        ...

    def scale_input(self, x: Tensor, sigma: Level) -> Tensor:
        """What the network sees of x at `sigma`."""
        ...

    def denoised(self, x: Tensor, out: Tensor, sigma: Level) -> Tensor:
        """The clean latent that the network's answer `out` to x at `sigma` stands for."""
        ...


def discrete_sigmas(beta_start: float = 0.00085, beta_end: float = 0.012, steps: int = 1000) -> Tensor:
    """The noise levels of a scaled-linear beta schedule: sigma = sqrt((1 - ᾱ) / ᾱ), float32 [steps], ascending.

    Rombach et al. 2022 (betas linear in their square root); Ho et al. 2020, eq. 4 for ᾱ. The defaults are those of SD
    1, 2 and XL.
    """
    betas = torch.linspace(beta_start**0.5, beta_end**0.5, steps, dtype=torch.float64) ** 2
    kept = torch.cumprod(1 - betas, dim=0)
    return ((1 - kept) / kept).sqrt().float()


@dataclass(frozen=True, eq=False)
class _Discrete:
    """What eps and v families share: x = x0 + sigma * n with a table of noise levels, float32 [T], ascending."""

    sigmas: Tensor

    @property
    def frame(self) -> Frame:
        """Variance exploding."""
        return VARIANCE_EXPLODING

    @property
    def sigma_min(self) -> float:
        """The first value of the table."""
        return float(self.sigmas[0])

    @property
    def sigma_max(self) -> float:
        """The last value of the table."""
        return float(self.sigmas[-1])

    @cached_property
    def _log_sigmas(self) -> Tensor:
        return self.sigmas.log()

    def timestep(self, sigma: Level) -> Tensor:
        """The index of the nearest log sigma in the table: the network never sees a time it was not trained on."""
        level = torch.as_tensor(sigma, dtype=torch.float32)
        distance = (level.cpu().log().reshape(-1, 1) - self._log_sigmas).abs()
        return distance.argmin(dim=1).reshape(level.shape).to(level.device, torch.float32)

    def sigma(self, timestep: Level) -> Tensor:
        """Between two table values, linear in log sigma; timesteps outside the table are clamped to its ends."""
        time = torch.as_tensor(timestep, dtype=torch.float32).clamp(0, len(self.sigmas) - 1)
        low, high = time.floor().long().cpu(), time.ceil().long().cpu()
        weight = time.frac()
        table = self._log_sigmas
        return torch.lerp(table[low].to(time.device), table[high].to(time.device), weight).exp()

    def percent_to_sigma(self, percent: float) -> float:
        """Infinity up to 0, 0 from 1 on, else the noise level of timestep (1 - percent) * (T - 1)."""
        if percent <= 0:
            return math.inf
        if percent >= 1:
            return 0.0
        return float(self.sigma((1 - percent) * (len(self.sigmas) - 1)))

    def scale_input(self, x: Tensor, sigma: Level) -> Tensor:
        """x / sqrt(sigma² + 1), of unit variance (Karras et al. 2022, table 1, c_in with sigma_data = 1)."""
        return x / (sigma**2 + 1) ** 0.5


@dataclass(frozen=True, eq=False)
class EpsPrediction(_Discrete):
    """The network answers with the noise (Ho et al. 2020): SD 1, SDXL."""

    def denoised(self, x: Tensor, out: Tensor, sigma: Level) -> Tensor:
        """x - sigma * out."""
        return x - sigma * out


@dataclass(frozen=True, eq=False)
class VPrediction(_Discrete):
    """The network answers with the velocity of the variance-preserving frame (Salimans & Ho 2022, §4): SD 2."""

    def denoised(self, x: Tensor, out: Tensor, sigma: Level) -> Tensor:
        """x / (sigma² + 1) - out * sigma / sqrt(sigma² + 1)."""
        return x / (sigma**2 + 1) - out * (sigma / (sigma**2 + 1) ** 0.5)


@dataclass(frozen=True)
class FlowPrediction:
    """The network answers with the velocity n - x0 of a rectified flow: SD 3, Flux.

    Times are shifted towards noise (Esser et al. 2024, eq. 23).
    shift: the s of sigma = s·t / (1 + (s - 1)·t); 3 for SD 3. Flux gives its logarithm, mu: see `flux_prediction`.
    multiplier: what the network is told is sigma times this. length: number of table values.
    """

    shift: float = 3.0
    multiplier: float = 1000.0
    length: int = 1000

    @property
    def frame(self) -> Frame:
        """Flow."""
        return FLOW

    @cached_property
    def sigmas(self) -> Tensor:
        """The shifted times of 1/length, 2/length, … 1."""
        return self._shifted(torch.arange(1, self.length + 1, dtype=torch.float32) / self.length)

    @property
    def sigma_min(self) -> float:
        """The first value of the table."""
        return float(self.sigmas[0])

    @property
    def sigma_max(self) -> float:
        """The last value of the table: 1."""
        return float(self.sigmas[-1])

    def timestep(self, sigma: Level) -> Tensor:
        """sigma * multiplier. (Not the inverse of `sigma`: the network is told the shifted time.)"""
        return torch.as_tensor(sigma, dtype=torch.float32) * self.multiplier

    def sigma(self, timestep: Level) -> Tensor:
        """The shifted time of timestep / multiplier."""
        return self._shifted(torch.as_tensor(timestep, dtype=torch.float32) / self.multiplier)

    def percent_to_sigma(self, percent: float) -> float:
        """1 up to 0, 0 from 1 on, else the shifted time of 1 - percent."""
        if percent <= 0:
            return 1.0
        if percent >= 1:
            return 0.0
        time = 1 - percent
        return self.shift * time / (1 + (self.shift - 1) * time)

    def scale_input(self, x: Tensor, sigma: Level) -> Tensor:
        """x as it is: its variance stays near 1."""
        del sigma
        return x

    def denoised(self, x: Tensor, out: Tensor, sigma: Level) -> Tensor:
        """x - sigma * out."""
        return x - sigma * out

    def _shifted(self, time: Tensor) -> Tensor:
        return self.shift * time / (1 + (self.shift - 1) * time)


def flux_prediction(mu: float = 1.15) -> FlowPrediction:
    """Flux: shift e^mu, and the network is told sigma itself; mu 1.15 is for 1024×1024 (Black Forest Labs 2024)."""
    return FlowPrediction(shift=math.exp(mu), multiplier=1.0, length=10_000)
