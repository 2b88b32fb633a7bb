"""Modules and packs written for one test, each declaring a node type, and forgotten after it."""

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from graph.packs import SPACE

NODE = """
from graph.node import node

@node("{name}", category="packs", replaces=({replaces}))
def f(a: int = {default}) -> int:
    \"\"\"A node of a pack.\"\"\"
    return a
"""


def declaring(name: str, default: int = 1, replaces: str = "") -> str:
    """The text of a module that declares the node type `name`."""
    return NODE.format(name=name, default=default, replaces=replaces)


def write_pack(folder: Path, name: str, text: str = "", **files: str) -> Path:
    """A pack as a folder. text: of its `__init__.py`. files: of its other modules, by name."""
    place = folder / name
    texts: Mapping[str, str] = {"__init__": text or "".join(f"from . import {file}\n" for file in files), **files}
    for module, content in texts.items():
        path = place / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return place


@contextmanager
def packs_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], str]]:
    """A function that writes a module, by name and text, where it can be imported inside the block alone."""
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)

    def write(name: str, text: str) -> str:
        (folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return name

    yield write
    for name in set(sys.modules) - before:
        if (folder / f"{name}.py").exists():
            del sys.modules[name]


@contextmanager
def forgotten() -> Iterator[None]:
    """Packs that are imported inside the block are forgotten after it."""
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == SPACE]:
        del sys.modules[name]
