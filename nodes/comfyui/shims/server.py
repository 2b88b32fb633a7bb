"""`server`: packs add routes and send messages. Messages go to whoever follows the run; routes stay without effect,
which is told.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn, TypeVar

from nodes.comfyui.absent import lacking_attribute
from nodes.comfyui.surroundings import current

F = TypeVar("F", bound=Callable[..., Any])


class Routes:
    """Takes routes and forgets them."""

    def _route(self, path: str, **options: Any) -> Callable[[F], F]:
        del options
        current().note(f"Its route '{path}' stays without effect: there is no server that packs add to.")
        return lambda handler: handler

    get = post = put = patch = delete = head = options = view = static = _route

    def route(self, method: str, path: str, **options: Any) -> Callable[[F], F]:
        """A route for a method."""
        del method
        return self._route(path, **options)


class Application:
    """Takes routes given by hand, and forgets them."""

    def __init__(self) -> None:
        self.router = self
        self.middlewares: list[Any] = []
        self.on_startup: list[Any] = []
        self.on_shutdown: list[Any] = []

    def _add(self, path: Any, *rest: Any, **options: Any) -> None:
        del rest, options
        current().note(f"Its route '{path}' stays without effect: there is no server that packs add to.")

    add_get = add_post = add_put = add_delete = add_patch = add_static = _add

    def add_route(self, method: str, path: str, *rest: Any, **options: Any) -> None:
        """A route for a method."""
        del method
        self._add(path, *rest, **options)

    def add_routes(self, routes: Any) -> None:
        """Routes from a table; those of `PromptServer.instance.routes` were told already."""


class PromptServer:
    """Stands for the server. What is sent while a node is at work is an event of its run; nobody else is connected."""

    instance: ClassVar["PromptServer"]

    def __init__(self) -> None:
        self.routes = Routes()
        self.app = Application()
        self.client_id: str | None = None
        self.sockets: dict[str, Any] = {}
        self.supports: list[str] = ["custom_nodes_from_web"]
        self.on_prompt_handlers: list[Any] = []
        self.number = 0
        self.address, self.port = "127.0.0.1", 8188
        self.loop = None

    @property
    def last_node_id(self) -> str | None:
        """The node that is at work."""
        return current().node or None

    @property
    def last_prompt_id(self) -> str | None:
        """Runs have no ids that packs could use."""
        return None

    def send_sync(self, event: Any, data: Any, sid: str | None = None) -> None:
        """Tell the client of the run that is at work; `sid` does not matter. Outside of a run nobody is there."""
        del sid
        around = current().around
        if around is not None and isinstance(event, str):
            around.tell(event, data)

    async def send(self, event: Any, data: Any, sid: str | None = None) -> None:
        """The same."""
        self.send_sync(event, data, sid)

    async def send_json(self, event: Any, data: Any, sid: str | None = None) -> None:
        """The same."""
        self.send_sync(event, data, sid)

    def send_progress_text(self, text: Any, node_id: str, sid: str | None = None) -> None:
        """A line of text below a node."""
        words = text.decode(errors="replace") if isinstance(text, bytes | bytearray) else str(text)
        self.send_sync("progress_text", {"node": node_id, "text": words}, sid)

    def queue_updated(self) -> None:
        """Nothing: nobody is connected."""

    def add_on_prompt_handler(self, handler: Callable[..., Any]) -> None:
        """Takes a function that would change workflows before they run, and forgets it."""
        name = getattr(handler, "__name__", repr(handler))
        current().note(f"Its '{name}', which would change workflows before they run, is not called.")

    def __getattr__(self, name: str) -> NoReturn:
        lacking_attribute("server.PromptServer.instance", name)


PromptServer.instance = PromptServer()


class BinaryEventTypes:
    """Kinds of binary messages."""

    PREVIEW_IMAGE = 1
    UNENCODED_PREVIEW_IMAGE = 2
    TEXT = 3


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("server", name)
