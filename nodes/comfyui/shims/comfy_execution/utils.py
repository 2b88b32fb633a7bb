"""`comfy_execution.utils`: which node is at work."""

from dataclasses import dataclass
from typing import NoReturn

from nodes.comfyui.absent import lacking_attribute
from nodes.comfyui.surroundings import current


@dataclass(frozen=True)
class ExecutionContext:
    """The node that is at work."""

    prompt_id: str
    node_id: str
    list_index: int | None = None


def get_executing_context() -> ExecutionContext | None:
    """The node that is at work; None outside of a run."""
    return ExecutionContext("", current().node) if current().node else None


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("comfy_execution.utils", name)
