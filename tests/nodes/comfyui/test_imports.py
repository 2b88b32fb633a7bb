"""The import of packs: their own names, ours left alone."""

import importlib
import logging
import sys
from pathlib import Path

import pytest

import nodes as our_nodes
from graph.errors import GraphError
from nodes.comfyui.adapter import load_pack
from nodes.comfyui.imports import Importer
from tests.nodes.comfyui.workbench import Workbench


def pack(home: Path, name: str, **files: str) -> Path:
    """A pack as a folder; files: their text by name, "__" for "/"."""
    folder = home / "custom_nodes" / name
    for file, text in files.items():
        path = folder / f"{file.replace('__in__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_pack_gets_shims_and_everybody_else_does_not(tmp_path: Path) -> None:
    importer = Importer(pack(tmp_path, "asks", __init__="import nodes, folder_paths\nimport comfy.utils as u"))
    before = set(sys.modules)
    module = importer.load()
    assert module.nodes.__name__ == "nodes.comfyui.shims.nodes"
    assert module.u.__name__ == "nodes.comfyui.shims.comfy.utils"
    assert importlib.import_module("nodes") is our_nodes is sys.modules["nodes"]
    new = {name for name in set(sys.modules) - before if not name.startswith(("nodes.", "custom_nodes", "diffusion"))}
    assert not {"folder_paths", "comfy", "comfy.utils", "server", "execution"} & new


def test_imports_inside_functions_and_by_function_are_the_packs_own(tmp_path: Path) -> None:
    text = """
def late():
    import folder_paths
    from comfy import utils
    import importlib
    assert importlib.import_module("comfy.utils") is utils
    return folder_paths.__name__

def lacking():
    import importlib
    return importlib.import_module("comfy.ldm.modules")
"""
    module = Importer(pack(tmp_path, "late", __init__=text)).load()
    assert module.late() == "nodes.comfyui.shims.folder_paths"
    with pytest.raises(ImportError, match=r"needs 'comfy\.ldm\.modules'"):
        module.lacking()


def test_modules_inside_a_pack_find_each_other(tmp_path: Path) -> None:
    path = pack(
        tmp_path,
        "inner",
        __init__="from .a import x\nfrom . import b\nfrom .sub.c import z\nimport custom_nodes.inner.sub as s",
        a="import folder_paths\nx = folder_paths.__name__",
        b="from .a import x as y",
        sub__in____init__="",
        sub__in__c="from ..a import x as z",
    )
    module = Importer(path).load()
    assert module.x == module.b.y == module.z == "nodes.comfyui.shims.folder_paths"
    assert module.custom_nodes.inner.sub.c.z == module.x if hasattr(module, "custom_nodes") else module.s.c.z


def test_two_packs_may_have_modules_of_one_name(tmp_path: Path) -> None:
    text = "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\nimport utils\nfrom utils import name"
    one = Importer(pack(tmp_path, "one", __init__=text, utils="name = 'one'")).load()
    two = Importer(pack(tmp_path, "two", __init__=text, utils="name = 'two'")).load()
    assert (one.name, two.name) == ("one", "two")
    assert one.utils is not two.utils
    assert "utils" not in sys.modules


def test_the_search_path_and_others_modules_stay_as_they_are(tmp_path: Path) -> None:
    paths, graph = list(sys.path), sys.modules["graph"]
    bench = Workbench(tmp_path, "old_paths")
    assert sys.path == paths
    assert sys.modules["graph"] is graph
    assert bench.call("Largest") == (16384,)
    assert bench.packs["old_paths"].notes == ()


def test_files_of_kinds_that_a_pack_added(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "old_paths")
    spec = bench.type("Things").spec
    assert spec.input("thing").hints["choices"] == ["one.bin", "two.txt"]  # pyright: ignore[reportOptionalMemberAccess]
    assert spec.input("more").hints["choices"] == ["one.bin"]  # pyright: ignore[reportOptionalMemberAccess]
    path = f"{tmp_path}/custom_nodes/old_paths/things/two.txt|"
    assert bench.value(x=("Things", {"thing": "two.txt", "more": "one.bin"})) == path * 2
    changed = bench.type("Things").fingerprint
    assert changed is not None
    before = changed(thing="two.txt", more="one.bin", files=bench.files)
    (tmp_path / "custom_nodes" / "old_paths" / "things" / "two.txt").write_text("something else")
    assert changed(thing="two.txt", more="one.bin", files=bench.files) != before


def test_a_guarded_import_fails_as_the_pack_expects(tmp_path: Path) -> None:
    text = """
try:
    from comfy.ldm.something import thing
except (ImportError, ModuleNotFoundError):
    thing = "none"
try:
    import comfy_api_nodes.apis
except Exception:
    apis = "none"
from comfy.ldm.something import thing as later
try:
    later()
except ImportError as error:
    text = str(error)
class Child(later): pass
def typed(x: later | None, y: "later") -> later: return x
assert not isinstance(3, later)
"""
    importer = Importer(pack(tmp_path, "guarded", __init__=text))
    module = importer.load()
    assert (module.thing, module.apis) == ("none", "none")
    assert module.text == "It needs 'comfy.ldm.something.thing', which Noisewright does not have."
    assert list(importer.lacking) == ["comfy.ldm.something"]
    with pytest.raises(ImportError, match="needs 'comfy"):
        module.Child()


def test_what_a_pack_prints_goes_to_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "nodes.comfyui.imports"):
        Importer(pack(tmp_path, "loud", __init__="print('loaded', 1, sep='-')")).load()
    assert capsys.readouterr().out == ""
    assert "loaded-1" in caplog.text


def test_a_pack_is_read_anew_from_each_place(tmp_path: Path) -> None:
    for value in (1, 2):
        path = pack(tmp_path / str(value), "again", __init__="from .inner import value", inner=f"value = {value}")
        assert Importer(path).load().value == value


def test_names_with_dots_and_dashes_are_names(tmp_path: Path) -> None:
    path = pack(tmp_path, "ComfyUI-Some.Nodes", __init__="from .inner import x", inner="x = 5")
    importer = Importer(path)
    assert importer.load().x == 5
    assert importer.name == "ComfyUI-Some.Nodes"


def test_errors_inside_a_pack_are_its_own(tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'custom_nodes\.hollow\.gone'"):
        Importer(pack(tmp_path, "hollow", __init__="from .gone import x")).load()
    with pytest.raises(SyntaxError):
        Importer(pack(tmp_path, "wrong", __init__="def f(:")).load()
    with pytest.raises((GraphError, ModuleNotFoundError)):
        load_pack(pack(tmp_path, "hollow2", __init__="import no_such_thing_anywhere"))
