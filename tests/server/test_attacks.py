"""Attacks on the whole server: each is refused with the right status, and no answer tells of the inside."""

import asyncio
import base64
import gzip
import io
import json
import re
import socket
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from server.api import Route
from server.backup import backup
from server.native import ALL
from server.openapi import template
from tests.server.assembled import Assembled, assembled, document
from tests.server.fuzzing import PICTURE, published
from tests.server.guarded import Served, Told

ADMIN = "planted-token-of-the-person-who-owns-it-all"

REFUSED = (401, 403)


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assembled]:
    with assembled(tmp_path_factory.mktemp("open") / "home", workers=4, devices=("cpu",)) as server:
        yield server


@pytest.fixture(scope="module")
def closed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assembled]:
    """One that asks for a token, with a published workflow."""
    with assembled(tmp_path_factory.mktemp("closed") / "home", workers=4, devices=("cpu",), token=ADMIN) as server:
        for name in ("known", "other"):
            told = asyncio.run(ask(server, "PUT", f"/v1/apps/{name}", json={"workflow": published()}))
            assert told.status == 201, told.body
        yield server


async def ask(server: Assembled, method: str, path: str, token: str | None = ADMIN, **more: Any) -> Told:
    """An answer that tells nothing of the inside, whatever was asked."""
    headers = {"Authorization": f"Bearer {token}"} if token and server.core.settings.token else {}
    told = await Served(server.core, server).ask(method, path, headers=headers | more.pop("headers", {}), **more)  # type: ignore[arg-type]
    assert told.status < 500, (method, path, told.status, told.body)
    check_tight_lipped(server, told.body)
    return told


def check_tight_lipped(server: Assembled, body: bytes) -> None:
    assert str(server.folder).encode() not in body, body[:1000]
    assert b"Traceback (most" not in body
    assert b"root:x:" not in body


