"""Constants of a prompt as ComfyUI reads them, and choices among which they must be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from graph.text import kind

FALSE = frozenset({"", "0", "false"})
"""Texts that are false for a BOOLEAN; every other is true, as there."""


@dataclass(frozen=True)
class Offered:
    """Choices of an input, laid out for looking up.

    listed: in order. bases: names of files without their folder → how many have it.
    """

    listed: list[Any]
    names: frozenset[Any]
    bases: Mapping[str, int]

    @classmethod
    def of(cls, choices: list[Any]) -> "Offered":
        """These choices: texts."""
        bases: dict[str, int] = {}
        for choice in choices:
            base = PurePosixPath(choice).name
            bases[base] = bases.get(base, 0) + 1
        return cls(choices, frozenset(choices), bases)

    def has(self, value: Any, *, of_files: bool) -> bool:
        """Whether a value is one of them. Files may be named as on Windows, or without their folder if that is plain:
        that is how they are found when the run begins.
        """
        if type(value) is not str:
            return False
        if value in self.names or not of_files:
            return value in self.names
        path = PurePosixPath(value.replace("\\", "/"))
        return path.as_posix() in self.names or self.bases.get(path.name) == 1


def converted(wire: str, value: Any) -> Any:
    """A constant as its type reads it: 5 for "5" of an INT. Others stay as they are.

    Raises TypeError, ValueError or OverflowError, whose texts clients are told.
    """
    convert = _BY_WIRE.get(wire)
    return value if convert is None else convert(value)


def _integer(value: Any) -> int:
    return value if type(value) is int else int(value)


def _number(value: Any) -> float:
    made = float(value)
    if not isfinite(made):
        raise ValueError(f"{made} is not a finite number")
    return made


def _string(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) in (bool, int, float):
        return str(value)
    raise TypeError(f"{kind(value)} is no text")


def _boolean(value: Any) -> bool:
    return value.strip().lower() not in FALSE if type(value) is str else bool(value)


def _name(value: Any) -> Any:
    return str(value) if type(value) in (int, float) else value


_BY_WIRE: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"INT": _integer, "FLOAT": _number, "STRING": _string, "BOOLEAN": _boolean, "COMBO": _name}
)
