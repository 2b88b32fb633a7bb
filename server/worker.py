"""A worker: what makes runs, in a process of its own or on another machine. The server knows no more of it than this.

A worker makes one run at a time. What it says comes through one listener, in order:

    ready {facts}                       it can take runs; facts: device, memory, versions
    cannot {reason}                     it never will: there is no such device
    catalogue {catalogue}               the node types it knows
    event {run, event} + bytes          something happened in a run; the bytes of a preview
    over {run, status, held, …}         a run is over: done, failed, cancelled; or parked, to be continued
    answer {id, result | error}         to a question
    log {level, text}                   a line of its log
    gone {reason}                       it has ended; nothing comes after this
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, Protocol

from server.wire import BrokenStream, Frame, packed, receive

Listener = Callable[[Mapping[str, Any], bytes], None]

LINE_BYTES = 8_192
"""Of a line of a worker's log, what is kept."""


class Worker(Protocol):
    """One worker. All methods are called on the event loop. `tell` of one that has ended does nothing."""

    name: str
    device: str

    @property
    def pid(self) -> int | None:
        """Of its process, where it has one on this machine."""
        ...

    async def start(self, listener: Listener) -> None:
        """Begin. The listener hears `ready` or `cannot` when it knows, and `gone` at the end."""
        ...

    def tell(self, what: str, body: bytes = b"", **facts: Any) -> None:
        """Give an order: `run` (body: the workflow), `stop`, `watch` (whether previews are drawn from here on)."""
        ...

    async def ask(self, what: str, body: bytes = b"", **facts: Any) -> Any:
        """Ask a question: `plan`, `free`. Raises WorkerError with a sentence."""
        ...

    async def end(self, patience: float) -> None:
        """Park what runs and end, by force when the patience, in seconds, is at its end."""
        ...

    def kill(self, why: str) -> None:
        """End it by force. why: completes "It was ended because …"."""
        ...


class WorkerError(Exception):
    """A worker could not answer. code: in snake case. problems: of a workflow, as JSON."""

    def __init__(self, message: str, code: str = "worker_error", problems: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.problems = list(problems)


class LocalWorker:
    """A worker in a child process. command: what starts it; begin: what it is told first (device, folders, …)."""

    def __init__(
        self,
        name: str,
        device: str,
        command: Sequence[str],
        begin: Mapping[str, Any],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.device = device
        self._command = list(command)
        self._begin = dict(begin)
        self._environment = {**os.environ, **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._questions: dict[int, asyncio.Future[Any]] = {}
        self._numbers = count(1)
        self._why = ""

    @property
    def pid(self) -> int | None:
        """Of its process."""
        return self._process.pid if self._process is not None else None

    async def start(self, listener: Listener) -> None:
        """Start the process; see `Worker.start`. Raises WorkerError where none can be started."""
        options: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {"creationflags": 0x200}
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment,
                limit=2**20,
                **options,  # Ctrl-C in the terminal is for the server, which tells its workers
            )
        except OSError as error:
            raise WorkerError(f"No process can be started with '{self._command[0]}': {error}.") from error
        self.tell("begin", **self._begin)
        self._reading = asyncio.create_task(self._read(self._process, listener), name=f"worker {self.name}")

    def tell(self, what: str, body: bytes = b"", **facts: Any) -> None:
        """Give an order."""
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            with contextlib.suppress(OSError, RuntimeError):  # it is gone: the listener hears of it
                process.stdin.write(packed({"do": what, **facts}, body))

    async def ask(self, what: str, body: bytes = b"", **facts: Any) -> Any:
        """Ask a question and wait for the answer."""
        if self._process is None or self._process.returncode is not None:
            raise WorkerError(f"The worker '{self.name}' is not there.")
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._questions[number] = answer
        try:
            self.tell(what, body, id=number, **facts)
            return await answer
        finally:
            del self._questions[number]

    async def end(self, patience: float) -> None:
        """Park what runs and end; by force when the patience is at its end."""
        process, reading = self._process, self._reading
        if process is None or reading is None:
            return
        self.tell("end")
        if process.stdin is not None:
            with contextlib.suppress(OSError, RuntimeError):
                process.stdin.write_eof()
        await asyncio.wait([reading], timeout=patience)
        if not reading.done():
            self.kill("it did not end in time")
            await asyncio.wait([reading], timeout=5.0)

    def kill(self, why: str) -> None:
        """End it by force. why: completes "It was ended because …"."""
        if self._process is not None and self._process.returncode is None:
            self._why = f"It was ended because {why}."
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _read(self, process: asyncio.subprocess.Process, listener: Listener) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        logging = asyncio.create_task(_lines(process.stderr, listener))
        try:
            while (frame := await receive(process.stdout)) is not None:
                self._heard(frame, listener)
        except BrokenStream as error:
            self.kill(f"it wrote what is no message: {error}")
        code = await process.wait()
        await asyncio.wait([logging], timeout=1.0)  # a grandchild may hold the pipe open
        logging.cancel()
        reason = self._why or _ending(code)
        for answer in self._questions.values():
            if not answer.done():
                answer.set_exception(WorkerError(f"The worker '{self.name}' ended before it answered. {reason}"))
        listener({"say": "gone", "code": code, "reason": reason}, b"")

    def _heard(self, frame: Frame, listener: Listener) -> None:
        said = frame.header
        if said.get("say") != "answer":
            listener(said, frame.body)
            return
        answer = self._questions.get(said.get("id", 0))
        if answer is not None and not answer.done():
            if "error" in said:
                error = said["error"]
                answer.set_exception(
                    WorkerError(error["message"], error.get("code", "worker_error"), error.get("problems", ()))
                )
            else:
                answer.set_result(said.get("result"))


async def _lines(stream: asyncio.StreamReader, listener: Listener) -> None:
    """What a worker writes to stderr, line by line."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # longer than the stream's limit
            line = await stream.read(LINE_BYTES)
        if not line:
            return
        text = line[:LINE_BYTES].decode(errors="replace").rstrip()
        if text:
            listener({"say": "log", "text": text}, b"")


def _ending(code: int) -> str:
    """Why a process ended, in a sentence."""
    if code == 0:
        return "It ended."
    if code == -9 or (sys.platform == "win32" and code == 1):
        return "It was killed, which is what a system that runs out of memory does."
    if code < 0:
        import signal

        try:
            return f"It was ended by {signal.Signals(-code).name}, a crash in native code if nobody sent it."
        except ValueError:
            return f"It was ended by signal {-code}."
    return f"It ended with code {code}."
