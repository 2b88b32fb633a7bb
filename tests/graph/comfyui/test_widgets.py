"""Positional widget values, as ComfyUI's editors of 2023 to 2026 write them."""

from typing import Any

import pytest

import nodes
from graph.catalogue import Catalogue
from graph.comfyui.editor import EditorNode, EditorSlot
from graph.comfyui.widgets import Named, fitted, named_values, slot_values
from graph.spec import InputSpec, NodeSpec

CATALOGUE = Catalogue.of(nodes.MODULES)


def names(type_id: str, *values: Any) -> Named:
    spec = CATALOGUE.spec(type_id)
    assert spec is not None
    return named_values(spec, values)


def spec_of(*inputs: InputSpec) -> NodeSpec:
    return NodeSpec(type="T", title="T", category="", help="", inputs=inputs)


def item(name: str, type: str = "INT", **facts: Any) -> InputSpec:  # noqa: A002 — the word of the spec
    return InputSpec(name=name, type=type, required=True, **facts)


SAMPLED = {"seed": 5, "steps": 20, "cfg": 8, "sampler_name": "euler", "scheduler": "normal", "denoise": 1}


@pytest.mark.parametrize(
    ("control", "word"),
    [("randomize", "random"), ("fixed", ""), ("increment", "increment"), (True, "random"), (False, "")],
)
def test_a_seed_is_followed_by_what_happens_to_it(control: Any, word: str) -> None:
    assert names("KSampler", 5, control, 20, 8, "euler", "normal", 1) == (SAMPLED, {"seed": word}, ())


def test_a_seed_without_a_control_value() -> None:
    assert names("KSampler", 5, 20, 8, "euler", "normal", 1) == (SAMPLED, {}, ())


def test_the_seed_need_not_come_first() -> None:
    named = names("KSamplerAdvanced", "enable", 0, "randomize", 20, 8, "euler", "normal", 0, 10000, "disable")
    assert named.values == {
        "add_noise": "enable", "noise_seed": 0, "steps": 20, "cfg": 8, "sampler_name": "euler", "scheduler": "normal",
        "start_at_step": 0, "end_at_step": 10000, "return_with_leftover_noise": "disable",
    }  # fmt: skip
    assert named.rest == ()


@pytest.mark.parametrize(
    ("type_id", "values", "named"),
    [
        ("LoadImage", ("x.png", "image"), {"image": "x.png"}),
        ("LoadImage", ("x.png",), {"image": "x.png"}),
        ("LoadImageMask", ("x.png", "alpha", "image"), {"image": "x.png", "channel": "alpha"}),
        ("LoadImageMask", ("x.png", "image", "alpha"), {"image": "x.png", "channel": "alpha"}),
        ("CLIPTextEncode", ("text",), {"text": "text"}),
        ("EmptyLatentImage", (512, 512, 1), {"width": 512, "height": 512, "batch_size": 1}),
        ("EmptyLatentImage", (512,), {"width": 512}),
        ("VAEDecode", (), {}),
    ],
)
def test_upload_buttons_and_files_of_shorter_types(type_id: str, values: tuple[Any, ...], named: Any) -> None:
    assert names(type_id, *values) == (named, {}, ())


def test_what_no_input_takes_is_left_over() -> None:
    assert names("EmptyLatentImage", 1, 2, 3, "x", None).rest == ("x", None)


def test_sockets_that_could_be_widgets_had_a_dummy_value_once() -> None:
    forced = spec_of(item("a"), item("seed", hints={"forceInput": True}), item("b", "STRING"))
    assert named_values(forced, (1, 0, "fixed", "x")).values == {"a": 1, "b": "x"}
    assert named_values(forced, (1, "x")).values == {"a": 1, "b": "x"}


def test_choices_that_change_after_a_run_have_two_values_more() -> None:
    listed = item("c", "COMBO", choices=("x", "y"), hints={"control_after_generate": True})
    named = named_values(spec_of(listed, item("n")), ("x", "increment-wrap", "", 3))
    assert named == ({"c": "x", "n": 3}, {"c": "increment-wrap"}, ())


def test_types_that_only_links_have_take_no_value() -> None:
    several = item("m", "INT,FLOAT")
    assert named_values(spec_of(item("i", "IMAGE"), several, item("n")), (3,)).values == {"n": 3}


def test_an_unknown_node_whose_slots_name_all_its_widgets() -> None:
    slots = (EditorSlot("image", "IMAGE"), *(EditorSlot(name, widget=name) for name in ("size", "seed", "mode")))
    assert slot_values(EditorNode("1", "X", inputs=slots, widgets=(1, 2, "fixed", "y"))) == (
        {"size": 1, "seed": 2, "mode": "y"},
        {"seed": ""},
        (),
    )
    assert slot_values(EditorNode("1", "X", inputs=slots, widgets=(1, 2))) is None
    assert slot_values(EditorNode("1", "X", inputs=slots, widgets=(1, 2, "fixed", "y", 5))) is None
    assert slot_values(EditorNode("1", "X", inputs=slots[:1], widgets=(1,))) is None


@pytest.mark.parametrize(
    ("wire", "value", "fit"),
    [
        ("INT", "20", 20),
        ("INT", 7.9, 7),
        ("INT", True, 1),
        ("INT", "x", "x"),
        ("FLOAT", "0.5", 0.5),
        ("STRING", 5, "5"),
        ("BOOLEAN", 1, True),
        ("BOOLEAN", "false", False),
        ("BOOLEAN", "maybe", "maybe"),
        ("INT", [1], [1]),
        ("INT", float("nan"), None),
    ],
)
def test_values_are_taken_as_their_server_takes_them(wire: str, value: Any, fit: Any) -> None:
    found = fitted(item("x", wire), value)
    assert (found, type(found)) == (fit, type(fit)) if fit is not None else found is value
