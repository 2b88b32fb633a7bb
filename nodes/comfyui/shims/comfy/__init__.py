"""`comfy`: some of its modules. The others may be imported, and say that they are lacking once they are used."""

from typing import Any

from nodes.comfyui.absent import submodule


def __getattr__(name: str) -> Any:
    return submodule(__name__, name, "comfy")
