"""Node types for random workflows: each does little, at its own pace, and together they use all that the engine offers.

Every link carries a `Token`. What becomes a graph is described once, as a `Sub`, for the node and for the reference.
"""

import asyncio
import random
import threading
import time
import uuid
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, TypeVar

from graph.document import Link
from graph.files import SavedFiles
from graph.flow import Flow
from graph.folders import OutputFolder, atomic_write
from graph.node import Lazy, node
from graph.progress import Progress, Steps
from graph.result import Blocked, Expansion, Result

T = TypeVar("T")

SIZE = 1000
"""All numbers are below this."""


class Token:
    """A number that can be watched by a weak reference."""

    wire = "TOKEN"
    alive: "weakref.WeakSet[Token]" = weakref.WeakSet()
    lock = threading.Lock()

    def __init__(self, n: int) -> None:
        self.n = n % SIZE
        with Token.lock:
            Token.alive.add(self)


class Loose(Token):
    """One that has no codec: nobody can compare it with another, and no disk keeps it."""


class TokenCodec:
    name = "fuzz/token/1"
    stored = True

    def encode(self, value: Token) -> bytes:
        return b"%d" % value.n + b"." * (value.n % 5 * 3000)  # some large enough for a blob of their own

    def decode(self, data: bytes | bytearray) -> Token:
        return Token(int(bytes(data).split(b".")[0]))


class World:
    """The service of all nodes. tide: what impure nodes look at. lent: what is lent now."""

    def __init__(self) -> None:
        self.tide = 0
        self.lent = 0
        self.pace = 0.002
        self.lock = threading.Lock()

    @contextmanager
    def lend(self) -> Iterator[None]:
        with self.lock:
            self.lent += 1
        try:
            yield
        finally:
            with self.lock:
                self.lent -= 1

    def pause(self) -> None:
        if random.random() < 0.3:  # noqa: S311 — only the pace
            time.sleep(random.random() * self.pace)  # noqa: S311


class Sums(NamedTuple):
    total: Token
    parts: list[Token]


class Pair(NamedTuple):
    one: Token
    other: Token


class Both(NamedTuple):
    one: Token
    several: list[Token]


# Graphs that nodes become: inputs are numbers (settings), or one of these


@dataclass(frozen=True)
class Ref:
    """An output of a node of the same graph; of the workflow, where `name` begins with a slash."""

    name: str
    output: str = "TOKEN"


@dataclass(frozen=True)
class Given:
    """What the node that expands was given."""

    name: str


@dataclass(frozen=True)
class Fresh:
    """A token that the node makes itself."""

    n: int


@dataclass(frozen=True)
class Sub:
    nodes: Mapping[str, tuple[str, Mapping[str, Any]]]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    again: str = ""


def tree_of(a: Token, depth: int) -> Sub:
    """Recursion with two branches, one of them from a value of its own."""
    if depth <= 0:
        return Sub({"leaf": ("FzMix", {"a": Given("a"), "c": 1})}, {"TOKEN": Ref("leaf")})
    nodes = {
        "left": ("FzTree", {"a": Given("a"), "depth": depth - 1}),
        "right": ("FzTree", {"a": Fresh(a.n * 7 + depth), "depth": depth - 2}),
        "sum": ("FzMix", {"a": Ref("left"), "b": Ref("right")}),
    }
    return Sub(nodes, {"TOKEN": Ref("sum")})


def loop_of(value: Token, rounds: int) -> Sub:
    """A loop that ends by a number of rounds or by its value."""
    if rounds <= 0 or value.n % 11 == 0:
        return Sub({}, {"one": Given("value"), "other": Fresh(rounds)})
    nodes = {
        "step": ("FzMix", {"a": Given("value"), "c": rounds}),
        "again": ("FzLoop", {"value": Ref("step"), "rounds": rounds - 1}),
    }
    return Sub(nodes, {"one": Ref("again", "one"), "other": Ref("again", "other")}, "again")


