"""The JSON Schema of workflow documents, published as `docs/workflow.schema.json`."""

import json
from collections.abc import Mapping
from typing import Any

from graph.document import AFTER_RUN, FORMAT, MODES, NAME, SUBGRAPH, VERSION

_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_FLAG = {"type": "boolean"}
_WIRE = {"type": "string", "description": 'A wire name such as "IMAGE"; several joined by ","; "*" for anything.'}


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12. It knows the form of a document, not the node types: those are in the catalogue."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{NAME}:workflow:{VERSION}",
        "title": "Workflow",
        "description": f"A workflow of {NAME}, version {VERSION} of the format.",
        **_object(
            {
                "format": {"const": FORMAT},
                "version": {"type": "integer", "minimum": 1, "maximum": VERSION, "description": "Of this format."},
                "title": _TEXT,
                "nodes": _ref("Nodes"),
                "subgraphs": {
                    "type": "object",
                    "description": f"Definitions by name, used as node type {SUBGRAPH}NAME.",
                    "additionalProperties": _ref("Subgraph"),
                },
                "interface": _ref("Interface"),
                "layout": _ref("Layout"),
                "requires": _ref("Requires"),
            },
            required=("format", "version"),
        ),
        "$defs": _nodes() | _subgraphs() | _interface() | _layout() | _requires(),
    }


def schema_text() -> str:
    """The text of the published file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _nodes() -> dict[str, Any]:
    return {
        "Nodes": {
            "type": "object",
            "description": "Nodes by id. An id is any text without '/'.",
            "propertyNames": {"pattern": "^[^/]+$"},
            "additionalProperties": _ref("Node"),
        },
        "Node": _object(
            {
                "type": {**_TEXT, "description": f"The node type, or {SUBGRAPH}NAME."},
                "version": {"type": "integer", "minimum": 1, "description": "Of the node type; 1 if left out."},
                "title": _TEXT,
                "mode": {"enum": list(MODES), "description": "mute: as if absent. bypass: inputs pass through."},
                "inputs": {"type": "object", "additionalProperties": _ref("Input")},
                "after_run": {
                    "type": "object",
                    "description": "How a client changes whole-number inputs after each run.",
                    "additionalProperties": {"enum": list(AFTER_RUN)},
                },
            },
            required=("type",),
        ),
        "Input": {
            "description": "A link, a value, or a wrapped value.",
            "oneOf": [
                {"type": ["string", "number", "boolean", "null", "array"]},
                _ref("Link"),
                _ref("Value"),
            ],
        },
        "Link": {
            "type": "object",
            "properties": {"link": _ref("Origin")},
            "required": ["link"],
            "additionalProperties": False,
        },
        "Origin": _pair("The id of a node of the same graph, and the name of one of its outputs."),
        "Value": {
            "type": "object",
            "description": "Any JSON value; the only way to give an object.",
            "properties": {"value": True},
            "required": ["value"],
            "additionalProperties": False,
        },
    }


def _subgraphs() -> dict[str, Any]:
    to = {"type": "array", "items": _pair("The id of a node inside, and the name of one of its inputs.")}
    return {
        "Subgraph": _object(
            {
                "title": _TEXT,
                "inputs": {"type": "array", "items": _ref("SubgraphInput")},
                "outputs": {"type": "array", "items": _ref("SubgraphOutput")},
                "nodes": _ref("Nodes"),
                "layout": _ref("Layout"),
            }
        ),
        "SubgraphInput": _object({"name": _TEXT, "type": _WIRE, "to": to}, required=("name",)),
        "SubgraphOutput": _object({"name": _TEXT, "type": _WIRE, "from": _ref("Origin")}, required=("name", "from")),
    }


def _interface() -> dict[str, Any]:
    return {
        "Interface": _object(
            {
                "inputs": {"type": "array", "items": _ref("InterfaceInput")},
                "outputs": {"type": "array", "items": _ref("InterfaceOutput")},
            }
        ),
        "InterfaceInput": _object(
            dict.fromkeys(("name", "node", "input", "label", "help"), _TEXT), required=("name", "node", "input")
        ),
        "InterfaceOutput": _object(dict.fromkeys(("node", "output", "name", "label"), _TEXT), required=("node",)),
    }


def _layout() -> dict[str, Any]:
    place = {**dict.fromkeys(("x", "y", "width", "height"), _NUMBER), "color": _TEXT}
    ids = {"type": "array", "items": _TEXT}
    return {
        "Layout": {
            "description": "Where things stand on the canvas. It never affects a result.",
            **_object(
                {
                    "nodes": {"type": "object", "additionalProperties": _ref("NodeLayout")},
                    "frames": {"type": "array", "items": _ref("Frame")},
                    "notes": {"type": "array", "items": _ref("Note")},
                }
            ),
        },
        "NodeLayout": _object(
            {
                **place,
                "collapsed": _FLAG,
                "pinned": _FLAG,
                "fields": {"type": "object", "additionalProperties": _ref("FieldLayout")},
            }
        ),
        "FieldLayout": {
            "description": "How the field of an input is set up: narrower limits, another step, fewer choices.",
            **_object({**dict.fromkeys(("minimum", "maximum", "step"), _NUMBER), "filter": _TEXT}),
        },
        "Frame": _object({**place, "id": _TEXT, "title": _TEXT, "nodes": ids, "frames": ids}),
        "Note": _object({**place, "text": _TEXT, "node": _TEXT}),
    }


def _requires() -> dict[str, Any]:
    sha256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    size = {"type": "integer", "minimum": 0, "description": "In bytes."}
    return {
        "Requires": {
            "description": "What the workflow was made with, so that it can be found again.",
            **_object(
                {
                    "models": {"type": "object", "additionalProperties": _ref("RequiredModel")},
                    "packs": {"type": "object", "additionalProperties": _ref("RequiredPack")},
                }
            ),
        },
        "RequiredModel": _object({"sha256": sha256, "size": size, "folder": _TEXT, "url": _TEXT}),
        "RequiredPack": _object({"version": _TEXT, "url": _TEXT}),
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _pair(description: str) -> dict[str, Any]:
    return {"type": "array", "description": description, "prefixItems": [_TEXT, _TEXT], "items": False, "minItems": 2}


def _object(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """An object with these keys, and keys of anybody's own that begin with `x-`."""
    return {
        "type": "object",
        "properties": dict(properties),
        **({"required": list(required)} if required else {}),
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
    }
