"""The process that makes runs for a server: it loads torch and packs, so that the server needs neither.

It is told what to do over stdin and says what happens over stdout, in the frames of `server.wire`. One run at a time.
When its orders end — the server closed, or was killed — it parks what runs and ends, too.
"""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Event as Flag
from typing import Any, BinaryIO, NamedTuple

from graph.cache import MemoryCache
from graph.errors import GraphError, InvalidWorkflow
from graph.events import Event, NodeFinished, NodePreview, RunFinished
from graph.garbage import overlook
from graph.plan import Plan
from graph.states import DiskStates
from graph.tiered_cache import TieredCache
from noisewright.engine import Engine
from server.wire import BrokenStream, Frame, packed, read

log = logging.getLogger(__name__)

PREVIEWS_AHEAD = 20
"""Messages that wait to be written beyond which previews are dropped."""

FLUSH_SECONDS = 20.0
"""How long a finished node waits at most for its result to be on disk before it is said to be finished."""

PARKING_SECONDS = 4.0
"""How long a run may take to come to the end of its step when the server has gone."""


class Said(NamedTuple):
    """A message of its own."""

    header: dict[str, Any]
    body: bytes

    def frame(self) -> bytes:
        """As it travels."""
        return packed(self.header, self.body)


class Happened(NamedTuple):
    """An event of a run."""

    run: str
    event: Event

    @property
    def is_new_result(self) -> bool:
        """Whether a node has computed what the cache is still to write."""
        return isinstance(self.event, NodeFinished) and self.event.reused is None

    @property
    def is_spare(self) -> bool:
        """Whether nobody misses it: a preview, soon followed by the next."""
        return isinstance(self.event, NodePreview) and not self.event.whole

    def frame(self) -> bytes:
        """As it travels."""
        body = self.event.data if isinstance(self.event, NodePreview) else b""
        return packed({"say": "event", "run": self.run, "event": _json(self.event)}, body)


@dataclass(eq=False)
class Job:
    """A run to be made. stop: set when it is to stop; parked: it will be continued. is_watched: previews are drawn."""

    order: Mapping[str, Any]
    document: bytes
    stop: Flag = field(default_factory=Flag)
    parked: bool = False
    is_watched: bool = True


def work(data: Path, orders: BinaryIO, said: BinaryIO) -> int:
    """Be a worker until the orders end. The first of them, `begin`, says which device, folders and options."""
    try:
        first = read(orders)
    except BrokenStream:
        first = None
    if first is None or first.header.get("do") != "begin":
        raise GraphError("A worker is started by the server and takes its orders from it. Use `serve`.")
    return _Work(data, first.header, said).until_told(orders)


def taken_over() -> tuple[BinaryIO, BinaryIO]:
    """stdin and stdout for messages alone: whatever else reads finds nothing, whatever else is printed is a log."""
    orders = os.fdopen(os.dup(0), "rb")
    said = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return orders, said