def batch_of(a: Token) -> Sub:
    """A list, a mapped node, a list input, a gate, a twin, something that may fail, files, and a node nobody wants."""
    nodes: dict[str, tuple[str, Mapping[str, Any]]] = {
        "idle": ("FzMix", {"a": Given("a"), "c": 99}),
        "list": ("FzSpread", {"a": Given("a"), "most": 3}),
        "map": ("FzMix", {"a": Ref("list"), "b": Given("a")}),
        "gate": ("FzGate", {"a": Ref("map"), "c": a.n}),
        "write": ("FzWrite", {"a": Ref("gate")}),
        "sum": ("FzTotal", {"items": Ref("map")}),
        "twin": ("FzTotal", {"items": Ref("map")}),
        "more": ("FzMix", {"a": Ref("twin", "total"), "b": Ref("sum", "total")}),
    }
    if a.n % 3 == 0:
        nodes["frail"] = ("FzFrail", {"a": Given("a"), "c": 1})
        nodes["more"] = ("FzMix", {"a": Ref("frail"), "b": Ref("sum", "total")})
    return Sub(nodes, {"one": Ref("more"), "several": Ref("sum", "parts")})


def reach_of(origin: Ref | None) -> Sub:
    """A link past the node's own source, to what that one was made from."""
    inputs: dict[str, Any] = {"a": Given("a")}
    if origin is not None:
        inputs["b"] = origin
    return Sub({"mix": ("FzMix", inputs)}, {"TOKEN": Ref("mix")})


def expansion_of(sub: Sub, given: Mapping[str, Any]) -> Expansion[Any]:
    flow, added = Flow(), {}

    def value_of(item: Any) -> Any:
        match item:
            case Ref(name, output):
                return Link(name, output)
            case Given(name):
                return given[name]
            case Fresh(n):
                return Token(n)
        return item

    for name, (type_id, inputs) in sub.nodes.items():
        added[name] = flow.add(type_id, name, **{key: value_of(item) for key, item in inputs.items()})
    outputs = {name: value_of(item) for name, item in sub.outputs.items()}
    (*_, value) = outputs.values()
    return Expansion(flow, outputs if len(outputs) > 1 else value, again=added[sub.again] if sub.again else None)


# The nodes


@node("FzNumber", category="fuzz")
def number(value: int = 0, *, world: World) -> Token:
    """A number."""
    world.pause()
    return Token(value)


@node("FzLoose", category="fuzz")
def loose(value: int = 0, *, world: World) -> Token:
    """A number that cannot be compared."""
    world.pause()
    return Loose(value)


@node("FzMix", category="fuzz")
def mix(a: Token, b: Token | None = None, c: int = 0, *, world: World) -> Token:
    """A number from two."""
    world.pause()
    return Token(a.n * 3 + (b.n * 5 if b is not None else 0) + c)


@node("FzParity", category="fuzz")
def parity(a: Token) -> Token:
    """Few results from many inputs."""
    return Token(a.n % 2)


@node("FzFrail", category="fuzz")
def frail(a: Token, c: int = 0, *, world: World) -> Token:
    """Fails for some."""
    world.pause()
    if (a.n + c) % 4 == 0:
        raise ValueError(f"{a.n} is too much")
    return Token(a.n + c)


@node("FzSpread", category="fuzz")
def spread(a: Token, most: int = 3) -> list[Token]:
    """A list, perhaps an empty one."""
    return [Token(a.n + index) for index in range(a.n % (most + 1))]


@node("FzTotal", category="fuzz")
def total(items: list[Token], offset: Token | None = None, *, world: World) -> Sums:
    """The sum of a list, and the list."""
    world.pause()
    return Sums(Token(sum(item.n for item in items) + (offset.n if offset is not None else 0)), items)


def _picked(which: Token | None) -> list[str]:
    return [] if which is None else ["yes" if which.n % 2 else "no"]


@node("FzPick", category="fuzz", needs=_picked)
def pick(
    which: Token, yes: Annotated[Token | None, Lazy()] = None, no: Annotated[Token | None, Lazy()] = None
) -> Token:
    """One of two; 0 where it is not there."""
    found = yes if which.n % 2 else no
    return found if found is not None else Token(0)


def _followed(a: Token | None, b: Token | None) -> list[str]:
    if a is None:
        return ["a"]
    return ["b"] if a.n % 2 and b is None else ["c"] if b is not None and b.n % 3 else []


