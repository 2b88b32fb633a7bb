"""What tests of files and workflows share: a home in a temporary folder, and a server on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from graph.catalogue import Catalogue
from server.api import Caller, Refusal, attach
from server.library import Library
from server.places import Places
from server.settings import Settings


def places_in(folder: Path) -> Places:
    """The places of a home in a folder."""
    data = folder / "data"
    return Places(
        data=data,
        models=(),
        own_models=data / "models",
        input=data / "input",
        output=data / "output",
        temp=data / "temp",
        templates=folder / "templates",
        cache=data / "cache",
        logs=data / "logs",
        packs=(),
        model_folders=(),
        suffixes=(),
    )


def core_in(folder: Path, catalogue: Catalogue | None = None, **settings: Any) -> Any:
    """What routes of files and workflows need of a Core."""
    places = places_in(folder)
    for place in places.kinds.values():
        place.mkdir(parents=True)
    known = catalogue or Catalogue({})

    async def get() -> Catalogue:
        return known

    return SimpleNamespace(
        settings=Settings(**settings),
        places=places,
        library=Library(places),
        catalogue=SimpleNamespace(current=known, get=get),
    )


@asynccontextmanager
async def serving(core: Any, *modules: Any, who: Caller | None = None) -> AsyncIterator[TestClient[Any, Any]]:
    """A client of a real server that has the routes of some modules."""

    @web.middleware
    async def refusing(request: web.Request, handler: Any) -> web.StreamResponse:
        request["who"] = who or Caller()
        try:
            return await handler(request)
        except Refusal as refusal:
            return refusal.response()

    app = web.Application(middlewares=[refusing])
    for module in modules:
        attach(app, module.routes, core)
    async with TestClient(TestServer(app)) as client:
        yield client
