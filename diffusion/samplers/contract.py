"""What every sampler keeps to: the denoiser it asks, the steps it yields, the noise it draws, and how a run is resumed.

    sampler(denoise, x, sigmas, *, noise=None, resume=None, **options) -> Iterator[Step]

Nearly all samplers are written as one pure step, from a `Moment` to a `Step`; `stepwise` makes the loop. Because a step
takes all it knows of the past from `Step.memory`, a run resumed from any step gives the same bits as one that was never
cut off.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from itertools import pairwise
from typing import Any, Literal, Protocol, TypeAlias

import torch
from torch import Tensor

from diffusion.noise import Noise
from diffusion.prediction import Frame, Prediction

RISING = frozenset({"euler", "ddim", "heun", "lms", "dpmpp_2m", "ipndm", "ipndm_v", "deis"})
"""Samplers whose formulas hold on the way up as well: from a picture to the noise that it comes from."""

Memory: TypeAlias = Mapping[str, Tensor | float]
Draw: TypeAlias = Callable[[float, float], Tensor]


@dataclass(frozen=True, eq=False)
class Step:
    """A finished step: where the run is, and all that is needed to go on from there.

    index: 0 for the first step. x: the latent at the next noise level. denoised: an answer of the denoiser, for
    previews. memory: what later steps need of earlier ones; flat, tensors and numbers only.
    """

    index: int
    x: Tensor
    denoised: Tensor
    memory: Memory


class Denoise(Protocol):
    """The guided model: a noisy latent and its noise level in, the clean latent out.

    sigma is a 0-d tensor on the CPU: float32, or float64 when x is float64.
    """

    @property
    def frame(self) -> Frame:
        """How latent and noise mix: variance exploding or flow."""
        ...

    def percent_to_sigma(self, percent: float) -> float:
        """The noise level after `percent` (0..1) of the way from noise to picture, by the model's own times."""
        ...

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The guided answer, of x's shape."""
        ...

    def both(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The guided answer and the negative one, each of x's shape (CFG++ needs both)."""
        ...


@dataclass(frozen=True)
class PlainDenoise:
    """A denoiser from plain functions, for tests, notebooks and unguided models.

    answer: (x, sigma) -> denoised. negative: the same for the negative prompt; without it, `answer` stands for both.
    """

    answer: Callable[[Tensor, Tensor], Tensor]
    prediction: Prediction
    negative: Callable[[Tensor, Tensor], Tensor] | None = None

    @property
    def frame(self) -> Frame:
        """The prediction's frame."""
        return self.prediction.frame

    def percent_to_sigma(self, percent: float) -> float:
        """The prediction's."""
        return self.prediction.percent_to_sigma(percent)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The plain function's answer."""
        return self.answer(x, sigma)

    def both(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The two plain functions' answers."""
        denoised = self.answer(x, sigma)
        return denoised, denoised if self.negative is None else self.negative(x, sigma)


@dataclass(frozen=True, eq=False)
class Moment:
    """One place in a sampling run, as a step sees it: x at level sigmas[index], and what earlier steps left behind."""

    ask: Denoise
    x: Tensor
    sigmas: Sequence[float]
    index: int
    memory: Memory
    noise: Draw

    @property
    def sigma(self) -> float:
        """The noise level of x."""
        return self.sigmas[self.index]

    @property
    def sigma_next(self) -> float:
        """The noise level this step goes to."""
        return self.sigmas[self.index + 1]

    @property
    def frame(self) -> Frame:
        """How latent and noise mix."""
        return self.ask.frame

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """The guided answer to x at `sigma`."""
        return self.ask(x, _level(sigma, x))

    def both(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """The guided and the negative answer to x at `sigma`."""
        return self.ask.both(x, _level(sigma, x))

    def noised(self, x: Tensor, amount: float, levels: tuple[float, float] | None = None) -> Tensor:
        """x with `amount` times fresh noise for the way between two levels (this step's, if not given)."""
        if amount == 0:
            return x
        return x + self.noise(*(levels or (self.sigma, self.sigma_next))) * amount

    def history(self, name: str, depth: int) -> list[Tensor]:
        """Up to `depth` tensors that earlier steps left with `remembered(name, …)`, the newest first."""
        kept = (self.memory.get(f"{name}_{age}") for age in range(1, depth + 1))
        return [tensor for tensor in kept if isinstance(tensor, Tensor)]

    def step(self, x: Tensor, denoised: Tensor, **memory: Tensor | float) -> Step:
        """This moment's step, ended at `x`."""
        return Step(self.index, x, denoised, memory)


def _level(sigma: float, x: Tensor) -> Tensor:
    return torch.tensor(sigma, dtype=torch.float64 if x.dtype == torch.float64 else torch.float32)


def remembered(name: str, tensors: Sequence[Tensor], depth: int) -> dict[str, Tensor]:
    """The memory in which the next step finds `depth` of `tensors` (newest first) as the history of `name`."""
    return {f"{name}_{age}": tensor for age, tensor in enumerate(tensors[:depth], start=1)}


def stepwise(step: Callable[..., Step]) -> Callable[..., Iterator[Step]]:
    """A sampler from its one step, `step(moment, **options)`, repeated from each noise level to the next."""

    @wraps(step)
    def run(
        denoise: Denoise, x: Tensor, sigmas: Sequence[float], *, noise: Draw, resume: Step | None, **options: Any
    ) -> Iterator[Step]:
        begin, x, memory = (0, x, {}) if resume is None else (resume.index + 1, resume.x, resume.memory)
        for index in range(begin, len(sigmas) - 1):
            done = step(Moment(denoise, x, sigmas, index, memory, noise), **options)
            x, memory = done.x, done.memory
            yield done

    return run


def finite(run: Callable[..., Iterator[Step]]) -> Callable[..., Iterator[Step]]:
    """For samplers that work in lambda: a flow's first level of 1, infinite there, becomes that of percent 1e-4."""

    @wraps(run)
    def from_finite(denoise: Denoise, x: Tensor, sigmas: Sequence[float], **rest: Any) -> Iterator[Step]:
        if sigmas and denoise.frame.lambda_(sigmas[0]) == -math.inf:
            sigmas = [denoise.percent_to_sigma(1e-4), *sigmas[1:]]
        return run(denoise, x, sigmas, **rest)

    return from_finite


@dataclass(frozen=True)
class Sampler:
    """A sampler by its name, callable by the contract of this module.

    noise: what it may draw: "gaussian" (`StepNoise`), "brownian" (`BrownianNoise`) or nothing.
    options: what is set for this name; a caller's options come on top. sizes: of one whose latent changes its size:
    from x's shape, the number of steps and the options, the shapes of x behind each step.
    """

    name: str
    run: Callable[..., Iterator[Step]]
    noise: Literal["gaussian", "brownian"] | None
    options: Mapping[str, Any]
    sizes: Callable[..., Sequence[tuple[int, ...]]] | None = None

    def shapes(self, shape: Sequence[int], steps: int, options: Mapping[str, Any]) -> Sequence[tuple[int, ...]]:
        """The shapes of x behind each step of a run that begins with `shape`; none where it keeps it."""
        found = () if self.sizes is None else self.sizes(shape, steps, **{**self.options, **options})
        return () if all(each == tuple(shape) for each in found) else found

    def __call__(
        self,
        denoise: Denoise,
        x: Tensor,
        sigmas: Tensor | Sequence[float],
        *,
        noise: Noise | None = None,
        resume: Step | None = None,
        **options: Any,
    ) -> Iterator[Step]:
        """Walk x from sigmas[0] to the last of `sigmas`, yielding after each step.

        x: float [B, C, *axes] at noise level sigmas[0], any device; the arithmetic is in its dtype. sigmas: [n + 1],
        falling, the last may be 0; or, for those of RISING, rising from above 0; fewer than two mean no step. noise:
        made by `noise_for`. resume: the last step of a run that was cut off, with x and the full `sigmas` of that run;
        its tensors may be on another device.
        dpm_adaptive and dpm_fast yield another number of steps than n.

        Raises ValueError when sigmas do not fall, when a step to resume is not of x's shape, or when noise is wanted
        and none was given.
        """
        levels = sigmas.tolist() if isinstance(sigmas, Tensor) else list(sigmas)
        falls = all(later < sooner for sooner, later in pairwise(levels)) and min(levels, default=0.0) >= 0
        rises = all(later > sooner for sooner, later in pairwise(levels)) and min(levels, default=0.0) > 0
        if not falls and not (rises and self.name in RISING):
            hint = f" Only {', '.join(sorted(RISING))} go up." if rises else ""
            raise ValueError(f"{self.name}: sigmas must fall from step to step and not below 0; got {levels}.{hint}")
        shapes = self.shapes(x.shape, max(len(levels) - 1, 0), options)
        if resume is not None and resume.x.shape != (shapes[resume.index] if shapes else x.shape):
            raise ValueError(
                f"{self.name}: the step to resume has shape {list(resume.x.shape)}, this run's x has {list(x.shape)}; "
                "a run is resumed with the latent size and batch it began with."
            )
        return self._walk(denoise, x, levels, noise, resume, {**self.options, **options})

    def _walk(
        self,
        denoise: Denoise,
        x: Tensor,
        sigmas: list[float],
        noise: Noise | None,
        resume: Step | None,
        options: Mapping[str, Any],
    ) -> Iterator[Step]:
        if len(sigmas) < 2:
            return
        if resume is not None:
            resume = _moved(resume, x)
            if noise is not None:
                noise.skip(int(resume.memory["draws"]))
        for step in self.run(denoise, x, sigmas, noise=noise or self._no_noise, resume=resume, **options):
            yield replace(step, memory={**step.memory, "draws": 0 if noise is None else noise.draws})

    def _no_noise(self, sigma: float, sigma_next: float) -> Tensor:
        raise ValueError(
            f"{self.name}: noise is wanted between sigma {sigma:.4g} and {sigma_next:.4g}, but none was given; "
            f"pass noise=noise_for({self.name!r}, x, sigmas, seed)."
        )


def _moved(step: Step, x: Tensor) -> Step:
    """`step` with its tensors where x is."""
    memory = {name: kept.to(x.device) if isinstance(kept, Tensor) else kept for name, kept in step.memory.items()}
    return replace(step, x=step.x.to(x.device), denoised=step.denoised.to(x.device), memory=memory)
