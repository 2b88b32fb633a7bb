"""`comfy_extras`: our own node types, in whichever of its modules packs look for them."""

import sys
from typing import Any

from nodes.comfyui.absent import Absent
from nodes.comfyui.built_in import built_in


def __getattr__(name: str) -> Any:
    """A module of it, or a node type by its id."""
    if name.startswith("__"):
        raise AttributeError(name)
    if name.startswith("nodes_"):
        return sys.modules[__name__]
    if built_in().spec(name) is not None:
        from nodes.comfyui.shims.nodes import class_of

        return class_of(name)
    return Absent(f"comfy_extras.{name}")
