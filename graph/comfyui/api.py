"""ComfyUI's API format: what its server runs, and what pictures carry under the key `prompt`."""

from collections.abc import Mapping
from typing import Any

from graph.document import Workflow
from graph.flat import Flat
from graph.spec import NodeSpec


def to_api(flat: Flat, specs: Mapping[str, NodeSpec], workflow: Workflow | None = None) -> dict[str, Any]:
    """The flat graph in API format: id → {"class_type", "inputs", "_meta": {"title"}}.

    A path `outer/inner` becomes `outer:inner`. A link is [id, index of the output]; a list is wrapped as {"__value__": […]},
    which is how their format tells it from a link. Nodes of a type that is not in `specs` are left out, and links to them.
    workflow: where titles of nodes are looked up.
    """
    known = {node_id: node for node_id, node in flat.items() if node.type in specs}
    result: dict[str, Any] = {}
    for node_id, node in known.items():
        spec = specs[node.type]
        inputs: dict[str, Any] = {item.name: _value(item.default) for item in spec.inputs if item.default is not None}
        inputs |= {name: _value(value) for name, value in node.settings.items()}
        for name, (source, output) in node.links.items():
            inputs.pop(name, None)
            if source in known and (index := _index(specs[known[source].type], output)) is not None:
                inputs[name] = [_id(source), index]
        named = workflow.node_at(node_id) if workflow is not None else None
        title = named.title if named is not None and named.title else spec.title
        result[_id(node_id)] = {"class_type": spec.type, "inputs": inputs, "_meta": {"title": title}}
    return result


def _id(path: str) -> str:
    return path.replace("/", ":")


def _value(value: Any) -> Any:
    return {"__value__": value} if isinstance(value, list) else value


def _index(spec: NodeSpec, output: str) -> int | None:
    return next((index for index, item in enumerate(spec.outputs) if item.name == output), None)
