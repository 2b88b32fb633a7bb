"""What tests of ComfyUI's routes share: a server whose workers are puppets, and prompts for it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestClient, TestServer

from server.api import Caller
from server.core import Core
from server.run import SubmitRun
from server.serving import application
from tests.server.crews import Puppet, Theatre, core_with, document, until


def prompt(text: str = "an apple", **sampler: Any) -> dict[str, Any]:
    """Text to picture, as ComfyUI's own example has it."""
    return {
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sprout.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["4", 1]}, "_meta": {"title": "Text"}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "seed": 5, "steps": 4, "cfg": 4.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
                "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
            } | sampler,
        },
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "test", "images": ["8", 0]}},
    }  # fmt: skip


@dataclass
class Scene:
    """A server, who plays its workers, and a client of it."""

    core: Core
    theatre: Theatre
    client: TestClient[Any, Any]

    async def get(self, path: str, /, **query: Any) -> Any:
        """The JSON of a path."""
        async with self.client.get(path, params=query) as response:
            assert response.status == 200, (path, response.status, await response.text())
            return await response.json()

    async def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        """The answer to a JSON body; None where it is empty."""
        async with self.client.post(path, json=body) as response:
            text = await response.text()
            assert response.status == status, (path, response.status, text)
            return json.loads(text) if text else None

    async def submit(self, **more: Any) -> str:
        """The id of a new run."""
        return (await self.post("/prompt", {"prompt": prompt(), **more}))["prompt_id"]

    async def native(self, run: str, owner: str = "local", **facts: Any) -> None:
        """Submit a run the other way, without a client."""
        caller = Caller(owner, frozenset({"run"}))
        await self.core.runs.submit(SubmitRun(workflow=document(run), **facts), caller, run_id=run)

    async def given(self, run: str) -> Puppet:
        """The puppet that makes a run."""
        return await until(lambda: next((puppet for puppet in self.theatre.cast if puppet.run == run), None))

    async def play(self, run: str, status: str = "done", picture: str = "test_00001_.png") -> None:
        """Make a run, from its beginning to its end."""
        puppet = await self.given(run)
        begin(puppet, run)
        for node in ("4", "5", "6", "7", "3", "8"):
            puppet.event(run, "node_started", node=node)
            if node == "3":
                puppet.event(run, "node_progress", node=node, done=1, total=2)
            puppet.event(run, "node_finished", node=node, reused=None, seconds=0.1, outputs={})
        if status == "failed":
            puppet.event(run, "node_failed", node="9", code="value_error", message="It broke.", hint="Mend it.")
        elif status == "done":
            path = self.core.places.output / picture
            puppet.event(run, "node_started", node="9")
            outputs = {"files": [str(path)], "kind": "output"}
            puppet.event(run, "node_finished", node="9", reused=None, seconds=0.1, outputs=outputs)
        puppet.over(run, status)
        await until(lambda: run not in self.core.runs.active)
        await self.core.hub.flushed()

    @asynccontextmanager
    async def socket(self, client: str = "me", path: str = "/ws") -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A websocket, past the greeting."""
        async with self.client.ws_connect(f"{path}?clientId={client}") as socket:
            first = await socket.receive_json(timeout=10)
            assert first["type"] == "status"
            assert first["data"]["sid"] == client
            yield socket


def begin(puppet: Puppet, run: str, **actions: str) -> None:
    """Say that a run has begun, with the plan."""
    steps = dict.fromkeys(("4", "5", "6", "7", "3", "8", "9"), "run") | actions
    puppet.event(run, "run_started", plan=[{"node": node, "action": action} for node, action in steps.items()])


@asynccontextmanager
async def scene(folder: Path, **settings: Any) -> AsyncIterator[Scene]:
    """A server on a folder, with one worker unless the settings say otherwise."""
    theatre = Theatre()
    async with (
        core_with(folder, theatre, **({"workers": 1} | settings)) as core,
        TestClient(TestServer(application(core), host="127.0.0.1")) as client,
    ):
        yield Scene(core, theatre, client)
