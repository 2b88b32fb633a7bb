"""Packs as they are found and imported: names, name spaces, what is passed over."""

import importlib
import sys
from pathlib import Path

import pytest

from graph.errors import GraphError
from graph.packs import GROUP, SPACE, Sources, enter, find_packs, load
from tests.graph.packs import declaring, forgotten, write_pack


@pytest.fixture(autouse=True)
def _forget():
    with forgotten():
        yield


def found(*folders: Path):
    return {place.name: place for place in find_packs(Sources(folders))}


def loaded(folder: Path, name: str):
    sources = Sources((folder,))
    places = find_packs(sources)
    enter(places, sources)
    return load(next(place for place in places if place.name == name), sources)


def test_a_folder_and_a_file_are_packs_and_much_else_is_not(tmp_path):
    write_pack(tmp_path, "acme", declaring("A"))
    write_pack(tmp_path, "old.disabled", declaring("B"))
    write_pack(tmp_path, ".hidden", declaring("C"))
    write_pack(tmp_path, "__pycache__", declaring("D"))
    (tmp_path / "single.py").write_text(declaring("E"))
    (tmp_path / "off.py.disabled").write_text(declaring("F"))
    (tmp_path / "README.md").write_text("Packs.")
    places = found(tmp_path, tmp_path / "absent")
    assert list(places) == ["acme", "single"]
    assert places["acme"].module == f"{SPACE}.acme"
    assert not any(place.problem for place in places.values())


@pytest.mark.parametrize(
    ("name", "problem"),
    [("empty", "holds no __init__.py"), ("acme.v2", "holds a dot"), ("subgraph", "cannot be named 'subgraph'")],
)
def test_a_folder_that_cannot_be_a_pack_says_why(tmp_path, name, problem):
    if name == "empty":
        (tmp_path / name).mkdir()
    else:
        write_pack(tmp_path, name, declaring("A"))
    place = found(tmp_path)[name]
    assert problem in place.problem
    with pytest.raises(GraphError, match=problem):
        load(place, Sources((tmp_path,)))


def test_of_two_packs_with_one_name_the_second_is_not_used(tmp_path):
    write_pack(tmp_path / "a", "acme", declaring("A"))
    write_pack(tmp_path / "b", "acme", declaring("B"))
    places = list(found(tmp_path / "a", tmp_path / "b").values())
    assert places[0].problem == ""
    assert places[1].name == f"acme in {tmp_path / 'b'}"
    assert str(tmp_path / "a" / "acme") in places[1].problem


def test_inner_modules_of_one_name_do_not_meet_and_relative_imports_work(tmp_path):
    text = "from .helper import WORD\nfrom . import helper\n"
    for name in ("one", "two"):
        write_pack(tmp_path, name, text + declaring(f"Node{name}"), helper=f"WORD = '{name}'")
    assert [found.spec.type for found in loaded(tmp_path, "one").node_types] == ["Nodeone"]
    assert [found.spec.type for found in loaded(tmp_path, "two").node_types] == ["Nodetwo"]
    assert sys.modules[f"{SPACE}.one.helper"].WORD == "one"
    assert sys.modules[f"{SPACE}.two.helper"].WORD == "two"
    assert "helper" not in sys.modules


def test_a_name_with_a_hyphen_is_a_pack_too(tmp_path):
    write_pack(tmp_path, "acme-filters", "from . import blur", blur=declaring("Blur"))
    assert [found.spec.type for found in loaded(tmp_path, "acme-filters").node_types] == ["Blur"]


def test_nodes_of_all_its_imported_modules_are_its_nodes(tmp_path):
    write_pack(tmp_path, "acme", a=declaring("A"), b=declaring("B"))
    write_pack(tmp_path / "acme", "not_imported", declaring("C"))
    assert {found.spec.type for found in loaded(tmp_path, "acme").node_types} == {"A", "B"}


def test_a_type_that_a_pack_declares_twice_is_an_error(tmp_path):
    write_pack(tmp_path, "acme", a=declaring("Same"), b=declaring("Same", default=2))
    pack = loaded(tmp_path, "acme")
    assert len(pack.node_types) == 1
    assert "declares it twice" in pack.errors["Same"]


def test_a_pack_of_the_same_name_in_another_home_is_another_pack(tmp_path):
    write_pack(tmp_path / "a", "acme", a=declaring("First"))
    write_pack(tmp_path / "b", "acme", a=declaring("Second"))
    assert [found.spec.type for found in loaded(tmp_path / "a", "acme").node_types] == ["First"]
    assert [found.spec.type for found in loaded(tmp_path / "b", "acme").node_types] == ["Second"]
    assert [found.spec.type for found in loaded(tmp_path / "b", "acme").node_types] == ["Second"]


def test_a_pack_that_has_changed_is_imported_anew(tmp_path):
    write_pack(tmp_path, "acme", a=declaring("Before"))
    first = loaded(tmp_path, "acme").node_types[0]
    assert loaded(tmp_path, "acme").node_types[0] is first
    (tmp_path / "acme" / "a.py").write_text(declaring("Afterwards"))
    assert [found.spec.type for found in loaded(tmp_path, "acme").node_types] == ["Afterwards"]


def test_what_another_function_says_a_module_added_is_kept(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "a_teller_of_names.py").write_text("def told(module): return {'samplers': {'x': module}}")
    importlib.invalidate_caches()
    write_pack(tmp_path / "packs", "acme", declaring("A"))
    sources = Sources((tmp_path / "packs",), added="a_teller_of_names:told")
    places = find_packs(sources)
    enter(places, sources)
    assert load(places[0], sources).names == {"samplers": {"x": f"{SPACE}.acme"}}


def test_an_installed_distribution_is_found_by_its_entry_point(tmp_path, monkeypatch):
    write_pack(tmp_path, "a_distributed_pack", declaring("Shipped"))
    (tmp_path / "a_distributed_pack" / "templates").mkdir()
    (tmp_path / "a_distributed_pack" / "templates" / "x.json").write_text("{}")
    facts = tmp_path / "a_distributed_pack-1.2.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: a-distributed-pack\nVersion: 1.2\n")
    (facts / "entry_points.txt").write_text(f"[{GROUP}]\nacme = a_distributed_pack\nlost = not_installed_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    places = found()
    assert (places["acme"].kind, places["acme"].version) == ("distribution", "1.2")
    assert places["acme"].path == tmp_path / "a_distributed_pack"
    assert [path.name for path in places["acme"].templates] == ["x.json"]
    assert [found.spec.type for found in load(places["acme"], Sources()).node_types] == ["Shipped"]
    assert "'not_installed_at_all', which is not installed" in places["lost"].problem
    del sys.modules["a_distributed_pack"]
