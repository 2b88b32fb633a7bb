"""Loops: what stands between a start and an end is done again, each round going on with the values of the one before.

The body of a loop is every node that depends on the start and leads into the end. The nodes themselves are its first
round; for each further one the end expands into copies of them. What does not depend on the start is computed once, and
an output node that does not lead into the end belongs to the first round alone. Values are carried by link, so that
whatever there is — lists, models, values that block — passes from round to round as it is. Loops may stand in loops.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

from annotated_types import Ge, Le

from graph.around import Around
from graph.errors import GraphError
from graph.flow import Flow
from graph.node import Help, Hint, Lazy, node
from graph.result import Blocked, Expansion
from nodes.anything import Anything
from nodes.lists import item_of_list
from nodes.loop_body import Copies, body_of, named, outside
from nodes.numbered import numbered, series

FOR, FOR_EACH, WHILE = "easy forLoopStart", "ForEachStart", "easy whileLoopStart"

MOST = 19
FOR_VALUES = range(1, MOST + 1)
WHILE_VALUES = range(MOST + 1)
MOST_ROUNDS = 10_000

Carried = Annotated[Anything | None, Lazy(), series("initial_value")]


@dataclass(frozen=True)
class LoopFlow:
    """What the start of a loop tells its end. index: which round begins there; total: how many there shall be, None
    where that turns out on the way. goes: whether there is a first round at all.
    """

    wire: ClassVar[str] = "FLOW_CONTROL"
    index: int = 0
    total: int | None = None
    goes: bool = True


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


@node("easy forLoopStart", category="utils/loop", title="For Loop Start", needs=_nothing)
@numbered("initial_value", FOR_VALUES, Carried)
def start_for(
    total: Annotated[int, Ge(0), Le(100_000), Help("How many rounds.")] = 1, *, around: Around, **initial: Any
) -> Expansion[ForLoop]:
    """Begin a loop with a number of rounds. `index` counts them from 0; each value begins as its initial value."""
    flow = LoopFlow(total=total, goes=total > 0)
    return Expansion(Flow(), {"flow": flow, "index": 0, **_begun(around, initial, FOR_VALUES, goes=flow.goes)})


@node("ForEachStart", category="utils/loop", title="For Each Start", needs=_nothing)
@numbered("initial_value", FOR_VALUES, Carried)
def start_for_each(
    items: Annotated[list[Anything], Help("A round for each of them.")], *, around: Around, **initial: Any
) -> Expansion[ForEach]:
    """Begin a loop over a list, to be ended by a For Loop End: each round gets one `item` and its `index` from 0.

    Where no round needs the values of the one before, no loop is needed: what a list is connected to runs for each.
    """
    flow = LoopFlow(total=len(items), goes=bool(items))
    item = items[0] if items else Blocked("The list of the loop is empty.")
    values = _begun(around, initial, FOR_VALUES, goes=flow.goes)
    return Expansion(Flow(), {"flow": flow, "index": 0, "item": item, **values})


@node("easy forLoopEnd", category="utils/loop", title="For Loop End", needs=_nothing)
@numbered("initial_value", FOR_VALUES, Carried)
def end_for(flow: LoopFlow, *, around: Around, **values: Any) -> Expansion[ForResult]:
    """End a loop: what comes in is what the next round begins with, and after the last one the result.

    A value that is not connected here stays what it was at the start.
    """
    loop = _loop(around, values, FOR_VALUES, (FOR, FOR_EACH))
    if not flow.goes:
        return Expansion(Flow(), loop.initial())
    graph, body = Flow(), loop.body()
    carried = loop.first()
    for index in range(1, flow.total or 1):
        names = named([loop.start, *body], lambda name, index=index: f"{index}.{name}")
        given: dict[tuple[str, str], Any] = {(loop.start, "index"): index}
        given |= {(loop.start, f"value{number}"): value for number, value in carried.items()}
        if around.flat[loop.start].type == FOR_EACH:
            items = loop.into_start("items")
            given[loop.start, "item"] = graph.add(item_of_list, names[loop.start], values=items, index=index)[0]
        copies = Copies(around.flat, {node: names[node] for node in body}, given)
        for inner in body:
            copies.add(graph, inner)
        carried = loop.fed(copies, carried)
    return Expansion(graph, loop.result(carried))


@node("easy whileLoopStart", category="utils/loop", title="While Loop Start", needs=_nothing)
@numbered("initial_value", WHILE_VALUES, Carried)
def start_while(
    condition: Annotated[bool, Help("Whether there is a first round at all.")] = True,
    index: Annotated[int, Ge(0), Hint(hidden=True), Help("Which round begins here: the loop itself counts.")] = 0,
    *,
    around: Around,
    **initial: Any,
) -> Expansion[WhileLoop]:
    """Begin a loop that goes on while a condition holds at its end. Each value begins as its initial value."""
    values = _begun(around, initial, WHILE_VALUES, goes=condition)
    return Expansion(Flow(), {"flow": LoopFlow(index, goes=condition), "index": index, **values})


def _condition_if_begun(flow: LoopFlow) -> tuple[str, ...]:
    """Where there is no first round, there is nothing that could say whether there is a second one."""
    return ("condition",) if flow.goes else ()


@node("easy whileLoopEnd", category="utils/loop", title="While Loop End", needs=_condition_if_begun)
@numbered("initial_value", WHILE_VALUES, Carried)
def end_while(
    flow: LoopFlow,
    condition: Annotated[bool, Lazy(), Hint(forceInput=True), Help("Whether there is another round.")] = False,
    limit: Annotated[int, Ge(1), Le(MOST_ROUNDS), Help("How many rounds there may be; more are an error.")] = 100,
    *,
    around: Around,
    **values: Any,
) -> Expansion[WhileResult]:
    """End a loop: while the condition holds, another round begins with what comes in; then that is the result.

    A value that is not connected here stays what it was at the start.
    """
    loop = _loop(around, values, WHILE_VALUES, (WHILE,))
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
    for inner in body:
        copies.add(graph, inner)
    again = graph.add(end_while, names[around.node], **copies.inputs(around.node))
    after = {number: again[f"value{number}"] for number in carried}
    return Expansion(graph, loop.result(after), again=again)


@dataclass(frozen=True)
class _Loop:
    """A loop as its end sees it. start: the id of its start. values: settings of the end; numbers: of its values."""

    around: Around
    start: str
    values: Mapping[str, Any]
    numbers: range

    def body(self) -> tuple[str, ...]:
        """The nodes of a round."""
        return body_of(self.around.flat, self.start, [source for source, _ in self.around.links.values()])

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


def _loop(around: Around, values: Mapping[str, Any], numbers: range, starts: tuple[str, ...]) -> _Loop:
    """The loop that ends here. Raises GraphError where `flow` does not come straight from a start."""
    _alone(around)
    start, _ = around.links.get("flow", ("", ""))
    if start not in around.flat or around.flat[start].type not in starts:
        raise GraphError(f"Its input 'flow' must come straight from the output 'flow' of {_either(starts)}.")
    return _Loop(around, start, values, numbers)


def _begun(around: Around, initial: Mapping[str, Any], numbers: range, *, goes: bool) -> dict[str, Any]:
    """The values of the first round: what is connected or set, or nothing that may be used if there is none."""
    _alone(around)
    if not goes:
        return {f"value{number}": Blocked("The loop has no rounds.") for number in numbers}
    return {
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
