"""`comfy_execution.progress`: saying how far a node is."""

from typing import Any

from nodes.comfyui.shims.comfy_api.latest import ComfyAPISync


class ProgressRegistry:
    """Takes the progress of the node that runs now; which node it is, is known here already."""

    def start_progress(self, node_id: str) -> None:
        """Nothing to do: the engine tells when a node starts."""

    def update_progress(self, node_id: str, value: float, max_value: float, image: Any = None) -> None:
        """Say how far the node is: `value` of `max_value`."""
        ComfyAPISync().execution.set_progress(value, max_value)

    def finish_progress(self, node_id: str) -> None:
        """Nothing to do: the engine tells when a node has finished."""


_REGISTRY = ProgressRegistry()


def get_progress_state() -> ProgressRegistry:
    """Where progress is told."""
    return _REGISTRY
