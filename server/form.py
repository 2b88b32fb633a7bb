"""What a published workflow takes: the inputs of its interface, each with a type, bounds and a default.

A form judges values itself, and says the same as JSON Schema; what one takes, the other takes. There is nothing in a
value that could lead elsewhere: it is a number, a text, true or false, one of a few choices, or the name of a picture
that its sender uploaded.
"""

import re
import secrets
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import ceil, floor
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field as Limited

from graph.catalogue import Catalogue
from graph.document import InterfaceInput, Link, Workflow
from graph.ends import inputs_of
from graph.files import INPUT
from graph.flat import upgraded
from graph.problem import Problem
from graph.settings import EXACT, Unfit
from graph.spec import Frozen, InputSpec
from graph.text import listing, nearest, shown
from server.api import Refusal

LONGEST = 10_000
"""Characters a text may have where the publisher says nothing."""

WIDEST = 2**63
"""Whole numbers without bounds of their own end here, on both sides."""

RANDOM = "random"

Kind = Literal["integer", "number", "text", "flag", "choice", "picture"]

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "INT": "integer",
        "FLOAT": "number",
        "INT,FLOAT": "number",
        "STRING": "text",
        "BOOLEAN": "flag",
        "COMBO": "choice",
    }
)
"""By the wire type of an input. Inputs of others cannot be published."""

_EMBEDDING = re.compile(r"embedding:([^\s,]+)")
"""What makes a prompt read a file (`diffusion.text.tokens`)."""

_SIGNS = re.compile(r"[.*+?^${}()|\[\]\\/]")
"""What has a meaning in a pattern."""

_PICTURE = re.compile(r"[^/\\]{0,254}[^/\\\]]")
"""The name of an upload. One that ends with "]" could stand for a file of another folder (`Folders.locate`)."""


class Narrowing(Frozen):
    """Less than an input takes by itself. minimum, maximum: of a number. longest: of a text, in characters. choices:
    some of those there are; of a model, the files that may be named: only the workflow's own where nothing is said.
    """

    minimum: int | float | None = None
    maximum: int | float | None = None
    longest: int | None = Limited(None, ge=0, le=1_000_000)
    choices: tuple[str, ...] | None = Limited(None, max_length=10_000)


WIDE = Narrowing.model_validate({})
"""As much as an input takes."""

NARROWING: Mapping[Kind, frozenset[str]] = MappingProxyType(
    {
        "integer": frozenset({"minimum", "maximum"}),
        "number": frozenset({"minimum", "maximum"}),
        "text": frozenset({"longest"}),
        "flag": frozenset(),
        "choice": frozenset({"choices"}),
        "picture": frozenset(),
    }
)
"""What can be less of each kind."""


