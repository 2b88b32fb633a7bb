"""Toy node types whose graphs are known only once they run: lists, lazy inputs, blocks, expansions, async nodes."""

import asyncio
import threading
import time
from typing import Annotated, Any, NamedTuple, TypeVar

from graph.files import SavedFiles
from graph.flow import Flow
from graph.folders import OutputFolder, atomic_write
from graph.node import Lazy, node
from graph.progress import Progress, Steps
from graph.result import Blocked, Expansion, Result
from tests.graph.toy_nodes import Desk

T = TypeVar("T")


class Sums(NamedTuple):
    total: int
    parts: list[int]


@node("Count to", category="toys")
def count_to(n: int) -> list[int]:
    """The numbers from 1 to n."""
    return list(range(1, n + 1))


@node("Times", category="toys")
def times(a: int, b: int = 1, *, desk: Desk) -> int:
    """The product; a note of it."""
    desk.notes.append(f"{a}*{b}")
    if a == 13:
        raise ValueError("13 brings bad luck")
    return a * b


@node("Sum", category="toys")
def total(numbers: list[int], offset: int = 0, *, desk: Desk) -> Sums:
    """The sum of a list; a note of the list."""
    desk.notes.append(f"sum {numbers}+{offset}")
    return Sums(sum(numbers) + offset, numbers)


@node("Write", category="toys", output=True)
def write(a: int, *, output: OutputFolder) -> Result[None]:
    """Write a number into a file, and show it."""
    (path,) = output.paths("n", 1, ".txt")
    atomic_write(path, str(a).encode())
    return Result(None, {"text": [str(a)]}, SavedFiles((path,)))


def _wanted(which: bool | None) -> list[str]:
    return [] if which is None else ["yes" if which else "no"]


@node("Either", category="toys", needs=_wanted)
def either(
    which: bool, yes: Annotated[T | None, Lazy()] = None, no: Annotated[T | None, Lazy()] = None, *, desk: Desk
) -> T | None:
    """One of two; the other is not computed."""
    desk.notes.append(f"either {yes} {no}")
    return yes if which else no


@node("Gate", category="toys")
def gate(a: T, is_open: bool = True) -> T | Blocked:  # pyright: ignore[reportInvalidTypeVarUse]
    """The value, or nothing that may be used."""
    return a if is_open else Blocked("the gate is shut")


@node("Odd", category="toys")
def odd(a: int) -> int | Blocked:
    """Odd numbers pass."""
    return a if a % 2 else Blocked()


@node("Polynomial", category="toys")
def polynomial(x: int, degree: int = 2) -> Expansion[int]:
    """The power of x, as a graph of products."""
    flow = Flow()
    value: Any = x
    for turn in range(degree - 1):
        value = flow.add(times, f"t{turn}", a=value, b=x).INT
    return Expansion(flow, value)


@node("Factorial", category="toys")
def factorial(n: int) -> Expansion[int]:
    """Recursion: a node that expands into itself."""
    flow = Flow()
    if n <= 1:
        return Expansion(flow, 1)
    return Expansion(flow, flow.add(times, "product", a=flow.add(factorial, "rest", n=n - 1).INT, b=n).INT)


class State(NamedTuple):
    value: int
    rounds: int


@node("Halve until", category="toys")
def halve_until(value: int, at_most: int, rounds: int = 0) -> Expansion[State]:
    """A loop: each round expands into the next."""
    flow = Flow()
    if value <= at_most:
        return Expansion(flow, State(value, rounds))
    half = flow.add("Halve", "half", a=value).INT
    again = flow.add(halve_until, "again", value=half, at_most=at_most, rounds=rounds + 1)
    return Expansion(flow, State(again.value, again.rounds), again=again)


@node("Halve", category="toys")
def halve(a: int) -> int:
    """Half of it."""
    return a // 2


@node("Forever", category="toys")
def forever(a: int) -> Expansion[int]:
    """A loop that goes on and on."""
    flow = Flow()
    again = flow.add(forever, "again", a=a + 1)
    return Expansion(flow, again.INT, again=again)


@node("Deeper", category="toys")
def deeper(a: int) -> Expansion[int]:
    """A recursion that goes on and on."""
    flow = Flow()
    return Expansion(flow, flow.add(deeper, "in", a=a + 1).INT)


