"""How a graph grows while it runs: a node becomes a graph of its own, or one call for each of many values."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from graph.around import Around, around_of
from graph.cache import NOTHING, Entry
from graph.call import several, values_of
from graph.document import Link
from graph.errors import GraphError
from graph.files import SavedFiles
from graph.flat import Flat, FlatNode
from graph.flow import Added
from graph.keys import TypeKey
from graph.kind import Kind, Kinds
from graph.node import NodeType
from graph.order import ordered
from graph.result import Blocked, Expansion, many
from graph.settings import is_plain, takes_settings
from graph.spec import ANY, NodeSpec, OutputSpec
from graph.text import listing, nearest
from graph.work import Work, work_of

if TYPE_CHECKING:
    from graph.plan import Plan

T = TypeVar("T")

VALUE = "(value)"
"""The type of the nodes that stand for values which a node has put into its expansion."""

LARGEST = 200_000
"""Tasks a run may have. A loop that never ends reaches it in minutes."""

DEEPEST = 500
"""How many expansions may stand inside each other."""

Digest = Callable[[object], str | None]


@dataclass(frozen=True, slots=True)
class Growth:
    """What a node has grown into.

    outputs: for each of its outputs a value, or a reference to one that is not there yet, or a list of them. content:
    its key by the contents of its inputs, or "". calls: how many calls it was mapped into; None for an expansion.
    """

    outputs: tuple[Any, ...] = ()
    shown: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    content: str = ""
    calls: int | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """An output of a node of the run."""

    node: str
    index: int


def referred(outputs: Sequence[Any]) -> Iterator[Reference]:
    """All references in the outputs of what a node has grown into."""
    for item in outputs:
        if isinstance(item, Reference):
            yield item
        elif isinstance(item, list):
            yield from referred(item)


def resolved(work: Work, outputs: Sequence[Any], value_of: Callable[[Reference], Any]) -> tuple[Any, ...]:
    """The outputs with values in place of references. Raises GraphError where one that is declared a list is none."""
    values = []
    for declared, item in zip(work.kind.spec.outputs, outputs, strict=True):
        if isinstance(item, Reference):
            value = value_of(item)
            values.append(many([value]) if declared.list and not isinstance(value, Blocked) else value)
        elif isinstance(item, list) and any(referred(item)):
            found = [value_of(one) if isinstance(one, Reference) else one for one in item]
            values.append(many(found) if declared.list else found)
        else:
            values.append(several(declared.name, item) if declared.list else item)
    return tuple(values)


@dataclass(frozen=True)
class Grown:
    """The nodes of an expansion. flat: by id. works: in order, each after what it needs. values: the entries of those
    that stand for values. again: the id of the node that goes on with the loop.
    """

    flat: Flat
    works: dict[str, Work]
    values: dict[str, Entry]
    outputs: tuple[Any, ...]
    again: str | None
    turn: int


@dataclass
class Growing:
    """Turns expansions into works.

    works, flat: all of the run so far, by id. digest: of a value's content, if it has one. turns: of nodes that go on
    with a loop: its path, and which turn of it they are.
    """

    works: Mapping[str, Work]
    flat: Mapping[str, FlatNode]
    plan: Plan
    digest: Digest
    turns: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def kinds(self) -> Kinds:
        """The node types."""
        return self.plan.kinds

    def grown(self, work: Work, expansion: Expansion[Any], arguments: Mapping[str, Any]) -> Grown:
        """What a node has expanded into. arguments: what it was called with, as far as that came by links.

        Raises GraphError where the expansion is no graph that can run.
        """
        loop, turn = self.turns.get(work.node, (work.node, 1))
        prefix = loop if turn == 1 else f"{loop}/{turn}"
        paths = {name: f"{prefix}/{name}" for name in expansion.flow.nodes}
        for path in paths.values():
            if path in self.works:
                raise GraphError(f"It has expanded into two nodes of one name, '{path}'. Give each its own.")
        if len(self.works) + len(paths) > LARGEST:
            raise GraphError(f"The run has grown beyond {LARGEST:,} nodes here. Is this a loop that never ends?")
        known = {
            id(arguments[name]): Link(f"/{source}", list(self.works[source].kind.outputs)[index])
            for name, source, _, index in work.links
            if not isinstance(arguments.get(name), int | float | str | bool | list | None)
        }
        values: dict[str, Entry] = {}
        flat: Flat = {}
        for name, node in expansion.flow.nodes.items():
            flat[paths[name]] = self._flat_node(paths, name, node.type, node.inputs, known, values)
        inner = {
            path: FlatNode(path, node.type, NOTHING, {key: link for key, link in node.links.items() if link[0] in flat})
            for path, node in flat.items()
        }
        works = {path: value_work(path, self.digest(entry.outputs[0])) for path, entry in values.items()}
        view, whole = _Both(works, self.works), _Both(flat, self.flat)

        def around(node: FlatNode) -> Around:
            return around_of(node.id, node.links, whole, self.plan)

        for path in ordered(inner, list(inner), lambda node: self.kinds.of(node).loads):
            works[path] = work_of(flat[path], view, self.kinds, around)
        again = paths[str(expansion.again)] if expansion.again is not None else None
        outputs = values_of(work, self._linked(expansion.value, paths, view))
        return Grown(flat, works, values, outputs, again, turn + 1)

    def go_on(self, node: str, grown: Grown) -> None:
        """Note that a node of an expansion goes on with the loop of the node that expanded."""
        loop, _ = self.turns.get(node, (node, 1))
        if grown.again is not None:
            self.turns[grown.again] = (loop, grown.turn)

    def _flat_node(
        self,
        paths: Mapping[str, str],
        name: str,
        type_id: str,
        inputs: Mapping[str, Any],
        known: Mapping[int, Link],
        values: dict[str, Entry],
    ) -> FlatNode:
        path = paths[name]
        spec = self.kinds.spec(type_id)
        settings: dict[str, Any] = {}
        links: dict[str, tuple[str, str]] = {}
        for key, value in inputs.items():
            item = spec.input(key) if spec is not None else None
            value = known.get(id(value), value)
            if isinstance(value, Link):
                links[key] = (self._place(value, paths, name, key), value.output)
            elif item is not None and takes_settings(item) and is_plain(value):
                settings[key] = value
            else:
                values[f"{path}#{key}"] = Entry((value,))
                links[key] = (f"{path}#{key}", "value")
        return FlatNode(path, spec.type if spec is not None else type_id, settings, links)

    def _place(self, link: Link, paths: Mapping[str, str], name: str, key: str) -> str:
        """The id in the run of the node a link comes from."""
        if link.node.startswith("/"):
            place = link.node[1:]
            if place in self.works:
                return place
        elif link.node in paths:
            return paths[link.node]
        close = nearest(link.node, paths)
        hint = f" Did you mean '{close}'?" if close else ""
        raise GraphError(
            f"Its expansion links input '{key}' of '{name}' to the node '{link.node}', which is not there.{hint}"
        )

    def _linked(self, value: Any, paths: Mapping[str, str], works: Mapping[str, Work]) -> Any:
        """The outputs of an expansion, with references in place of links."""

        def reference(item: Any) -> Any:
            if isinstance(item, Added):
                item = item[0]
            if isinstance(item, list) and any(isinstance(one, Link | Added) for one in item):
                return [reference(one) for one in item]
            if not isinstance(item, Link):
                return item
            place = self._place(item, paths, "its outputs", item.output)
            index = works[place].kind.outputs.get(item.output)
            if index is None:
                outputs = listing(works[place].kind.outputs)
                raise GraphError(f"Its expansion gives the output '{item.output}' of '{place}', which has {outputs}.")
            return Reference(place, index)

        if isinstance(value, Link | Added):
            return reference(value)
        if isinstance(value, Mapping):
            return {name: reference(item) for name, item in value.items()}
        if isinstance(value, tuple):
            items = [reference(item) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        return value


class _Both(Mapping[str, T]):
    """What there is of an expansion, before what there is of the run."""

    def __init__(self, inner: Mapping[str, T], outer: Mapping[str, T]) -> None:
        self._inner, self._outer = inner, outer

    def __getitem__(self, node: str) -> T:
        return self._inner[node] if node in self._inner else self._outer[node]

    def __iter__(self):  # noqa: ANN204 — of Mapping
        yield from {**self._outer, **self._inner}

    def __len__(self) -> int:
        return len({**self._outer, **self._inner})


def call_of(work: Work, turn: int, values: Mapping[str, Any], digest: Digest) -> Work:
    """The work of one call of a mapped node: what its inputs hold in that turn is part of it."""
    held = {name: digest(value) for name, value in values.items()}
    key = uuid.uuid4().hex
    if all(held.values()):
        # `content_key` finds what other graphs have computed; this key only tells the calls of this run apart.
        key = work.kind.key.of(
            {}, {name: (f"call:{value}", "") for name, value in held.items()}, {}, f"{work.key} {turn}"
        )
    return work._replace(node=f"{work.node}/{turn}", key=key, lasting=False)


def gathered(entries: Sequence[Entry], outputs: int) -> Entry:
    """The result of a mapped node from the results of its calls."""
    kinds = {entry.saved.kind for entry in entries if entry.saved is not None}
    kind = next(iter(kinds), "") if len(kinds) == 1 else "output"  # of pictures and previews, pictures are kept
    saving = [(entry.saved, entry.stamps) for entry in entries if entry.saved is not None and entry.saved.kind == kind]
    return Entry(
        tuple(many(entry.outputs[index] for entry in entries) for index in range(outputs)),
        saved=SavedFiles(tuple(path for files, _ in saving for path in files.paths), kind) if saving else None,
        stamps=tuple(stamp for _, stamps in saving for stamp in stamps),
        shown=merged([entry.shown for entry in entries]),
    )


def merged(shown: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What several calls show, name by name; lists one after the other."""
    result: dict[str, Any] = {}
    for item in shown:
        for name, value in item.items():
            if isinstance(result.get(name), list) and isinstance(value, list):
                result[name] = [*result[name], *value]
            else:
                result[name] = value
    return result


def value_work(path: str, digest: str | None) -> Work:
    """The work that stands for a value which is there already."""
    kind = _value_kind()
    key = kind.key.of({}, {"value": (digest, "")}, {}) if digest else uuid.uuid4().hex
    return Work(
        path, kind, key, {}, (), {}, "", "" if digest else "it holds a value that cannot be compared", bool(digest)
    )


@cache
def _value_kind() -> Kind:
    spec = NodeSpec(
        type=VALUE, title="Value", category="", help="A value.", outputs=(OutputSpec(name="value", type=ANY),)
    )
    return Kind(
        spec=spec,
        type=NodeType(spec, lambda: None),
        key=TypeKey(VALUE, ""),
        inputs={},
        required=frozenset(),
        defaults={},
        outputs={"value": 0},
        sources={},
        plain={},
        whole=frozenset(),
        lazy=frozenset(),
        lane="cpu",
        cuts=False,
        loads=False,
        asks=(),
        needs=(),
    )
