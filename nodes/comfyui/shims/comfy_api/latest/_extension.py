"""What a pack's `comfy_entrypoint` gives, and what of the running program its nodes may call."""

from typing import Any

from graph.progress import Progress
from nodes.comfyui.interruption import InterruptProcessingException
from nodes.comfyui.shims.comfy_api.latest._node import ComfyNode
from nodes.comfyui.surroundings import current


class ComfyExtension:
    """A pack's nodes. `on_load` is called once, before them."""

    async def on_load(self) -> None:
        """Whatever a pack has to do first."""

    async def get_node_list(self) -> list[type[ComfyNode]]:
        """The pack's node classes."""
        raise NotImplementedError(f"{type(self).__name__} has no get_node_list.")


class ExecutionSync:
    """What a node may tell while it runs."""

    def set_progress(
        self, value: float, max_value: float, node_id: str | None = None, preview_image: Any = None, **_: Any
    ) -> None:
        """Say how far the node that runs now is: `value` of `max_value`."""
        here = current()
        if here.cancelled():
            raise InterruptProcessingException
        here.report(Progress(int(value), int(max_value)))


class Execution:
    """The same for `async` nodes."""

    async def set_progress(
        self, value: float, max_value: float, node_id: str | None = None, preview_image: Any = None, **_: Any
    ) -> None:
        """Say how far the node that runs now is: `value` of `max_value`."""
        ExecutionSync().set_progress(value, max_value, node_id, preview_image)


class ComfyAPI:
    """What a node may call: `await ComfyAPI().execution.set_progress(1, 10)`."""

    VERSION = "latest"
    Execution = Execution

    def __init__(self) -> None:
        self.execution = Execution()


class ComfyAPISync:
    """The same without `await`."""

    VERSION = "latest"
    ExecutionSync = ExecutionSync

    def __init__(self) -> None:
        self.execution = ExecutionSync()