@node("FzFollow", category="fuzz", needs=_followed)
def follow(
    a: Annotated[Token | None, Lazy()] = None,
    b: Annotated[Token | None, Lazy()] = None,
    c: Annotated[Token | None, Lazy()] = None,
) -> Token:
    """One after the other, as far as they lead."""
    return Token(sum((index + 1) * item.n for index, item in enumerate((a, b, c)) if item is not None))


@node("FzGate", category="fuzz")
def gate(a: Token, c: int = 0) -> Token | Blocked:
    """Some do not pass."""
    return Blocked(f"{a.n} is shut out") if (a.n + c) % 3 == 0 else a


@node("FzTree", category="fuzz")
def tree(a: Token, depth: int = 2, *, world: World) -> Expansion[Token]:
    """Recursion."""
    world.pause()
    return expansion_of(tree_of(a, depth), {"a": a})


@node("FzLoop", category="fuzz")
def loop(value: Token, rounds: int = 3, *, world: World) -> Expansion[Pair]:
    """A loop."""
    world.pause()
    return expansion_of(loop_of(value, rounds), {"value": value})


@node("FzBatch", category="fuzz")
def batch(a: Token) -> Expansion[Both]:
    """A bit of everything."""
    return expansion_of(batch_of(a), {"a": a})


@node("FzReach", category="fuzz")
def reach(a: Token, *, around: Any) -> Expansion[Token]:
    """A link to what may be gone."""
    return expansion_of(reach_of(_origin(around.links, around.flat)), {"a": a})


def _origin(links: Mapping[str, tuple[str, str]], flat: Mapping[str, Any]) -> Ref | None:
    if "a" not in links:
        return None
    source, _ = links["a"]
    farther = sorted(flat[source].links.items()) if source in flat else []
    return Ref(f"/{farther[0][1][0]}", farther[0][1][1]) if farther else None


@node("FzNap", category="fuzz")
async def nap(a: Token, b: Token | None = None, *, world: World) -> Token:
    """Waits without a thread; fails for some."""
    with world.lend():
        await asyncio.sleep(random.random() * world.pace)  # noqa: S311
        if a.n % 9 == 0:
            raise ValueError(f"nobody came for {a.n}")
        await asyncio.sleep(0)
    return Token(a.n + (b.n if b is not None else 0))


@node("FzSteps", category="fuzz", lane="device")
def steps(a: Token, n: int = 3, *, world: World) -> Steps[Token]:
    """Steps, with something lent."""
    with world.lend():
        for done in range(n):
            world.pause()
            yield Progress(done + 1, n)
    return Token(a.n * n)


@node("FzSleep", category="fuzz", lane="io")
def sleep(a: Token, *, world: World) -> Token:
    """Keeps a thread of the io lane."""
    world.pause()
    return Token(a.n + 1)


@node("FzTide", category="fuzz", fingerprint=lambda world: str(world.tide))
def tide(value: int = 0, *, world: World) -> Token:
    """Looks at the world."""
    return Token(value + world.tide)


@node("FzTideOf", category="fuzz", fingerprint=lambda a, world: f"{a.n % 2} {world.tide}")
def tide_of(a: Token, *, world: World) -> Token:
    """Looks at the world and says so once its input is known."""
    return Token(a.n + world.tide)


@node("FzNews", category="fuzz", fingerprint=lambda: uuid.uuid4().hex)
def news(a: Token) -> Token:
    """Always anew."""
    return Token(a.n + 5)


@node("FzOwn", category="fuzz", by_id=True)
def own(a: Token) -> Token:
    """Belongs to one node."""
    return Token(a.n + 2)


@node("FzWrite", category="fuzz", output=True)
def write(a: Token, *, output: OutputFolder, world: World) -> SavedFiles:
    """A file."""
    world.pause()
    return _written(a, output)


@node("FzWriteOn", category="fuzz", output=True)
def write_on(a: Token, *, output: OutputFolder) -> Result[Token]:
    """A file and a value."""
    return Result(Token(a.n + 1), {"text": [str(a.n)]}, _written(a, output))


def _written(a: Token, output: OutputFolder) -> SavedFiles:
    (path,) = output.paths("n", 1, ".txt")
    atomic_write(path, str(a.n).encode())
    return SavedFiles((path,))


@node("FzKeep", category="fuzz", output=True)
def keep(a: T, b: T | None = None) -> None:
    """Wanted."""
    del a, b
