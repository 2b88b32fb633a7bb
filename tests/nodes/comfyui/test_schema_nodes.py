"""Packs of schema nodes, written the way people write them, run by the engine."""

import json
import shutil
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from diffusion.values import Image
from graph.check import check
from graph.errors import GraphError, NodeFailed
from graph.events import NodeFinished, NodeSkipped
from graph.record import Recording
from graph.result import Many
from nodes.comfyui.adapter import load_pack
from tests.graph.flows import flow
from tests.nodes.comfyui.pack_bench import GREY, LEVEL, PACKS, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, PACKS / "v3_filters", PACKS / "v3_flow")


def spec_of(bench: Bench, type_id: str) -> Any:
    found = bench.catalogue.spec(type_id)
    assert found is not None
    return found


# What is declared


def test_a_schema_is_a_spec(bench: Bench) -> None:
    spec = spec_of(bench, "V3Tint")
    assert (spec.title, spec.category, spec.help, spec.pack) == (
        *("Tint", "filters/colour", "Gives a picture a tint.", "v3_filters"),
    )
    image, tone, strength, where = spec.inputs
    assert (image.type, image.required, image.help) == ("IMAGE", True, "what to tint")
    assert (tone.type, tone.choices, tone.default) == ("COMBO", ("sepia", "cold"), "cold")
    assert (strength.minimum, strength.maximum, strength.default) == (0.0, 1.0, 1.0)
    assert strength.hints == {"step": 0.01, "display": "slider"}
    assert (where.type, where.required, where.optional) == ("MASK", False, True)
    assert [(item.name, item.type) for item in spec.outputs] == [("tinted", "IMAGE"), ("mean", "FLOAT")]


def test_flags_of_a_schema_are_those_of_its_spec(bench: Bench) -> None:
    assert spec_of(bench, "V3Look").output
    assert spec_of(bench, "V3Look").by_id
    assert not spec_of(bench, "V3Keep").by_id
    assert spec_of(bench, "V3Power").expands
    assert spec_of(bench, "V3Dice").impure
    assert spec_of(bench, "V3SlowInvert").lane == "io"
    assert all(item.list for item in spec_of(bench, "V3Total").inputs)
    assert [item.list for item in spec_of(bench, "V3Count").outputs] == [True, False]
    assert [item.lazy for item in spec_of(bench, "V3Switch").inputs] == [False, True, True]


def test_a_class_that_makes_no_node_says_why_and_harms_no_other(tmp_path: Path) -> None:
    bench = Bench(tmp_path, PACKS / "v3_broken")
    assert bench.value({"x": ("V3Good", {})}) == 7
    reasons = {
        "Raises": r"asking its class failed: RuntimeError: the weather is bad \(__init__\.py, line 19\)",
        "V3Paid": "it is an API node",
        "V3Slots": r"'image' is a dynamic slot \(COMFY_DYNAMICSLOT_V3\)",
        "V3Twice": "it declares two inputs 'a'",
        "Future": r"it needs 'comfy_api\.latest\.io\.Hologram'",
        "'no class'": "no class of `io.ComfyNode`",
    }
    assert bench.errors.keys() == reasons.keys()
    for name, reason in reasons.items():
        with pytest.raises(AssertionError, match=reason):
            raise AssertionError(bench.errors[name])
    with pytest.raises(GraphError, match="It returned 3 values, but declares 1"):
        bench.value({"x": ("V3TooMany", {})})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("comfy_entrypoint = 3", "its comfy_entrypoint is a int, not a function"),
        ("def comfy_entrypoint():\n    return 3", "gives a int, not a ComfyExtension"),
        ("from comfy_api.latest import ComfyExtension\ncomfy_entrypoint = ComfyExtension", "has no get_node_list"),
        ("async def comfy_entrypoint():\n    raise OSError('no disk')", "no disk"),
    ],
)
def test_an_extension_that_is_none_is_an_error_of_the_pack(tmp_path: Path, body: str, message: str) -> None:
    path = tmp_path / "custom_nodes" / "odd.py"
    path.parent.mkdir()
    path.write_text(body)
    with pytest.raises(Exception, match=message):
        load_pack(path)


def test_old_and_new_classes_in_one_pack(tmp_path: Path) -> None:
    bench = Bench(tmp_path, PACKS / "v3_mixed")
    nodes = {"o": ("V3MixedOld", {"a": 1}), "x": ("V3MixedNewKey", {"a": "o.INT"}), "n": ("V3MixedNewest", {})}
    assert bench.value(nodes) == 4
    assert spec_of(bench, "V3MixedNewKey").title == "New under another id"
    assert bench.value(nodes, "n") == 3


# What nodes do


def test_a_filter_gets_tensors_and_gives_pictures(bench: Bench) -> None:
    nodes = {"i": GREY, "x": ("V3Tint", {"image": "i.IMAGE", "tone": "sepia"})}
    values = bench.finished(nodes, "x")["x"].values
    assert isinstance(values["tinted"], Image)
    expected = np.broadcast_to(LEVEL * np.array([1.0, 0.8, 0.6]), (1, 4, 6, 3))
    assert np.allclose(values["tinted"].pixels.numpy(), expected)
    assert values["mean"] == pytest.approx(LEVEL * 0.8, rel=1e-6)


