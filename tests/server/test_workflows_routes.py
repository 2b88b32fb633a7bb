"""Saved workflows over HTTP: a real server, the catalogue of two toy node types."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from PIL import PngImagePlugin
from yarl import URL

from graph.check import check
from server.library import revision_of
from server.routes import files, workflows
from tests.server.homes import core_in, serving
from tests.server.test_files_routes import TARGETS, bare
from tests.server.test_library import LARGE, document, sampler
from tests.server.test_pictures import encoded, gradient

Client = TestClient[Any, Any]


def core_of(folder: Path) -> Any:
    core = core_in(folder, sampler())
    core.places.templates.mkdir()
    (core.places.templates / "first.json").write_text(json.dumps(document("First")))

    async def judge(workflow: Any, outputs: Any = ()) -> Any:
        return check(workflow, sampler(), None, list(outputs) or None)

    core.runs = SimpleNamespace(check=judge)
    return core


def on(folder: Path, work: Callable[[Client], Awaitable[None]]) -> None:
    async def main() -> None:
        async with serving(core_of(folder), files, workflows) as client:
            await work(client)

    asyncio.run(main())


async def code(answer: Any) -> tuple[int, str]:
    return answer.status, (await answer.json())["error"]["code"]


@pytest.mark.parametrize("name", ["portraits/anna", "portraits%2Fanna"])
def test_save_load_rename_delete_restore(tmp_path: Path, name: str) -> None:
    async def work(client: Client) -> None:
        url = URL(f"/v1/workflows/{name}", encoded=True)
        answer = await client.put(url, json={"workflow": document("Anna")})
        saved = await answer.json()
        assert answer.status == 201
        assert (saved["name"], saved["title"], saved["problems"]) == ("portraits/anna", "Anna", [])
        tag = answer.headers["ETag"]
        assert tag == f'"{saved["revision"]}"'
        assert (await client.put(url, json={"workflow": document("Anna"), "revision": saved["revision"]})).status == 200

        answer = await client.get(url)
        loaded = await answer.json()
        assert answer.headers["ETag"] == tag
        assert loaded["document"] == document("Anna")
        assert (await client.get(url, headers={"If-None-Match": tag})).status == 304
        listed = await (await client.get("/v1/workflows")).json()
        assert [item["name"] for item in listed] == ["portraits/anna", "templates/first"]

        moved = await (await client.patch(url, json={"name": "berta", "revision": saved["revision"]})).json()
        assert moved["name"] == "berta"
        assert (await client.get(url)).status == 404
        answer = await client.delete("/v1/workflows/berta", headers={"If-Match": '"other"'})
        assert await code(answer) == (412, "changed_meanwhile")
        trashed = await (await client.delete("/v1/workflows/berta", headers={"If-Match": tag})).json()
        assert (await client.get("/v1/workflows/berta")).status == 404
        restored = await (await client.post("/v1/workflows/restore", json=trashed)).json()
        assert restored == moved
        assert await code(await client.post("/v1/workflows/restore", json=trashed)) == (404, "no_workflow")

    on(tmp_path, work)


def test_who_changed_an_older_revision_is_told(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        async def put(title: str, given: dict[str, Any] | None = None, **headers: str) -> Any:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.put(
                "/v1/workflows/a", json={"workflow": document(title), **(given or {})}, headers=named
            )

        first = await put("One", If_None_Match="*")
        assert first.status == 201
        assert await code(await put("One", If_None_Match="*")) == (412, "exists")
        assert await code(await put("Two")) == (409, "exists")
        tag = first.headers["ETag"]
        second = await put("Two", If_Match=tag)
        assert second.status == 200
        answer = await put("Three", If_Match=tag)
        assert await code(answer) == (412, "changed_meanwhile")
        current = second.headers["ETag"].strip('"')
        answer = await put("Three", {"revision": tag.strip('"')})
        error = (await answer.json())["error"]
        assert (answer.status, error["problems"]) == (409, [{"revision": current}])
        assert (await put("Three", {"overwrite": True})).status == 200
        assert await code(await client.put("/v1/workflows/templates/x", json={"workflow": document()})) == (
            403,
            "read_only",
        )

    on(tmp_path, work)


def test_of_many_who_save_at_once_one_wins(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        tag = (await client.put("/v1/workflows/a", json={"workflow": document()})).headers["ETag"]
        answers = await asyncio.gather(
            *(
                client.put("/v1/workflows/a", json={"workflow": document(f"{k}")}, headers={"If-Match": tag})
                for k in range(20)
            )
        )
        assert sorted(answer.status for answer in answers) == [200] + [412] * 19
        winner = next(answer for answer in answers if answer.status == 200)
        assert (await client.get("/v1/workflows/a")).headers["ETag"] == winner.headers["ETag"]

    on(tmp_path, work)


def test_no_name_leads_to_another_file(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        folder = tmp_path / "data" / "workflows"
        folder.mkdir()
        for place in (tmp_path, tmp_path / "data"):
            (place / "secret.txt.json").write_text(json.dumps(document("the secret")))
        (folder / "linked").symlink_to(tmp_path, target_is_directory=True)
        (folder / "link.txt.json").symlink_to(tmp_path / "secret.txt.json")
        for target in TARGETS:
            for method in ("GET", "DELETE"):
                status, answer = await bare(client, f"/v1/workflows/{target}", method)
                assert status in (400, 404), target
                assert b"the secret" not in answer
        answer = await client.put("/v1/workflows/linked/new", json={"workflow": document()})
        assert await code(answer) == (400, "bad_name")
        assert (tmp_path / "secret.txt.json").exists()

    on(tmp_path, work)


def test_large_numbers_travel_as_text_where_asked(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        url = "/v1/workflows/a"
        first = await client.put(url, json={"workflow": document(seed=LARGE)})
        assert (await (await client.get(url)).json())["document"]["nodes"]["a"]["inputs"]["seed"] == LARGE
        loaded = await (await client.get(f"{url}?integers=text")).json()
        assert loaded["document"]["nodes"]["a"]["inputs"]["seed"] == str(LARGE)
        body = {"workflow": loaded["document"], "revision": loaded["revision"]}
        again = await client.put(f"{url}?integers=text", json=body)
        assert again.headers["ETag"] == first.headers["ETag"]

    on(tmp_path, work)


def test_files_that_hold_anything_are_answered(tmp_path: Path) -> None:
    """Whatever lies in the folder, by hand or by accident: an answer, never a crash."""

    async def work(client: Client) -> None:
        folder = tmp_path / "data" / "workflows"
        folder.mkdir()
        odd = document("odd \ud800")
        odd["nodes"]["b\udfff"] = {"type": "Nobody", "inputs": {"x": "\udbff"}}
        contents = {
            "empty": b"",
            "list": b"[]",
            "bytes": b"\xff\xfe\x00",
            "odd": json.dumps(odd).encode(),
            "api": json.dumps({"1": {"class_type": "Nobody\ud800", "inputs": {}}}).encode(),
            "deep": b"[" * 100_000,
            "nan": b'{"format": "noisewright/workflow", "version": 1, "nodes": NaN}',
        }
        for name, data in contents.items():
            (folder / f"{name}.json").write_bytes(data)
        assert len(await (await client.get("/v1/workflows")).json()) == len(contents) + 1
        for name in contents:
            answer = await client.get(f"/v1/workflows/{name}")
            assert answer.status == (200 if name in ("odd", "api") else 422), name
            if answer.status == 200:
                data = (folder / f"{name}.json").read_bytes()
                assert (await answer.json())["revision"] == revision_of(data)

    on(tmp_path, work)


def test_documents_are_checked_and_converted(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        prompt = {
            "1": {"class_type": "Sampler", "inputs": {"seed": 5, "text": "x"}},
            "2": {"class_type": "No", "inputs": {}},
        }
        answer = await client.post("/v1/workflows/convert", json={"workflow": prompt})
        told = await answer.json()
        assert told["workflow"]["nodes"]["1"] == {"type": "Sampler", "inputs": {"seed": 5, "text": "x"}}
        assert json.loads(told["text"]) == told["workflow"]
        assert [item["code"] for item in told["problems"]] == ["unknown_type"]

        info = PngImagePlugin.PngInfo()
        info.add_text("noisewright", json.dumps(document("In a picture", LARGE)))
        data = encoded(gradient(), pnginfo=info).getvalue()
        assert (await client.post("/v1/files/input?name=a.png", data=data)).status == 201
        answer = await client.post("/v1/workflows/convert?integers=text", json={"file": {"name": "a.png"}})
        told = await answer.json()
        assert told["workflow"]["title"] == "In a picture"
        assert told["workflow"]["nodes"]["a"]["inputs"]["seed"] == str(LARGE)
        assert str(LARGE) in told["text"]

        bad = document(seed="many")
        checked = await (await client.post("/v1/workflows/check", json={"workflow": bad})).json()
        assert not checked["can_run"]
        assert "wrong_type" in [item["code"] for item in checked["problems"]]
        text = {"workflow": document(seed=str(LARGE))}
        checked = await (await client.post("/v1/workflows/check?integers=text", json=text)).json()
        assert "wrong_type" not in [item["code"] for item in checked["problems"]]

        for body, status in (
            ({}, 422),
            ({"workflow": {}, "file": {"name": "a.png"}}, 422),
            ({"workflow": "no document"}, 422),
            ({"workflow": 5}, 422),
            ({"file": {"name": "../x"}}, 400),
            ({"file": {"name": "none.png"}}, 404),
            ({"file": {"name": "a.png", "kind": "models"}}, 422),
        ):
            for route in ("check", "convert"):
                assert (await client.post(f"/v1/workflows/{route}", json=body)).status == status, body

    on(tmp_path, work)


def test_the_picture_of_a_template_is_served(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        folder = tmp_path / "templates" / "pictures"
        folder.mkdir()
        drawn = encoded(gradient(), "WEBP").getvalue()
        (folder / "first.webp").write_bytes(drawn)
        (tmp_path / "templates" / "secret.webp").write_bytes(drawn)
        (told,) = await (await client.get("/v1/workflows")).json()
        answer = await client.get(told["picture"])
        assert (answer.status, answer.content_type, await answer.read()) == (200, "image/webp", drawn)
        assert (await client.get(told["picture"], headers={"If-None-Match": answer.headers["ETag"]})).status == 304
        assert (await client.get("/v1/template-pictures/second")).status == 404
        for name in ("..%2Fsecret", "%2Fetc%2Fpasswd", "a%5C..%5C..%5Csecret"):
            url = URL(f"/v1/template-pictures/{name}", encoded=True)
            assert await code(await client.get(url)) == (400, "bad_name")

    on(tmp_path, work)
