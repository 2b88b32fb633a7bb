"""A catalogue kept as JSON, so that a process has every spec without importing a node.

It belongs to a stamp over the code that declares the nodes, and is made anew in a child process when the stamp differs:
packs run their import there, and one that takes the process down with it is an entry with an error like any other.
"""

import hashlib
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graph.atomic import atomic_write
from graph.catalogue import FORMAT, Catalogue
from graph.code_version import CodeVersions
from graph.declared import declared_types
from graph.errors import GraphError

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 120
"""How long the import of all modules may take before one of them is taken to never return."""

CHILD = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from pathlib import Path
from graph.catalogue import Catalogue
text = json.dumps(Catalogue.of(json.loads(sys.argv[2])).to_json())
Path(sys.argv[3]).write_text(text, encoding="utf-8")
"""


def stored(path: Path, modules: Sequence[str], code: CodeVersions | None = None) -> Catalogue:
    """The catalogue of these modules: from the file `path` if it is up to date, else made in a child process and kept.

    One with errors is not kept: what is missing may be there next time. Raises GraphError where no child can be run.
    """
    code = code or CodeVersions()
    stamp = _stamp(modules, code)
    data = _read(path)
    if data.get("stamp") == stamp:
        try:
            return Catalogue.from_json(data["catalogue"], code=code)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("The stored catalogue '%s' is damaged and made anew: %s", path, error)
    fresh = _made(modules)
    if not fresh["errors"]:
        try:
            atomic_write(path, json.dumps({"stamp": stamp, "catalogue": fresh}).encode())
        except OSError as error:
            log.warning("The catalogue cannot be kept in '%s': %s", path, error)
    return Catalogue.from_json(fresh, code=code)


def _stamp(modules: Sequence[str], code: CodeVersions) -> str:
    """What the specs depend on: the modules, all code that runs when they are imported, the version of Python."""
    described = [FORMAT, sys.version, [(name, code.declaring(name)) for name in ("graph.catalogue", *modules)]]
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()


def _read(path: Path) -> Mapping[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _made(modules: Sequence[str]) -> dict[str, Any]:
    """The catalogue as JSON, from child processes: one for all; where it dies one for each, to find the culprits."""
    data, _ = _from_child(modules)
    if data is not None:
        return data
    errors: dict[str, str] = {}
    for name in modules:
        alone, reason = _from_child([name])
        if alone is None:
            log.warning("Module '%s' cannot be imported: %s", name, reason)
            errors |= dict.fromkeys((name, *declared_types(name)), f"its module '{name}' cannot be imported: {reason}")
    data, reason = _from_child([name for name in modules if name not in errors])
    if data is None:
        raise GraphError(f"The node types cannot be read: {reason}.")
    return {**data, "errors": data["errors"] | errors}


def _from_child(modules: Sequence[str]) -> tuple[dict[str, Any] | None, str]:
    """The catalogue of these modules, made in a process of its own; or None, and why there is none."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "catalogue.json")
        words = [sys.executable, "-c", CHILD, json.dumps(sys.path), json.dumps(list(modules)), str(result)]
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return None, f"it did not return within {PATIENCE_SECONDS} s"
        except OSError as error:
            raise GraphError(f"No process can be started with '{sys.executable}': {error}.") from error
        if result.is_file():
            return json.loads(result.read_text(encoding="utf-8")), ""
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        return None, f"the process ended with {done.returncode}" + (f": {last}" if last else "")
