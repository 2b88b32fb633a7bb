"""The packs of another installation, judged from their code alone: which node types they bring, and whether they would
load here.
"""

import ast
import importlib.util
import os
import shlex
import sys
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import nodes.comfyui
from graph.catalogue import Catalogue
from graph.code_version import python_files
from graph.text import listing
from nodes.comfyui.imports import FOREIGN, OF_ROUTES
from noisewright.adopting.pack_code import Code, Import, read_code
from noisewright.adopting.walking import is_folder

Verdict = Literal["loads", "partly", "fails"]
"""Whether a pack would load: it would; it would, and some of its nodes will fail; it would not."""

SHIMS = Path(nodes.comfyui.__file__).parent / "shims"

OUR_NODES = ("nodes", "comfy_extras")
"""Modules in which packs find our own node types by their ids."""

GIVEN = frozenset({OF_ROUTES, "custom_nodes", "__future__"})
"""What a pack may always import."""


@dataclass(frozen=True)
class Pack:
    """A pack that was found. names: by which workflows may know it, in small letters. types: ids seen in its code.

    unclear: node types whose ids the code computes. reasons: why it fails, or what will, a clause each. bring: the
    command that links it into this home. is_here: the home has a pack of that name.
    """

    name: str
    path: Path
    names: frozenset[str]
    types: tuple[str, ...]
    unclear: int
    verdict: Verdict
    reasons: tuple[str, ...]
    bring: str
    is_here: bool


def find_packs(
    folders: Iterable[Path],
    home: Path,
    catalogue: Catalogue,
    problems: list[str],
    progress: Callable[[int, int], object],
) -> tuple[Pack, ...]:
    """The packs in folders of them. home: our own folder of such packs. progress: how many of how many."""
    places = [place for folder in folders for place in _places(folder, problems)]
    types = frozenset(catalogue.types())
    found: list[Pack] = []
    for place in places:
        found.append(_pack(place, home, types))
        progress(len(found), len(places))
    return tuple(found)


def _places(folder: Path, problems: list[str]) -> Iterator[Path]:
    try:
        inside = sorted(folder.iterdir(), key=lambda path: path.name.lower())
    except OSError as error:
        problems.append(f"'{folder}' cannot be read: {error.strerror or error}.")
        return
    for path in inside:
        if path.name.startswith((".", "__")) or path.name.lower().endswith(".disabled"):
            continue
        if is_folder(path) or path.suffix == ".py":
            yield path


def _pack(path: Path, home: Path, types: Collection[str]) -> Pack:
    name = path.name if is_folder(path) else path.stem
    files = _Files(path)
    if is_folder(path) and not (path / "__init__.py").is_file():
        verdict, reasons = "fails", ("its folder holds no __init__.py",)
    else:
        verdict, reasons = _judged(files, types)
    target = home / path.name
    link = f"ln -s {shlex.quote(str(path))} {shlex.quote(str(target))}"
    return Pack(
        name,
        path,
        _names(path, name),
        files.types(),
        sum(code.unclear for code in files.codes.values()),
        verdict,
        reasons,
        f'mklink /D "{target}" "{path}"' if os.name == "nt" else link,
        os.path.lexists(target),
    )


