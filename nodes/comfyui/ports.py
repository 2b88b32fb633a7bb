"""Inputs and outputs as classes of packs declare them: `("INT", {"default": 1, "min": 0})`, as specs of ours."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graph.layouts import LAYOUTS, OTHER_NAMES
from graph.node import WIRE_OF_PLAIN
from graph.settings import Unfit, coerce
from graph.spec import ANY, InputSpec, OutputSpec
from nodes.comfyui.file_names import FileNames

COMBO = "COMBO"
WIDGETS = frozenset((*WIRE_OF_PLAIN.values(), COMBO))
"""Types that take a value as well as a link."""

SEEDS = ("seed", "noise_seed")
"""Inputs that ComfyUI's editor changes after each run without being told."""

LIMITS = ("min", "max", "default", "tooltip", "options")
"""Options that are no hints: the spec has fields for them."""


class Nonsense(ValueError):
    """A class does not declare what a node needs. The text completes "Node type 'X' is not there, for …"."""


def input_of(name: str, entry: object, *, optional: bool) -> InputSpec:
    """One entry of `INPUT_TYPES`. Raises Nonsense where it says no type.

    A list of texts is a choice of them. Numbers and truth values to choose from make an input of their type, whose
    choices stand in its hints. A value that is no default for its own type or limits is left out.
    """
    kind, options = taken_apart(name, entry)
    hints = {key: value for key, value in options.items() if key not in LIMITS and _is_json(value)}
    facts: dict[str, Any] = {"help": str(options.get("tooltip") or "")}
    if isinstance(kind, Sequence) and not isinstance(kind, str):
        facts |= _choice(kind, hints)
        several = bool(options.get("multiselect") or options.get("multi_select"))
        facts["list"] = several
    else:
        facts["type"] = wire_of(kind)
    if facts["type"] in ("INT", "FLOAT"):
        facts["minimum"], facts["maximum"] = (_limit(options.get(key), facts["type"]) for key in ("min", "max"))
    if facts["type"] == "INT" and name in SEEDS:
        hints.setdefault("control_after_generate", True)
    spec = InputSpec(name=name, required=not optional, optional=optional, hints=hints, **facts)
    default = options.get("default")
    if default is None or not WIDGETS.intersection(spec.type.split(",")):
        return spec
    if optional and options.get("forceInput"):
        return spec  # without a link ComfyUI does not pass it, so that the function's own default holds
    try:
        return spec.model_copy(update={"default": coerce(spec, _fitting(spec, default)), "required": False})
    except Unfit:
        return spec


def taken_apart(name: str, entry: object) -> tuple[Any, Mapping[str, Any]]:
    """The type (or the choices) of an entry, and its options."""
    if isinstance(entry, str):
        return entry, {}  # ("INT") for ("INT",)
    if not isinstance(entry, list | tuple) or not entry:
        raise Nonsense(f"its input '{name}' is declared as {entry!r}, not as (type, options)")
    kind, options = entry[0], entry[1] if len(entry) > 1 else {}
    if isinstance(kind, str) and isinstance(options, str):
        return list(entry), {}  # ["a", "b"] for (["a", "b"],)
    if not isinstance(options, Mapping):
        options = {}
    if isinstance(kind, str) and str.__eq__(kind, COMBO):  # some packs' "any" types are equal to everything
        return options.get("options") or [], options
    if isinstance(kind, str | list | tuple):
        return kind, options
    if hasattr(kind, "__iter__") and not isinstance(kind, type):
        return list(kind), options
    raise Nonsense(f"its input '{name}' has the type {kind!r}, which is neither a name nor a list of choices")


def outputs_of(types: object, names: object, lists: object) -> Iterator[OutputSpec]:
    """`RETURN_TYPES`, `RETURN_NAMES` and `OUTPUT_IS_LIST`. Two of one name are told apart by number.

    Raises Nonsense where the types are no tuple of types.
    """
    if isinstance(types, str) or not isinstance(types, list | tuple):
        raise Nonsense(f"its RETURN_TYPES is {types!r}, not a tuple of types")
    names = names if isinstance(names, list | tuple) else [names] if isinstance(names, str) else ()
    lists = lists if isinstance(lists, list | tuple) else ()
    taken: set[str] = set()
    for index, kind in enumerate(types):
        if not isinstance(kind, str | list | tuple):
            raise Nonsense(f"its RETURN_TYPES holds {kind!r}, which is no type")
        wire = wire_of(kind) if isinstance(kind, str) else COMBO
        stem = str(names[index]).strip() if index < len(names) and names[index] else wire
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name)
        yield OutputSpec(name=name, type=wire, list=index < len(lists) and bool(lists[index]))


def wire_of(kind: str) -> str:
    """A type's name as ours: "*" for one that is equal to every other, or empty; several without spaces."""
    if not (kind != "\0"):  # noqa: SIM202 — the test that packs' "any" types are written for
        return ANY
    parts = [part.strip() for part in str.__str__(kind).split(",")]
    return ANY if ANY in parts or "" in parts else ",".join(parts)


def _choice(choices: Sequence[Any], hints: dict[str, Any]) -> dict[str, Any]:
    """What a list of choices makes of an input: its type, and the choices where they are texts that stay."""
    if isinstance(choices, FileNames):
        folder = OTHER_NAMES.get(choices.folder, choices.folder)
        if folder in LAYOUTS:
            return {"type": COMBO, "source": folder}
    if all(isinstance(choice, str) for choice in choices):
        return {"type": COMBO, "choices": tuple(str.__str__(choice) for choice in choices)}
    hints["choices"] = [choice for choice in choices if _is_json(choice)]
    wires = {WIRE_OF_PLAIN.get(type(choice), ANY) for choice in choices}
    return {"type": "FLOAT" if wires == {"INT", "FLOAT"} else wires.pop() if len(wires) == 1 else ANY}


def _limit(limit: object, wire: str) -> int | float | None:
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not _is_json(limit):
        return None
    return int(limit) if wire == "INT" else limit


def _fitting(spec: InputSpec, default: Any) -> Any:
    """A default as its type writes it: 1 for 1.0, "1" for text."""
    if spec.type == "STRING" and isinstance(default, int | float):
        return str(default)
    if spec.type == "BOOLEAN" and isinstance(default, int):
        return bool(default)
    if spec.type in ("INT", "FLOAT") and isinstance(default, bool):
        return int(default)
    return default


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
