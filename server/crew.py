"""The workers: one for each device. Those that end are started again; a device that fails twice in a row is set aside.

The crew knows who is idle and what they hold. Which run goes to whom is `server.runs`' to decide.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from graph.spec import Frozen
from server.worker import Worker, WorkerError

log = logging.getLogger(__name__)

AGAIN_SECONDS = 0.2
"""After a worker ended, how long until the next takes its place."""

ASIDE_SECONDS, ASIDE_LONGEST = 60.0, 3600.0
"""How long a device is set aside before it is tried again; twice as long each time."""

FAILURES = 2
"""So often in a row a worker may end before its device is set aside."""

PostState = Literal["starting", "idle", "busy", "aside", "stopped"]


class WorkerInfo(Frozen):
    """A worker, as clients see it. aside: its device failed; it is tried again. held: names of files whose weights are
    in memory.
    """

    name: str
    device: str
    state: PostState
    run: str
    pid: int | None
    held: tuple[str, ...]
    facts: dict[str, Any]
    restarts: int
    failures: int
    problem: str


@dataclass(eq=False)
class Post:
    """The place of one worker. worker: the one that stands there now. is_leaving: it was told to make room for a new
    one.
    """

    name: str
    device: str
    worker: Worker | None = None
    state: PostState = "stopped"
    run: str = ""
    held: frozenset[str] = frozenset()
    facts: dict[str, Any] = field(default_factory=dict)
    restarts: int = -1
    failures: int = 0
    asides: int = 0
    problem: str = ""
    again: asyncio.TimerHandle | None = None
    is_leaving: bool = False


class Listening(Protocol):
    """Who is told what workers say."""

    def started(self, post: Post) -> None:
        """A worker's process is being started."""

    def ready(self, post: Post) -> None:
        """A worker can take runs."""

    def event(self, post: Post, run: str, event: Mapping[str, Any], body: bytes) -> None:
        """Something happened in a run."""

    def over(self, post: Post, run: str, said: Mapping[str, Any]) -> None:
        """A run is over, or parked."""

    def died(self, post: Post, run: str, reason: str) -> None:
        """A worker ended; it had that run, or none (""). reason: "" where it was told to."""

    def catalogue(self, post: Post, data: Mapping[str, Any]) -> None:
        """A worker brings the node types it knows."""

    def changed(self) -> None:
        """The state of a worker changed."""


