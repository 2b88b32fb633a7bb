"""The node types the field knows are declared as it knows them: files, tutorials and clients of others fit.

`tests/data/object-info.json` holds what a ComfyUI server answers about them. Ours may add (inputs behind the known
ones, choices, further types an input takes), but must not lose anything.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import nodes
from graph.catalogue import Catalogue
from graph.spec import InputSpec
from tests.every import every

KNOWN: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "data" / "object-info.json").read_text(encoding="utf-8")
)

FILES = {
    "ckpt_name": "checkpoints",
    "vae_name": "vae",
    "lora_name": "loras",
    "image": "input",
    "latent": "input",
    "unet_name": "diffusion_models",
    "clip_name": "text_encoders",
    "clip_name1": "text_encoders",
    "clip_name2": "text_encoders",
    "control_net_name": "controlnet",
    "CLIPVisionLoader.clip_name": "clip_vision",
    "style_model_name": "style_models",
    "hypernetwork_name": "hypernetworks",
}
"""Choices of files: the reference lists one machine's files, ours name the folder. By input, or node and input."""

RULES = {"default", "min", "max", "tooltip"}
"""Options of an input that are no hints for editors."""


CATALOGUE = Catalogue.of(nodes.MODULES)
SPECS = {name: spec for name in CATALOGUE.types() if (spec := CATALOGUE.spec(name)) is not None}
SHARED = sorted(KNOWN.keys() & SPECS.keys())


class Known(NamedTuple):
    """One input as the reference has it. kind: a wire type, or the list of choices."""

    node: str
    section: str
    name: str
    kind: Any
    options: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.node}.{self.name}"


def known_inputs(type_id: str) -> list[Known]:
    """The inputs of a node type, in order."""
    sections, order = KNOWN[type_id]["input"], KNOWN[type_id]["input_order"]
    return [
        known_input(type_id, section, name, *sections[section][name])
        for section in ("required", "optional")
        for name in order.get(section, ())
    ]


def known_input(type_id: str, section: str, name: str, kind: Any, options: dict[str, Any] | None = None) -> Known:
    """One input. Some node types have their choices in the place of the type, others among the options."""
    options = options or {}
    if kind == "COMBO" and "options" in options:
        kind, options = options["options"], {key: options[key] for key in options.keys() - {"options", "multiselect"}}
    return Known(type_id, section, name, kind, options)


each_input = every("known", [known for name in SHARED for known in known_inputs(name)])


def ours(known: Known) -> InputSpec:
    found = SPECS[known.node].input(known.name)
    assert found is not None, f"{known.node} has lost its input '{known.name}'"
    return found


def test_every_module_can_be_imported_and_no_type_is_declared_twice() -> None:
    assert not CATALOGUE.errors


def test_every_known_node_type_is_declared() -> None:
    assert KNOWN.keys() <= SPECS.keys(), f"missing: {sorted(KNOWN.keys() - SPECS.keys())}"


@every("type_id", SHARED)
def test_inputs_come_in_the_known_order(type_id: str) -> None:
    known = [item.name for item in known_inputs(type_id)]
    assert [item.name for item in SPECS[type_id].inputs][: len(known)] == known


@every("type_id", SHARED)
def test_inputs_that_we_add_need_not_be_given(type_id: str) -> None:
    known = {item.name for item in known_inputs(type_id)}
    assert not [item.name for item in SPECS[type_id].inputs if item.name not in known and item.required]


@every("type_id", SHARED)
def test_outputs_have_names_types_and_order(type_id: str) -> None:
    known = KNOWN[type_id]
    found = [(item.name, item.type, item.list) for item in SPECS[type_id].outputs]
    wanted = list(zip(known["output_name"], known["output"], known["output_is_list"], strict=True))
    assert found[: len(wanted)] == wanted


@every("type_id", SHARED)
def test_title_and_flags_agree(type_id: str) -> None:
    known, spec = KNOWN[type_id], SPECS[type_id]
    assert (spec.title, spec.output) == (known["display_name"], known["output_node"])
    assert (spec.deprecated, spec.experimental) == (known.get("deprecated", False), known.get("experimental", False))


def test_categories_are_few_and_none_is_for_what_has_no_better_place() -> None:
    """Whoever browses them finds what belongs together in one place. Where theirs do that, they are theirs."""
    sizes = Counter(spec.category for spec in SPECS.values())
    assert not [category for category in sizes if not category or category.startswith("_")]
    assert [category for category, size in sizes.items() if size == 1] in ([], ["utils"])
    assert len(sizes) <= 50


@each_input
def test_an_input_takes_the_known_type(known: Known) -> None:
    wire = "COMBO" if isinstance(known.kind, list) else known.kind
    assert set(wire.split(",")) <= set(ours(known).type.split(","))


@each_input
def test_an_input_offers_the_known_choices(known: Known) -> None:
    found = ours(known)
    if not isinstance(known.kind, list):
        assert found.choices is None
    elif known.name in FILES:
        assert found.source == FILES.get(f"{known.node}.{known.name}", FILES[known.name])
    else:
        assert found.choices is not None
        assert [choice for choice in found.choices if choice in known.kind] == known.kind


@each_input
def test_an_input_stands_in_its_section_with_its_default(known: Known) -> None:
    found = ours(known)
    assert not (known.section == "optional" and found.required)
    assert found.optional == (known.section == "optional")
    if "default" in known.options:
        assert (found.required, found.default) == (False, known.options["default"])
        assert isinstance(found.default, bool) == isinstance(known.options["default"], bool)


@each_input
def test_an_input_has_the_known_limits_and_hints(known: Known) -> None:
    found = ours(known)
    assert (found.minimum, found.maximum) == (known.options.get("min"), known.options.get("max"))
    hints = {key: value for key, value in known.options.items() if key not in RULES}
    assert {key: found.hints.get(key) for key in hints} == hints
