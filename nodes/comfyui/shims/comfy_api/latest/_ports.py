"""Inputs and outputs as packs declare them: `io.Image.Input("image", optional=True)`, `io.Mask.Output()`."""

from collections.abc import Callable
from enum import Enum
from typing import Any, ClassVar, TypeVar

C = TypeVar("C", bound=type)


class Input:
    """One declared input.

    options: whatever else was said of it, under the names editors know. What a newer interface adds is kept there.
    """

    io_type: str = "*"

    def __init__(
        self,
        id: str,  # noqa: A002 — the interface's own name, given by keyword in packs
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
        *,
        default: Any = None,
        extra_dict: dict[str, Any] | None = None,
        raw_link: bool | None = None,
        **options: Any,
    ) -> None:
        self.id = id
        self.display_name = display_name
        self.optional = optional
        self.tooltip = tooltip
        self.lazy = bool(lazy)
        self.raw_link = bool(raw_link)
        self.default = plain(default)
        self.options = {
            SPELLED.get(name, name): plain(value) for name, value in options.items() if value is not None
        } | (extra_dict or {})

    def __repr__(self) -> str:
        return f"{self.io_type}.Input({self.id!r})"


WidgetInput = Input
"""An input that an editor draws as a field. Here every input can say what such fields need."""


class Output:
    """One declared output. Packs give an id, a name to display, both or neither."""

    io_type: str = "*"

    def __init__(
        self,
        id: str | None = None,  # noqa: A002 — the interface's own name
        display_name: str | None = None,
        tooltip: str | None = None,
        is_output_list: bool = False,
    ) -> None:
        self.id = id
        self.display_name = display_name
        self.tooltip = tooltip
        self.is_output_list = is_output_list

    @property
    def name(self) -> str:
        """Under which links know it: the name displayed, else the id, else the type."""
        return self.display_name or self.id or self.io_type

    def __repr__(self) -> str:
        return f"{self.io_type}.Output({self.name!r})"


SPELLED = {
    "display_mode": "display",
    "dynamic_prompts": "dynamicPrompts",
    "force_input": "forceInput",
    "widget_type": "widgetType",
}
"""Options whose names in the declaration and for editors differ."""


def plain(value: Any) -> Any:
    """A value as JSON has it: members of enumerations as their values."""
    return value.value if isinstance(value, Enum) else value


_Input, _Output = Input, Output


class ComfyTypeIO:
    """A type of value on links. `Input` and `Output` declare ports of it; `Type` is for annotations only."""

    io_type: ClassVar[str] = "*"
    Type: ClassVar[Any] = Any
    Input: ClassVar[type["Input"]] = Input
    Output: ClassVar[type["Output"]] = Output


def comfytype(io_type: str, **_: Any) -> Callable[[C], C]:
    """Declares a class as a type of value named `io_type`. Nested `Input` and `Output` classes may say more."""

    def declare(cls: C) -> C:
        cls.io_type = io_type
        for name, base in (("Input", _Input), ("Output", _Output)):
            own = vars(cls).get(name) or type(name, (getattr(cls, name, base),), {"__module__": cls.__module__})
            own.io_type = io_type
            setattr(cls, name, own)
        return cls

    return declare


def Custom(io_type: str) -> type[ComfyTypeIO]:  # noqa: N802 — the interface's own name
    """A type of value that a pack makes up: `io.Custom("BOXES").Input("boxes")`."""
    return comfytype(io_type)(type(io_type, (ComfyTypeIO,), {}))