@node("Same again", category="toys")
def same_again(a: int) -> Expansion[int]:
    """A loop whose state does not change."""
    flow = Flow()
    return Expansion(flow, flow.add(same_again, "again", a=a).INT)


@node("Tangle", category="toys")
def tangle(a: int, how: str = "circle") -> Expansion[int]:
    """Expand into what is no graph."""
    flow = Flow()
    if how == "circle":
        one = flow.add(times, "one", a=a)
        flow.nodes["two"] = flow.nodes["one"]
        flow.nodes["one"] = type(flow.nodes["one"])("Times", {"a": _link("two")})
        flow.nodes["two"] = type(flow.nodes["two"])("Times", {"a": _link("one")})
        return Expansion(flow, one.INT)
    if how == "unknown type":
        return Expansion(flow, flow.add("Tims", "one", a=a)["INT"])
    if how == "dangling":
        return Expansion(flow, flow.add(times, "one", a=_link("oen")).INT)
    return Expansion(flow, {"INT": _link("nowhere")})


def _link(name: str) -> Any:
    from graph.document import Link

    return Link(name, "INT")


@node("Write all", category="toys")
def write_all(n: int) -> Expansion[int]:
    """Output nodes inside an expansion."""
    flow = Flow()
    for turn in range(n):
        flow.add(write, f"w{turn}", a=turn)
    return Expansion(flow, n)


@node("Wait", category="toys")
async def wait(seconds: float, after: T | None = None, *, desk: Desk) -> float:
    """Wait without keeping a thread."""
    del after
    desk.notes.append(f"wait {seconds:g}")
    await asyncio.sleep(seconds)
    desk.notes.append(f"waited {seconds:g}")
    return seconds


@node("Wait in vain", category="toys")
async def wait_in_vain(a: int = 0) -> int:
    """Fail after a while."""
    await asyncio.sleep(0.01)
    raise ValueError(f"nobody came to {a}")


@node("Sleep", category="toys")
def sleep(seconds: float, tag: int = 0, *, desk: Desk) -> int:
    """Keep a thread, but not the interpreter."""
    desk.notes.append(f"sleep {tag} {threading.current_thread().name}")
    time.sleep(seconds)
    desk.notes.append(f"slept {tag}")
    return tag


@node("Device", category="toys", lane="device")
def device(a: int, *, desk: Desk) -> int:
    """What must not run twice at once."""
    with desk.lend("device"):
        assert desk.lent == 1
        time.sleep(0.01)
    return a


@node("Join", category="toys", output=True)
def join(a: T | None = None, b: T | None = None, c: T | None = None, d: T | None = None) -> None:
    """Wants up to four things."""
    del a, b, c, d


@node("Box", category="toys")
def box(a: int = 1) -> Annotated[T, "anything"]:  # pyright: ignore[reportInvalidTypeVarUse]
    """A value that can be changed."""
    return {"held": [a]}  # pyright: ignore[reportReturnType]


@node("Spoil", category="toys")
def spoil(thing: T, really: bool = True) -> int:
    """Change what it was given."""
    if really:
        thing["held"].append(0)  # pyright: ignore[reportIndexIssue]
    return len(thing["held"])  # pyright: ignore[reportIndexIssue]


@node("Slow steps", category="toys")
def slow_steps(n: int = 1000, *, desk: Desk) -> Steps[int]:
    """Many short steps with something lent."""
    with desk.lend("slow"):
        for done in range(n):
            time.sleep(0.005)
            yield Progress(done + 1, n)
    return n


@node("Hang", category="toys")
def hang(seconds: float = 2.0) -> int:
    """Look up neither left nor right."""
    time.sleep(seconds)
    return 1


@node("Tell the time", category="toys", fingerprint=lambda what, desk: f"{what} {len(desk.notes)}")
def tell_the_time(what: int, *, desk: Desk) -> int:
    """Impure, and its fingerprint names an input that may be linked."""
    return what + len(desk.notes)


@node("Parity", category="toys")
def parity(a: int, *, desk: Desk) -> int:
    """0 for even numbers, 1 for odd ones: many inputs, few results."""
    desk.notes.append(f"parity {a}")
    return a % 2


