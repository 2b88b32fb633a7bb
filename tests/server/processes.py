"""Servers as processes of their own: started, asked, killed, started again. For tests and for benchmarks."""

import asyncio
import contextlib
import json
import signal
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import aiohttp
import psutil

ROOT = Path(__file__).parents[2]

ENDING_SECONDS = 10.0
"""How long a worker may take to notice that its server is gone; it parks its run within four seconds."""

Victim = Literal["server", "worker", "both"]


class Refused(Exception):
    """An answer that is none of the 200s. body: its JSON."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Served:
    """The server of a data folder, in a process. Use it as a context: at its end nothing it started is left.

    It keeps the port it got at its first start. What it writes to stderr is added to `log`.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.address = ""
        self.log = folder.with_name(f"{folder.name}.log")
        self._options = options
        self._process: asyncio.subprocess.Process | None = None
        self._family: list[psutil.Process] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_up:
            await self.kill("both" if kind else "server")
        await asyncio.to_thread(self._clear)
        if self._session is not None:
            await self._session.close()

    @property
    def is_up(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def process(self) -> psutil.Process:
        """Its process."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    @property
    def session(self) -> aiohttp.ClientSession:
        """What asks it."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30.0))
        return self._session

    def workers(self) -> list[psutil.Process]:
        """Its workers' processes."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return self.process.children()
        return []

    async def start(self, patience: float = 60.0) -> float:
        """Start it. Gives the seconds until it answered a request."""
        port = self.address.rpartition(":")[2] or "0"
        words = [sys.executable, str(ROOT / "main.py"), "serve", "--data", str(self.folder), "--port", port]
        began = time.perf_counter()
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *words, *self._options, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), patience)
        if not line:
            raise RuntimeError(f"It ended with {await self._process.wait()}:\n{self.log.read_text()[-4000:]}")
        self.address = line.decode().strip()
        await self.ask("/v1/health")
        return time.perf_counter() - began

    async def ready(self, count: int = 1, patience: float = 60.0) -> float:
        """Wait until so many workers can take runs. Gives the seconds waited."""
        began = time.perf_counter()
        while sum(worker["state"] in ("idle", "busy") for worker in (await self.ask("/v1/system"))["workers"]) < count:
            if time.perf_counter() - began > patience:
                raise TimeoutError(f"No worker is ready:\n{self.log.read_text()[-4000:]}")
            await asyncio.sleep(0.02)
        return time.perf_counter() - began

    async def ask(self, path: str, body: Any = None, method: str = "", **headers: str) -> Any:
        """The JSON of an answer. method: POST where there is a body, else GET. Raises Refused."""
        method = method or ("GET" if body is None else "POST")
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, self.address + path, json=body, headers=names) as answer:
            text = await answer.text()
            found = json.loads(text) if text else None
            if answer.status >= 300:
                raise Refused(answer.status, found)
            return found

    async def kill(self, victim: Victim = "server") -> None:
        """End it, its workers, or both, without a word (SIGKILL)."""
        workers = self.workers()
        self._family += workers
        if victim != "worker" and self._process is not None and self._process.returncode is None:
            self._process.kill()
        if victim != "server":
            for worker in workers:
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.kill()
        if victim != "worker":
            await self._gone()

    async def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Ask it to end. Gives its exit code and the seconds it took."""
        assert self._process is not None
        self._family += self.workers()
        began = time.perf_counter()
        self._process.send_signal(how)
        return await self._gone(), time.perf_counter() - began

    async def _gone(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        code = await self._process.wait()
        await self._process.stdout.read()  # so that its pipe is closed
        return code

    def _clear(self) -> None:
        """Wait until its workers are gone; end those that do not go."""
        _, alive = psutil.wait_procs(self._family, ENDING_SECONDS)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, ENDING_SECONDS)
        if alive:
            raise AssertionError(f"{len(alive)} workers did not notice that their server was gone.")
