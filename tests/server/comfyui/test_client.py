"""A client that knows nothing but the description of ComfyUI's interface, and a real server with a real worker."""

import asyncio
import io
import json
import os
import signal
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
import requests
from PIL import Image

from graph.comfyui.api import to_api
from graph.flat import flatten
from graph.workflow import load
from tests.server.comfyui.scenes import prompt
from tests.server.crews import catalogue_json

ROOT = Path(__file__).parents[3]
T = TypeVar("T")


class Client:
    """A script as people write them for ComfyUI."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.id = str(uuid.uuid4())
        self.http = requests.Session()

    def get(self, path: str, **query: Any) -> Any:
        response = self.http.get(f"{self.address}{path}", params=query, timeout=60)
        response.raise_for_status()
        return response.json()

    def post(self, path: str, body: Any) -> Any:
        response = self.http.post(f"{self.address}{path}", data=json.dumps(body), timeout=60)
        response.raise_for_status()
        return response.json() if response.content else None

    def queue(self, graph: Any, **more: Any) -> str:
        return self.post("/prompt", {"prompt": graph, "client_id": self.id, **more})["prompt_id"]

    async def followed(self, act: Callable[[aiohttp.ClientWebSocketResponse], Awaitable[T]]) -> T:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{self.address}/ws?clientId={self.id}", max_msg_size=0) as socket,
        ):
            return await act(socket)

    async def until_done(self, socket: aiohttp.ClientWebSocketResponse, run: str) -> tuple[list[Any], list[bytes]]:
        """What was told of a run until it was over: messages and frames."""
        messages: list[Any] = []
        frames: list[bytes] = []
        while True:
            message = await socket.receive(timeout=120)
            if message.type is aiohttp.WSMsgType.BINARY:
                frames.append(message.data)
                continue
            told = json.loads(message.data)
            messages.append(told)
            data = told["data"]
            if told["type"] == "executing" and data["node"] is None and data["prompt_id"] == run:
                return messages, frames

    def run(self, graph: Any, **more: Any) -> tuple[str, list[Any], list[bytes]]:
        async def act(socket: aiohttp.ClientWebSocketResponse) -> tuple[str, list[Any], list[bytes]]:
            run = await asyncio.to_thread(self.queue, graph, **more)
            return run, *(await self.until_done(socket, run))

        return asyncio.run(self.followed(act))

    def pictures(self, run: str) -> list[bytes]:
        outputs = self.get(f"/history/{run}")[run]["outputs"]
        return [
            self.http.get(f"{self.address}/view", params=image, timeout=60).content
            for node in outputs.values()
            for image in node.get("images", ())
        ]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server as `main.py serve` starts it, for all tests of this module."""
    data = tmp_path_factory.mktemp("home")
    command = [sys.executable, "main.py", "serve", "--data", str(data), "--port", "0", "--devices", "cpu"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    log = (data / "stderr.txt").open("wb")
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert server.stdout is not None
        line = server.stdout.readline().strip()
        assert line.startswith("http://"), (data / "stderr.txt").read_text()
        yield line
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        if server.stdout is not None:
            server.stdout.close()
        log.close()


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    made = Client(address)
    yield made
    made.http.close()


def test_a_picture_from_a_prompt(client: Client) -> None:
    drawn = {"id": "w", "nodes": [], "links": [], "version": 0.4}
    extra = {"extra_pnginfo": {"workflow": drawn}}
    run, messages, frames = client.run(prompt(), extra_data=extra)
    kinds = [message["type"] for message in messages]
    assert kinds.index("execution_start") < kinds.index("execution_cached") < kinds.index("executing")
    assert kinds[-3:] == ["execution_success", "status", "executing"]
    executing = [message["data"]["node"] for message in messages if message["type"] == "executing"]
    assert set(executing) == {"3", "4", "5", "6", "7", "8", "9", None}
    steps = [message["data"]["value"] for message in messages if message["type"] == "progress"]
    assert steps[-1] == 4
    assert frames
    for frame in frames:
        kind, image = struct.unpack(">II", frame[:8])
        assert kind == 1
        with Image.open(io.BytesIO(frame[8:])) as shown:
            assert shown.format == {1: "JPEG", 2: "PNG"}[image]
    [data] = client.pictures(run)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (64, 64)
        texts: dict[str, str] = picture.text  # type: ignore[attr-defined]  # of PNG
    assert json.loads(texts["workflow"]) == drawn
    assert json.loads(texts["prompt"])["3"]["inputs"]["seed"] == 5
    stored = client.get(f"/history/{run}")[run]
    assert stored["status"]["completed"] is True
    assert stored["outputs"]["9"]["images"][0]["filename"].startswith("test_")

    again, messages, _ = client.run(prompt())
    cached = next(message["data"]["nodes"] for message in messages if message["type"] == "execution_cached")
    assert {"3", "4", "5", "6", "7", "8"} <= set(cached)
    assert again in client.get("/history", max_items=1)


def test_our_own_template_runs_as_a_prompt(client: Client) -> None:
    from graph.catalogue import Catalogue

    catalogue = Catalogue.from_json(json.loads(catalogue_json()))
    workflow = load((ROOT / "workflows" / "text-to-image.json").read_text(), catalogue)
    flat = flatten(workflow, catalogue)
    specs = {node.type: spec for node in flat.values() if (spec := catalogue.spec(node.type)) is not None}
    graph = to_api(flat, specs, workflow)
    run, messages, _ = client.run(graph)
    assert "execution_success" in [message["type"] for message in messages]
    assert len(client.pictures(run)) == 1


def test_an_uploaded_picture_is_used(client: Client) -> None:
    data = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 30, 30)).save(data, "PNG")
    answer = client.http.post(
        f"{client.address}/upload/image",
        files={"image": ("apple (mine).png", data.getvalue(), "image/png")},
        data={"subfolder": "sent", "overwrite": "true"},
        timeout=60,
    )
    assert answer.status_code == 200
    told = answer.json()
    assert told == {"name": "apple (mine).png", "subfolder": "sent", "type": "input"}
    name = f"{told['subfolder']}/{told['name']}"
    listed = client.get("/object_info/LoadImage")["LoadImage"]["input"]["required"]["image"][0]
    assert name in listed
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": name}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    run, messages, _ = client.run(graph)
    [executed] = [message["data"] for message in messages if message["type"] == "executed"]
    [image] = executed["output"]["images"]
    assert image["type"] == "temp"
    [data_back] = client.pictures(run)
    with Image.open(io.BytesIO(data_back)) as picture:
        assert picture.convert("RGB").getpixel((5, 5)) == (200, 30, 30)
    small = client.http.get(
        f"{client.address}/api/view", params={**told, "filename": told["name"], "preview": "webp;50"}, timeout=60
    )
    with Image.open(io.BytesIO(small.content)) as picture:
        assert picture.format == "WEBP"


