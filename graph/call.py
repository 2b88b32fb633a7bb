"""Calling one node: what it is given, what it gave, and what went wrong, in words."""

import builtins
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from graph.cache import NOTHING, Entry, entry_of_files
from graph.errors import GraphError, NodeFailed
from graph.files import SavedFiles
from graph.kind import Kind, asked
from graph.result import Blocked, Many, Result
from graph.settings import Unfit, coerce
from graph.text import listing
from graph.work import Work

WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where the words of a class name meet: "OutOfMemoryError", "OSError"."""

SPEAKING = (ValueError, OSError, RuntimeError)
"""Built-in errors whose texts are usually sentences; the others are shown with the name of their class."""


def arguments_of(work: Work, values: Mapping[str, Any], services: Mapping[str, Any]) -> dict[str, Any]:
    """What the node's function is called with, besides services. values: what its links brought.

    Numbers, texts and choices that come by a link are brought to the type the input declares, and held to its limits.
    Raises GraphError where that is not possible.
    """
    arguments = dict(work.arguments)
    plain, sources, whole = work.kind.plain, work.kind.sources, work.kind.whole
    for name, value in values.items():
        if name in whole:
            value = list(value) if isinstance(value, Many | list) else [value]
        if name in plain:
            try:
                value = coerce(plain[name], value)
            except Unfit as error:
                raise GraphError(f"Its input '{name}' {error}. {error.hint}".strip()) from error
            if name in sources and value is not None:
                find, folder = services["files"].find, sources[name]
                value = [find(folder, item) for item in value] if isinstance(value, list) else find(folder, value)
        arguments[name] = value
    return arguments


def blocked_by(work: Work, values: Mapping[str, Any]) -> tuple[str, Blocked] | None:
    """The input by which a value came that must not be used, and that value; None where there is none."""
    for name, value in values.items():
        if isinstance(value, Blocked):
            return name, value
        if isinstance(value, Many) and name in work.kind.whole:
            for item in value:
                if isinstance(item, Blocked):
                    return name, item
    return None


def mapped(work: Work, values: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The values of each call, where several came by an input that takes one: as many as the longest has.

    Shorter ones repeat their last; an empty one means no call at all. None: one call is all there is.
    """
    several = {name: value for name, value in values.items() if type(value) is Many and name not in work.kind.whole}
    if not several:
        return None
    lengths = [len(value) for value in several.values()]
    count = max(lengths) if all(lengths) else 0
    return [
        {name: value[min(turn, len(value) - 1)] if name in several else value for name, value in values.items()}
        for turn in range(count)
    ]


def needed(
    kind: Kind, arguments: Mapping[str, Any], open_inputs: Collection[str], services: Mapping[str, Any]
) -> set[str]:
    """Which of the lazy inputs that are not computed yet the node asks for. Raises GraphError for a name it has not."""
    assert kind.type.needs is not None  # noqa: S101 — asked by the caller
    names = set(kind.type.needs(**asked(kind.needs, kind.inputs, arguments, services)) or ())
    unknown = names - kind.inputs.keys()
    if unknown:
        raise GraphError(f"It asks for {listing(sorted(unknown))}, but has {listing(kind.inputs)}.")
    return names.intersection(open_inputs)


def entry_of(work: Work, result: object) -> Entry:
    """A node's result as its spec declares it. Raises GraphError with a sentence where it is something else."""
    shown: Mapping[str, Any] = NOTHING
    saved = None
    if isinstance(result, Result):
        result, shown, saved = result.value, result.shown, result.saved
    if isinstance(result, SavedFiles):
        if work.kind.spec.outputs:
            raise GraphError(f"It returned files, but declares {listing(work.kind.outputs)}.")
        result, saved = None, result
    outputs = outputs_of(work, result)
    if saved is None:
        return Entry(outputs, shown=shown)
    return replace(entry_of_files(saved), outputs=outputs, shown=shown)


def outputs_of(work: Work, result: object) -> tuple[Any, ...]:
    """What a node returned, as a value for each output it declares. Raises GraphError where it does not fit."""
    declared, values = work.kind.spec.outputs, values_of(work, result)
    if any(item.list for item in declared):
        return tuple(
            several(item.name, value) if item.list else value for item, value in zip(declared, values, strict=True)
        )
    return values


def values_of(work: Work, result: object) -> tuple[Any, ...]:
    """The same, with the values of list outputs as they are."""
    declared = work.kind.spec.outputs
    if isinstance(result, Blocked):
        return (result,) * len(declared)
    if isinstance(result, Mapping) and len(declared) > 1:
        missing = [item.name for item in declared if item.name not in result]
        if missing:
            raise GraphError(f"It returned nothing for its output {listing(missing)}.")
        result = tuple(result[item.name] for item in declared)
    if isinstance(result, tuple) and (hasattr(result, "_fields") or len(declared) != 1):
        if len(result) != len(declared):
            names = listing(work.kind.outputs)
            raise GraphError(f"It returned {len(result)} values, but declares {len(declared)}: {names}.")
        values = tuple(result)
    elif len(declared) == 1:
        if result is None and declared[0].type != "*":
            raise GraphError(f"It returned nothing, but declares {listing(work.kind.outputs)}.")
        values = (result,)
    elif not declared and result is None:
        return ()
    else:
        kind, names = type(result).__name__, listing(work.kind.outputs)
        raise GraphError(f"It returned a {kind}, but declares {len(declared)} outputs: {names}.")
    return values


def several(name: str, value: Any) -> Any:
    """The value of an output that is declared a list. Raises GraphError where it is none."""
    if isinstance(value, Blocked | Many):
        return value
    if not isinstance(value, list | tuple):
        raise GraphError(f"Its output '{name}' is declared a list, but it returned a {type(value).__name__}.")
    return Many(value)


def failure(work: Work, error: Exception) -> NodeFailed:
    """An error as people read it: one paragraph, without the traceback."""
    kind = type(error)
    text = _said(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror + (f": '{error.filename}'" if error.filename else "") + "."
    speaks = " " in text and (isinstance(error, SPEAKING) or getattr(builtins, kind.__name__, None) is not kind)
    return NodeFailed(
        text if speaks else f"{kind.__name__}: {text}" if text else f"{kind.__name__}.",
        node=work.node,
        type_id=work.kind.spec.type,
        code=WORDS.sub("_", kind.__name__).lower(),
        hint=" ".join(part for part in (str(getattr(error, "hint", "") or ""), origin_of(work)) if part),
    )


def _said(error: Exception) -> str:
    """The text of an error, whose class may be the node's own."""
    try:
        return str(error).strip()
    except Exception:  # noqa: BLE001 — the node's own code
        return ""


def origin_of(work: Work) -> str:
    """Whom to ask about a node that is not ours."""
    return f"The node is from the pack '{work.kind.spec.pack}'." if work.kind.spec.pack else ""


def described(arguments: Mapping[str, Any], describe: Callable[[object], str]) -> str:
    """What a node was called with, one line an input, for the log. Nothing of it is held."""
    return "\n".join(f"  {name} = {describe(value)}" for name, value in arguments.items())
