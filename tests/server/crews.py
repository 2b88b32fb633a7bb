"""A server core without its socket, whose workers do what a test tells them."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import nodes
from diffusion.names import MODEL_FOLDERS, WEIGHT_SUFFIXES
from graph.catalogue import Catalogue
from noisewright.home import find_home
from server.api import Caller
from server.assembly import opened
from server.places import Places
from server.prompt import PromptLength
from server.run import Run, SubmitRun
from server.settings import Settings

ME = Caller()


def places_in(folder: Path) -> Places:
    """A home in a folder, with the bundled models and templates."""
    home = find_home(folder)
    return Places(
        data=folder,
        models=(home.models, home.bundled / "models"),
        own_models=home.models,
        input=home.input,
        output=home.output,
        temp=home.temp,
        templates=home.templates,
        cache=home.cache,
        logs=home.logs,
        packs=(home.packs, home.custom_nodes),
        model_folders=MODEL_FOLDERS,
        suffixes=WEIGHT_SUFFIXES,
    )


@cache
def catalogue_json() -> str:
    return json.dumps(Catalogue.of(nodes.MODULES).to_json())


def document(title: str = "", model: str = "sprout.safetensors") -> dict[str, Any]:
    """A small workflow that loads a checkpoint and encodes a text."""
    return {
        "format": "noisewright/workflow",
        "version": 1,
        "title": title,
        "nodes": {
            "ckpt": {"type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": model}},
            "size": {"type": "EmptyLatentImage", "inputs": {}},
            "text": {"type": "CLIPTextEncode", "inputs": {"text": "apple", "clip": {"link": ["ckpt", "CLIP"]}}},
            "sample": {
                "type": "KSampler",
                "inputs": {
                    "seed": 2**63,
                    "sampler_name": "euler",
                    "scheduler": "normal",
                    "model": {"link": ["ckpt", "MODEL"]},
                    "positive": {"link": ["text", "CONDITIONING"]},
                    "negative": {"link": ["text", "CONDITIONING"]},
                    "latent_image": {"link": ["size", "LATENT"]},
                },
            },
            "decode": {
                "type": "VAEDecode",
                "inputs": {"samples": {"link": ["sample", "LATENT"]}, "vae": {"link": ["ckpt", "VAE"]}},
            },
            "save": {"type": "SaveImage", "inputs": {"images": {"link": ["decode", "IMAGE"]}}},
        },
    }


def measured(text: str) -> PromptLength:
    """Counts words."""
    count = len(text.split())
    return PromptLength(tokens=count, chunks=1 + count // 75, uncounted=[])


class Puppet:
    """A worker whose strings a test pulls."""

    def __init__(self, name: str, device: str) -> None:
        self.name, self.device, self.pid = name, device, 1
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.listener: Any = None
        self.ended = False

    async def start(self, listener: Any) -> None:
        self.listener = listener
        listener({"say": "ready", "facts": {"device": self.device}}, b"")

    def tell(self, what: str, body: bytes = b"", **facts: Any) -> None:
        self.told.append((what, facts | {"body": body}))

    async def ask(self, what: str, body: bytes = b"", **facts: Any) -> Any:
        return {"held": []}

    async def end(self, patience: float) -> None:
        """As a process does: what runs is parked, then it is gone."""
        self.ended = True
        if (run := self.run) is not None:
            self.over(run, "parked")
        self.die("It ended.")

    def kill(self, why: str) -> None:
        self.die(why)

    @property
    def run(self) -> str | None:
        """The run it was told to make last and that is not over."""
        made = [facts["run"] for what, facts in self.told if what == "run"]
        return made[-1] if made and made[-1] not in self.done else None

    done: set[str]

    def stops(self, run: str) -> list[bool]:
        """For each time it was told to stop a run: whether to park it."""
        return [facts["park"] for what, facts in self.told if what == "stop" and facts["run"] == run]

    def event(self, run: str, event: str, **facts: Any) -> None:
        self.listener({"say": "event", "run": run, "event": {"event": event, **facts}}, b"")

    def over(self, run: str, status: str, **facts: Any) -> None:
        self.done.add(run)
        self.listener({"say": "over", "run": run, "status": status, "seconds": 1.0, "held": [], **facts}, b"")

    def die(self, reason: str = "It was killed.") -> None:
        if self.listener is not None:  # it may be told to end before it has begun
            self.listener({"say": "gone", "reason": reason}, b"")


class Theatre:
    """The puppets there were, in the order they came."""

    def __init__(self) -> None:
        self.cast: list[Puppet] = []

    def hire(self, name: str, device: str) -> Puppet:
        puppet = Puppet(name, device)
        puppet.done = set()
        self.cast.append(puppet)
        return puppet

    @property
    def last(self) -> Puppet:
        return self.cast[-1]


@asynccontextmanager
async def core_with(folder: Path, theatre: Theatre, **settings: Any):
    """A core on a folder, its puppets ready."""
    async with opened(Settings(**settings), places_in(folder), "0", theatre.hire, measured) as core:
        core.catalogue.bring(json.loads(catalogue_json()))
        yield core


async def submitted(core: Any, title: str = "", **facts: Any) -> Run:
    return await core.runs.submit(SubmitRun(workflow=document(title), **facts), ME)


async def until(test: Any, seconds: float = 10.0) -> Any:
    """What `test` gives as soon as it gives something."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not (found := test()):
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError("It did not come to pass.")
        await asyncio.sleep(0.002)
    return found


async def story(core: Any, run: str) -> list[Mapping[str, Any]]:
    """The events of a run that are kept."""
    await core.hub.flushed()
    return [json.loads(text) for text in await core.records.events(run, -1, 10_000)]
