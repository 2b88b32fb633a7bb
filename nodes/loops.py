"""Loops: what stands between a start and an end is done again, each round going on with the values of the one before.

The body of a loop is every node that depends on the start and leads into the end, and every output node beside that
way — what saves or shows something of each round — with what leads there. The nodes themselves are its first round; for
each further one the end expands into copies of them. What does not depend on the start is computed once. Of a loop
without any round, nothing that depends on the start is run. Values are carried by link, so that whatever there is —
lists, models, values that block — passes from round to round as it is. Loops may stand in loops.

An end is computed where something needs what it gives; if its loop has output nodes beside the way, then whenever that
is so, even where all that is made from it is found. The files of its further rounds are its files, so its key covers
the output nodes beside the way, too, though it has no links to them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, NamedTuple

from annotated_types import Ge, Le

from graph.around import Around
from graph.errors import GraphError
from graph.flow import Flow
from graph.folders import Folders
from graph.node import Help, Hint, Lazy, node
from graph.output_folder import OutputFolder
from graph.record import Record
from graph.result import Blocked, Expansion
from nodes.anything import Anything
from nodes.lists import item_of_list
from nodes.loop_body import FLOW, Copies, LoopFlow, Structure, beside, body_of, named, outside, upstream
from nodes.numbered import numbered, series

FOR, FOR_EACH, WHILE = "easy forLoopStart", "ForEachStart", "easy whileLoopStart"
FOR_END, WHILE_END = "easy forLoopEnd", "easy whileLoopEnd"

MOST = 19
FOR_VALUES = range(1, MOST + 1)
WHILE_VALUES = range(MOST + 1)
MOST_ROUNDS = 10_000

Carried = Annotated[Anything | None, Lazy(), series("initial_value")]
Beside = Annotated[
    list[str] | None,
    Hint(hidden=True),
    Help("The names of the output nodes beside the way, in copies of a loop: the loop itself sets it."),
]


def _outputs(own: Mapping[str, Any], numbers: range) -> list[tuple[str, Any]]:
    return [*own.items(), *((f"value{number}", Anything) for number in numbers)]


ForLoop = NamedTuple("ForLoop", _outputs({"flow": LoopFlow, "index": int}, FOR_VALUES))
ForEach = NamedTuple("ForEach", _outputs({"flow": LoopFlow, "index": int, "item": Anything}, FOR_VALUES))
ForResult = NamedTuple("ForResult", _outputs({}, FOR_VALUES))
WhileLoop = NamedTuple("WhileLoop", _outputs({"flow": LoopFlow}, WHILE_VALUES) + [("index", int)])
WhileResult = NamedTuple("WhileResult", _outputs({}, WHILE_VALUES))


def _nothing() -> tuple[str, ...]:
    """Values are never computed for a start or an end: they pass by link."""
    return ()


@node(FOR, category="utils/loop", title="For Loop Start", needs=_nothing)
@numbered("initial_value", FOR_VALUES, Carried)
def start_for(
    total: Annotated[int, Ge(0), Le(100_000), Help("How many rounds.")] = 1, *, around: Around, **initial: Any
) -> Expansion[ForLoop]:
    """Begin a loop with a number of rounds. `index` counts them from 0; each value begins as its initial value."""
    flow = LoopFlow(total=total, goes=total > 0)
    return Expansion(Flow(), _begun(flow, around, initial, FOR_VALUES))


@node(FOR_EACH, category="utils/loop", title="For Each Start", needs=_nothing)
@numbered("initial_value", FOR_VALUES, Carried)
def start_for_each(
    items: Annotated[list[Anything], Help("A round for each of them.")], *, around: Around, **initial: Any
) -> Expansion[ForEach]:
    """Begin a loop over a list, to be ended by a For Loop End: each round gets one `item` and its `index` from 0.

    Where no round needs the values of the one before, no loop is needed: what a list is connected to runs for each.
    """
    flow = LoopFlow(total=len(items), goes=bool(items))
    item = items[0] if items else Blocked("The list of the loop is empty.")
    return Expansion(Flow(), {"item": item, **_begun(flow, around, initial, FOR_VALUES)})


def _what_is_beside(around: Around, beside: list[str] | None, files: Folders, output: OutputFolder | None) -> str:
    """What the output nodes beside the way do: the fingerprint of an end. Empty where there are none.

    files: to look into those that they name. output: where they save.
    """
    start, _ = around.links.get(FLOW, ("", ""))
    found = _beside(around, around.node, beside)
    if not found:
        return ""
    flat = around.flat
    # A copy has all of the rounds before it behind its start. What they are made of need not be walked through again.
    stop = start if beside is not None else ""
    covered = frozenset(upstream(flat, [source for source, _ in around.links.values()], lambda node: node == stop))
    folder = output.cache_key if output is not None else ""
    return f"{Structure(flat, around.catalogue, files, start, covered).of(found)} {folder}"


def _has_some_beside(around: Around) -> bool:
    """Where a round has output nodes beside the way, all rounds are wanted."""
    return bool(_beside(around, around.node, None))


@node(
    FOR_END,
    category="utils/loop",
    title="For Loop End",
    needs=_nothing,
    wanted=_has_some_beside,
    fingerprint=_what_is_beside,
)
@numbered("initial_value", FOR_VALUES, Carried)
def end_for(
    flow: LoopFlow, beside: Beside = None, *, around: Around, record: Record | None = None, **values: Any
) -> Expansion[ForResult]:
    """End a loop: what comes in is what the next round begins with, and after the last one the result.

    A value that is not connected here stays what it was at the start. Output nodes in the loop run in every round.
    """
    del record  # as its files are those of the output nodes, it depends on how much they tell
    loop = _loop(around, values, FOR_VALUES, (FOR, FOR_EACH), beside)
    if not flow.goes:
        return Expansion(Flow(), loop.initial())
    graph, body = Flow(), loop.body()
    carried, inner = loop.first(), loop.inner(body)
    for index in range(1, flow.total or 1):
        names = named([loop.start, *body], lambda name, index=index: f"{index}.{name}")
        given: dict[tuple[str, str], Any] = {(loop.start, "index"): index}
        given |= {(loop.start, f"value{number}"): value for number, value in carried.items()}
        if around.flat[loop.start].type == FOR_EACH:
            items = loop.into_start("items")
            given[loop.start, "item"] = graph.add(item_of_list, names[loop.start], values=items, index=index)[0]
        copies = Copies(around.flat, {node: names[node] for node in body}, given)
        for name in body:
            copies.add(graph, name, **_named_beside(inner.get(name), names))
        carried = loop.fed(copies, carried)
    return Expansion(graph, loop.result(carried))


@node(WHILE, category="utils/loop", title="While Loop Start", needs=_nothing)
@numbered("initial_value", WHILE_VALUES, Carried)
def start_while(
    condition: Annotated[bool, Help("Whether there is a first round at all.")] = True,
    index: Annotated[int, Ge(0), Hint(hidden=True), Help("Which round begins here: the loop itself counts.")] = 0,
    *,
    around: Around,
    **initial: Any,
) -> Expansion[WhileLoop]:
    """Begin a loop that goes on while a condition holds at its end. Each value begins as its initial value."""
    return Expansion(Flow(), _begun(LoopFlow(index, goes=condition), around, initial, WHILE_VALUES))


def _condition_if_begun(flow: LoopFlow) -> tuple[str, ...]:
    """Where there is no first round, there is nothing that could say whether there is a second one."""
    return ("condition",) if flow.goes else ()


@node(
    WHILE_END,
    category="utils/loop",
    title="While Loop End",
    needs=_condition_if_begun,
    wanted=_has_some_beside,
    fingerprint=_what_is_beside,
)
@numbered("initial_value", WHILE_VALUES, Carried)
def end_while(
    flow: LoopFlow,
    condition: Annotated[bool, Lazy(), Hint(forceInput=True), Help("Whether there is another round.")] = False,
    limit: Annotated[int, Ge(1), Le(MOST_ROUNDS), Help("How many rounds there may be; more are an error.")] = 100,
    beside: Beside = None,
    *,
    around: Around,
    record: Record | None = None,
    **values: Any,
) -> Expansion[WhileResult]:
    """End a loop: while the condition holds, another round begins with what comes in; then that is the result.

    A value that is not connected here stays what it was at the start. Output nodes in the loop run in every round.
    """
    del record  # as its files are those of the output nodes, it depends on how much they tell
    loop = _loop(around, values, WHILE_VALUES, (WHILE,), beside)
    if not flow.goes:
        return Expansion(Flow(), loop.initial())
    carried = loop.first()
    if not condition:
        return Expansion(Flow(), loop.result(carried))
    if flow.index + 1 >= limit:
        raise GraphError(
            f"The loop that begins at '{loop.start}' has gone {limit} rounds and its condition still holds. "
            f"Raise the limit of '{around.node}', or make the condition become false."
        )
    body, graph = loop.body(), Flow()
    names = named([loop.start, *body, around.node])
    copies = Copies(around.flat, names, {})
    begin = {f"initial_value{number}": value for number, value in carried.items()}
    graph.add(start_while, names[loop.start], condition=True, index=flow.index + 1, **begin)
    inner = loop.inner(body)
    for name in body:
        copies.add(graph, name, **_named_beside(inner.get(name), names))
    own = {**copies.inputs(around.node), **_named_beside(loop.beside, names)}
    again = graph.add(end_while, names[around.node], **own)
    after = {number: again[f"value{number}"] for number in carried}
    return Expansion(graph, loop.result(after), again=again)


@dataclass(frozen=True)
class _Loop:
    """A loop as its end sees it. start: the id of its start. values: settings of the end; numbers: of its values.
    beside: the output nodes beside the way.
    """

    around: Around
    start: str
    values: Mapping[str, Any]
    numbers: range
    beside: tuple[str, ...]

    def body(self) -> tuple[str, ...]:
        """The nodes of a round."""
        leading = (source for source, _ in self.around.links.values())
        return body_of(self.around.flat, self.start, [*self.beside, *leading])

    def inner(self, body: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The ends of loops in this one, each with the output nodes beside its way."""
        flat = self.around.flat
        return {
            node: _beside(self.around, node, flat[node].settings.get("beside"))
            for node in body
            if flat[node].type in (FOR_END, WHILE_END)
        }

    def first(self) -> dict[int, Any]:
        """What the first round hands on, which is the nodes themselves; only of values that are in use."""
        begin = self.around.flat[self.start]
        there = {*begin.links, *begin.settings, *self.around.links, *self.values}
        used = [number for number in self.numbers if f"initial_value{number}" in there]
        return self.fed(
            Copies(self.around.flat, {}, {}), {number: outside(self.start, f"value{number}") for number in used}
        )

    def fed(self, copies: Copies, before: Mapping[int, Any]) -> dict[int, Any]:
        """What a round hands on, by number. before: what it began with."""
        after = dict(before)
        for number in before:
            name = f"initial_value{number}"
            if name in self.around.links:
                after[number] = copies.linked(*self.around.links[name])
            elif self.values.get(name) is not None:
                after[number] = self.values[name]
        return after

    def result(self, carried: Mapping[int, Any]) -> dict[str, Any]:
        """The outputs of the end; nothing for values that are not in use."""
        return {f"value{number}": carried.get(number) for number in self.numbers}

    def initial(self) -> dict[str, Any]:
        """The result of no round at all: what went into the start."""
        return {f"value{number}": self.into_start(f"initial_value{number}") for number in self.numbers}

    def into_start(self, name: str) -> Any:
        """What the start has at one of its inputs: a link, or a setting."""
        begin = self.around.flat[self.start]
        return outside(*begin.links[name]) if name in begin.links else begin.settings.get(name)


