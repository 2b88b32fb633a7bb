"""Graphs that nodes of packs become: links by number, in and out, and what is wrong with them."""

from pathlib import Path
from typing import Any

import pytest
import torch

from diffusion.values import Image
from graph.errors import NodeFailed
from nodes.comfyui.adapter import load_pack
from tests.nodes.comfyui.workbench import Workbench, node_types

PACK = '''
from comfy_execution.graph import ExecutionBlocker

class Double:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"number": ("INT", {"default": 0})}}
    RETURN_TYPES = ("INT",)
    FUNCTION = "double"
    def double(self, number):
        return (number * 2,)

class ByHand:
    """A graph without the builder, of one of these forms."""
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"form": ("STRING", {"default": ""})}, "optional": {"image": ("IMAGE",)},
                "hidden": {"unique_id": "UNIQUE_ID", "dynprompt": "DYNPROMPT"}}
    RETURN_TYPES = ("INT", "IMAGE")
    FUNCTION = "run"
    def run(self, form, unique_id, dynprompt, image=None):
        node = {"class_type": "Double", "inputs": {"number": 4}}
        invert = lambda image: {"class_type": "ImageInvert", "inputs": {"image": image}}
        other = dynprompt.get_node(unique_id)["inputs"].get("image", ["made", 0])
        return {
            "plain": lambda: {"result": (["a", 0], image), "expand": {"a": node}},
            "outside": lambda: {"result": (["a", 0], ["i", 0]),
                                "expand": {"a": node, "i": invert(other)}},
            "value": lambda: {"result": (["a", 0], ["i", 0]),
                              "expand": {"a": node, "i": invert(image * 0.5)}},
            "same": lambda: {"result": (["a", 0], ["i", 0]),
                             "expand": {"a": node, "i": invert(image)}},
            "blocked": lambda: {"result": (["a", 0], ExecutionBlocker("no")), "expand": {"a": node}},
            "nowhere": lambda: {"result": (["b", 0], None), "expand": {"a": node}},
            "slot": lambda: {"result": (["a", 3], None), "expand": {"a": node}},
            "type": lambda: {"result": (["a", 0], None), "expand": {"a": {"class_type": "Doubel", "inputs": {}}}},
            "form": lambda: {"result": (1, None), "expand": [1, 2]},
            "input": lambda: {"result": (["a", 0], None),
                              "expand": {"a": {"class_type": "Double", "inputs": {"number": ["q", 0]}}}},
        }[form]()

NODE_CLASS_MAPPINGS = {"Double": Double, "ByHand": ByHand}
'''

MADE = ("EmptyImage", {"width": 2, "height": 2, "color": 0xFFFFFF})


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    (tmp_path / "custom_nodes").mkdir()
    (tmp_path / "custom_nodes" / "graphs.py").write_text(PACK)
    bench = Workbench(tmp_path)
    bench.catalogue = node_types(load_pack(tmp_path / "custom_nodes" / "graphs.py"))
    return bench


@pytest.mark.parametrize(("form", "grey"), [("plain", 1.0), ("outside", 0.0), ("value", 0.5), ("same", 0.0)])
def test_links_lead_into_the_graph_and_out_of_it(bench: Workbench, form: str, grey: float) -> None:
    nodes: dict[str, Any] = {"made": MADE, "x": ("ByHand", {"form": form, "image": "made.IMAGE"})}
    found = bench.finished("x", **nodes)["x"].values
    assert found["INT"] == 8
    image = found["IMAGE"]
    assert isinstance(image, Image)
    assert torch.all(image.pixels == grey)


def test_the_value_that_came_by_a_link_counts_as_that_link(bench: Workbench) -> None:
    nodes: dict[str, Any] = {
        "made": MADE,
        "inverted": ("ImageInvert", {"image": "made.IMAGE"}),
        "x": ("ByHand", {"form": "same", "image": "made.IMAGE"}),
    }
    bench.finished("inverted", **nodes)
    assert bench.finished("x", **nodes)["x/i"].reused == "memory"


def test_an_output_of_a_graph_may_be_blocked(bench: Workbench) -> None:
    nodes: dict[str, Any] = {"x": ("ByHand", {"form": "blocked"}), "y": ("ImageInvert", {"image": "x.IMAGE"})}
    finished = bench.finished("x", "y", **nodes)
    assert finished["x"].values["INT"] == 8
    assert "y" not in finished


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("nowhere", "links to the node 'b', which is not there"),
        ("input", "links to the node 'q', which is not there"),
        ("slot", r"links to output 3 of node 'a' \(Double\), which has 'INT'"),
        ("type", "has the node 'a' of type 'Doubel', but there is no such node type"),
        ("form", 'gave an "expand" that is no graph'),
    ],
)
def test_what_is_no_graph_is_said(bench: Workbench, form: str, said: str) -> None:
    with pytest.raises(NodeFailed, match=said):
        bench.finished("x", x=("ByHand", {"form": form}))