def _names(path: Path, name: str) -> frozenset[str]:
    """What a workflow may call a pack: its folder, its name in the registry, the name of its repository."""
    names = {name}
    try:
        project = tomllib.loads((path / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
        names.add(str(project["name"]))
        address = str(project["urls"]["Repository"]).rstrip("/").removesuffix(".git")
        names |= {address.rpartition("/")[2], "/".join(address.split("/")[-2:])}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError):
        pass  # what a pack says of itself is welcome, not needed
    return frozenset(item.lower() for item in names)


def _judged(files: "_Files", types: Collection[str]) -> tuple[Verdict, tuple[str, ...]]:
    """Whether a pack would load, and why not, or what of it would fail."""
    early = files.imported([files.entry], files.broken)
    if files.broken:
        return "fails", tuple(files.broken)
    if not files.codes[files.entry].declares and not files.types():
        return "fails", ("no NODE_CLASS_MAPPINGS were seen in its code, by which a pack tells its node types",)
    packages = _missing_packages(files, early)
    if packages:
        return "fails", (f"it needs the Python {_packages(packages)}, not installed here",)
    reasons: list[str] = []
    found = files.imported(files.by_name(early), [])
    packages = _missing_packages(files, found)
    if packages:
        reasons.append(f"modules that it imports by name need the Python {_packages(packages)}, not installed here")
    lacking: dict[str, None] = {}
    for path in dict.fromkeys([*early, *found]):
        for item in files.codes[path].imports:
            if not item.guarded and not _is_ours(item, types):
                lacking[f"{item.module}.{item.name}" if item.name and _shim(item.module) else item.module] = None
        lacking |= {f"MODEL.{name}": None for name in files.codes[path].patches}
    if lacking:
        reasons.append(f"it uses {listing(lacking)}, not available here; nodes that need it will fail")
    return ("partly" if reasons else "loads"), tuple(reasons)


def _missing_packages(files: "_Files", early: Iterable[Path]) -> list[str]:
    """The packages that importing a pack needs and that are not installed."""
    found: dict[str, None] = {}
    for path in early:
        for item in files.codes[path].imports:
            root = item.module.partition(".")[0]
            is_known = not root or root in FOREIGN or root in GIVEN or root in sys.stdlib_module_names
            if (
                item.early
                and not item.guarded
                and not is_known
                and not files.lies_inside(root)
                and not _installed(root)
            ):
                found[root] = None
    return list(found)


def _packages(names: list[str]) -> str:
    return f"package{'s' * (len(names) != 1)} {listing(names)}"


class _Files:
    """The Python files of a pack. codes: what those say that were read. broken: why some cannot be, a clause each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entry = path / "__init__.py" if is_folder(path) else path
        self.root = path if is_folder(path) else path.parent
        self.codes: dict[Path, Code] = {}
        self.broken: list[str] = []
        self._all = python_files(path)
        self._known = frozenset(self._all)
        self._inside = {file.relative_to(self.root).parts[0].removesuffix(".py") for file in self._all}

    def types(self) -> tuple[str, ...]:
        """The node types that any file declares."""
        for path in self._all:
            if path not in self.codes and _mentions_nodes(path):
                self._read(path, [])
        return tuple(dict.fromkeys(name for code in self.codes.values() for name in code.types))

    def imported(self, ahead: Iterable[Path], broken: list[str]) -> list[Path]:
        """These files and those that importing them imports. What is no Python becomes a clause in `broken`."""
        waiting, found = list(ahead), dict[Path, None]()
        while waiting:
            path = waiting.pop()
            if path in found or not self._read(path, broken):
                continue
            found[path] = None
            for item in self.codes[path].imports:
                if item.early and (item.module.startswith(".") or not item.guarded):
                    waiting += self._targets(path, item)
        return list(found)

    def by_name(self, early: Iterable[Path]) -> list[Path]:
        """The files with node types that a pack seems to import by names it computes."""
        if not any(self.codes[path].is_dynamic for path in early):
            return []
        return [file for file in self._all if _mentions_nodes(file)]

    def lies_inside(self, root: str) -> bool:
        """Whether the pack has a module of that name, which it may put on the search path."""
        return root in self._inside or any(file.stem == root or file.parent.name == root for file in self._all)

    def _targets(self, path: Path, item: Import) -> Iterator[Path]:
        """The files that an import leads to inside the pack."""
        level = len(item.module) - len(item.module.lstrip("."))
        start = path.parent if level else self.root
        for _ in range(level - 1):
            start = start.parent
        place = start.joinpath(*filter(None, item.module[level:].split(".")))
        for target in (place, place / item.name):
            for file in (target / "__init__.py", target.with_suffix(".py") if target.name else target):
                if file in self._known:
                    yield file

    def _read(self, path: Path, broken: list[str]) -> bool:
        if path not in self.codes:
            try:
                self.codes[path] = read_code(path)
            except ValueError as error:
                broken.append(str(error))
                return False
            except OSError as error:
                broken.append(f"'{path.name}' cannot be read: {error.strerror or error}")
                return False
        return True


def _mentions_nodes(path: Path) -> bool:
    try:
        text = path.read_bytes()
    except OSError:
        return False
    return any(word in text for word in (b"NODE_CLASS_MAPPINGS", b"NODE_CONFIG", b"Schema("))


@cache
def _installed(root: str) -> bool:
    """Whether a package is installed. It is looked for, not imported."""
    try:
        return importlib.util.find_spec(root) is not None
    except (ImportError, ValueError, AttributeError):
        return False


# What the modules of ComfyUI's names offer here


def _is_ours(item: Import, types: Collection[str]) -> bool:
    """Whether an import finds what it asks for among our modules, or asks for something else than ComfyUI's."""
    root = item.module.partition(".")[0]
    if item.module.startswith(".") or root not in FOREIGN:
        return True
    if root == "comfy_extras":
        return not item.name or item.name in ("*", *types) or item.name.startswith("nodes_")
    names = _shim(item.module)
    if names is None:
        return False
    is_node = root in OUR_NODES and item.name in types
    return not item.name or item.name in names or is_node or _shim(f"{item.module}.{item.name}") is not None


class _Anything(frozenset[str]):
    """The names of a module that passes on all names of another."""

    def __contains__(self, name: object) -> bool:
        return True


@cache
def _shim(module: str) -> frozenset[str] | None:
    """The names that our module of that name has; None if there is none."""
    place = SHIMS.joinpath(*module.split("."))
    file = next((path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()), None)
    if file is None:
        return None
    names: set[str] = {"*"}
    for item in ast.walk(ast.parse(file.read_bytes())):
        match item:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                if any(alias.name == "*" for alias in aliases):
                    return _Anything()
                names |= {(alias.asname or alias.name).partition(".")[0] for alias in aliases}
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case _:
                pass
    return frozenset(names)
