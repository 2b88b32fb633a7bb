"""A server that models are fetched from, on the loopback, with every fault a server can have; and model files."""

import asyncio
import hashlib
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from yarl import URL

from server.models.patience import Patience
from server.places import Places

FOLDERS = ("checkpoints", "vae", "loras", "controlnet", "upscale_models")
SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin")

VAE = ("encoder.conv_in.weight", "decoder.conv_in.weight")
LORA = ("lora_unet_down_blocks_0.lora_up.weight", "lora_unet_down_blocks_0.lora_down.weight")


def safetensors(size: int = 100_000, seed: int = 0, names: tuple[str, ...] = VAE, **metadata: str) -> bytes:
    """A file with tensors of those names, `size` bytes of chance in all."""
    each = size // len(names)
    header: dict[str, Any] = {
        name: {"dtype": "U8", "shape": [each], "data_offsets": [index * each, (index + 1) * each]}
        for index, name in enumerate(names)
    }
    if metadata:
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + random.Random(seed).randbytes(each * len(names))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def places_in(root: Path, *more: Path) -> Places:
    """Places below a folder. more: folders of models besides the own one."""
    own = root / "models"
    return Places(
        data=root, models=(own, *more), own_models=own, input=root / "input", output=root / "output",
        temp=root / "temp", templates=root / "templates", cache=root / "cache", logs=root / "logs", packs=(),
        model_folders=FOLDERS, suffixes=SUFFIXES,
    )  # fmt: skip


@dataclass
class Naps:
    """Waits that take no time, and are written down."""

    seconds: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)

    def patience(self, tries: int = 4, enough: int = 1) -> Patience:
        return Patience(tries=tries, enough=enough, sleep=self.sleep, chance=random.Random(0))


Answer = Callable[[web.Request], Any]


@dataclass
class Elsewhere:
    """One host. files: path → content; ranges: whether it can give a part; etags: whether it names contents.

    cuts: for each request to come, after how many bytes the connection is cut. answers: path → what answers instead.
    headers: sent with every file. asked: all requests so far.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    etags: bool = True
    cuts: list[int] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[web.BaseRequest] = field(default_factory=list)
    url: URL = field(default_factory=URL)
    pause: asyncio.Event | None = None
    stop_after: int = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        if request.path in self.answers:
            given = self.answers[request.path](request)  # type: ignore[arg-type] — a request like any other
            return await given if asyncio.iscoroutine(given) else given
        data = self.files.get(request.path)
        if data is None:
            return web.Response(status=404)
        etag = f'"{sha256(data)[:16]}"'
        headers = dict(self.headers) | {"Content-Type": "application/octet-stream"}
        if self.etags:
            headers["ETag"] = etag
        start, status = 0, 200
        wanted = request.headers.get("Range", "")
        validator = request.headers.get("If-Range")
        if self.ranges and wanted and validator in (None, etag):
            start, status = int(wanted.removeprefix("bytes=").removesuffix("-")), 206
            if start >= len(data):
                return web.Response(status=416)
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = len(data) - start
        await response.prepare(request)
        end = len(data)
        cut = self.cuts.pop(0) if self.cuts else None
        if cut is not None:
            end = min(end, start + cut)
        if self.pause is not None and self.stop_after:
            await response.write(data[start : self.stop_after])
            await self.pause.wait()
            start = max(start, self.stop_after)
        await response.write(data[start:end])
        if cut is not None and request.transport is not None:
            request.transport.close()  # what was written is sent, and nothing more
        else:
            await response.write_eof()
        return response

    @property
    def ranges_asked(self) -> list[str]:
        return [request.headers.get("Range", "") for request in self.asked]


@asynccontextmanager
async def serving(*hosts: Elsewhere) -> AsyncIterator[None]:
    """Let hosts answer, each on a port of its own."""
    runners = []
    for host in hosts:
        server = web.Server(host.answer, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        host.url = URL(f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        yield
    finally:
        for runner in runners:
            await runner.cleanup()
