"""Guidance: one denoiser made of a network's answers to several conditionings, its sides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor

from diffusion.answers import Answers, Side
from diffusion.asking import Backbone, ask, average, patches_at
from diffusion.changes import Change
from diffusion.changing import changes_of
from diffusion.controlling import lay_controls, sharing_controls, steered_by
from diffusion.joins import joined
from diffusion.latent_operations import check
from diffusion.model_options import OperatedGuidance, SelfAttentionGuidance
from diffusion.prediction import Frame
from diffusion.regions import AESTHETIC, NEGATIVE_AESTHETIC, Region, cover, holding, lay, matched
from diffusion.reuse import Part, Reuse, reuses
from diffusion.self_guidance import Attention
from diffusion.tiled_sampling import tiled
from diffusion.values import Conditioning


@dataclass(frozen=True, eq=False)
class Asked:
    """A question about x [B, C, H, W] at the noise level sigma (0-d), and what each side of guidance answered.

    options: of the model; some of them change the formula (`diffusion.joins`). memory: as that of `Answers`.
    """

    x: Tensor
    sigma: Tensor
    sides: Sequence[Side]
    options: tuple[object, ...] = ()
    memory: dict[str, Tensor] = field(default_factory=dict)

    def between(self, wanted: int, unwanted: int, cfg: float) -> Answers:
        """Two sides, by place, as guidance takes them."""
        pair = self.sides[wanted], self.sides[unwanted]
        return Answers(self.x, self.sigma, pair[0].denoised, pair[1].denoised, cfg, pair, self.memory)


class Rule(Protocol):
    """How the answers of all sides become one."""

    @property
    def alone(self) -> bool:
        """Whether the others' answers make no difference, so that the first one can stand for them."""
        ...

    def __call__(self, asked: Asked) -> Tensor:
        """The guided answer, [B, C, H, W]."""
        ...


@dataclass(frozen=True)
class Cfg:
    """Classifier-free guidance: negative + cfg · (positive − negative).

    Ho & Salimans 2022, "Classifier-Free Diffusion Guidance", eq. 6, with cfg = w + 1.
    """

    cfg: float

    @property
    def alone(self) -> bool:
        """With cfg 1 the negative side counts for nothing."""
        return self.cfg == 1

    def __call__(self, asked: Asked) -> Tensor:
        """Of the sides positive and negative."""
        return joined(asked.between(0, 1, self.cfg), asked.options)


