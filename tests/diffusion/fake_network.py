"""A network in closed form, and weights that lend it: for tests of what is built around a network."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from diffusion.changing import Layout
from diffusion.context import Context, Inputs
from diffusion.equipment import Equipment
from diffusion.prediction import EpsPrediction, Prediction, discrete_sigmas
from diffusion.values import Conditioning, ConditioningEntry, LatentSpace, Model, WeightFile

SPACE = LatentSpace("fake", channels=4, factor=8, scale=0.5, shift=0.25)
MODEL = Model("fake", WeightFile("/models/fake.safetensors", "digest"))


class Call(NamedTuple):
    """What the network was asked."""

    x: Tensor
    timestep: Tensor
    tokens: Tensor
    pooled: Tensor | None
    sizes: Tensor | None
    beside: Tensor | None
    changes: tuple[object, ...] = ()
    sigma: float = 0.0


def blend(x: Tensor, timestep: Tensor, tokens: Tensor) -> Tensor:
    """Each pixel depends on itself, the time and the mean of the tokens."""
    mood = tokens.mean((1, 2))[:, None, None, None]
    return torch.tanh(0.7 * x + mood) + timestep[:, None, None, None] / 2000


@dataclass(eq=False)
class FakeNetwork:
    """Answers with `answer(x, timestep, tokens)` and remembers what it was asked."""

    answer: Callable[[Tensor, Tensor, Tensor], Tensor] = blend
    prediction: Prediction = field(default_factory=lambda: EpsPrediction(discrete_sigmas()))
    space: LatentSpace = SPACE
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    inputs: Inputs = Inputs(tokens=3)
    layout: Layout = Layout(widths=(320, 640, 1280, 1280), inputs=12, attends=(0, 1, 2))
    notes: list[str] = field(default_factory=list)
    equipment: Equipment = field(default_factory=Equipment)
    calls: list[Call] = field(default_factory=list)

    def __call__(self, x: Tensor, timestep: Tensor, context: Context) -> Tensor:
        told = context.pooled, context.sizes, context.beside, context.changes, context.sigma
        self.calls.append(Call(x, timestep, context.tokens, *told))
        return self.answer(x, timestep, context.tokens)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    @property
    def rows(self) -> list[int]:
        """How many latents went through in each call."""
        return [len(call.x) for call in self.calls]


@dataclass(eq=False)
class FakeWeights:
    """Lends one network for every model. borrowed: how many leases are open."""

    network: FakeNetwork = field(default_factory=FakeNetwork)
    borrowed: int = 0

    @contextmanager
    def lend(self, recipe: object) -> Iterator[FakeNetwork]:
        del recipe
        self.borrowed += 1
        try:
            yield self.network
        finally:
            self.borrowed -= 1


def prompt(mood: float, *, tokens: int = 2, **entry) -> Conditioning:
    """A conditioning of one entry whose tokens all are `mood`."""
    return Conditioning((ConditioningEntry(torch.full((1, tokens, 3), mood), **entry),))
