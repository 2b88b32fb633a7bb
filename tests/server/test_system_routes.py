import asyncio
import io
import json
import logging
import sqlite3
import zipfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from server import schema
from server.api import Caller, Refusal, bound
from server.catalogue import LiveCatalogue
from server.database import Database
from server.facts import Facts
from server.places import Places
from server.records import Records
from server.routes import settings, system
from server.settings import Settings, read_settings

TOKEN = "nw-planted-token-8261"


def places_in(folder: Path) -> Places:
    data = folder / "data"
    return Places(
        data=data, models=(data / "models",), own_models=data / "models", input=data / "input", output=data / "output",
        temp=data / "temp", templates=folder / "workflows", cache=data / "cache", logs=data / "logs", packs=(),
        model_folders=("checkpoints",), suffixes=(".safetensors",),
    )  # fmt: skip


def asking(
    tmp_path: Path, ask: Callable[[Any, Any], Awaitable[None]], scopes: Iterable[str] = ("admin",),
    given: Settings | None = None,
) -> None:  # fmt: skip
    """Ask a real server with a real database, as a caller with these scopes; `X-Owner` says who it is."""

    @web.middleware
    async def admit(request: web.Request, handler: Any) -> web.StreamResponse:
        request["who"] = Caller(request.headers.get("X-Owner", "local"), frozenset(scopes))
        try:
            return await handler(request)
        except Refusal as refusal:
            return refusal.response()

    async def main() -> None:
        places = places_in(tmp_path)
        places.data.mkdir(parents=True, exist_ok=True)
        core = SimpleNamespace(
            settings=given or read_settings({}, environment={}),
            places=places,
            database=await Database.open(places.database),
            catalogue=LiveCatalogue(places.catalogue),
            crew=SimpleNamespace(workers=()),
            runs=SimpleNamespace(active={}, is_held=False),
            facts=Facts("1.2", [TOKEN]),
            version="1.2",
        )
        core.records = Records(core.database)
        core.catalogue.bring({"format": 2, "nodes": [], "errors": {}, "packs": []})
        app = web.Application(middlewares=[admit])
        for route in (*system.routes, *settings.routes):
            app.router.add_route(route.method, route.path, bound(route, core))
        try:
            async with TestClient(TestServer(app)) as client:
                await ask(client, core)
        finally:
            await core.database.close()

    asyncio.run(main())


def test_system_facts_hold_no_path_of_this_machine(tmp_path: Path):
    async def ask(client: Any, core: Any) -> None:
        answer = await client.get("/v1/system")
        assert answer.status == 200
        told = await answer.json()
        assert told["version"] == "1.2"
        assert told["catalogue"] == core.catalogue.revision
        assert str(tmp_path) not in json.dumps(told)

    asking(tmp_path, ask, scopes=("run",))


@pytest.mark.parametrize(("scopes", "reasons"), [(("run",), 1), ((), 0), (("run:app",), 0)])
def test_why_the_server_is_degraded_is_told_to_those_who_may_know(
    scopes: tuple[str, ...], reasons: int, tmp_path: Path
):
    async def ask(client: Any, core: Any) -> None:
        answer = await client.get("/v1/health")
        assert (answer.status, await answer.json()) == (200, {"status": "ok", "reasons": []})
        core.crew.workers = (SimpleNamespace(state="aside"),)
        answer = await client.get("/v1/health")
        told = await answer.json()
        assert (answer.status, told["status"], len(told["reasons"])) == (503, "degraded", reasons)

    asking(tmp_path, ask, scopes=scopes)


def test_metrics_are_read_by_prometheus(tmp_path: Path):
    async def ask(client: Any, core: Any) -> None:
        core.facts.run_accepted()
        answer = await client.get("/v1/metrics")
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        names = {family.name for family in text_string_to_metric_families(await answer.text())}
        assert {"noisewright_runs_accepted", "noisewright_queue_length", "noisewright_request_seconds"} <= names
        assert str(tmp_path) not in await answer.text()

    asking(tmp_path, ask)


def test_the_log_is_read_on_from_a_number(tmp_path: Path):
    async def ask(client: Any, core: Any) -> None:
        empty = await (await client.get("/v1/logs")).json()
        assert empty == {"lines": [], "last": -1}
        for word in ("one", "two"):
            core.facts.logs.handle(logging.LogRecord("server", logging.INFO, "", 1, f"{word} {TOKEN}", (), None))
        told = await (await client.get("/v1/logs")).json()
        assert [line["text"] for line in told["lines"]] == ["one ***", "two ***"]
        told = await (await client.get("/v1/logs", params={"after": told["lines"][0]["number"]})).json()
        assert [line["text"] for line in told["lines"]] == ["two ***"]
        assert await (await client.get("/v1/logs?after=1")).json() == {"lines": [], "last": 1}
        for wrong in ("x", "-7", "9" * 400, ""):
            assert (await client.get("/v1/logs", params={"after": wrong})).status in (200, 422)

    asking(tmp_path, ask)