@dataclass(frozen=True)
class Field:
    """One value a form takes. node, input: where it goes. default: what the workflow has there. allowed: of a text, the
    embeddings it may name.
    """

    name: str
    node: str
    input: str
    kind: Kind
    default: Any
    help: str = ""
    minimum: int | float = 0
    maximum: int | float = 0
    longest: int = LONGEST
    choices: tuple[str, ...] = ()
    allowed: frozenset[str] = frozenset()
    is_seed: bool = False
    changes: bool = False

    def schema(self) -> dict[str, Any]:
        """What it takes, in JSON Schema (draft 2020-12)."""
        about: dict[str, Any] = {"title": self.name} | ({"description": self.help} if self.help else {})
        bounds = {"minimum": self.minimum, "maximum": self.maximum}
        match self.kind:
            case "integer" if self.is_seed:
                about |= {"anyOf": [{"type": "integer", **bounds}, {"const": RANDOM}]}
            case "integer" | "number":
                about |= {"type": self.kind, **bounds}
            case "text":
                about |= {"type": "string", "maxLength": self.longest, "not": {"pattern": self._others}}
            case "flag":
                about |= {"type": "boolean"}
            case "choice":
                about |= {"type": "string", "enum": list(self.choices)}
            case "picture":
                about |= {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[^/\\]*[^/\\\]]$"}
        default = RANDOM if self.changes else self.default
        # A picture of the workflow's own is no name the caller could give.
        return about if default is None or self.kind == "picture" else about | {"default": default}

    def value(self, given: Any) -> Any:
        """What a given value means. Raises Unfit; its text completes "it …"."""
        match self.kind:
            case "integer":
                if self.is_seed and given == RANDOM and type(given) is str:
                    return self.chance()
                if type(given) is float and given.is_integer():
                    given = int(given)
                if type(given) is not int:
                    raise Unfit("wrong_type", f"takes a whole number, not {shown(given)}")
                return self._bounded(given)
            case "number":
                if type(given) not in (int, float):
                    raise Unfit("wrong_type", f"takes a number, not {shown(given)}")
                self._bounded(given)
                return given if type(given) is float or abs(given) <= EXACT else float(given)
            case "flag":
                if type(given) is not bool:
                    raise Unfit("wrong_type", f"takes true or false, not {shown(given)}")
                return given
        if type(given) is not str:
            raise Unfit("wrong_type", f"takes a text, not {shown(given)}")
        return self._text(given)

    def chance(self) -> int:
        """A fresh value of a seed, such that JSON readers that know no larger numbers than 2^53 can repeat it."""
        low, high = ceil(max(self.minimum, 0)), floor(min(self.maximum, EXACT))
        return low + secrets.randbelow(high - low + 1) if high >= low else ceil(self.minimum)

    def _bounded(self, number: Any) -> Any:
        if not self.minimum <= number <= self.maximum:
            raise Unfit("out_of_range", f"takes {shown(self.minimum)} to {shown(self.maximum)}, but is {shown(number)}")
        return number

    def _text(self, given: str) -> str:
        if self.kind == "choice" and given not in self.choices:
            close = nearest(given, self.choices)
            hint = f"did you mean '{close}'?" if close else f"it takes {listing(self.choices)}"
            raise Unfit("not_a_choice", f"has no choice {shown(given)}: {hint}")
        if self.kind == "picture" and not _PICTURE.fullmatch(given):
            raise Unfit(
                "not_a_choice",
                "takes the name of an uploaded picture: 1 to 255 characters without slashes, no bracket at the end",
            )
        if self.kind == "text" and len(given) > self.longest:
            raise Unfit("out_of_range", f"takes at most {self.longest} characters, but has {len(given)}")
        if self.kind == "text" and (other := re.search(self._others, given)):
            name = shown(given[other.start() : other.start() + 60].split()[0])
            raise Unfit("not_a_choice", f"may not have {name}: the workflow itself does not use that file")
        return given

    @property
    def _others(self) -> str:
        """A pattern, as Python and JavaScript have them, of embeddings that the text may not name."""
        allowed = "|".join(_SIGNS.sub(r"\\\g<0>", name) for name in sorted(self.allowed))
        return rf"embedding:(?!(?:{allowed})(?:[\s,]|$))" if allowed else "embedding:"


@dataclass(frozen=True)
class Form:
    """All that a published workflow takes."""

    fields: tuple[Field, ...]

    def schema(self) -> dict[str, Any]:
        """The object of values, in JSON Schema (draft 2020-12). What is left out keeps its default."""
        properties = {field.name: field.schema() for field in self.fields}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The values to be set, by name. Raises Refusal 422 with everything that is wrong."""
        known = {field.name: field for field in self.fields}
        values = {field.name: field.chance() for field in self.fields if field.changes and field.name not in given}
        problems: list[dict[str, Any]] = []
        for name, value in given.items():
            field = known.get(name)
            if field is None:
                close = nearest(name, known)
                hint = f"Did you mean '{close}'?" if close else f"There are {listing(known)}."
                problems.append(_problem(name, "extra_forbidden", f"There is no input '{name}'. {hint}"))
                continue
            try:
                values[name] = field.value(value)
            except Unfit as unfit:
                problems.append(_problem(name, unfit.code, f"The input '{name}' {unfit}."))
        if problems:
            raise Refusal(422, "invalid", problems[0]["message"], problems=problems)
        return values

    def filled(self, workflow: Workflow, values: Mapping[str, Any], catalogue: Catalogue) -> Workflow:
        """The workflow with these values in their places, and nothing else changed."""
        nodes = dict(workflow.nodes)
        for field in self.fields:
            if field.name in values:
                node = upgraded(nodes[field.node], catalogue)
                nodes[field.node] = replace(node, inputs={**node.inputs, field.input: values[field.name]})
        return replace(workflow, nodes=nodes)


def form_of(
    workflow: Workflow, catalogue: Catalogue, narrowed: Mapping[str, Narrowing], models: Iterable[str] = ()
) -> tuple[Form, list[Problem]]:
    """The form of a workflow's interface, and why it cannot be published. models: names of the kinds of model files."""
    fields: list[Field] = []
    problems: list[Problem] = []
    taken: set[tuple[str, str]] = set()
    items = workflow.interface.inputs
    if not items:
        problems.append(_unfit("The workflow has no interface with inputs, so there is nothing it could take.", ""))
    for item in items:
        spec = _spec_of(item, workflow, catalogue)
        try:
            if spec is None:
                raise Unfit("wrong_type", f"leads to input '{item.input}' of node '{item.node}', which is not there")
            if (item.node, item.input) in taken or any(field.name == item.name for field in fields):
                raise Unfit("not_a_choice", "stands twice")
            taken.add((item.node, item.input))
            fields.append(_field(item, spec, workflow, narrowed.get(item.name, WIDE), frozenset(models)))
        except Unfit as unfit:
            problems.append(_unfit(f"The input '{item.name}' {unfit}.", unfit.hint, item))
    problems += [
        _unfit(f"'fields' names '{name}', which is no input of the interface.", "Leave it out.")
        for name in narrowed
        if name not in {item.name for item in items}
    ]
    return Form(tuple(fields)), problems


