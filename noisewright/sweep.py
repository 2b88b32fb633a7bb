"""One workflow with every combination of the values of its varied inputs. What they share is computed once."""

import csv
import io
import math
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

from graph.catalogue import Catalogue
from graph.document import Link
from graph.ends import inputs_of
from graph.errors import GraphError, SettingError
from graph.events import Event
from graph.flat import flatten
from graph.overrides import input_named, value_of
from graph.spec import InputSpec
from graph.text import listing
from graph.workflow import Workflow
from noisewright.engine import Engine, Opened, Source

MOST_VALUES = 10_000
"""How many values one input may take."""

MOST_RUNS = 100_000
"""How many combinations there may be."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\.\.({_NUMBER})(?::({_NUMBER}))?\s*")


Varied = Mapping[str, Sequence[Any]]
"""Inputs and the values they take, in order; the last changes fastest. Named as for `set_inputs`."""


@dataclass(frozen=True)
class Row:
    """One run of a sweep.

    settings: of the varied inputs, by name. seeds: every seed that took part, by `node.input`. seconds: what this run
    took, without what it found computed already. evaluations: how many pictures networks were asked about. files: that
    it wrote. reused: nothing was left to compute. error: a sentence if it failed.
    """

    settings: Mapping[str, Any]
    seeds: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    evaluations: int = 0
    files: tuple[Path, ...] = ()
    reused: bool = False
    error: str = ""

    @property
    def seed(self) -> str:
        """The seed; where there are several, each with its place."""
        if len(set(self.seeds.values())) == 1:
            return str(next(iter(self.seeds.values())))
        return ", ".join(f"{place} {seed}" for place, seed in self.seeds.items())


Rows = Generator[Row, None, None]


def sweep(engine: Engine, source: Source, vary: Varied, listen: Callable[[Event], object] = lambda event: None) -> Rows:
    """Run every combination and give a row for each as soon as it is done.

    listen: is told what happens. All values are checked before the first run. A run that fails is a row with its error.
    Closing the iterator cancels. Raises GraphError for values that cannot be set, and InvalidWorkflow for those that
    cannot run.
    """
    opened = engine.open(source)
    _check(engine, opened, vary)
    engine.output.prepare()
    return _rows(engine, opened, vary, listen)


def values_of(workflow: Workflow, name: str, text: str, catalogue: Catalogue) -> tuple[Any, ...]:
    """The values that a text names for an input: `a,b,c`, quoted where one holds a comma; `@file`, one a line.

    Numbers may be a range: `1..5`, `0.5..1.0:0.1`, both ends included. name: as for `set_inputs`.
    Raises SettingError with one readable paragraph.
    """
    _, spec = input_named(workflow, name, catalogue)
    try:
        words = [word for item in _items(text) for word in _words(spec, item)]
    except ValueError as error:
        raise SettingError(f"The values of '{name}' cannot be read: {error}.") from error
    if not words:
        raise SettingError(f"No values are given for '{name}'. Write {name}=A,B,C.")
    if len(words) > MOST_VALUES:
        raise SettingError(f"'{name}' would take {len(words):,} values; at most {MOST_VALUES:,} are possible.")
    return tuple(value_of(spec, name, word) for word in words)


def seeds(workflow: Workflow, count: int, catalogue: Catalogue) -> tuple[str, tuple[int, ...]]:
    """The seed of a workflow by name, and `count` values for it, counting up from the one it has.

    Raises SettingError where it has no seed, or several.
    """
    name = _seed_input(workflow, catalogue)
    node_id, spec = input_named(workflow, name, catalogue)
    if not 1 <= count <= MOST_VALUES:
        raise SettingError(f"{count:,} seeds cannot be tried. Choose a number from 1 to {MOST_VALUES:,}.")
    first = workflow.nodes[node_id].inputs.get(spec.name, spec.default)
    start, end = (first if isinstance(first, int) else 0), int(spec.maximum or 2**64 - 1)
    return name, tuple((start + step) % (end + 1) for step in range(count))


def combinations(vary: Varied) -> int:
    """How many runs there will be."""
    return math.prod(map(len, vary.values()))


def target(workflow: Workflow, name: str, catalogue: Catalogue) -> tuple[str, str]:
    """The node and the input that a name stands for. Raises SettingError if there is none."""
    node_id, spec = input_named(workflow, name, catalogue)
    return node_id, spec.name


def _rows(engine: Engine, opened: Opened, vary: Varied, listen: Callable[[Event], object]) -> Rows:
    for values in product(*vary.values()):
        settings = dict(zip(vary, values, strict=True))
        try:
            at = engine.open(opened, settings=_literally(settings))
            with closing(engine.events(at)) as events:
                outcome = engine.finish(_told(events, listen))
        except GraphError as error:
            yield Row(settings, error=str(error))
            continue
        error = "" if outcome.failed is None else str(outcome.failed)
        made = _seeds(at.workflow, at.catalogue)
        yield Row(settings, made, outcome.seconds, outcome.evaluations, outcome.files, outcome.reused, error)


def _told(events: Iterable[Event], listen: Callable[[Event], object]) -> Iterator[Event]:
    for event in events:
        listen(event)
        yield event


def _check(engine: Engine, opened: Opened, vary: Varied) -> None:
    """Every value must be one that can run; each is tried with the first of the others, for files that are missing."""
    places: dict[tuple[str, str], str] = {}
    for name, values in vary.items():
        place = target(opened.workflow, name, opened.catalogue)
        if place in places:
            raise SettingError(f"'{places[place]}' and '{name}' are one input. Give all its values at once.")
        if not values:
            raise SettingError(f"No values are given for '{name}'.")
        places[place] = name
    if combinations(vary) > MOST_RUNS:
        raise SettingError(f"That would be {combinations(vary):,} runs; at most {MOST_RUNS:,} are possible.")
    first = {name: values[0] for name, values in vary.items()}
    for name, values in vary.items():
        for value in values:
            engine.open(opened, settings=_literally(first | {name: value}))


def _literally(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings for `set_inputs`, to which a leading @ would mean a file."""
    return {name: f"@{value}" if isinstance(value, str) and value.startswith("@") else value
            for name, value in settings.items()}  # fmt: skip