def test_a_bundle_is_an_archive_to_be_saved(tmp_path: Path):
    async def ask(client: Any, core: Any) -> None:
        answer = await client.post("/v1/support-bundle")
        assert answer.content_type == "application/zip"
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="noisewright-support-')
        with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
            assert json.loads(archive.read("database.json"))["schema"] == schema.VERSION

    asking(tmp_path, ask)


def test_settings_tell_their_origin_and_no_secret(tmp_path: Path):
    given = read_settings({"port": 9000, "token": TOKEN}, environment={"NOISEWRIGHT_OFFLINE": "1"})

    async def ask(client: Any, core: Any) -> None:
        text = await (await client.get("/v1/settings")).text()
        assert TOKEN not in text
        told = {item["name"]: item for item in json.loads(text)}
        assert list(told) == list(Settings.model_fields)
        assert (told["port"]["value"], told["port"]["default"], told["port"]["origin"]) == (9000, 8188, "--port")
        assert told["offline"]["origin"] == "the environment variable NOISEWRIGHT_OFFLINE"
        assert (told["token"]["value"], told["token"]["default"]) == ("***", None)
        assert (told["host"]["origin"], told["base_path"]["flag"]) == ("", "--base-path")

    asking(tmp_path, ask, given=given)


def test_preferences_come_back_as_they_were_put_to_each_their_own(tmp_path: Path):
    kept = {"theme": "dark", "large": 2**63, "odd": "\U0001f34e é", "deep": {"a": [1.5, None, True]}}

    async def ask(client: Any, core: Any) -> None:
        assert await (await client.get("/v1/preferences")).json() == {}
        answer = await client.put("/v1/preferences", json=kept)
        assert (answer.status, await answer.read()) == (204, b"")
        assert await (await client.get("/v1/preferences")).json() == kept
        assert await (await client.get("/v1/preferences", headers={"X-Owner": "other"})).json() == {}
        await client.put("/v1/preferences", json={"only": 1})
        assert await (await client.get("/v1/preferences")).json() == {"only": 1}

    asking(tmp_path, ask, scopes=("run",))


@pytest.mark.parametrize(
    ("body", "status"),
    [("[]", 422), ("7", 422), ("null", 422), ("{", 400), ('{"a": NaN}', 400), ('{"a": 1, "a": 2}', 400),
     ('{"a": "' + "x" * 2**18 + '"}', 413), ('{"a": ' + "[" * 500 + "]" * 500 + "}", 400)],
)  # fmt: skip
def test_what_are_no_preferences_is_refused_and_changes_nothing(body: str, status: int, tmp_path: Path):
    async def ask(client: Any, core: Any) -> None:
        await client.put("/v1/preferences", json={"kept": 1})
        answer = await client.put("/v1/preferences", data=body, headers={"Content-Type": "application/json"})
        assert (answer.status, (await answer.json())["error"]["code"] != "") == (status, True)
        assert await (await client.get("/v1/preferences")).json() == {"kept": 1}

    asking(tmp_path, ask)


@pytest.mark.parametrize("body", [r'{"a": "\ud800"}', r'{"\ud800": 1}'])
def test_half_a_surrogate_pair_harms_nobody(body: str, tmp_path: Path):
    async def ask(client: Any, core: Any) -> None:
        answer = await client.put("/v1/preferences", data=body, headers={"Content-Type": "application/json"})
        assert answer.status < 500
        assert (await client.get("/v1/preferences")).status == 200

    asking(tmp_path, ask)


def test_preferences_outlive_the_server(tmp_path: Path):
    async def put(client: Any, core: Any) -> None:
        await client.put("/v1/preferences", json={"a": 1})

    async def get(client: Any, core: Any) -> None:
        assert await (await client.get("/v1/preferences")).json() == {"a": 1}

    asking(tmp_path, put)
    asking(tmp_path, get)
    with sqlite3.connect(places_in(tmp_path).database) as rows:
        assert rows.execute("SELECT key FROM settings").fetchall() == [("preferences:local",)]
    rows.close()


def test_what_tells_much_is_for_admins():
    scopes = {route.path: route.scope for route in system.routes}
    scopes |= {f"{route.method} {route.path}": route.scope for route in settings.routes}
    assert scopes == {
        "/v1/system": "run",
        "/v1/health": "public",
        "/v1/metrics": "admin",
        "/v1/logs": "admin",
        "/v1/support-bundle": "admin",
        "GET /v1/settings": "admin",
        "GET /v1/preferences": "run",
        "PUT /v1/preferences": "run",
    }
