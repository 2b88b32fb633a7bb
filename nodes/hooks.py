"""Hooks: LoRA for single prompts, on a schedule, and what else a prompt can be given in one go."""

import logging
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple

from annotated_types import Ge, Le

from diffusion.hooks import HookKeyframes, Hooks, Keyframe, TextHooks, TimestepsRange
from diffusion.names import WEIGHT_SUFFIXES
from diffusion.values import Conditioning, Mask, TextEncoder
from graph.files import File, InFolder
from graph.node import Default, Help, Hint, node
from nodes.conditioning import Percent, Strength
from nodes.lora import LoraFile, weight_file

log = logging.getLogger(__name__)

CheckpointFile = Annotated[File, InFolder("checkpoints", WEIGHT_SUFFIXES)]
HookStrength = Annotated[float, Ge(-20.0), Le(20.0), Hint(step=0.01)]
FineStrength = Annotated[float, Ge(0.0), Le(10.0), Hint(step=0.001)]
Reach = Literal["default", "mask bounds"]
MaskStrength = Annotated[Strength, Default(1.0), Help("How much the mask counts; without a mask it changes nothing.")]
Printed = Annotated[bool, Help("Write the keyframes into the log.")]

UNLINKED = -1
"""The default of a list of numbers that is linked in all workflows."""


class Floats:
    """A list of numbers on one link, as packs make them."""

    wire: ClassVar[str] = "FLOATS"


class Scheduled(NamedTuple):
    """A schedule of strengths."""

    HOOK_KF: HookKeyframes


class Pair(NamedTuple):
    """What a picture shall show, and what it shall not."""

    positive: Conditioning
    negative: Conditioning


class Ranges(NamedTuple):
    """A part of sampling, and what lies before and behind it."""

    TIMESTEPS_RANGE: TimestepsRange
    BEFORE_RANGE: TimestepsRange
    AFTER_RANGE: TimestepsRange


@node("CreateHookLora", category="advanced/hooks", title="Create Hook LoRA")
def hook_lora(
    lora_name: LoraFile,
    strength_model: HookStrength = 1.0,
    strength_clip: HookStrength = 1.0,
    prev_hooks: Hooks | None = None,
) -> Hooks:
    """A LoRA for the prompts that it is given to, instead of for the whole model."""
    return _with_lora(prev_hooks, lora_name, strength_model, strength_clip)


@node("CreateHookLoraModelOnly", category="advanced/hooks", title="Create Hook LoRA (MO)")
def hook_lora_of_model(
    lora_name: LoraFile, strength_model: HookStrength = 1.0, prev_hooks: Hooks | None = None
) -> Hooks:
    """A LoRA for the prompts that it is given to, which leaves the text encoder as it is."""
    return _with_lora(prev_hooks, lora_name, strength_model, 0.0)


@node("CreateHookModelAsLora", category="advanced/hooks", title="Create Hook Model as LoRA")
def hook_model(
    ckpt_name: CheckpointFile,
    strength_model: HookStrength = 1.0,
    strength_clip: HookStrength = 1.0,
    prev_hooks: Hooks | None = None,
) -> Hooks:
    """Another checkpoint's weights for the prompts that it is given to: with a strength of 1 all, with 0.5 half way.

    Each strength is a model of its own in memory: with schedules, take few keyframes.
    """
    return _with_model(prev_hooks, ckpt_name, strength_model, strength_clip)


@node("CreateHookModelAsLoraModelOnly", category="advanced/hooks", title="Create Hook Model as LoRA (MO)")
def hook_model_alone(
    ckpt_name: CheckpointFile, strength_model: HookStrength = 1.0, prev_hooks: Hooks | None = None
) -> Hooks:
    """Another checkpoint's denoiser for the prompts that it is given to; text is encoded as ever.

    Each strength is a model of its own in memory: with schedules, take few keyframes.
    """
    return _with_model(prev_hooks, ckpt_name, strength_model, 0.0)


