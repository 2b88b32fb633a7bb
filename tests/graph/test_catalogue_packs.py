"""Packs in the catalogue: whose id is whose, what is imported when, and what joins the keys."""

import json
import sys
from pathlib import Path
from typing import Annotated

import pytest

from graph.catalogue import Catalogue
from graph.check import check
from graph.document import Node, Workflow
from graph.errors import GraphError
from graph.node import OneOf, node, node_type_of
from graph.pack_spec import described
from graph.packs import SPACE, Sources, enter, find_packs
from graph.spec import NodeSpec
from tests.graph.packs import declaring, forgotten, write_pack

TELLER = """
import sys
def told(module):
    found = sys.modules.get(module + ".names")
    return {kind: {name: module + ".names" for name in names} for kind, names in getattr(found, "NAMES", {}).items()}
"""

PICKS = """
from typing import Annotated
from graph.files import File, InFolder
from graph.node import OneOf, node

@node("Pick", category="packs")
def pick(name: Annotated[str, OneOf(("a", "b"), of="flavours")] = "a", level: int = 0) -> str:
    \"\"\"A flavour.\"\"\"
    return name

@node("Load", category="packs")
def load(file: Annotated[File, InFolder("checkpoints")]) -> str:
    \"\"\"A model.\"\"\"
    return file.name
"""


@pytest.fixture(autouse=True)
def _forget():
    with forgotten():
        yield


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packs, and a module that says what they add."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "a_teller.py").write_text(TELLER)
    yield tmp_path / "packs"
    for name in ("a_teller", "a_picker"):
        sys.modules.pop(name, None)


def catalogue_of(folder: Path, *modules: str) -> Catalogue:
    """The catalogue of a folder of packs, as a fresh process has it: nothing is imported."""
    sources = Sources((folder,), added="a_teller:told")
    places = find_packs(sources)
    enter(places, sources)
    packs = tuple(described(place, sources) for place in places)
    for name in [name for name in sys.modules if name.startswith(f"{SPACE}.")]:
        del sys.modules[name]
    return Catalogue.of(modules, packs=packs, sources=sources)


def spec_of(catalogue: Catalogue, name: str) -> NodeSpec:
    spec = catalogue.spec(name)
    assert spec is not None
    return spec


def call(catalogue: Catalogue, type_id: str, /, **arguments):
    found = catalogue.node_type(type_id)
    assert found is not None
    return found.function(**arguments)


def test_a_node_type_has_its_own_id_and_that_with_its_pack(packs):
    write_pack(packs, "acme", declaring("Blur"))
    catalogue = catalogue_of(packs)
    assert catalogue.types() == ("Blur",)
    assert spec_of(catalogue, "Blur") is spec_of(catalogue, "acme/Blur")
    assert spec_of(catalogue, "Blur").pack == "acme"
    assert catalogue.node_type("acme/Blur") is catalogue.node_type("Blur")
    assert catalogue.code_version("acme/Blur") == catalogue.code_version("Blur")
    assert catalogue.errors == {}


def test_a_pack_takes_no_built_in_id(packs):
    write_pack(packs, "acme", declaring("Number", default=5))
    catalogue = catalogue_of(packs, "tests.graph.toy_nodes")
    assert spec_of(catalogue, "Number").module == "tests.graph.toy_nodes"
    own = spec_of(catalogue, "acme/Number")
    assert (own.type, own.pack, own.inputs[0].default) == ("acme/Number", "acme", 5)
    assert call(catalogue, "acme/Number", a=7) == 7
    assert catalogue.code_version("acme/Number") != catalogue.code_version("Number")
    assert catalogue.errors["acme/Number"] == "'Number' is built in, so the one of the pack 'acme' is 'acme/Number'"
    # neither of the two is doubtful to those who use it
    assert catalogue.error("Number") is None
    assert catalogue.error("acme/Number") is None


def test_of_two_packs_with_one_id_the_first_has_it_and_whoever_uses_it_is_told(packs):
    write_pack(packs, "a", declaring("Same", default=1))
    write_pack(packs, "b", declaring("Same", default=2))
    catalogue = catalogue_of(packs)
    assert spec_of(catalogue, "Same").inputs[0].default == 1
    assert spec_of(catalogue, "a/Same") is spec_of(catalogue, "Same")
    assert spec_of(catalogue, "b/Same").inputs[0].default == 2
    told = "two packs declare it: 'a', which is used, and 'b', whose own is 'b/Same'"
    assert catalogue.error("Same") == told
    problems = check(Workflow({"x": Node("Same", {})}), catalogue, outputs=["x"])
    assert [(problem.code, problem.severity) for problem in problems] == [("doubtful_type", "warning")]
    assert check(Workflow({"x": Node("b/Same", {})}), catalogue, outputs=["x"]) == []


def test_a_pack_is_imported_when_its_function_is_called(packs):
    write_pack(packs, "acme", declaring("Blur"))
    catalogue = catalogue_of(packs)
    found = catalogue.node_type("Blur")
    assert found is not None
    assert catalogue.code_version("Blur")
    assert f"{SPACE}.acme" not in sys.modules
    assert found.function(a=3) == 3
    assert f"{SPACE}.acme" in sys.modules


