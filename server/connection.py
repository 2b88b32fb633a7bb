"""Connections of clients: how many there may be, how long they may be silent, and the answer to what is no request.

aiohttp answers what it cannot parse by itself, before anything of ours sees it: with a line of the request, which may
hold a token, in the answer and in the log. Here it says no more than what is wrong.
"""

import asyncio
import contextlib
import logging
import sys
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from server.api import Refusal
from server.headers import add_headers

LINE_BYTES = 16_384
"""Of a request's line, and of each of its header fields."""

IDLE_SECONDS = 150.0
"""How long a connection may be without a whole head of a request. Proxies keep theirs for 60 to 120 s."""

MOST = 2_000
"""Connections at once."""

FILES = 4_096
"""Open files the process asks to be allowed: connections, and what it reads and writes itself."""

RESERVED = 200
"""Open files that connections leave to the rest of the server."""

log = logging.getLogger(__name__)


class Runner(web.AppRunner):
    """Serves an application on connections with our bounds. most: how many at once."""

    def __init__(self, app: web.Application, *, most: int = MOST, **options: Any) -> None:
        super().__init__(app, access_log=None, **options)
        self.most = most

    @property
    def server(self) -> Any:
        """What makes a connection for a client."""
        made = super().server
        return made if made is None else partial(Connection, made, most=self.most, loop=asyncio.get_running_loop())


class Connection(web.RequestHandler):
    """One connection."""

    __slots__ = ("_most",)

    def __init__(self, manager: web.Server, *, most: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            manager,
            loop=loop,
            access_log=None,  # pyright: ignore[reportArgumentType] - aiohttp takes it, as `AppRunner` documents
            keepalive_timeout=IDLE_SECONDS,
            max_line_size=LINE_BYTES,
            max_field_size=LINE_BYTES,
        )
        self._most = most

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a client, or none where there are as many as may be: one more would take a file from the database."""
        if self._manager is not None and len(self._manager.connections) >= self._most:
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
            return
        super().connection_made(transport)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no request, or to what failed outside of the application; the connection ends."""
        if status < 500:
            log.info("What is no request came from %s: %s", request.remote, type(exc).__name__)
            said = f"A line of its head is longer than {LINE_BYTES} bytes." if isinstance(exc, LineTooLong) else ""
            refusal = Refusal(status, "bad_request", f"The request is garbled. {said}".strip())
        else:
            log.error("A request from %s failed", request.remote, exc_info=exc)
            refusal = Refusal(status, "internal", "Something went wrong in the server.")
        if request.writer.output_size:
            raise ConnectionResetError("The answer had begun.")
        response = refusal.response()
        add_headers(response, page=False, native=True, loose=False, tls=request.secure, origin="")
        response.force_close()
        return response


def room(most: int = MOST) -> int:
    """How many connections the process has open files for, `most` at most; it asks for more of them if need be."""
    if sys.platform == "win32":
        return most
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FILES:
        wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most if soft == resource.RLIM_INFINITY else max(min(most, soft - RESERVED), RESERVED // 4)
