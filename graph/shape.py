"""What is wrong with a document by its form alone: unknown keys, values the format does not have, ids, layout."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

from graph.document import Interface, Malformed, Node, Workflow
from graph.problem import Problem
from graph.text import kind, nearest, shown

_TEXT = "a text"
_LIST = "a list of objects"
WORKFLOW = MappingProxyType(
    dict.fromkeys(("format", "version", "nodes", "subgraphs", "interface", "layout", "requires"), "") | {"title": _TEXT}
)
NODE = MappingProxyType(
    {
        "type": _TEXT,
        "inputs": "an object",
        "version": "a whole number of at least 1",
        "title": _TEXT,
        "mode": '"mute" or "bypass"',
        "after_run": 'an object that gives inputs "random", "increment" or "decrement"',
    }
)
SUBGRAPH = MappingProxyType(dict.fromkeys(("nodes", "inputs", "outputs", "layout"), "") | {"title": _TEXT})
SUBGRAPH_INPUT = MappingProxyType({"name": _TEXT, "type": _TEXT, "to": "a list"})
SUBGRAPH_OUTPUT = MappingProxyType({"name": _TEXT, "type": _TEXT, "from": "a list"})
INTERFACE = MappingProxyType({"inputs": _LIST, "outputs": _LIST})
INTERFACE_INPUT: Mapping[str, str] = MappingProxyType(dict.fromkeys(("name", "node", "input", "label", "help"), _TEXT))
INTERFACE_OUTPUT: Mapping[str, str] = MappingProxyType(dict.fromkeys(("node", "output", "name", "label"), _TEXT))
_PLACE = ("x", "y", "width", "height", "color")
LAYOUT = MappingProxyType(
    {
        "nodes": (*_PLACE, "collapsed", "pinned", "fields"),
        "frames": (*_PLACE, "id", "title", "nodes", "frames"),
        "notes": (*_PLACE, "text", "node"),
    }
)
LISTS = frozenset({"frames", "notes"})
REQUIRES = MappingProxyType({"models": ("sha256", "size", "folder", "url"), "packs": ("version", "url")})


def shape_problems(workflow: Workflow) -> Iterator[Problem]:
    """Everything that does not follow the format. Problems inside a definition name it in `subgraph`.

    What can never change a result (layout, requires, the interface) gives warnings.
    """
    yield from _keys(workflow.extra, WORKFLOW, "The workflow")
    yield from _nodes(workflow.nodes, None)
    for name, definition in workflow.subgraphs.items():
        place = f"Subgraph '{name}'"
        yield from _keys(definition.extra, SUBGRAPH, place, subgraph=name)
        yield from _nodes(definition.nodes, name)
        for item in definition.inputs:
            yield from _keys(item.extra, SUBGRAPH_INPUT, f"{place}, input '{item.name}'", subgraph=name)
        for item in definition.outputs:
            yield from _keys(item.extra, SUBGRAPH_OUTPUT, f"{place}, output '{item.name}'", subgraph=name)
        yield from _entries(definition.layout, LAYOUT, f"The layout of subgraph '{name}'")
    yield from _interface(workflow.interface)
    yield from _entries(workflow.layout, LAYOUT, "'layout'")
    yield from _entries(workflow.requires, REQUIRES, "'requires'")


def _keys(
    extra: Mapping[str, Any],
    fields: Mapping[str, str],
    where: str,
    *,
    severity: Literal["error", "warning"] = "error",
    node: str | None = None,
    subgraph: str | None = None,
) -> Iterator[Problem]:
    """What is left over of an object: unknown keys, and known ones whose value is not what the format says."""
    for key, value in extra.items():
        if key.startswith("x-"):
            continue
        if key in fields:
            code, hint = "wrong_value", f"Set it to {fields[key]}, or leave it out."
            message = f"{where}: '{key}' is {shown(value)}, but must be {fields[key]}."
        else:
            close = nearest(key, fields)
            code, hint = "unknown_key", f"Did you mean '{close}'?" if close else "Keys of your own begin with 'x-'."
            message = f"{where} has the key '{key}', which the format does not know."
        yield Problem(code=code, message=message, hint=hint, node=node, subgraph=subgraph, severity=severity)


def _nodes(nodes: Mapping[str, Node], subgraph: str | None) -> Iterator[Problem]:
    inside = f" of subgraph '{subgraph}'" if subgraph is not None else ""
    for name, node in nodes.items():
        where = f"Node '{name}'{inside}"
        if not name or "/" in name:
            hint = "Give it another id: '/' joins the ids of a path." if name else "Give it an id."
            yield Problem(
                code="bad_id",
                node=name,
                subgraph=subgraph,
                message=f"{where} has an id that cannot be used.",
                hint=hint,
            )
        if node.extra:
            yield from _keys(node.extra, NODE, where, node=name, subgraph=subgraph)
        for key, value in node.inputs.items():
            if isinstance(value, Malformed):
                yield Problem(
                    code="malformed_input",
                    node=name,
                    input=key,
                    subgraph=subgraph,
                    message=f"{where}: input '{key}' is {shown(value.raw)}, which is neither a link nor a value.",
                    hint='Write {"link": [node, output]}, or {"value": …} for an object.',
                )


def _interface(interface: Interface) -> Iterator[Problem]:
    yield from _keys(interface.extra, INTERFACE, "'interface'", severity="warning")
    for item in interface.inputs:
        yield from _keys(item.extra, INTERFACE_INPUT, f"Interface input '{item.name}'", severity="warning")
    for item in interface.outputs:
        yield from _keys(item.extra, INTERFACE_OUTPUT, f"Interface output '{item.node}'", severity="warning")


def _entries(table: Mapping[str, Any], fields: Mapping[str, tuple[str, ...]], where: str) -> Iterator[Problem]:
    """Lists or objects of entries, an object each: their keys."""
    unknown = {key: value for key, value in table.items() if key not in fields}
    yield from _keys(unknown, dict.fromkeys(fields, "an object or a list"), where, severity="warning")
    for key, known in fields.items():
        entries = table.get(key, {})
        expected = list if key in LISTS else dict
        if key in table and type(entries) is not expected:
            message = f"{where}: '{key}' is {kind(entries)}, but must be {kind(expected())}."
            yield Problem(code="wrong_value", message=message, severity="warning")
            continue
        allowed, names = frozenset(known), dict.fromkeys(known, "")
        for name, entry in entries.items() if isinstance(entries, dict) else enumerate(entries):
            place = f"{where}: the entry {name!r} of '{key}'"
            if type(entry) is not dict:
                message = f"{place} is {kind(entry)}, but must be an object."
                yield Problem(code="wrong_value", message=message, severity="warning")
            elif not entry.keys() <= allowed:
                unknown = {field: value for field, value in entry.items() if field not in allowed}
                yield from _keys(unknown, names, place, severity="warning")
