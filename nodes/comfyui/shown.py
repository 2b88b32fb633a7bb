"""What a node of a pack shows (`ui`): as JSON for editors, and as the files it wrote."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graph.files import SavedFiles
from graph.folders import OutputFolder


def shown_of(ui: object) -> dict[str, Any]:
    """The `ui` of a node as JSON values. What JSON cannot say stands there as text."""
    given = ui if isinstance(ui, Mapping) else {}
    return json.loads(json.dumps({str(key): value for key, value in given.items()}, default=str))


def saved_of(shown: Mapping[str, Any], output: OutputFolder) -> SavedFiles | None:
    """The files that `{"images": [{"filename", "subfolder", "type"}]}` names, under whichever key; None if there are
    none. Where results and previews were written, the results count.
    """
    found: dict[str, list[Path]] = {"output": [], "temp": []}
    for entries in shown.values():
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("filename"), str) and entry.get("type") in found:
                root = output.path if entry["type"] == "output" else output.temp
                path = root / str(entry.get("subfolder") or "") / entry["filename"]
                if path.is_file():
                    found[entry["type"]].append(path)
    kind = "output" if found["output"] else "temp"
    return SavedFiles(tuple(dict.fromkeys(found[kind])), kind) if found[kind] else None