# Values, read


def _items(text: str) -> list[str]:
    """The values of a text, unquoted; those of a file, one a line."""
    if text.startswith("@") and not text.startswith("@@"):
        return _lines(text[1:])
    text = text[1:] if text.startswith("@@") else text
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ValueError(f'a quote is not closed, or more follows it ({error}); write "a, b",c') from error
    return [item for row in rows for item in row]


def _lines(name: str) -> list[str]:
    try:
        text = Path(name).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ValueError(f"the file '{name}' cannot be read: {reason}") from error
    return [line for line in text.splitlines() if line.strip()]


def _words(spec: InputSpec, item: str) -> Sequence[str]:
    """One value, or all values of a range of numbers."""
    if {"INT", "FLOAT"}.isdisjoint(spec.type.split(",")):
        return (item,)
    ends = _RANGE.fullmatch(item)
    return _range(item, *ends.groups()) if ends is not None else (item.strip(),)


def _range(text: str, first: str, last: str, step: str | None) -> Sequence[str]:
    """Both ends included; counted in decimals, so that 0.1 … 0.5 by 0.1 are five."""
    try:
        start, end, stride = Decimal(first), Decimal(last), abs(Decimal(step or 1))
        steps = abs(end - start) / stride
    except ZeroDivisionError as error:
        raise ValueError(f"the range '{text}' has a step of 0") from error
    except ArithmeticError as error:
        raise ValueError(f"'{text}' is no range; write FIRST..LAST or FIRST..LAST:STEP") from error
    if steps >= MOST_VALUES:
        raise ValueError(f"the range '{text}' has more than {MOST_VALUES:,} values")
    stride = stride if end >= start else -stride
    return [f"{start + stride * index:f}" for index in range(int(steps) + 1)]


# Seeds


def _is_seed(spec: InputSpec) -> bool:
    return bool(spec.hints.get("control_after_generate"))


def _seed_input(workflow: Workflow, catalogue: Catalogue) -> str:
    """The name of the one seed of a workflow: `seed` of its interface, or the only input that is one."""
    offered = [item.name for item in workflow.interface.inputs]
    if "seed" in offered:
        return "seed"
    found = [
        f"{node_id}.{spec.name}"
        for node_id, node in workflow.nodes.items()
        if not node.mode
        for spec in inputs_of(node, workflow, catalogue).values()
        if _is_seed(spec) and not isinstance(node.inputs.get(spec.name), Link)
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise SettingError("The workflow has no seed to vary.")
    raise SettingError(
        f"The workflow has {len(found)} seeds: {listing(found)}. Say which one varies, for example "
        f"--vary {found[0]}=1..4."
    )


def _seeds(workflow: Workflow, catalogue: Catalogue) -> dict[str, int]:
    """Every seed that is set in a workflow, by `node.input`, those inside subgraphs too."""
    found: dict[str, int] = {}
    for node in flatten(workflow, catalogue).values():
        spec = catalogue.spec(node.type)
        for item in spec.inputs if spec is not None else ():
            value = node.settings.get(item.name, item.default)
            if _is_seed(item) and item.name not in node.links and isinstance(value, int):
                found[f"{node.id}.{item.name}"] = value
    return found
