"""Modules written for one test, each declaring a node type, and forgotten after it."""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

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
