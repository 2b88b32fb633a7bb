"""Files over HTTP, as clients ask for them: a real server, real sockets, attacks included."""

import asyncio
import io
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient
from PIL import Image, PngImagePlugin
from yarl import URL

from server.api import Caller
from server.routes import files
from tests.server.homes import core_in, serving
from tests.server.test_confined import ATTACKS
from tests.server.test_pictures import encoded, gradient, png_header

PNG = encoded(gradient()).getvalue()
Client = TestClient[Any, Any]


def on(core: Any, work: Callable[[Client], Awaitable[None]], who: Caller | None = None) -> None:
    """Do something with a client of a server."""

    async def main() -> None:
        async with serving(core, files, who=who) as client:
            await work(client)

    asyncio.run(main())


async def bare(client: Client, target: str, method: str = "GET") -> tuple[int, bytes]:
    """Send a request line as it is: clients tidy paths up, attackers do not. Gives the status and all that came."""
    assert client.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1]), answer


def form(data: bytes, name: str = "a.png", field: str = "file") -> aiohttp.FormData:
    body = aiohttp.FormData()
    body.add_field("note", "first")
    body.add_field(field, data, filename=name, content_type="text/html")
    return body


def test_an_upload_is_listed_read_shown_small_and_deleted(tmp_path: Path) -> None:
    core = core_in(tmp_path, base_path="/art")

    async def work(client: Client) -> None:
        answer = await client.post("/v1/files/input?name=sub dir/B\xe4r.png", data=form(PNG))
        told = await answer.json()
        assert answer.status == 201
        assert (told["name"], told["size"], told["width"], told["height"]) == ("sub dir/Bär.png", len(PNG), 32, 24)
        assert told["url"] == "/art/v1/files/input/sub%20dir/B%C3%A4r.png"
        assert told["thumbnail"] == "/art/v1/thumbnails/input/sub%20dir/B%C3%A4r.png"
        assert (await client.post("/v1/files/input?name=sub%20dir%2FB%C3%A4r.png", data=PNG)).status == 200

        listed = (await (await client.get("/v1/files/input")).json())["files"]
        assert [item["name"] for item in listed] == ["sub dir/Bär.png"]
        for path in ("sub%20dir/B%C3%A4r.png", "sub%20dir%2FB%C3%A4r.png"):
            url = URL(f"/v1/files/input/{path}", encoded=True)
            answer = await client.get(url)
            assert answer.status == 200
            assert await answer.read() == PNG
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Disposition"] == "inline; filename=\"B_r.png\"; filename*=UTF-8''B%C3%A4r.png"

        small = await client.get(URL("/v1/thumbnails/input/sub%20dir/B%C3%A4r.png?size=20", encoded=True))
        assert small.headers["Content-Type"] == "image/webp"
        with Image.open(io.BytesIO(await small.read())) as picture:
            assert picture.size == (32, 24)
        same = {"If-None-Match": small.headers["ETag"]}
        again = await client.get(URL("/v1/thumbnails/input/sub%20dir/B%C3%A4r.png?size=20", encoded=True), headers=same)
        assert again.status == 304

        assert (await client.delete(url)).status == 204
        assert (await client.get(url)).status == 404
        assert (await client.delete(url)).status == 404
        assert not list(core.places.cache.rglob("*.webp"))

    on(core, work)


def test_ranges_and_tags(tmp_path: Path) -> None:
    core = core_in(tmp_path)
    (core.places.output / "a.png").write_bytes(PNG)

    async def work(client: Client) -> None:
        async def get(**headers: str) -> tuple[int, bytes, str]:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            answer = await client.get("/v1/files/output/a.png", headers=given)
            return answer.status, await answer.read(), answer.headers.get("Content-Range", "")

        size = len(PNG)
        tag = (await client.get("/v1/files/output/a.png")).headers["ETag"]
        assert await get(Range="bytes=0-9") == (206, PNG[:10], f"bytes 0-9/{size}")
        assert await get(Range="bytes=-5") == (206, PNG[-5:], f"bytes {size - 5}-{size - 1}/{size}")
        assert (await get(Range="bytes=10-"))[1] == PNG[10:]
        for wrong in (f"bytes={size}-", "bytes=5-1", "bytes=a", "bytes=0-1,3-4", "bytes=-"):
            assert (await get(Range=wrong))[0] in (200, 206, 416), wrong
        assert (await get(If_None_Match=tag))[0] == 304
        assert (await get(If_Match='"other"'))[0] == 412
        assert (await client.head("/v1/files/output/a.png")).headers["Content-Length"] == str(size)

    on(core, work)


