"""The table of ComfyUI's own node types, against what a server answers about them."""

import json
from pathlib import Path

import nodes
from graph.catalogue import Catalogue
from graph.comfyui.core_types import absence, core_spec
from tests.every import every

KNOWN = json.loads((Path(__file__).parents[2] / "data" / "object-info.json").read_text(encoding="utf-8"))


@every("type_id", sorted(KNOWN))
def test_inputs_and_outputs_are_those_a_server_lists(type_id: str) -> None:
    known, spec = KNOWN[type_id], core_spec(type_id)
    assert spec is not None
    sections = [
        (section, name) for section in ("required", "optional") for name in known["input_order"].get(section, ())
    ]
    wires = [known["input"][section][name][0] for section, name in sections]
    assert [item.name for item in spec.inputs] == [name for _, name in sections]
    assert [item.type for item in spec.inputs] == ["COMBO" if isinstance(wire, list) else wire for wire in wires]
    assert [item.type for item in spec.outputs] == known["output"]


def test_types_of_the_catalogue_have_their_outputs_under_the_same_names() -> None:
    catalogue = Catalogue.of(nodes.MODULES)
    shared = [name for name in catalogue.types() if core_spec(name) is not None]
    assert len(shared) > 40
    for name in shared:
        ours, theirs = catalogue.spec(name), core_spec(name)
        assert ours is not None
        assert theirs is not None
        known = [item.name for item in theirs.outputs]
        assert [item.name for item in ours.outputs][: len(known)] == known, name


def test_why_a_type_is_not_there() -> None:
    catalogue = Catalogue({}, errors={"Broken": "its module 'x' cannot be imported: ImportError: y"})
    assert absence(catalogue, "LoraLoader")[0] == "it is one of ComfyUI's own node types that are not here."
    assert absence(catalogue, "Nobody's")[0] == "there is no such node type here."
    assert absence(catalogue, "Broken")[0] == "its module 'x' cannot be imported: ImportError: y."
