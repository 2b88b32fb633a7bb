"""The models of a server over its routes: consent, downloads with progress, what goes on after a restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.api import Caller, Refusal, bound
from server.models.shelf import OVER, DownloadRequest, Shelf
from server.routes.models import routes
from server.settings import Settings
from tests.server.models.elsewhere import Elsewhere, Naps, places_in, safetensors, serving, sha256
from tests.server.models.test_inventory import put

TOKEN = "hf_SECRETsecretSECRETsecret"


class Hub:
    """Writes down what is announced."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def announce(self, kind: str, **facts: Any) -> None:
        self.said.append((kind, facts))


@web.middleware
async def answering(request: web.Request, handler: Any) -> web.StreamResponse:
    request["who"] = Caller()
    try:
        return await handler(request)
    except Refusal as refusal:
        return refusal.response()


@asynccontextmanager
async def served(home: Path, hub: Hub | None = None, **options: Any) -> AsyncIterator[TestClient]:
    shelf = Shelf(
        places_in(home, home / "more"), hub=hub, patience=Naps().patience(), margin=0,
        **{"private": True, "environment": {"HF_HOME": str(home)}} | options,
    )  # fmt: skip
    core = SimpleNamespace(shelf=shelf, settings=Settings.model_validate({}))
    app = web.Application(middlewares=[answering])
    for route in routes:
        app.router.add_route(route.method, route.path, bound(route, core))
    async with TestClient(TestServer(app)) as client:
        yield client
        await shelf.close()


async def until_over(client: TestClient, download: str) -> dict[str, Any]:
    while True:
        info = await (await client.get(f"/v1/models/downloads/{download}")).json()
        if info["state"] in OVER:
            return info
        await asyncio.sleep(0.005)


def test_a_model_is_fetched_over_the_api(tmp_path: Path):
    data, hub = safetensors(3_000_000), Hub()

    async def go() -> None:
        elsewhere = Elsewhere({"/tree.safetensors": data})
        async with serving(elsewhere), served(tmp_path, hub) as client:
            asked = {"source": f"{elsewhere.url}/tree.safetensors?key=SECRET"}
            refused = await client.post("/v1/models/downloads", json=asked)
            assert refused.status == 409
            error = (await refused.json())["error"]
            assert error["code"] == "consent_needed"
            assert "127.0.0.1" in error["message"]
            assert elsewhere.asked == []
            accepted = await client.post("/v1/models/downloads", json=asked | {"consent": True})
            assert accepted.status == 202
            done = await until_over(client, (await accepted.json())["id"])
            assert (done["state"], done["folder"], done["done"]) == ("done", "vae", len(data))
            again = await client.post("/v1/models/downloads", json=asked)
            assert again.status == 202, "one yes is enough for a host"
            assert (await until_over(client, (await again.json())["id"]))["state"] == "present"
            listed = await (await client.get("/v1/models?folder=vae")).json()
            assert [(info["name"], info["sha256"]) for info in listed] == [("tree.safetensors", sha256(data))]
            found = await (await client.get("/v1/models/find?q=tree")).json()
            assert found["how"] == "name"
            verdicts = await (await client.post("/v1/models/verify", json={})).json()
            assert [verdict["state"] for verdict in verdicts] == ["ok"]
            gone = await client.delete("/v1/models?folder=vae&name=tree.safetensors")
            assert gone.status == 204
            assert await (await client.get("/v1/models")).json() == []

    asyncio.run(go())
    kinds = [kind for kind, _ in hub.said]
    assert kinds.count("models_changed") == 2
    states = [facts["download"]["state"] for kind, facts in hub.said if kind == "download_progress"]
    assert states[-3:] == ["done", "asking", "present"]
    assert "SECRET" not in repr(hub.said)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"SECRET" in path.read_bytes()]


def test_progress_is_not_told_too_often(tmp_path: Path):
    hub = Hub()

    async def go() -> None:
        elsewhere = Elsewhere({"/tree.safetensors": safetensors(20_000_000)})
        async with serving(elsewhere), served(tmp_path, hub, clock=lambda: 1000.0) as client:
            asked = {"source": f"{elsewhere.url}/tree.safetensors", "consent": True}
            await until_over(client, (await (await client.post("/v1/models/downloads", json=asked)).json())["id"])

    asyncio.run(go())
    told = [facts["download"]["state"] for kind, facts in hub.said if kind == "download_progress"]
    assert told == ["asking", "fetching", "verifying", "done"]


def test_offline_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    asked = {"source": "https://a.org/x.safetensors", "consent": True}

    async def go() -> None:
        shelf = Shelf(places_in(tmp_path), offline=True)
        monkeypatch.setattr("aiohttp.connector.TCPConnector.connect", refused)
        from server.models.error import ModelError

        with pytest.raises(ModelError, match="stay offline"):
            await shelf.start_download(DownloadRequest.model_validate(asked))

    asyncio.run(go())


def test_a_private_network_is_not_reached_through_the_server(tmp_path: Path):
    async def go() -> None:
        elsewhere = Elsewhere({"/tree.safetensors": safetensors()})
        async with serving(elsewhere), served(tmp_path, private=False) as client:
            for host in ("127.0.0.1", "localhost"):
                asked = {"source": f"http://{host}:{elsewhere.url.port}/tree.safetensors", "consent": True}
                info = await (await client.post("/v1/models/downloads", json=asked)).json()
                over = await until_over(client, info["id"])
                assert (over["state"], over["error"]["code"]) == ("failed", "private_address")
            assert elsewhere.asked == []

    asyncio.run(go())


