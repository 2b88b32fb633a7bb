"""What nodes show and have written, as ComfyUI's clients get it: lists under "images", "text", …"""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from server.comfyui.ids import Ids

FILES, KIND = "files", "kind"
"""What our outputs call the files of a node, and the kind of folder they lie in."""

_ENDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "audio": (".wav", ".flac", ".mp3", ".opus", ".ogg", ".m4a", ".aac"),
        "latents": (".latent", ".safetensors"),
        "3d": (".glb", ".gltf", ".obj", ".stl", ".ply", ".fbx"),
    }
)
_KEYS: Mapping[str, str] = MappingProxyType({ending: key for key, endings in _ENDINGS.items() for ending in endings})
_MOVING = frozenset({".mp4", ".webm", ".mov", ".mkv", ".avi", ".m4v"})
_ANIMATED = frozenset({"SaveAnimatedWEBP", "SaveAnimatedPNG", "SaveWEBM", "SaveVideo"})
"""Node types of theirs whose pictures move."""


def ui_of(outputs: Mapping[str, Any], type_id: str = "") -> dict[str, list[Any]]:
    """The outputs of a `node_finished` event as `executed` and the history have them; empty if a node shows nothing.

    Files stand as `{"filename", "subfolder", "type"}` under the key of what they are; pictures that move, films among
    them, as `images` with `animated`. What a node of a pack shows stands as the pack gave it, files too.
    """
    shown = {key: _listed(value) for key, value in outputs.items() if key not in (FILES, KIND)}
    if any(map(_is_file, _flat(shown.values()))):
        return shown
    for file in outputs.get(FILES, ()):
        entry = file_entry(file)
        ending = PurePosixPath(entry["filename"]).suffix.lower()
        shown.setdefault(_KEYS.get(ending, "images"), []).append(entry)
        if ending in _MOVING or type_id in _ANIMATED:
            shown["animated"] = [True]
    return shown


def file_entry(file: Mapping[str, str]) -> dict[str, str]:
    """A file `{"kind", "name"}` as they name it."""
    path = PurePosixPath(file["name"])
    folder = path.parent.as_posix()
    return {"filename": path.name, "subfolder": "" if folder == "." else folder, "type": file["kind"]}


class Shown:
    """What the nodes of one run show, each thing once.

    A node that is called for each of several values, or that others stand for, has theirs among its own files: these
    are told with the node, and what was told of nodes inside it is not told again.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._calls: dict[str, dict[str, list[Any]]] = {}
        self._told: dict[str, set[tuple[str, ...]]] = {}

    def finished(self, path: str, outputs: Mapping[str, Any], type_id: str = "") -> dict[str, list[Any]]:
        """What is to be told of a node that has finished: nothing of a single call."""
        told = self._told.pop(path, set())
        shown: dict[str, list[Any]] = {}
        for key, items in ui_of(outputs, type_id).items():
            left = [item for item in items if not (_is_file(item) and _named(item) in told)]
            if left or not items:
                shown[key] = left
        for key, items in self._calls.pop(path, {}).items():
            shown.setdefault(key, items)
        if shown.keys() <= {"animated"}:
            shown = {}
        whole = self._ids.folded(path)
        if whole != path:
            kept = self._calls.setdefault(whole, {})
            for key, items in shown.items():
                if not any(map(_is_file, items)):  # the files come with the node itself
                    kept[key] = [*kept.get(key, ()), *items]
            return {}
        files = {_named(item) for item in _flat(shown.values()) if _is_file(item)}
        while files and "/" in path:
            path = path.rpartition("/")[0]
            self._told.setdefault(path, set()).update(files)
        return shown


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _flat(lists: Iterable[list[Any]]) -> Iterable[Any]:
    return (item for items in lists for item in items)


def _is_file(item: Any) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get("filename"), str) and isinstance(item.get("type"), str)


def _named(item: Mapping[str, Any]) -> tuple[str, ...]:
    return item["type"], str(item.get("subfolder") or ""), item["filename"]
