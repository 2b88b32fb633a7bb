"""What a file of ComfyUI's editor says it needs: models with digests and addresses, packs with versions."""

import re
from collections.abc import Mapping
from typing import Any

from graph.comfyui.editor import EditorDocument, EditorNode

_SHA256 = re.compile("[0-9a-fA-F]{64}")
_OWN = "comfy-core"


def pack_of(node: EditorNode) -> tuple[str, str]:
    """The pack that a node says it is from, and its version; "" where it does not say, or is from the core."""
    properties = node.properties
    name = _text(properties.get("cnr_id")) or _text(properties.get("aux_id"))
    return ("", "") if name in ("", _OWN) else (name, _text(properties.get("ver")))


def requires_of(document: EditorDocument) -> dict[str, Any]:
    """The models and packs that the file and its nodes name, as `requires` of our document has them."""
    models: dict[str, dict[str, Any]] = {}
    packs: dict[str, dict[str, Any]] = {}
    for item in document.models:
        _model(item, models)
    for graph in (document.graph, *document.definitions.values(), *document.group_nodes.values()):
        for node in graph.nodes.values():
            named = node.properties.get("models")
            for item in named if type(named) is list else ():
                if type(item) is dict:
                    _model(item, models)
            _pack(node, packs)
    return {key: value for key, value in (("models", models), ("packs", packs)) if value}


def _model(item: Mapping[str, Any], models: dict[str, dict[str, Any]]) -> None:
    name = _text(item.get("name"))
    if not name or name in models:
        return
    digest = _text(item.get("hash"))
    facts = {
        "sha256": digest.lower() if _SHA256.fullmatch(digest) else "",
        "folder": _text(item.get("directory")),
        "url": _text(item.get("url")),
    }
    models[name] = {key: value for key, value in facts.items() if value}


def _pack(node: EditorNode, packs: dict[str, dict[str, Any]]) -> None:
    name, version = pack_of(node)
    if not name or name in packs:
        return
    repository = _text(node.properties.get("aux_id"))
    facts = {"version": version, "url": f"https://github.com/{repository}" if repository else ""}
    packs[name] = {key: value for key, value in facts.items() if value}


def _text(value: Any) -> str:
    return value if type(value) is str else ""
