"""How many connections there may be, how long they may be silent, and what is said to what is no request."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web

import server.connection
from server.connection import LINE_BYTES, MOST, Runner, room

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def broken(request: web.Request) -> web.Response:
    raise RuntimeError("the secret of the house")


@asynccontextmanager
async def listening(**options: Any) -> AsyncIterator[int]:
    """The port of a server with these bounds."""
    app = web.Application()
    app.router.add_get("/", hello)
    app.router.add_get("/broken", broken)
    runner = Runner(app, shutdown_timeout=0.1, **options)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def told(port: int, data: bytes, end: bytes = b"") -> bytes:
    """What comes back until `end`, or until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.readuntil(end) if end else reader.read(), 20)
    finally:
        writer.close()


def test_a_request_is_answered():
    async def play() -> None:
        async with listening() as port:
            assert (await told(port, GET, b"hello")).startswith(b"HTTP/1.1 200")

    asyncio.run(play())


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\nHost: loc", GET, GET + b"GET / HT"], ids=repr)
def test_a_silent_connection_ends(monkeypatch: pytest.MonkeyPatch, data: bytes):
    monkeypatch.setattr(server.connection, "IDLE_SECONDS", 0.2)

    async def play() -> None:
        async with listening() as port:
            found = await told(port, data)  # it ends, else this takes too long
            assert found.count(b"200 OK") == data.count(GET)

    asyncio.run(play())


def test_one_connection_too_many_is_cut_and_the_others_stay():
    async def play() -> None:
        async with listening(most=3) as port:
            held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            for reader, writer in held:
                writer.write(GET)
                assert await asyncio.wait_for(reader.readuntil(b"hello"), 20)
            with suppress(ConnectionError):
                assert await told(port, GET) == b""
            for reader, writer in held:
                writer.write(GET)
                assert await asyncio.wait_for(reader.readuntil(b"hello"), 20)
            held[0][1].close()
            while True:
                try:
                    if await told(port, GET, b"hello"):
                        break
                except (ConnectionError, asyncio.IncompleteReadError):
                    await asyncio.sleep(0.01)
            for _, writer in held[1:]:
                writer.close()

    asyncio.run(play())


def test_what_is_no_request_is_neither_repeated_nor_logged(caplog: pytest.LogCaptureFixture):
    async def play() -> None:
        async with listening() as port:
            for data in (
                b"GET /?token=planted HTTP/9\r\n\r\n",
                b"GET / HTTP/1.1\r\nAuthorization: planted\r\nBad Name: x\r\n\r\n",
                b"GET /?token=planted" + b"x" * LINE_BYTES + b" HTTP/1.1\r\n\r\n",
                b"planted\r\n\r\n",
            ):
                found = await told(port, data)
                assert found.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
                assert b'"code":"bad_request"' in found
                assert b"nosniff" in found
                assert b"planted" not in found
            assert f"longer than {LINE_BYTES} bytes".encode() in await told(port, b"GET /" + b"x" * 20_000)

    with caplog.at_level(logging.DEBUG):
        asyncio.run(play())
    assert "planted" not in caplog.text
    assert "Traceback" not in caplog.text


def test_what_fails_outside_of_the_application_tells_nothing(caplog: pytest.LogCaptureFixture):
    async def play() -> None:
        async with listening() as port:
            found = await told(port, GET.replace(b"/ ", b"/broken "))
            assert found.startswith(b"HTTP/1.1 500")
            assert b"secret" not in found

    asyncio.run(play())
    assert "the secret of the house" in caplog.text


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits there")
def test_connections_leave_files_to_the_rest(monkeypatch: pytest.MonkeyPatch):
    import resource

    limits = [(256, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda what: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda what, new: limits.append(new))
    assert room() == MOST
    assert limits[-1] == (4096, 4096)
    limits[:] = [(1024, 1024)]
    assert room() == 824
    limits[:] = [(resource.RLIM_INFINITY, resource.RLIM_INFINITY)]
    assert room() == MOST

    def refuse(what: int, new: tuple[int, int]) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    limits[:] = [(256, 4096)]
    assert room() == 56
