"""Calling one node: what it is given, what it gave, and what went wrong, in words."""

import builtins
import re
from collections.abc import Callable, Mapping
from typing import Any

from graph.cache import Entry, entry_of_files
from graph.errors import GraphError, NodeFailed
from graph.files import SavedFiles
from graph.settings import Unfit, coerce
from graph.text import listing
from graph.work import Work

WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where the words of a class name meet: "OutOfMemoryError", "OSError"."""

SPEAKING = (ValueError, OSError, RuntimeError)
"""Built-in errors whose texts are usually sentences; the others are shown with the name of their class."""


def arguments_of(work: Work, live: Mapping[str, Entry], services: Mapping[str, Any]) -> dict[str, Any]:
    """What the node's function is called with, besides services. live: results by key.

    Numbers, texts and choices that come by a link are brought to the type the input declares, and held to its limits.
    Raises Unfit or GraphError where that is not possible.
    """
    arguments = dict(work.arguments)
    plain, sources = work.kind.plain, work.kind.sources
    for name, _, key, index in work.links:
        value = live[key].outputs[index]
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


def entry_of(work: Work, result: object) -> Entry:
    """A node's result as its spec declares it. Raises GraphError with a sentence where it is something else."""
    declared = work.kind.spec.outputs
    if isinstance(result, SavedFiles):
        if declared:
            raise GraphError(f"It returned files, but declares {listing(work.kind.outputs)}.")
        return entry_of_files(result)
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        if len(result) != len(declared):
            names = listing(work.kind.outputs)
            raise GraphError(f"It returned {len(result)} values, but declares {len(declared)}: {names}.")
        return Entry(tuple(result))
    if len(declared) == 1:
        if result is None and declared[0].type != "*":
            raise GraphError(f"It returned nothing, but declares {listing(work.kind.outputs)}.")
        return Entry((result,))
    if not declared and result is None:
        return Entry()
    raise GraphError(
        f"It returned a {type(result).__name__}, but declares {len(declared)} outputs: {listing(work.kind.outputs)}."
    )


def failure(work: Work, error: Exception) -> NodeFailed:
    """An error as people read it: one paragraph, without the traceback."""
    kind = type(error)
    text = str(error).strip()
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror + (f": '{error.filename}'" if error.filename else "") + "."
    speaks = " " in text and (isinstance(error, SPEAKING) or getattr(builtins, kind.__name__, None) is not kind)
    return NodeFailed(
        text if speaks else f"{kind.__name__}: {text}" if text else f"{kind.__name__}.",
        node=work.node,
        type_id=work.kind.spec.type,
        code=WORDS.sub("_", kind.__name__).lower(),
        hint=str(getattr(error, "hint", "") or ""),
    )


def described(arguments: Mapping[str, Any], describe: Callable[[object], str]) -> str:
    """What a node was called with, one line an input, for the log. Nothing of it is held."""
    return "\n".join(f"  {name} = {describe(value)}" for name, value in arguments.items())
