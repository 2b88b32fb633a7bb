"""Node types as ComfyUI's clients read them: what its `/object_info` route answers.

The older form of the two that it knows: choices in the place of the type, `[["a", "b"], {"default": "a"}]`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from graph.catalogue import Catalogue
from graph.comfyui.core_types import core_spec
from graph.comfyui.widgets import UPLOADS
from graph.files import INPUT
from graph.spec import InputSpec, NodeSpec

Choices = Callable[[str], tuple[str, ...]]
"""The names of the files in a kind of folder ("checkpoints", "input"), as `Folders.choices` gives them."""

OURS = frozenset({"suffixes", "series", "choices", "widget"})
"""Hints that are said in another way, or that only our editor reads."""

FOR_FILES: Mapping[str, str] = MappingProxyType({"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"})
"""Hidden inputs of nodes that write into files how these were made."""


def object_info(catalogue: Catalogue, choices: Choices) -> dict[str, dict[str, Any]]:
    """The description of every node type, by id. choices: looked up once for each folder."""
    looked_up = _once(choices)
    specs = {type_id: catalogue.spec(type_id) for type_id in catalogue.types()}
    return {type_id: node_info(spec, looked_up) for type_id, spec in specs.items() if spec is not None}


def node_info(spec: NodeSpec, choices: Choices) -> dict[str, Any]:
    """One node type: its inputs by section and in order, its outputs, and what is said about it.

    Where our node types take more than theirs, that is optional: prompts written for ComfyUI do not have it.
    """
    core = core_spec(spec.type) if not spec.pack else None
    known = frozenset(item.name for item in core.inputs) if core else frozenset()
    sections: dict[str, dict[str, Any]] = {"required": {}, "optional": {}, "hidden": dict(_hidden(spec))}
    for item in spec.inputs:
        section = "required" if is_required(spec, item, known) else "optional"
        sections[section][item.name] = input_config(item, choices)
    shown = {name: entries for name, entries in sections.items() if entries or name == "required"}
    flags = {"deprecated": spec.deprecated, "experimental": spec.experimental}
    return {
        "input": shown,
        "input_order": {name: list(entries) for name, entries in shown.items()},
        "output": [item.type for item in spec.outputs],
        "output_is_list": [item.list for item in spec.outputs],
        "output_name": [item.name for item in spec.outputs],
        "name": spec.type,
        "display_name": spec.title,
        "description": spec.help,
        "python_module": f"custom_nodes.{spec.pack}" if spec.pack else "nodes",
        "category": spec.category,
        "output_node": spec.output,
    } | {flag: True for flag, said in flags.items() if said}


def is_required(spec: NodeSpec, item: InputSpec, known: frozenset[str] | None = None) -> bool:
    """Whether ComfyUI asks for an input: also for one with a default, if it or a pack declares that.

    Of what only we have, inputs with a default need not be given. known: inputs of ComfyUI's own type of that id.
    """
    if item.required or item.optional:
        return item.required
    if known is None:
        core = core_spec(spec.type) if not spec.pack else None
        known = frozenset(other.name for other in core.inputs) if core else frozenset()
    return bool(spec.pack) or item.name in known


def input_config(item: InputSpec, choices: Choices) -> list[Any]:
    """One input: its type, or the list of its choices, and its options."""
    options: dict[str, Any] = {}
    facts = {"default": item.default, "min": item.minimum, "max": item.maximum, "tooltip": item.help or None}
    options |= {name: value for name, value in facts.items() if value is not None}
    options |= {name: value for name, value in item.hints.items() if name not in OURS}
    if item.lazy:
        options["lazy"] = True
    offered = choices_of(item, choices)
    return [item.hints.get("widget", item.type) if offered is None else offered, options]


def choices_of(item: InputSpec, choices: Choices) -> list[Any] | None:
    """What can be chosen; None where that is no choice. Files of other endings than the node type reads are left out.

    A choice that a pack judges itself stands in its hints, as it was when the pack was read; where it has a button for
    uploads, it is one of the files that there are now.
    """
    if item.choices is not None:
        return list(item.choices)
    if item.source is not None:
        endings = tuple(item.hints.get("suffixes", ()))
        files = choices(item.source)
        return [name for name in files if is_offered(name, endings)] if endings else list(files)
    given = item.hints.get("choices")
    if isinstance(given, list) and any(item.hints.get(button) for button in UPLOADS):
        return list(choices(str(item.hints.get("image_folder") or INPUT)))
    return list(given) if isinstance(given, list) else None


def is_offered(name: str, endings: tuple[str, ...]) -> bool:
    """Whether a file is of a kind that an input reads. A model that is a folder has no ending."""
    last = name.rpartition("/")[2]
    return "." not in last or last.lower().endswith(endings)


def is_input_file(item: InputSpec) -> bool:
    """Whether an input names a file that people put into the input folder: a picture, not a model."""
    return item.source == INPUT


def _hidden(spec: NodeSpec) -> Mapping[str, str]:
    hidden = dict(FOR_FILES) if spec.output and "record" in spec.services else {}
    return hidden | ({"unique_id": "UNIQUE_ID"} if spec.by_id else {})


def _once(choices: Choices) -> Choices:
    found: dict[str, tuple[str, ...]] = {}

    def look_up(folder: str) -> tuple[str, ...]:
        if folder not in found:
            found[folder] = choices(folder)
        return found[folder]

    return look_up
