"""`comfy_execution`: building graphs, and blocking what depends on a value."""

from typing import Any

from nodes.comfyui.absent import submodule


def __getattr__(name: str) -> Any:
    return submodule(__name__, name, "comfy_execution")
