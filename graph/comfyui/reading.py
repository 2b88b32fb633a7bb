"""ComfyUI's two kinds of JSON documents, told apart and read as a `Workflow`."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

from graph.catalogue import Catalogue
from graph.comfyui.api_reading import is_node, workflow_of_api
from graph.comfyui.editor_parsing import read_editor
from graph.comfyui.editor_reading import workflow_of
from graph.comfyui.virtual import resolve
from graph.document import FORMAT, Workflow
from graph.errors import WorkflowError
from graph.problem import Problem
from graph.strict_json import check_depth


class Imported(NamedTuple):
    """A document of another program as ours, and what in it could not be mapped: warnings, each with its node."""

    workflow: Workflow
    problems: list[Problem]


class Loose(NamedTuple):
    """JSON that was not quite JSON, and why."""

    value: Any
    problems: list[Problem]


def is_comfyui(data: Any) -> bool:
    """Whether a JSON value is a document of ComfyUI: of its editor, or what its editor sends to its server."""
    return is_editor(data) or _prompt_of(data) is not None


def is_editor(data: Any) -> bool:
    """Whether a JSON value is a document of ComfyUI's editor: nodes in a list, and links or its counters."""
    return (
        type(data) is dict
        and data.get("format") != FORMAT
        and type(data.get("nodes")) is list
        and any(key in data for key in ("links", "last_node_id", "state", "version"))
    )


def read(data: Any, catalogue: Catalogue) -> Imported:
    """Read a document of ComfyUI: API JSON (also inside the body of a request), editor JSON of schema 0.4 or 1.0.

    Raises WorkflowError, with a text that goes on where a name left off, if it is neither.
    """
    try:
        check_depth(data)
    except ValueError as error:
        raise WorkflowError(str(error)) from error
    if is_editor(data):
        document, parsing = read_editor(data)
        document, resolving = resolve(document)
        workflow, reading = workflow_of(document, catalogue)
        return Imported(workflow, [*parsing, *resolving, *reading])
    prompt = _prompt_of(data)
    if prompt is None:
        raise WorkflowError('is no document of ComfyUI: it has neither nodes with "class_type" nor "nodes" in a list')
    workflow, problems = workflow_of_api(prompt, catalogue)
    return Imported(workflow, problems)


def parse_loosely(text: str) -> Loose | None:
    """JSON as JavaScript and Python write it: NaN and what is too large for a float become null, a key that stands
    twice has its last value. None if it is no JSON all the same.
    """
    lost: list[str] = []

    def number(word: str) -> float | None:
        value = float(word)
        if isfinite(value):
            return value
        lost.append(word)
        return None

    try:
        value = json.loads(text, parse_constant=lost.append, parse_float=number)
        check_depth(value)
    except (ValueError, RecursionError):
        return None
    problems = [
        Problem(
            code="unreadable_part",
            message=f"The file has the number {word}, which is not JSON. It is read as null.",
            severity="warning",
        )
        for word in dict.fromkeys(lost)
    ]
    return Loose(value, problems)


def _prompt_of(data: Any) -> Mapping[str, Any] | None:
    """The nodes of API JSON, which a request's body holds under `prompt`. None if there are none."""
    if type(data) is not dict or data.get("format") == FORMAT:
        return None
    for candidate in (data, data.get("prompt")):
        if type(candidate) is dict and any(is_node(raw) for raw in candidate.values()):
            return candidate
    return None