class _Work:
    """One worker at work. Orders come on the main thread, runs are made on another, messages go out on a third."""

    def __init__(self, data: Path, begin: Mapping[str, Any], said: BinaryIO) -> None:
        self.said = said
        self.begin = begin
        self.outgoing: SimpleQueue[Said | Happened | None] = SimpleQueue()
        self.waiting: SimpleQueue[Job | None] = SimpleQueue()
        self.jobs: dict[str, Job] = {}
        self.engine = Engine(
            data=data,
            models=[Path(folder) for folder in begin.get("models", ())],
            output=begin.get("output"),
            device=begin.get("device", "auto"),
            precision=begin.get("precision", "auto"),
            memory=begin.get("memory", "auto"),
            idle_unload=begin.get("idle_unload"),
            compile=begin.get("compile", False),
            metadata=begin.get("metadata", "full"),
            guard=begin.get("guard", False),
            time_limit=begin.get("time_limit"),
        )
        self.asking = ThreadPoolExecutor(1, thread_name_prefix="questions")
        self.making = threading.Lock()
        self.ended = False

    def until_told(self, orders: BinaryIO) -> int:
        sending = threading.Thread(target=self._send, name="messages", daemon=True)
        sending.start()
        running = threading.Thread(target=self._run_all, name="runs", daemon=True)
        running.start()
        try:
            while not self.ended and (frame := read(orders)) is not None:
                self._obey(frame)
        except (BrokenStream, OSError) as error:
            log.warning("The orders of this worker ended: %s", error)
        except KeyboardInterrupt:
            log.warning("Interrupted.")
        for job in self.jobs.values():
            job.parked = True
            job.stop.set()
        self.waiting.put(None)
        running.join(PARKING_SECONDS)
        if running.is_alive():
            self._keep_states()  # a long step: what is known so far is kept all the same
        else:
            self.engine.close()
        self.outgoing.put(None)
        sending.join(1.0)
        sys.stderr.flush()
        os._exit(0)  # a node may still be at work on its thread; everything is written by now

    def say(self, what: str, body: bytes = b"", **facts: Any) -> None:
        self.outgoing.put(Said({"say": what, **facts}, body))

    def _obey(self, frame: Frame) -> None:
        order = frame.header
        match order.get("do"):
            case "run":
                job = Job(order, frame.body, is_watched=order.get("previews", True))
                self.jobs[order["run"]] = job
                self.waiting.put(job)
            case "stop":
                job = self.jobs.get(order["run"])
                if job is not None:
                    job.parked = job.parked or order.get("park", False)
                    job.stop.set()
            case "watch":
                job = self.jobs.get(order["run"])
                if job is not None:
                    job.is_watched = order["previews"]
            case "plan" | "free":
                self.asking.submit(self._answer, order, frame.body)
            case "end":
                self.ended = True
            case other:
                log.warning("A worker was told to '%s', which it does not know.", other)

    # What it answers

    def _answer(self, order: Mapping[str, Any], body: bytes) -> None:
        number = order.get("id", 0)
        try:
            result = self._plan(order, body) if order["do"] == "plan" else self._free(order)
        except InvalidWorkflow as error:
            problems = [problem.model_dump(mode="json") for problem in error.problems]
            self.say(
                "answer", id=number, error={"code": "invalid_workflow", "message": str(error), "problems": problems}
            )
        except GraphError as error:
            self.say("answer", id=number, error={"code": "cannot_run", "message": str(error)})
        except Exception as error:
            log.exception("A question could not be answered")
            self.say("answer", id=number, error={"code": "worker_error", "message": f"{type(error).__name__}: {error}"})
        else:
            self.say("answer", id=number, result=result)

    def _plan(self, order: Mapping[str, Any], body: bytes) -> dict[str, Any]:
        planned: Plan = self.engine.plan(body, *order.get("wanted", ()))
        steps = [step._asdict() for step in planned.summary()]
        return {
            "steps": steps,
            "unneeded": list(planned.unneeded),
            "wanted": list(planned.wanted),
            "warnings": list(self.engine.foresee(planned)),
        }

    def _free(self, order: Mapping[str, Any]) -> dict[str, Any]:
        if order.get("models"):
            self.engine.weights.release()
        cache = self.engine.cache
        if order.get("results") and isinstance(cache, TieredCache) and isinstance(cache.memory, MemoryCache):
            cache.memory.clear()
        return self._state()

    # What it makes

    def _run_all(self) -> None:
        try:
            self._get_ready()
        except GraphError as error:
            self.say("cannot", reason=str(error))
            return
        except Exception as error:
            log.exception("The worker cannot begin")
            self.say("cannot", reason=f"{type(error).__name__}: {error}")
            return
        threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()
        while (job := self.waiting.get()) is not None:
            run = job.order["run"]
            try:
                with self.making:
                    self._make(run, job)
            except BaseException as error:
                # What comes through here is no failure of a node: those are events.
                log.exception("A run could not be made")
                message = f"{type(error).__name__}: {error}"
                self._over(run, "failed", error={"code": "engine_error", "message": message})
            finally:
                del self.jobs[run]

    def _get_ready(self) -> None:
        """Load what every run needs, so that the first does not wait for it."""
        began = time.perf_counter()
        catalogue = self.engine.catalogue
        self.say("catalogue", catalogue=catalogue.to_json())
        weights = self.engine.weights
        environment = {name: str(value) for name, value in weights.environment.items()}
        cache = self.engine.cache
        if cache is not None:
            cache.get("")  # opens the store
        self.say(
            "ready",
            facts={
                "explain": weights.explain,
                "environment": environment,
                "seconds": round(time.perf_counter() - began, 3),
                **weights.facts(),
            },
        )

    def _warm_up(self) -> None:
        """Import what nearly every run needs, before anybody waits for it."""
        try:
            import diffusion.loading
            import diffusion.network
            import diffusion.text.clip
            import diffusion.vae  # noqa: F401
        except Exception:
            log.exception("What runs need could not be imported")
            return
        with self.making:
            if not self.engine.weights.bytes_held:
                overlook()

    def _make(self, run: str, job: Job) -> None:
        order = job.order
        began = time.perf_counter()
        if job.stop.is_set():
            self._over(run, "parked" if job.parked else "cancelled")
            return
        try:
            events = self.engine.events(
                job.document,
                *order.get("wanted", ()),
                previews=lambda: job.is_watched,
                cancel=job.stop,
                private=order.get("private", False),
                metadata=order.get("metadata") or None,
                client_workflow=order.get("client_workflow"),
                run_id=run,
            )
        except InvalidWorkflow as error:
            problems = [problem.model_dump(mode="json") for problem in error.problems]
            failure = {"code": "invalid_workflow", "message": str(error), "problems": problems}
            self._over(run, "failed", error=failure)
            return
        except GraphError as error:
            self._over(run, "failed", error={"code": "cannot_run", "message": str(error)})
            return
        status = "failed"
        with closing(events):
            for event in events:
                if isinstance(event, RunFinished):
                    status = event.status
                else:
                    self.outgoing.put(Happened(run, event))
        if status == "cancelled" and job.parked:
            status = "parked"
            self._keep_states()  # who hears that it is parked may end this process
        self._over(run, status, seconds=time.perf_counter() - began)

    def _keep_states(self) -> None:
        """Write where long nodes left off, which otherwise is written every few seconds."""
        states = vars(self.engine).get("_states")
        if isinstance(states, DiskStates):
            states.flush()

    def _over(self, run: str, status: str, **facts: Any) -> None:
        self.say("over", run=run, status=status, **facts, **self._state())

    def _state(self) -> dict[str, Any]:
        import psutil

        weights = self.engine.weights
        return {
            "held": list(weights.held_files),
            "loads": weights.loads,
            "weights_bytes": weights.bytes_held,
            **weights.room(),
            "process_bytes": psutil.Process().memory_info().rss,
        }

    # What it says

    def _send(self) -> None:
        """Write messages in order. That a node is finished is said when its result is on disk, for many at once."""
        while True:
            batch = [self.outgoing.get()]
            while not self.outgoing.empty():
                batch.append(self.outgoing.get())
            if any(isinstance(item, Happened) and item.is_new_result for item in batch):
                cache = self.engine.cache
                if isinstance(cache, TieredCache) and not cache.flush(FLUSH_SECONDS):
                    log.warning("Results are slow to be written to disk.")
            try:
                for index, item in enumerate(batch):
                    if item is None:
                        return
                    if isinstance(item, Said) or not item.is_spare or len(batch) - index <= PREVIEWS_AHEAD:
                        self.said.write(item.frame())
                self.said.flush()
            except (OSError, ValueError):
                return  # nobody listens any more


def _json(event: Event) -> dict[str, Any]:
    """An event as JSON, whatever a node shows."""
    data = event.to_json()
    try:
        json.dumps(data)
    except (TypeError, ValueError):
        data = json.loads(json.dumps(data, default=repr))
    return data
