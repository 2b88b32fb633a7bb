"""Code versions: a hash of the code that decides a node's result, so that a result outlives only the code that made it.

It covers the node's module and, transitively, every module of ours that it imports, inside functions too, read from the
syntax tree: nothing is imported. Of ours are the module's own top-level package and `diffusion`, `nodes` and
`noisewright`. `graph` does not count: it declares nodes and carries values, and never computes one.
"""

import ast
import hashlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from pathlib import Path

from graph.atomic import atomic_write

log = logging.getLogger(__name__)

SHARED_ROOTS = ("diffusion", "nodes", "noisewright")
"""Top-level packages that count wherever they are imported."""

FACE = "noisewright"
"""The package that packs import names from. What it loads only when asked for is for notebooks and computes no node."""


@dataclass(frozen=True)
class Source:
    """One file of code. digest: SHA-256 of its bytes. early: imported with it; late: imported inside functions.

    Names are as written: `from a.b import c` gives `a.b` and `a.b.c`, of which one may be no module.
    """

    digest: str
    early: tuple[str, ...]
    late: tuple[str, ...]


class CodeVersions:
    """Answers `of(module)`, once per module and process. store: a JSON file that keeps parsed files between runs."""

    def __init__(self, store: Path | None = None) -> None:
        self._store = store
        self._remembered: dict[str, list] | None = None
        self._changed = False
        self._sources: dict[str, Source | None] = {}
        self._versions: dict[tuple[str, bool], str | None] = {}

    def of(self, module: str) -> str | None:
        """The version of the code that `module` may run, as hex; None without a file (a notebook), and for `graph`."""
        root = module.partition(".")[0]
        return None if root == "graph" else self._version(module, (root, *SHARED_ROOTS), late=True)

    def declaring(self, module: str) -> str | None:
        """The version of the code that importing `module` runs, `graph` included; None where it has no file."""
        return self._version(module, (module.partition(".")[0], *SHARED_ROOTS, "graph"), late=False)

    def of_files(self, path: Path) -> str:
        """The version of a Python file, or of all below a folder: for code whose imports cannot be followed."""
        name = str(path)
        if (name, True) not in self._versions:
            folder = path if path.is_dir() else path.parent
            digests = [
                (file.relative_to(folder).as_posix(), hashlib.sha256(file.read_bytes()).hexdigest())
                for file in python_files(path)
            ]
            self._versions[name, True] = hashlib.sha256(json.dumps(digests).encode()).hexdigest()
        return self._versions[name, True] or ""

    def _version(self, module: str, roots: tuple[str, ...], *, late: bool) -> str | None:
        if (module, late) not in self._versions:
            reached = self._closure(module, roots, late=late)
            text = json.dumps(sorted((name, source.digest) for name, source in reached.items()))
            self._versions[module, late] = hashlib.sha256(text.encode()).hexdigest() if module in reached else None
            self._save()
        return self._versions[module, late]

    def _closure(self, module: str, roots: tuple[str, ...], *, late: bool) -> dict[str, Source]:
        """Every module of `roots` that importing this one leads to, itself included."""
        reached: dict[str, Source] = {}
        seen, pending = {module}, [module]
        while pending:
            name = pending.pop()
            source = self._source(name)
            if source is None:
                continue
            reached[name] = source
            packages = [name[:dot] for dot, letter in enumerate(name) if letter == "."]
            for other in (*packages, *source.early, *(source.late if late and name != FACE else ())):
                if other not in seen and other.partition(".")[0] in roots:
                    seen.add(other)
                    pending.append(other)
        return reached

    def _source(self, module: str) -> Source | None:
        if module not in self._sources:
            path = path_of(module)
            self._sources[module] = None if path is None else self._read(module, path)
        return self._sources[module]

    def _read(self, module: str, path: Path) -> Source:
        if self._remembered is None:
            self._remembered = self._load()
        status = path.stat()
        stamp = [module, status.st_size, status.st_mtime_ns]
        match self._remembered.get(str(path)):
            case [name, size, time, str(digest), list(early), list(late)] if [name, size, time] == stamp:
                return Source(digest, tuple(early), tuple(late))
        source = read_source(module, path)
        self._remembered[str(path)] = [*stamp, source.digest, source.early, source.late]
        self._changed = True
        return source

    def _load(self) -> dict[str, list]:
        try:
            found = json.loads(self._store.read_bytes()) if self._store else {}
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _save(self) -> None:
        if not self._store or not self._changed:
            return
        try:
            atomic_write(self._store, json.dumps(self._remembered).encode())
        except OSError as error:
            log.warning("Parsed code is not remembered between runs: %s", error)
        self._changed = False


