"""From a `Workflow` to its canonical JSON, made for `git diff`: one line for each setting, link and place."""

import json
import re
from collections.abc import Mapping
from typing import Any

from graph.document import FORMAT, VERSION, Interface, Link, Malformed, Node, Subgraph, Workflow


def to_json(workflow: Workflow) -> dict[str, Any]:
    """The document as JSON values, in canonical order: known fields first, fields at their default left out."""
    subgraphs = {name: _subgraph_json(definition) for name, definition in workflow.subgraphs.items()}
    return {
        "format": FORMAT,
        "version": VERSION,
        **_given(title=workflow.title),
        "nodes": {name: _node_json(node) for name, node in workflow.nodes.items()},
        **_given(
            subgraphs=subgraphs,
            interface=_interface_json(workflow.interface),
            layout=workflow.layout,
            requires=workflow.requires,
        ),
        **workflow.extra,
    }


def dump(workflow: Workflow) -> str:
    """The canonical text: two-space indentation, one line for each setting, link, layout entry and list item."""
    text = _lines(to_json(workflow), _DOCUMENT, "") + "\n"
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _given(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value}


def _node_json(node: Node) -> dict[str, Any]:
    return {
        "type": node.type,
        **({"version": node.version} if node.version != 1 else {}),
        **_given(title=node.title, mode=node.mode),
        "inputs": {name: _input_json(value) for name, value in node.inputs.items()},
        **_given(after_run=node.after_run),
        **node.extra,
    }


def _input_json(value: Any) -> Any:
    if isinstance(value, Link):
        return {"link": list(value)}
    if isinstance(value, Malformed):
        return value.raw
    return {"value": value} if isinstance(value, dict) else value


def _subgraph_json(definition: Subgraph) -> dict[str, Any]:
    inputs = [
        {"name": item.name, "type": item.type, "to": [list(pair) for pair in item.to], **item.extra}
        for item in definition.inputs
    ]
    outputs = [
        {"name": item.name, "type": item.type, "from": list(item.origin), **item.extra} for item in definition.outputs
    ]
    nodes = {name: _node_json(node) for name, node in definition.nodes.items()}
    return {
        **_given(title=definition.title, inputs=inputs, outputs=outputs),
        "nodes": nodes,
        **_given(layout=definition.layout),
        **definition.extra,
    }


def _interface_json(interface: Interface) -> dict[str, Any]:
    inputs = [
        {
            "name": item.name,
            "node": item.node,
            "input": item.input,
            **_given(label=item.label, help=item.help),
            **item.extra,
        }
        for item in interface.inputs
    ]
    outputs = [
        {"node": item.node, **_given(output=item.output, name=item.name, label=item.label), **item.extra}
        for item in interface.outputs
    ]
    return {**_given(inputs=inputs, outputs=outputs), **interface.extra}


_SURROGATE = re.compile("[\ud800-\udfff]")
_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_EACH = "*"
_ENTRIES: Mapping[str, Any] = {}
_LAYOUT = {"nodes": _ENTRIES, "frames": _ENTRIES, "notes": _ENTRIES}
_NODES = {_EACH: {"inputs": _ENTRIES}}
_DOCUMENT = {
    "nodes": _NODES,
    "subgraphs": {_EACH: {"inputs": _ENTRIES, "outputs": _ENTRIES, "nodes": _NODES, "layout": _LAYOUT}},
    "interface": {"inputs": _ENTRIES, "outputs": _ENTRIES},
    "layout": _LAYOUT,
    "requires": {"models": _ENTRIES, "packs": _ENTRIES},
}


def _lines(value: Any, opened: Mapping[str, Any] | None, indent: str) -> str:
    """JSON text in which objects and lists named by `opened` have an item a line, and all others stand on one line."""
    if opened is None or not value or not isinstance(value, (dict, list)):
        return _compact(dict(value) if isinstance(value, Mapping) else value)
    inner = indent + "  "
    if isinstance(value, dict):
        each = opened.get(_EACH)
        items = [f"{inner}{_compact(key)}: {_lines(item, opened.get(key, each), inner)}" for key, item in value.items()]
    else:
        items = [f"{inner}{_compact(item)}" for item in value]
    left, right = "{}" if isinstance(value, dict) else "[]"
    return left + "\n" + ",\n".join(items) + f"\n{indent}{right}"
