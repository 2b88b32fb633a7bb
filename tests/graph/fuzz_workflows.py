"""Random workflows of the fuzz nodes, and what they give by a reference that knows no threads, caches or schedules.

The reference takes the semantics literally: to know a node's outputs, know those of the nodes it is linked to, first.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.graph import fuzz_nodes as fuzz
from tests.graph.fuzz_nodes import SIZE, Fresh, Given, Ref, Sub

Inputs = dict[str, Any]
Nodes = dict[str, tuple[str, Inputs]]
"""Node id → type and inputs: numbers, or `Ref`."""


@dataclass(frozen=True)
class Shape:
    """What the reference knows of a node type. links: input → "one", "list" or "lazy". settings: input → default."""

    links: Mapping[str, str]
    outputs: tuple[str, ...] = ("TOKEN",)
    lists: tuple[str, ...] = ()
    settings: Mapping[str, int] = field(default_factory=dict)
    optional: tuple[str, ...] = ()
    output: bool = False


SHAPES = {
    "FzNumber": Shape({}, settings={"value": 0}),
    "FzLoose": Shape({}, settings={"value": 0}),
    "FzMix": Shape({"a": "one", "b": "one"}, settings={"c": 0}, optional=("b",)),
    "FzParity": Shape({"a": "one"}),
    "FzFrail": Shape({"a": "one"}, settings={"c": 0}),
    "FzSpread": Shape({"a": "one"}, lists=("TOKEN",), settings={"most": 3}),
    "FzTotal": Shape({"items": "list", "offset": "one"}, ("total", "parts"), ("parts",), optional=("offset",)),
    "FzPick": Shape({"which": "one", "yes": "lazy", "no": "lazy"}, optional=("yes", "no")),
    "FzFollow": Shape({"a": "lazy", "b": "lazy", "c": "lazy"}, optional=("a", "b", "c")),
    "FzGate": Shape({"a": "one"}, settings={"c": 0}),
    "FzTree": Shape({"a": "one"}, settings={"depth": 2}),
    "FzLoop": Shape({"value": "one"}, ("one", "other"), settings={"rounds": 3}),
    "FzBatch": Shape({"a": "one"}, ("one", "several"), ("several",)),
    "FzReach": Shape({"a": "one"}),
    "FzNap": Shape({"a": "one", "b": "one"}, optional=("b",)),
    "FzSteps": Shape({"a": "one"}, settings={"n": 3}),
    "FzSleep": Shape({"a": "one"}),
    "FzTide": Shape({}, settings={"value": 0}),
    "FzTideOf": Shape({"a": "one"}),
    "FzNews": Shape({"a": "one"}),
    "FzOwn": Shape({"a": "one"}),
    "FzWrite": Shape({"a": "one"}, (), output=True),
    "FzWriteOn": Shape({"a": "one"}, output=True),
    "FzKeep": Shape({"a": "one", "b": "one"}, (), optional=("b",), output=True),
}

SETTINGS = {"value": 60, "c": 5, "most": 4, "depth": 4, "rounds": 6, "n": 4}
"""Settings are below these."""


# What workflows give


@dataclass(frozen=True)
class Shut:
    """A blocked value."""

    reason: str


@dataclass(frozen=True)
class Several:
    """Several values on one link."""

    items: tuple[Any, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a node: "finished", "failed" or "blocked". files: what is in those that came of it, in order."""

    state: str
    outputs: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()


class Broken(Exception):
    """A node has failed."""


FAILED = Outcome("failed")


