"""The description of the native interface."""

import asyncio
import json

from aiohttp import web

from server.api import Caller, Route, Routes, route_of
from server.core import Core
from server.openapi import document

routes = Routes("openapi")


@routes.get("/v1/openapi.json", scope="run:app", produces="application/json")
async def read_description(core: Core, who: Caller, request: web.Request) -> web.Response:
    """This interface in OpenAPI 3.1, published workflows with their own paths among it."""
    found: dict[tuple[str, str], Route] = {}
    for bound in request.app.router.routes():
        route = route_of(bound.handler)
        if route is not None:
            found[route.method, route.path] = route
    settings = core.settings
    apps = await core.apps.paths(who)

    def written() -> str:
        made = document(
            found.values(),
            version=core.version,
            apps=apps,
            protected=not core.access.is_open,
            base_path=settings.base_path,
        )
        return json.dumps(made, ensure_ascii=False)

    return web.Response(text=await asyncio.to_thread(written), content_type="application/json")
