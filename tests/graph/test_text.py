import pytest

from graph.text import kind, listing, meant, nearest, shown


@pytest.mark.parametrize(
    ("name", "found"),
    [("KSampelr", "KSampler"), ("ksampler", "KSampler"), ("vaedecode", "VAEDecode"), ("zzz", None), ("", None)],
)
def test_nearest_forgives_slips_and_letter_case(name, found):
    assert nearest(name, ["VAEDecode", "KSampler", "SaveImage"]) == found


def test_nearest_of_nothing():
    assert nearest("x", []) is None


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], "nothing"),
        (["a"], "'a'"),
        (["a", "b", "c"], "'a', 'b' and 'c'"),
        ([str(n) for n in range(9)], "'0', '1', '2', '3', '4', '5', '6', '7' and '8'"),
        ([str(n) for n in range(10)], "'0', '1', '2', '3', '4', '5', '6', '7' and 2 more"),
    ],
)
def test_listing(names, text):
    assert listing(names) == text


def test_meant_names_the_nearest_or_all():
    assert meant("imag", ["image", "mask"]) == "Did you mean 'image'?"
    assert meant("zzz", ["image", "mask"]) == "There is 'image' and 'mask'."


@pytest.mark.parametrize(
    ("value", "text"),
    [("ä", '"ä"'), (None, "null"), (7.0, "7.0"), ({"a": [1]}, '{"a": [1]}'), ("x" * 99, '"' + "x" * 58 + "…")],
)
def test_shown(value, text):
    assert shown(value) == text


def test_shown_does_not_print_a_number_of_a_thousand_digits():
    assert shown(10**1000) == "an integer of about 1000 digits"
    assert shown(2**64) == str(2**64)


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "null"), (True, "true or false"), (1, "a number"), ("", "a text"), ([], "a list"), ({}, "an object")],
)
def test_kind(value, words):
    assert kind(value) == words
