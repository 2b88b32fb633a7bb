"""Predictions a model can be sampled with in place of its family's own: chosen by options of the model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from diffusion.checkpoint import prediction_of
from diffusion.model_options import ContinuousSampling, DiscreteSampling
from diffusion.prediction import VARIANCE_EXPLODING, EpsPrediction, Frame, Level, Prediction, VPrediction
from diffusion.values import Model

TABLE = 1000
"""Noise levels in the table of a continuous prediction."""

NEARLY_NOTHING = 4.8973451890853435e-08
"""The share of the picture, ᾱ, that is left at the last level of a table that ends in noise: 0 has no noise level."""

LCM_STEPS = 50
"""How many of a family's levels a network distilled for few steps has learned."""

LCM_SIGMA_DATA, LCM_TIME_SCALE = 0.5, 10.0


def chosen_prediction(model: Model) -> Prediction:
    """What the answers of the model's network mean: as its file or family says, or the last of its options."""
    return repredicted(prediction_of(model), model.options)


def repredicted(prediction: Prediction, options: tuple[object, ...]) -> Prediction:
    """The prediction, or the one that the last option of that kind puts in its place."""
    for option in reversed(options):
        match option:
            case DiscreteSampling(predicts=predicts, zsnr=zsnr):
                table = ending_in_noise(prediction.sigmas) if zsnr else prediction.sigmas
                return DISCRETE[predicts](table)
            case ContinuousSampling(predicts=predicts, sigma_max=high, sigma_min=low, told=told):
                return TOLD[told](low, high, *CONTINUOUS[predicts])
    return prediction


def ending_in_noise(sigmas: Tensor) -> Tensor:
    """A table of noise levels, float32 [T], stretched so that the last one leaves (almost) nothing of the picture.

    Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed", algorithm 1: sqrt(ᾱ) is shifted to
    end at 0 and scaled to begin as before. Its last ᾱ is 4.9e-8 instead of 0, a noise level of about 4500.
    """
    kept = (1 / (sigmas.double() ** 2 + 1)).sqrt()
    kept = ((kept - kept[-1]) * (kept[0] / (kept[0] - kept[-1]))) ** 2
    kept[-1] = NEARLY_NOTHING
    return ((1 - kept) / kept).sqrt().float()


@dataclass(frozen=True, eq=False)
class X0Prediction(EpsPrediction):
    """The network answers with the picture itself."""

    def denoised(self, x: Tensor, out: Tensor, sigma: Level) -> Tensor:
        """The answer as it is."""
        del x, sigma
        return out


@dataclass(frozen=True, eq=False)
class UnscaledX0Prediction(X0Prediction):
    """The network answers with a picture, and is shown one: nothing is scaled."""

    def scale_input(self, x: Tensor, sigma: Level) -> Tensor:
        """x as it is."""
        del sigma
        return x


@dataclass(frozen=True, eq=False)
class LcmPrediction(EpsPrediction):
    """Noise, by a network distilled for few steps: Luo et al. 2023, "Latent Consistency Models".

    Where little noise is left its answer counts less than x, by the boundary condition of consistency models (Song et
    al. 2023, appendix C). sigmas: the levels it has learned, every `stride`-th of the family's.
    """

    stride: int

    def timestep(self, sigma: Level) -> Tensor:
        """The time of the nearest learned level, in the family's own times."""
        return super().timestep(sigma) * self.stride + (self.stride - 1)

    def sigma(self, timestep: Level) -> Tensor:
        """Between two learned levels, linear in log sigma."""
        time = torch.as_tensor(timestep, dtype=torch.float32)
        return super().sigma((time - (self.stride - 1)) / self.stride)

    def percent_to_sigma(self, percent: float) -> float:
        """Infinity up to 0, 0 from 1 on, else the noise level of (1 − percent) of the family's times."""
        if 0 < percent < 1:
            return float(self.sigma((1 - percent) * (len(self.sigmas) * self.stride - 1)))
        return super().percent_to_sigma(percent)

    def denoised(self, x: Tensor, out: Tensor, sigma: Level) -> Tensor:
        """c_out · (x − sigma · out) + c_skip · x, with c of ten times the time and 0.5 as deviation of latents."""
        time = self.timestep(sigma).to(x.device) * LCM_TIME_SCALE
        total = time**2 + LCM_SIGMA_DATA**2
        return time / total**0.5 * (x - sigma * out) + LCM_SIGMA_DATA**2 / total * x