def _loop(
    around: Around, values: Mapping[str, Any], numbers: range, starts: tuple[str, ...], names: list[str] | None
) -> _Loop:
    """The loop that ends here. names: of the output nodes beside its way, where that is known.

    Raises GraphError where `flow` does not come straight from a start.
    """
    _alone(around)
    start, _ = around.links.get(FLOW, ("", ""))
    if start not in around.flat or around.flat[start].type not in starts:
        raise GraphError(f"Its input 'flow' must come straight from the output 'flow' of {_either(starts)}.")
    return _Loop(around, start, values, numbers, _beside(around, around.node, names))


def _beside(around: Around, end: str, names: list[str] | None) -> tuple[str, ...]:
    """The output nodes beside the way of a loop. names: the last parts of their paths, in a copy of the loop."""
    flat = around.flat
    if names is not None:
        folder = end.rpartition("/")[0]
        return tuple(f"{folder}/{name}" for name in names if f"{folder}/{name}" in flat)

    @cache
    def is_output(type_id: str) -> bool:
        spec = around.catalogue.spec(type_id)
        return spec is not None and spec.output

    start, _ = flat[end].links.get(FLOW, ("", ""))
    return beside(flat, start, end, is_output) if start in flat else ()


def _named_beside(nodes: Iterable[str] | None, names: Mapping[str, str]) -> dict[str, Any]:
    """The setting of a copied end that names the output nodes beside its way, of those that are copied with it."""
    return {} if nodes is None else {"beside": [names[node] for node in nodes if node in names]}


def _begun(flow: LoopFlow, around: Around, initial: Mapping[str, Any], numbers: range) -> dict[str, Any]:
    """What the first round begins with: what is connected or set, or nothing that may be used if there is none."""
    _alone(around)
    if not flow.goes:
        nothing = Blocked("The loop has no rounds.")
        return {"flow": flow, "index": nothing, **{f"value{number}": nothing for number in numbers}}
    return {"flow": flow, "index": flow.index} | {
        f"value{number}": outside(*around.links[name]) if name in around.links else initial.get(name)
        for number in numbers
        for name in [f"initial_value{number}"]
    }


def _alone(around: Around) -> None:
    """Raises GraphError where this is one call of several, for a list that came where one value is taken."""
    if around.node not in around.flat:
        raise GraphError("A loop takes one number of rounds or one condition, but got a list of several.")


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(f"'{name}'" for name in names)
