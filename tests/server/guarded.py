"""A small server behind the guard, for attacks on it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import Field
from yarl import URL

from graph.spec import Frozen
from server.access import Access
from server.api import Caller, Refusal, Routes, attach
from server.database import Database
from server.guard import AccessLog, mount, protect
from server.routes import access as access_routes
from server.routes import openapi as openapi_routes
from server.settings import Settings

routes = Routes("things")


class Thing(Frozen):
    name: str = Field("", max_length=50)
    size: int = Field(1, ge=1)
    more: dict[str, Any] = Field(default_factory=dict)


class ThingQuery(Frozen):
    limit: int = Field(10, ge=1, le=100)
    newest: bool = False
    kind: tuple[str, ...] = ()


@routes.get("/v1/things")
async def things(query: ThingQuery) -> list[Thing]:
    """The things there are."""
    return [Thing(name=",".join(query.kind)[:50], size=query.limit, more={"newest": query.newest})]


@routes.post("/v1/things", scope="run", status=201)
async def add_thing(body: Thing) -> Thing:
    """Add one."""
    return body


@routes.get("/v1/things/{name}")
async def thing(name: str) -> Thing:
    """One of them."""
    if name != "known":
        raise Refusal(404, "no_thing", f"There is no thing '{name[:50]}'.")
    return Thing(name=name)


@routes.put("/v1/drawers/{path:.+}", scope="edit")
async def put(path: str, body: Thing) -> Thing:
    """Put one in its place."""
    return Thing(name=path[:50])


@routes.get("/v1/shelves/{number}/{kind}")
async def shelf(number: Annotated[int, Field(ge=1, le=9)], kind: Literal["a", "b"]) -> Thing:
    """One shelf."""
    return Thing(size=number, name=kind)


@routes.delete("/v1/things/{name}", scope="admin")
async def remove(name: str) -> None:
    """Remove one."""


@routes.get("/v1/apps/{name}", scope="run:app")
async def app(name: str) -> Thing:
    """A published workflow."""
    return Thing(name=name)


@routes.get("/v1/apps", scope="run:app")
async def apps(who: Caller) -> list[Thing]:
    """Those the caller may run."""
    return []


@routes.get("/v1/health", scope="public")
async def health() -> Thing:
    """Whether it is well."""
    return Thing(name="well")


@routes.get("/v1/broken", scope="run")
async def broken() -> Thing:
    """Fails."""
    raise RuntimeError("the secret of /home/anna")


@routes.get("/v1/full", scope="run")
async def full() -> Thing:
    """Finds no space."""
    raise OSError(28, "No space left on device")


@routes.get("/v1/halfway", scope="run", produces="text/plain")
async def halfway(request: web.Request) -> web.StreamResponse:
    """Fails after it began to answer."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"half")
    raise RuntimeError("too late")


@routes.get("/v1/socket", scope="run", produces="application/json")
async def socket(request: web.Request) -> web.StreamResponse:
    """Says what it hears."""
    response = web.WebSocketResponse()
    await response.prepare(request)
    async for message in response:
        await response.send_str(message.data)
    return response


async def page(request: web.Request) -> web.Response:
    return web.Response(text="<h1>The editor</h1>", content_type="text/html")


async def view(request: web.Request) -> web.Response:
    return web.Response(text="<script>alert(1)</script>", content_type="text/html")


async def said(request: web.Request) -> web.Response:
    return web.json_response({"scopes": sorted(request["who"].scopes)})


class Unpublished:
    """Published workflows: none."""

    async def paths(self, who: Caller) -> list[Any]:
        return []


class Served:
    """A running server and how to speak to it. Nothing is kept between two requests."""

    def __init__(self, core: Any, server: TestServer) -> None:
        self.core, self.server = core, server
        self.base = core.settings.base_path

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    async def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> "Told":
        address = URL(f"http://{self.host}{path}", encoded=True)
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(method, address, headers=headers, allow_redirects=False, **more) as response,
        ):
            return Told(response.status, response.headers.copy(), await response.read())

    async def raw(self, data: bytes) -> bytes:
        """What comes back for bytes as they are; the first 64 KiB."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        try:
            writer.write(data)
            await writer.drain()
            return await asyncio.wait_for(reader.read(65536), 10)
        finally:
            writer.close()


class Told:
    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["error"]["code"]


@asynccontextmanager
async def served(folder: Path, clock: Callable[[], float] | None = None, **given: Any) -> AsyncIterator[Served]:
    """A server with these settings, listening on a loopback port whatever its settings say."""
    settings = Settings.model_validate(given)
    database = await Database.open(folder / "noisewright.db")
    access = await (Access.open(database, settings, clock) if clock else Access.open(database, settings))
    core = SimpleNamespace(settings=settings, database=database, access=access, version="0", apps=Unpublished())
    app = web.Application()
    protect(app, core)
    attach(app, [*routes, *access_routes.routes, *openapi_routes.routes], core)
    app.router.add_get("/", page)
    app.router.add_get("/view", view)
    for prefix in ("", "/api"):
        app.router.add_route("*", prefix + "/{name:(prompt|queue|settings|userdata|free|ws)}", said)
    server = TestServer(mount(app, core), host="127.0.0.1")
    await server.start_server(access_log_class=AccessLog)
    try:
        yield Served(core, server)
    finally:
        await server.close()
        await database.close()


def attack(folder: Path, play: Callable[[Served], Awaitable[None]], **settings: Any) -> None:
    """Play against a server with these settings."""

    async def run() -> None:
        async with served(folder, **settings) as server:
            await play(server)

    asyncio.run(run())