class Reference:
    """Gives what becomes of the nodes of one graph. given: what the node that became this graph was called with."""

    def __init__(
        self, nodes: Mapping[str, tuple[str, Mapping[str, Any]]], tide: int, outer: "Reference | None" = None,
        given: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.nodes = nodes
        self.tide = tide
        self.outer = outer
        self.given = given or {}
        self.known: dict[str, Outcome] = {}

    def of(self, name: str) -> Outcome:
        """What becomes of a node."""
        if name not in self.known:
            try:
                self.known[name] = self._made(name)
            except Broken:
                self.known[name] = FAILED
        return self.known[name]

    def value(self, item: Any) -> Any:
        """What a link brings. Raises Broken where that has failed."""
        match item:
            case Given(name):
                return self.given[name]
            case Fresh(n):
                return n % SIZE
        if item.name.startswith("/"):
            return self._root().value(Ref(item.name[1:], item.output))
        outcome = self.of(item.name)
        if outcome.state == "failed":
            raise Broken
        return outcome.outputs[item.output]

    def _root(self) -> "Reference":
        return self if self.outer is None else self.outer._root()

    def _made(self, name: str) -> Outcome:
        type_id, inputs = self.nodes[name]
        shape = SHAPES[type_id]
        settings = {**shape.settings, **{key: item for key, item in inputs.items() if key in shape.settings}}
        links = {key: item for key, item in inputs.items() if key in shape.links}
        open_inputs = {key for key in links if shape.links[key] == "lazy"}
        while True:
            values = {key: self.value(item) for key, item in links.items() if key not in open_inputs}
            shut = self._shut(values, shape)
            if shut is not None:
                return Outcome("blocked", dict.fromkeys(shape.outputs, shut))
            calls = _calls(values, shape)
            wanted = set[str]()
            for call in calls or []:
                if not any(isinstance(value, Shut) for value in call.values()):
                    wanted |= _wanted(type_id, call) & open_inputs
            if not wanted:
                break
            open_inputs -= wanted
        if not any(isinstance(value, Several) and shape.links[key] != "list" for key, value in values.items()):
            return self._called(type_id, name, {**settings, **values})
        outcomes = [
            Outcome("blocked", dict.fromkeys(shape.outputs, shut))
            if (shut := self._shut(call, shape)) is not None
            else self._called(type_id, name, {**settings, **call})
            for call in calls
        ]
        outputs = {key: _flat(outcome.outputs[key] for outcome in outcomes) for key in shape.outputs}
        return Outcome("finished", outputs, tuple(file for outcome in outcomes for file in outcome.files))

    def _shut(self, values: Mapping[str, Any], shape: Shape) -> Shut | None:
        for key, value in values.items():
            whole = value.items if isinstance(value, Several) and shape.links[key] == "list" else (value,)
            for item in whole:
                if isinstance(item, Shut):
                    return item
        return None

    def _called(self, type_id: str, name: str, values: dict[str, Any]) -> Outcome:
        """One call. Raises Broken."""
        if type_id in GRAPHS:
            return self._expanded(GRAPHS[type_id](self, name, values), values)
        found = MEANINGS[type_id](self, values)
        shape = SHAPES[type_id]
        files = (str(values["a"]),) if type_id in ("FzWrite", "FzWriteOn") else ()
        return Outcome("finished", dict(zip(shape.outputs, found, strict=True)), files)

    def _expanded(self, sub: Sub, values: Mapping[str, Any]) -> Outcome:
        inner = Reference(sub.nodes, self.tide, self, values)
        outputs = {key: inner.value(item) for key, item in sub.outputs.items()}
        used = {item.name for item in sub.outputs.values() if isinstance(item, Ref) and not item.name.startswith("/")}
        used |= {key for key, (type_id, _) in sub.nodes.items() if SHAPES[type_id].output}
        outcomes = [inner.of(key) for key in sub.nodes if key in used]
        if FAILED in outcomes:
            raise Broken
        return Outcome("finished", outputs, tuple(file for outcome in outcomes for file in outcome.files))


def _calls(values: Mapping[str, Any], shape: Shape) -> list[dict[str, Any]]:
    several = {key: len(value.items) for key, value in values.items() if _is_mapped(key, value, shape)}
    count = (max(several.values()) if all(several.values()) else 0) if several else 1
    return [
        {key: _at(value, turn) if key in several else value for key, value in values.items()} for turn in range(count)
    ]


def _at(value: Several, turn: int) -> Any:
    return value.items[min(turn, len(value.items) - 1)]


def _is_mapped(key: str, value: Any, shape: Shape) -> bool:
    return isinstance(value, Several) and shape.links[key] != "list"


def _flat(values: Any) -> Several:
    items: list[Any] = []
    for value in values:
        items.extend(value.items if isinstance(value, Several) else [value])
    return Several(tuple(items))


def _wanted(type_id: str, call: Mapping[str, Any]) -> set[str]:
    if type_id == "FzPick":
        return {"yes" if call["which"] % 2 else "no"}
    if type_id == "FzFollow":
        a, b = call.get("a"), call.get("b")
        if a is None:
            return {"a"}
        if a % 2 and b is None:
            return {"b"}
        return {"c"} if b is not None and b % 3 else set()
    return set()


def _frail(reference: Reference, v: Mapping[str, Any]) -> tuple[Any, ...]:
    if (v["a"] + v["c"]) % 4 == 0:
        raise Broken
    return ((v["a"] + v["c"]) % SIZE,)


def _nap(reference: Reference, v: Mapping[str, Any]) -> tuple[Any, ...]:
    if v["a"] % 9 == 0:
        raise Broken
    return ((v["a"] + v.get("b", 0)) % SIZE,)


def _total(reference: Reference, v: Mapping[str, Any]) -> tuple[Any, ...]:
    items = v["items"].items if isinstance(v["items"], Several) else (v["items"],)
    return (sum(items) + v.get("offset", 0)) % SIZE, Several(tuple(items))


MEANINGS: dict[str, Callable[[Reference, Mapping[str, Any]], tuple[Any, ...]]] = {
    "FzNumber": lambda r, v: (v["value"],),
    "FzLoose": lambda r, v: (v["value"],),
    "FzMix": lambda r, v: ((v["a"] * 3 + v.get("b", 0) * 5 + v["c"]) % SIZE,),
    "FzParity": lambda r, v: (v["a"] % 2,),
    "FzFrail": _frail,
    "FzSpread": lambda r, v: (Several(tuple((v["a"] + i) % SIZE for i in range(v["a"] % (v["most"] + 1)))),),
    "FzTotal": _total,
    "FzPick": lambda r, v: (v.get("yes" if v["which"] % 2 else "no", 0),),
    "FzFollow": lambda r, v: (sum((i + 1) * v[key] for i, key in enumerate("abc") if key in v) % SIZE,),
    "FzGate": lambda r, v: (Shut(f"{v['a']} is shut out") if (v["a"] + v["c"]) % 3 == 0 else v["a"],),
    "FzNap": _nap,
    "FzSteps": lambda r, v: (v["a"] * v["n"] % SIZE,),
    "FzSleep": lambda r, v: ((v["a"] + 1) % SIZE,),
    "FzTide": lambda r, v: ((v["value"] + r.tide) % SIZE,),
    "FzTideOf": lambda r, v: ((v["a"] + r.tide) % SIZE,),
    "FzNews": lambda r, v: ((v["a"] + 5) % SIZE,),
    "FzOwn": lambda r, v: ((v["a"] + 2) % SIZE,),
    "FzWrite": lambda r, v: (),
    "FzWriteOn": lambda r, v: ((v["a"] + 1) % SIZE,),
    "FzKeep": lambda r, v: (),
}


def _reach(reference: Reference, name: str, v: Mapping[str, Any]) -> Sub:
    source = reference.nodes[name][1]["a"]
    farther = sorted((key, item) for key, item in reference.nodes[source.name][1].items() if isinstance(item, Ref))
    return fuzz.reach_of(Ref("/" + farther[0][1].name, farther[0][1].output) if farther else None)


def _token(n: int) -> Any:
    return type("Number", (), {"n": n})


GRAPHS: dict[str, Callable[[Reference, str, Mapping[str, Any]], Sub]] = {
    "FzTree": lambda r, name, v: fuzz.tree_of(_token(v["a"]), v["depth"]),
    "FzLoop": lambda r, name, v: fuzz.loop_of(_token(v["value"]), v["rounds"]),
    "FzBatch": lambda r, name, v: fuzz.batch_of(_token(v["a"])),
    "FzReach": _reach,
}


# Random workflows


@dataclass
class Sketch:
    """A workflow in the making. most: how many values may come of an output, at most; links that would bring more are
    not drawn.
    """

    chance: random.Random
    nodes: Nodes = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    size: int = 12

    def grow(self, count: int) -> None:
        """Add so many nodes."""
        for _ in range(count):
            self.add()
        if not any(SHAPES[type_id].output for type_id, _ in self.nodes.values()):
            self.add("FzKeep")

    def add(self, type_id: str = "") -> None:
        """One more node; sometimes a twin of one there is."""
        name = f"n{len(self.nodes)}"
        if self.nodes and self.chance.random() < 0.1:
            twin = self.chance.choice(list(self.nodes))
            self.nodes[name], self.most[name] = self.nodes[twin], self.most[twin]
            return
        if not type_id:
            sources = [key for key, shape in SHAPES.items() if not shape.links]
            type_id = self.chance.choice(sources if len(self.nodes) < 2 else list(SHAPES))
        shape = SHAPES[type_id]
        inputs: Inputs = {
            key: self.chance.randrange(SETTINGS[key]) for key in shape.settings if self.chance.random() < 0.8
        }
        names = list(shape.links)
        self.chance.shuffle(names)
        factor = 4 if type_id in ("FzSpread", "FzBatch") else 1
        for key in names:
            if key in shape.optional and self.chance.random() < 0.3:
                continue
            origin = self.origin(self.size if shape.links[key] == "list" else self.size // factor)
            if origin is not None:
                inputs[key] = origin
        if any(key not in inputs for key in shape.links if key not in shape.optional):
            self.add(self.chance.choice(["FzNumber", "FzTide", "FzLoose"]))
            return
        mapped = [self.most[item.name] for key, item in inputs.items() if shape.links.get(key) in ("one", "lazy")]
        whole = [self.most[item.name] for key, item in inputs.items() if shape.links.get(key) == "list"]
        self.nodes[name] = (type_id, inputs)
        self.most[name] = max([1, *mapped]) * factor * max([1, *whole])
        if type_id == "FzReach":
            source = self.nodes[inputs["a"].name][1].values()
            self.most[name] *= max([1, *(self.most[item.name] for item in source if isinstance(item, Ref))])

    def origin(self, most: int) -> Ref | None:
        """An output to link to, of a late node rather than of an early one."""
        found = [
            name for name, (type_id, _) in self.nodes.items() if SHAPES[type_id].outputs and self.most[name] <= most
        ]
        if not found:
            return None
        late = found[-6:] if self.chance.random() < 0.7 else found
        name = self.chance.choice(late)
        return Ref(name, self.chance.choice(SHAPES[self.nodes[name][0]].outputs))


def sketched(chance: random.Random) -> Nodes:
    """A random workflow."""
    sketch = Sketch(chance)
    sketch.grow(chance.choice([3, 6, 10, 15, 25, 40]))
    return sketch.nodes


def changed(nodes: Nodes, chance: random.Random) -> Nodes:
    """The same with one setting changed, or a link that leads elsewhere, or a few nodes more."""
    result = {name: (type_id, dict(inputs)) for name, (type_id, inputs) in nodes.items()}
    if chance.random() < 0.8:
        candidates = [name for name, (type_id, _) in result.items() if SHAPES[type_id].settings]
        if candidates:
            type_id, inputs = result[chance.choice(candidates)]
            key = chance.choice(list(SHAPES[type_id].settings))
            inputs[key] = chance.randrange(SETTINGS[key])
            return result
    sketch = Sketch(chance, result)
    sketch.most = dict.fromkeys(result, 12)
    sketch.grow(2)
    return result
