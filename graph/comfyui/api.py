"""A flat graph as ComfyUI's API JSON: what its `/prompt` route takes, and what its pictures carry as `prompt`."""

from collections.abc import Mapping
from typing import Any

from graph.comfyui.extras import EXTRAS
from graph.document import Node, Workflow
from graph.flat import Flat, FlatNode
from graph.settings import Unfit, coerce, takes_settings
from graph.spec import InputSpec, NodeSpec

WRAP = "__value__"
"""A list as a setting would read as a link; it stands as `{"__value__": […]}`."""


def to_api(flat: Flat, specs: Mapping[str, NodeSpec], workflow: Workflow | None = None) -> dict[str, dict[str, Any]]:
    """The nodes by id: `class_type`, `inputs` with links as `[id, slot]`, `_meta.title`.

    Paths are joined by `:`, as that format does, unless this makes two ids one. Defaults are filled in, since ComfyUI
    asks for every required input. Nodes of other types are left out with links to them, since their outputs have no
    slot numbers; but one that was read from a file of ComfyUI stands as it was there.
    workflow: where titles that people gave, and nodes as they were read, are from.
    """
    given = {path: workflow.node_at(path) if workflow else None for path in flat}
    ids = _ids([path for path, node in flat.items() if node.type in specs or "outputs" in _extras(given[path])], given)
    slots: dict[str, dict[str, int]] = {
        spec.type: {output.name: index for index, output in enumerate(spec.outputs)}
        for spec in (specs[type_id] for type_id in {node.type for node in flat.values()} & specs.keys())
    }
    api: dict[str, dict[str, Any]] = {}
    for path, name in ids.items():
        node, source = flat[path], given[path]
        links: dict[str, list[Any]] = {}
        for key, (origin, output) in node.links.items():
            if origin in ids:
                known = slots.get(flat[origin].type)
                slot = _slot(given[origin], output) if known is None else known.get(output)
                if slot is not None:
                    links[key] = [ids[origin], slot]
        spec = specs.get(node.type)
        title = source.title if source and source.title else spec.title if spec else node.type
        extras = _extras(source)
        inputs = _inputs(node, spec.inputs if spec else (), links) | _object(extras.get("inputs"))
        api[name] = {"class_type": node.type, "inputs": inputs, "_meta": {"title": title}} | _object(extras.get("node"))
    return api


def _ids(paths: list[str], given: Mapping[str, Node | None]) -> dict[str, str]:
    """Path → id in the prompt: as the file had it that a node was read from, else the path joined by `:`."""
    ids: dict[str, str] = {}
    for path in paths:
        own = _extras(given[path]).get("id") if "/" not in path else None
        ids[path] = own if type(own) is str else path.replace("/", ":")
    return ids if len(set(ids.values())) == len(ids) else {path: path for path in paths}


def _extras(node: Node | None) -> Mapping[str, Any]:
    return _object(node.extra.get(EXTRAS)) if node else {}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _slot(node: Node | None, output: str) -> int | None:
    """The number of an output of a node whose type is not known: by the names its file gave, or as the name itself."""
    names = _extras(node).get("outputs")
    if isinstance(names, list) and output in names:
        return names.index(output)
    return int(output) if output.isascii() and output.isdecimal() and len(output) < 10 else None


def _inputs(node: FlatNode, items: tuple[InputSpec, ...], links: Mapping[str, list[Any]]) -> dict[str, Any]:
    """In the order of the spec; inputs that it does not have come last."""
    inputs: dict[str, Any] = {}
    for item in items:
        if item.name in links:
            inputs[item.name] = links[item.name]
        elif item.name in node.settings:
            inputs[item.name] = _wrapped(_setting(item, node.settings[item.name]))
        elif item.default is not None and takes_settings(item) and item.name not in node.links:
            inputs[item.name] = _wrapped(item.default)
    rest = {**node.settings, **links}
    return inputs | {name: rest[name] if name in links else _wrapped(rest[name]) for name in rest if name not in inputs}


def _setting(item: InputSpec, value: Any) -> Any:
    """The value as the input has it. What does not fit stays as it is, and so do file names: `\\` is Windows' way."""
    if item.source is not None:
        return value
    try:
        return coerce(item, value)
    except Unfit:
        return value


def _wrapped(value: Any) -> Any:
    is_wrapped = isinstance(value, (list, tuple)) or (isinstance(value, dict) and WRAP in value)
    return {WRAP: value} if is_wrapped else value
