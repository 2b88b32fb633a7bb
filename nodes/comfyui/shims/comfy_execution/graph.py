"""`comfy_execution.graph`: a value that blocks what depends on it, and the graph that runs."""

from typing import NoReturn

from nodes.comfyui.absent import lacking_attribute
from nodes.comfyui.blocking import ExecutionBlocker
from nodes.comfyui.expanding import is_link
from nodes.comfyui.hidden import DynamicPrompt

__all__ = ["DynamicPrompt", "ExecutionBlocker", "is_link"]


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("comfy_execution.graph", name)
