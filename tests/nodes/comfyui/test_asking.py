"""What the engine asks classes besides doing their work, and threads and coroutines of packs."""

import inspect
from pathlib import Path

import pytest

from graph.result import Many
from nodes.comfyui.adapter import load_pack
from tests.nodes.comfyui.workbench import Workbench, node_types

PACK = """
import threading
import folder_paths

class Asked:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"a": ("INT", {"default": 1}), "b": ("INT", {"default": 2}),
                             "c": ("IMAGE", {"lazy": True})},
                "optional": {"d": ("INT", {"forceInput": True, "lazy": True})}, "hidden": {"unique_id": "UNIQUE_ID"}}
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"

    @classmethod
    async def IS_CHANGED(cls, a, b, c, d=7, unique_id=None):
        return [a, d]

    @classmethod
    async def VALIDATE_INPUTS(cls, a, **kwargs):
        return a != 3

    async def check_lazy_status(self, a, b, c=None, d=None):
        return ["c"] if a and c is None else None

    def run(self, a, b, c=None, d=None, unique_id=None):
        return (f"{a} {b} {c} {d} {unique_id}",)

class Listed:
    INPUT_IS_LIST = True
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"a": ("INT", {"default": 1})},
                "hidden": {"unique_id": "UNIQUE_ID", "token": "AUTH_TOKEN_COMFY_ORG"}}
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"
    @classmethod
    def IS_CHANGED(cls, a, **kwargs):
        return repr(a)
    def run(self, a, unique_id, token):
        return (f"{a} {unique_id} {token}",)

class Threaded:
    @classmethod
    def INPUT_TYPES(s):
        return {}
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"
    def run(self):
        found = []
        thread = threading.Thread(target=lambda: found.append(folder_paths.get_input_directory()))
        thread.start()
        thread.join()
        return tuple(found)

NODE_CLASS_MAPPINGS = {"Asked": Asked, "Listed": Listed, "Threaded": Threaded}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    (tmp_path / "custom_nodes").mkdir()
    (tmp_path / "custom_nodes" / "asking.py").write_text(PACK)
    bench = Workbench(tmp_path)
    bench.catalogue = node_types(load_pack(tmp_path / "custom_nodes" / "asking.py"))
    return bench


def test_a_fingerprint_is_made_of_what_it_looks_at(bench: Workbench) -> None:
    changed = bench.type("Asked").fingerprint
    assert changed is not None
    assert list(inspect.signature(changed).parameters) == ["a", "d", "files"]
    assert changed(a=1, d=None) == "[1, 7]"
    assert changed(a=1, d=3) == "[1, 3]"
    listed = bench.type("Listed").fingerprint
    assert listed is not None
    assert listed(a=[1, 2]) == "'[1, 2]'"


def test_lazy_inputs_are_asked_for(bench: Workbench) -> None:
    spec, needs = bench.type("Asked").spec, bench.type("Asked").needs
    assert [item.name for item in spec.inputs if item.lazy] == ["c", "d"]
    assert [item.name for item in spec.inputs if item.required] == []
    assert needs is not None
    assert needs(a=1, b=2, c=None, d=None) == ("c",)
    assert needs(a=0, b=2, c=None, d=None) == ()
    assert needs(a=Many([0, 1]), b=2, c=None, d=None) == ("c",)
    assert bench.value(x=("Asked", {"a": 0})) == "0 2 None None x"


def test_a_coroutine_judges_too(bench: Workbench) -> None:
    judge = bench.type("Asked").validate
    assert judge is not None
    assert judge({"a": 1}, {}, {}) == ""
    assert judge({"a": 3}, {}, {}) == "It does not accept these inputs."


def test_hidden_inputs_of_lists_are_lists(bench: Workbench) -> None:
    assert bench.value(x=("Listed", {"a": 5})) == "[5] ['x'] [None]"


def test_threads_of_a_pack_know_where_they_are(bench: Workbench) -> None:
    assert bench.value(x=("Threaded", {})) == str(bench.home / "input")
