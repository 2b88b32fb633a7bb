"""The training loop: optimiser steps with a rate schedule and a running average of the weights, as a generator.

Step k draws everything it needs from a generator seeded with (seed, k): a resumed run repeats the bits of an unbroken
one.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diffusion.training.parallel import averaged

__all__ = ["Progress", "Training", "begin", "rate", "step_generator", "train"]

Loss = Callable[[torch.Generator], Tensor]
"""A step's loss, a scalar with a graph behind it, from the step's randomness."""


@dataclass
class Training:
    """What a training run changes: weights, optimiser, running average (float32, by parameter name) and steps done."""

    module: nn.Module
    optimizer: torch.optim.Optimizer
    average: dict[str, Tensor]
    step: int = 0


@dataclass(frozen=True)
class Progress:
    """One step done: its number from 1, loss, rate and gradient norm before clipping."""

    step: int
    loss: float
    rate: float
    norm: float


def begin(module: nn.Module, weight_decay: float = 0.01) -> Training:
    """A fresh run over all parameters of `module`: AdamW (betas 0.9, 0.99), no decay of vectors (norms, biases)."""
    matrices = [p for p in module.parameters() if p.ndim > 1]
    vectors = [p for p in module.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.99), fused=True)
    return Training(module, optimizer, {name: p.detach().clone() for name, p in module.named_parameters()})


def rate(step: int, peak: float, warm_up: int, total: int) -> float:
    """Learning rate of step `step` (from 0): linear warm-up, then half a cosine to a 50th of the peak at `total`."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    done = min(1.0, (step - warm_up) / max(1, total - warm_up))
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def step_generator(seed: int, step: int, rank: int = 0) -> torch.Generator:
    """The randomness of one step in one of several processes."""
    return torch.Generator().manual_seed(seed * 1_000_003 + step + rank * 1_000_000_007)


def train(
    training: Training,
    loss: Loss,
    *,
    peak: float,
    warm_up: int,
    total: int,
    seed: int,
    rank: int = 0,
    decay: float = 0.999,
    clip: float = 1.0,
) -> Iterator[Progress]:
    """Train from `training.step` to `total`, yielding after every step; `training` is whole whenever it yields.

    decay: of the running average; at the start min(decay, (1+k)/(10+k)), so that it forgets the initial weights.
    Raises FloatingPointError when the loss is not finite.
    """
    parameters = list(training.module.parameters())
    while training.step < total:
        now = rate(training.step, peak, warm_up, total)
        for group in training.optimizer.param_groups:
            group["lr"] = now
        value = loss(step_generator(seed, training.step, rank))
        if not torch.isfinite(value):
            raise FloatingPointError(
                f"The loss of step {training.step + 1} is {value.item()}; lower the rate (now {now:g})."
            )
        training.optimizer.zero_grad(set_to_none=True)
        value.backward()
        averaged(p.grad for p in parameters if p.grad is not None)
        norm = nn.utils.clip_grad_norm_(parameters, clip)
        training.optimizer.step()
        _follow(training, decay)
        training.step += 1
        yield Progress(training.step, value.item(), now, norm.item())


@torch.no_grad()
def _follow(training: Training, decay: float) -> None:
    decay = min(decay, (1 + training.step) / (10 + training.step))
    for name, parameter in training.module.named_parameters():
        training.average[name].lerp_(parameter.detach(), 1 - decay)
