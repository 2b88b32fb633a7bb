"""Loading a pack that was written for ComfyUI: each of its classes becomes a node type of ours."""

import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from graph.errors import GraphError
from graph.node import NodeType
from graph.packs import Pack
from graph.text import listing
from nodes.comfyui import schema_nodes
from nodes.comfyui.absent import Lacking, LackingAttribute
from nodes.comfyui.asking import fingerprint_of, needs_of, validate_of
from nodes.comfyui.calling import Caller
from nodes.comfyui.declaration import Nonsense, declared
from nodes.comfyui.imports import FOREIGN, Importer
from nodes.comfyui.shims.comfy.samplers import restored
from nodes.comfyui.surroundings import Home, Surroundings, entered, home_of

LOGGED = 20
"""Names that a note lists; there may be hundreds."""


def load_pack(path: Path) -> Pack:
    """Import a pack from `custom_nodes`: a folder with `__init__.py`, or one Python file.

    A class that declares nonsense is an entry in the pack's `errors`, and its other classes work. Raises GraphError
    with a sentence where the pack cannot be imported, or brings nothing.
    """
    importer = Importer(path)
    home = home_of(importer.path.parent.parent)
    notes: dict[str, None] = {}
    if importer.path.is_dir() and not (importer.path / "__init__.py").is_file():
        raise GraphError("its folder holds no __init__.py")

    def note(sentence: str) -> None:
        notes[sentence] = None

    with entered(Surroundings.at(home, note=note)):
        try:
            module = _imported(importer)
        finally:
            samplers, schedulers = restored()
        found, errors = _node_types(module, importer, home, note)
    for kind, names in (("sampler", samplers), ("scheduler", schedulers)):
        if names:
            what = f"{kind} {listing(names)}" if len(names) == 1 else f"{kind}s {listing(names, LOGGED)}"
            notes[f"Its {what} cannot be used: only packs written for Noisewright can bring {kind}s."] = None
    for name, text in _facts(importer, module).items():
        if text:
            notes[f"{name} {text}"] = None
    return Pack(importer.name, tuple(found), errors, tuple(notes))


def _imported(importer: Importer) -> ModuleType:
    try:
        return importer.load()
    except (Lacking, LackingAttribute) as error:
        raise GraphError(_clause(str(error))) from error
    except ModuleNotFoundError as error:
        root = (error.name or "").partition(".")[0]
        if not root or root in FOREIGN:
            raise
        raise GraphError(f"it needs the Python package '{root}', which is not installed") from error


def _node_types(
    module: ModuleType, importer: Importer, home: Home, note: Callable[[str], None]
) -> tuple[list[NodeType], dict[str, str]]:
    """The node types of a pack, and why others are not there."""
    found: list[NodeType] = []
    errors: dict[str, str] = {}
    turns = threading.RLock()
    for type_id, title, cls, reason in _classes(module):
        if reason:
            errors[type_id] = reason
            continue
        try:
            facts = declared(type_id, title, cls, importer.name, frozenset(importer.words))
        except (Nonsense, Lacking, LackingAttribute) as error:
            errors[type_id] = _clause(str(error))
        except Exception as error:  # noqa: BLE001 — a pack's code; it fails this node type, not the others
            errors[type_id] = f"asking its class failed: {type(error).__name__}: {error}{_place(error, importer.path)}"
        else:
            cls.RELATIVE_PYTHON_MODULE = importer.namespace
            caller = Caller(facts, home, turns, note)
            asked = {"fingerprint": fingerprint_of(caller), "needs": needs_of(caller), "validate": validate_of(caller)}
            found.append(NodeType(facts.spec, caller.function(), **asked))
    return found, errors


def _classes(module: ModuleType) -> Iterator[tuple[str, str, Any, str]]:
    """What a pack declares: id, title, class, and why there is none, or "".

    Raises GraphError where it declares nothing.
    """
    classes = getattr(module, "NODE_CLASS_MAPPINGS", None)
    has_extension = hasattr(module, schema_nodes.ENTRY)
    if not isinstance(classes, Mapping):
        if not has_extension:
            what = f"NODE_CLASS_MAPPINGS nor {schema_nodes.ENTRY}"
            raise GraphError(f"it has neither {what}, by which a pack tells its node types")
        classes = {}
    titles = getattr(module, "NODE_DISPLAY_NAME_MAPPINGS", None)
    titles = titles if isinstance(titles, Mapping) else {}
    for key, cls in classes.items():
        title = str(titles.get(key) or key)
        try:
            yield str(key), title, schema_nodes.face_of(cls) if schema_nodes.is_schema_node(cls) else cls, ""
        except Exception as error:  # noqa: BLE001 — a pack's code; it fails this node type, not the others
            yield str(key), title, None, schema_nodes.reason_of(error)
    if has_extension:
        yield from (found for found in schema_nodes.faces(module) if found[0] not in classes)


def _facts(importer: Importer, module: ModuleType) -> dict[str, str]:
    """What a person should know: it asked for what is not there, or brings what is not used."""
    lacking = list(importer.lacking)
    more = f" and {len(lacking) - LOGGED} more" if len(lacking) > LOGGED else ""
    web = getattr(module, "WEB_DIRECTORY", None)
    script = importer.path / "prestartup_script.py"
    names = f"{listing(lacking[:LOGGED], LOGGED)}{more}"
    return {
        "It imports": f"{names}, which Noisewright does not have; nodes that use it will fail." if lacking else "",
        "Its browser files": f"('{web}') are not used." if web else "",
        "Its prestartup_script.py": "is not run." if script.is_file() else "",
    }


def _clause(sentence: str) -> str:
    """A sentence as the end of another: "It needs X." → "it needs X"."""
    return sentence[:1].lower() + sentence[1:].removesuffix(".")


def _place(error: BaseException, pack: Path) -> str:
    """Where in the pack: " (blur.py, line 3)"."""
    folder = pack if pack.is_dir() else pack.parent
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).is_relative_to(folder):
            return f" ({Path(frame.filename).relative_to(folder).as_posix()}, line {frame.lineno})"
    return ""
