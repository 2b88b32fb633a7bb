"""Infotexts as A1111, Forge and their kin write them, taken apart."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.comfyui.parameters import Infotext, is_infotext, parse

FORGE = """masterpiece, (a cat:1.2), <lora:add_detail:0.8>
second line: still the prompt
Negative prompt: blurry,
(worst quality:1.4)
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 965400086, Size: 512x768, \
Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, Denoising strength: 0.5, Clip skip: 2, \
ADetailer prompt: "a face, \\"nice\\": yes\\nsecond", Hires upscale: 2, Hires upscaler: Latent, \
Lora hashes: "add_detail: 7c6bad76eb54", ControlNet 0: "Module: canny, Model: control [d14c016b], Weight: 1", \
Version: f2.0.1v1.10.1-previous-622"""


def test_a_forge_text():
    found = parse(FORGE)
    assert found.prompt == "masterpiece, (a cat:1.2), <lora:add_detail:0.8>\nsecond line: still the prompt"
    assert found.negative == "blurry,\n(worst quality:1.4)"
    assert found.text == FORGE
    assert dict(found.settings) == {
        "Steps": "20",
        "Sampler": "DPM++ 2M",
        "Schedule type": "Karras",
        "CFG scale": "7.5",
        "Seed": "965400086",
        "Size": "512x768",
        "Model hash": "6ce0161689",
        "Model": "v1-5-pruned-emaonly",
        "Denoising strength": "0.5",
        "Clip skip": "2",
        "ADetailer prompt": 'a face, "nice": yes\nsecond',
        "Hires upscale": "2",
        "Hires upscaler": "Latent",
        "Lora hashes": "add_detail: 7c6bad76eb54",
        "ControlNet 0": "Module: canny, Model: control [d14c016b], Weight: 1",
        "Version": "f2.0.1v1.10.1-previous-622",
    }


def test_without_negative_prompt_or_settings():
    assert parse("a cat\nSteps: 20, Seed: 1") == Infotext(
        "a cat", "", {"Steps": "20", "Seed": "1"}, "a cat\nSteps: 20, Seed: 1"
    )
    assert parse("a cat").prompt == "a cat"
    assert parse("").prompt == ""
    assert parse("Negative prompt: blur\nSteps: 1").negative == "blur"
    assert is_infotext("a\nSteps: 20, Seed: 1")
    assert not is_infotext("a cat\nNegative prompt: blur")
    assert not is_infotext("{}")


def test_windows_line_ends_and_a_byte_order_mark():
    found = parse("\ufeffa\r\nb\r\nNegative prompt: c\r\nSteps: 3, Seed: 2\r\n")
    assert (found.prompt, found.negative, dict(found.settings)) == ("a\nb", "c", {"Steps": "3", "Seed": "2"})


def test_values_that_hold_json_and_values_with_loose_commas():
    resources = '[{"type":"checkpoint","modelVersionId":1},{"type":"lora","weight":0.5}]'
    found = parse(
        f"a\nSteps: 20, Civitai resources: {resources}, Styles: one, two, Date: 2024-01-02T03:04:05Z"
    ).settings
    assert found["Civitai resources"] == resources
    assert found["Styles"] == "one, two"
    assert found["Date"] == "2024-01-02T03:04:05Z"


def test_a_quote_that_is_never_closed_is_text():
    assert parse('a\nSteps: 20, Model: "x, Seed: 4').settings == {"Steps": "20", "Model": '"x', "Seed": "4"}


def test_blocks_below_the_settings():
    text = "a\nSteps: 20, Seed: 4\nTemplate: a {b|c}, d: e\n more\nNegative Template: x"
    assert dict(parse(text).settings) == {
        "Steps": "20", "Seed": "4", "Template": "a {b|c}, d: e\n more", "Negative Template": "x"
    }  # fmt: skip


def test_settings_that_do_not_begin_with_steps():
    text = "a cat: black\nSampler: Euler, CFG scale: 7, Seed: 4, Size: 64x64"
    assert parse(text).settings["Seed"] == "4"
    assert parse(text).prompt == "a cat: black"


@given(
    st.dictionaries(st.from_regex(r"[A-Z][a-z ]{0,8}[a-z]", fullmatch=True), st.text(min_size=1), min_size=1),
    st.text(alphabet="ab, ():<>\"'"),
)
def test_what_is_quoted_as_a1111_does_comes_back(settings: dict[str, str], prompt: str):
    settings = {"Steps": "20"} | {key: value for key, value in settings.items() if key != "Steps"}
    line = ", ".join(f"{key}: {json.dumps(value) if key != 'Steps' else value}" for key, value in settings.items())
    found = parse(f"{prompt}\n{line}")
    assert dict(found.settings) == {key: value.strip() for key, value in settings.items()}
    assert found.prompt == prompt.strip()


@given(st.text(alphabet='ab\n,:"[{}]\\0 Steps'))
def test_any_text_is_an_infotext(text: str):
    found = parse(text)
    assert all(isinstance(value, str) for value in found.settings.values())


@pytest.mark.parametrize(
    "piece", ["a: [", 'a: "x, ', 'A: {"a": [', ",", ":", '"', "A: b\n", "Steps: 1\n", 'a: [0,{"a": ']
)
def test_long_and_broken_texts_end(piece: str):
    parse("Steps: 1, " + piece * 50_000)
