"""Workflow documents, read and written. `docs/workflow-format.md` specifies the format.

`load` takes text, bytes or a path; `dump` writes the canonical text: once dumped, loading and dumping keeps every byte.
"""

from pathlib import Path

from graph.document import (
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
from graph.reading import from_json
from graph.strict_json import parse
from graph.writing import dump, to_json

__all__ = [
    "Interface",
    "InterfaceInput",
    "InterfaceOutput",
    "Link",
    "Malformed",
    "Node",
    "Subgraph",
    "SubgraphInput",
    "SubgraphOutput",
    "Workflow",
    "dump",
    "from_json",
    "load",
    "set_inputs",
    "to_json",
]


@paused()
def load(source: str | bytes | Path) -> Workflow:
    """Read a workflow document from its text, its UTF-8 bytes, or a file.

    Raises WorkflowError with one readable paragraph if it cannot be read at all. Everything less is left for `check`.
    """
    place = f"'{source}'" if isinstance(source, Path) else "The workflow"
    if isinstance(source, Path):
        source = _file(source)
    try:
        return from_json(parse(_text(source)))
    except (ValueError, WorkflowError) as error:
        raise WorkflowError(f"{place} {error}.") from error


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WorkflowError(f"'{path}' cannot be read: {error.strerror or error}.") from error


def _text(source: str | bytes) -> str:
    if isinstance(source, str):
        return source.removeprefix("\ufeff")
    if source.startswith((b"\x89PNG", b"\xff\xd8\xff", b"RIFF")):
        raise WorkflowError("is a picture; workflows inside pictures are not read yet. Give the workflow's JSON file")
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WorkflowError(f"is not UTF-8 text: {error.reason} at byte {error.start}") from error