@dataclass(frozen=True, eq=False)
class Guided:
    """A network guided by what is asked of it. sides: each the regions of one conditioning, the negative one last.

    Where several regions of one side overlap, their answers are averaged by weight. Where a side has no say (no region
    covers the pixel at this noise level), the answer of the first side that has one stands for it; where none has, the
    answer is 0, the mean of a latent. Where the rule takes the first side alone, the others are not computed, unless
    they have to fill its gaps, or an option looks at them.

    options: of the model. changes: of the way through the network, in every question. memory: what guidance keeps from
    one noise level to the next; a run that is resumed needs it again. reuse: foresees answers, by level: those of the
    network, and the guided ones.
    """

    network: Backbone
    sides: Sequence[Sequence[Region]]
    rule: Rule
    options: tuple[object, ...] = ()
    changes: tuple[Change, ...] = ()
    memory: dict[str, Tensor] = field(default_factory=dict)
    reuse: Mapping[str, Reuse] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def frame(self) -> Frame:
        """How latent and noise mix."""
        return self.network.prediction.frame

    def percent_to_sigma(self, percent: float) -> float:
        """The noise level after `percent` of the way from noise to picture."""
        return self.network.prediction.percent_to_sigma(percent)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The guided answer to x [B, C, H, W] at the noise level sigma (0-d)."""
        return self._foreseen("guidance", x, sigma, (_whole,), lambda: [self._guided(x, sigma)])[0]

    def both(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The guided and the negative answer. Raises ValueError where no entry of any side holds at sigma."""
        answer, negative = self._foreseen("guidance", x, sigma, (_whole, _whole), lambda: self._both(x, sigma))
        return answer, negative

    def _guided(self, x: Tensor, sigma: Tensor) -> Tensor:
        first = list(holding(self.sides[0], float(sigma)))
        suffices = self.rule.alone and not self._looks
        if suffices and cover(first, *x.shape[2:]):
            side = self._side(average(x, first, self._answers(x, sigma, first))[0], sigma, first, None)
            return self.rule(Asked(x, sigma, [side] * len(self.sides), self.options, self.memory))
        return self._both(x, sigma)[0]

    def _both(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        sides = [list(holding(side, float(sigma))) for side in self.sides]
        if not any(sides):
            raise ValueError(
                f"Nothing says what the picture shall show at noise level {float(sigma):.4g}: no entry of the positive "
                "or the negative conditioning holds there. Give one of them a timestep range from 0 to 1."
            )
        apart = [sides[-1]] if self._looks else []
        given = iter(self._answers(x, sigma, [region for side in sides[: len(sides) - len(apart)] for region in side]))
        seen = [self._seen(x, sigma, region) for side in apart for region in side]
        answers = [average(x, side, [next(given) for _ in side]) for side in sides[: len(sides) - len(apart)]]
        answers += [average(x, side, [answer for answer, _ in seen]) for side in apart]
        attention = average(x[:, :1], sides[-1], [looked for _, looked in seen])[0] if seen else None
        filled = [
            self._side(answer, sigma, side, attention if side is sides[-1] else None)
            for answer, side in zip(_filled(answers), sides, strict=True)
        ]
        return self.rule(Asked(x, sigma, filled, self.options, self.memory)), filled[-1].denoised

    @property
    def _looks(self) -> bool:
        """Whether an option wants to know where the last side's self-attention looks."""
        return any(isinstance(option, SelfAttentionGuidance) for option in self.options)

    def _holding(self, sigma: float) -> list[tuple[object, ...]]:
        """What tells the questions at a noise level from those at others: which entries hold, under which hooks and
        controls.
        """
        prediction = self.network.prediction
        return [
            (place, id(region.entry), region.box, patches_at(region, prediction, sigma), steered_by(region, sigma))
            for place, side in enumerate(self.sides)
            for region in holding(side, sigma)
        ]

    def _answers(self, x: Tensor, sigma: Tensor, regions: Sequence[Region]) -> list[Tensor]:
        """The network's own answers, or what is foreseen of them."""
        parts = [region.box.of for region in regions]
        return self._foreseen("network", x, sigma, parts, lambda: self._ask(x, sigma, regions))

    def _foreseen(
        self, level: str, x: Tensor, sigma: Tensor, parts: Sequence[Part], ask: Callable[[], Sequence[Tensor]]
    ) -> list[Tensor]:
        """The answers of a level to parts of x: true ones, or what is foreseen of them."""
        if level not in self.reuse:
            return list(ask())

        def alike(before: float) -> bool:
            return self._holding(before) == self._holding(float(sigma))

        return self.reuse[level](x, sigma, parts, ask, alike, self.memory)

    def _ask(
        self, x: Tensor, sigma: Tensor, regions: Sequence[Region], changes: tuple[Change, ...] = ()
    ) -> list[Tensor]:
        # What one question changes or looks at is outermost: the options of the model do not come between.
        return ask(self.network, x, sigma, regions, (*changes, *self.changes))

    def _seen(self, x: Tensor, sigma: Tensor, region: Region) -> tuple[Tensor, Tensor]:
        """One region's answer, and where its self-attention looked, both of its box's size."""
        attention = Attention()
        (answer,) = self._ask(x, sigma, [region], (attention,))
        return answer, attention.over(region.box.height, region.box.width)

    def _side(self, answer: Tensor, sigma: Tensor, regions: Sequence[Region], attention: Tensor | None) -> Side:
        return Side(answer, partial(self._again, sigma, regions), attention)

    def _again(
        self, sigma: Tensor, regions: Sequence[Region], x: Tensor, otherwise: Tensor, changes: tuple[Change, ...]
    ) -> Tensor:
        if not regions:
            return otherwise
        answer, weight = average(x, regions, self._ask(x, sigma, regions, changes))
        return torch.where(weight > 0, answer, otherwise)


def _whole(x: Tensor) -> Tensor:
    """The part of a latent that is all of it."""
    return x


def _filled(answers: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """Answers, each with its weight, without their gaps: there, the first answer that has weight stands."""
    *others, (first, _) = answers
    for answer, weight in reversed(others):
        first = torch.where(weight > 0, answer, first)
    return [torch.where(weight > 0, answer, first) for answer, weight in answers]


def lay_sides(
    network: Backbone,
    sides: Sequence[Conditioning],
    rule: Rule,
    shape: Sequence[int],
    options: tuple[object, ...] = (),
) -> Guided:
    """The network, guided by conditionings (the negative one last), for latents of `shape` [B, C, H, W].

    options: of the model. Raises ValueError for tokens of another model's width, for an area outside the picture, and
    for options that this network or a latent of this size has no place for.
    """
    changes = (*changes_of(options, network), *network.equipment.changes)
    for option in options:
        if isinstance(option, OperatedGuidance):
            check(option.operation, *shape[2:])
    sides = sharing_controls(sides)
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
    if len(laid) > 1:
        laid[-1] = tuple(replace(region, is_wanted=False) for region in laid[-1])
    laid = [tiled(side, options, network.space.factor) for side in laid]
    networks = network.equipment.controls
    laid = [tuple(lay_controls(region, networks, shape, network.prediction) for region in side) for side in laid]
    return Guided(network, laid, rule, options, changes, reuse=reuses(options, network.prediction))


def guided(
    network: Backbone, positive: Conditioning, negative: Conditioning, cfg: float, shape: Sequence[int]
) -> Guided:
    """The network, guided by two conditionings, for latents of `shape` [B, C, H, W]. Raises as `lay_sides` does."""
    return lay_sides(network, (positive, negative), Cfg(cfg), shape)
