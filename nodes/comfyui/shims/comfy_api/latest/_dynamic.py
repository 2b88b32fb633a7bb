"""Inputs that stand for several: of several types, of one type in common, as many as needed, as a choice demands.

`MatchType` and `MultiType` are one input each. `Autogrow` and `DynamicCombo` unfold into inputs named `group.input`, as
saved workflows have them, and reach `execute` as one dictionary.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nodes.comfyui.shims.comfy_api.latest import _ports
from nodes.comfyui.shims.comfy_api.latest._ports import ComfyTypeIO, comfytype
from nodes.comfyui.shims.comfy_api.latest._wires import AnyType

Types = type[ComfyTypeIO] | Iterable[type[ComfyTypeIO]]


def joined(types: Types) -> str:
    """The wire name of several types: "INT,FLOAT"; "*" where one of them is anything."""
    names = [types.io_type] if isinstance(types, type) else [item.io_type for item in types]
    return "*" if "*" in names else ",".join(dict.fromkeys(",".join(names).split(",")))


@comfytype("COMFY_MULTITYPED_V3")
class MultiType(ComfyTypeIO):
    """One input that takes several types."""

    class Input(_ports.Input):
        """id: a name, or an input whose name and options hold; its type is then the first. types: which it takes."""

        def __init__(
            self,
            id: "str | _ports.Input",  # noqa: A002 — the interface's own name
            types: Iterable[type[ComfyTypeIO]] = (),
            display_name: str | None = None,
            *args: Any,
            **rest: Any,
        ) -> None:
            names = [item.io_type for item in types]
            if isinstance(id, _ports.Input):
                super().__init__(id.id)
                vars(self).update(vars(id))
                names.insert(0, id.io_type)
            else:
                super().__init__(id, display_name, *args, **rest)
            self.io_type = "*" if "*" in names else ",".join(dict.fromkeys(names))


@comfytype("COMFY_MATCHTYPE_V3")
class MatchType(ComfyTypeIO):
    """Inputs and outputs that are all of one type, whichever it is."""

    class Template:
        """Which ports belong together. allowed_types: what the type may be; anything if not given."""

        def __init__(self, template_id: str, allowed_types: Types = AnyType) -> None:
            self.template_id = template_id
            self.io_type = joined(allowed_types)

    class Input(_ports.Input):
        """One of the inputs."""

        def __init__(
            self, id: str, template: "MatchType.Template", display_name: str | None = None, *args: Any, **rest: Any
        ):  # noqa: A002, E501
            super().__init__(id, display_name, *args, **rest)
            self.io_type = template.io_type

    class Output(_ports.Output):
        """One of the outputs."""

        def __init__(self, template: "MatchType.Template", *args: Any, **rest: Any) -> None:
            super().__init__(*args, **rest)
            self.io_type = template.io_type

        @property
        def name(self) -> str:
            """As for any output; without a name, that of the type, which is not known."""
            return self.display_name or self.id or "output"


@comfytype("COMFY_AUTOGROW_V3")
class Autogrow(ComfyTypeIO):
    """As many inputs of one kind as are needed. `execute` gets a dictionary of those that are there."""

    Type = dict[str, Any]

    class TemplateNames:
        """Inputs with given names. min: so many of them are required."""

        def __init__(self, input: _ports.Input, names: Sequence[str], min: int = 1) -> None:  # noqa: A002
            self.input = input
            self.names = tuple(names)
            self.min = min

    class TemplatePrefix(TemplateNames):
        """Inputs `prefix0`, `prefix1`, …, at most `max` of them."""

        def __init__(self, input: _ports.Input, prefix: str, min: int = 1, max: int = 10) -> None:  # noqa: A002
            super().__init__(input, [f"{prefix}{index}" for index in range(max)], min)

    class Input(_ports.Input):
        """The group."""

        def __init__(self, id: str, template: "Autogrow.TemplateNames", *args: Any, **rest: Any) -> None:  # noqa: A002
            super().__init__(id, *args, **rest)
            self.template = template


@comfytype("COMFY_DYNAMICCOMBO_V3")
class DynamicCombo(ComfyTypeIO):
    """A choice that brings its own inputs. `execute` gets a dictionary of the choice and these."""

    Type = dict[str, Any]

    @dataclass(frozen=True)
    class Option:
        """One choice, and the inputs there are with it."""

        key: str
        inputs: Sequence[_ports.Input]

    class Input(_ports.Input):
        """The choice."""

        def __init__(self, id: str, options: "Sequence[DynamicCombo.Option]", *args: Any, **rest: Any) -> None:  # noqa: A002, E501
            super().__init__(id, *args, **rest)
            self.cases = {option.key: tuple(option.inputs) for option in options}


@comfytype("COMFY_DYNAMICSLOT_V3")
class DynamicSlot(ComfyTypeIO):
    """An input that brings others once something is linked to it. Declared so that its node can be refused by name."""

    class Input(_ports.Input):
        """The input."""

        def __init__(self, slot: _ports.Input, inputs: Sequence[_ports.Input], *args: Any, **rest: Any) -> None:
            super().__init__(slot.id, *args, **rest)
            self.inputs = tuple(inputs)
