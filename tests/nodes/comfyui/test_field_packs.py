"""Whole packs, laid out as the large ones in the field are, loaded and run as they are."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from graph.errors import GraphError
from graph.events import NodeSkipped
from graph.result import Many
from tests.nodes.comfyui.pack_bench import GREY, LEVEL, PACKS, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    home = tmp_path
    (home / "input").mkdir()
    return Bench(home, *(linked(home, name) for name in ("field_suite", "field_loops", "field_text")))


def linked(home: Path, name: str) -> Path:
    """A pack in the home, so that its paths are there, too."""
    folder = home / "custom_nodes"
    folder.mkdir(exist_ok=True)
    (folder / name).symlink_to(PACKS / name, target_is_directory=True)
    return folder / name


# A suite


def test_mappings_merged_from_modules_that_are_found_by_name(bench: Bench) -> None:
    suite = bench.packs["field_suite"]
    assert [item.spec.type for item in suite.node_types] == [
        *("Suite Posterize", "SuiteLoadImage", "SuiteCounter", "SuiteShow")
    ]
    assert not suite.errors
    assert [item.spec.title for item in suite.node_types][0] == "Posterize (suite)"


def test_what_has_no_effect_is_noted(bench: Bench) -> None:
    notes = " ".join(bench.packs["field_suite"].notes)
    assert "'/field_suite/reset' stays without effect" in notes
    assert "'./web'" in notes


def test_a_filter_by_way_of_pillow(bench: Bench) -> None:
    nodes = {"i": GREY, "x": ("Suite Posterize", {"image": "i.IMAGE", "bits": 1, "preset": "soft"})}
    values = bench.finished(nodes, "x")["x"].values
    assert np.array_equal(values["image"].pixels.numpy(), np.full((1, 4, 6, 3), LEVEL, np.float32))
    assert values["brightness"].values.shape == (1, 4, 6)
    with pytest.raises(GraphError, match="Did you mean 'soft'"):
        bench.value({"i": GREY, "x": ("Suite Posterize", {"image": "i.IMAGE", "preset": "sofd"})})


def test_a_loader_of_pictures(bench: Bench, tmp_path: Path) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    PilImage.fromarray(pixels).save(tmp_path / "input" / "a.png")
    nodes = {"x": ("SuiteLoadImage", {"image": "a.png", "Which channel": "blue"})}
    values = bench.finished(nodes, "x")["x"].values
    assert np.allclose(values["image"].pixels.numpy()[0, ..., 0] * 255, pixels[..., 2])
    assert values["filename"] == "a.png"
    assert bench.finished(nodes, "x")["x"].reused == "memory"
    PilImage.fromarray(255 - pixels).save(tmp_path / "input" / "a.png")
    again = bench.finished(nodes, "x")["x"]
    assert again.reused is None
    assert np.allclose(again.values["image"].pixels.numpy()[0, ..., 0] * 255, 255 - pixels[..., 2])
    with pytest.raises(GraphError, match="Invalid image file: b.png"):
        bench.value({"x": ("SuiteLoadImage", {"image": "b.png"})})


def test_each_node_counts_for_itself(bench: Bench) -> None:
    nodes = {"x": ("SuiteCounter", {"start": 10}), "y": ("SuiteCounter", {"start": 20, "trigger": "x.count"})}
    assert [bench.value(nodes, "x"), bench.value(nodes, "x")] == [11, 12]
    assert bench.finished(nodes, "y")["y"].values == {"count": 21, "trigger": 13}


def test_anything_is_shown_list_or_not(bench: Bench) -> None:
    nodes = {"t": ("FieldTextLines", {"text": "a\n\nb"}), "x": ("SuiteShow", {"anything": "t.line"})}
    finished = bench.finished(nodes)["x"]
    assert finished.outputs["text"] == ["a", "b"]
    assert finished.values == {"STRING": Many(["a", "b"])}


# Loops


def loop(times: int) -> dict:
    return {
        "open": ("FieldLoopOpen", {"remaining": times, "value": "start"}),
        "less": ("FieldDecrease", {"n": "open.remaining"}),
        "more": ("FieldAppend", {"text": "open.value", "n": "open.remaining"}),
        "x": ("FieldLoopClose", {"flow": "open.flow", "remaining": "less.INT", "value": "more.STRING"}),
    }


@pytest.mark.parametrize(("times", "expected"), [(1, "start1."), (4, "start4.3.2.1.")])
def test_a_loop_by_expansion(bench: Bench, times: int, expected: str) -> None:
    nodes = loop(times)
    assert bench.value(nodes) == expected


def test_a_value_that_stops_what_follows(bench: Bench) -> None:
    nodes = {"s": ("FieldStopIf", {"value": 3, "stop": True}), "x": ("FieldDecrease", {"n": "s.*"})}
    events = list(bench.events(nodes, "x"))
    assert [event.node for event in events if isinstance(event, NodeSkipped)] == ["x"]


# Text


def test_modules_found_by_listing_a_folder(bench: Bench) -> None:
    pack = bench.packs["field_text"]
    assert [item.spec.type for item in pack.node_types] == ["FieldTextLines"]
    assert pack.node_types[0].spec.title == "Lines 📜"
    values = bench.finished({"x": ("FieldTextLines", {"text": "a\n\nb", "skip empty": False})}, "x")["x"].values
    assert values == {"line": Many(["a", "", "b"]), "count": 3}
