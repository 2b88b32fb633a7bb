"""A server behind its guard, with puppets for workers and what tests of published workflows need."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from server.assembly import opened
from server.serving import application
from server.settings import Settings
from server.webhooks import Webhooks
from tests.server.crews import Theatre, catalogue_json, document, measured, places_in

SIZES = {"prompt": "a red apple", "seed": 7, "width": 64, "height": 64}


def published(**nodes: dict[str, Any]) -> dict[str, Any]:
    """A document with an interface. nodes: inputs that differ."""
    made = document("Portrait")
    for name, inputs in nodes.items():
        made["nodes"][name]["inputs"] |= inputs
    made["interface"] = {
        "inputs": [
            {"name": "prompt", "node": "text", "input": "text", "label": "What to draw"},
            {"name": "seed", "node": "sample", "input": "seed"},
            {"name": "steps", "node": "sample", "input": "steps"},
            {"name": "cfg", "node": "sample", "input": "cfg"},
            {"name": "sampler", "node": "sample", "input": "sampler_name"},
            {"name": "model", "node": "ckpt", "input": "ckpt_name"},
            {"name": "width", "node": "size", "input": "width"},
            {"name": "height", "node": "size", "input": "height"},
            {"name": "count", "node": "size", "input": "batch_size"},
        ],
        "outputs": [{"node": "save"}],
    }
    return made


def with_picture() -> dict[str, Any]:
    """A document that takes a picture and whether to save it small."""
    return {
        "format": "noisewright/workflow",
        "version": 1,
        "nodes": {
            "load": {"type": "LoadImage", "inputs": {"image": "house.png"}},
            "save": {"type": "SaveImage", "inputs": {"images": {"link": ["load", "IMAGE"]}}},
        },
        "interface": {
            "inputs": [{"name": "picture", "node": "load", "input": "image"}],
            "outputs": [{"node": "save"}],
        },
    }


class Place:
    """A server and how to speak to it."""

    def __init__(self, core: Any, server: TestServer, theatre: Theatre) -> None:
        self.core, self.server, self.theatre = core, server, theatre

    async def ask(
        self, method: str, path: str, body: Any = None, *, token: str = "", headers: Any = None, data: Any = None
    ) -> "Reply":
        sent = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(method, self.server.make_url(path), json=body, data=data, headers=sent) as response,
        ):
            return Reply(response.status, response.headers.copy(), await response.read())

    async def publish(self, name: str = "portrait", workflow: Any = None, **more: Any) -> "Reply":
        return await self.ask("PUT", f"/v1/apps/{name}", {"workflow": workflow or published(), **more})

    async def run(self, inputs: Any = None, *, name: str = "portrait", token: str = "", **more: Any) -> "Reply":
        headers = more.pop("headers", None)
        return await self.ask(
            "POST", f"/v1/apps/{name}/runs", {"inputs": inputs or {}, **more}, token=token, headers=headers
        )

    async def token(self, *scopes: str) -> str:
        _, secret = await self.core.access.create("guest", scopes)
        return secret


class Reply:
    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        import json

        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["error"]["code"]


@asynccontextmanager
async def stage(folder: Path, *, told: dict[str, Any] | None = None, **settings: Any) -> AsyncIterator[Place]:
    """told: arguments of `Webhooks`."""
    import json

    theatre = Theatre()
    made = partial(Webhooks, **({"pauses": (0.01,) * 9} | (told or {})))
    async with opened(Settings.model_validate(settings), places_in(folder), "0", theatre.hire, measured, made) as core:
        core.catalogue.bring(json.loads(catalogue_json()))
        server = TestServer(application(core), host="127.0.0.1")
        await server.start_server()
        try:
            yield Place(core, server, theatre)
        finally:
            await server.close()
