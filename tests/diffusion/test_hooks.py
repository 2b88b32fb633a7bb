"""Hooks as values: which keyframe counts, easings against numpy, spans of a schedule."""

import itertools

import numpy as np
import pytest

from diffusion.codecs import register
from diffusion.hooks import (
    EASINGS,
    Hook,
    HookKeyframes,
    Hooks,
    Keyframe,
    TextHooks,
    TimestepsRange,
    interpolated,
    joined,
    model_patches,
    spread,
    text_patches,
    text_spans,
)
from diffusion.lora.patch import LoraPatch
from diffusion.values import TextEncoder, WeightFile
from graph.codec import Codecs

INK, OIL = LoraPatch(WeightFile("/ink", "ink"), 0.5), LoraPatch(WeightFile("/oil", "oil"), -2.0)


def schedule(*keyframes: tuple[float, float]) -> HookKeyframes:
    return HookKeyframes().with_more([Keyframe(*each) for each in keyframes])


def strength(given: HookKeyframes, now: float) -> float:
    return given.strength(lambda percent: percent <= now)


def test_without_keyframes_a_hook_counts_in_full() -> None:
    assert strength(HookKeyframes(), 0.3) == 1.0


def test_the_last_keyframe_reached_counts_and_before_the_first_one_all() -> None:
    given = schedule((0.25, 0.5), (0.5, 0.0), (0.75, -1.0))
    points = [0.0, 0.24, 0.25, 0.49, 0.5, 0.7, 0.75, 1.0]
    assert [strength(given, now) for now in points] == [1.0, 1.0, 0.5, 0.5, 0.0, 0.0, -1.0, -1.0]


@pytest.mark.parametrize("order", list(itertools.permutations([(0.0, 0.1), (0.4, 0.2), (0.9, 0.3)])))
def test_keyframes_may_come_in_any_order(order) -> None:
    assert schedule(*order) == schedule((0.0, 0.1), (0.4, 0.2), (0.9, 0.3))


def test_of_keyframes_that_begin_at_once_the_last_one_counts() -> None:
    assert strength(schedule((0.5, 0.1), (0.5, 0.7), (0.2, 0.4)), 0.5) == 0.7


@pytest.mark.parametrize(
    ("easing", "curve"),
    [
        ("linear", lambda x: x),
        ("ease_in", np.square),
        ("ease_out", lambda x: 1 - np.square(1 - x)),
        ("ease_in_out", lambda x: np.sin(np.pi * x / 2) ** 2),
    ],
)
@pytest.mark.parametrize("count", [2, 5, 100])
def test_strengths_are_interpolated_as_numpy_does(easing: str, curve, count: int) -> None:
    found = interpolated(0.3, 1.7, easing, 0.2, 0.9, count)
    np.testing.assert_allclose([each.start for each in found], np.linspace(0.2, 0.9, count), rtol=1e-12)
    wanted = 0.3 + (1.7 - 0.3) * curve(np.linspace(0, 1, count))
    np.testing.assert_allclose([each.strength for each in found], wanted, rtol=1e-12)


def test_every_easing_goes_all_the_way_and_never_back() -> None:
    for curve in EASINGS.values():
        values = [curve(part) for part in np.linspace(0, 1, 50)]
        assert (values[0], values[-1]) == pytest.approx((0, 1))
        assert (np.diff(values) > 0).all()


def test_numbers_are_spread_evenly_and_a_single_one_stands_at_the_start() -> None:
    assert spread([3.0, 1.0, 2.0], 0.0, 0.5) == (Keyframe(0.0, 3.0), Keyframe(0.25, 1.0), Keyframe(0.5, 2.0))
    assert spread([3.0], 0.2, 0.5) == (Keyframe(0.2, 3.0),)


def test_strengths_are_multiplied_and_zero_is_no_patch() -> None:
    hooks = Hooks((Hook(INK, None), Hook(OIL, INK))).following(schedule((0.0, 0.0), (0.5, 3.0))).hooks
    assert model_patches(hooks, lambda percent: percent <= 0.2) == ()
    assert [patch.strength for patch in model_patches(hooks, lambda percent: percent <= 0.5)] == [1.5, -6.0]
    assert [patch.strength for patch in text_patches(hooks, lambda percent: percent <= 0.5)] == [1.5]


def test_what_both_have_counts_once() -> None:
    first, second = Hook(INK, None), Hook(INK, INK)
    assert joined((first, second), (second, Hook(OIL, None))) == (first, second, Hook(OIL, None))


def test_a_schedule_is_cut_into_spans_in_which_the_encoder_stays_the_same() -> None:
    ink = Hook(INK, INK, schedule((0.0, 0.0), (0.3, 1.0), (0.5, 1.0), (0.6, 2.0), (1.0, 9.0)))
    network_only = Hook(OIL, None, schedule((0.1, 5.0)))
    spans = text_spans([ink, network_only])
    assert [(span.start, span.end) for span in spans] == [(0.0, 0.3), (0.3, 0.6), (0.6, 1.0)]
    assert [[patch.strength for patch in span.patches] for span in spans] == [[], [0.5], [1.0]]


def test_spans_of_several_hooks_end_where_any_of_them_changes() -> None:
    ink, oil = Hook(None, INK, schedule((0.5, 0.0))), Hook(None, OIL, schedule((0.2, 0.5)))
    spans = text_spans([ink, oil])
    assert [(span.start, span.end) for span in spans] == [(0.0, 0.2), (0.2, 0.5), (0.5, 1.0)]
    assert [[patch.strength for patch in span.patches] for span in spans] == [[0.5, -2.0], [0.5, -1.0], [-1.0]]


def test_schedules_are_kept_on_disk_and_hooks_have_a_digest() -> None:
    codecs = Codecs()
    register(codecs)
    for value in (schedule((0.25, 0.5), (0.5, -1.0)), TimestepsRange(0.25, 0.75)):
        encoded = codecs.encode(value)
        assert encoded is not None
        assert encoded.stored
        assert codecs.decode(encoded.codec, encoded.data) == value
    digests = {codecs.digest(Hooks((Hook(INK, None, given),))) for given in (schedule(), schedule((0.5, 0.0)))}
    digests.add(codecs.digest(TextEncoder("sd1", (INK.file,))))
    digests.add(codecs.digest(TextEncoder("sd1", (INK.file,), hooks=TextHooks((Hook(INK, None),)))))
    assert len(digests) == 4
    assert None not in digests
