"""What is known of a pack without importing it: all that catalogues, lists and editors read."""

import traceback
from pathlib import Path
from typing import cast

from pydantic import Field

from graph.declared import declared_in
from graph.errors import GraphError
from graph.node import NodeType
from graph.packs import Kind, Place, Sources, load
from graph.spec import Frozen, NodeSpec


class PackSpec(Frozen):
    """One pack, as data.

    nodes: what it declares, by its own ids. error: why nothing of it can be used, or "": completes "Node type 'X' is
    not there: …". errors: the same by node type id. traceback: of the import that failed. lacking: ids that its text
    declares, of a pack that cannot be imported. names: what else it brings, kind → name → module. early: node types
    whose functions are asked something already when a run is planned. templates, paths: files.
    """

    name: str
    kind: str
    path: str
    module: str = ""
    version: str = ""
    nodes: tuple[NodeSpec, ...] = ()
    error: str = ""
    errors: dict[str, str] = Field(default_factory=dict)
    traceback: str = ""
    lacking: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    names: dict[str, dict[str, str]] = Field(default_factory=dict)
    early: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(self.name, cast("Kind", self.kind), Path(self.path), self.module, self.version)


def described(place: Place, sources: Sources) -> PackSpec:
    """Import a pack, here, and say what it brings. Whatever its code raises is its error."""
    try:
        pack = load(place, sources)
    except BaseException as error:  # noqa: BLE001 — a pack's code: even `sys.exit()` is an entry in the catalogue
        if place.problem:
            return unusable(place, f"cannot be used: {place.problem}")
        story = "".join(traceback.format_exception(error))
        return unusable(place, f"cannot be imported: {reason_of(error, place)}", story)
    errors = dict(pack.errors)
    whole = errors.pop(pack.name, "")
    specs: list[NodeSpec] = []
    early: list[str] = []
    for found in pack.node_types:
        spec = found.spec.model_copy(update={"pack": place.name})
        try:
            spec.model_dump_json()
        except ValueError as error:
            errors[spec.type] = f"its pack '{place.name}' declares what cannot be written as data: {error}"
            continue
        specs.append(spec)
        if _is_asked_early(found):
            early.append(spec.type)
    return PackSpec(
        **_facts(place),
        nodes=tuple(specs),
        error=whole,
        errors=errors,
        notes=pack.notes,
        names={kind: dict(names) for kind, names in pack.names.items()},
        early=tuple(early),
        paths=tuple(str(path) for path in pack.paths),
    )


def unusable(place: Place, what: str, story: str = "") -> PackSpec:
    """A pack that brings nothing. what: completes "its pack 'X' …". story: the traceback."""
    lacking = declared_in(place.path)
    return PackSpec(**_facts(place), error=f"its pack '{place.name}' {what}", traceback=story, lacking=lacking)


def reason_of(error: BaseException, place: Place) -> str:
    """What an import raised, and where in the pack: "NameError: name 'x' is not defined (blur.py, line 3)"."""
    text = f"{type(error).__name__}: {error}".removesuffix(": ").rstrip(".")
    if type(error) is GraphError:
        return str(error).rstrip(".")  # a sentence of ours, that says all
    if isinstance(error, SystemExit):
        text = f"it ends the program, with {error.code!r}"
    if isinstance(error, SyntaxError):
        return text  # says where by itself
    folder = place.path if place.path.is_dir() else place.path.parent
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(folder):
            return f"{text} ({file.relative_to(folder).as_posix()}, line {frame.lineno})"
    return text


def _facts(place: Place) -> dict:
    return {
        "name": place.name,
        "kind": place.kind,
        "path": str(place.path),
        "module": place.module,
        "version": place.version,
        "templates": tuple(str(path) for path in place.templates),
    }


def _is_asked_early(found: NodeType) -> bool:
    return found.fingerprint is not None or found.needs is not None or found.validate is not None