@node("SetHookKeyframes", category="advanced/hooks", title="Set Hook Keyframes")
def set_keyframes(hooks: Hooks, hook_kf: HookKeyframes | None = None) -> Hooks:
    """Have hooks follow a schedule, in the place of those they had. Their own strengths are times what it says."""
    return hooks if hook_kf is None else hooks.following(hook_kf)


@node("CreateHookKeyframe", category="advanced/hooks", title="Create Hook Keyframe")
def add_keyframe(
    strength_mult: HookStrength = 1.0, start_percent: Percent = 0.0, prev_hook_kf: HookKeyframes | None = None
) -> Scheduled:
    """Say how much hooks count from a point of the sampling on: 0 is pure noise, 1 the finished picture.

    A keyframe counts until the next one begins; before the first one, hooks count in full.
    """
    return _scheduled(prev_hook_kf, (Keyframe(start_percent, strength_mult),))


@node("CreateHookKeyframesInterpolated", category="advanced/hooks", title="Create Hook Keyframes Interp.")
def add_interpolated_keyframes(
    strength_start: Annotated[FineStrength, Default(1.0)],
    strength_end: Annotated[FineStrength, Default(1.0)],
    interpolation: Literal["linear", "ease_in", "ease_out", "ease_in_out"],
    start_percent: Percent = 0.0,
    end_percent: Percent = 1.0,
    keyframes_count: Annotated[int, Ge(2), Le(100), Hint(step=1)] = 5,
    print_keyframes: Printed = False,
    prev_hook_kf: HookKeyframes | None = None,
) -> Scheduled:
    """Let the strength of hooks go from one value to another, in steps of equal length.

    "ease_in" begins slowly, "ease_out" ends slowly, "ease_in_out" does both.
    """
    from diffusion.hooks import interpolated

    keyframes = interpolated(strength_start, strength_end, interpolation, start_percent, end_percent, keyframes_count)
    return _scheduled(prev_hook_kf, keyframes, printed=print_keyframes)


@node("CreateHookKeyframesFromFloats", category="advanced/hooks", title="Create Hook Keyframes From Floats")
def add_keyframes_from_floats(
    floats_strength: Annotated[
        list[Floats | float],
        Ge(-1),
        Default(UNLINKED),
        Hint(step=0.001, forceInput=True),
        Help("Strengths in order: a list of numbers."),
    ],
    start_percent: Percent = 0.0,
    end_percent: Percent = 1.0,
    print_keyframes: Printed = False,
    prev_hook_kf: HookKeyframes | None = None,
) -> Scheduled:
    """Let the strength of hooks go through a list of numbers, each as long as the others."""
    from diffusion.hooks import spread

    return _scheduled(
        prev_hook_kf, spread(_numbers(floats_strength), start_percent, end_percent), printed=print_keyframes
    )


@node("CombineHooks2", category="advanced/hooks", title="Combine Hooks [2]")
def combine_two(hooks_A: Hooks | None = None, hooks_B: Hooks | None = None) -> Hooks:
    """Put hooks together, in order. What several of them have counts once."""
    return _combined(hooks_A, hooks_B)


@node("CombineHooks4", category="advanced/hooks", title="Combine Hooks [4]")
def combine_four(
    hooks_A: Hooks | None = None,
    hooks_B: Hooks | None = None,
    hooks_C: Hooks | None = None,
    hooks_D: Hooks | None = None,
) -> Hooks:
    """Put hooks together, in order. What several of them have counts once."""
    return _combined(hooks_A, hooks_B, hooks_C, hooks_D)


@node("CombineHooks8", category="advanced/hooks", title="Combine Hooks [8]")
def combine_eight(
    hooks_A: Hooks | None = None,
    hooks_B: Hooks | None = None,
    hooks_C: Hooks | None = None,
    hooks_D: Hooks | None = None,
    hooks_E: Hooks | None = None,
    hooks_F: Hooks | None = None,
    hooks_G: Hooks | None = None,
    hooks_H: Hooks | None = None,
) -> Hooks:
    """Put hooks together, in order. What several of them have counts once."""
    return _combined(hooks_A, hooks_B, hooks_C, hooks_D, hooks_E, hooks_F, hooks_G, hooks_H)


