"""`@node`: a plain annotated function becomes a node type. The signature is the whole declaration.

Parameters before `*` are inputs, after it services; the return annotation names the outputs; the docstring is the help
text; limits, choices and hints stand in `Annotated`. The function stays an ordinary function that a test can call.
"""

import inspect
import re
import types
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le

from graph.errors import DeclarationError
from graph.files import InFolder, SavedFiles
from graph.result import Blocked, Expansion, Result
from graph.spec import ANY, InputSpec, NodeSpec, OutputSpec

F = TypeVar("F", bound=Callable[..., Any])
Upgrade = Callable[[dict[str, Any], int], dict[str, Any]]
Fingerprint = Callable[..., str]
Needs = Callable[..., Iterable[str]]
Wanted = Callable[[Any], bool]
Validate = Callable[[Mapping[str, Any], Mapping[str, str], Mapping[str, Any]], str]

WIRE_OF_PLAIN: Mapping[type, str] = types.MappingProxyType({int: "INT", float: "FLOAT", str: "STRING", bool: "BOOLEAN"})


@dataclass(frozen=True)
class OneOf:
    """Declares a choice of names known when the module is imported: `Annotated[str, OneOf(SAMPLERS)]`.

    of: what they are names of ("samplers"), where packs may add some.
    """

    names: tuple[str, ...]
    of: str = ""


class Hint:
    """Declares what an editor may use to draw an input: `Hint(step=0.01)`, `Hint(multiline=True)`. Never a rule."""

    def __init__(self, **hints: Any) -> None:
        self.hints = hints


@dataclass(frozen=True)
class Help:
    """Declares the help text of one input."""

    text: str


@dataclass(frozen=True)
class Default:
    """Declares a default where Python allows none: on a parameter that stands before one without a default."""

    value: Any


@dataclass(frozen=True)
class Named:
    """Declares what files call an input, where Python has no such name; the function takes it in its `**` mapping."""

    name: str


@dataclass(frozen=True)
class Lazy:
    """Declares an input whose value is computed only when the node's `needs` asks for it."""


@dataclass(frozen=True)
class NodeType:
    """A node type with its function; the rest as in `node`. validate: of adapted packs, called when a run is planned
    with the known settings, the wire types of what is linked and the services; gives a sentence, or "" if all is well.
    """

    spec: NodeSpec
    function: Callable[..., Any]
    upgrade: Upgrade | None = None
    fingerprint: Fingerprint | None = None
    needs: Needs | None = None
    validate: Validate | None = None
    wanted: Wanted | None = None


def node(
    type_id: str,
    *,
    category: str,
    title: str | None = None,
    version: int = 1,
    upgrade: Upgrade | None = None,
    replaces: Sequence[str] = (),
    output: bool = False,
    fingerprint: Fingerprint | None = None,
    lane: Literal["device", "cpu", "io"] | None = None,
    needs: Needs | None = None,
    wanted: Wanted | None = None,
    by_id: bool = False,
    gradients: bool = False,
    deprecated: bool = False,
    experimental: bool = False,
) -> Callable[[F], F]:
    """Declare a function as the node type `type_id`.

    version: raise it when inputs, outputs or meaning change, and give `upgrade(inputs, version) -> inputs`.
    output: a run starts from this node. fingerprint: makes it impure; called with the inputs and services it names, it
    returns a text that joins the cache key. lane: where it runs; if None "device" for nodes that take `weights`, "io"
    for `async def`, else "cpu". needs: for lazy inputs; called with the inputs it names, as far as they are known and
    None for the others, it returns the names of lazy inputs it wants computed, and is called again with their values
    until it wants nothing new. What it never wanted has its default in the call. by_id: its result belongs to this
    one node of the workflow: its id joins the cache key. wanted: called with the service `around` when a run is
    planned and the node leads to an output; if true, the run has it as an output of its own.
    Raises DeclarationError, with function and parameter, where the signature does not say enough.
    """

    def declare(function: F) -> F:
        spec = NodeSpec(
            type=type_id,
            title=title or _spaced(type_id),
            category=category,
            help=inspect.getdoc(function) or "",
            version=version,
            output=output,
            impure=fingerprint is not None,
            lane=lane or _lane(function),
            by_id=by_id,
            gradients=gradients,
            deprecated=deprecated,
            experimental=experimental,
            services=_services(function),
            replaces=tuple(replaces),
            module=function.__module__,
            **_signature(function),
        )
        if not spec.help:
            raise DeclarationError(
                f"{_place(function)} has no docstring; it is the help text of node type '{type_id}'."
            )
        if version > 1 and upgrade is None:
            raise DeclarationError(f"{_place(function)}: version {version} of '{type_id}' needs upgrade=….")
        lazy = [item.name for item in spec.inputs if item.lazy]
        if lazy and needs is None:
            raise DeclarationError(
                f"{_place(function)}: its input '{lazy[0]}' is lazy; say when it is wanted: needs=…."
            )
        if needs is not None and not lazy:
            raise DeclarationError(f"{_place(function)}: it says what it needs, but none of its inputs is Lazy().")
        function.__node__ = NodeType(spec, function, upgrade, fingerprint, needs, wanted=wanted)  # pyright: ignore[reportFunctionMemberAccess]
        return function

    return declare


def node_type_of(function: object) -> NodeType | None:
    """The node type that `@node` declared on this object, or None."""
    found = getattr(function, "__node__", None)
    return found if isinstance(found, NodeType) else None


