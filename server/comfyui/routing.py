"""Routes of ComfyUI's interface: declared by functions of the face and the request, at a path and below `/api`."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from server.api import Refusal

if TYPE_CHECKING:
    from server.comfyui.face import Face

PLAIN = "/internal"
"""Paths that begin so are not repeated below `/api`."""

Handler = Callable[["Face", web.Request], Awaitable[web.StreamResponse]]


class Entry(NamedTuple):
    """One route."""

    method: str
    path: str
    handler: Handler


class Table(list[Entry]):
    """The routes of one subject."""

    def get(self, path: str) -> Callable[[Handler], Handler]:
        """Declare what a path gives."""
        return self._declare("GET", path)

    def post(self, path: str) -> Callable[[Handler], Handler]:
        """Declare what is done at a path."""
        return self._declare("POST", path)

    def patch(self, path: str) -> Callable[[Handler], Handler]:
        """Declare what is changed at a path."""
        return self._declare("PATCH", path)

    def delete(self, path: str) -> Callable[[Handler], Handler]:
        """Declare what is removed at a path."""
        return self._declare("DELETE", path)

    def attach(self, app: web.Application, face: "Face") -> None:
        """Let an application answer these, below `/api` too. What answers GET answers HEAD, but for websockets."""
        for method, path, handler in self:
            bound = _bound(handler, face)
            for prefix in ("",) if path.startswith(PLAIN) else ("", "/api"):
                app.router.add_route(method, prefix + path, bound)
                if method == "GET" and path != "/ws":
                    app.router.add_route("HEAD", prefix + path, bound)

    def _declare(self, method: str, path: str) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            self.append(Entry(method, path, handler))
            return handler

        return declare


def number_in(request: web.Request, name: str) -> int | None:
    """A whole number of the query; None where it is not there. Raises Refusal 400 for what is none."""
    text = request.query.get(name)
    if text is None or text == "":
        return None
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 16):
        raise Refusal(400, "bad_query", f"{name}: '{text[:40]}' is no whole number.")
    return int(text)


def _bound(handler: Handler, face: "Face") -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(face, request)

    return handle