def test_stopping_one_and_taking_another_out(client: Client) -> None:
    async def act(socket: aiohttp.ClientWebSocketResponse) -> list[Any]:
        long = await asyncio.to_thread(client.queue, prompt("long", seed=11, steps=2000))
        waiting = await asyncio.to_thread(client.queue, prompt("waits", seed=12))
        while True:
            message = await socket.receive(timeout=120)
            if message.type is aiohttp.WSMsgType.TEXT and json.loads(message.data)["type"] == "progress":
                break
        queue = await asyncio.to_thread(client.get, "/queue")
        assert [item[1] for item in queue["queue_running"]] == [long]
        assert [item[1] for item in queue["queue_pending"]] == [waiting]
        await asyncio.to_thread(client.post, "/queue", {"delete": [waiting]})
        await asyncio.to_thread(client.post, "/interrupt", {})
        messages, _ = await client.until_done(socket, long)
        assert await asyncio.to_thread(client.get, f"/history/{waiting}") == {}
        item = (await asyncio.to_thread(client.get, f"/history/{long}"))[long]
        assert item["status"]["status_str"] == "error"
        return messages

    messages = asyncio.run(client.followed(act))
    [told] = [message["data"] for message in messages if message["type"] == "execution_interrupted"]
    assert (told["node_id"], told["node_type"]) == ("3", "KSampler")


def test_what_the_machine_is(client: Client) -> None:
    until = time.monotonic() + 120
    while not (stats := client.get("/system_stats"))["system"]["pytorch_version"] and time.monotonic() < until:
        time.sleep(0.1)  # the worker tells it, when it has begun
    assert stats["system"]["pytorch_version"]
    assert stats["system"]["ram_total"] > 0
    [device] = stats["devices"]
    assert device["type"] == "cpu"
    assert device["vram_total"] > 0
    client.post("/free", {"unload_models": True, "free_memory": True})
