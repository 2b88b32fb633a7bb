"""The inputs of a schema in the older form, `{"required": {name: (type, options)}}`, and back to `execute`'s arguments.

Groups unfold into inputs named `group.input`, as saved workflows have them, and are put together again for the call.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graph.errors import GraphError
from graph.settings import Unfit, coerce
from graph.text import listing
from nodes.comfyui.ports import Nonsense, input_of
from nodes.comfyui.shims.comfy_api.latest import io

HIDDEN = "cls.hidden."
"""Before the names of hidden inputs, which are no arguments of `execute`."""

PASSED = (io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.dynprompt)
"""Hidden inputs that there are. Keys of an account stay None."""


@dataclass(frozen=True)
class Port:
    """One input after unfolding. name: `group.input`. case: it is there only with one choice of another input."""

    name: str
    declared: io.Input
    optional: bool
    case: bool = False

    @property
    def entry(self) -> tuple[Any, dict[str, Any]]:
        """Its type, or its choices, and its options.

        Of a default that only one choice brings nothing is said: another choice may bring another one.
        """
        item = self.declared
        options = dict(item.options)
        facts = {"default": None if self.case else item.default, "tooltip": item.tooltip}
        options |= {name: value for name, value in facts.items() if value is not None}
        if item.display_name:
            options["display_name"] = item.display_name
        options |= {name: True for name, said in (("lazy", item.lazy), ("rawLink", item.raw_link)) if said}
        if not isinstance(item, io.Combo.Input):
            return item.io_type, options
        if "remote" in options and not item.choices:
            return "STRING", options | {"widgetType": "COMBO"}  # an editor asks for the choices; nobody else knows them
        return item.choices, options


def unfolded(inputs: Sequence[io.Input], prefix: str = "", *, case: bool = False) -> Iterator[Port]:
    """All inputs one by one. Raises Nonsense for what is no input, and for groups of a kind that is not known."""
    for item in inputs:
        if not isinstance(item, io.Input):
            raise Nonsense(f"among its inputs is a {type(item).__name__}, which is none")
        name, optional = f"{prefix}{item.id}", item.optional or case
        match item:
            case io.Autogrow.Input():
                part = item.template.input
                if isinstance(part, io.Autogrow.Input | io.DynamicCombo.Input | io.DynamicSlot.Input):
                    raise Nonsense(f"its input '{name}' grows by groups of inputs (COMFY_AUTOGROW_V3), not supported")
                for index, key in enumerate(item.template.names):
                    yield Port(f"{name}.{key}", part, optional or index >= item.template.min, case)
            case io.DynamicCombo.Input():
                choices = list(item.cases)
                choice = io.Combo.Input(item.id, choices, item.display_name, tooltip=item.tooltip, default=item.default)
                yield Port(name, choice, optional, case)
                for brought in item.cases.values():
                    yield from unfolded(brought, f"{name}.", case=True)
            case io.DynamicSlot.Input():
                raise Nonsense(f"its input '{name}' is a dynamic slot (COMFY_DYNAMICSLOT_V3), which is not supported")
            case _:
                yield Port(name, item, optional, case)


def has_groups(inputs: Sequence[io.Input]) -> bool:
    """Whether some of these inputs unfold into several."""
    return any(isinstance(item, io.Autogrow.Input | io.DynamicCombo.Input) for item in inputs)


def input_types(schema: io.Schema) -> dict[str, dict[str, Any]]:
    """All inputs, by "required", "optional" and "hidden". Raises Nonsense where two have one name."""
    types: dict[str, dict[str, Any]] = {"required": {}, "optional": {}, "hidden": {}}
    ports: dict[str, Port] = {}
    for port in unfolded(schema.inputs):
        other = ports.get(port.name)
        if other is not None and not (port.case and other.case):
            raise Nonsense(f"it declares two inputs '{port.name}'")
        ports[port.name] = port
        entry = port.entry if other is None else _either(types["optional"][port.name], port.entry)
        types["optional" if port.optional else "required"][port.name] = entry
    if schema.is_input_list and any(isinstance(item, io.DynamicCombo.Input) for item in schema.inputs):
        raise Nonsense("it takes lists and has a choice that brings inputs (COMFY_DYNAMICCOMBO_V3), not supported")
    of_outputs = {io.Hidden.prompt, io.Hidden.extra_pnginfo} if schema.is_output_node else set()
    asked = {*schema.hidden, *of_outputs}
    types["hidden"] = {f"{HIDDEN}{item.name}": item.value for item in PASSED if item in asked}
    return types


def assembled(
    inputs: Sequence[io.Input], given: Mapping[str, Any], prefix: str = "", choice: str = ""
) -> dict[str, Any]:
    """What `execute` is called with. given: values by the names of unfolded inputs; what is not there is not passed.

    choice: in words, the choice that brings these inputs. Their defaults and limits are those of this choice.
    Raises GraphError where one does not fit, or is needed and has nothing.
    """
    arguments: dict[str, Any] = {}
    for item in inputs:
        name = f"{prefix}{item.id}"
        match item:
            case io.Autogrow.Input():
                keys = [key for key in item.template.names if f"{name}.{key}" in given]
                if keys or not item.optional:
                    arguments[item.id] = {key: given[f"{name}.{key}"] for key in keys}
            case io.DynamicCombo.Input():
                key = given.get(name, item.default if choice else None)
                if key is None:
                    continue
                if key not in item.cases:
                    raise GraphError(f"Its input '{name}' is {key!r}; it takes {listing(item.cases)}.")
                case = f"{name} = {key!r}"
                arguments[item.id] = {item.id: key} | assembled(item.cases[key], given, f"{name}.", case)
            case _ if name in given:
                arguments[item.id] = _fitting(item, name, given[name]) if choice else given[name]
            case _ if choice and item.default is not None:
                arguments[item.id] = item.default
            case _ if choice and not item.optional:
                raise GraphError(f"Its input '{name}' has nothing, but with {choice} it is needed.")
    return arguments


def _either(one: tuple[Any, dict[str, Any]], other: tuple[Any, dict[str, Any]]) -> tuple[Any, dict[str, Any]]:
    """An input that two choices bring under one name: it takes whatever either of them takes."""
    if one == other:
        return one
    (kind, options), (other_kind, other_options) = one, other
    shared = {name: value for name, value in options.items() if other_options.get(name) == value}
    if isinstance(kind, str) and isinstance(other_kind, str):
        return ",".join(dict.fromkeys((*kind.split(","), *other_kind.split(",")))), shared
    if isinstance(kind, str) or isinstance(other_kind, str):
        return "*", shared
    return list(dict.fromkeys((*kind, *other_kind))), shared


def _fitting(item: io.Input, name: str, value: Any) -> Any:
    """A setting held to what this choice's own input takes. Raises GraphError where it does not fit."""
    spec = input_of(name, Port(name, item, optional=False).entry, optional=False)
    if spec.type not in ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO") or spec.source:
        return value
    try:
        return coerce(spec, value)
    except Unfit as error:
        raise GraphError(f"Its input '{name}' {error}. {error.hint}".strip()) from error
