"""What the code of a pack sees of the program while it runs: folders, services, its place in the graph, its progress.

The interface that these packs are written for keeps all of this in modules of a process that runs one node at a time.
Here nodes run beside each other, and code that was written for that interface cannot take what it needs as arguments.
So each call into a pack has its surroundings in a context variable, and our modules of the old names look there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from typing import Any

from diffusion.names import WEIGHT_SUFFIXES
from diffusion.services import Weights
from graph.around import Around
from graph.folders import Folders, OutputFolder
from graph.layouts import LAYOUTS, OTHER_NAMES
from graph.progress import Progress

Shelf = tuple[list[str], set[str]]
"""The folders of a kind of files and the endings that count; no endings: all do."""


class Shelves(dict[str, Shelf]):
    """Kinds of files by name, as packs know them: those that packs add, and ours once a pack looks at them."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._home = home

    def __missing__(self, name: str) -> Shelf:
        name = OTHER_NAMES.get(name, name)
        if name not in LAYOUTS and name not in _OTHERS:
            raise KeyError(name)
        return self.setdefault(name, ([self._own(name)], set(WEIGHT_SUFFIXES) if name in LAYOUTS else set()))

    def added(self, name: str) -> list[str]:
        """The folders that packs have added to a kind. Raises KeyError for a kind that nobody knows."""
        return [str(folder) for folder in self[name][0] if name not in LAYOUTS or str(folder) != self._own(name)]

    def _own(self, name: str) -> str:
        return str(self._home / "custom_nodes" if name == "custom_nodes" else self._home / "models" / name)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or OTHER_NAMES.get(str(name), name) in {*LAYOUTS, *_OTHERS}

    def get(self, key: str, default: Any = None) -> Any:
        """The folders and endings of a kind."""
        return self[key] if key in self else default  # noqa: SIM401 — this is `get`


_OTHERS = ("custom_nodes", "configs")


@dataclass(frozen=True, eq=False)
class Home:
    """The folder that holds `custom_nodes`, `models`, `input`, `output` and `temp`. shelves: what packs add to it."""

    path: Path
    shelves: Shelves

    @cached_property
    def files(self) -> Folders:
        """Where its files are, for code that runs outside of a node and is lent nothing."""
        places = {name: (self.path / name,) for name in ("output", "temp")}
        return Folders((self.path / "models",), (self.path / "input",), places=places)

    @cached_property
    def output(self) -> OutputFolder:
        """Where its results go, for the same."""
        return OutputFolder(self.path / "output", self.path / "temp")


@cache
def home_of(path: Path) -> Home:
    """The home at a path: one for all packs in it, since what one adds the others see."""
    return Home(path, Shelves(path))


def _unheard(progress: Progress) -> None:
    """Nobody listens to progress outside of a node that reports it."""


def _never() -> bool:
    return False


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Around one call into a pack.

    weights, record: services of the node, where it was lent them. around: its place in the graph; None outside of a
    run. report: takes progress. cancelled: whether the node shall end. note: takes a sentence about what the pack asked
    for and does not get. graphs: numbers the graphs that the call builds.
    """

    home: Home
    files: Folders
    output: OutputFolder
    weights: Weights | None = None
    record: Any = None
    around: Around | None = None
    report: Callable[[Progress], None] = _unheard
    cancelled: Callable[[], bool] = _never
    note: Callable[[str], None] = lambda sentence: None
    graphs: Iterator[int] = field(default_factory=count)

    @property
    def node(self) -> str:
        """The id of the node, as packs know it: `outer:inner` for a node inside a subgraph. "" outside of a run."""
        return pack_id(self.around.node) if self.around is not None else ""

    @classmethod
    def at(cls, home: Home, **facts: Any) -> "Surroundings":
        """Those of code that is lent no folders."""
        lent = {name: value for name, value in facts.items() if value is not None}
        return cls(**{"home": home, "files": home.files, "output": home.output} | lent)


class _Latest:
    """The surroundings entered last, for threads that a pack starts: they begin without a context."""

    surroundings: Surroundings | None = None


_CURRENT: ContextVar[Surroundings | None] = ContextVar("surroundings", default=None)


@contextmanager
def entered(surroundings: Surroundings) -> Iterator[None]:
    """Run the code of a pack in these surroundings."""
    token = _CURRENT.set(surroundings)
    _Latest.surroundings = surroundings
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current() -> Surroundings:
    """The surroundings of the code that is running. Raises RuntimeError where no pack was ever called."""
    found = _CURRENT.get() or _Latest.surroundings
    if found is None:
        raise RuntimeError("This module answers packs from 'custom_nodes' alone, and none is loaded.")
    return found


def pack_id(path: str) -> str:
    """A node's path as packs know it: `outer:inner`."""
    return path.replace("/", ":")
