"""Numbers as JavaScript leaves them, and as a document has them.

It cannot hold whole numbers beyond 2^53, so that these travel as decimal text. It has one kind of number, and writes 7
where a document says 7.0. Its objects put keys that are whole numbers first, so that nodes come in another order.
Here all of it becomes again what it was.
"""

import re
from collections.abc import Mapping
from typing import Any

from graph.catalogue import Catalogue
from graph.settings import EXACT

_WHOLE = re.compile(r"-?[1-9][0-9]{15,4000}")
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
"""A key that JavaScript takes for a place in a list and puts before others (ECMA-262, OrdinaryOwnPropertyKeys)."""

_POINTLESS = 10**21
"""Below this JavaScript writes a whole number without point and exponent."""


def as_text(value: Any) -> Any:
    """A JSON value in which every whole number beyond 2^53 is text."""
    if type(value) is int:
        return str(value) if abs(value) > EXACT else value
    if isinstance(value, Mapping):
        return {name: as_text(item) for name, item in value.items()}
    return [as_text(item) for item in value] if isinstance(value, list) else value


def as_numbers(document: Any, stored: Any, catalogue: Catalogue | None) -> Any:
    """A workflow document that went through JavaScript, with its numbers and the order of its keys again.

    A value is what the document that is `stored` has in the same place, if JavaScript writes both alike. An input that
    takes whole numbers alone has them, one that takes floating-point numbers alone has those. Other text that looks
    like a number stays text, and other numbers stay as they came.
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
    if type(value) is int:
        return stored if type(stored) is float and stored == value else value
    if isinstance(value, dict) and isinstance(stored, dict):
        return {name: _restored(value[name], stored.get(name)) for name in _keys(value, stored)}
    if isinstance(value, list) and isinstance(stored, list):
        paired = [*stored, *[None] * (len(value) - len(stored))]
        return [_restored(item, other) for item, other in zip(value, paired, strict=False)]
    return value


def _keys(value: dict[str, Any], stored: dict[str, Any]) -> list[str]:
    """The keys of an object in order: that of the stored one, if it was JavaScript that changed it; new ones last."""
    if not any(map(_INDEX.fullmatch, value)):
        return list(value)
    return [*(name for name in stored if name in value), *(name for name in value if name not in stored)]


def _with_nodes(graph: Any, catalogue: Catalogue) -> Any:
    """A graph whose nodes have the kind of numbers that their inputs take."""
    if not isinstance(graph, dict) or not isinstance(graph.get("nodes"), dict):
        return graph
    return graph | {"nodes": {name: _node(node, catalogue) for name, node in graph["nodes"].items()}}


def _node(node: Any, catalogue: Catalogue) -> Any:
    if not isinstance(node, dict) or not isinstance(node.get("inputs"), dict) or not isinstance(node.get("type"), str):
        return node
    spec = catalogue.spec(node["type"])
    types = {item.name: item.type for item in spec.inputs} if spec is not None else {}
    return node | {"inputs": {name: _number(value, types.get(name, "")) for name, value in node["inputs"].items()}}


def _number(value: Any, wanted: str) -> Any:
    """A setting of an input. wanted: the input's type."""
    if isinstance(value, list):
        return [_number(item, wanted) for item in value]
    if wanted == "INT" and isinstance(value, str) and _WHOLE.fullmatch(value) and abs(int(value)) > EXACT:
        return int(value)
    if wanted == "FLOAT" and type(value) is int and abs(value) < _POINTLESS:
        return float(value)
    return value