@node("SetClipHooks", category="advanced/hooks", title="Set CLIP Hooks")
def set_clip_hooks(
    clip: TextEncoder,
    apply_to_conds: Annotated[
        bool, Default(True), Help("The prompts that it encodes carry the hooks, so that the model has them too.")
    ],
    schedule_clip: Annotated[
        bool,
        Default(False),
        Help("Encode a prompt anew for each part of the schedule; otherwise once, as the schedule begins."),
    ],
    hooks: Hooks | None = None,
) -> TextEncoder:
    """Encode prompts under hooks, in the place of those that the text encoder had."""
    from dataclasses import replace

    return clip if hooks is None else replace(clip, hooks=TextHooks(hooks.hooks, apply_to_conds, schedule_clip))


@node("ConditioningTimestepsRange", category="advanced/hooks/conditioning", title="Timesteps Range")
def range_of_timesteps(start_percent: Percent = 0.0, end_percent: Percent = 1.0) -> Ranges:
    """A part of the sampling: 0 is pure noise, 1 the finished picture. Also what lies before it, and behind it."""
    return Ranges(
        TimestepsRange(start_percent, end_percent),
        TimestepsRange(0.0, start_percent),
        TimestepsRange(end_percent, 1.0),
    )


@node("ConditioningSetProperties", category="advanced/hooks/conditioning", title="Cond Set Props")
def set_properties(
    cond_NEW: Conditioning,
    strength: MaskStrength,
    set_cond_area: Reach,
    mask: Mask | None = None,
    hooks: Hooks | None = None,
    timesteps: TimestepsRange | None = None,
) -> Conditioning:
    """Give a prompt a mask, hooks and a part of the sampling, each of them if it is connected."""
    return _with_properties(cond_NEW, strength, set_cond_area, mask, hooks, timesteps)


@node("ConditioningSetPropertiesAndCombine", category="advanced/hooks/conditioning", title="Cond Set Props Combine")
def set_properties_and_combine(
    cond: Conditioning,
    cond_NEW: Conditioning,
    strength: MaskStrength,
    set_cond_area: Reach,
    mask: Mask | None = None,
    hooks: Hooks | None = None,
    timesteps: TimestepsRange | None = None,
) -> Conditioning:
    """Give a new prompt a mask, hooks and a part of the sampling, and follow it beside the prompts there are."""
    from diffusion.conditioning import combine

    return combine(cond, _with_properties(cond_NEW, strength, set_cond_area, mask, hooks, timesteps))


@node("ConditioningSetDefaultCombine", category="advanced/hooks/conditioning", title="Cond Set Default Combine")
def combine_with_default(
    cond: Conditioning,
    cond_DEFAULT: Conditioning,
    hooks: Hooks | None = None,
) -> Conditioning:
    """Follow a default prompt wherever the others leave room: where no mask or area of theirs is, and when none holds.

    Its weight at a pixel is what the weights of the others there lack to 1.
    """
    return _with_default(cond, cond_DEFAULT, hooks)


@node("PairConditioningSetProperties", category="advanced/hooks/conditioning", title="Cond Pair Set Props")
def set_properties_of_pair(
    positive_NEW: Conditioning,
    negative_NEW: Conditioning,
    strength: MaskStrength,
    set_cond_area: Reach,
    mask: Mask | None = None,
    hooks: Hooks | None = None,
    timesteps: TimestepsRange | None = None,
) -> Pair:
    """Give a positive and a negative prompt a mask, hooks and a part of the sampling, each of them if connected."""
    given = strength, set_cond_area, mask, hooks, timesteps
    return Pair(_with_properties(positive_NEW, *given), _with_properties(negative_NEW, *given))


@node(
    "PairConditioningSetPropertiesAndCombine",
    category="advanced/hooks/conditioning",
    title="Cond Pair Set Props Combine",
)
def set_properties_of_pair_and_combine(
    positive: Conditioning,
    negative: Conditioning,
    positive_NEW: Conditioning,
    negative_NEW: Conditioning,
    strength: MaskStrength,
    set_cond_area: Reach,
    mask: Mask | None = None,
    hooks: Hooks | None = None,
    timesteps: TimestepsRange | None = None,
) -> Pair:
    """Give two new prompts a mask, hooks and a part of the sampling, and follow them beside those there are."""
    from diffusion.conditioning import combine

    given = strength, set_cond_area, mask, hooks, timesteps
    return Pair(
        combine(positive, _with_properties(positive_NEW, *given)),
        combine(negative, _with_properties(negative_NEW, *given)),
    )