@pytest.mark.parametrize(
    ("name", "content", "media", "shown"),
    [
        ("a.png", b"<html>", "image/png", "inline"),
        ("a.webp", b"", "image/webp", "inline"),
        ("a.JPG", b"", "image/jpeg", "inline"),
        ("a.tiff", b"", "image/tiff", "attachment"),
        ("a.html", b"<script>", "application/octet-stream", "attachment"),
        ("a.svg", b"<svg/>", "application/octet-stream", "attachment"),
        ("a.xml", b"<?xml?>", "application/octet-stream", "attachment"),
        ("a.js", b"", "application/octet-stream", "attachment"),
        ("a.mp4", b"", "application/octet-stream", "attachment"),
        ("a", b"<html>", "application/octet-stream", "attachment"),
        ('a".html', b"", "application/octet-stream", "attachment"),
    ],
)
def test_nothing_but_pictures_is_ever_shown(tmp_path: Path, name: str, content: bytes, media: str, shown: str) -> None:
    core = core_in(tmp_path)
    (core.places.output / name).write_bytes(content)

    async def work(client: Client) -> None:
        answer = await client.get(URL(f"/v1/files/output/{name}"))
        assert answer.status == 200
        assert answer.headers["Content-Type"] == media
        assert answer.headers["Content-Disposition"].startswith(f'{shown}; filename="a')
        assert answer.headers["Content-Disposition"].count('"') == 2
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        saved = await client.get(URL(f"/v1/files/output/{name}?download=true"))
        assert saved.headers["Content-Disposition"].startswith("attachment")

    on(core, work)


TARGETS = (
    "../secret.txt",
    "..%2fsecret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "%2E%2E%5Csecret.txt",
    "%252e%252e%252fsecret.txt",
    "%252e%252e/secret.txt",
    "..%5csecret.txt",
    "..%255csecret.txt",
    "a/../../secret.txt",
    "/secret.txt",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    "C:%5cWindows%5cwin.ini",
    "%00",
    "a.png%00.txt",
    "a.png%2500.txt",
    "a.png:x",
    "a.png::$DATA",
    "CON",
    "nul.png",
    "link.txt",
    "linked/secret.txt",
    "linked%2Fsecret.txt",
    ".hidden.png",
    "%ff%fe",
    "a%0d%0aX-Evil:%201",
    "..%c0%afsecret.txt",
    "%u002e%u002e/secret.txt",
    "....//secret.txt",
    "x" * 300,
)


@pytest.mark.parametrize("kind", ["input", "output"])
def test_no_name_leads_to_another_file(tmp_path: Path, kind: str) -> None:
    core = core_in(tmp_path)
    folder = core.places.kinds[kind]
    for place in (tmp_path, core.places.data):
        (place / "secret.txt").write_text("the secret")
    (folder / "a.png").write_bytes(PNG)
    (folder / ".hidden.png").write_bytes(PNG)
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "linked").symlink_to(tmp_path, target_is_directory=True)

    async def work(client: Client) -> None:
        for route in ("files", "thumbnails", "metadata"):
            for target in TARGETS:
                status, answer = await bare(client, f"/v1/{route}/{kind}/{target}")
                assert status in (400, 404), target
                assert b"the secret" not in answer
                assert b"\r\nX-Evil" not in answer
                assert str(tmp_path).encode() not in answer
        for target in TARGETS:
            assert (await bare(client, f"/v1/files/{kind}/{target}", "DELETE"))[0] in (400, 404), target
        assert (tmp_path / "secret.txt").exists()
        assert (folder / ".hidden.png").exists()

    on(core, work)


def test_attacks_on_names_of_uploads(tmp_path: Path) -> None:
    core = core_in(tmp_path)

    async def work(client: Client) -> None:
        for name in ATTACKS:
            name = name.encode("utf-8", "replace").decode()
            url = URL("/v1/files/input").with_query(name=name) if name else URL("/v1/files/input")
            answer = await client.post(url, data=PNG)
            assert answer.status in (200, 201, 400, 422), name
            if answer.status < 300:
                stored = (await answer.json())["name"]
                assert (core.places.input / stored).read_bytes() == PNG
        outside = [
            path for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(core.places.input)
        ]
        assert outside == []

    on(core, work)


