"""Hooks: LoRA that holds for single prompts, with strengths that follow a schedule. Loads no torch.

A conditioning's entries carry them (`ConditioningEntry.hooks`): at each noise level the network answers to an entry
under the model's own patches and those of its hooks. A text encoder carries them (`TextEncoder.hooks`) to encode under
them. At which strength they hold follows from the noise level alone, so a run that goes on where another one ended
does the same.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from diffusion.lora.patch import LoraPatch
from diffusion.values import Model, TextEncoder

Reached = Callable[[float], bool]
"""Whether sampling has come to this percent of the way from noise (0) to picture (1)."""


@dataclass(frozen=True)
class Difference:
    """What another model's weights have over those it is laid on: strength · (W' − W)."""

    other: Model | TextEncoder
    strength: float


Patch = LoraPatch | Difference
"""What a hook lays over a network."""

Patches = tuple[Patch, ...]
"""All that hooks lay over one, in order."""


@dataclass(frozen=True)
class Keyframe:
    """How much a hook counts from `start` on, in percent of the way from noise to picture in 0..1.

    strength: times the strengths of the hook.
    """

    start: float
    strength: float


@dataclass(frozen=True)
class HookKeyframes:
    """A schedule of strengths. Each keyframe counts until the next one begins; before the first one it is 1.

    keyframes: by start; of those that begin at once, the last one counts.
    """

    wire: ClassVar[str] = "HOOK_KEYFRAMES"
    keyframes: tuple[Keyframe, ...] = ()

    def with_more(self, keyframes: Sequence[Keyframe]) -> HookKeyframes:
        """These too, in whatever order."""
        return HookKeyframes(tuple(sorted((*self.keyframes, *keyframes), key=lambda keyframe: keyframe.start)))

    def strength(self, reached: Reached) -> float:
        """What the last keyframe that sampling has come to says."""
        count = bisect_left(self.keyframes, True, key=lambda keyframe: not reached(keyframe.start))
        return self.keyframes[count - 1].strength if count else 1.0


@dataclass(frozen=True)
class Hook:
    """One change of a model. model, text: what it lays over the network and over text encoders; None: nothing."""

    model: Patch | None
    text: Patch | None
    schedule: HookKeyframes = HookKeyframes()


@dataclass(frozen=True)
class Hooks:
    """Changes of a model that hold for some prompts alone, in order."""

    wire: ClassVar[str] = "HOOKS"
    hooks: tuple[Hook, ...] = ()

    def following(self, schedule: HookKeyframes) -> Hooks:
        """The same changes, all with this schedule in the place of their own."""
        return Hooks(tuple(replace(hook, schedule=schedule) for hook in self.hooks))


@dataclass(frozen=True)
class TextHooks:
    """How a text encoder uses hooks. carried: what it encodes carries them, so that the model has them too.

    scheduled: it encodes anew for each span of their schedules; else once, as they begin.
    """

    hooks: tuple[Hook, ...]
    carried: bool = True
    scheduled: bool = False


@dataclass(frozen=True)
class TimestepsRange:
    """A part of sampling, from start to end in percent of the way from noise (0) to picture (1)."""

    wire: ClassVar[str] = "TIMESTEPS_RANGE"
    start: float
    end: float


class Span(NamedTuple):
    """A part of sampling in which the patches of a text encoder stay the same: start to end in percent."""

    start: float
    end: float
    patches: Patches


HOOKS: tuple[type, ...] = (Difference, Hook, Hooks, TextHooks)
"""What holds recipes."""

SCHEDULES: tuple[type, ...] = (Keyframe, HookKeyframes, TimestepsRange)
"""What holds numbers alone."""

EASINGS: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {
        "linear": lambda part: part,
        "ease_in": lambda part: part**2,
        "ease_out": lambda part: 1 - (1 - part) ** 2,
        "ease_in_out": lambda part: (1 - math.cos(math.pi * part)) / 2,
    }
)
"""How far a strength has come on its way, by how far the time has; both 0..1."""


def interpolated(
    strength_start: float, strength_end: float, easing: str, start: float, end: float, count: int
) -> tuple[Keyframe, ...]:
    """`count` keyframes from start to end, evenly spaced, whose strengths go from one to the other. easing: see
    `EASINGS`. count: 2 or more.
    """
    eased = [EASINGS[easing](place / (count - 1)) for place in range(count)]
    return spread([strength_start + (strength_end - strength_start) * part for part in eased], start, end)


def spread(strengths: Sequence[float], start: float, end: float) -> tuple[Keyframe, ...]:
    """A keyframe for each strength, evenly spaced from start to end, both included; a single one stands at start."""
    steps = max(len(strengths) - 1, 1)
    return tuple(Keyframe(start + (end - start) * place / steps, strength) for place, strength in enumerate(strengths))


def joined(first: tuple[Hook, ...], second: tuple[Hook, ...]) -> tuple[Hook, ...]:
    """Both, in order; what both have counts once."""
    return (*first, *(hook for hook in second if hook not in first))


def model_patches(hooks: Sequence[Hook], reached: Reached) -> Patches:
    """What hooks lay over a network at this point of sampling."""
    return _at([(hook.model, hook.schedule) for hook in hooks], reached)


def text_patches(hooks: Sequence[Hook], reached: Reached) -> Patches:
    """What hooks lay over a text encoder at this point of sampling."""
    return _at([(hook.text, hook.schedule) for hook in hooks], reached)


def text_spans(hooks: Sequence[Hook]) -> list[Span]:
    """All of sampling, in spans in which the patches of a text encoder stay the same."""
    starts = {keyframe.start for hook in hooks if hook.text for keyframe in hook.schedule.keyframes}
    spans: list[Span] = []
    for start in sorted({0.0} | {start for start in starts if start < 1}):
        patches = text_patches(hooks, lambda percent, now=start: percent <= now)
        if spans and spans[-1].patches == patches:
            continue
        if spans:
            spans[-1] = spans[-1]._replace(end=start)
        spans.append(Span(start, 1.0, patches))
    return spans


def _at(patches: Sequence[tuple[Patch | None, HookKeyframes]], reached: Reached) -> Patches:
    scaled = (
        replace(patch, strength=patch.strength * schedule.strength(reached))
        for patch, schedule in patches
        if patch is not None
    )
    return tuple(patch for patch in scaled if patch.strength)
