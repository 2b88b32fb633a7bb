"""Operations on conditionings, against numpy and against what must not change."""

import numpy as np
import pytest
import torch

from diffusion.conditioning import (
    as_default,
    average,
    carrying,
    combine,
    concatenate,
    restrict_to_area,
    restrict_to_mask,
    restrict_to_range,
    showing,
    told_sizes,
    weighted,
    zero_out,
)
from diffusion.hooks import Hook, Hooks
from diffusion.lora.patch import LoraPatch
from diffusion.values import Area, Conditioning, ConditioningEntry, Shown, SizeConditioning, WeightFile


def encoded(seed: int, tokens: int = 5, width: int = 3, *, pooled: bool = True) -> Conditioning:
    generator = torch.Generator().manual_seed(seed)
    entry = ConditioningEntry(
        torch.randn(1, tokens, width, generator=generator),
        torch.randn(1, width, generator=generator) if pooled else None,
    )
    return Conditioning((entry,))


def test_combining_keeps_all_entries_in_order() -> None:
    first, second = encoded(0), encoded(1)
    assert combine(first, second).entries == (*first.entries, *second.entries)


def test_concatenating_appends_the_first_entrys_tokens_to_every_entry() -> None:
    to, extra = combine(encoded(0), encoded(1, tokens=4)), combine(encoded(2, tokens=2), encoded(3))
    joined = concatenate(to, extra)
    for before, after in zip(to.entries, joined.entries, strict=True):
        expected = np.concatenate([before.tokens.numpy(), extra.entries[0].tokens.numpy()], axis=1)
        np.testing.assert_array_equal(after.tokens.numpy(), expected)
        assert after.pooled is before.pooled


def test_concatenating_shares_a_single_item_among_a_batch() -> None:
    to = Conditioning((ConditioningEntry(torch.randn(3, 5, 3)),))
    assert concatenate(to, encoded(1)).entries[0].tokens.shape == (3, 10, 3)


@pytest.mark.parametrize("tokens", [2, 5, 9])
def test_averaging_cuts_or_fills_up_with_zeros(tokens: int) -> None:
    to, other = encoded(0), encoded(1, tokens=tokens)
    filled = np.zeros((1, 5, 3), np.float32)
    filled[:, : min(tokens, 5)] = other.entries[0].tokens.numpy()[:, :5]
    result = average(to, other, 0.3).entries[0]
    np.testing.assert_allclose(result.tokens.numpy(), 0.3 * to.entries[0].tokens.numpy() + 0.7 * filled, rtol=1e-6)
    assert result.pooled is not None
    assert to.entries[0].pooled is not None
    assert other.entries[0].pooled is not None
    expected = 0.3 * to.entries[0].pooled.numpy() + 0.7 * other.entries[0].pooled.numpy()
    np.testing.assert_allclose(result.pooled.numpy(), expected, rtol=1e-6)


def test_averaging_takes_a_pooled_output_that_only_one_side_has() -> None:
    with_pooled, without = encoded(0), encoded(1, pooled=False)
    assert average(with_pooled, without, 0.5).entries[0].pooled is with_pooled.entries[0].pooled
    assert average(without, with_pooled, 0.5).entries[0].pooled is with_pooled.entries[0].pooled


def test_averaging_with_all_strength_changes_nothing() -> None:
    to = encoded(0)
    assert torch.equal(average(to, encoded(1), 1.0).entries[0].tokens, to.entries[0].tokens)


@pytest.mark.parametrize("operation", [concatenate, lambda to, other: average(to, other, 0.5)])
def test_conditionings_of_other_models_are_refused(operation) -> None:
    with pytest.raises(
        ValueError, match=r"tokens of width 3, the other of width 4\. Encode both texts with the same CLIP\."
    ):
        operation(encoded(0), encoded(1, width=4))
    with pytest.raises(ValueError, match="is empty"):
        operation(encoded(0), Conditioning(()))


def test_restrictions_apply_to_every_entry() -> None:
    both, mask, area = combine(encoded(0), encoded(1)), torch.ones(1, 8, 8), Area(64, 32, 8, 16)
    for entry in restrict_to_area(both, area, 0.5).entries:
        assert (entry.area, entry.strength) == (area, 0.5)
    for entry in restrict_to_mask(both, mask, 0.7, bounds=True).entries:
        assert entry.mask is mask
        assert (entry.mask_strength, entry.mask_bounds) == (0.7, True)
    for entry in restrict_to_range(both, 0.2, 0.6).entries:
        assert (entry.start, entry.end) == (0.2, 0.6)
    for entry in weighted(restrict_to_area(both, area, 0.5), 0.3).entries:
        assert (entry.area, entry.strength) == (area, 0.3)
    for entry in as_default(both).entries:
        assert entry.is_default


def test_an_area_takes_the_place_of_a_masks_bounds() -> None:
    bounded = restrict_to_mask(encoded(0), torch.ones(1, 8, 8), 1.0, bounds=True)
    entry = restrict_to_area(bounded, Area(64, 64, 0, 0), 1.0).entries[0]
    assert entry.mask is not None
    assert not entry.mask_bounds


def test_hooks_come_behind_those_there_are_and_count_once() -> None:
    first, second = (Hook(LoraPatch(WeightFile(name, name), 1.0), None) for name in "ab")
    half = combine(carrying(encoded(0), Hooks((first,))), encoded(1))
    found = [entry.hooks for entry in carrying(half, Hooks((second, first))).entries]
    assert found == [(first, second), (second, first)]


def test_sizes_and_pictures_are_for_every_entry() -> None:
    both, size = combine(encoded(0), encoded(1)), SizeConditioning((8, 8))
    first, second = Shown(torch.zeros(1, 4, 2, 2)), Shown(torch.ones(1, 4, 2, 2))
    assert [entry.size for entry in told_sizes(both, size).entries] == [size, size]
    half = combine(showing(encoded(0), first), encoded(1))
    assert [entry.shown for entry in showing(half, second).entries] == [second, second]
    assert [entry.shown for entry in showing(half, second, anew=False).entries] == [first, second]


def test_zeroing_out_leaves_shapes_and_the_original() -> None:
    original = encoded(0)
    before = original.entries[0].tokens.clone()
    entry = zero_out(original).entries[0]
    assert not entry.tokens.any()
    assert entry.tokens.shape == before.shape
    assert entry.pooled is not None
    assert not entry.pooled.any()
    assert torch.equal(original.entries[0].tokens, before)
    assert zero_out(encoded(0, pooled=False)).entries[0].pooled is None
