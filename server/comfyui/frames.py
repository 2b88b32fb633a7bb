"""Binary frames of ComfyUI's websocket: big-endian 32-bit numbers, then the data."""

import json
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from server.comfyui.ids import Place

PREVIEW_IMAGE = 1
TEXT = 3
PREVIEW_IMAGE_WITH_METADATA = 4
"""Kinds of frames: their first number."""

KINDS: Mapping[str, int] = MappingProxyType({"image/jpeg": 1, "image/png": 2})
"""Pictures that a frame of the first kind can hold."""


def preview_frame(mime: str, data: bytes) -> bytes | None:
    """A picture in the making. mime: image/jpeg or image/png; of others there is no such frame: None."""
    kind = KINDS.get(mime)
    return None if kind is None else struct.pack(">II", PREVIEW_IMAGE, kind) + data


def preview_with_metadata_frame(place: Place, prompt_id: str, mime: str, data: bytes) -> bytes:
    """The same with what it shows, for clients that have said `supports_preview_metadata`."""
    facts = {**told(place), "prompt_id": prompt_id, "image_type": mime}
    text = json.dumps(facts, separators=(",", ":")).encode()
    return struct.pack(">II", PREVIEW_IMAGE_WITH_METADATA, len(text)) + text + data


def text_frame(node: str, text: str) -> bytes:
    """A text that is shown below a node. node: its id in the prompt."""
    name = node.encode("utf-8", "replace")
    return struct.pack(">II", TEXT, len(name)) + name + text.encode("utf-8", "replace")


def told(place: Place) -> dict[str, Any]:
    """The ids of a node, by the keys under which clients know them."""
    return {
        "node_id": place.node,
        "display_node_id": place.display,
        "parent_node_id": place.parent,
        "real_node_id": place.real,
    }
