"""Packs: folders and installed distributions that bring node types, and more, from outside.

A pack is a folder with an `__init__.py`, or one Python file, in a folder of packs; or a distribution with an entry
point. Each is imported under a name of its own, so that inner modules of the same name never meet. Packs written for
other programs lie in folders of their own and are read by an adapter.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Literal

from graph.code_version import python_files
from graph.document import NAME, SUBGRAPH
from graph.errors import GraphError
from graph.node import NodeType, node_type_of

SPACE = f"{NAME}_packs"
"""The package below which packs in folders are imported."""

SEEN = "__files_seen__"
"""Attribute of an imported pack: the files it was imported from."""

GROUP = f"{NAME}.nodes"
"""The entry point by which an installed distribution says that it is a pack, and which module declares its nodes."""

Kind = Literal["folder", "distribution", "adapted"]


@dataclass(frozen=True)
class Pack:
    """What importing one pack gave.

    node_types: in order; the catalogue sets their `spec.pack`. errors: why something is not there, by node type id, or
    by the pack's name for the pack as a whole; each completes "Node type 'X' is not there: …", as in "its class has no
    FUNCTION". notes: what a person should know, one sentence each: routes that stay inert, names that are lacking.
    names: what else it brings, kind → name → the module that does ("samplers" → "acme_euler" → "packs.acme.euler").
    paths: files and folders its code is read from besides its own.
    """

    name: str
    node_types: tuple[NodeType, ...] = ()
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()
    names: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    paths: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Sources:
    """Where packs are looked for, and who reads them.

    folders: of packs. adapted: folders of packs that `adapter` reads. adapter, added: functions, named
    "module:function" so that another process finds them too: `adapter(path) -> Pack`, and `added(module) -> names`,
    what a module and those below it have brought besides node types.
    """

    folders: tuple[Path, ...] = ()
    adapted: tuple[Path, ...] = ()
    adapter: str = ""
    added: str = ""


@dataclass(frozen=True)
class Place:
    """A pack that was found, and not imported yet.

    path: its folder or file. module: what is imported; "" for an adapted one. problem: why it cannot be, or "".
    """

    name: str
    kind: Kind
    path: Path
    module: str = ""
    version: str = ""
    problem: str = ""

    @property
    def templates(self) -> tuple[Path, ...]:
        """The workflows it brings."""
        return tuple(sorted((self.path / "templates").glob("*.json"))) if self.path.is_dir() else ()


def find_packs(sources: Sources) -> tuple[Place, ...]:
    """The packs there are, in the order in which they may claim node type ids: folders, distributions, adapted ones.

    Of two with one name the second cannot be imported. Names that are hidden or end in ".disabled" are passed over.
    """
    found = [
        *(_folder(path) for path in _entries(sources.folders)),
        *_distributions(),
        *(Place(path.stem if path.is_file() else path.name, "adapted", path) for path in _entries(sources.adapted)),
    ]
    places: dict[str, Place] = {}
    for place in found:
        first = places.get(place.name)
        if first is not None:
            name = f"{place.name} in {place.path.parent}"
            place = replace(place, name=name, problem=f"there is another pack of this name, '{first.path}'")
        places[place.name] = place
    return tuple(places.values())


def load(place: Place, sources: Sources) -> Pack:
    """Import a pack into this process. Raises whatever its code raises, SystemExit too; GraphError for its problem."""
    if place.problem:
        raise GraphError(place.problem)
    if place.kind == "adapted":
        return named_function(sources.adapter)(place.path)
    importlib.invalidate_caches()
    seen = _seen(place.path) if place.kind == "folder" else []
    setattr(importlib.import_module(place.module), SEEN, seen)
    inside = f"{place.module}."
    types: dict[str, NodeType] = {}
    errors: dict[str, str] = {}
    for name, module in list(sys.modules.items()):
        if name == place.module or name.startswith(inside):
            for found in node_types_in(module):
                other = types.setdefault(found.spec.type, found)
                if other.function is not found.function:
                    errors[found.spec.type] = (
                        f"its pack declares it twice: in '{other.spec.module}', which is used, and in '{name}'"
                    )
    names = named_function(sources.added)(place.module) if sources.added else {}
    return Pack(place.name, tuple(types.values()), errors, names=names)


def enter(places: Sequence[Place], sources: Sources) -> None:
    """Make the packs importable below `SPACE`, in their folders and nowhere else.

    Modules of a pack of the same name that lies elsewhere are forgotten, since a process has one home at a time, and
    those of a pack whose files have changed since they were imported: what runs is what the catalogue tells of.
    """
    space = sys.modules.get(SPACE)
    if space is None:
        space = sys.modules[SPACE] = ModuleType(SPACE, "The packs of this home, by name.")
    space.__path__ = [str(folder) for folder in sources.folders]
    loaded = [name for name in sys.modules if name.startswith(f"{SPACE}.")]
    here = {place.module: place.path for place in places if place.module in loaded}
    current = {name for name, path in here.items() if getattr(sys.modules[name], SEEN, None) == _seen(path)}
    for name in loaded:
        if ".".join(name.split(".")[:2]) not in current:
            del sys.modules[name]


def node_types_in(module: ModuleType) -> Iterator[NodeType]:
    """The node types that a module itself declares, in order; those it imported belong to another."""
    for value in list(vars(module).values()):
        found = node_type_of(value)
        if found is not None and found.spec.module == module.__name__:
            yield found


def named_function(name: str) -> Any:
    """The function that "module:function" names."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _entries(folders: Sequence[Path]) -> Iterator[Path]:
    """What may be a pack: folders and Python files, by name."""
    for folder in folders:
        try:
            inside = sorted(folder.iterdir(), key=lambda path: path.name.lower())
        except OSError:
            continue  # a home without packs
        for path in inside:
            if path.name.startswith((".", "__")) or path.name.lower().endswith(".disabled"):
                continue
            if path.is_dir() or (path.suffix == ".py" and path.is_file()):
                yield path


def _folder(path: Path) -> Place:
    name = path.stem if path.is_file() else path.name
    problem = ""
    if path.is_dir() and not (path / "__init__.py").is_file():
        problem = "its folder holds no __init__.py"
    elif "." in name:
        problem = "its name holds a dot; rename it"
    elif name == SUBGRAPH.rstrip("/"):
        problem = f"a pack cannot be named '{name}'; rename it"
    return Place(name, "folder", path, f"{SPACE}.{name}", problem=problem)


def _distributions() -> Iterator[Place]:
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        version = entry.dist.version if entry.dist is not None else ""
        path, problem = Path(entry.module), ""
        try:
            spec = importlib.util.find_spec(entry.module.partition(".")[0])
        except (ImportError, ValueError, AttributeError) as error:
            spec, problem = None, f"its module cannot be found: {error}"
        if spec is None:
            problem = problem or f"its distribution names the module '{entry.module}', which is not installed"
        elif spec.submodule_search_locations:
            path = Path(next(iter(spec.submodule_search_locations)))
        elif spec.origin:
            path = Path(spec.origin)
        yield Place(entry.name, "distribution", path, entry.module, version, problem)


def _seen(path: Path) -> list[tuple[str, int, int]]:
    """The Python files of a pack, with size and time."""
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in python_files(path)]
