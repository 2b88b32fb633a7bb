"""Whole numbers that JavaScript cannot hold: beyond 2^53 they travel as decimal text, and become numbers again here."""

import re
from collections.abc import Mapping
from typing import Any

from graph.catalogue import Catalogue
from graph.settings import EXACT

_WHOLE = re.compile(r"-?[1-9][0-9]{15,4000}")


def as_text(value: Any) -> Any:
    """A JSON value in which every whole number beyond 2^53 is text."""
    if type(value) is int:
        return str(value) if abs(value) > EXACT else value
    if isinstance(value, Mapping):
        return {name: as_text(item) for name, item in value.items()}
    return [as_text(item) for item in value] if isinstance(value, list) else value


def as_numbers(document: Any, stored: Any, catalogue: Catalogue | None) -> Any:
    """A workflow document whose large numbers travelled as text, with numbers again.

    Text becomes a number where the document that is `stored` has that number in the same place, and where it is an
    input that takes whole numbers alone. Other text that looks like a number stays text.
    """
    document = _restored(document, stored)
    if catalogue is None or not isinstance(document, dict):
        return document
    return _with_nodes(document, catalogue) | (
        {"subgraphs": {name: _with_nodes(item, catalogue) for name, item in document["subgraphs"].items()}}
        if isinstance(document.get("subgraphs"), dict)
        else {}
    )


def _restored(value: Any, stored: Any) -> Any:
    if isinstance(value, str):
        return stored if type(stored) is int and abs(stored) > EXACT and str(stored) == value else value
    if isinstance(value, dict) and isinstance(stored, dict):
        return {name: _restored(item, stored.get(name)) for name, item in value.items()}
    if isinstance(value, list) and isinstance(stored, list):
        paired = [*stored, *[None] * (len(value) - len(stored))]
        return [_restored(item, other) for item, other in zip(value, paired, strict=False)]
    return value


def _with_nodes(graph: Any, catalogue: Catalogue) -> Any:
    """A graph whose nodes have numbers in the inputs that take whole numbers."""
    if not isinstance(graph, dict) or not isinstance(graph.get("nodes"), dict):
        return graph
    return graph | {"nodes": {name: _node(node, catalogue) for name, node in graph["nodes"].items()}}


def _node(node: Any, catalogue: Catalogue) -> Any:
    if not isinstance(node, dict) or not isinstance(node.get("inputs"), dict) or not isinstance(node.get("type"), str):
        return node
    spec = catalogue.spec(node["type"])
    whole = {item.name for item in spec.inputs if item.type == "INT"} if spec is not None else set()
    return node | {
        "inputs": {name: _number(value) if name in whole else value for name, value in node["inputs"].items()}
    }


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(item) for item in value]
    if isinstance(value, str) and _WHOLE.fullmatch(value) and abs(int(value)) > EXACT:
        return int(value)
    return value