def test_uploads_that_are_refused(tmp_path: Path) -> None:
    core = core_in(tmp_path, max_upload=5000, max_uploads=2)

    async def work(client: Client) -> None:
        async def post(data: Any, url: str = "/v1/files/input?name=a.png", **headers: str) -> tuple[int, str]:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            answer = await client.post(url, data=data, headers=given)
            return answer.status, (await answer.json())["error"]["code"]

        assert await post(b"<html>") == (415, "unknown_content")
        assert await post(form(b"<svg/>", "a.svg")) == (415, "unknown_content")
        assert await post(png_header(60_000, 60_000)) == (413, "too_many_pixels")
        assert await post(bytes(5001)) == (413, "too_large")
        assert await post(bytes(10**6)) == (413, "too_large")
        assert await post(form(bytes(10**5))) == (413, "too_large")
        assert await post(PNG[:60]) == (415, "no_picture")
        assert await post(b"") == (400, "empty")
        assert await post(PNG, "/v1/files/input") == (400, "no_name")
        assert await post(PNG, "/v1/files/models?name=a.png") == (422, "invalid")
        assert await post(form(PNG, field="other")) == (400, "no_file_part")
        multipart = "multipart/form-data"
        assert await post(b"xyz", Content_Type=multipart) == (400, "bad_multipart")
        assert await post(b"xyz", Content_Type=f"{multipart}; boundary=b") == (400, "bad_multipart")
        for body in (
            b"--b\r\n",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + PNG[:60],
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Length: 9\r\n\r\nabc',
            b"--b\r\nno header\r\n\r\nx\r\n--b--",
            b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--\r\n",
            b"--b\r\nX: " + b"x" * 20_000 + b"\r\n\r\nx\r\n--b--",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n!!!!\r\n--b--\r\n",
        ):
            status, _ = await post(body, Content_Type=f"{multipart}; boundary=b")
            assert status in (400, 415), body

        async def endless() -> AsyncIterator[bytes]:
            yield b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n'
            for _ in range(100):
                yield bytes(2**14)

        assert await post(endless(), Content_Type=f"{multipart}; boundary=b") == (413, "too_large")
        assert list(core.places.input.iterdir()) == []

    on(core, work)


def test_who_may_only_run_brings_input_alone(tmp_path: Path) -> None:
    core = core_in(tmp_path)

    async def work(client: Client) -> None:
        assert (await client.post("/v1/files/output?name=a.png", data=PNG)).status == 403
        assert (await client.post("/v1/files/input?name=a.png", data=PNG)).status == 201

    on(core, work, who=Caller("guest", frozenset({"run"})))
    assert {route.scope for route in files.routes if route.method == "DELETE"} == {"edit"}


@pytest.mark.parametrize("sort", ["newest", "name"])
def test_pages_have_every_file_once(tmp_path: Path, sort: str) -> None:
    core = core_in(tmp_path)
    names = [f"{folder}{k:02}.png" for folder in ("", "a/", "a/b/", "B/") for k in range(7)]
    for k, name in enumerate(names):
        path = core.places.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, ns=(k // 3 * 10**9, k // 3 * 10**9))
    (core.places.output / ".x.part").touch()
    (core.places.output / "link").symlink_to(tmp_path, target_is_directory=True)
    (core.places.output / os.fsdecode(b"\xff.png")).touch()

    async def work(client: Client) -> None:
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            answer = await client.get("/v1/files/output", params={"sort": sort, "limit": 5, "after": after})
            page = await answer.json()
            assert page["total"] == len(names)
            found += page["files"]
            after = page["next"]
            if not after:
                break
        told = [item["name"] for item in found]
        assert sorted(told) == sorted(names)
        if sort == "name":
            assert told == sorted(names, key=str.casefold)
        else:
            times = [item["modified"] for item in found]
            assert times == sorted(times, reverse=True)
        for prefix, count in (("a/", 14), ("a/b/0", 7), ("zzz", 0), ("../", 0), ("B", 7)):
            page = await (await client.get("/v1/files/output", params={"prefix": prefix})).json()
            assert page["total"] == count, prefix
        for query in ({"after": "x"}, {"after": "1"}, {"limit": 0}, {"sort": "size"}, {"other": 1}):
            assert (await client.get("/v1/files/output", params=query)).status == 422

    on(core, work)


def test_what_templates_load_counts_as_input_and_stays(tmp_path: Path) -> None:
    core = core_in(tmp_path)
    (core.places.templates / "input").mkdir(parents=True)
    (core.places.templates / "input" / "apple.png").write_bytes(PNG)

    async def work(client: Client) -> None:
        assert (await client.get("/v1/files/input/apple.png")).status == 200
        assert (await client.delete("/v1/files/input/apple.png")).status == 403

    on(core, work)


def test_metadata(tmp_path: Path) -> None:
    core = core_in(tmp_path)
    info = PngImagePlugin.PngInfo()
    info.add_text("noisewright", "{}")
    info.add_text("secret", "x")
    gradient().save(core.places.output / "a.png", pnginfo=info)
    (core.places.output / "a.mp4").write_bytes(b"x")

    async def work(client: Client) -> None:
        told = await (await client.get("/v1/metadata/output/a.png")).json()
        assert told == {
            "width": 32,
            "height": 24,
            "mode": "RGB",
            "format": "PNG",
            "frames": 1,
            "documents": {"noisewright": "{}"},
        }
        answer = await client.get("/v1/metadata/output/a.mp4")
        assert answer.status == 415
        assert str(tmp_path) not in json.dumps(await answer.json())

    on(core, work)