@node("PairConditioningCombine", category="advanced/hooks/conditioning", title="Cond Pair Combine")
def combine_pairs(
    positive_A: Conditioning,
    negative_A: Conditioning,
    positive_B: Conditioning,
    negative_B: Conditioning,
) -> Pair:
    """Follow both positive prompts, and both negative ones."""
    from diffusion.conditioning import combine

    return Pair(combine(positive_A, positive_B), combine(negative_A, negative_B))


@node(
    "PairConditioningSetDefaultCombine", category="advanced/hooks/conditioning", title="Cond Pair Set Default Combine"
)
def combine_pair_with_default(
    positive: Conditioning,
    negative: Conditioning,
    positive_DEFAULT: Conditioning,
    negative_DEFAULT: Conditioning,
    hooks: Hooks | None = None,
) -> Pair:
    """Follow default prompts wherever the others leave room: where no mask or area of theirs is, and when none holds.

    Their weight at a pixel is what the weights of the others there lack to 1.
    """
    return Pair(_with_default(positive, positive_DEFAULT, hooks), _with_default(negative, negative_DEFAULT, hooks))


def _with_lora(before: Hooks | None, file: File, strength_model: float, strength_clip: float) -> Hooks:
    from diffusion.hooking import lora_hook

    hook = lora_hook(weight_file(file), strength_model, strength_clip)
    return Hooks((*(before.hooks if before else ()), hook))


def _with_model(before: Hooks | None, file: File, strength_model: float, strength_clip: float) -> Hooks:
    from diffusion.hooking import model_hook

    hook = model_hook(file.path, file.digest, strength_model, strength_clip)
    return Hooks((*(before.hooks if before else ()), hook))


def _scheduled(before: HookKeyframes | None, keyframes: Sequence[Keyframe], *, printed: bool = False) -> Scheduled:
    if printed:
        told = ", ".join(f"{keyframe.strength:.3f} from {keyframe.start:.3f} on" for keyframe in keyframes)
        log.warning("Keyframes: %s", told)  # what is less than a warning is not shown
    return Scheduled((before or HookKeyframes()).with_more(keyframes))


def _numbers(given: Sequence[object]) -> list[float]:
    """The numbers of links that bring one each, or lists of them. Raises ValueError where there are none."""
    items = [item for each in given for item in (each if isinstance(each, Sequence) else [each])]
    numbers = [float(item) for item in items if isinstance(item, int | float)]
    if not numbers or len(numbers) < len(items) or list(given) == [UNLINKED]:
        raise ValueError("There are no strengths for the keyframes. Connect a list of numbers to 'floats_strength'.")
    return numbers


def _combined(*given: Hooks | None) -> Hooks:
    from diffusion.hooks import joined

    together: Hooks = Hooks()
    for hooks in given:
        together = Hooks(joined(together.hooks, hooks.hooks)) if hooks else together
    return together


def _with_properties(
    conditioning: Conditioning,
    strength: float,
    reach: Reach,
    mask: Mask | None,
    hooks: Hooks | None,
    timesteps: TimestepsRange | None,
) -> Conditioning:
    from diffusion.conditioning import carrying, restrict_to_mask, restrict_to_range

    if mask is not None:
        conditioning = restrict_to_mask(conditioning, mask.values, strength, bounds=reach == "mask bounds")
    if hooks is not None:
        conditioning = carrying(conditioning, hooks)
    return conditioning if timesteps is None else restrict_to_range(conditioning, timesteps.start, timesteps.end)


def _with_default(conditioning: Conditioning, default: Conditioning, hooks: Hooks | None) -> Conditioning:
    from diffusion.conditioning import as_default, carrying, combine

    return combine(conditioning, as_default(default if hooks is None else carrying(default, hooks)))
