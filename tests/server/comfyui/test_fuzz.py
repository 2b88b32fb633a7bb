"""Every route and the websocket, with whatever may come: no answer from 500 on, no traceback, nothing outside."""

import asyncio
import json
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from server.comfyui import descriptions, files, models, prompts, queue, socket, system, userdata
from server.comfyui.routing import Entry
from tests.server.comfyui.scenes import Scene, prompt, scene
from tests.server.comfyui.test_file_routes import png

pytestmark = [  # of forms that nobody should send aiohttp itself warns, and reads on
    pytest.mark.filterwarnings("ignore::aiohttp.BadContentDispositionHeader"),
    pytest.mark.filterwarnings("ignore::aiohttp.BadContentDispositionParam"),
]

ENTRIES = [
    entry
    for module in (descriptions, files, models, prompts, queue, socket, system, userdata)
    for entry in module.routes
    if entry.path not in ("/ws", "/upload/image", "/upload/mask")
]
UPLOADS = ("/upload/image", "/upload/mask")
SECRET = b"OUTSIDE-SECRET-4711"

NASTY = (
    "..", "../outside/secret.txt", "..\\outside\\secret.txt", "/etc/passwd", "%2e%2e%2fsecret.txt", "....//secret",
    "a.png", "sub/a.png", "a.png [input]", "x [output]", "con", "nul.png", "a:b", "C:\\x", "\\\\host\\share", " ", ".",
    "link/secret.txt", "link", "a\x00b", "a\nb", "x" * 300, "-1", "1e9", "99999999999999999999", "NaN", "true", "false",
    "loras", "checkpoints", "sprout.safetensors", "output", "input", "temp", "KSampler", "workflows", "workflows/.x",
    "webp;90", "jpeg;0", "a", "rgb", "local", "noisewright.db", "../noisewright.db", "comfy.settings.json", "\ud800",
    "%", "%zz", "😀", "ẞ", "\u202egnp.exe",
)  # fmt: skip
NAMES = (
    "filename", "type", "subfolder", "preview", "channel", "dir", "path", "recurse", "full_info", "split", "overwrite",
    "max_items", "offset", "limit", "status", "sort_order", "sort_by", "workflow_id", "clientId", "token",
)  # fmt: skip
KEYS = (
    "prompt", "client_id", "prompt_id", "number", "front", "partial_execution_targets", "extra_data", "extra_pnginfo",
    "workflow", "delete", "clear", "unload_models", "free_memory", "clientId", "enabled", "username", "class_type",
    "inputs", "filename", "1", "3", "9", "images", "__value__", "auth_token_comfy_org",
)  # fmt: skip

texts = st.sampled_from(NASTY) | st.text(max_size=12) | st.text(string.printable, max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | texts, inner, max_size=4),
    max_leaves=12,
)
prompts_spoilt = st.builds(
    lambda node, change: prompt() | {node: change},
    st.sampled_from(["3", "4", "9", "new"]),
    json_values
    | st.builds(
        lambda kind, inputs: {"class_type": kind, "inputs": inputs},
        st.sampled_from(["KSampler", "SaveImage", "LoadImage", "CLIPTextEncode", "Nope"]),
        st.dictionaries(
            st.sampled_from(["images", "image", "seed", "text", "clip", "model", "filename_prefix", "steps"]),
            json_values | st.tuples(st.sampled_from(["3", "4", "8", "9", "none"]), st.integers(-2, 5)).map(list),
            max_size=4,
        ),
    ),
)
bodies = st.one_of(
    st.binary(max_size=40),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(KEYS), json_values, max_size=4).map(lambda value: json.dumps(value).encode()),
    prompts_spoilt.map(lambda value: json.dumps({"prompt": value}).encode()),
    st.sampled_from([b"", b"[" * 3000, b"{" * 3000, b'{"a":1e999}', b"\xff", b'"\\ud800"', b'{"a":"\\u0000"}']),
)
queries = st.dictionaries(st.sampled_from(NAMES), texts, max_size=4)


@dataclass
class Fuzzed:
    """A server, the loop it runs on, and the folder that holds all there is."""

    loop: asyncio.AbstractEventLoop
    it: Scene
    root: Path

    def send(self, method: str, path: str, query: dict[str, str], **more: Any) -> None:
        """Send a request, and look at the answer."""
        self.loop.run_until_complete(self._send(method, path, query, **more))

    async def _send(self, method: str, path: str, query: dict[str, str], **more: Any) -> None:
        rest = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in query.items())
        server = self.it.client.make_url("/")
        url = URL(f"{str(server).rstrip('/')}{path}{'?' if rest else ''}{rest}", encoded=True)
        async with aiohttp.ClientSession() as session, session.request(method, url, **more) as response:
            data = await response.read()
        assert response.status < 500 or response.status == 503, (response.status, data[:500])
        assert b"Traceback" not in data
        assert SECRET not in data
        assert b"SQLite format" not in data
        if response.status >= 400 and response.content_type == "application/json":
            assert "error" in json.loads(data)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    root = tmp_path_factory.mktemp("all")
    home, outside = root / "home", root / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_bytes(SECRET)
    (outside / "a.png").write_bytes(SECRET)
    (outside / "secret.json").write_bytes(SECRET)
    for name in ("input", "output", "temp", "user/local"):
        folder = home / name
        (folder / "sub").mkdir(parents=True)
        (folder / "a.png").write_bytes(png())
        (folder / "sub" / "a.png").write_bytes(png())
        (folder / "link").symlink_to(outside)
    (home / "private.txt").write_bytes(SECRET)
    loop = asyncio.new_event_loop()
    context = scene(home)
    it = loop.run_until_complete(context.__aenter__())
    before = _outside(root)
    yield Fuzzed(loop, it, root)
    problems = [entry.text for entry in it.core.facts.logs.entries() if entry.level in ("ERROR", "CRITICAL")]
    loop.run_until_complete(context.__aexit__(None, None, None))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    assert not problems
    assert _outside(root) == before


