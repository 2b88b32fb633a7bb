import json
import sys

import pytest

from graph.catalogue import Catalogue
from graph.errors import GraphError
from graph.node import node
from tests.graph import toy_nodes
from tests.graph.packs import declaring, packs_in


@pytest.fixture
def pack(tmp_path, monkeypatch):
    with packs_in(tmp_path, monkeypatch) as write:
        yield write


def test_holds_what_its_modules_declare():
    catalogue = Catalogue.of(["tests.graph.toy_nodes"])
    assert catalogue.types()[:3] == ("Number", "Fraction", "Anything")
    spec = catalogue.spec("Number")
    assert spec is not None
    assert spec.inputs[0].default == 1
    found = catalogue.node_type("Number")
    assert found is not None
    assert found.function is toy_nodes.number
    assert catalogue.spec("Nothing") is None
    assert catalogue.node_type("Nothing") is None
    assert catalogue.errors == {}


def test_a_node_that_a_module_imports_is_not_declared_by_it(pack):
    pack("packs_importing", "from tests.graph.toy_nodes import number\n" + declaring("Own"))
    assert Catalogue.of(["packs_importing"]).types() == ("Own",)


def test_a_type_declared_twice_is_an_entry_with_its_error(pack):
    names = [pack("packs_twice_a", declaring("Same", default=1)), pack("packs_twice_b", declaring("Same", default=2))]
    catalogue = Catalogue.of(names)
    assert catalogue.error("Same") == "it is declared twice: in 'packs_twice_a', which is used, and in 'packs_twice_b'"
    assert catalogue.spec("Same").inputs[0].default == 1  # pyright: ignore[reportOptionalMemberAccess]


def test_naming_a_module_twice_declares_nothing_twice():
    assert Catalogue.of(["tests.graph.toy_nodes", "tests.graph.toy_nodes"]).errors == {}


def test_a_module_that_cannot_be_imported_is_an_entry_not_a_crash(pack):
    name = pack("packs_broken", "import no_such_module_anywhere\n" + declaring("Gone"))
    catalogue = Catalogue.of([name, "tests.graph.toy_nodes"])
    reason = (
        "its module 'packs_broken' cannot be imported: ModuleNotFoundError: No module named 'no_such_module_anywhere'"
    )
    assert catalogue.error("Gone") == catalogue.error("packs_broken") == reason
    assert catalogue.spec("Gone") is None
    assert "Number" in catalogue.types()


def test_a_declaration_that_does_not_say_enough_is_an_entry_too(pack):
    name = pack("packs_bare", "from graph.node import node\n@node('Bare', category='x')\ndef f(a): ...\n")
    assert "parameter 'a' has no type annotation" in (Catalogue.of([name]).error("Bare") or "")


def test_older_names_lead_to_what_replaces_them(pack):
    catalogue = Catalogue.of(
        [pack("packs_old", declaring("New", replaces="'Old', 'Number',")), "tests.graph.toy_nodes"]
    )
    assert catalogue.spec("Old") is catalogue.spec("New")
    assert catalogue.node_type("Old") is catalogue.node_type("New")
    assert catalogue.spec("Number").module == "tests.graph.toy_nodes"  # pyright: ignore[reportOptionalMemberAccess]
    assert "Old" not in catalogue.types()


def test_survives_as_json_and_imports_only_what_is_asked_for(pack):
    name = pack("packs_json", declaring("Stored"))
    catalogue = Catalogue.of([name, "tests.graph.toy_nodes", "no_such_pack_module"])
    text = json.dumps(catalogue.to_json())
    del sys.modules[name]
    read = Catalogue.from_json(json.loads(text))
    assert [read.spec(type_id) for type_id in read.types()] == [
        catalogue.spec(type_id) for type_id in catalogue.types()
    ]
    assert read.errors == catalogue.errors
    assert name not in sys.modules
    found = read.node_type("Stored")
    assert found is not None
    assert found.function(5) == 5


def test_json_of_another_format_is_refused():
    with pytest.raises(ValueError, match="a catalogue of format 99, not 2"):
        Catalogue.from_json({"format": 99})


def test_a_stored_type_whose_module_has_changed_is_one_sentence(pack):
    name = pack("packs_gone", declaring("Gone"))
    data = Catalogue.of([name]).to_json()
    del sys.modules[name]
    pack(name, declaring("Other" * 20))
    with pytest.raises(GraphError, match="Module 'packs_gone' no longer declares the node type 'Gone'"):
        Catalogue.from_json(data).node_type("Gone")
    del sys.modules[name]
    pack(name, "raise OSError('no camera was found')")
    with pytest.raises(
        GraphError, match="Node type 'Gone': its module 'packs_gone' cannot .*OSError: no camera was found"
    ):
        Catalogue.from_json(data).node_type("Gone")


def test_a_node_of_a_notebook_has_the_version_of_its_function():
    def versions(text: str) -> str:
        space = {"node": node, "__name__": "a_notebook"}
        exec(text, space)
        found = space["f"].__node__  # pyright: ignore[reportAttributeAccessIssue, reportFunctionMemberAccess]
        return Catalogue({"N": found.spec}, types={"N": found}).code_version("N")

    text = "@node('N', category='x')\ndef f(a: int) -> int:\n    'Help.'\n    return a + {}\n"
    assert versions(text.format(1)) == versions(text.format(1))
    assert versions(text.format(1)) != versions(text.format(2))
