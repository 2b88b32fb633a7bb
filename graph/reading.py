"""From JSON values to a `Workflow`. The frame must be right; what is wrong inside it is kept for `check` to report."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from graph.document import (
    AFTER_RUN,
    FORMAT,
    MODES,
    NAME,
    VERSION,
    Interface,
    InterfaceInput,
    InterfaceOutput,
    Link,
    Malformed,
    Node,
    Subgraph,
    SubgraphInput,
    SubgraphOutput,
    Workflow,
)
from graph.errors import WorkflowError
from graph.text import kind, shown

T = TypeVar("T")
NOTHING: Mapping[str, Any] = MappingProxyType({})


def from_json(document: Any) -> Workflow:
    """Read a workflow from its JSON as Python values. The text of its WorkflowError goes on where a name left off."""
    document = _recognised(document)
    taken = {"format", "version"}
    fields = {
        "nodes": _nodes(document.get("nodes", NOTHING), "nodes"),
        "title": _optional(document, "title", taken, _is_text, ""),
        "subgraphs": {
            name: _subgraph(raw, f"subgraphs.{name}") for name, raw in _object(document, "subgraphs", "").items()
        },
        "interface": _interface(_object(document, "interface", "")),
        "layout": _object(document, "layout", ""),
        "requires": _object(document, "requires", ""),
    }
    taken |= {"nodes", "subgraphs", "interface", "layout", "requires"}
    return Workflow(**fields, extra=_rest(document, taken))


def _recognised(document: Any) -> dict[str, Any]:
    """The document, if it is one of ours in a version we read."""
    if type(document) is not dict:
        raise WorkflowError(f'is {kind(document)}, not an object with "format": "{FORMAT}"')
    if document.get("format") != FORMAT:
        raise WorkflowError(_other_format(document))
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise WorkflowError(f"has the format version {shown(version)}; it must be a whole number from 1 to {VERSION}")
    if version > VERSION:
        raise WorkflowError(
            f"is of format version {version}, but this program reads versions up to {VERSION}. "
            "Open it with a newer program, or save it there in an older version"
        )
    return document


def _other_format(document: Mapping[str, Any]) -> str:
    """What another program's document is, by its shape."""
    reading = "Reading it takes a catalogue of node types"
    if "format" in document:
        return f'has the format {shown(document["format"])}, not "{FORMAT}"'
    prompt = document.get("prompt", document)
    if type(prompt) is dict and prompt and all(type(item) is dict and "class_type" in item for item in prompt.values()):
        return f'is in ComfyUI\'s API format (nodes with "class_type"). {reading}'
    if type(document.get("nodes")) is list and ("links" in document or "last_node_id" in document):
        return f'is a workflow of ComfyUI\'s editor ("nodes" and "links" in lists). {reading}'
    return f'does not say "format": "{FORMAT}", so it is no workflow of {NAME}'


def _nodes(raw: Any, place: str) -> dict[str, Node]:
    if type(raw) is not dict and raw is not NOTHING:
        raise WorkflowError(f"cannot be read: {place} is {kind(raw)}, not an object of nodes by id")
    return {name: _node(node, place, name) for name, node in raw.items()}


_NODE_KEYS = frozenset({"type", "inputs"})


def _node(raw: Any, place: str, name: str) -> Node:
    if type(raw) is not dict:
        raise WorkflowError(f"cannot be read: {place}.{name} is {kind(raw)}, not a node")
    type_id, inputs = raw.get("type"), raw.get("inputs", NOTHING)
    if type(type_id) is not str:
        raise WorkflowError(f'cannot be read: {place}.{name} has no "type" that names its node type')
    if type(inputs) is not dict and inputs is not NOTHING:
        raise WorkflowError(f"cannot be read: {place}.{name}.inputs is {kind(inputs)}, not an object of inputs by name")
    read = {key: _input(value) if type(value) is dict else value for key, value in inputs.items()}
    if raw.keys() <= _NODE_KEYS:
        return Node(type_id, read)
    taken = {"type", "inputs"}
    return Node(
        type_id,
        read,
        version=_optional(raw, "version", taken, _is_version, 1),
        title=_optional(raw, "title", taken, _is_text, ""),
        mode=_optional(raw, "mode", taken, MODES.__contains__, ""),
        after_run=_optional(raw, "after_run", taken, _is_after_run, NOTHING),
        extra=_rest(raw, taken),
    )


def _input(raw: dict[str, Any]) -> Any:
    """A link, or the value of `{"value": …}`."""
    if len(raw) == 1:
        if "value" in raw:
            return raw["value"]
        link = raw.get("link")
        if type(link) is list and len(link) == 2 and type(link[0]) is str and type(link[1]) is str:
            return Link(link[0], link[1])
    return Malformed(raw)


