import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from graph.folders import Folders
from server.api import Caller, Refusal, bound
from server.catalogue import LiveCatalogue
from server.routes.catalogue import routes

DATA = {
    "format": 2,
    "nodes": [
        {"type": "KSampler", "title": "Sample", "category": "c", "help": "", "replaces": ["OldSampler"]},
        {"type": "Load", "title": "L", "category": "c", "help": "",
         "inputs": [{"name": "file", "type": "COMBO", "required": True, "source": "gguf",
                      "hints": {"suffixes": [".gguf"]}}]},
    ],
    "errors": {"Lost": "its module cannot be imported: no '/home/anna/lost.so'"},
    "packs": [
        {"name": "acme", "kind": "folder", "path": "/home/anna/packs/acme", "traceback": "at /home/anna/x.py",
         "nodes": [{"type": "Blur", "title": "Blur", "category": "c", "help": "", "pack": "acme"}]},
    ],
}  # fmt: skip


def asking(
    tmp_path: Path, ask: Callable[[TestClient[web.Request, web.Application]], Awaitable[None]],
    scopes: Iterable[str] = ("run",), data: Any = DATA,
) -> None:  # fmt: skip
    """Ask a real server with these routes, as a caller with these scopes."""

    @web.middleware
    async def admit(request: web.Request, handler: Any) -> web.StreamResponse:
        request["who"] = Caller("anna", frozenset(scopes))
        try:
            return await handler(request)
        except Refusal as refusal:
            return refusal.response()

    async def main() -> None:
        live = LiveCatalogue(tmp_path / "catalogue.json")
        live.bring(data)
        models = tmp_path / "models"
        places = SimpleNamespace(
            model_folders=("checkpoints", "loras"),
            folders=lambda: Folders(models=(models,), input=(tmp_path / "input",)),
        )
        core = SimpleNamespace(catalogue=live, places=places, settings=SimpleNamespace(max_json=1000))
        app = web.Application(middlewares=[admit])
        for route in routes:
            app.router.add_route(route.method, route.path, bound(route, core))
        async with TestClient(TestServer(app), auto_decompress=False) as client:
            await ask(client)

    asyncio.run(main())


def test_the_catalogue_is_sent_whole(tmp_path: Path):
    async def ask(client: Any) -> None:
        answer = await client.get("/v1/catalogue", headers={"Accept-Encoding": "identity"})
        assert answer.content_type == "application/json"
        told = json.loads(await answer.read())
        assert set(told["nodes"]) == {"KSampler", "Load", "Blur"}
        assert answer.headers["ETag"] == f'"{told["revision"]}"'
        assert "Content-Encoding" not in answer.headers

    asking(tmp_path, ask)


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [("gzip", True), ("deflate, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False), ("gzip; q=0.0", False),
     ("br", False), ("", False), (";;,", False)],
)  # fmt: skip
def test_it_is_compressed_for_those_who_take_it(accepted: str, zipped: bool, tmp_path: Path):
    async def ask(client: Any) -> None:
        answer = await client.get("/v1/catalogue", headers={"Accept-Encoding": accepted})
        body = await answer.read()
        assert (answer.headers.get("Content-Encoding") == "gzip") == zipped
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert json.loads(gzip.decompress(body) if zipped else body)["nodes"]["KSampler"]["title"] == "Sample"

    asking(tmp_path, ask)


def test_one_that_is_known_is_not_sent_again(tmp_path: Path):
    async def ask(client: Any) -> None:
        for coding in ("gzip", "identity"):
            tag = (await client.get("/v1/catalogue", headers={"Accept-Encoding": coding})).headers["ETag"]
            for asked in (tag, f'"other", {tag}', "*"):
                answer = await client.get("/v1/catalogue", headers={"If-None-Match": asked})
                assert (answer.status, await answer.read()) == (304, b"")
        for asked in ('"other"', "broken", ""):
            assert (await client.get("/v1/catalogue", headers={"If-None-Match": asked})).status == 200

    asking(tmp_path, ask)


def test_one_node_type_by_its_id_or_an_older_one_or_its_packs(tmp_path: Path):
    async def ask(client: Any) -> None:
        for name in ("KSampler", "OldSampler"):
            assert (await (await client.get(f"/v1/catalogue/{name}")).json())["type"] == "KSampler"
        for name in ("Blur", "acme/Blur", "acme%2FBlur"):
            assert (await (await client.get(f"/v1/catalogue/{name}")).json())["pack"] == "acme"

    asking(tmp_path, ask)


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [("KSamplr", "unknown_node_type", "Did you mean 'KSampler'?"), ("Lost", "node_type_missing", "Mend its pack"),
     ("x" * 5000, "unknown_node_type", "There is"), ("%00", "unknown_node_type", "There is")],
)  # fmt: skip
def test_a_node_type_that_is_not_there(name: str, code: str, hint: str, tmp_path: Path):
    async def ask(client: Any) -> None:
        answer = await client.get(f"/v1/catalogue/{name}")
        told = await answer.json()
        assert (answer.status, told["error"]["code"]) == (404, code)
        assert told["error"]["hint"].startswith(hint)
        assert "anna" not in json.dumps(told)

    asking(tmp_path, ask)


def test_choices_are_the_files_there_are(tmp_path: Path):
    for name in ("models/checkpoints/b.safetensors", "models/checkpoints/sub/A.safetensors", "models/gguf/x.gguf",
                 "models/gguf/x.md", "models/gguf/folder/part.GGUF", "input/cat.png", "secret/key.txt"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")

    async def ask(client: Any) -> None:
        async def names(source: str) -> Any:
            return (await (await client.get(f"/v1/choices/{source}")).json()).get("names")

        assert await names("checkpoints") == ["b.safetensors", "sub/A.safetensors"]
        assert await names("loras") == []
        assert await names("input") == ["cat.png"]
        # A node type of the catalogue takes them, and no cards.
        assert await names("gguf") == ["folder/part.GGUF", "x.gguf"]
        (tmp_path / "input" / "dog.png").write_bytes(b"")
        assert await names("input") == ["cat.png", "dog.png"]
        for odd in ("checkpoint", "..%2Fsecret", "secret", "%2e%2e", "models", "C:"):
            answer = await client.get(f"/v1/choices/{odd}")
            assert answer.status == 404
        told = await (await client.get("/v1/choices/checkpoint")).json()
        assert told["error"]["hint"] == "Did you mean 'checkpoints'?"

    asking(tmp_path, ask)


def test_packs_show_their_place_to_admins_alone(tmp_path: Path):
    async def public(client: Any) -> None:
        text = await (await client.get("/v1/packs")).text()
        assert json.loads(text)[0]["nodes"] == ["Blur"]
        assert "anna" not in text

    async def admin(client: Any) -> None:
        (pack,) = await (await client.get("/v1/packs")).json()
        assert pack["path"] == "/home/anna/packs/acme"
        assert pack["traceback"] == "at /home/anna/x.py"

    asking(tmp_path, public)
    asking(tmp_path, admin, scopes=("admin",))


def test_every_route_says_who_may_use_it():
    assert {(route.path, route.scope) for route in routes} == {
        ("/v1/catalogue", "run"),
        ("/v1/catalogue/{name:.+}", "run"),
        ("/v1/choices/{source}", "run"),
        ("/v1/packs", "run"),
    }
