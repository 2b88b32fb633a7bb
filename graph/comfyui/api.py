"""A flat graph as ComfyUI's API JSON: what its `/prompt` route takes, and what its pictures carry as `prompt`."""

from collections.abc import Mapping
from typing import Any

from graph.document import Workflow
from graph.flat import Flat, FlatNode
from graph.settings import Unfit, coerce, takes_settings
from graph.spec import InputSpec, NodeSpec

WRAP = "__value__"
"""A list as a setting would read as a link; it stands as `{"__value__": […]}`."""


def to_api(flat: Flat, specs: Mapping[str, NodeSpec], workflow: Workflow | None = None) -> dict[str, dict[str, Any]]:
    """The nodes whose type is in `specs`, by id: `class_type`, `inputs` with links as `[id, slot]`, `_meta.title`.

    Paths are joined by `:`, as that format does, unless this makes two ids one. Defaults are filled in, since ComfyUI
    asks for every required input. Other nodes, and links to them, are left out: their outputs have no slot numbers.
    workflow: where titles that people gave are from.
    """
    ids = {path: path.replace("/", ":") for path, node in flat.items() if node.type in specs}
    if len(set(ids.values())) < len(ids):
        ids = {path: path for path in ids}
    slots = {
        spec.type: {output.name: index for index, output in enumerate(spec.outputs)}
        for spec in (specs[type_id] for type_id in {flat[path].type for path in ids})
    }
    api: dict[str, dict[str, Any]] = {}
    for path, name in ids.items():
        node = flat[path]
        spec = specs[node.type]
        links = {
            key: [ids[origin], slots[flat[origin].type][output]]
            for key, (origin, output) in node.links.items()
            if origin in ids and output in slots[flat[origin].type]
        }
        given = workflow.node_at(path) if workflow else None
        title = given.title if given and given.title else spec.title
        api[name] = {"class_type": node.type, "inputs": _inputs(node, spec, links), "_meta": {"title": title}}
    return api


def _inputs(node: FlatNode, spec: NodeSpec, links: Mapping[str, list[Any]]) -> dict[str, Any]:
    """In the order of the spec; inputs that it does not have come last."""
    inputs: dict[str, Any] = {}
    for item in spec.inputs:
        if item.name in links:
            inputs[item.name] = links[item.name]
        elif item.name in node.settings:
            inputs[item.name] = _wrapped(_setting(item, node.settings[item.name]))
        elif item.default is not None and takes_settings(item) and item.name not in node.links:
            inputs[item.name] = _wrapped(item.default)
    rest = {**node.settings, **links}
    return inputs | {name: rest[name] if name in links else _wrapped(rest[name]) for name in rest if name not in inputs}


def _setting(item: InputSpec, value: Any) -> Any:
    """The value as the input has it; one that does not fit stays as it is."""
    try:
        return coerce(item, value)
    except Unfit:
        return value


def _wrapped(value: Any) -> Any:
    is_wrapped = isinstance(value, (list, tuple)) or (isinstance(value, dict) and WRAP in value)
    return {WRAP: value} if is_wrapped else value
