"""Importing a pack: its modules get a name space and an `import` of their own.

`import folder_paths`, `import nodes`, `from comfy.utils import …` in a pack give the modules of `nodes.comfyui.shims`;
the same statements anywhere else mean what they always meant. The pack's modules stand in `sys.modules` as
`custom_nodes.NAME…`, and nothing else in there is touched.
"""

import ast
import builtins
import importlib
import importlib.util
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

from nodes.comfyui.absent import Absent, Lacking
from nodes.comfyui.inspection import words_in

log = logging.getLogger(__name__)

ROOT = "custom_nodes"
"""The package below which the modules of packs stand in `sys.modules`."""

SHIMS = "nodes.comfyui.shims"

FOREIGN = frozenset(
    {
        *("api_server", "app", "comfy", "comfy_api", "comfy_api_nodes", "comfy_config", "comfy_execution"),
        *("comfy_extras", "comfyui_version", "cuda_malloc", "execution", "folder_paths", "latent_preview"),
        *("node_helpers", "nodes", "protocol", "server"),
    }
)
"""Top-level names that mean ComfyUI's modules in a pack."""

OF_ROUTES = "aiohttp"
"""What packs import to declare routes. These stay inert, so it need not be installed."""

CATCHING = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


class Importer:
    """Imports one pack. name: of the pack. path: its folder, or its file.

    lacking: names it imported that we do not have. words: the names and texts in its code, by which it is known what
    its nodes may ask for.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.name = path.stem if path.suffix == ".py" else path.name
        self.namespace = f"{ROOT}.{self.name.replace('.', '_')}"
        self.lacking: dict[str, None] = {}
        self.words: set[str] = set()
        self._entries: list[Path] = []
        self._search = list(sys.path)
        self._builtins = vars(builtins) | {"__import__": self._import, "print": _print}

    def load(self) -> ModuleType:
        """Import the pack anew. Raises whatever its code raises."""
        for name in [name for name in sys.modules if f"{name}.".startswith(f"{self.namespace}.")]:
            del sys.modules[name]
        sys.meta_path[:] = [finder for finder in sys.meta_path if not self._replaces(finder)]
        sys.meta_path.insert(0, _Finder(self))
        if ROOT not in sys.modules:
            sys.modules[ROOT] = ModuleType(ROOT, "The packs in `custom_nodes`, each under its own name.")
            sys.modules[ROOT].__path__ = []
        vars(sys.modules[ROOT]).pop(self.namespace.rpartition(".")[2], None)
        with self._kept():
            return importlib.import_module(self.namespace)

    def run(self, module: ModuleType, code: CodeType) -> None:
        """Execute a module of the pack with its own builtins."""
        vars(module)["__builtins__"] = self._builtins
        self.words.update(words_in(code))
        exec(code, vars(module))

    def spec(self, fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """How to import a module of this name space."""
        if fullname == self.namespace:
            file = self.path / "__init__.py" if self.path.is_dir() else self.path
            inside = [str(self.path)] if self.path.is_dir() else None
            return importlib.util.spec_from_file_location(
                fullname, file, loader=Loader(fullname, str(file), self), submodule_search_locations=inside
            )
        return self._ours(PathFinder.find_spec(fullname, path))

    def _ours(self, spec: ModuleSpec | None) -> ModuleSpec | None:
        if spec is not None and isinstance(spec.loader, SourceFileLoader) and spec.origin is not None:
            spec.loader = Loader(spec.name, spec.origin, self)
        return spec

    def _replaces(self, finder: object) -> bool:
        return isinstance(finder, _Finder) and finder.importer.namespace == self.namespace

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Import with the search path as it is, and take back what the pack changed of it and of others' modules.

        The folders of its own that it added are searched for it alone.
        """
        self._search, modules = list(sys.path), dict(sys.modules)
        try:
            yield
        finally:
            self._entries += self._added()
            sys.path[:] = self._search
            for name, module in modules.items():
                if sys.modules.get(name) is not module and not name.startswith(self.namespace):
                    sys.modules[name] = module

    def _added(self) -> list[Path]:
        """Folders of its own that the pack has added to the search path."""
        if sys.path == self._search or not self.path.is_dir():
            return []
        added = [Path(entry).resolve() for entry in sys.path if isinstance(entry, str) and entry not in self._search]
        return [entry for entry in added if entry.is_relative_to(self.path.resolve())]

    # The pack's own `import`

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 — the parameters of `__import__`
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        root = name.partition(".")[0]
        if level == 0 and root in FOREIGN:
            return self._foreign(name, fromlist or (), sys._getframe(1))
        if level == 0 and root not in sys.stdlib_module_names and (own := self._own(root)) is not None:
            return self._imported(own, name, fromlist or ())
        try:
            found = builtins.__import__(name, globals, locals, fromlist, level)
        except ModuleNotFoundError as error:
            if level == 0 and error.name == root:
                if root == OF_ROUTES:
                    return self._foreign(name, fromlist or (), sys._getframe(1))
                if self._lies_in(root, self.path):
                    return self._imported(self.namespace, name, fromlist or ())
            raise
        return self._reworked(found) if root == "importlib" and level == 0 else found

    def _own(self, root: str) -> str | None:
        """The package of this name space that stands for the folder, on the search path, in which `root` lies."""
        for entry in (*self._added(), *self._entries):
            if self._lies_in(root, entry):
                return ".".join([self.namespace, *entry.relative_to(self.path.resolve()).parts])
        return None

    def _lies_in(self, root: str, folder: Path) -> bool:
        return (folder / f"{root}.py").is_file() or (folder / root).is_dir()

    def _imported(self, package: str, name: str, fromlist: Sequence[str]) -> Any:
        """`import name` with what stands for its top level in `package`."""
        module = importlib.import_module(f"{package}.{name}")
        if not fromlist:
            return sys.modules[f"{package}.{name.partition('.')[0]}"]
        for item in fromlist:
            if not hasattr(module, item) and _module_exists(f"{module.__name__}.{item}"):
                importlib.import_module(f"{module.__name__}.{item}")
        return module

    def _foreign(self, name: str, fromlist: Sequence[str], frame: Any) -> Any:
        """`import name` for a name of ComfyUI's. frame: of the statement.

        What is not here is noted and stands as `Absent`; but a statement that is ready for its failure gets it.
        """
        module = self._shim(name)
        if isinstance(module, Absent):
            self._note(name, frame)
        if not fromlist:
            return self._shim(name.partition(".")[0])
        if "*" in fromlist:
            return SimpleNamespace() if isinstance(module, Absent) else module
        given: dict[str, Any] = {}
        for item in fromlist:
            try:
                given[item] = getattr(module, item)
            except AttributeError:
                given[item] = self._shim(f"{name}.{item}")
            if isinstance(given[item], Absent) and not isinstance(module, Absent):
                given[item] = Absent(f"{name}.{item}")
                self._note(f"{name}.{item}", frame)
        return SimpleNamespace(**given)

    def _shim(self, name: str) -> Any:
        """Our module of that name, or `Absent`."""
        full = f"{SHIMS}.{name}"
        try:
            return importlib.import_module(full)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{full}.".startswith(f"{error.name}."):
                raise
        parent, _, leaf = name.rpartition(".")
        above = self._shim(parent) if parent else None
        return getattr(above, leaf, Absent(name)) if above is not None else Absent(name)

    def _note(self, name: str, frame: Any) -> None:
        if frame.f_lineno in _guarded(frame.f_code.co_filename):
            raise Lacking(name)
        self.lacking[name] = None

    def _reworked(self, found: Any) -> Any:
        """`importlib` for a pack: what it imports by function is imported as by statement."""

        def import_module(name: str, package: str | None = None) -> Any:
            if name.partition(".")[0] in FOREIGN:
                module = self._shim(name)
                if isinstance(module, Absent):
                    raise Lacking(name)
                return module
            return importlib.import_module(name, package)

        def spec_from_file_location(name: str, location: Any = None, **facts: Any) -> ModuleSpec | None:
            return self._ours(importlib.util.spec_from_file_location(name, location, **facts))

        util = _copied(importlib.util, spec_from_file_location=spec_from_file_location)
        if found is importlib.util:
            return util
        return _copied(importlib, import_module=import_module, util=util) if found is importlib else found


