"""Hook nodes put values together; what they do in a run is tested in `tests/diffusion/test_variants.py`."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from diffusion.hooks import Difference, Hook, HookKeyframes, Hooks, Keyframe, TextHooks, TimestepsRange
from diffusion.lora.patch import LoraPatch
from diffusion.values import Conditioning, ConditioningEntry, Mask, Model, TextEncoder, WeightFile
from graph.files import File
from graph.node import node_type_of
from nodes import hooks as made
from tests.diffusion.lora.made import LINEAR, plain_lora
from tests.diffusion.tiny import tiny_unet, write_tiny_checkpoint

MASK = Mask(torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0)))


@pytest.fixture
def file(tmp_path: Path) -> File:
    save_file(plain_lora(tiny_unet(), (LINEAR,))[0], tmp_path / "ink.safetensors")
    return File("ink.safetensors", tmp_path / "ink.safetensors", "abc")


def prompt(mood: float, **entry: Any) -> Conditioning:
    return Conditioning((ConditioningEntry(torch.full((1, 2, 3), mood), **entry),))


def moods(conditioning: Conditioning) -> list[float]:
    return [float(entry.tokens[0, 0, 0]) for entry in conditioning.entries]


def hooks(*names: str) -> Hooks:
    return Hooks(tuple(Hook(LoraPatch(WeightFile(name, name), 1.0), None) for name in names))


def test_a_lora_becomes_a_hook_behind_those_there_are(file):
    first = made.hook_lora(file, 0.5, -0.5)
    (hook,) = first.hooks
    assert isinstance(hook.model, LoraPatch)
    assert isinstance(hook.text, LoraPatch)
    assert (hook.model.file.digest, hook.model.strength, hook.text.strength) == ("abc", 0.5, -0.5)
    second = made.hook_lora_of_model(file, 0.25, first)
    assert second.hooks[0] == hook
    assert second.hooks[1] == Hook(LoraPatch(hook.model.file, 0.25), None)


def test_another_checkpoint_becomes_a_hook(tmp_path):
    path = write_tiny_checkpoint(tmp_path / "other.safetensors", seed=5)
    (hook,) = made.hook_model(File("other.safetensors", path, "xyz"), 0.5, -0.5).hooks
    assert isinstance(hook.model, Difference)
    assert isinstance(hook.text, Difference)
    assert (hook.model.strength, hook.text.strength) == (0.5, -0.5)
    assert isinstance(hook.model.other, Model)
    assert hook.model.other.file.digest == "xyz"
    alone = made.hook_model_alone(File("other.safetensors", path, "xyz"), 0.25, hooks("a")).hooks[1]
    assert alone == Hook(Difference(hook.model.other, 0.25), None)


def test_the_same_lora_twice_in_a_row_adds_up(file):
    assert len(made.hook_lora(file, 1.0, 1.0, made.hook_lora(file, 1.0, 1.0)).hooks) == 2


def test_hooks_are_put_together_in_order_and_count_once():
    assert made.combine_two() == Hooks()
    assert made.combine_two(None, hooks("a")) == hooks("a")
    assert made.combine_four(hooks("a", "b"), None, hooks("b", "c"), hooks("a")) == hooks("a", "b", "c")
    every = made.combine_eight(*(hooks(name) for name in "hgfedcba"))
    assert every == hooks(*"hgfedcba")


def test_keyframes_collect_and_are_set_on_all_hooks():
    late = made.add_keyframe(0.0, 0.7).HOOK_KF
    both = made.add_keyframe(0.5, 0.2, late).HOOK_KF
    assert both == HookKeyframes((Keyframe(0.2, 0.5), Keyframe(0.7, 0.0)))
    scheduled = made.set_keyframes(made.set_keyframes(hooks("a", "b"), late), both)
    assert [hook.schedule for hook in scheduled.hooks] == [both, both]
    assert made.set_keyframes(scheduled) is scheduled


def test_keyframes_between_two_strengths(caplog):
    given = HookKeyframes((Keyframe(0.0, 9.0),))
    with caplog.at_level(logging.WARNING):
        found = made.add_interpolated_keyframes(1.0, 0.0, "linear", 0.2, 0.8, 3, True, given).HOOK_KF
    assert [(each.start, pytest.approx(each.strength)) for each in found.keyframes] == [
        (0.0, 9.0),
        (0.2, 1.0),
        (0.5, 0.5),
        (0.8, 0.0),
    ]
    assert caplog.messages == ["Keyframes: 1.000 from 0.200 on, 0.500 from 0.500 on, 0.000 from 0.800 on"]


@pytest.mark.parametrize("given", [[0.5, 1.0, 2.0], [[0.5, 1.0, 2.0]], [0.5, (1, 2)]], ids=["items", "list", "both"])
def test_keyframes_from_numbers(given, caplog):
    with caplog.at_level(logging.INFO):
        found = made.add_keyframes_from_floats(given, 0.0, 1.0).HOOK_KF
    assert found == HookKeyframes((Keyframe(0.0, 0.5), Keyframe(0.5, 1.0), Keyframe(1.0, 2.0)))
    assert not caplog.messages


@pytest.mark.parametrize("given", [[made.UNLINKED], [], [[]], ["a"]], ids=["not linked", "no links", "empty", "text"])
def test_without_numbers_there_is_a_sentence(given):
    with pytest.raises(ValueError, match=r"Connect a list of numbers to 'floats_strength'\."):
        made.add_keyframes_from_floats(given)


def test_a_text_encoder_takes_hooks():
    clip = TextEncoder("sd1", (WeightFile("/clip", "clip"),))
    assert made.set_clip_hooks(clip, True, False) is clip
    found = made.set_clip_hooks(clip, False, True, hooks("a"))
    assert found.hooks is not None
    assert (found.hooks.hooks, found.hooks.carried, found.hooks.scheduled) == (hooks("a").hooks, False, True)
    assert made.set_clip_hooks(found, True, False, hooks("b")).hooks == TextHooks(hooks("b").hooks)


def test_a_range_and_what_lies_around_it():
    assert made.range_of_timesteps(0.25, 0.75) == (
        TimestepsRange(0.25, 0.75),
        TimestepsRange(0.0, 0.25),
        TimestepsRange(0.75, 1.0),
    )


def test_what_is_not_connected_stays_as_it_was():
    given = prompt(1.0, start=0.1, end=0.9, mask=MASK.values, mask_strength=0.3, hooks=hooks("a").hooks)
    (entry,) = made.set_properties(given, 0.8, "mask bounds").entries
    assert entry == given.entries[0] or vars(entry) == vars(given.entries[0])


def test_a_prompt_is_given_all_at_once():
    given = prompt(1.0, hooks=hooks("a").hooks)
    (entry,) = made.set_properties(given, 0.8, "mask bounds", MASK, hooks("a", "b"), TimestepsRange(0.2, 0.6)).entries
    assert entry.mask is MASK.values
    assert (entry.mask_strength, entry.mask_bounds, entry.start, entry.end) == (0.8, True, 0.2, 0.6)
    assert entry.hooks == hooks("a", "b").hooks


def test_new_prompts_stand_behind_those_there_are():
    new = made.set_properties_and_combine(prompt(1.0), prompt(2.0), 1.0, "default", None, hooks("a"))
    assert moods(new) == [1.0, 2.0]
    assert [entry.hooks for entry in new.entries] == [(), hooks("a").hooks]
    positive, negative = made.set_properties_of_pair_and_combine(
        prompt(1.0), prompt(2.0), prompt(3.0), prompt(4.0), 0.5, "default", MASK, hooks("a")
    )
    assert (moods(positive), moods(negative)) == ([1.0, 3.0], [2.0, 4.0])
    for side in (positive, negative):
        assert [entry.mask_strength for entry in side.entries] == [1.0, 0.5]
        assert [entry.hooks for entry in side.entries] == [(), hooks("a").hooks]


def test_a_pair_is_given_the_same():
    positive, negative = made.set_properties_of_pair(prompt(1.0), prompt(2.0), 0.5, "default", MASK, hooks("a"))
    assert (moods(positive), moods(negative)) == ([1.0], [2.0])
    assert [side.entries[0].hooks for side in (positive, negative)] == [hooks("a").hooks] * 2
    assert moods(made.combine_pairs(prompt(1.0), prompt(2.0), prompt(3.0), prompt(4.0)).positive) == [1.0, 3.0]
    assert moods(made.combine_pairs(prompt(1.0), prompt(2.0), prompt(3.0), prompt(4.0)).negative) == [2.0, 4.0]


def test_default_prompts_are_marked_and_stand_last():
    found = made.combine_with_default(prompt(1.0), prompt(2.0), hooks("a"))
    assert [(entry.is_default, entry.hooks) for entry in found.entries] == [(False, ()), (True, hooks("a").hooks)]
    positive, negative = made.combine_pair_with_default(prompt(1.0), prompt(2.0), prompt(3.0), prompt(4.0))
    assert (moods(positive), moods(negative)) == ([1.0, 3.0], [2.0, 4.0])
    assert [side.entries[1].is_default for side in (positive, negative)] == [True, True]


def test_they_run_without_a_device():
    kinds = [kind for value in vars(made).values() if (kind := node_type_of(value)) is not None]
    assert len(kinds) == 20
    assert {kind.spec.lane for kind in kinds} == {"cpu"}
