"""Inputs in a row: `value1`, `value2`, … of node types that take as many values as somebody connects."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from graph.node import Hint

F = TypeVar("F", bound=Callable[..., Any])


def numbered(stem: str, numbers: Iterable[int], annotation: Any) -> Callable[[F], F]:
    """Declare the optional inputs `stem1`, `stem2`, … of a function that takes them as `**values`.

    It stands between `@node` and the function. The inputs follow the function's own ones, their default is None, and
    annotation is the type of each. The hint `series` tells editors that they belong together: one free one is enough.
    """
    names = [f"{stem}{number}" for number in numbers]

    def declare(function: F) -> F:
        signature = inspect.signature(function)
        own = [item for item in signature.parameters.values() if item.kind is not item.VAR_KEYWORD]
        plain = [item for item in own if item.kind is item.POSITIONAL_OR_KEYWORD]
        services = [item for item in own if item.kind is item.KEYWORD_ONLY]
        row = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None) for name in names]
        function.__signature__ = signature.replace(parameters=[*plain, *row, *services])  # pyright: ignore[reportFunctionMemberAccess]
        kept = {name: hint for name, hint in function.__annotations__.items() if name in signature.parameters}
        given = {item.name: kept[item.name] for item in own if item.name in kept}
        result = {"return": function.__annotations__["return"]}
        function.__annotations__ = given | dict.fromkeys(names, annotation) | result
        return function

    return declare


def series(stem: str) -> Hint:
    """The hint that inputs belong to the row `stem1`, `stem2`, …"""
    return Hint(series=stem)


def given(values: Mapping[str, Any]) -> list[Any]:
    """The values of a row that are there, in order."""
    return [value for value in values.values() if value is not None]