def _subgraph(raw: Any, place: str) -> Subgraph:
    if type(raw) is not dict:
        raise WorkflowError(f"cannot be read: {place} is {kind(raw)}, not a subgraph")
    taken = {"nodes", "inputs", "outputs", "layout"}
    return Subgraph(
        nodes=_nodes(raw.get("nodes", NOTHING), f"{place}.nodes"),
        inputs=tuple(_items(raw, "inputs", place, _subgraph_input)),
        outputs=tuple(_items(raw, "outputs", place, _subgraph_output)),
        title=_optional(raw, "title", taken, _is_text, ""),
        layout=_object(raw, "layout", f"{place}."),
        extra=_rest(raw, taken),
    )


def _subgraph_input(raw: dict[str, Any], place: str) -> SubgraphInput:
    taken = {"name", "to"}
    to = raw.get("to", [])
    if type(to) is not list or not all(_is_pair(pair) for pair in to):
        raise WorkflowError(f"cannot be read: {place}.to is {shown(to)}, not a list of [node, input] pairs")
    wire = _optional(raw, "type", taken, _is_text, "*")
    return SubgraphInput(_name(raw, "name", place), tuple((node, name) for node, name in to), wire, _rest(raw, taken))


def _subgraph_output(raw: dict[str, Any], place: str) -> SubgraphOutput:
    taken = {"name", "from"}
    origin: Any = raw.get("from")
    if not _is_pair(origin):
        raise WorkflowError(f"cannot be read: {place}.from is {shown(origin)}, not [node, output]")
    wire = _optional(raw, "type", taken, _is_text, "*")
    return SubgraphOutput(_name(raw, "name", place), Link(*origin), wire, _rest(raw, taken))


def _interface(raw: Mapping[str, Any]) -> Interface:
    return Interface(
        inputs=tuple(_items(raw, "inputs", "interface", _interface_input)),
        outputs=tuple(_items(raw, "outputs", "interface", _interface_output)),
        extra=_rest(raw, {"inputs", "outputs"}),
    )


def _interface_input(raw: dict[str, Any], place: str) -> InterfaceInput:
    taken = {"name", "node", "input"}
    names = (_name(raw, key, place) for key in ("name", "node", "input"))
    texts = {key: _optional(raw, key, taken, _is_text, "") for key in ("label", "help")}
    return InterfaceInput(*names, **texts, extra=_rest(raw, taken))


def _interface_output(raw: dict[str, Any], place: str) -> InterfaceOutput:
    taken = {"node"}
    texts = {key: _optional(raw, key, taken, _is_text, "") for key in ("output", "name", "label")}
    return InterfaceOutput(_name(raw, "node", place), **texts, extra=_rest(raw, taken))


def _object(raw: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
    value = raw.get(key, NOTHING)
    if type(value) is not dict and value is not NOTHING:
        raise WorkflowError(f"cannot be read: {place}{key} is {kind(value)}, not an object")
    return value


def _items(raw: Mapping[str, Any], key: str, place: str, read: Callable[[dict[str, Any], str], T]) -> list[T]:
    value = raw.get(key, [])
    if type(value) is not list:
        raise WorkflowError(f"cannot be read: {place}.{key} is {kind(value)}, not a list")
    for index, item in enumerate(value):
        if type(item) is not dict:
            raise WorkflowError(f"cannot be read: {place}.{key}[{index}] is {kind(item)}, not an object")
    return [read(item, f"{place}.{key}[{index}]") for index, item in enumerate(value)]


def _name(raw: Mapping[str, Any], key: str, place: str) -> str:
    value = raw.get(key)
    if type(value) is not str:
        raise WorkflowError(f'cannot be read: {place} has no text "{key}"; it is {shown(value)}')
    return value


def _optional(raw: Mapping[str, Any], key: str, taken: set[str], fits: Callable[[Any], bool], default: Any) -> Any:
    """The value under `key` if it is there and fits; then `key` joins `taken`, else it stays for `extra`."""
    if key in raw and fits(raw[key]):
        taken.add(key)
        return raw[key]
    return default


def _rest(raw: Mapping[str, Any], taken: set[str]) -> Mapping[str, Any]:
    return {key: value for key, value in raw.items() if key not in taken} if raw.keys() - taken else NOTHING


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_version(value: Any) -> bool:
    return type(value) is int and value >= 1


def _is_pair(value: Any) -> bool:
    return type(value) is list and len(value) == 2 and all(type(item) is str for item in value)


def _is_after_run(value: Any) -> bool:
    return type(value) is dict and all(type(change) is str and change in AFTER_RUN for change in value.values())