def _outside(root: Path) -> dict[str, bytes]:
    """All files but those of the folders that clients may write to, and what the server keeps for itself."""
    own = (
        "home/input",
        "home/output",
        "home/temp",
        "home/user/local",
        "home/cache",
        "home/logs",
        "home/noisewright.db",
    )
    return {
        name: path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not (name := path.relative_to(root).as_posix()).startswith(own)
    }


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def _path(entry: Entry, parts: list[str]) -> str:
    """The path of a route with its parts filled in."""
    path, rest = entry.path, iter(parts)
    while "{" in path:
        begin, end = path.index("{"), path.index("}")
        path = path[:begin] + _quoted(next(rest)) + path[end + 1 :]
    return path


relaxed = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@relaxed
@given(
    entry=st.sampled_from(ENTRIES),
    parts=st.lists(texts.filter(bool), min_size=3, max_size=3),
    query=queries,
    body=bodies,
    api=st.booleans(),
)
def test_requests(
    fuzzed: Fuzzed, entry: Entry, parts: list[str], query: dict[str, str], body: bytes, api: bool
) -> None:
    path = ("/api" if api and not entry.path.startswith("/internal") else "") + _path(entry, parts)
    more = {} if entry.method == "GET" else {"data": body}
    fuzzed.send(entry.method, path, query, **more)


@settings(relaxed, max_examples=150)
@given(body=prompts_spoilt, targets=st.none() | json_values, extra=json_values, number=json_values)
def test_prompts(fuzzed: Fuzzed, body: Any, targets: Any, extra: Any, number: Any) -> None:
    asked = {"prompt": body, "partial_execution_targets": targets, "extra_data": extra, "number": number}
    fuzzed.send("POST", "/prompt", {}, data=json.dumps(asked).encode())


@settings(relaxed, max_examples=150)
@given(
    route=st.sampled_from(UPLOADS),
    fields=st.lists(
        st.tuples(
            st.sampled_from(["image", "type", "subfolder", "overwrite", "original_ref", "x"]),
            st.none() | texts,
            st.binary(max_size=60)
            | st.just(png())
            | texts.map(lambda text: text.encode("utf-8", "replace"))
            | st.sampled_from([b'{"filename":"a.png"}', b'{"filename":"../a.png"}', b'{"filename":"secret.txt"}']),
        ),
        max_size=5,
    ),
    boundary=st.sampled_from(["frontier", "other", ""]),
    cut=st.integers(0, 40),
)
def test_uploads(
    fuzzed: Fuzzed, route: str, fields: list[tuple[str, str | None, bytes]], boundary: str, cut: int
) -> None:
    lines: list[bytes] = []
    for name, filename, data in fields:
        said = f'form-data; name="{name}"' + ("" if filename is None else f'; filename="{filename}"')
        head = said.replace("\r", "").encode("utf-8", "surrogatepass")
        lines += [b"--frontier", b"Content-Disposition: " + head, b"", data]
    lines += [b"--frontier--", b""]
    body = b"\r\n".join(lines)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    fuzzed.send("POST", route, {}, data=body[: len(body) - cut if cut > 20 else len(body)], headers=headers)


@settings(relaxed, max_examples=60)
@given(
    client=texts,
    said=st.lists(st.binary(max_size=40) | texts | json_values.map(json.dumps) | st.just("[" * 3000), max_size=4),
)
def test_websockets(fuzzed: Fuzzed, client: str, said: list[bytes | str]) -> None:
    async def speak() -> None:
        url = URL(f"{fuzzed.it.client.make_url('/ws')}?clientId={_quoted(client)}", encoded=True)
        async with aiohttp.ClientSession() as session:
            try:
                ws = await session.ws_connect(url)
            except aiohttp.WSServerHandshakeError as error:
                if error.status != 400:
                    raise
                return
            assert (await ws.receive_json(timeout=10))["type"] == "status"
            for message in said:
                if isinstance(message, bytes):
                    await ws.send_bytes(message)
                else:
                    await ws.send_str(message.encode("utf-8", "replace").decode())
            await ws.ping()
            await ws.close()
            assert ws.close_code == aiohttp.WSCloseCode.OK

    fuzzed.loop.run_until_complete(speak())
