"""Running a plan: a generator of events. Closing it cancels.

Nodes run on lanes, those of independent branches side by side; what they say comes through one queue. Whatever happens
— the end, a failure, closing, Ctrl-C — the generators of nodes are closed on the threads that began them, so that their
`with` blocks give back what was lent, and no result is held any longer.
"""

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Literal

from graph.around import Around, LiveGraph, around_of
from graph.attempt import Attempts
from graph.cache import Cache
from graph.call import origin_of
from graph.calling import Calling, Context
from graph.codec import Codecs
from graph.errors import NodeFailed
from graph.events import Event, NodeFinished, NodeMessage, RunFinished, RunStarted
from graph.events import NodeFailed as NodeFailedEvent
from graph.lanes import Lanes
from graph.ledger import Ledger
from graph.plan import Plan
from graph.planting import Planting
from graph.recollection import Recollection
from graph.record import Record
from graph.schedule import Schedule, State, Task
from graph.states import States
from graph.work import Work

log = logging.getLogger(__name__)

Status = Literal["done", "failed", "cancelled"]

Said = tuple[type[Event], float, tuple[Any, ...]]
"""An event without its number: kind, time, facts."""

NOBODY: Said = (Event, 0.0, ())
"""Stands in the queue for "look up"."""

LANES = ("device", "cpu", "io")
SLICE_SECONDS = 0.05
"""How long a run keeps a thread before another run that shares it may have a turn."""

WATCH_SECONDS = 0.002
QUICK = 4
"""A thread joins a lane when the others take fewer tasks than this in so many seconds."""

LOOK_SECONDS = 0.05
"""How often a run that waits for its nodes looks whether it is to stop."""

PREVIEWS_AHEAD = 50
"""Events nobody has taken yet beyond which no more previews are drawn."""


def run(
    plan: Plan,
    *,
    services: Mapping[str, Any],
    cache: Cache | None = None,
    codecs: Codecs | None = None,
    lanes: Lanes | None = None,
    context: Context = nullcontext,
    states: States | None = None,
    previews: bool | Callable[[], bool] = False,
    guard: bool = False,
    cancel: threading.Event | None = None,
    patience: float = 30.0,
    time_limit: float | None = None,
    describe: Callable[[object], str] = lambda value: type(value).__name__,
    run_id: str | None = None,
) -> Generator[Event, None, None]:
    """Execute a plan, saying what happens as it happens. Close the generator to cancel.

    services: what is lent to nodes by name, as for the plan; one with a `lease()` is lent inside it, for one node.
    cache: where results are found and kept. codecs: tell contents apart, for calls over many values and for `guard`.
    lanes: the threads of this process; None: some for this run alone. context: made and entered around every call into
    a node (`torch.inference_mode`), except for nodes that ask for gradients. states: where long nodes left off.
    previews: whether they are drawn; what can be called is asked each time. guard: whether a node that changes its
    inputs fails (needs `codecs`). cancel: once set, the run stops at the next step and `run_finished` says so.
    patience: for how many seconds it then waits for nodes that do not look up; their threads are given up. time_limit:
    of one node, in seconds; it fails and its thread is given up. describe: a value in one line, for the log. run_id:
    made up if not given.
    A node that fails is an event, and so is each node that needed it; the rest goes on.
    """
    if guard and codecs is None:
        raise ValueError("guard=True needs codecs=…, which tell whether a value was changed.")
    used = Lanes() if lanes is None else lanes
    try:
        options = _Options(services, cache, codecs, context, states, previews, guard, cancel, patience, time_limit)
        yield from _Run(plan, options, used, describe, run_id or uuid.uuid4().hex).events()
    finally:
        if lanes is None:
            used.close()


def results(events: Iterable[Event]) -> dict[str, NodeFinished]:
    """Let a run go to its end and give what its nodes said last. Raises errors.NodeFailed for the first that failed."""
    finished: dict[str, NodeFinished] = {}
    failed: NodeFailed | None = None
    for event in events:
        if isinstance(event, NodeFinished):
            finished[event.node] = event
        elif isinstance(event, NodeFailedEvent) and failed is None:
            failed = NodeFailed(event.message, node=event.node, type_id="", code=event.code, hint=event.hint)
    if failed is not None:
        raise failed
    return finished


@dataclass(frozen=True)
class _Options:
    """What `run` was called with."""

    services: Mapping[str, Any]
    cache: Cache | None
    codecs: Codecs | None
    context: Context
    states: States | None
    previews: bool | Callable[[], bool]
    guard: bool
    cancel: threading.Event | None
    patience: float
    time_limit: float | None

    def draws(self) -> bool:
        """Whether a preview is to be drawn now."""
        return self.previews() if callable(self.previews) else self.previews