class Loader(SourceFileLoader):
    """Loads a module of a pack."""

    def __init__(self, fullname: str, path: str, importer: Importer) -> None:
        super().__init__(fullname, path)
        self._importer = importer

    def exec_module(self, module: ModuleType) -> None:
        """Compile and run the module."""
        code = self.get_code(self.name)
        if code is None:
            raise ImportError(f"'{self.path}' holds no code.", name=self.name, path=self.path)
        self._importer.run(module, code)


class _Finder:
    """Finds the modules of one pack, for `importlib.import_module` and relative imports."""

    def __init__(self, importer: Importer) -> None:
        self.importer = importer

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        if not f"{fullname}.".startswith(f"{self.importer.namespace}."):
            return None
        return self.importer.spec(fullname, path)


def _print(*values: object, sep: str | None = " ", file: Any = None, **facts: Any) -> None:
    """`print` of packs: stdout is for results, so what they tell goes to the log."""
    if file is None:
        log.info("%s", (" " if sep is None else sep).join(map(str, values)))
    else:
        builtins.print(*values, sep=sep, file=file, **facts)


@cache
def _guarded(file: str) -> frozenset[int]:
    """The lines of a file that stand in a `try` which catches failing imports."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    lines: set[int] = set()
    for item in ast.walk(tree):
        if isinstance(item, ast.Try) and any(_catches(handler.type) for handler in item.handlers):
            lines.update(range(item.body[0].lineno, (item.body[-1].end_lineno or 0) + 1))
    return frozenset(lines)


def _catches(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(name is None or (isinstance(name, ast.Name) and name.id in CATCHING) for name in names)


def _module_exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, AttributeError, ValueError):
        return False


def _copied(module: ModuleType, **changes: Any) -> ModuleType:
    copy = ModuleType(module.__name__, module.__doc__)
    vars(copy).update(vars(module) | changes)
    return copy
