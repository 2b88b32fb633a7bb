"""What can be read from the code of a pack without running it."""

import dis
import inspect
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

LISTING = frozenset(
    {"listdir", "scandir", "walk", "iterdir", "glob", "iglob", "rglob", "open", "read_text", "get_filename_list"}
)
"""What code calls to make a list of choices from files: such a list changes."""


def words_in(code: CodeType) -> Iterator[str]:
    """The names and texts in code, those of its functions and classes included."""
    for part in codes_in(code):
        yield from part.co_names
        for constant in part.co_consts:
            if isinstance(constant, str):
                yield constant
            elif isinstance(constant, tuple):
                yield from (item for item in constant if isinstance(item, str))


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """Code, and the code of what is defined in it."""
    pending = [code]
    while pending:
        part = pending.pop()
        yield part
        pending.extend(constant for constant in part.co_consts if isinstance(constant, CodeType))


def codes_of(function: Any) -> Iterator[CodeType]:
    """The code of a function, a method or a property, and of what is defined in it; none for what has no code."""
    inner = getattr(function, "__func__", getattr(function, "fget", function))
    code = getattr(inspect.unwrap(inner) if callable(inner) else inner, "__code__", None)
    if isinstance(code, CodeType):
        yield from codes_in(code)


def asked_by(function: Callable[..., Any]) -> tuple[frozenset[str], bool]:
    """The parameters of a function, and whether it takes any others as well."""
    parameters = inspect.signature(function).parameters.values()
    names = frozenset(item.name for item in parameters if item.kind not in (item.VAR_KEYWORD, item.VAR_POSITIONAL))
    return names, any(item.kind is item.VAR_KEYWORD for item in parameters)


def looked_at(function: Callable[..., Any]) -> tuple[frozenset[str], bool]:
    """The parameters of a function that its code reads, and whether it reads the others that it takes."""
    used = {
        name
        for code in codes_of(function)
        for instruction in dis.get_instructions(code)
        if instruction.opname.startswith("LOAD_")
        for name in (instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,))
    }
    parameters = inspect.signature(function).parameters.values()
    others = [item.name for item in parameters if item.kind is item.VAR_KEYWORD]
    return asked_by(function)[0] & used, not used.isdisjoint(others)


def reads_files(function: Any) -> bool:
    """Whether a function, or one of its module that it names, lists or opens files."""
    seen: set[CodeType] = set()
    pending = [(function, 2)]
    while pending:
        item, depth = pending.pop()
        inner = getattr(item, "__func__", item)
        namespace = getattr(inspect.unwrap(inner) if callable(inner) else inner, "__globals__", {})
        for code in codes_of(item):
            if code in seen:
                continue
            seen.add(code)
            if not LISTING.isdisjoint(code.co_names):
                return True
            named = (namespace.get(name) for name in code.co_names)
            pending.extend((found, depth - 1) for found in named if depth and inspect.isfunction(found))
    return False


def keeps_something(cls: type) -> bool:
    """Whether an object of a class may keep something between calls: one of its functions sets an attribute."""
    return any(
        instruction.opname in ("STORE_ATTR", "DELETE_ATTR")
        for owner in cls.__mro__
        if owner is not object
        for function in vars(owner).values()
        for code in codes_of(function)
        for instruction in dis.get_instructions(code)
    )
