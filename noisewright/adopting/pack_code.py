"""The code of a pack, read as text: the node types it declares, and what it imports. Nothing of it is run."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAPPING = "NODE_CLASS_MAPPINGS"
"""The dictionary by which a pack tells its node types; packs of many modules join several that end so."""

CONFIG = "NODE_CONFIG"
"""How some packs name the table that they make the former from."""

LARGEST = 4 * 2**20
"""Bytes of a file that is read; longer ones are data."""

CATCHING = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})

DYNAMIC = frozenset({"import_module", "__import__", "spec_from_file_location", "exec_module"})
"""Calls that import what only running them would tell."""


@dataclass(frozen=True)
class Import:
    """An import statement, once for each name. module: with its leading dots. name: what is taken from it; "".

    early: it runs when the pack is imported. guarded: it stands in a `try` that catches its failure.
    """

    module: str
    name: str
    early: bool
    guarded: bool


@dataclass(frozen=True)
class Code:
    """What one file says. types: ids of node types. unclear: node types whose ids the code computes.

    is_dynamic: it imports modules by names that it computes. patches: methods by which it changes a model's inside.
    """

    types: tuple[str, ...] = ()
    unclear: int = 0
    imports: tuple[Import, ...] = ()
    is_dynamic: bool = False
    patches: tuple[str, ...] = ()
    declares: bool = False


def read_code(path: Path) -> Code:
    """What a file of Python says. Raises ValueError with a clause where it is no Python, OSError as `open` does."""
    if path.stat().st_size > LARGEST:
        return Code()
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"'{path.name}' is no Python that can be read: {error}") from error
    texts = _constants(tree)
    types: dict[str, None] = {}
    unclear = 0
    declares = False
    called: set[str] = set()
    attributes: set[str] = set()
    for item in ast.walk(tree):
        for key in _declared(item):
            text = _text(key, texts)
            if text is None:
                unclear += 1
            else:
                types[text] = None
        declares = declares or _declares(item)
        if isinstance(item, ast.Call):
            called.add(_last(item.func))
        elif isinstance(item, ast.Attribute):
            attributes.add(item.attr)
    patches = sorted(name for name in attributes if name.startswith("set_model_"))
    return Code(
        tuple(types), unclear, tuple(_imports(tree.body, True, False)), bool(called & DYNAMIC), tuple(patches), declares
    )


def _declares(item: ast.AST) -> bool:
    """Whether a statement makes the names by which a pack tells its node types."""
    match item:
        case ast.Assign(targets=targets):
            return any(_last(target).endswith(MAPPING) for target in targets)
        case ast.AnnAssign(target=target):
            return _last(target).endswith(MAPPING)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name == "comfy_entrypoint"
        case ast.ImportFrom(names=names):
            return any(alias.name == "*" or (alias.asname or alias.name).endswith(MAPPING) for alias in names)
        case _:
            return False


def _declared(item: ast.AST) -> Iterator[ast.expr]:
    """The expressions of the ids that a statement or call declares."""
    match item:
        case ast.Assign(targets=targets, value=value) if any(_is_table(target) for target in targets):
            yield from _keys(value)
        case ast.AnnAssign(target=target, value=ast.expr() as value) if _is_table(target):
            yield from _keys(value)
        case ast.AugAssign(target=target, value=value) if _is_table(target):
            yield from _keys(value)
        case ast.Assign(targets=[ast.Subscript(value=table, slice=key)]) if _is_table(table):
            yield key
        case ast.Call(func=ast.Attribute(attr="update", value=table), args=[value, *_]) if _is_table(table):
            yield from _keys(value)
        case ast.Call(func=func, args=args, keywords=keywords) if _last(func) == "Schema":
            yield from (item for item in args[:1] if isinstance(item, ast.Constant) and isinstance(item.value, str))
            yield from (word.value for word in keywords if word.arg == "node_id")
        case _:
            pass


def _is_table(item: ast.expr) -> bool:
    name = _last(item)
    return name.endswith(MAPPING) or name == CONFIG


def _keys(value: ast.expr) -> Iterator[ast.expr]:
    match value:
        case ast.Dict(keys=keys):
            yield from (key for key in keys if key is not None)  # None: `**others`, which stand in their own table
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            yield from _keys(left)
            yield from _keys(right)
        case ast.DictComp(key=key, generators=[ast.comprehension(target=ast.Name(id=each), iter=classes)]):
            for item in classes.elts if isinstance(classes, ast.Tuple | ast.List) else ():
                text = _text(key, {f"{each}.__name__": _last(item)})
                yield key if text is None else ast.Constant(text)
            if not isinstance(classes, ast.Tuple | ast.List):
                yield key
        case ast.DictComp(key=key):
            yield key
        case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
            yield from (ast.Constant(word.arg) for word in keywords if word.arg is not None)
        case _:
            pass


def _constants(tree: ast.Module) -> dict[str, str]:
    """Names of texts in a module and its classes: "NAME", "Class.NAME"."""
    texts: dict[str, str] = {}
    for body, prefix in ((tree.body, ""), *((c.body, f"{c.name}.") for c in tree.body if isinstance(c, ast.ClassDef))):
        for item in body:
            if isinstance(item, ast.Assign) and len(item.targets) == 1 and isinstance(item.targets[0], ast.Name):
                text = _text(item.value, texts)
                if text is not None:
                    texts[prefix + item.targets[0].id] = text
    return texts


def _text(item: ast.expr, texts: dict[str, str]) -> str | None:
    """The text of an expression, if that can be told without running anything."""
    match item:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return texts.get(name)
        case ast.Attribute(value=ast.Name(id=cls), attr=name):
            return texts.get(f"{cls}.{name}")
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            parts = [_text(left, texts), _text(right, texts)]
        case ast.JoinedStr(values=values):
            parts = [_text(part.value if isinstance(part, ast.FormattedValue) else part, texts) for part in values]
        case _:
            return None
    known = [part for part in parts if part is not None]
    return "".join(known) if len(known) == len(parts) else None


def _last(item: ast.expr) -> str:
    """The last name of a dotted expression; "" for any other."""
    match item:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _imports(body: list[ast.stmt], early: bool, guarded: bool) -> Iterator[Import]:
    """The import statements of a block and of those inside it. What only type checkers read is passed over."""
    for item in body:
        match item:
            case ast.Import(names=names):
                yield from (Import(alias.name, "", early, guarded) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                place = "." * level + (module or "")
                yield from (Import(place, alias.name, early, guarded) for alias in names)
            case ast.FunctionDef(body=inner) | ast.AsyncFunctionDef(body=inner):
                yield from _imports(inner, False, guarded)
            case ast.Try(body=inner, handlers=handlers, orelse=orelse, finalbody=final):
                catches = any(_catches(handler.type) for handler in handlers)
                yield from _imports(inner, early, guarded or catches)
                yield from _imports([*orelse, *final], early, guarded)
                for handler in handlers:
                    yield from _imports(handler.body, early, True)
            case ast.If(test=test, body=inner, orelse=orelse):
                if _last(test) != "TYPE_CHECKING":
                    yield from _imports(inner, early and not _is_main(test), guarded)
                yield from _imports(orelse, early, guarded)
            case ast.With(body=inner) | ast.AsyncWith(body=inner) | ast.ClassDef(body=inner):
                yield from _imports(inner, early, guarded)
            case ast.For(body=inner) | ast.While(body=inner):
                yield from _imports(inner, early, guarded)
            case _:
                pass


def _is_main(test: ast.expr) -> bool:
    """Whether a condition is `__name__ == "__main__"`."""
    return isinstance(test, ast.Compare) and _last(test.left) == "__name__"


def _catches(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(name is None or _last(name) in CATCHING for name in names)