def test_what_a_plan_asks_of_a_pack_is_asked_of_the_real_one(packs):
    text = "from graph.node import node\n"
    text += "@node('Dice', category='x', fingerprint=lambda a: str(a))\ndef f(a: int) -> int:\n  'Dice.'\n  return a\n"
    text += "@node('Old', category='x', version=2, upgrade=lambda inputs, version: {'a': 2})\n"
    text += "def g(a: int) -> int:\n  'Old.'\n  return a\n"
    write_pack(packs, "acme", text)
    catalogue = catalogue_of(packs)
    old = catalogue.node_type("Old")
    assert old is not None
    assert f"{SPACE}.acme" not in sys.modules
    assert old.upgrade is not None
    assert old.upgrade({}, 1) == {"a": 2}
    dice = catalogue.node_type("Dice")
    assert dice is not None
    assert dice.fingerprint is not None
    assert dice.fingerprint(a=3) == "3"


def test_a_pack_that_fails_only_now_is_one_sentence(packs):
    write_pack(packs, "acme", "from . import a", a=declaring("Blur"))
    catalogue = catalogue_of(packs)
    (packs / "acme" / "a.py").write_text("raise SystemExit(5)")
    with pytest.raises(GraphError, match=r"The pack 'acme' cannot be imported: it ends the program, with 5 \(a.py"):
        call(catalogue, "Blur")
    (packs / "acme" / "a.py").write_text(declaring("Another" * 9))
    with pytest.raises(GraphError, match="Pack 'acme' no longer declares the node type 'Blur'. Start the program aga"):
        call(catalogue, "Blur")


def test_an_older_name_may_lead_to_a_pack_but_never_away_from_what_is_there(packs):
    write_pack(packs, "acme", declaring("New", replaces="'Ancient', 'Number',"))
    catalogue = catalogue_of(packs, "tests.graph.toy_nodes")
    assert spec_of(catalogue, "Ancient").type == "New"
    assert spec_of(catalogue, "Number").module == "tests.graph.toy_nodes"


def test_choices_that_packs_add_are_choices_and_are_imported_before_a_call(packs, tmp_path):
    (tmp_path / "a_picker.py").write_text(PICKS)
    write_pack(packs, "acme", names="NAMES = {'flavours': ['mint', 'b']}")
    catalogue = catalogue_of(packs, "a_picker")
    spec = spec_of(catalogue, "Pick")
    assert spec.inputs[0].choices == ("a", "b", "mint")
    assert check(Workflow({"x": Node("Pick", {"name": "mint"})}), catalogue, outputs=["x"]) == []
    assert call(catalogue, "Pick", name="a", level=1) == "a"
    assert f"{SPACE}.acme" not in sys.modules
    assert call(catalogue, "Pick", name="mint", level=1) == "mint"
    assert f"{SPACE}.acme" in sys.modules
    assert catalogue.added("flavours") == ("mint", "b")


def test_the_code_of_a_chosen_name_is_known_and_changes_with_it(packs, tmp_path):
    (tmp_path / "a_picker.py").write_text(PICKS)
    write_pack(packs, "acme", names="from . import inner\nNAMES = {'flavours': ['mint']}", inner="X = 1")
    first = catalogue_of(packs, "a_picker")
    code = first.choice_code(spec_of(first, "Pick"))
    assert list(code) == ["name"]
    assert list(code["name"]) == ["mint"]
    assert first.choice_code(spec_of(first, "Load")) == {}
    (packs / "acme" / "inner.py").write_text("X = 2")
    second = catalogue_of(packs, "a_picker")
    assert second.choice_code(spec_of(second, "Pick")) != code
    assert second.code_version("Pick") == first.code_version("Pick")


def test_families_that_packs_add_are_there_before_a_file_of_weights_is_read(packs, tmp_path):
    (tmp_path / "a_picker.py").write_text(PICKS)
    bare = catalogue_of(packs, "a_picker").code_version("Load")
    write_pack(packs, "acme", names="NAMES = {'families': ['acme_v']}")
    catalogue = catalogue_of(packs, "a_picker")
    assert catalogue.code_version("Load") != bare
    assert f"{SPACE}.acme" not in sys.modules

    class Named:
        name = "x"

    assert call(catalogue, "Load", file=Named) == "x"
    assert f"{SPACE}.acme" in sys.modules


def test_packs_survive_as_json(packs):
    write_pack(packs, "acme", declaring("Blur"))
    write_pack(packs, "bad", "raise OSError('no camera was found')\n" + declaring("Gone"))
    catalogue = catalogue_of(packs, "tests.graph.toy_nodes")
    read = Catalogue.from_json(json.loads(json.dumps(catalogue.to_json())), sources=Sources((packs,)))
    assert read.types() == catalogue.types()
    assert read.errors == catalogue.errors
    assert read.packs == catalogue.packs
    assert call(read, "acme/Blur", a=2) == 2


def test_one_of_names_its_kind_in_the_spec():
    @node("Kinds", category="x")
    def kinds(a: Annotated[str, OneOf(("x",), of="samplers")]) -> str:
        """A choice."""
        return a

    found = node_type_of(kinds)
    assert found is not None
    assert found.spec.inputs[0].choices_of == "samplers"
