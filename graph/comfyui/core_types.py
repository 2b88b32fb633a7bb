"""Inputs and outputs of ComfyUI's own node types, for files with types that our catalogue does not have (yet).

Their values get names and their outputs too, so that such a file converts to API JSON and back without loss, and means
the same once the type is there. `core_types.json` holds, by type, what a server of version 0.3.64 answers to
`/object_info`: "name:TYPE" for each input in order, and for each output. After an input's type, `~` marks one that a
control value follows, `^` one with an upload button, `!` one that is a socket though its type could be a widget.
"""

import json
from functools import cache
from pathlib import Path

from graph.catalogue import Catalogue, whence
from graph.spec import InputSpec, NodeSpec, OutputSpec

_HINTS = {"~": {"control_after_generate": True}, "^": {"image_upload": True}, "!": {"forceInput": True}}


@cache
def core_spec(type_id: str) -> NodeSpec | None:
    """Names and types of a node type's inputs and outputs: no limits, choices or defaults. None if it is none of
    theirs.
    """
    row = _table().get(type_id)
    if row is None:
        return None
    inputs = []
    for name, wire in _pairs(row[0]):
        hints = _HINTS.get(wire[-1], {})
        inputs.append(InputSpec(name=name, type=wire[:-1] if hints else wire, required=False, hints=hints))
    outputs = [OutputSpec(name=name, type=wire) for name, wire in _pairs(row[1])]
    return NodeSpec(type=type_id, title=type_id, category="", help="", inputs=tuple(inputs), outputs=tuple(outputs))


def absence(catalogue: Catalogue, type_id: str) -> tuple[str, str]:
    """Why the catalogue does not have a type, and what to do about it."""
    error = catalogue.error(type_id)
    if error:
        return f"{error}.", "Mend or update the pack it comes from."
    if type_id in _table():
        return "it is one of ComfyUI's own node types that are not here.", "Put others in its place."
    return "there is no such node type here.", whence(catalogue)


@cache
def _table() -> dict[str, list[str]]:
    return json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = (item.partition(":") for item in text.split("; ") if item)
    return [(name, wire) for name, _, wire in parts]
