"""`/view`, `/upload`, `/userdata`, `/settings`: what comes in and goes out, and what stays where it is."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image, PngImagePlugin

from server.api import Caller
from server.comfyui import userdata
from tests.server.comfyui.scenes import Scene, scene


def png(color: Any = (200, 30, 30), size: tuple[int, int] = (8, 6), mode: str = "RGB", **texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    data = io.BytesIO()
    Image.new(mode, size, color).save(data, "PNG", pnginfo=info)
    return data.getvalue()


async def view(it: Scene, status: int = 200, **query: str) -> tuple[bytes, Any]:
    async with it.client.get("/view", params=query) as response:
        data = await response.read()
        assert response.status == status, (query, response.status, data[:300])
        return data, response.headers


async def upload(it: Scene, data: bytes, name: str = "a.png", route: str = "image", **fields: str) -> Any:
    form = aiohttp.FormData()
    form.add_field("image", data, filename=name)  # before what says where it goes, as browsers may send it
    for key, value in fields.items():
        form.add_field(key, value)
    async with it.client.post(f"/upload/{route}", data=form) as response:
        return response.status, await response.json()


def test_viewing_files(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            output = it.core.places.output
            (output / "sub").mkdir(parents=True)
            clear = png((10, 20, 30, 128), mode="RGBA")
            (output / "sub" / "a.png").write_bytes(clear)
            (output / "page.html").write_text("<script>alert(1)</script>")
            (output / "drawing.svg").write_text("<svg onload='alert(1)'/>")
            (it.core.places.input).mkdir(exist_ok=True)
            (it.core.places.input / "b.png").write_bytes(png())
            data, headers = await view(it, filename="a.png", subfolder="sub", rand="0.1")
            assert data == clear
            assert headers["Content-Type"] == "image/png"
            assert 'filename="a.png"' in headers["Content-Disposition"]
            assert (await view(it, filename="x/y/a.png", subfolder="sub\\", type="output"))[0] == clear
            assert (await view(it, filename="b.png [input]"))[0] == png()
            for name in ("page.html", "drawing.svg"):
                _, headers = await view(it, filename=name)
                assert headers["Content-Type"] == "application/octet-stream"
                assert headers["Content-Disposition"].startswith("attachment")
            for wanted, format_ in (("webp;90", "WEBP"), ("jpeg;80", "JPEG"), ("gif", "WEBP")):
                data, _ = await view(it, filename="a.png", subfolder="sub", preview=wanted, channel="rgb")
                with Image.open(io.BytesIO(data)) as picture:
                    assert (picture.format, picture.mode) == (format_, "RGB")
            data, _ = await view(it, filename="a.png", subfolder="sub", channel="a")
            with Image.open(io.BytesIO(data)) as picture:
                assert picture.getpixel((0, 0)) == (0, 0, 0, 128)
            data, _ = await view(it, filename="a.png", subfolder="sub", channel="rgb")
            with Image.open(io.BytesIO(data)) as picture:
                assert (picture.format, picture.mode) == ("PNG", "RGB")
            await view(it, 404)
            await view(it, 404, filename="none.png")
            for name in ("", "/etc/passwd", "..", "../a.png", "..\\a"):
                await view(it, 400, filename=name)
            await view(it, 400, filename="a.png", type="custom")
            for folder in ("..", "../input", "/etc", "sub/../..", "C:\\x"):
                await view(it, 403, filename="a.png", subfolder=folder)
            (output / "link.png").symlink_to("/etc/passwd")
            await view(it, 400, filename="link.png")
            await view(it, 415, filename="page.html", preview="webp;90")

    asyncio.run(play())


def test_uploading_pictures(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            red, blue = png(), png((0, 0, 200))
            assert await upload(it, red) == (200, {"name": "a.png", "subfolder": "", "type": "input"})
            assert (await upload(it, red))[1]["name"] == "a.png"
            assert (await upload(it, blue))[1]["name"] == "a (1).png"
            assert (await upload(it, blue, overwrite="true"))[1]["name"] == "a.png"
            assert (it.core.places.input / "a.png").read_bytes() == blue
            told = await upload(it, red, subfolder="deep/er", type="temp")
            assert told == (200, {"name": "a.png", "subfolder": "deep/er", "type": "temp"})
            assert (it.core.places.temp / "deep" / "er" / "a.png").read_bytes() == red
            for fields in ({"subfolder": "../x"}, {"subfolder": "/etc"}, {"type": "x"}, {"subfolder": "a/../../b"}):
                status, told = await upload(it, red, **fields)
                assert (status, told["error"]["code"]) in [(400, "bad_name"), (400, "unknown_kind")]
            assert (await upload(it, b"<html>", "x.html"))[0] == 415
            async with it.client.post("/upload/image", json={}) as response:
                assert response.status == 400
            form = aiohttp.FormData({"type": "input"}, default_to_multipart=True)
            async with it.client.post("/upload/image", data=form) as response:
                assert response.status == 400
            assert not list(it.core.places.temp.rglob("*.part"))

    asyncio.run(play())


def test_uploading_masks(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            it.core.places.output.mkdir(exist_ok=True)
            (it.core.places.output / "o.png").write_bytes(png(prompt='{"1":{}}'))
            mask = png((0, 0, 0, 40), mode="RGBA")
            reference = json.dumps({"filename": "o.png"})
            status, told = await upload(it, mask, "mask.png", "mask", original_ref=reference, subfolder="clipspace")
            assert (status, told) == (200, {"name": "mask.png", "subfolder": "clipspace", "type": "input"})
            with Image.open(it.core.places.input / "clipspace" / "mask.png") as picture:
                assert picture.getpixel((0, 0)) == (200, 30, 30, 40)
                assert picture.text["prompt"] == '{"1":{}}'  # type: ignore[attr-defined]  # of PNG
            for bad, wanted in (
                ("", 400), ("{", 400), ("[]", 400), ("{}", 400), ('{"filename": 3}', 400),
                ('{"filename": "none.png"}', 404), ('{"filename": "../o.png"}', 400),
                ('{"filename": "o.png", "subfolder": "../x"}', 403), ('{"filename": "o.png", "type": "x"}', 400),
            ):  # fmt: skip
                assert (await upload(it, mask, "m.png", "mask", original_ref=bad))[0] == wanted, bad

    asyncio.run(play())


def test_userdata(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            client = it.client
            assert (await client.get("/userdata")).status == 400
            assert (await client.get("/userdata?dir=workflows")).status == 404
            assert await it.get("/v2/userdata") == []
            async with client.post("/api/userdata/workflows%2Fa%20b.json", data=b'{"x":1}') as response:
                assert (response.status, await response.json()) == (200, "workflows/a b.json")
            async with client.post("/userdata/workflows/a b.json?overwrite=false", data=b"{}") as response:
                assert response.status == 409
            async with client.post("/userdata/workflows%2F.index.json?full_info=true", data=b"[]") as response:
                told = await response.json()
                assert (told["path"], told["size"]) == ("workflows/.index.json", 2)
            async with client.get("/userdata/workflows%2Fa%20b.json") as response:
                assert await response.read() == b'{"x":1}'
                assert response.content_type == "application/json"
            await client.post("/userdata/workflows%2Fdeep%2Fpage.html", data=b"<script>")
            async with client.get("/userdata/workflows%2Fdeep%2Fpage.html") as response:
                assert response.content_type == "application/octet-stream"
                assert response.headers["Content-Disposition"] == "attachment"
            assert await it.get("/userdata", dir="workflows") == [".index.json", "a b.json"]
            assert await it.get("/userdata", dir="workflows", recurse="true", split="true") == [
                [".index.json", ".index.json"],
                ["a b.json", "a b.json"],
                ["deep/page.html", "deep", "page.html"],
            ]
            [info] = await it.get("/userdata", dir="workflows/deep", full_info="true")
            assert info.keys() == {"path", "size", "modified", "created"}
            listed = await it.get("/v2/userdata", path="workflows")
            assert [(entry["path"], entry["type"]) for entry in listed] == [
                ("workflows/deep", "directory"),
                ("workflows/.index.json", "file"),
                ("workflows/a b.json", "file"),
                ("workflows/deep/page.html", "file"),
            ]
            async with client.post("/userdata/workflows%2Fa%20b.json/move/workflows%2Fb%2Fc.json") as response:
                assert (response.status, await response.json()) == (200, "workflows/b/c.json")
            await client.post("/userdata/d.json", data=b"{}")
            async with client.post("/userdata/d.json/move/workflows%2Fb%2Fc.json?overwrite=false") as response:
                assert response.status == 409
            assert (await client.delete("/userdata/d.json")).status == 204
            assert (await client.delete("/userdata/d.json")).status == 404
            assert (await client.get("/userdata/none")).status == 404
            assert (await client.get("/userdata/workflows")).status == 404
            assert (await client.post("/userdata/workflows", data=b"x")).status == 409
            assert (await client.post("/userdata/a:b", data=b"x")).status == 400
            for name in ("%2Fetc%2Fpasswd", "x%2F..%2F..%2Fy"):
                assert (await client.post(f"/userdata/{name}", data=b"x")).status in (400, 403)
            root = it.core.places.user / "local"
            (root / "out").symlink_to(tmp_path)
            assert (await client.post("/userdata/out%2Fx", data=b"x")).status == 403
            assert not (tmp_path / "x").exists()

    asyncio.run(play())


def test_settings_are_merged_and_survive_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(userdata, "LARGEST_SETTINGS", 1000)

    async def play() -> None:
        async with scene(tmp_path) as it:
            assert await it.get("/settings") == {}
            assert await it.get("/settings/Comfy.A") is None
            await it.post("/settings", {"Comfy.A": 1, "Comfy.B": [1, 2]})
            await it.post("/api/settings/Comfy.A", "text")
            assert await it.get("/settings") == {"Comfy.A": "text", "Comfy.B": [1, 2]}
            assert await it.get("/settings/Comfy.B") == [1, 2]
            (it.core.places.user / "local" / userdata.SETTINGS).write_text("{")
            assert await it.get("/settings") == {}
            await it.post("/settings", [], 400)
            await it.post("/settings", {"a": "x" * userdata.LARGEST_SETTINGS}, 413)
            assert await it.get("/users") == {"storage": "server", "migrated": True}
            await it.post("/users", {"username": "anna"}, 400)

    asyncio.run(play())


def test_each_owner_has_a_folder_of_its_own(tmp_path: Path) -> None:
    async def play() -> list[Path]:
        async with scene(tmp_path) as it:
            from server.comfyui.face import Face

            face = Face(it.core)
            owners = ("local", "Local", "a/b", "a_b", "..", "con", "", "token-1")
            return [userdata._root(face, Caller(owner)) for owner in owners]

    folders = asyncio.run(play())
    assert len({folder.name.casefold() for folder in folders}) == len(folders)
    assert {folder.parent for folder in folders} == {tmp_path / "user"}


def test_a_disk_that_is_full_is_no_failure_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(userdata, "write_durably", full)

    async def play() -> None:
        async with scene(tmp_path) as it:
            await it.post("/settings", {"a": 1}, 507)
            async with it.client.post("/userdata/a.json", data=b"{}") as response:
                assert response.status == 507

    asyncio.run(play())
