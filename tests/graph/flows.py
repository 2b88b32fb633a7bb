"""Workflows for tests, written short: `flow(a=("Number", {"value": 1}), b=("Add", {"a": "a.INT"}))`."""

import json
from typing import Any

from graph.document import Workflow
from graph.workflow import load


def document(**nodes: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """The JSON of a workflow. A text "node.output" that names one of the nodes is a link."""
    return {
        "format": "noisewright/workflow",
        "version": 1,
        "nodes": {
            name: {"type": type_id, "inputs": {key: value_of(value, nodes) for key, value in inputs.items()}}
            for name, (type_id, inputs) in nodes.items()
        },
    }


def value_of(value: Any, nodes: dict[str, Any]) -> Any:
    if isinstance(value, str) and value.partition(".")[0] in nodes and "." in value:
        return {"link": value.split(".")}
    return value


def flow(**nodes: tuple[str, dict[str, Any]]) -> Workflow:
    return load(json.dumps(document(**nodes)))