class _Run:
    """One execution: its lanes' threads on one side, whoever takes its events on the other."""

    def __init__(
        self, plan: Plan, options: _Options, lanes: Lanes, describe: Callable[[object], str], run_id: str
    ) -> None:
        self.plan = plan
        self.options = options
        self.lanes = lanes
        self.id = run_id
        self.queue: SimpleQueue[Said | None] = SimpleQueue()
        self.active: dict[str, int] = dict.fromkeys(LANES, 0)
        self.taken: dict[str, int] = dict.fromkeys(LANES, 0)
        self.watching: set[str] = set()
        self.running: dict[threading.Thread, tuple[Task, str, float]] = {}  # what a thread is at, in which lane, since
        self.crash: BaseException | None = None
        self.idle = threading.Event()
        self.recollection = Recollection(options.cache, plan.asked, options.services.get("output"))
        self.schedule = Schedule(self.recollection.find, LANES)
        self.ledger = Ledger(self.schedule, lanes, plan.wanted, self.say, self._go_on)
        self.planting = Planting(plan, self.ledger, self._digest, self.say)
        calling = Calling(
            options.services,
            options.context,
            self.say,
            self.stopping,
            self._digest if options.guard else None,
            lambda work: Record(plan, work.node, self.planting.works, self.planting.grown),
            self._around,
            options.states,
            lambda: self.queue.qsize() < PREVIEWS_AHEAD and options.draws(),
            lambda work: any(task.work is work for task in list(self.ledger.lost)),
        )
        self.attempts = Attempts(
            self.ledger,
            self.recollection,
            self.planting,
            calling,
            lanes,
            self._digest,
            self.say,
            describe,
            self._crashed,
        )

    def events(self) -> Generator[Event, None, None]:
        """What happens, as it happens."""
        began = time.perf_counter()
        numbers = count()
        self._recall()
        yield RunStarted(self.id, next(numbers), time.time(), self.plan.summary())
        try:
            self._begin()
            for kind, moment, facts in self._told():
                yield kind(self.id, next(numbers), moment, *facts)
        finally:
            self._end()
        if self.crash is not None:
            raise self.crash
        status: Status = "cancelled" if self.ledger.halted else "failed" if self.ledger.failed else "done"
        yield RunFinished(self.id, next(numbers), time.time(), status, time.perf_counter() - began)

    def say(self, kind: type[Event], *facts: Any) -> None:
        """Tell an event. It gets its number when it is taken."""
        self.queue.put((kind, time.time(), facts))

    def stopping(self) -> bool:
        """Whether nodes are to stop at their next step."""
        return self.ledger.halted or (self.options.cancel is not None and self.options.cancel.is_set())

    def _told(self) -> Iterator[Said]:
        """Events until nothing runs any more, looking up now and then."""
        looks = self.options.cancel is not None or self.options.time_limit is not None or os.name == "nt"
        deadline: float | None = None
        while True:
            try:
                item = self.queue.get(timeout=LOOK_SECONDS if looks else None)
            except Empty:
                item = NOBODY
            if item is None:
                return
            if item is not NOBODY:
                yield item
            del item  # it may hold values that somebody wanted
            if self.stopping() and deadline is None:
                looks, deadline = True, time.monotonic() + self.options.patience
                self._halt()
            elif deadline is not None and time.monotonic() > deadline:
                self._abandon("It did not stop when the run was cancelled")
            elif self.options.time_limit is not None:
                self._abandon_late(self.options.time_limit)

    # Beginning and ending

    def _recall(self) -> None:
        """Take hold of what the cache has. Where something has left it since the plan was made, plan anew."""
        entries = self.recollection.hold(self.plan.works.values())
        there = entries.keys() | {step.work.key for step in self.plan.steps if step.action != "reuse"}
        if any(step.action == "reuse" and step.work.key not in there for step in self.plan.steps):
            self.plan = self.plan.anew(entries.get)

    def _begin(self) -> None:
        with self.ledger.lock:
            tasks = self.schedule.tasks
            for rank, work in enumerate(self.plan.works.values()):
                self.schedule.add(work, [tasks[key] for _, _, key, _ in work.links], rank)
            self.schedule.begin([tasks[self.plan.works[node].key] for node in self.plan.wanted])
            self.recollection.let_go()
            self.ledger.settle()

    def _halt(self) -> None:
        """Begin nothing more, and end what waits outside the lanes."""
        with self.ledger.lock:
            self.ledger.halted = True
            outside = dict(self.ledger.outside)
        for task, end in outside.items():
            if end():
                self.ledger.come_back(task)
        with self.ledger.lock:
            self._look_idle()

    def _end(self) -> None:
        """Wait until no lane is at work for this run any more, and let go of everything."""
        if not self.idle.is_set():
            self._halt()
            if not self.idle.wait(self.options.patience):
                self._abandon("It did not stop when the run was closed")
        self.ledger.close()

    def _abandon_late(self, limit: float) -> None:
        since = time.perf_counter() - limit
        with self.ledger.lock:
            late = [thread for thread, (_, _, began) in self.running.items() if began < since]
            waiting = self.ledger.late(since)
            if late or waiting:
                self._give_up(f"It did not return within {limit:g} s", late, waiting)

    def _abandon(self, why: str) -> None:
        """Give up all nodes that are still at work."""
        with self.ledger.lock:
            self._give_up(why, list(self.running), list(self.ledger.outside))

    def _give_up(self, why: str, threads: Iterable[threading.Thread], waiting: Iterable[Task]) -> None:
        """With the lock held: fail nodes that do not come back. waiting: those outside the lanes."""
        message = f"{why}. Its thread is given up; what it holds is not free until it returns."
        ledger, given_up = self.ledger, dict.fromkeys(waiting)
        for task in given_up:
            ledger.outside.pop(task)()
        for thread in threads:
            if self.running[thread][0].state is not State.RUNNING:
                continue  # it is just coming back
            task, lane, _ = self.running.pop(thread)
            self.lanes[lane].abandon(thread)
            self.active[lane] -= 1
            given_up[task] = None
        for task in given_up:
            ledger.lost.add(task)
            log.error("Node '%s' (%s): %s", task.node, task.work.kind.spec.type, message)
            ledger.failing(task, "does_not_return", message, origin_of(task.work))
        ledger.settle()

    def _crashed(self, error: BaseException) -> None:
        """Something that is no failure of a node: the run stops, and it is raised where events are taken."""
        with self.ledger.lock:
            self.crash, self.ledger.halted = error, True
        self.queue.put(NOBODY)

    def _look_idle(self) -> None:
        """With the lock held: say so when nothing runs and nothing will."""
        ledger = self.ledger
        if self.idle.is_set() or any(self.active.values()):
            return
        if self.stopping():
            if ledger.outside:
                return
            ledger.halted = True
        elif any(self.schedule.ready(lane) for lane in LANES):
            return
        elif (stuck := ledger.circle() if ledger.outside else next(iter(self.schedule.stuck()), None)) is not None:
            ledger.failing(stuck, "cycle", "It waits for itself through what it has expanded into.")
            ledger.settle()
            return
        elif ledger.outside:
            return
        self.idle.set()
        self.queue.put(None)

    # Lanes

    def _go_on(self, here: str) -> None:
        """With the lock held: have ready tasks run. here: a lane whose thread looks for the next one itself."""
        if not self.ledger.halted:
            for lane in LANES:
                spare = self.schedule.ready(lane) - (lane == here)
                if spare > 0 and self.active[lane] == 0:
                    self.active[lane] += 1
                    spare -= 1
                    self.lanes[lane].submit(partial(self._serve, lane))
                if spare > 0 and self.active[lane] < self.lanes[lane].width and lane not in self.watching:
                    self.active[lane] += 1
                    self.watching.add(lane)
                    self.lanes[lane].submit(partial(self._watch, lane))
        self._look_idle()

    def _watch(self, lane: str) -> None:
        """Join the threads of a lane where they do not keep up by themselves.

        Nodes that take microseconds are done faster by one thread than by several that wait for the interpreter's lock.
        """
        while True:
            with self.ledger.lock:
                taken = self.taken[lane]
            time.sleep(WATCH_SECONDS)
            with self.ledger.lock:
                is_done = self.stopping() or not self.schedule.ready(lane)
                if not is_done and self.taken[lane] - taken >= QUICK:
                    continue
                self.watching.discard(lane)
                if is_done:
                    self.active[lane] -= 1
                    self._look_idle()
                    return
                self._go_on(lane)
            self._serve(lane)
            return

    def _serve(self, lane: str) -> None:
        """Run ready tasks of a lane, one after the other, on one of its threads."""
        until = time.monotonic() + SLICE_SECONDS
        thread, taken = threading.current_thread(), self.taken[lane]
        task: Task | None = None
        while True:
            with self.ledger.lock:
                if task is not None and self.running.pop(thread, None) is None:
                    return  # given up
                if time.monotonic() > until:
                    keeps_up = self.taken[lane] - taken > SLICE_SECONDS / WATCH_SECONDS * QUICK
                    steps_back = keeps_up and self.active[lane] > 1 and lane not in self.watching
                    if steps_back:
                        self.watching.add(lane)
                    self.lanes[lane].submit(partial(self._watch if steps_back else self._serve, lane))
                    return
                task = None if self.stopping() else self.schedule.take(lane)
                if task is None:
                    self.active[lane] -= 1
                    self._look_idle()
                    return
                self.taken[lane] += 1
                now = time.perf_counter()
                if task.growth is None:
                    task.began = now
                self.running[thread] = (task, lane, now)
            self.attempts.make(task, lane)

    # What is known

    def _digest(self, value: object) -> str | None:
        return self.options.codecs.digest(value) if self.options.codecs is not None else None

    def _around(self, work: Work) -> Around:
        works = self.planting.works
        links = {name: (source, list(works[source].kind.outputs)[index]) for name, source, _, index in work.links}
        return around_of(
            work.node, links, LiveGraph(self.planting.flat), self.plan, partial(self.say, NodeMessage, work.node)
        )