def test_a_mask_that_is_linked_is_given(bench: Bench) -> None:
    nodes = {
        "i": GREY,
        "m": ("SolidMask", {"value": 0.0, "width": 6, "height": 4}),
        "x": ("V3Tint", {"image": "i.IMAGE", "where": "m.MASK"}),
    }
    assert torch.allclose(bench.value(nodes).pixels, torch.full((1, 4, 6, 3), LEVEL))


def test_an_asynchronous_node(bench: Bench) -> None:
    nodes = {"i": GREY, "x": ("V3SlowInvert", {"image": "i.IMAGE"})}
    assert torch.allclose(bench.value(nodes).pixels, torch.full((1, 4, 6, 3), 1 - LEVEL))


def test_hidden_values_are_those_of_the_node(bench: Bench) -> None:
    nodes = {"i": GREY, "x": ("V3Look", {"image": "i.IMAGE"}), "y": ("V3Look", {"image": "i.IMAGE"})}
    finished = bench.finished(nodes)
    assert {name: finished[name].values["who"] for name in "xy"} == {"x": "x", "y": "y"}
    assert finished["x"].values["nodes"] == 3


def test_a_preview_is_a_file_that_the_engine_knows(bench: Bench) -> None:
    nodes = {"i": GREY, "x": ("V3Look", {"image": "i.IMAGE"})}
    finished = bench.finished(nodes)["x"]
    (path,) = finished.files
    assert path.is_relative_to(bench.output.temp)
    assert np.array_equal(np.asarray(PilImage.open(path)), np.full((4, 6, 3), 0x80))
    again = bench.finished(nodes)["x"]
    assert (again.reused, again.files) == ("memory", (path,))


def test_a_saved_picture_tells_how_it_was_made(bench: Bench) -> None:
    nodes = {"i": GREY, "x": ("V3Keep", {"images": "i.IMAGE"})}
    (path,) = bench.finished(nodes)["x"].files
    assert path == bench.output.path / "v3" / "kept_00001_.png"
    with PilImage.open(path) as picture:
        assert json.loads(picture.info["prompt"])["x"]["class_type"] == "V3Keep"
        assert "noisewright" in picture.info


def test_a_saved_picture_tells_no_more_than_it_may(bench: Bench) -> None:
    nodes = {"i": GREY, "x": ("V3Keep", {"images": "i.IMAGE"})}
    (path,) = bench.finished(nodes, recording=Recording(metadata="none"))["x"].files
    with PilImage.open(path) as picture:
        assert not {"prompt", "workflow", "noisewright", "XML:com.adobe.xmp"} & picture.info.keys()


def test_a_text_to_show(bench: Bench) -> None:
    finished = bench.finished({"x": ("V3Say", {"text": "hello"})})["x"]
    assert finished.outputs["text"] == ["hello"]


def test_a_fingerprint_of_nan_means_that_the_node_always_runs(bench: Bench) -> None:
    nodes = {"x": ("V3Dice", {})}
    assert bench.value(nodes) < bench.value(nodes) < bench.value(nodes)


def test_a_class_keeps_nothing_between_calls(bench: Bench) -> None:
    with pytest.raises(NodeFailed, match=r"Stubborn\.count cannot be set"):
        bench.value({"x": ("V3Stubborn", {})})


# Steering


@pytest.mark.parametrize("switch", [True, False])
def test_a_branch_that_is_not_wanted_does_not_run(bench: Bench, switch: bool) -> None:
    good, bad = ("on_true", "on_false") if switch else ("on_false", "on_true")
    nodes = {
        "f": ("V3Fail", {}),
        "d": ("V3Double", {"value": 4}),
        "x": ("V3Switch", {"switch": switch, good: "d.value", bad: "f.INT"}),
    }
    assert bench.value(nodes) == 8


def test_lists_out_and_in(bench: Bench) -> None:
    nodes = {
        "n": ("V3Count", {"n": 4}),
        "d": ("V3Double", {"value": "n.numbers"}),
        "x": ("V3Total", {"numbers": "d.value", "start": 100}),
    }
    assert bench.value(nodes, "d") == Many([0, 2, 4, 6])
    assert bench.value(nodes) == 112
    assert bench.value({"x": ("V3Total", {"numbers": 5})}) == 5


def test_a_closed_gate_stops_what_comes_after(bench: Bench) -> None:
    nodes = {
        "g": ("V3Gate", {"value": 1, "open": False}),
        "x": ("V3Double", {"value": "g.one"}),
        "o": ("V3Gate", {"value": 1, "open": True}),
        "y": ("V3Double", {"value": "o.one"}),
    }
    events = list(bench.events(nodes, "x", "y"))
    (skipped,) = [event for event in events if isinstance(event, NodeSkipped)]
    assert (skipped.node, skipped.because, skipped.reason) == ("x", "g", "The gate is closed.")
    finished = {event.node: event for event in events if isinstance(event, NodeFinished)}
    assert finished["y"].values["value"] == 2