def play(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def raw(server: Assembled, data: bytes) -> bytes:
    """Everything that comes back for bytes as they are, until the server closes or is silent for a while."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=1.5) as client:
        found = b""
        try:
            client.sendall(data)
            while piece := client.recv(65536):
                found += piece
        except (TimeoutError, ConnectionError):
            pass
        return found


def head(server: Assembled, *lines: str, request: str = "GET /v1/me HTTP/1.1") -> bytes:
    return "\r\n".join((request, f"Host: {server.host}", *lines, "", "")).encode("latin-1")


def path_of(route: Route, **parts: str) -> str:
    """A path of a route; its parts are as these say, or plain."""
    path = template(route)
    for name in route.parts:
        path = path.replace(f"{{{name}}}", parts.get(name, PLAIN.get(name, "nothing")))
    return path


PLAIN = {"kind": "input", "place": "0"}

# Names that lead elsewhere

NAMES = [
    "../../noisewright.db",
    "../noisewright.db",
    "..\\..\\noisewright.db",
    "a/../../noisewright.db",
    "....//....//noisewright.db",
    "/etc/passwd",
    "//etc/passwd",
    "\\\\host\\share\\a.png",
    "C:\\Windows\\win.ini",
    "file:///etc/passwd",
    "%2e%2e%2fnoisewright.db",
    "..%2fnoisewright.db",
    "a.png:stream",
    "a.png\0.txt",
    "con",
    "nul.png",
    "a.",
    " ",
    ".",
    "..",
    "~/.ssh/id_rsa",
    "$HOME/x",
    ".trash/x",
    ".lock",
    "a\r\nSet-Cookie: stolen=1",
    "\u202egnp.exe",
    "\uff0e\uff0e\uff0fnoisewright.db",
    "x" * 300,
    "a/" * 600,
    "{name}",
    "'; DROP TABLE runs; --",
    "<script>alert(1)</script>",
]

BODIES: dict[str, Callable[[], Any]] = {
    "/v1/workflows/{name}": lambda: {"workflow": document(), "name": "moved"},
    "/v1/apps/{name}": lambda: {"workflow": published()},
    "/v1/apps/{name}/runs": lambda: {},
    "/v1/runs/{run}/move": lambda: {"priority": 1},
}


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize(
    "route", [route for route in ALL if route.parts], ids=lambda route: f"{route.method} {template(route)}"
)
def test_no_name_in_a_path_leads_elsewhere(open_server: Assembled, route: Route):
    outside = open_server.folder.parent
    (outside / "noisewright.db").write_text("root:x:0:0 what lies beside the home")

    async def attack() -> None:
        before = {name for name in tree(outside) if not name.startswith("home/")}
        body = BODIES.get(template(route), dict)() if route.method in ("PUT", "POST", "PATCH") else None
        for name in NAMES:
            for written in (quote(name, safe=""), quote(name, safe="/\\:;'<>{}$~")):
                parts = {part: written for part in route.parts if part not in PLAIN or len(route.parts) == 1}
                told = await ask(open_server, route.method, path_of(route, **parts), json=body)
                assert "stolen" not in told.headers.get("Set-Cookie", "")
                unharmed = route.path.startswith("/v1/workflows/{name") or route.path.startswith("/v1/apps/{name}")
                if told.status < 400:  # a name that only looks bad, in its own folder
                    assert unharmed or route.method == "GET", (name, told.status)
        assert {name for name in tree(outside) if not name.startswith("home/")} == before
        assert (outside / "noisewright.db").read_text().startswith("root:x")
        assert not (open_server.folder / "workflows" / ".lock.json").exists()

    play(attack())


def test_no_name_in_a_body_or_a_query_leads_elsewhere(open_server: Assembled):
    outside = open_server.folder.parent

    async def attack() -> None:
        assert (await ask(open_server, "PUT", "/v1/workflows/mine", json={"workflow": document()})).status == 201
        for name in NAMES:
            asked = quote(name, safe="")
            told = [
                await ask(open_server, "POST", f"/v1/files/input?name={asked}", data=PICTURE),
                await ask(open_server, "PATCH", "/v1/workflows/mine", json={"name": name, "revision": "none"}),
                await ask(open_server, "POST", "/v1/workflows/restore", json={"id": name}),
                await ask(open_server, "POST", "/v1/workflows/check", json={"file": {"kind": "input", "name": name}}),
                await ask(
                    open_server, "POST", "/v1/workflows/convert", json={"file": {"kind": "output", "name": name}}
                ),
                await ask(open_server, "POST", "/v1/runs", json={"name": name}),
                await ask(open_server, "DELETE", f"/v1/models?folder=checkpoints&name={asked}"),
                await ask(open_server, "DELETE", f"/v1/models?folder={asked}&name=sprout.safetensors"),
                await ask(open_server, "GET", f"/v1/models?folder={asked}"),
                await ask(open_server, "GET", f"/v1/files/output?prefix={quote(name[:100], safe='')}"),
                await ask(open_server, "POST", "/v1/models/verify", json={"models": [name]}),
            ]
            assert all(answer.status >= 400 for answer in told[1:8]), (name, [answer.status for answer in told])
            assert told[9].status >= 400 or told[9].json["files"] == [] or name in ("x" * 300,)
        workflow = document() | {"nodes": document()["nodes"] | {"more": {"type": "LoadImage", "inputs": {}}}}
        for name in NAMES:
            workflow["nodes"]["more"]["inputs"]["image"] = name
            workflow["nodes"]["ckpt"]["inputs"]["ckpt_name"] = name
            told = [await ask(open_server, "POST", "/v1/runs", json={"workflow": workflow})]
            told.append(await ask(open_server, "POST", "/v1/runs", json={"workflow": document(), "outputs": [name]}))
            assert {answer.status for answer in told} <= {400, 422}, name

    before = {name for name in tree(outside) if not name.startswith("home")}
    play(attack())
    assert {name for name in tree(outside) if not name.startswith("home")} == before
    assert not [name for name in tree(open_server.folder / "input") if ".." in name.split("/") or ":" in name]


# Scopes and owners

LEVEL = {"public": 0, "run:app": 1, "run": 2, "edit": 3, "admin": 4}


def scopes(server: Assembled) -> dict[str, str]:
    """A token for each scope, by its scope."""

    async def make() -> dict[str, str]:
        found = {}
        for scope in ("run:app:other", "run:app:known", "run:app", "run", "edit", "admin"):
            told = await ask(server, "POST", "/v1/tokens", json={"name": f"for {scope}", "scopes": [scope]})
            found[scope] = told.json["token"]
        return found

    return asyncio.run(make())


def test_each_scope_opens_its_routes_and_no_others(closed_server: Assembled):
    tokens = {"": None} | scopes(closed_server)
    counts = {"allowed": 0, "refused": 0}

    async def attack() -> None:
        for route in ALL:
            if route.path in ("/v1/login", "/v1/logout", "/v1/queue/pause"):
                continue
            path = path_of(route, name="known") if route.path.startswith("/v1/apps/") else path_of(route)
            for scope, token in tokens.items():
                level = LEVEL["run:app" if scope.startswith("run:app:") else scope] if scope else 0
                allowed = LEVEL[route.scope] <= level
                if route.scope == "run:app" and route.path.startswith("/v1/apps/{name}"):
                    allowed = allowed and scope != "run:app:other"  # a right to that one is none to this one
                body = {"impossible": 1} if route.method in ("PUT", "POST", "PATCH") else None
                if route.method == "DELETE" and route.path == "/v1/apps/{name}":
                    path = "/v1/apps/nothing"
                told = await ask(closed_server, route.method, path, token, json=body)
                said = told.json["error"]["code"] if told.status in REFUSED else ""
                is_refused = said in ("forbidden", "token_needed")
                assert is_refused is not allowed, (route.method, path, scope, told.status, told.body[:200])
                if not allowed:
                    assert told.status == (403 if token else 401)
                counts["allowed" if allowed else "refused"] += 1

    play(attack())
    assert min(counts.values()) > 100


def test_guests_see_nothing_of_others(closed_server: Assembled):
    async def attack() -> None:
        guests = []
        for name in ("anna", "bert"):
            body = {"name": name, "scopes": ["run:app:known"]}
            guests.append((await ask(closed_server, "POST", "/v1/tokens", json=body)).json["token"])
        anna, bert = guests
        wait = {"Prefer": "wait=20"}
        sent = {"inputs": {"prompt": "a secret pear"}}
        told = await ask(closed_server, "POST", "/v1/apps/known/runs", anna, json=sent, headers=wait)
        assert told.status == 200, told.body
        run, [file] = told.json["id"], told.json["files"]
        own = (await ask(closed_server, "POST", "/v1/runs", json={"workflow": document("wait")})).json["id"]
        body = {"workflow": document("of the owner")}
        mine = (await ask(closed_server, "POST", "/v1/runs", json=body, headers=wait)).json
        assert (await ask(closed_server, "GET", file["url"], anna)).body.startswith(b"\x89PNG")
        detail = (await ask(closed_server, "GET", f"/v1/runs/{run}", anna)).json
        assert detail["workflow"] == {}

        for other in (run, own, mine["id"]):
            for path in ("", "/events", "/events/stream"):
                assert (await ask(closed_server, "GET", f"/v1/runs/{other}{path}", bert)).status == 404
            assert (await ask(closed_server, "POST", f"/v1/runs/{other}/cancel", bert)).status == 404
            assert (await ask(closed_server, "GET", f"/v1/apps/known/runs/{other}", bert)).status == 404
            assert (await ask(closed_server, "GET", f"/v1/apps/known/runs/{other}/files/0", bert)).status == 404
        assert (await ask(closed_server, "GET", file["url"], bert)).status == 404
        for path in (mine["files"][0]["url"], "/v1/runs", "/v1/queue", "/v1/preferences", "/v1/files/output"):
            assert (await ask(closed_server, "GET", path, bert)).status == 403

        # A picture that anna sent is not bert's to load.
        told = await ask(closed_server, "POST", "/v1/apps/known/files?name=face.png", anna, data=PICTURE)
        assert told.status == 201
        owners = {(await ask(closed_server, "GET", "/v1/me", token)).json["owner"] for token in (anna, bert, ADMIN)}
        assert len(owners) == 3

        async with aiohttp.ClientSession() as session:
            address = f"{closed_server.address}/v1/events?token={bert}"
            async with session.ws_connect(address) as socket_:
                await socket_.send_json({"since": {run: -1, own: -1}})
                await socket_.send_json({"runs": [run, own]})
                await ask(closed_server, "POST", "/v1/apps/known/runs", anna, json=sent, headers=wait)
                last = (await ask(closed_server, "POST", "/v1/apps/known/runs", bert, json={}, headers=wait)).json["id"]
                await socket_.send_json({"runs": None})
                await socket_.send_json({"since": {last: -1}})
                heard = []
                while not heard or heard[-1].get("event") != "run_finished":
                    heard.append(await asyncio.wait_for(socket_.receive_json(), 20))
            told_of = {event["run"] for event in heard if "run" in event and event["event"] != "error"}
            assert told_of == {last}
            assert {event["code"] for event in heard if event["event"] == "error"} == {"unknown_run"}
            hello = heard[0]
            assert "secret" not in json.dumps(heard)
            assert hello["event"] == "hello"
        await ask(closed_server, "POST", f"/v1/runs/{own}/cancel")

    play(attack())


def test_preferences_are_of_one_owner(closed_server: Assembled):
    async def attack() -> None:
        tokens = []
        for scope in ("run", "run:app:known"):
            body = {"name": "of preferences", "scopes": [scope]}
            tokens.append((await ask(closed_server, "POST", "/v1/tokens", json=body)).json["token"])
        assert (await ask(closed_server, "PUT", "/v1/preferences", tokens[0], json={"a": 1})).status == 204
        assert (await ask(closed_server, "PUT", "/v1/preferences", tokens[1], json={"a": 2})).status == 403
        assert (await ask(closed_server, "GET", "/v1/preferences", tokens[0])).json == {"a": 1}

    play(attack())


def test_what_guests_are_told_holds_no_path_of_this_machine(closed_server: Assembled):
    tokens = scopes(closed_server)

    async def attack() -> None:
        for scope in ("run:app:known", "run", "edit"):
            for route in ALL:
                if route.method == "GET" and route.status != 101 and route.path != "/v1/events":
                    told = await ask(closed_server, "GET", path_of(route, name="known"), tokens[scope])
                    assert not re.search(rb'"(/home/|/root/|/tmp/|/usr/|[A-Z]:\\\\)', told.body), (scope, route.path)

    play(attack())


def test_a_published_workflow_takes_nothing_but_its_inputs(closed_server: Assembled):
    token = scopes(closed_server)["run:app:known"]
    bad: list[Any] = [
        {"inputs": {"text": "pear"}},
        {"inputs": {"ckpt_name": "sprout.safetensors"}},
        {"inputs": {"save.filename_prefix": "../x"}},
        {"inputs": {"prompt": {"link": ["ckpt", "CLIP"]}}},
        {"inputs": {"prompt": ["ckpt", 1]}},
        {"inputs": {"prompt": 3}},
        {"inputs": {"seed": "@/etc/passwd"}},
        {"inputs": {"seed": 1e400}},
        {"inputs": {"seed": True}},
        {"workflow": document()},
        {"inputs": {}, "settings": {"ckpt.ckpt_name": "x"}},
        {"inputs": {}, "outputs": ["ckpt"]},
        {"inputs": {}, "metadata": "full"},
        {"inputs": {}, "name": "other"},
    ]

    async def attack() -> None:
        for body in bad:
            data = json.dumps(body).replace("Infinity", "1e400")
            headers = {"Content-Type": "application/json"}
            told = await ask(closed_server, "POST", "/v1/apps/known/runs", token, data=data, headers=headers)
            assert told.status in (400, 422), (body, told.status)
        # A text that looks like something else is a text.
        for text in ("@/etc/passwd", "{{env.HOME}}", "embedding:../../x", "<lora:../../x:1>"):
            told = await ask(closed_server, "POST", "/v1/apps/known/runs", token, json={"inputs": {"prompt": text}})
            assert told.status in (202, 422), told.body
        assert (await ask(closed_server, "POST", "/v1/apps/other/runs", token, json={})).status == 403
        assert (await ask(closed_server, "POST", "/v1/runs", token, json={"workflow": document()})).status == 403
        assert (await ask(closed_server, "POST", "/prompt", token, json={"prompt": {}})).status == 403
        assert (await ask(closed_server, "GET", "/v1/apps/known/workflow", token)).status == 403

    play(attack())


# Secrets


def test_tokens_are_nowhere_to_be_found(tmp_path: Path):
    """Tokens sent in every place and in garbled requests are in no file of the home, no log, no bundle, no answer."""
    folder = tmp_path / "home"
    planted = [ADMIN, "wrong-token-that-somebody-sent-1234567890", "hf_plantedplantedplantedplanted"]
    with assembled(folder, workers=1, devices=("cpu",), token=ADMIN) as server:

        async def attack() -> None:
            body = {"name": "made", "scopes": ["admin"]}
            planted.append((await ask(server, "POST", "/v1/tokens", json=body)).json["token"])
            told = await ask(server, "POST", "/v1/login", None, json={"token": ADMIN})
            planted.append(re.findall(r"noisewright=([^;]+)", told.headers["Set-Cookie"])[0])
            for token in planted:
                for path in ("/v1/me", "/v1/runs", "/v1/nothing", "/v1/files/input/%00", "/queue", "/ws", "/"):
                    await ask(server, "GET", f"{path}?token={token}", None)
                    await ask(server, "GET", path, None, headers={"Cookie": f"noisewright={token}"})
                    await ask(server, "GET", path, token)
                    basic = base64.b64encode(f"anna:{token}".encode()).decode()
                    await ask(server, "GET", path, None, headers={"Authorization": f"Basic {basic}"})
                await ask(server, "POST", f"/v1/runs?token={token}", None, json={"workflow": document(token[:0])})
                await ask(server, "POST", "/v1/login", None, json={"token": token[:-1]})
                await ask(server, "POST", "/v1/login", None, data={"token": f"{token}x"})
            body = {"source": "https://127.0.0.1/a.safetensors?token=hf_plantedplantedplantedplanted", "consent": True}
            await ask(server, "POST", "/v1/models/downloads", json=body)

        play(attack())
        for token in planted:
            for garbled in (
                head(server, f"Authorization: Bearer {token}", "Content-Length: x"),
                head(server, request=f"GET /v1/me?token={token} HTTP/9.9"),
                head(server, f"Cookie: noisewright={token}", "Bad Header: \0"),
                head(server, request=f"GET /v1/me?token={token}{'x' * 20_000} HTTP/1.1"),
                head(server, f"X-Long: {'x' * 20_000}{token}"),
                head(server, request=f"GET http://u:{token}@[::1/ HTTP/1.1"),
            ):
                answer = raw(server, garbled)
                assert token.encode() not in answer
                assert answer[:9] in (b"HTTP/1.1 ", b"HTTP/1.0 ")
                assert 400 <= int(answer[9:12]) < 500
        known = (ADMIN, *planted[1:])
        lines = json.dumps([entry.model_dump() for entry in server.core.facts.logs.entries()])

        async def bundled() -> bytes:  # with a made token: the configured one rests after that many wrong ones
            return (await ask(server, "POST", "/v1/support-bundle", planted[3])).body

        with zipfile.ZipFile(io.BytesIO(asyncio.run(bundled()))) as archive:
            bundle = "".join(archive.read(name).decode() for name in archive.namelist())
        backup(server.core.places, tmp_path / "backup.zip", files=True)
        for token in known:
            assert token not in lines
            assert token not in bundle
        check_absent(tmp_path, known)
    check_absent(tmp_path, known)


def check_absent(folder: Path, secrets: tuple[str, ...]) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for secret in secrets:
                assert secret.encode() not in content, (path, secret)


# Requests to other machines


@contextmanager
def canary() -> Iterator[tuple[int, list[Any]]]:
    """A port of this machine, and who connected to it."""
    caught: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        yield listening.getsockname()[1], caught
        try:
            while True:
                caught.append(listening.accept()[1])
        except TimeoutError:
            pass


def inward(port: int) -> list[str]:
    return [
        f"https://127.0.0.1:{port}/a.safetensors",
        f"http://127.0.0.1:{port}/a.safetensors",
        f"https://localhost:{port}/a.safetensors",
        f"https://[::1]:{port}/a.safetensors",
        f"https://[::ffff:127.0.0.1]:{port}/a.safetensors",
        f"https://[::ffff:7f00:1]:{port}/a.safetensors",
        f"https://2130706433:{port}/a.safetensors",
        f"https://0x7f000001:{port}/a.safetensors",
        f"https://0177.0.0.1:{port}/a.safetensors",
        f"https://127.1:{port}/a.safetensors",
        f"https://0:{port}/a.safetensors",
        f"https://0.0.0.0:{port}/a.safetensors",
        f"https://①②⑦.0.0.1:{port}/a.safetensors",
        f"https://127。0。0。1:{port}/a.safetensors",
        f"https://user:pass@127.0.0.1:{port}/a.safetensors",
        f"https://example.com@127.0.0.1:{port}/a.safetensors",
        f"https://127.0.0.1:{port}#@example.com/a.safetensors",
        "https://169.254.169.254/latest/meta-data/a.safetensors",
        "https://[fd00::1]/a.safetensors",
        "https://10.0.0.1/a.safetensors",
        "https://[64:ff9b::7f00:1]/a.safetensors",
        "https://[2002:7f00:1::]/a.safetensors",
        "file:///etc/passwd",
        "ftp://127.0.0.1/a",
        "gopher://127.0.0.1/a",
        "//127.0.0.1/a.safetensors",
        f"hf:../../../127.0.0.1:{port}/a.safetensors",
    ]


def test_a_download_reaches_nothing_inside(tmp_path: Path):
    with canary() as (port, caught), assembled(tmp_path, workers=1, devices=("cpu",)) as server:

        async def attack() -> None:
            for source in inward(port):
                body = {"source": source, "folder": "checkpoints", "name": "a.safetensors", "consent": True}
                told = await ask(server, "POST", "/v1/models/downloads", json=body)
                assert told.status < 500
                if told.status == 202:
                    place = f"/v1/models/downloads/{told.json['id']}"
                    while (await ask(server, "GET", place)).json["state"] not in ("done", "failed", "paused"):
                        await asyncio.sleep(0.02)
                    info = (await ask(server, "GET", f"/v1/models/downloads/{told.json['id']}")).json
                    assert info["state"] == "failed", (source, info)
                    await ask(server, "DELETE", f"/v1/models/downloads/{told.json['id']}")

        play(attack())
    assert caught == []


def test_a_webhook_reaches_nothing_inside(tmp_path: Path):
    with canary() as (port, caught), assembled(tmp_path, workers=2, devices=("cpu",)) as server:

        async def attack() -> None:
            accepted = 0
            for url in inward(port):
                body = {"workflow": document(), "webhook": {"url": url}}
                told = await ask(server, "POST", "/v1/runs", json=body, headers={"Prefer": "wait=20"})
                assert told.status in (200, 422), (url, told.status, told.body)
                accepted += told.status == 200
            while True:
                rows = await asyncio.to_thread(attempts, server.folder)
                if len(rows) == accepted and all(rows):
                    break
                await asyncio.sleep(0.05)

        play(attack())
    assert caught == []


def attempts(folder: Path) -> list[int]:
    connection = sqlite3.connect(folder / "noisewright.db")
    try:
        return [row[0] for row in connection.execute("SELECT attempts FROM hooks")]
    finally:
        connection.close()


# Bombs


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes, data: bytes = b"\0" * 64) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return (
        signature + chunk(b"IHDR", header) + b"".join(more) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    )


def test_pictures_that_are_bombs_are_refused(open_server: Assembled):
    text = zlib.compress(b"x" * (64 * 2**20), 9)
    bombs = {
        "huge.png": png(60_000, 60_000),
        "wide.png": png(2**31 - 1, 1),
        "none.png": png(0, 0),
        "short.png": png(4_000, 4_000),
        "text.png": png(1, 1, chunk(b"zTXt", b"prompt\0\0" + text), data=b"\0" * 4),
        "utf.png": png(1, 1, chunk(b"iTXt", b"workflow\0\1\0\0\0" + text), data=b"\0" * 4),
        "profile.png": png(1, 1, chunk(b"iCCP", b"icc\0\0" + text), data=b"\0" * 4),
        "data.png": png(1, 1, data=b"\0" * (64 * 2**20)),
        "broken.png": PICTURE[:40],
        "page.png": b"<html><script>alert(1)</script>",
        "page.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "archive.zip": b"PK\x03\x04" + b"\0" * 100,
    }

    async def attack() -> None:
        for name, content in bombs.items():
            told = await ask(open_server, "POST", f"/v1/files/input?name={name}", data=content)
            assert told.status in (201, 400, 413, 415), (name, told.status)
            if told.status == 201:
                for path in (told.json["url"], told.json["thumbnail"], f"/v1/metadata/input/{told.json['name']}"):
                    answer = await ask(open_server, "GET", path)
                    assert answer.status in (200, 413, 415), (name, path, answer.status)
                    assert len(answer.body) < 2**20
            else:
                assert (await ask(open_server, "GET", f"/v1/files/input/{name}")).status == 404
        for name in ("huge.png", "wide.png"):
            told = await ask(open_server, "POST", f"/v1/files/input?name={name}", data=bombs[name])
            assert told.status == 413

    play(attack())


def test_bodies_that_are_bombs_are_refused(open_server: Assembled):
    json_type = {"Content-Type": "application/json"}
    zipped = gzip.compress(b'{"a": "' + b"x" * (200 * 2**20) + b'"}', 6)
    bombs = [
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, {}, 400),
        (b"[" * 1_000_000, {}, 400),
        (b'{"workflow": {"nodes": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}}", {}, 400),
        (b'{"priority": ' + b"9" * 100_000 + b"}", {}, 400),
        (b'{"a": 1e999999999}', {}, 400),
        (b'{"a": NaN}', {}, 400),
        (b'{"title": "a", "title": "b"}', {}, 400),
        (b'{"title": "\\ud800"}', {}, 400),
        (b"\xff\xfe{}", {}, 400),
        (zipped, {"Content-Encoding": "gzip"}, 413),
    ]

    async def attack() -> None:
        for path in ("/v1/runs", "/v1/check"):
            for body, headers, status in bombs:
                told = await ask(open_server, "POST", path, data=body, headers=json_type | headers)
                assert told.status in (status, 422), (body[:40], told.status, told.body[:200])

    play(attack())


def test_a_workflow_of_ten_thousand_nodes_stops_nobody(open_server: Assembled):
    nodes = document()["nodes"]
    before = "text"
    for number in range(10_000):
        name = f"text{number}"
        nodes[name] = {"type": "CLIPTextEncode", "inputs": {"text": "a", "clip": {"link": ["ckpt", "CLIP"]}}}
        before = name
    nodes["sample"]["inputs"]["positive"] = {"link": [before, "CONDITIONING"]}

    async def attack() -> None:
        asked = asyncio.create_task(
            ask(open_server, "POST", "/v1/runs", json={"workflow": document() | {"nodes": nodes}})
        )
        healthy = 0
        while not asked.done():
            healthy += (await ask(open_server, "GET", "/v1/health")).status == 200
        assert (await asked).status in (202, 413, 422), (await asked).body[:500]
        assert healthy >= 1

    play(attack())


# What browsers are made to send


def test_a_form_of_another_site_submits_nothing(open_server: Assembled):
    async def attack() -> None:
        body = json.dumps({"workflow": document("of a form")})
        posts = [route for route in ALL if route.method in ("POST", "PUT", "PATCH") and not route.consumes]
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            for route in posts:
                if route.path in ("/v1/login", "/v1/logout"):
                    continue
                headers = {"Content-Type": kind, "Origin": "https://evil.example"}
                told = await ask(open_server, route.method, path_of(route), data=body, headers=headers)
                assert told.status == 403, route.path
                assert "Access-Control-Allow-Origin" not in told.headers
                del headers["Origin"]
                told = await ask(open_server, route.method, path_of(route), data=body, headers=headers)
                if "body" in route.hints:
                    assert told.status == 415, (route.path, kind, told.status)
        for kind in ("application/json; charset=utf-16", "application/jsonp", "application/json, text/plain"):
            headers = {"Content-Type": kind}
            told = await ask(open_server, "POST", "/v1/runs", data=body, headers=headers)
            assert told.status in (202, 400, 415)
        page = (await ask(open_server, "GET", "/v1/runs?text=of+a+form")).json
        assert page["total"] <= 1

    play(attack())


def test_preflights_of_others_are_refused(open_server: Assembled):
    async def attack() -> None:
        for route in ALL:
            for origin in ("https://evil.example", "null", f"http://evil.{open_server.host}", "http://127.0.0.1:1"):
                headers = {
                    "Origin": origin,
                    "Access-Control-Request-Method": route.method,
                    "Access-Control-Request-Headers": "content-type, authorization",
                    "Access-Control-Request-Private-Network": "true",
                }
                told = await ask(open_server, "OPTIONS", path_of(route), headers=headers)
                assert told.status == 403
                assert not [name for name in told.headers if name.lower().startswith("access-control-allow")]

    play(attack())


@pytest.mark.parametrize("path", ["/v1/events", "/ws?clientId=a", "/api/ws"])
def test_websockets_of_other_pages_are_refused(open_server: Assembled, path: str):
    async def attack() -> None:
        async with aiohttp.ClientSession() as session:
            for origin in (
                "https://evil.example",
                "null",
                "file://",
                f"https://{open_server.host}",
                "http://localhost",
            ):
                with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                    await session.ws_connect(f"{open_server.address}{path}", headers={"Origin": origin})
                assert error.value.status == 403
            own = {"Origin": open_server.address}
            async with session.ws_connect(f"{open_server.address}{path}", headers=own) as socket_:
                assert not socket_.closed
            with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                await session.ws_connect(f"{open_server.address}{path}", headers={"Host": "evil.example"})
            assert error.value.status == 403

    play(attack())


def test_cookies_of_others_give_nothing(closed_server: Assembled):
    async def attack() -> None:
        for cookie in ("noisewright=", "noisewright=../../x", f"noisewright={ADMIN}", "noisewright=" + "x" * 8000):
            told = await ask(closed_server, "GET", "/v1/me", None, headers={"Cookie": cookie})
            assert told.status in (400, 401)
        told = await ask(closed_server, "POST", "/v1/login", None, json={"token": ADMIN})
        flags = told.headers["Set-Cookie"]
        assert "HttpOnly" in flags
        assert "SameSite=Strict" in flags
        session = {"Cookie": flags.partition(";")[0]}
        assert (await ask(closed_server, "GET", "/v1/me", None, headers=session)).status == 200
        told = await ask(closed_server, "POST", "/v1/queue/pause", None, headers=session)
        assert told.status == 403
        for site in ("cross-site", "same-site"):
            headers = session | {"Sec-Fetch-Site": site}
            assert (await ask(closed_server, "POST", "/v1/queue/pause", None, headers=headers)).status == 403
            assert (await ask(closed_server, "GET", "/v1/me", None, headers=headers)).status == 403
        # The value is no token, and no token is a value.
        value = session["Cookie"].partition("=")[2]
        assert (await ask(closed_server, "GET", "/v1/me", value)).status == 401

    play(attack())


# Methods


def test_methods_do_what_they_say(open_server: Assembled):
    async def attack() -> None:
        paths = {template(route): route for route in ALL}
        for route in paths.values():
            methods = {other.method for other in ALL if template(other) == template(route)}
            for method in ("OPTIONS", "TRACE", "CONNECT", "PROPFIND", "FOO", "GET", "POST", "PUT", "PATCH", "DELETE"):
                if method in methods or method == "CONNECT":
                    continue
                told = await ask(open_server, method, path_of(route))
                if told.status != 405:  # one of the paths with any name below it
                    assert any(re.fullmatch(re.sub(r"{\w+}", ".+", template(other)), path_of(route)) for other in ALL)
                elif told.status == 405:
                    assert "Allow" in told.headers
            if "GET" in methods and template(route) != "/v1/events":
                got, asked = [await ask(open_server, method, path_of(route)) for method in ("GET", "HEAD")]
                assert (asked.status, asked.body) == (got.status, b""), template(route)

    play(attack())


def test_no_header_changes_the_method(open_server: Assembled):
    async def attack() -> None:
        body = {"workflow": document()}
        told = await ask(open_server, "POST", "/v1/runs", json=body, headers={"Prefer": "wait=20"})
        address = f"/v1/runs/{told.json['id']}"
        for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            assert (await ask(open_server, "POST", address, headers={name: "DELETE"})).status == 405
            assert (await ask(open_server, "GET", address, headers={name: "DELETE"})).status == 200
        assert (await ask(open_server, "POST", f"{address}?_method=DELETE")).status == 405
        assert (await ask(open_server, "GET", address)).status == 200
        for name in ("X-Original-URL", "X-Rewrite-URL"):
            assert (await ask(open_server, "GET", address, headers={name: "/v1/tokens"})).json["id"] == told.json["id"]

    play(attack())


# Bytes on the wire

HIDDEN = "GET /v1/tokens HTTP/1.1\r\nHost: {host}\r\n\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5, 6",),
        ("Content-Length: +5",),
        ("Content-Length: -1",),
        ("Content-Length: 5 ", "Transfer-Encoding: chunked"),
        ("Content-Length: 0x5",),
        ("Content-Length: 99999999999999999999999",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding : chunked",),
        ("Transfer-Encoding: \x0bchunked",),
        (" Transfer-Encoding: chunked",),
        ("X: a\nTransfer-Encoding: chunked",),
        ("Content-Length\x00: 5",),
        ("Content-Type: application/json", "Transfer-Encoding: chunked", "", "-1"),
        ("Content-Type: application/json", "Transfer-Encoding: chunked", "", "fffffffffffffffff"),
        ("Content-Type: application/json", "Transfer-Encoding: chunked", "", "5;x\ny", "hello"),
        ("Host: evil.example",),
    ],
    ids=repr,
)
def test_no_request_is_smuggled_in_another(open_server: Assembled, lines: tuple[str, ...]):
    sent = head(open_server, *lines, request="POST /v1/check HTTP/1.1") + b"0\r\n\r\n"
    found = raw(open_server, sent + HIDDEN.format(host=open_server.host).encode())
    check_tight_lipped(open_server, found)
    first = found[9:12]
    assert 400 <= int(first) < 500, found[:300]
    assert found.count(b"HTTP/1.1 200") + found.count(b"HTTP/1.0 200") == 0, found


def test_absurd_heads_are_refused(open_server: Assembled):
    for sent in (
        head(open_server, f"X-Long: {'x' * 100_000}"),
        head(open_server, *(f"X-{number}: a" for number in range(1000))),
        head(open_server, request=f"GET /v1/{'x' * 100_000} HTTP/1.1"),
        head(open_server, request="GET /v1/me HTTP/1.1 HTTP/1.1"),
        head(open_server, request="GET  /v1/me"),
        head(open_server, request="\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        head(open_server, request="GET http://evil.example/v1/me HTTP/1.1"),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ):
        found = raw(open_server, sent)
        check_tight_lipped(open_server, found)
        assert found, sent[:60]
        assert int(found[9:12]) in (200, 400, 403, 404, 405), (sent[:60], found[:200])
        assert found.count(b"\r\n\r\n") == 1
        if int(found[9:12]) == 400:
            assert b"application/json" in found
            assert b"nosniff" in found
