"""The whole server as `serve` builds it, on a loopback port, in a thread; its workers are actors who load nothing."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from PIL import Image

from server.connection import Runner
from server.core import Core
from server.serving import application
from tests.server.crews import Puppet, core_with, document

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds after which something that should have been done is taken for stuck."""


class Actor(Puppet):
    """A puppet that plays by itself: a run is over at once and has one picture, unless its title says "wait"."""

    folder: Path

    def tell(self, what: str, body: bytes = b"", **facts: Any) -> None:
        super().tell(what, body, **facts)
        loop = asyncio.get_running_loop()
        if what == "run" and b'"wait' not in body:
            loop.call_soon(self._play, facts["run"])
        elif what == "stop":
            loop.call_soon(self._stop, facts["run"], facts["park"])

    async def ask(self, what: str, body: bytes = b"", **facts: Any) -> Any:
        if what == "plan":
            step = {"node": "save", "action": "compute", "why": "it is new", "seconds": None, "type": "SaveImage"}
            return {"steps": [step], "unneeded": [], "wanted": ["save"], "warnings": []}
        return await super().ask(what, body, **facts)

    def _play(self, run: str) -> None:
        if self.run != run:
            return
        picture = self.folder / "output" / f"{run}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(picture)
        step = {"node": "save", "action": "compute", "why": "", "seconds": None, "type": "SaveImage"}
        self.event(run, "run_started", plan=[step], unneeded=[], wanted=["save"])
        self.event(run, "node_started", node="save")
        self.event(run, "node_progress", node="save", done=1, total=2)
        outputs = {"files": [str(picture)], "kind": "output"}
        self.event(run, "node_finished", node="save", reused=None, seconds=0.1, outputs=outputs)
        self.over(run, "done")

    def _stop(self, run: str, park: bool) -> None:
        if self.run == run:
            self.over(run, "parked" if park else "cancelled")


@dataclass
class Company:
    """Who hires actors. cast: those there were."""

    folder: Path
    cast: list[Actor] = field(default_factory=list)

    def hire(self, name: str, device: str) -> Actor:
        actor = Actor(name, device)
        actor.done, actor.folder = set(), self.folder
        self.cast.append(actor)
        return actor


@dataclass(frozen=True)
class Assembled:
    """A server that answers. folder: its home. company: its workers."""

    core: Core
    folder: Path
    address: str
    company: Company
    loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the loop of the server."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)


@contextmanager
def assembled(folder: Path, **settings: Any) -> Iterator[Assembled]:
    """The server, with these settings, in a home of its own."""
    company = Company(folder)
    started: list[Assembled | BaseException] = []
    is_up, is_over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        try:
            async with core_with(folder, company, **settings) as core:  # type: ignore[arg-type]
                runner = Runner(application(core), shutdown_timeout=0.5)
                await runner.setup()
                try:
                    await web.TCPSite(runner, "127.0.0.1", 0).start()
                    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
                    started.append(Assembled(core, folder, address, company, asyncio.get_running_loop()))
                    is_up.set()
                    await is_over.wait()
                finally:
                    await runner.cleanup()
        except BaseException as error:
            started.append(error)
            raise
        finally:
            is_up.set()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="assembled")
    thread.start()
    assert is_up.wait(PATIENCE)
    server = started[0]
    if isinstance(server, BaseException):
        thread.join()
        raise server
    try:
        yield server
    finally:
        server.loop.call_soon_threadsafe(is_over.set)
        thread.join(PATIENCE)


__all__ = ["Actor", "Assembled", "Company", "assembled", "document"]