def python_files(path: Path) -> list[Path]:
    """The Python files below a folder, hidden places and caches left out; or the one file. In a repeatable order."""
    if path.is_file():
        return [path]
    found: list[Path] = []
    for folder, inside, files in os.walk(path):
        inside[:] = sorted(name for name in inside if not name.startswith((".", "__pycache__")))
        found += [Path(folder, name) for name in sorted(files) if name.endswith(".py")]
    return found


def read_source(module: str, path: Path) -> Source:
    """Read a file of code and what it imports. A file that is not Python, or not valid Python, imports nothing."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if path.suffix != ".py":
        return Source(digest, (), ())
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return Source(digest, (), ())
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    roots = (module.partition(".")[0], *SHARED_ROOTS, "graph")
    early, late = set[str](), set[str]()
    for statement, deferred in _imports(tree):
        names = _imported(statement, package)
        (late if deferred else early).update(name for name in names if name.partition(".")[0] in roots)
    if any(_loads_by_name(node) for node in ast.walk(tree)):
        late.update(_module_names(tree, roots))
    return Source(digest, tuple(sorted(early)), tuple(sorted(late - early)))


def _imports(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import statement that can run, and whether it stands inside a function."""
    pending: list[tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, deferred = pending.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, deferred
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            pending.extend((child, deferred) for child in node.orelse)
        elif not isinstance(node, ast.expr):
            inside = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            pending.extend((child, inside) for child in ast.iter_child_nodes(node))


def _imported(statement: ast.Import | ast.ImportFrom, package: str) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    origin = statement.module or ""
    if statement.level:
        base = package.split(".")[: len(package.split(".")) - statement.level + 1]
        origin = ".".join([*base, origin] if origin else base)
    return [origin, *(f"{origin}.{alias.name}" for alias in statement.names if alias.name != "*")]


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _loads_by_name(node: ast.AST) -> bool:
    """Whether this is `import_module`: then names of modules written as text are imports too."""
    return (isinstance(node, ast.Name) and node.id in ("import_module", "__import__")) or (
        isinstance(node, ast.Attribute) and node.attr == "import_module"
    )


def _module_names(tree: ast.Module, roots: tuple[str, ...]) -> Iterator[str]:
    """Texts such as "diffusion.samplers.euler" (or "…euler:function") that may name a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value.partition(":")[0]
            if name.partition(".")[0] in roots and all(part.isidentifier() for part in name.split(".")):
                yield name


def path_of(module: str) -> Path | None:
    """The file of a module, found without importing it or the packages it is in; None if there is none."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
        return Path(file) if file and Path(file).is_file() else None
    root, *rest = module.split(".")
    for folder in _folders_of(root):
        place = folder.joinpath(*rest)
        files = [place / "__init__.py", *(place.with_name(place.name + end) for end in (".py", *EXTENSION_SUFFIXES))]
        for file in files if rest else files[:1]:
            if file.is_file():
                return file
    if not rest:
        spec = PathFinder.find_spec(root)
        if spec is not None and spec.origin and Path(spec.origin).is_file():
            return Path(spec.origin)
    return None


def _folders_of(root: str) -> list[Path]:
    """The folders a top-level package looks for its modules in."""
    loaded = sys.modules.get(root)
    if loaded is not None:
        return [Path(folder) for folder in getattr(loaded, "__path__", ())]
    spec = PathFinder.find_spec(root)
    return [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec is not None else []
