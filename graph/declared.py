"""Which node types a module or a pack declares, read from its text: known even where it cannot be imported."""

import ast
from collections.abc import Iterator
from pathlib import Path

from graph.code_version import path_of, python_files

MAPPINGS = "NODE_CLASS_MAPPINGS"
"""The variable in which packs of ComfyUI name their nodes."""


def declared_types(module: str) -> tuple[str, ...]:
    """The ids in `@node("…")` of a module's file; none if it has no file, or is not Python."""
    path = path_of(module)
    return _in_file(path) if path is not None and path.suffix == ".py" else ()


def declared_in(path: Path) -> tuple[str, ...]:
    """The ids that a pack's files declare: `@node("…")`, and the keys of NODE_CLASS_MAPPINGS where they are written."""
    return tuple(dict.fromkeys(name for file in python_files(path) for name in _in_file(file)))


def _in_file(path: Path) -> tuple[str, ...]:
    try:
        return tuple(_ids(ast.parse(path.read_bytes())))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ()


def _ids(tree: ast.Module) -> Iterator[str]:
    for statement in tree.body:
        for mark in getattr(statement, "decorator_list", ()):
            match mark:
                case ast.Call(ast.Name("node") | ast.Attribute(attr="node"), [ast.Constant(str(name)), *_]):
                    yield name
        match statement:
            case ast.Assign([ast.Name(id)], ast.Dict(keys)) | ast.AnnAssign(ast.Name(id), value=ast.Dict(keys)):
                if id == MAPPINGS:
                    yield from (
                        key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
                    )