def _lane(function: Callable[..., Any]) -> str:
    if "weights" in _services(function):
        return "device"
    return "io" if inspect.iscoroutinefunction(function) else "cpu"


def _services(function: Callable[..., Any]) -> tuple[str, ...]:
    parameters = inspect.signature(function).parameters.values()
    return tuple(parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY)


def _signature(function: Callable[..., Any]) -> dict[str, Any]:
    """Inputs, outputs and whether it reports progress, from the annotations."""
    hints = get_type_hints(function, include_extras=True)
    inputs = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            continue
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            raise DeclarationError(f"{_place(function)}: parameter '{parameter.name}' must be an ordinary parameter.")
        if parameter.name not in hints:
            raise DeclarationError(f"{_place(function)}: parameter '{parameter.name}' has no type annotation.")
        inputs.append(_input(function, parameter, hints[parameter.name]))
    if "return" not in hints:
        raise DeclarationError(f"{_place(function)} has no return annotation; it names the outputs.")
    result, progress = hints["return"], False
    if get_origin(result) is Generator:
        result, progress = get_args(result)[2], True
    if get_origin(result) is Coroutine:
        result = get_args(result)[2]
    expands = get_origin(result) is Expansion
    if expands or get_origin(result) is Result:
        (result,) = get_args(result)
    return {"inputs": tuple(inputs), "outputs": _outputs(function, result), "progress": progress, "expands": expands}


def _input(function: Callable[..., Any], parameter: inspect.Parameter, annotation: Any) -> InputSpec:
    place = f"{_place(function)}: parameter '{parameter.name}'"
    base, notes = _peel(annotation)
    optional = False
    if get_origin(base) in (Union, types.UnionType) and type(None) in get_args(base):
        rest = tuple(item for item in get_args(base) if item is not type(None))
        optional, (base, inner) = True, _peel(Union[rest])  # noqa: UP007 — built from a tuple
        notes = (*notes, *inner)
    is_list = get_origin(base) is list
    if is_list:
        base, inner = _peel(get_args(base)[0])
        notes = (*notes, *inner)
    has_default, default = parameter.default is not parameter.empty, parameter.default
    facts: dict[str, Any] = {"hints": {}}
    for note in notes:
        match note:
            case Ge(ge=limit):
                facts["minimum"] = limit
            case Le(le=limit):
                facts["maximum"] = limit
            case OneOf(names=names, of=of):
                facts |= {"choices": tuple(names), "choices_of": of, "type": "COMBO"}
            case InFolder(folder=folder, suffixes=suffixes):
                facts |= {"source": folder, "type": "COMBO"}
                if suffixes:
                    facts["hints"]["suffixes"] = list(suffixes)
            case Hint(hints=hints):
                facts["hints"] |= hints
            case Help(text=text):
                facts["help"] = text
            case Lazy():
                facts["lazy"] = True
            case Named(name=name):
                facts["name"] = name
            case Default(value=value):
                has_default, default = True, value
            case _:
                raise DeclarationError(f"{place} is annotated with {note!r}, which means nothing here.")
    if get_origin(base) is Literal:
        facts |= {"choices": get_args(base), "type": "COMBO"}
    facts.setdefault("type", None)
    if facts["type"] is None:
        facts["type"] = _wire(base, place)
    default = default if has_default else None
    if facts["type"] == "FLOAT" and isinstance(default, int):
        default = float(default)
    facts.setdefault("name", parameter.name)
    return InputSpec(required=not has_default, default=default, list=is_list, optional=optional, **facts)


def _outputs(function: Callable[..., Any], result: Any) -> tuple[OutputSpec, ...]:
    place = f"{_place(function)}: its result"
    if result is None or result is type(None) or result is SavedFiles:
        return ()
    if inspect.isclass(result) and issubclass(result, tuple) and hasattr(result, "_fields"):
        hints = get_type_hints(result, include_extras=True)
        return tuple(_output(name, hints[name], place) for name in result._fields)  # pyright: ignore[reportAttributeAccessIssue]
    return (_output(None, result, place),)


def _output(name: str | None, annotation: Any, place: str) -> OutputSpec:
    base, _ = _peel(annotation)
    if get_origin(base) in (Union, types.UnionType):
        rest = tuple(item for item in get_args(base) if item not in (type(None), Blocked))
        base, _ = _peel(Union[rest])  # noqa: UP007 — built from a tuple
    is_list = get_origin(base) is list
    if is_list:
        base, _ = _peel(get_args(base)[0])
    wire = _wire(base, place)
    return OutputSpec(name=name or wire, type=wire, list=is_list)


def _peel(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """An annotation without `Annotated`, and what stood in it."""
    if get_origin(annotation) is Annotated:
        base, *notes = get_args(annotation)
        return base, tuple(notes)
    return annotation, ()


def _wire(annotation: Any, place: str) -> str:
    """The wire name of a Python type."""
    if isinstance(annotation, TypeVar):
        return ANY
    if get_origin(annotation) in (Union, types.UnionType):
        return ",".join(_wire(item, place) for item in get_args(annotation))
    if annotation in WIRE_OF_PLAIN:
        return WIRE_OF_PLAIN[annotation]
    wire = getattr(annotation, "wire", None)
    if isinstance(wire, str):
        return wire
    raise DeclarationError(
        f"{place} has the type {annotation!r}, which has no wire name. Use int, float, str, bool, a Literal, "
        "a type variable, or a value class with `wire`."
    )


def _place(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _spaced(type_id: str) -> str:
    """'CLIPTextEncode' → 'CLIP Text Encode'."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", type_id)
