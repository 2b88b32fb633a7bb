"""Guidance: one denoiser made of a network's answers to several conditionings, its sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from diffusion.asking import Backbone, ask, average
from diffusion.joins import Answers, joined
from diffusion.prediction import Frame
from diffusion.regions import AESTHETIC, NEGATIVE_AESTHETIC, Region, holding, lay, matched
from diffusion.values import Conditioning


class Rule(Protocol):
    """How the answers of all sides become one."""

    @property
    def alone(self) -> bool:
        """Whether the others' answers make no difference, so that the first one can stand for them."""
        ...

    def __call__(self, x: Tensor, sigma: Tensor, answers: Sequence[Tensor]) -> Tensor:
        """The guided answer to x [B, C, H, W] at the noise level sigma (0-d), from one answer of each side."""
        ...


@dataclass(frozen=True)
class Cfg:
    """Classifier-free guidance: negative + cfg · (positive − negative) (Ho & Salimans 2022, eq. 6, with cfg = w + 1).

    options: of the model; some of them change the formula (`diffusion.joins`).
    """

    cfg: float
    options: tuple[object, ...] = ()

    @property
    def alone(self) -> bool:
        """With cfg 1 the negative side counts for nothing."""
        return self.cfg == 1

    def __call__(self, x: Tensor, sigma: Tensor, answers: Sequence[Tensor]) -> Tensor:
        """answers: positive, negative."""
        wanted, unwanted = answers
        return joined(Answers(x, sigma, wanted, unwanted, self.cfg), self.options)


@dataclass(frozen=True, eq=False)
class Guided:
    """A network guided by what is asked of it. sides: each the regions of one conditioning, the negative one last.

    Where several regions of one side overlap, their answers are averaged by weight. Where a side has no say (no region
    covers the pixel at this noise level), the answer of the first side that has one stands for it; where none has, the
    answer is 0, the mean of a latent. Where the rule takes the first side alone, the others are not computed, unless
    they have to fill its gaps.
    """

    network: Backbone
    sides: Sequence[Sequence[Region]]
    rule: Rule

    @property
    def frame(self) -> Frame:
        """How latent and noise mix."""
        return self.network.prediction.frame

    def percent_to_sigma(self, percent: float) -> float:
        """The noise level after `percent` of the way from noise to picture."""
        return self.network.prediction.percent_to_sigma(percent)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The guided answer to x [B, C, H, W] at the noise level sigma (0-d)."""
        first = list(holding(self.sides[0], float(sigma)))
        if self.rule.alone and any(region.fills(*x.shape[2:]) for region in first):
            answer = average(x, first, ask(self.network, x, sigma, first))[0]
            return self.rule(x, sigma, [answer] * len(self.sides))
        return self.both(x, sigma)[0]

    def both(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The guided and the negative answer. Raises ValueError where no entry of any side holds at sigma."""
        sides = [list(holding(side, float(sigma))) for side in self.sides]
        if not any(sides):
            raise ValueError(
                f"Nothing says what the picture shall show at noise level {float(sigma):.4g}: no entry of the positive "
                "or the negative conditioning holds there. Give one of them a timestep range from 0 to 1."
            )
        given = iter(ask(self.network, x, sigma, [region for side in sides for region in side]))
        answers = _filled([average(x, side, [next(given) for _ in side]) for side in sides])
        return self.rule(x, sigma, answers), answers[-1]


def _filled(answers: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """Answers, each with its weight, without their gaps: there, the first answer that has weight stands."""
    *others, (first, _) = answers
    for answer, weight in reversed(others):
        first = torch.where(weight > 0, answer, first)
    return [torch.where(weight > 0, answer, first) for answer, weight in answers]


def lay_sides(network: Backbone, sides: Sequence[Conditioning], rule: Rule, shape: Sequence[int]) -> Guided:
    """The network, guided by conditionings (the negative one last), for latents of `shape` [B, C, H, W].

    Raises ValueError for tokens of another model's width, and for an area outside the picture.
    """
    for entry in (entry for side in sides for entry in side.entries):
        network.inputs.check(entry)
    scores = [AESTHETIC] if len(sides) == 1 else [AESTHETIC] * (len(sides) - 1) + [NEGATIVE_AESTHETIC]
    laid = [
        lay(side, shape, network.space.factor, network.prediction.percent_to_sigma, network.device, score)
        for side, score in zip(sides, scores, strict=True)
    ]
    for place in reversed(range(len(laid))):
        others = [region for other, side in enumerate(laid) if other != place for region in side]
        laid[place] = matched(laid[place], others, *shape[2:])
    return Guided(network, laid, rule)


def guided(
    network: Backbone, positive: Conditioning, negative: Conditioning, cfg: float, shape: Sequence[int]
) -> Guided:
    """The network, guided by two conditionings, for latents of `shape` [B, C, H, W]. Raises as `lay_sides` does."""
    return lay_sides(network, (positive, negative), Cfg(cfg), shape)
