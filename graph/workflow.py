"""Workflow documents, read and written. `docs/workflow-format.md` specifies the format.

`load` takes text, bytes or a path; `dump` writes the canonical text: once dumped, loading and dumping keeps every byte.
With a catalogue it also takes what other programs write: ComfyUI's editor and API JSON, an infotext of A1111 or Forge,
and pictures that carry any of these. `load_with_problems` says what of it could not be mapped.
"""

from pathlib import Path
from typing import NamedTuple

from graph.catalogue import Catalogue
from graph.document import (
    NAME,
    Interface,
    InterfaceInput,
    InterfaceOutput,
    Link,
    Malformed,
    Node,
    Subgraph,
    SubgraphInput,
    SubgraphOutput,
    Workflow,
)
from graph.errors import WorkflowError
from graph.garbage import paused
from graph.overrides import set_inputs
from graph.problem import Problem
from graph.reading import from_json
from graph.strict_json import parse
from graph.writing import dump, to_json

__all__ = [
    "Interface",
    "InterfaceInput",
    "InterfaceOutput",
    "Link",
    "Loaded",
    "Malformed",
    "Node",
    "Subgraph",
    "SubgraphInput",
    "SubgraphOutput",
    "Workflow",
    "dump",
    "from_json",
    "load",
    "load_with_problems",
    "set_inputs",
    "to_json",
]

CARRIED = (NAME, "workflow", "prompt", "parameters")
"""Under which keys a picture carries a workflow, the best first: ours, ComfyUI's editor and API JSON, an infotext."""


class Loaded(NamedTuple):
    """A workflow, and what of a foreign document could not be mapped: warnings, each with its node. Ours has none."""

    workflow: Workflow
    problems: list[Problem]


def load(source: str | bytes | Path, catalogue: Catalogue | None = None) -> Workflow:
    """Read a workflow document from its text, its UTF-8 bytes, or a file. catalogue: for documents of other programs.

    Raises WorkflowError with one readable paragraph if it cannot be read at all. Everything less is left for `check`.
    """
    return load_with_problems(source, catalogue).workflow


@paused()
def load_with_problems(source: str | bytes | Path, catalogue: Catalogue | None = None) -> Loaded:
    """`load`, with what could not be mapped of a document of another program."""
    place = f"'{source}'" if isinstance(source, Path) else "The workflow"
    if isinstance(source, Path):
        source = _file(source)
    try:
        return _loaded(source, catalogue)
    except (ValueError, WorkflowError) as error:
        raise WorkflowError(f"{place} {error}.") from error


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WorkflowError(f"'{path}' cannot be read: {error.strerror or error}.") from error


def _loaded(source: str | bytes, catalogue: Catalogue | None) -> Loaded:
    if isinstance(source, str):
        return _from_text(source.removeprefix("\ufeff"), catalogue)
    from graph.comfyui.pictures import is_picture

    if is_picture(source):
        return _from_picture(source, catalogue)
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WorkflowError(f"is not UTF-8 text: {error.reason} at byte {error.start}") from error
    return _from_text(text, catalogue)


def _from_text(text: str, catalogue: Catalogue | None) -> Loaded:
    """The workflow of a text: JSON, or an infotext."""
    try:
        document = parse(text)
    except ValueError as error:
        if catalogue is None or (foreign := _foreign(text, catalogue)) is None:
            raise WorkflowError(str(error)) from error
        return foreign
    if catalogue is not None:
        from graph.comfyui.reading import is_comfyui, read

        if is_comfyui(document):
            return Loaded(*read(document, catalogue))
    return Loaded(from_json(document), [])


def _foreign(text: str, catalogue: Catalogue) -> Loaded | None:
    """What is no JSON for us but has a meaning all the same: an infotext, or what ComfyUI's programs write as JSON."""
    from graph.comfyui.infotext import is_infotext, to_workflow
    from graph.comfyui.infotext import parse as parse_infotext
    from graph.comfyui.reading import is_comfyui, parse_loosely, read

    loose = parse_loosely(text)
    if loose is not None and is_comfyui(loose.value):
        workflow, problems = read(loose.value, catalogue)
        return Loaded(workflow, [*loose.problems, *problems])
    if is_infotext(text):
        return Loaded(*to_workflow(parse_infotext(text), catalogue))
    return None


def _from_picture(data: bytes, catalogue: Catalogue | None) -> Loaded:
    """The best of the workflows that a picture carries and that can be read."""
    from graph.comfyui.pictures import documents_in

    documents = documents_in(data)
    first: WorkflowError | None = None
    passed: list[Problem] = []
    for key in CARRIED:
        if key in documents:
            try:
                workflow, problems = _from_text(documents[key], catalogue)
            except WorkflowError as error:
                first = first or error
                message = f"What the picture carries as '{key}' is passed over: it {error}."
                passed.append(Problem(code="unreadable_part", message=message, severity="warning"))
            else:
                return Loaded(workflow, [*passed, *problems])
    if first is not None:
        raise WorkflowError(f"is a picture whose workflow {first}") from first
    raise WorkflowError("is a picture that carries no workflow")
