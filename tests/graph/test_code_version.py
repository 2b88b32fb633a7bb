import importlib
import sys
import textwrap

import pytest

from graph.code_version import SHARED_ROOTS, CodeVersions, path_of, read_source


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """Writes modules of a package on a path of their own; none of them is ever imported."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(**modules: str):
        for name, text in modules.items():
            path = tmp_path.joinpath(*name.split("__")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        importlib.invalidate_caches()
        return tmp_path

    write(acme__init="", acme__deep__init="")
    (tmp_path / "acme" / "init.py").rename(tmp_path / "acme" / "__init__.py")
    (tmp_path / "acme" / "deep" / "init.py").rename(tmp_path / "acme" / "deep" / "__init__.py")
    yield write
    assert not any(name == "acme" or name.startswith("acme.") for name in sys.modules)


def changes(pack, module: str, **changed: str) -> bool:
    """Whether the version of `module` differs once these modules have this text."""
    before = CodeVersions().of(module)
    pack(**changed)
    return CodeVersions().of(module) != before


@pytest.mark.parametrize(
    "text",
    [
        "import acme.other",
        "import acme.other as o",
        "from acme.other import thing",
        "from acme import other",
        "from . import other",
        "from .other import thing",
        "from acme.other import *",
        "def f():\n    from acme.other import thing",
        "class A:\n    def f(self):\n        import acme.other",
        "if True:\n    import acme.other\nelse:\n    pass",
        "try:\n    import acme.other\nexcept ImportError:\n    pass",
        "async def f():\n    with x:\n        import acme.other",
        "from importlib import import_module\nimport_module('acme.other')",
        "import importlib\nTABLE = {'a': 'acme.other:function'}\nimportlib.import_module(TABLE['a'])",
    ],
)
def test_every_way_to_import_counts(pack, text):
    pack(acme__node=text, acme__other="A = 1")
    assert changes(pack, "acme.node", acme__other="A = 2")


@pytest.mark.parametrize(
    "text",
    [
        "import os.path",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from acme.other import thing",
        "import typing\nif typing.TYPE_CHECKING:\n    import acme.other",
        "NAME = 'acme.other'",
        "import acme.absent",
        "from .deep import other",
    ],
)
def test_what_is_never_imported_does_not_count(pack, text):
    pack(acme__node=text, acme__other="A = 1")
    assert not changes(pack, "acme.node", acme__other="A = 2")


def test_imports_are_followed_through_circles(pack):
    pack(
        acme__node="import acme.a", acme__a="import acme.b", acme__b="import acme.a, acme.node, acme.c", acme__c="X = 1"
    )
    assert changes(pack, "acme.node", acme__c="X = 2")
    assert changes(pack, "acme.node", acme__node="import acme.a  # touched")


def test_relative_imports_from_inside_a_package(pack):
    pack(acme__deep__node="from ..other import thing", acme__other="A = 1")
    assert changes(pack, "acme.deep.node", acme__other="A = 2")


def test_the_packages_around_a_module_run_when_it_is_imported(pack):
    folder = pack(acme__deep__node="")
    before = CodeVersions().of("acme.deep.node")
    (folder / "acme" / "__init__.py").write_text("X = 1")
    assert CodeVersions().of("acme.deep.node") != before


def test_shared_roots_count_and_graph_does_not(pack):
    root = path_of("diffusion.values")
    assert root is not None
    pack(
        acme__node="def f():\n    from diffusion.values import Image",
        acme__plain="",
        acme__declared="from graph import node",
    )
    source = read_source("acme.node", path_of("acme.node"))  # pyright: ignore[reportArgumentType]
    assert "diffusion.values" in source.late
    reached = CodeVersions()._closure("acme.node", ("acme", "diffusion"), late=True)
    assert {"acme.node", "acme", "diffusion", "diffusion.values"} <= set(reached)
    assert not any(name.startswith("graph") for name in CodeVersions()._closure("acme.declared", ("acme",), late=True))


def test_only_what_importing_runs_counts_for_declarations(pack):
    pack(acme__node="import acme.early\ndef f():\n    import acme.late", acme__early="A = 1", acme__late="A = 1")
    before = CodeVersions().declaring("acme.node")
    pack(acme__late="A = 2")
    assert CodeVersions().declaring("acme.node") == before
    pack(acme__early="A = 2")
    assert CodeVersions().declaring("acme.node") != before


def test_modules_of_one_package_have_versions_of_their_own(pack):
    pack(acme__node="A = 1", acme__other="A = 1")
    assert CodeVersions().of("acme.node") != CodeVersions().of("acme.other")
    assert not changes(pack, "acme.node", acme__other="A = 2")


def test_a_module_without_a_file_has_no_version(pack):
    assert CodeVersions().of("acme.nowhere") is None
    assert CodeVersions().of("no_such_package_at_all") is None
    assert CodeVersions().of("sys") is None


def test_code_that_cannot_be_parsed_counts_by_its_text(pack):
    pack(acme__node="def (")
    assert changes(pack, "acme.node", acme__node="def ((")


def test_a_version_is_that_of_the_process(pack):
    pack(acme__node="A = 1")
    versions = CodeVersions()
    before = versions.of("acme.node")
    pack(acme__node="A = 2")
    assert versions.of("acme.node") == before


def test_parsed_files_are_remembered_and_changed_ones_read_again(pack, tmp_path, monkeypatch):
    pack(acme__node="import acme.other", acme__other="A = 1")
    store = tmp_path / "home" / "code.json"
    first = CodeVersions(store).of("acme.node")
    parsed = []
    monkeypatch.setattr("graph.code_version.read_source", lambda *given: parsed.append(given[0]) or read_source(*given))
    assert CodeVersions(store).of("acme.node") == first
    assert parsed == []
    pack(acme__other="A = 2 + 2")
    assert CodeVersions(store).of("acme.node") != first
    assert parsed == ["acme.other"]
    assert CodeVersions(store).of("acme.node") == CodeVersions().of("acme.node")


@pytest.mark.parametrize("damage", ["{", "[]", '{"x": 3}'])
def test_a_damaged_store_is_begun_anew(pack, tmp_path, damage):
    pack(acme__node="A = 1")
    store = tmp_path / "code.json"
    store.write_text(damage)
    assert CodeVersions(store).of("acme.node") == CodeVersions().of("acme.node")


def test_all_files_below_a_folder_count_by_name_and_content(tmp_path):
    def version() -> str:
        return CodeVersions().of_files(tmp_path)

    (tmp_path / "a.py").write_text("A = 1")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b.py").write_text("B = 1")
    first = version()
    (tmp_path / "README.md").write_text("Not code.")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "c.py").write_text("C = 1")
    assert version() == first
    (tmp_path / "inner" / "b.py").write_text("B = 2")
    second = version()
    (tmp_path / "inner" / "b.py").rename(tmp_path / "inner" / "c.py")
    assert len({first, second, version()}) == 3
    assert CodeVersions().of_files(tmp_path / "a.py") == CodeVersions().of_files(tmp_path / "a.py")


def test_what_packs_import_from_the_face_does_not_bring_the_program_along(pack):
    pack(face_user="from noisewright import Image, node")
    reached = CodeVersions()._closure("face_user", ("face_user", *SHARED_ROOTS), late=True)
    assert {"face_user", "noisewright", "diffusion.values"} <= reached.keys()
    assert "noisewright.engine" not in reached
    assert "diffusion.sampling" not in reached
