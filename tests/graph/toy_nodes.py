"""Small node types that leave a trace of what they did: for tests of planning and running."""

import gc
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from annotated_types import Ge, Le

from graph.files import File, InFolder, SavedFiles
from graph.folders import OutputFolder, atomic_write
from graph.node import Hint, node
from graph.progress import Preview, Progress, Steps
from graph.record import Record

T = TypeVar("T")


class Desk:
    """A service that lends one thing at a time and notes everything. As a value: what a node made, alive or not."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.lent = 0
        self.pause = 0.0
        self.things: weakref.WeakSet[Thing] = weakref.WeakSet()

    @contextmanager
    def lend(self, name: str) -> Iterator[None]:
        self.lent += 1
        self.notes.append(f"+{name}")
        try:
            yield
        finally:
            self.lent -= 1
            self.notes.append(f"-{name}")


class Thing:
    """A value that can be watched by a weak reference."""

    wire = "THING"

    def __init__(self, size: int = 1) -> None:
        self.size = size


class Pair(NamedTuple):
    whole: int
    rest: int


@node("Number", category="toys")
def number(value: int = 1) -> int:
    """A number."""
    return value


@node("Fraction", category="toys")
def fraction(value: Annotated[float, Ge(0.0), Le(10.0)] = 0.5) -> float:
    """A number with a fraction."""
    assert isinstance(value, float)
    return value


@node("Anything", category="toys")
def anything(value: T) -> T:
    """Whatever comes."""
    return value


@node("Add", category="toys")
def add(a: int, b: int = 1, *, desk: Desk) -> int:
    """The sum; a note of it."""
    desk.notes.append(f"{a}+{b}")
    return a + b


@node("Divide", category="toys")
def divide(a: int, by: int = 2) -> Pair:
    """Quotient and remainder."""
    return Pair(*divmod(a, by))


@node("Choose", category="toys")
def choose(which: Literal["left", "right"] = "left", maybe: int | None = None) -> str:
    """One of two."""
    return f"{which} {maybe}"


@node("Count", category="toys")
def count(
    a: int, steps: int = 3, seed: Annotated[int, Hint(control_after_generate=True)] = 0, *, desk: Desk, resume: Any
) -> Steps[int]:
    """Count up with something lent, beginning where it left off."""
    with desk.lend("count"):
        for done in range(resume or 0, steps):
            desk.notes.append(f"step {done}")
            time.sleep(desk.pause)
            yield Progress(done + 1, steps, preview=lambda: Preview("image/x-toy", b"\x01"), state=done + 1)
    return a + steps + seed


@node("Fail", category="toys")
def fail(a: int, text: str = "it is broken on purpose") -> int:
    """Never succeed."""
    raise ValueError(text)


@node("Keep", category="toys", output=True)
def keep(a: T) -> None:
    """Somebody wants this."""
    del a


@node("Save", category="toys", output=True)
def save(a: int, prefix: str = "toy", *, output: OutputFolder, record: Record) -> SavedFiles:
    """Write a number into a file."""
    (path,) = output.paths(prefix, 1, ".txt")
    texts = record.texts()
    atomic_write(path, f"{a} {sorted(texts)}".encode())
    return SavedFiles((path,))


@node("Read", category="toys")
def read(file: Annotated[File, InFolder("papers")]) -> int:
    """The size of a file."""
    return file.path.stat().st_size


@node("Look", category="toys")
def look(picture: Annotated[File, InFolder("input")]) -> int:
    """The size of a picture."""
    return file_size(picture.path)


def file_size(path: Path) -> int:
    return path.stat().st_size


@node("Make", category="toys")
def make(size: int = 1, after: T | None = None, *, desk: Desk) -> Thing:
    """Something that takes room."""
    del after
    thing = Thing(size)
    desk.things.add(thing)
    return thing


@node("Census", category="toys")
def census(a: int, *, desk: Desk) -> int:
    """How many things there are now."""
    del a
    gc.collect()
    return len(desk.things)


@node("Measure", category="toys")
def measure(thing: Thing, after: T | None = None) -> int:
    """The size of a thing."""
    del after
    return thing.size


@node("Compute", category="toys")
def compute(a: int, *, weights: Any) -> int:
    """What depends on the device."""
    del weights
    return a


@node("Tide", category="toys", fingerprint=lambda a, desk: f"{a} {len(desk.notes)}")
def tide(a: int, *, desk: Desk) -> int:
    """What depends on the world: here, on how many notes there are."""
    return a + len(desk.notes)


@node("Lie", category="toys")
def lie(how: Literal["nothing", "too many", "a list"] = "nothing") -> Pair:
    """Return what it does not declare."""
    return {"nothing": None, "too many": (1, 2, 3), "a list": [1, 2]}[how]  # pyright: ignore[reportReturnType] — the point


@node("Train", category="toys", gradients=True)
def train(a: int, *, desk: Desk) -> int:
    """A node outside the context."""
    desk.notes.append("train")
    return a


@node("Stubborn", category="toys")
def stubborn(first: Literal["progress", "a number"] = "progress") -> Steps[int]:
    """Make trouble when it is closed, or from the beginning."""
    try:
        for _ in range(1000):
            yield Progress(1, 2) if first == "progress" else 1  # pyright: ignore[reportReturnType] — the point
            time.sleep(0.01)
    except GeneratorExit:
        raise RuntimeError("I will not") from None
    return 1