def test_a_download_goes_on_after_a_restart(tmp_path: Path):
    data = safetensors(3_000_000)

    async def go() -> None:
        elsewhere = Elsewhere({"/tree.safetensors": data}, pause=asyncio.Event(), stop_after=2_000_000)
        async with serving(elsewhere):
            asked = {"source": f"{elsewhere.url}/tree.safetensors", "consent": True}
            async with served(tmp_path) as client:
                info = await (await client.post("/v1/models/downloads", json=asked)).json()
                while not info["done"]:
                    info = await (await client.get(f"/v1/models/downloads/{info['id']}")).json()
                same = await (await client.post("/v1/models/downloads", json=asked)).json()
                assert same["id"] == info["id"], "asked twice it is one download"
            assert elsewhere.pause is not None
            elsewhere.pause.set()
            elsewhere.pause = None
            async with served(tmp_path) as client:
                (paused,) = await (await client.get("/v1/models/downloads")).json()
                assert (paused["id"], paused["state"], paused["total"]) == (info["id"], "paused", len(data))
                assert paused["done"] > 0
                again = await (await client.post("/v1/models/downloads", json=asked)).json()
                assert again["id"] == info["id"]
                assert (await until_over(client, info["id"]))["state"] == "done"
            assert elsewhere.ranges_asked[-1].startswith("bytes=")

    asyncio.run(go())
    assert (tmp_path / "models/vae/tree.safetensors").read_bytes() == data


@pytest.mark.parametrize("keep", [True, False])
def test_a_download_is_cancelled(tmp_path: Path, keep: bool):
    async def go() -> None:
        elsewhere = Elsewhere({"/t.safetensors": safetensors(3_000_000)}, pause=asyncio.Event(), stop_after=2_000_000)
        async with serving(elsewhere), served(tmp_path) as client:
            asked = {"source": f"{elsewhere.url}/t.safetensors", "consent": True}
            info = await (await client.post("/v1/models/downloads", json=asked)).json()
            while not info["done"]:
                info = await (await client.get(f"/v1/models/downloads/{info['id']}")).json()
            ended = await client.delete(f"/v1/models/downloads/{info['id']}?keep={str(keep).lower()}")
            assert ended.status == 204
            assert (tmp_path / "models/vae/t.safetensors.part").exists() is keep
            left = await (await client.get("/v1/models/downloads")).json()
            assert [item["state"] for item in left] == (["paused"] if keep else [])
            assert (await client.delete("/v1/models/downloads/nothing")).status == 404
            assert elsewhere.pause is not None
            elsewhere.pause.set()

    asyncio.run(go())


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/models/downloads", {"source": "file:///etc/passwd", "consent": True}, 422),
        ("POST", "/v1/models/downloads", {"source": "hf:o/r/x.json", "consent": True}, 422),
        (
            "POST",
            "/v1/models/downloads",
            {"source": "hf:o/r/x.safetensors", "name": "../x.safetensors", "consent": True},
            422,
        ),
        ("POST", "/v1/models/downloads", {"source": "hf:o/r/x.safetensors", "folder": "../vae", "consent": True}, 404),
        ("POST", "/v1/models/downloads", {"source": "hf:o/r/x.safetensors", "sha256": "xyz", "consent": True}, 422),
        ("POST", "/v1/models/downloads", {}, 422),
        ("POST", "/v1/models/verify", {"models": ["nothing"]}, 404),
        ("DELETE", "/v1/models?folder=vae&name=../../secret", None, 404),
        ("DELETE", "/v1/models?folder=..&name=x", None, 404),
        ("DELETE", "/v1/models?folder=vae&name=elm.safetensors", None, 403),
        ("DELETE", "/v1/models", None, 422),
        ("GET", "/v1/models?folder=../vae", None, 404),
        ("GET", "/v1/models/find?q=" + "%00" * 3, None, 200),
        ("GET", "/v1/models/find", None, 422),
        ("GET", "/v1/models/starting-points?memory_gb=nan", None, 422),
        ("GET", "/v1/models/starting-points?memory_gb=4", None, 200),
        ("GET", "/v1/models/downloads/none", None, 404),
    ],
)
def test_what_is_asked_wrongly(tmp_path: Path, method: str, path: str, body: Any, status: int):
    put(tmp_path / "more/vae/elm.safetensors", safetensors(1000))
    (tmp_path / "secret").write_text("secret")

    async def go() -> None:
        async with served(tmp_path) as client:
            response = await client.request(method, path, json=body)
            assert response.status == status, await response.text()
            assert str(tmp_path) not in await response.text()

    asyncio.run(go())
    assert (tmp_path / "secret").exists()


def test_no_answer_holds_a_path_or_a_token(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(0)
    texts: list[str] = []

    async def go() -> None:
        hub = Elsewhere()
        async with serving(hub):
            environment = {"HF_TOKEN": TOKEN, "HF_ENDPOINT": str(hub.url)}
            async with served(tmp_path, environment=environment) as client:
                hub.answers["/o/r/resolve/main/t.safetensors"] = lambda request: web.Response(
                    status=403, text=request.headers["Authorization"]
                )
                asked = {"source": "hf:o/r/t.safetensors", "consent": True}
                info = await (await client.post("/v1/models/downloads", json=asked)).json()
                await until_over(client, info["id"])
                for path in ("/v1/models", "/v1/models/downloads", f"/v1/models/downloads/{info['id']}"):
                    texts.append(await (await client.get(path)).text())

    asyncio.run(go())
    for text in (*texts, caplog.text, *(path.read_text() for path in tmp_path.rglob("*.json"))):
        assert TOKEN not in text
    assert not any(str(tmp_path) in text for text in texts)
    assert "terms to accept" in texts[-1]