class Crew:
    """hire: makes a worker for a name and a device. devices: one for each worker."""

    def __init__(self, hire: Callable[[str, str], Worker], devices: Sequence[str]) -> None:
        self._hire = hire
        self.posts = tuple(Post(f"worker-{number}", device) for number, device in enumerate(devices))
        self._listening: Listening | None = None
        self._ending = False
        self._starting: set[asyncio.Task[None]] = set()

    def begin(self, listening: Listening) -> None:
        """Start all workers."""
        self._listening = listening
        for post in self.posts:
            self._start(post)

    @property
    def workers(self) -> tuple[WorkerInfo, ...]:
        """All of them, as clients see them."""
        return tuple(
            WorkerInfo(
                name=post.name,
                device=post.device,
                state=post.state,
                run=post.run,
                pid=post.worker.pid if post.worker is not None else None,
                held=tuple(sorted(path.replace("\\", "/").rpartition("/")[2] for path in post.held)),
                facts=post.facts,
                restarts=max(post.restarts, 0),
                failures=post.failures,
                problem=post.problem,
            )
            for post in self.posts
        )

    def idle(self) -> list[Post]:
        """Those that can take a run now."""
        return [post for post in self.posts if post.state == "idle"]

    def busy(self) -> Iterator[Post]:
        """Those that make a run."""
        return (post for post in self.posts if post.state == "busy")

    def with_run(self, run: str) -> Post | None:
        """Who makes that run."""
        return next((post for post in self.posts if post.run == run and run), None)

    def named(self, name: str) -> Post | None:
        """The post of that name."""
        return next((post for post in self.posts if post.name == name), None)

    def anyone(self) -> Post | None:
        """One that can be asked a question: an idle one if there is one."""
        up = [post for post in self.posts if post.state in ("idle", "busy", "starting")]
        return min(up, key=lambda post: ("idle", "busy", "starting").index(post.state), default=None)

    def give(self, post: Post, run: str) -> None:
        """Note that a worker makes a run from now on."""
        post.state, post.run = "busy", run

    def excuse(self, post: Post) -> None:
        """A worker did its work, or what it died of was the run's fault: its device counts as sound."""
        post.failures = post.asides = 0
        post.problem = ""

    def again(self, post: Post) -> None:
        """Try a device now that is to be tried later."""
        if post.again is not None:
            post.again.cancel()
            self._start(post)

    async def renew(self, post: Post, patience: float) -> None:
        """Let a new worker take the place of this one, whose run is parked: it reads node types and packs anew."""
        if post.again is not None:
            self.again(post)
        elif post.worker is not None and not post.is_leaving:
            post.is_leaving = True
            await post.worker.end(patience)

    async def end(self, patience: float) -> None:
        """Let all park what they do and end; by force when the patience, in seconds, is at its end."""
        self._ending = True
        for post in self.posts:
            if post.again is not None:
                post.again.cancel()
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*(post.worker.end(patience) for post in self.posts if post.worker is not None))
        for post in self.posts:
            post.state = "stopped"

    def _start(self, post: Post) -> None:
        post.again = None
        if self._ending:
            return
        post.state, post.restarts, post.held = "starting", post.restarts + 1, frozenset()
        post.worker = self._hire(post.name, post.device)
        task = asyncio.create_task(self._started(post, post.worker))
        self._starting.add(task)
        if self._listening is not None:
            self._listening.started(post)
        task.add_done_callback(self._starting.discard)
        self._changed()

    async def _started(self, post: Post, worker: Worker) -> None:
        try:
            await worker.start(lambda said, body: self._heard(post, worker, said, body))
        except WorkerError as error:
            self._heard(post, worker, {"say": "gone", "reason": str(error)}, b"")

    def _heard(self, post: Post, worker: Worker, said: Mapping[str, Any], body: bytes) -> None:
        listening = self._listening
        if post.worker is not worker or listening is None:
            return
        match said.get("say"):
            case "event":
                if said["run"] == post.run:
                    listening.event(post, said["run"], said["event"], body)
            case "log":
                log.warning("%s: %s", post.name, said["text"])
            case "over":
                self._over(post, said, listening)
            case "catalogue":
                listening.catalogue(post, said["catalogue"])
            case "ready":
                post.state, post.facts = "idle", dict(said["facts"])
                listening.ready(post)
                self._changed()
            case "cannot":
                post.problem = said["reason"]
                post.failures = FAILURES
                log.warning("%s cannot work on '%s': %s", post.name, post.device, post.problem)
                worker.kill("it cannot work there")
            case "gone":
                self._gone(post, str(said["reason"]), listening)
            case other:
                log.warning("%s says '%s', which nobody understands.", post.name, other)

    def _over(self, post: Post, said: Mapping[str, Any], listening: Listening) -> None:
        run, post.run = post.run, ""
        post.held = frozenset(said.get("held", ()))
        told = ("loads", "weights_bytes", "memory", "free", "process_bytes")
        post.facts |= {name: said[name] for name in told if name in said}
        if not self._ending and not post.is_leaving:
            post.state = "idle"
        if said["status"] in ("done", "failed"):
            self.excuse(post)
        if run == said["run"]:
            listening.over(post, run, said)
        self._changed()

    def _gone(self, post: Post, reason: str, listening: Listening) -> None:
        run, post.run = post.run, ""
        post.worker, post.held = None, frozenset()
        if self._ending:
            post.state = "stopped"
            if run:
                listening.died(post, run, reason)
            return
        if post.is_leaving:
            post.is_leaving = False
            if run:
                listening.died(post, run, "")
            self._start(post)
            return
        log.warning("%s ended. %s", post.name, reason)
        post.failures += 1
        post.problem = post.problem or reason
        listening.died(post, run, reason)  # which may excuse it
        loop = asyncio.get_running_loop()
        if post.failures >= FAILURES:
            post.state = "aside"
            pause = min(ASIDE_SECONDS * 2**post.asides, ASIDE_LONGEST)
            post.asides += 1
            log.error("The device '%s' of %s is set aside for %.0f s: %s", post.device, post.name, pause, post.problem)
        else:
            post.state, pause = "starting", AGAIN_SECONDS
        post.again = loop.call_later(pause, self._start, post)
        self._changed()

    def _changed(self) -> None:
        if self._listening is not None:
            self._listening.changed()


def devices_of(devices: Sequence[str], workers: int | None) -> list[str]:
    """The device of each worker: one worker a device, or as many as asked, in turn."""
    count = len(devices) if workers is None else workers
    return [devices[number % len(devices)] for number in range(count)]
