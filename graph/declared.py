"""Which node types a module declares, read from its text: known even where the module cannot be imported."""

import ast
from collections.abc import Iterator

from graph.code_version import path_of


def declared_types(module: str) -> tuple[str, ...]:
    """The ids in `@node("…")` of a module's file; none if it has no file, or is not Python."""
    path = path_of(module)
    if path is None or path.suffix != ".py":
        return ()
    try:
        return tuple(_ids(ast.parse(path.read_bytes())))
    except (OSError, SyntaxError, ValueError):
        return ()


def _ids(tree: ast.Module) -> Iterator[str]:
    for statement in tree.body:
        for mark in getattr(statement, "decorator_list", ()):
            match mark:
                case ast.Call(ast.Name("node") | ast.Attribute(attr="node"), [ast.Constant(str(name)), *_]):
                    yield name
