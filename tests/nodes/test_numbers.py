import json
from typing import Any

import pytest
import torch

from diffusion.values import Image, Latent, Mask
from nodes.numbers import (
    as_text,
    clamp_number,
    compute,
    image_size,
    order_numbers,
    random_item,
    random_real,
    random_whole,
    to_real,
    to_text,
    to_truth,
    to_whole,
)

PICTURE = Image(torch.zeros(2, 48, 64, 3))


def test_an_expression_gives_both_kinds_of_number_and_shows_its_result():
    result = compute("a * 2.5", 3)
    assert (result.value, result.shown) == ((7, 7.5), {"value": [7.5], "text": ["7.5"]})
    assert compute("-2.7").value == (-2, -2.7)
    assert compute("a > 2", 3).value == (1, 1.0)


def test_pictures_and_latents_have_sides():
    assert compute("a.width * 1000 + a.height + a.batch", PICTURE).value.INT == 64050
    assert compute("b.width + b.height", b=Latent(torch.zeros(1, 4, 8, 16), empty_size=(64, 128))).value.INT == 192
    assert compute("c.width", c=Latent(torch.zeros(1, 4, 8, 16))).value.INT == 128
    with pytest.raises(ValueError, match="'a' is no number. It has 'a.width', 'a.height' and 'a.batch'"):
        compute("a", PICTURE)
    with pytest.raises(ValueError, match="Its input 'a' is of type Mask. Connect a number, a picture or a latent."):
        compute("a", Mask(torch.zeros(1, 2, 2)))
    with pytest.raises(ValueError, match="The number becomes too large for a FLOAT."):
        compute("10 ** 1000")


def test_the_size_of_a_picture():
    assert tuple(image_size(PICTURE).value) == (64, 48, 2)


def test_minimum_maximum_and_clamp():
    assert order_numbers(5, 2.5) == (2.5, 5.0)
    assert clamp_number(12, 0, 10) == (10, 10.0)
    assert clamp_number(-1, 0, 10).INT == 0
    assert clamp_number(2.5, 0, 10) == (2, 2.5)
    with pytest.raises(ValueError, match="The minimum 2 is above the maximum 1. Exchange them."):
        clamp_number(0, 2, 1)


def test_random_numbers_follow_from_the_seed():
    assert {random_whole(seed, 1, 6) for seed in range(200)} == {1, 2, 3, 4, 5, 6}
    assert all(-1 <= random_real(seed, -1, 3) < 3 for seed in range(200))
    assert random_whole(3, 0, 10**9) == random_whole(3, 0, 10**9)
    assert {random_item(["a", "b", "c"], seed) for seed in range(50)} == {"a", "b", "c"}
    with pytest.raises(ValueError, match="The list is empty"):
        random_item([], 0)
    with pytest.raises(ValueError, match="The minimum 2 is above the maximum 1"):
        random_whole(0, 2, 1)


@pytest.mark.parametrize(
    ("value", "rounding", "whole"),
    [
        *((2.5, "nearest", 2), (3.5, "nearest", 4), (-2.5, "down", -3), (-2.5, "up", -2), (-2.5, "towards zero", -2)),
        *(("12", "nearest", 12), (" 1e3 ", "nearest", 1000), ("2.7", "down", 2), (True, "nearest", 1), (7, "up", 7)),
    ],
)
def test_to_a_whole_number(value, rounding, whole):
    found = to_whole(value, rounding)
    assert (found, type(found)) == (whole, int)


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "1,5", "0x10"])
def test_a_text_that_is_no_number(text):
    with pytest.raises(ValueError, match="is no number"):
        to_whole(text)
    with pytest.raises(ValueError, match="is no number"):
        to_real(text)


def test_to_a_number_and_to_true_or_false():
    assert (to_real("1.5"), to_real(2), to_real(False)) == (1.5, 2.0, 0.0)
    assert [to_truth(value) for value in (0, 0.0, "no", " OFF", "0", "", False)] == [False] * 7
    assert [to_truth(value) for value in (3, -0.5, "Yes", "true", "1", True)] == [True] * 6
    with pytest.raises(ValueError, match="The text 'perhaps' is neither true nor false."):
        to_truth("perhaps")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is\n", "as it is\n"),
        (3, "3"),
        (0.1, "0.1"),
        (True, "True"),
        (None, "None"),
        ({"a": [1, "ä"]}, json.dumps({"a": [1, "ä"]}, ensure_ascii=False, indent=2)),
        (PICTURE, "Image: float32[2, 48, 64, 3]"),
    ],
)
def test_a_value_as_a_text(value: Any, text: str):
    assert to_text(value) == as_text(value) == text


def test_a_list_with_values_that_json_does_not_have_is_one_line():
    assert "\n" not in as_text([object()])
