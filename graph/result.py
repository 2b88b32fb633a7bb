"""What a node may return besides plain values: many values at once, one that blocks, something to show, a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from graph.files import SavedFiles

if TYPE_CHECKING:
    from graph.flow import Added, Flow

T = TypeVar("T")


class Many(tuple[Any, ...]):
    """Several values on one link: what an output declared as `list[T]` gives, and every output of a mapped node.

    A node whose input is no list is called once for each of them.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Many({list(self)})"


@dataclass(frozen=True, slots=True)
class Blocked:
    """A value that must not be used: a call that would receive it is skipped, and its outputs are blocked too.

    reason: a sentence for people, or "".
    """

    reason: str = ""


@dataclass(frozen=True)
class Result(Generic[T]):
    """A value, and what a node has to show or has written besides. A node returns it with the annotation `Result[T]`.

    shown: what an editor shows on the node, JSON values by name: `text`: a list of texts, `images`, …
    saved: files the node wrote.
    """

    value: T
    shown: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    saved: SavedFiles | None = None


@dataclass(frozen=True)
class Expansion(Generic[T]):
    """What a node returns that becomes a graph: the graph is run in its place. Annotation: `-> Expansion[T]`.

    flow: its nodes. An input may be a setting, a link to another node of the flow, or any value; a value that the
    expanding node itself got by a link counts as that link. Their paths are `node/name`. Output nodes in it are run
    too.
    value: its outputs, as the node would return them, with links into the flow in place of values; `T` or a mapping.
    For a list output a link, or a list of values and links.
    shown: what an editor shows on the node. again: the node of the flow that goes on with a loop, if this is one; what
    it expands into is told apart by number (`node/2/name`) rather than by ever longer paths.
    """

    flow: Flow
    value: Any
    shown: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    again: Added | None = None


def many(values: Iterable[Any]) -> Many:
    """Several values on one link; lists among them are taken apart."""
    flat: list[Any] = []
    for value in values:
        flat.extend(value) if isinstance(value, Many) else flat.append(value)
    return Many(flat)
