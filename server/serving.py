"""The server as a whole: both faces on one core, a socket, and an end in good order."""

import asyncio
import contextlib
import errno
import signal
import socket
import ssl
from collections.abc import Callable, Iterator

from aiohttp import web

import server.comfyui
from graph.errors import GraphError
from server import pages
from server.api import attach
from server.assembly import opened
from server.connection import Runner, room
from server.core import Core
from server.facts import measuring
from server.guard import mount, protect
from server.native import ALL
from server.occupied import occupied
from server.places import Places
from server.prompt import Measure
from server.settings import MIB, Settings
from server.worker import Worker

CLOSING_SECONDS = 0.5
"""How long requests that are being answered may take then."""


def application(core: Core) -> web.Application:
    """Both faces of a server, behind the guard and below the base path."""
    largest = core.settings.max_upload + MIB
    app = web.Application(middlewares=[measuring(core.facts)], client_max_size=largest)
    protect(app, core)
    attach(app, ALL, core)
    server.comfyui.attach(app, core)
    if not core.settings.frontend:
        pages.attach(app, core)
    return mount(app, core, client_max_size=largest)


async def serve(
    settings: Settings,
    places: Places,
    version: str,
    hire: Callable[[str, str], Worker],
    measure: Measure,
    told: Callable[[Core, str], object],
) -> None:
    """Serve until SIGTERM or Ctrl-C. told: the address, once the socket answers.

    Raises GraphError: another server has the data folder, the port is taken, the database is of a newer version.
    """
    done = asyncio.Event()
    with occupied(places.data) as place, _on_signal(done.set):
        async with opened(settings, places, version, hire, measure) as core:
            runner = Runner(
                application(core), most=room(), shutdown_timeout=CLOSING_SECONDS, handler_cancellation=False
            )
            await runner.setup()
            try:
                address = await _listen(runner, settings)
                place.tell(address)
                told(core, address)
                await done.wait()
            finally:
                core.hub.announce("server_ending")
                await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings) -> str:
    try:
        site = web.TCPSite(runner, settings.host, settings.port, ssl_context=_tls(settings))
        await site.start()
    except OSError as error:
        is_elsewhere = isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
        hint = (
            "That is no address of this machine; name one with --host."
            if is_elsewhere
            else "Choose another with --port, or end the program that has it."
        )
        raise GraphError(
            f"Nothing can listen on {settings.host}, port {settings.port}: {error.strerror or error}. {hint}"
        ) from error
    port = runner.addresses[0][1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{settings.scheme}://{host}:{port}{settings.base_path}"


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise GraphError(
            f"The certificate '{settings.tls_certificate}' and its key '{settings.tls_key}' cannot be used: {error}."
        ) from error
    return context


@contextlib.contextmanager
def _on_signal(end: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the server in good order; a second one ends it at once."""
    loop = asyncio.get_running_loop()
    names = [signal.SIGINT, signal.SIGTERM]

    def ending() -> None:
        for name in names:
            loop.remove_signal_handler(name)
        end()

    try:
        for name in names:
            loop.add_signal_handler(name, ending)
    except NotImplementedError:  # Windows: the loop cannot, but Python can
        previous = {name: signal.signal(name, lambda *_: loop.call_soon_threadsafe(end)) for name in names}
        try:
            yield
        finally:
            for name, handler in previous.items():
                signal.signal(name, handler)
        return
    try:
        yield
    finally:
        for name in names:
            loop.remove_signal_handler(name)