def lcm_prediction(sigmas: Tensor) -> LcmPrediction:
    """That of a network distilled from one with this table of noise levels."""
    stride = len(sigmas) // LCM_STEPS
    return LcmPrediction(sigmas[stride - 1 :: stride], stride)


@dataclass(frozen=True)
class ContinuousPrediction:
    """A network that is told log(sigma) / 4, at any noise level: Karras et al. 2022, table 1, "EDM".

    low, high: the lowest and highest noise level. data: the standard deviation of latents. turn: what `out` stands for:
    D = x · data² / (sigma² + data²) + turn · out · sigma · data / sqrt(sigma² + data²); 0: the noise.
    """

    low: float
    high: float
    data: float
    turn: float

    @property
    def frame(self) -> Frame:
        """Variance exploding."""
        return VARIANCE_EXPLODING

    @property
    def sigmas(self) -> Tensor:
        """A thousand levels, even in log sigma."""
        return torch.linspace(math.log(self.low), math.log(self.high), TABLE).exp()

    @property
    def sigma_min(self) -> float:
        """`low`."""
        return self.low

    @property
    def sigma_max(self) -> float:
        """`high`."""
        return self.high

    def timestep(self, sigma: Level) -> Tensor:
        """log(sigma) / 4."""
        return torch.as_tensor(sigma, dtype=torch.float32).log() / 4

    def sigma(self, timestep: Level) -> Tensor:
        """exp(4 · timestep)."""
        return (torch.as_tensor(timestep, dtype=torch.float32) * 4).exp()

    def percent_to_sigma(self, percent: float) -> float:
        """Infinity up to 0, 0 from 1 on, between them even in log sigma."""
        if percent <= 0:
            return math.inf
        return self.high ** (1 - percent) * self.low**percent if percent < 1 else 0.0

    def scale_input(self, x: Tensor, sigma: Level) -> Tensor:
        """x / sqrt(sigma² + data²)."""
        return x / (sigma**2 + self.data**2) ** 0.5

    def denoised(self, x: Tensor, out: Tensor, sigma: Level) -> Tensor:
        """As the class says."""
        if self.turn == 0:
            return x - sigma * out
        total = sigma**2 + self.data**2
        return x * (self.data**2 / total) + out * (self.turn * sigma * self.data / total**0.5)


@dataclass(frozen=True)
class AnglePrediction(ContinuousPrediction):
    """A network that is told by which angle picture and noise are turned into each other, as a share of a right one.

    With x = cos φ · picture + sin φ · noise the noise level is tan φ: Salimans & Ho 2022, "Progressive Distillation",
    appendix D, with the times of Crowson's v-diffusion.
    """

    def timestep(self, sigma: Level) -> Tensor:
        """atan(sigma) · 2 / π."""
        return torch.as_tensor(sigma, dtype=torch.float32).atan() * (2 / math.pi)

    def sigma(self, timestep: Level) -> Tensor:
        """tan(timestep · π / 2)."""
        return (torch.as_tensor(timestep, dtype=torch.float32) * (math.pi / 2)).tan()


DISCRETE: Mapping[str, Callable[[Tensor], Prediction]] = MappingProxyType(
    {
        "eps": EpsPrediction,
        "v_prediction": VPrediction,
        "lcm": lcm_prediction,
        "x0": X0Prediction,
        "img_to_img": UnscaledX0Prediction,
    }
)

CONTINUOUS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"eps": (1.0, 0.0), "v_prediction": (1.0, -1.0), "edm": (0.5, 1.0)}
)
"""Data and turn of a `ContinuousPrediction`."""

TOLD: Mapping[str, type[ContinuousPrediction]] = MappingProxyType(
    {"log": ContinuousPrediction, "angle": AnglePrediction}
)
"""Continuous predictions by what the network is told of a noise level."""