def _field(
    item: InterfaceInput, spec: InputSpec, workflow: Workflow, narrowed: Narrowing, models: frozenset[str]
) -> Field:
    """What an input of the interface takes. Raises Unfit where that cannot be said, or is more than the node takes."""
    node = workflow.nodes[item.node]
    default = node.inputs.get(item.input, spec.default)
    if isinstance(default, Link):
        raise Unfit("wrong_type", "is linked", "Expose the node its link comes from, or cut the link.")
    kind = KINDS.get(spec.type)
    if kind is None or spec.list:
        what = f"{spec.type} as a list" if spec.list else spec.type
        raise Unfit("wrong_type", f"takes {what}, which cannot be published", f"There are {listing(KINDS)}.")
    after = node.after_run.get(item.input)
    seed = kind == "integer" and bool(spec.hints.get("control_after_generate") or after)
    field = Field(
        item.name,
        item.node,
        item.input,
        kind,
        default,
        help=". ".join(dict.fromkeys(text for text in (item.label, item.help or spec.help) if text)),
        is_seed=seed,
        changes=seed and after == RANDOM,
    )
    match kind:
        case "integer" | "number":
            field = _numeric(field, spec, narrowed)
        case "text":
            used = frozenset(_EMBEDDING.findall(default)) if isinstance(default, str) else frozenset()
            field = replace(field, longest=LONGEST if narrowed.longest is None else narrowed.longest, allowed=used)
        case "choice":
            field = _choosing(field, spec, narrowed, models)
    if other := sorted(narrowed.model_dump(exclude_none=True).keys() - NARROWING[field.kind]):
        raise Unfit("wrong_type", f"has no '{other[0]}' that `fields` could set", "Leave it out.")
    if field.default is not None and field.kind != "picture":
        field.value(field.default)
    return field


def _numeric(field: Field, spec: InputSpec, narrowed: Narrowing) -> Field:
    far = WIDEST if field.kind == "integer" else sys.float_info.max
    low, high = -far if spec.minimum is None else spec.minimum, far if spec.maximum is None else spec.maximum
    least, most = (
        low if narrowed.minimum is None else narrowed.minimum,
        high if narrowed.maximum is None else narrowed.maximum,
    )
    if not low <= least <= most <= high:
        raise Unfit("out_of_range", f"takes {shown(low)} to {shown(high)}, not {shown(least)} to {shown(most)}")
    return replace(field, minimum=least, maximum=most)


def _choosing(field: Field, spec: InputSpec, narrowed: Narrowing, models: frozenset[str]) -> Field:
    if spec.source == INPUT:
        return replace(field, kind="picture")
    own = (field.default,) if isinstance(field.default, str) else ()
    if spec.choices is None:
        if spec.source not in models and narrowed.choices is None and not own:
            raise Unfit("not_a_choice", "names a file, and there is none in the workflow", "Say `choices` for it.")
        return replace(field, choices=own if narrowed.choices is None else tuple(dict.fromkeys(narrowed.choices)))
    chosen = tuple(dict.fromkeys(spec.choices if narrowed.choices is None else narrowed.choices))
    if other := [choice for choice in chosen if choice not in spec.choices]:
        raise Unfit("not_a_choice", f"has no choice '{other[0]}'", f"It has {listing(spec.choices)}.")
    return replace(field, choices=chosen)


def _spec_of(item: InterfaceInput, workflow: Workflow, catalogue: Catalogue) -> InputSpec | None:
    node = workflow.nodes.get(item.node)
    return inputs_of(node, workflow, catalogue).get(item.input) if node is not None else None


def _unfit(message: str, hint: str, item: InterfaceInput | None = None) -> Problem:
    node, name = (item.node, item.input) if item is not None else (None, None)
    return Problem(code="bad_interface", message=message, hint=hint, node=node, input=name)


def _problem(name: str, code: str, message: str) -> dict[str, Any]:
    return {"place": ["body", "inputs", name], "message": message, "code": code}