@node("Once", category="toys", by_id=True)
def once(a: int = 0, *, desk: Desk) -> int:
    """Every use of it is its own."""
    desk.notes.append(f"once {a}")
    return a


@node("Tell", category="toys")
def tell(a: int = 0, *, around: Any) -> int:
    """Says things: some that can be said, and some that cannot."""
    said = {"a": a}
    around.tell("toys.count", said)
    said["a"] = -1
    for bad in (object(), float("nan"), "x" * 300_000):
        around.tell("toys.bad", bad)
    return a


@node("Where", category="toys")
def where(a: T | None = None, *, around: Any) -> str:
    """What it sees of the graph around it."""
    del a
    return f"{around.node} {dict(around.links)} {sorted(around.flat)}"


class Parts(NamedTuple):
    first: int
    all: list[int]


@node("Parts", category="toys")
def parts(n: int, how: str = "a list") -> Expansion[Parts]:
    """An expansion with an output that is a list: one of a node, a list of links, or one link."""
    flow = Flow()
    one = flow.add(times, "one", a=n).INT
    several = flow.add(count_to, "several", n=n).INT
    return Expansion(flow, Parts(one, {"a list": several, "links": [several, 7, one], "one link": one}[how]))  # pyright: ignore[reportArgumentType] — links stand for values


@node("Small", category="toys")
def small(a: int) -> bool | Blocked:
    """Whether it is below 3; of 2 nobody may know."""
    return Blocked() if a == 2 else a < 3


@node("Later", category="toys")
def later(tag: int, seconds: float = 0.3) -> Expansion[int]:
    """A graph that takes a while."""
    flow = Flow()
    return Expansion(flow, flow.add(sleep, "s", seconds=seconds, tag=tag).INT)


@node("Ping", category="toys")
def ping(a: int) -> Expansion[int]:
    """Each is the other."""
    time.sleep(0.1)
    flow = Flow()
    return Expansion(flow, flow.add(pong, "pong", a=flow.add(halve, "same", a=2 * a).INT).INT)


@node("Pong", category="toys")
def pong(a: int) -> Expansion[int]:
    """Each is the other."""
    time.sleep(0.1)
    flow = Flow()
    return Expansion(flow, flow.add(ping, "ping", a=flow.add(times, "same", a=a).INT).INT)


@node("Leave", category="toys")
async def leave(code: int = 3) -> int:
    """End the process, or try to."""
    await asyncio.sleep(0)
    raise SystemExit(code)


def _slowly(seconds: float) -> list[str]:
    time.sleep(seconds)
    return []


@node("Slow to ask", category="toys", needs=_slowly)
def slow_to_ask(seconds: float, a: Annotated[T | None, Lazy()] = None, *, desk: Desk) -> int:
    """Takes its time before it is called."""
    del a
    desk.notes.append("asked")
    return 1


@node("Write on", category="toys", output=True)
def write_on(a: int, *, output: OutputFolder) -> Result[int]:
    """Write a number into a file, and hand it on."""
    (path,) = output.paths("n", 1, ".txt")
    atomic_write(path, str(a).encode())
    return Result(a, saved=SavedFiles((path,)))


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@node("Mumble", category="toys")
def mumble(a: int = 0) -> int:
    """Fail without words."""
    raise Mute


@node("Same product", category="toys")
def same_product(n: int, after: int = 0, *, around: Any) -> Expansion[int]:
    """What is in the workflow already."""
    del n, after
    flow = Flow()
    source, output = around.links["n"]
    return Expansion(flow, flow.add(times, "one", a=_absolute(source, output), b=3).INT)


@node("Same power", category="toys")
def same_power(n: int, after: int = 0, *, around: Any) -> Expansion[int]:
    """What is in the workflow already, and becomes a graph."""
    del n, after
    flow = Flow()
    source, output = around.links["n"]
    return Expansion(flow, flow.add(polynomial, "one", x=_absolute(source, output), degree=3).INT)


def _absolute(node_id: str, output: str) -> Any:
    from graph.document import Link

    return Link(f"/{node_id}", output)


@node("Stroll", category="toys")
def stroll(a: int = 0, *, around: Any) -> int:
    """Look at every node there is, one by one."""
    for _ in around.flat:
        time.sleep(0.02)
    return len(around.flat) + a
