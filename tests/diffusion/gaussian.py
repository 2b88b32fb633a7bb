"""Gaussian data, where all is known: the ideal denoiser, the ODE's solution, the variance at every noise level."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from diffusion.prediction import FLOW, EpsPrediction, FlowPrediction, Frame, Prediction, discrete_sigmas
from diffusion.samplers import PlainDenoise, sampler

SPREAD = 0.5
"""The standard deviation of the data."""

PREDICTIONS: dict[str, Prediction] = {"eps": EpsPrediction(discrete_sigmas()), "flow": FlowPrediction(1.0)}


def variance(frame: Frame, sigma: float) -> float:
    """Of x at sigma."""
    return (frame.alpha(sigma) * SPREAD) ** 2 + sigma**2


def pull(frame: Frame, sigma: float) -> float:
    """The ideal denoiser is linear, D = pull · x: the mean of the clean latent given x."""
    return frame.alpha(sigma) * SPREAD**2 / variance(frame, sigma)


def gaussian(frame: str) -> PlainDenoise:
    """The ideal denoiser; the negative answer is the same."""
    prediction = PREDICTIONS[frame]
    return PlainDenoise(lambda x, sigma: pull(prediction.frame, float(sigma)) * x, prediction)


def even_lambda(frame: Frame, steps: int, start: float, end: float) -> list[float]:
    """Levels even in lambda."""
    first, last = frame.lambda_(start), frame.lambda_(end)
    return [frame.sigma_of(first + (last - first) * index / steps) for index in range(steps + 1)]


def ode_grid(frame: str, steps: int) -> list[float]:
    """From a level at which the first, low-order steps of multistep samplers do no harm."""
    prediction = PREDICTIONS[frame].frame
    return even_lambda(prediction, steps, 0.999 if prediction == FLOW else 1000.0, 0.05)


def on_solution(frame: Frame, sigma: float) -> Tensor:
    """The ODE's solution that is 1 standard deviation everywhere, float64 [1]."""
    return torch.tensor([math.sqrt(variance(frame, sigma))], dtype=torch.float64)


class CountedNoise:
    """Counts draws and notes levels; every draw is 0."""

    def __init__(self) -> None:
        self.draws = 0
        self.levels: set[float] = set()

    def skip(self, draws: int) -> None:
        self.draws = draws

    def __call__(self, sigma: float, sigma_next: float) -> Tensor:
        self.draws += 1
        self.levels |= {sigma, sigma_next}
        return torch.zeros(1, dtype=torch.float64)


class UnitNoise:
    """Draw k, or the piece k of a Brownian path, is the unit vector k + 1: what comes out is x's response to each."""

    def __init__(self, size: int, pieces: Sequence[float] = ()) -> None:
        self.draws, self._size, self._pieces = 0, size, pieces

    def skip(self, draws: int) -> None:
        self.draws = draws

    def __call__(self, sigma: float, sigma_next: float) -> Tensor:
        response = torch.zeros(self._size, dtype=torch.float64)
        if not self._pieces:
            self.draws += 1
            response[self.draws] = 1.0
            return response
        for piece, (upper, lower) in enumerate(zip(self._pieces, self._pieces[1:], strict=False), start=1):
            if upper <= sigma and lower >= sigma_next:
                response[piece] = math.sqrt((upper - lower) / (sigma - sigma_next))
        return response


def sampled_variance(name: str, frame: str, sigmas: list[float], **options: Any) -> float:
    """The exact variance of what a stochastic sampler makes of x ~ N(0, variance at sigmas[0]).

    With a linear denoiser x is linear in its start and in every draw, so one run over unit vectors gives all responses.
    """
    run, denoise = sampler(name), gaussian(frame)
    counted = CountedNoise()
    for _ in run(denoise, torch.ones(1, dtype=torch.float64), sigmas, noise=counted, **options):
        pass
    pieces = sorted(counted.levels, reverse=True) if run.noise == "brownian" else []
    size = 1 + max(len(pieces), counted.draws)
    x = torch.zeros(size, dtype=torch.float64)
    x[0] = math.sqrt(variance(denoise.frame, sigmas[0]))
    for step in run(denoise, x, sigmas, noise=UnitNoise(size, pieces), **options):
        x = step.x
    return float((x**2).sum())