def test_a_node_becomes_a_graph(bench: Bench) -> None:
    nodes = {"n": ("V3Double", {"value": 3}), "x": ("V3Power", {"value": "n.value", "times": 3})}
    finished = bench.finished(nodes, "x")
    assert finished["x"].values["result"] == 48
    assert sum(name.startswith("x/") for name in finished) == 3


def test_values_of_a_packs_own_types(bench: Bench) -> None:
    nodes = {"m": ("V3MakeBoxes", {"n": 3}), "x": ("V3CountBoxes", {"boxes": "m.V3_BOXES", "tree": "m.tree"})}
    assert bench.value(nodes) == 6
    wrong = {"m": ("V3MakeBoxes", {}), "x": ("V3CountBoxes", {"boxes": "m.tree"})}
    assert "type" in next(item.code for item in check(flow(**wrong), bench.catalogue, outputs=["x"]))


def test_an_input_of_several_types_takes_each_of_them(bench: Bench) -> None:
    assert bench.value({"x": ("V3Double", {"value": 4})}) == 8
    assert bench.value({"x": ("V3Double", {"value": 0.25})}) == 0.5


def test_a_node_judges_its_own_inputs(bench: Bench) -> None:
    assert bench.value({"x": ("V3Even", {"n": 4})}) == 4
    with pytest.raises(GraphError, match="n is 3, which is odd"):
        bench.value({"x": ("V3Even", {"n": 3})})
    assert bench.value({"x": ("V3Even", {"n": 12, "limit": 10})}) == 10  # its limit of 10 is the node's own affair
    with pytest.raises(GraphError, match="at most 10"):
        bench.value({"x": ("V3Even", {"n": 4, "limit": 11})})


def test_inputs_that_grow(bench: Bench) -> None:
    assert [item.name for item in spec_of(bench, "V3Join").inputs if item.required] == ["texts.text0", "texts.text1"]
    nodes = {"x": ("V3Join", {"texts.text0": "a", "texts.text1": "b", "texts.text3": "c", "between": "-"})}
    assert bench.value(nodes) == "text0=a-text1=b-text3=c"


def test_a_choice_that_brings_inputs(bench: Bench) -> None:
    assert bench.value({"x": ("V3Size", {"mode": "pixels", "mode.side": 32})}) == "mode=pixels side=32"
    assert bench.value({"x": ("V3Size", {"mode": "scale", "mode.side": 32})}) == "mode=scale factor=2.0"
    assert bench.value({"x": ("V3Size", {"mode": "as it is"})}) == "mode=as it is"
    with pytest.raises(GraphError, match=r"'mode\.side' .* is 2, but must be at least 8"):
        bench.value({"x": ("V3Size", {"mode": "pixels", "mode.side": 2})})


def test_choices_that_are_numbers_and_several_choices(bench: Bench) -> None:
    values = bench.finished({"x": ("V3Pick", {"side": 256, "tags": ["a", "c"]})}, "x")["x"].values
    assert values == {"side": 256, "tags": "a+c"}
    with pytest.raises(GraphError, match="which is not one of its choices"):
        bench.value({"x": ("V3Pick", {"side": 300})})
    with pytest.raises(GraphError, match="which is not one of its choices"):
        bench.value({"x": ("V3Pick", {"tags": ["d"]})})


# Packs that change while the program runs, or look at files


def test_choices_made_of_files_are_those_of_the_moment(tmp_path: Path) -> None:
    folder = tmp_path / "custom_nodes" / "lister"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("")
    (folder / "__init__.py").write_text(
        textwrap.dedent("""
        from pathlib import Path
        from comfy_api.latest import ComfyExtension, io

        def texts():
            return sorted(path.name for path in Path(__file__).parent.glob("*.txt"))

        class Chosen(io.ComfyNode):
            @classmethod
            def define_schema(cls):
                inputs = [io.Combo.Input("file", options=texts())]
                return io.Schema("Chosen", inputs=inputs, outputs=[io.String.Output()])

            @classmethod
            def execute(cls, file):
                return io.NodeOutput(file)

        class Extension(ComfyExtension):
            async def get_node_list(self):
                return [Chosen]

        comfy_entrypoint = Extension
        """)
    )
    bench = Bench(tmp_path, folder)
    assert bench.value({"x": ("Chosen", {"file": "a.txt"})}) == "a.txt"
    with pytest.raises(GraphError, match=r"b\.txt.*not one of its choices"):
        bench.value({"x": ("Chosen", {"file": "b.txt"})})
    (folder / "b.txt").write_text("")
    assert bench.value({"x": ("Chosen", {"file": "b.txt"})}) == "b.txt"


def test_a_pack_is_read_anew(tmp_path: Path) -> None:
    folder = shutil.copytree(PACKS / "v3_mixed", tmp_path / "custom_nodes" / "v3_mixed")
    assert Bench(tmp_path, folder).value({"x": ("V3MixedNewKey", {"a": 1})}) == 3
    text = (folder / "__init__.py").read_text().replace("a + 2", "a + 20")
    (folder / "__init__.py").write_text(text)
    assert Bench(tmp_path, folder).value({"x": ("V3MixedNewKey", {"a": 1})}) == 21
