"""Running a plan: a generator of events. Closing it cancels.

Nodes run on lanes, those of independent branches side by side; what they say comes through one queue. Whatever happens
— the end, a failure, closing, Ctrl-C — the generators of nodes are closed on the threads that began them, so that their
`with` blocks give back what was lent, and no result is held any longer.
"""

import logging
import os
import threading
import time
import traceback
import uuid
from asyncio import CancelledError
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import Any, Literal

from graph.around import Around, around_of
from graph.cache import NOTHING, Cache, Entry
from graph.call import arguments_of, blocked_by, described, entry_of, failure, mapped, needed
from graph.calling import Calling, Cancelled, Context, is_waiting
from graph.codec import Codecs
from graph.errors import CacheDamaged, GraphError, NodeFailed
from graph.events import Event, NodeFinished, NodeSkipped, NodeStarted, RunFinished, RunStarted
from graph.events import NodeFailed as NodeFailedEvent
from graph.flat import FlatNode
from graph.growing import DEEPEST, LARGEST, Growing, Growth, Reference, call_of, gathered
from graph.lanes import Lanes
from graph.plan import Plan
from graph.record import Record
from graph.result import Blocked, Expansion
from graph.schedule import Schedule, State, Task
from graph.states import States
from graph.work import Work, content_key, fingerprint_of

log = logging.getLogger(__name__)

Status = Literal["done", "failed", "cancelled"]

Said = tuple[type[Event], float, tuple[Any, ...]]
"""An event without its number: kind, time, facts."""

NOBODY: Said = (Event, 0.0, ())
"""Stands in the queue for "look up"."""

LANES = ("device", "cpu", "io")
SLICE_SECONDS = 0.05
"""How long a run keeps a thread before another run that shares it may have a turn."""

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
    previews: bool = False,
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
    previews: whether previews are drawn. guard: whether a node that changes its inputs fails (needs `codecs`).
    cancel: once set, the run stops at the next step and `run_finished` says so. patience: for how many seconds it then
    waits for nodes that do not look up; their threads are given up. time_limit: of one node, in seconds; it fails and
    its thread is given up. describe: a value in one line, for the log. run_id: made up if not given.
    A node that fails is an event, and so is each node that needed it; the rest goes on.
    """
    if guard and codecs is None:
        raise ValueError("guard=True needs codecs=…, which tell whether a value was changed.")
    own = Lanes() if lanes is None else None
    try:
        options = _Options(services, cache, codecs, context, states, previews, guard, cancel, patience, time_limit)
        yield from _Run(plan, options, lanes or own or Lanes(), describe, run_id or uuid.uuid4().hex).events()
    finally:
        if own is not None:
            own.close()


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
    previews: bool
    guard: bool
    cancel: threading.Event | None
    patience: float
    time_limit: float | None


class _Run:
    """One execution. Everything but `queue` is touched with `lock` held, or by the one thread that runs a task."""

    def __init__(
        self, plan: Plan, options: _Options, lanes: Lanes, describe: Callable[[object], str], run_id: str
    ) -> None:
        self.plan = plan
        self.options = options
        self.cache = options.cache
        self.lanes = lanes
        self.describe = describe
        self.id = run_id
        self.lock = threading.Lock()
        self.queue: SimpleQueue[Said | None] = SimpleQueue()
        self.works: dict[str, Work] = dict(plan.works)
        self.flat: dict[str, FlatNode] = {node: plan.flat[node] for node in plan.works}
        self.growing = Growing(self.works, self.flat, plan, self._digest)
        self.growth_lock = threading.Lock()
        self.grown: dict[str, list[str]] = {}
        self.wanted = frozenset(plan.wanted)
        self.asked = frozenset(plan.asked)
        self.schedule = Schedule(self._find, LANES)
        self.entries: dict[str, Entry] = {}
        self.damaged: set[str] = set()
        self.active: dict[str, int] = dict.fromkeys(LANES, 0)
        self.outside: dict[Task, Callable[[], Any]] = {}  # what waits outside the lanes → how to end that
        self.running: dict[Task, tuple[threading.Thread, str]] = {}
        self.lost: set[Task] = set()
        self.claims: dict[Task, str] = {}
        self.halted = self.failed = self.over = False
        self.crash: BaseException | None = None
        self.idle = threading.Event()
        self.calling = Calling(
            options.services,
            options.context,
            self.say,
            self.stopping,
            self._digest if options.guard else None,
            lambda work: Record(plan, work.node, self.works, self.grown),
            self._around,
            options.states,
            lambda: options.previews and self.queue.qsize() < PREVIEWS_AHEAD,
        )

    # What the one who asked for the run sees

    def events(self) -> Generator[Event, None, None]:
        """What happens, as it happens."""
        began = time.perf_counter()
        numbers = count()
        self._recall()
        yield RunStarted(self.id, next(numbers), time.time(), self.plan.summary())
        status: Status = "done"
        try:
            self._begin()
            for kind, moment, facts in self._told():
                yield kind(self.id, next(numbers), moment, *facts)
        finally:
            self._end()
        if self.crash is not None:
            raise self.crash
        if self.halted:
            status = "cancelled"
        elif self.failed:
            status = "failed"
        yield RunFinished(self.id, next(numbers), time.time(), status, time.perf_counter() - began)

    def say(self, kind: type[Event], *facts: Any) -> None:
        """Tell an event. It gets its number when it is taken."""
        self.queue.put((kind, time.time(), facts))

    def stopping(self) -> bool:
        """Whether nodes are to stop at their next step."""
        return self.halted or (self.options.cancel is not None and self.options.cancel.is_set())

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
        if self.cache is not None:
            keys = {work.key for work in self.plan.works.values() if work.lasting}
            self.entries = dict(self.cache.get_many(keys))
        there = self.entries.keys() | {step.work.key for step in self.plan.steps if step.action != "reuse"}
        if any(step.action == "reuse" and step.work.key not in there for step in self.plan.steps):
            self.plan = self.plan.anew(self.entries.get)

    def _begin(self) -> None:
        with self.lock:
            tasks = self.schedule.tasks
            for rank, work in enumerate(self.plan.works.values()):
                self.schedule.add(work, [tasks[key] for _, _, key, _ in work.links], rank)
            self.schedule.begin([tasks[self.works[node].key] for node in self.plan.wanted])
            self.entries = {}
            self._after()
            self._look_idle()

    def _halt(self) -> None:
        """Begin nothing more, and end what waits outside the lanes."""
        with self.lock:
            self.halted = True
            outside = dict(self.outside)
        for task, end in outside.items():
            if end():
                self._back(task)
        with self.lock:
            self._look_idle()

    def _end(self) -> None:
        """Wait until no lane is at work for this run any more, and let go of everything."""
        if not self.idle.is_set():
            self._halt()
            if not self.idle.wait(self.options.patience):
                self._abandon("It did not stop when the run was closed")
        with self.lock:
            self.over = True
            for task in list(self.claims):
                self._unclaim(task, None)
            self.schedule.tasks.clear()

    def _abandon_late(self, limit: float) -> None:
        now = time.perf_counter()
        with self.lock:
            late = [task for task in self.running if now - task.began > limit]
        if late:
            self._abandon(f"It did not return within {limit:g} s", late)

    def _abandon(self, why: str, tasks: Iterable[Task] | None = None) -> None:
        """Give up nodes that do not come back, with their threads. tasks: None: all that are at work."""
        message = f"{why}. Its thread is given up; what it holds is not free until it returns."
        with self.lock:
            waiting = list(self.outside) if tasks is None else []
            for task in [task for task in (self.running if tasks is None else tasks) if task in self.running] + waiting:
                if self.outside.pop(task, None) is None:
                    thread, lane = self.running.pop(task)
                    self.lanes[lane].abandon(thread)
                    self.active[lane] -= 1
                self.lost.add(task)
                log.error("Node '%s' (%s): %s", task.node, task.work.kind.spec.type, message)
                self._failed(task, "does_not_return", message, "")
            self._after()
            self._look_idle()

    def _look_idle(self) -> None:
        """With the lock held: say so when nothing runs and nothing will."""
        if self.idle.is_set() or any(self.active.values()) or self.outside:
            return
        if not self.halted:
            if any(self.schedule.ready(lane) for lane in LANES):
                return
            for task in self.schedule.stuck():
                if task.state is State.WAITING:
                    self._failed(task, "cycle", "It waits for itself through what it has expanded into.", "")
            self._after()
        self.idle.set()
        self.queue.put(None)

    # Lanes

    def _after(self, here: str = "") -> None:
        """With the lock held: tell what was found and what failed with others, and have ready tasks run.

        here: the lane whose thread asks, and looks for the next task itself.
        """
        schedule = self.schedule
        while schedule.found or schedule.failed:
            found, schedule.found = schedule.found, []
            for task, entry in found:
                self._announce(task, entry, entry.level, 0.0)
            failed, schedule.failed = schedule.failed, []
            told = sorted((task.rank, name, task) for task in failed for name in task.names) if failed else ()
            for _, name, task in told:
                self.say(NodeSkipped, name, task.because)
            for task in failed:
                self.failed = True
                self._unclaim(task, None)
        if self.halted:
            return
        for lane in LANES:
            spare = schedule.ready(lane) - (lane == here)
            while spare > 0 and self.active[lane] < self.lanes[lane].width:
                self.active[lane] += 1
                spare -= 1
                self.lanes[lane].submit(partial(self._serve, lane))

    def _serve(self, lane: str) -> None:
        """Run ready tasks of a lane, one after the other, on one of its threads."""
        until = time.monotonic() + SLICE_SECONDS
        thread = threading.current_thread()
        while True:
            with self.lock:
                task = None if self.stopping() else self.schedule.take(lane)
                if task is None:
                    self.active[lane] -= 1
                    self._look_idle()
                    return
                if task.growth is None:
                    task.began = time.perf_counter()
                self.running[task] = (thread, lane)
            self._perform(task, lane)
            with self.lock:
                if task in self.lost:
                    self.lost.discard(task)
                    return
                if self.running.get(task, (None, ""))[0] is thread:  # it may be at work again on another one
                    del self.running[task]
            del task
            if time.monotonic() > until:
                self.lanes[lane].submit(partial(self._serve, lane))
                return

    def _perform(self, task: Task, lane: str) -> None:
        """Bring a task as far as it comes now. Nothing escapes from here."""
        try:
            self._attempt(task, lane)
        except Cancelled:
            with self.lock:
                self._unclaim(task, None)
        except Exception as error:  # noqa: BLE001 — a node's code may raise anything; it fails this node, not the run
            self._fail(task, error, lane)
        except BaseException as error:  # noqa: BLE001 — SystemExit of a node, or a fault of ours: raised where events are taken
            with self.lock:
                self.crash, self.halted = error, True
                self._unclaim(task, None)
            self.queue.put(NOBODY)

    def _back(self, task: Task) -> None:
        """What waited outside the lanes does so no more."""
        with self.lock:
            self.outside.pop(task, None)

    # One task

    def _attempt(self, task: Task, lane: str) -> None:
        if task.growth is not None:
            self._assemble(task, lane)
            return
        work = task.work
        collected = self._collected(task, lane)
        if collected is None:
            return
        values, digests = collected
        if (blocked := blocked_by(work, values)) is not None:
            self._blocked(task, *blocked, lane)
            return
        calls = mapped(work, values)
        if task.lazy and self._asks(task, values if calls is None else calls, lane):
            return
        if calls is not None:
            self._map(task, calls, lane)
            return
        arguments = arguments_of(work, values, self.options.services)
        fingerprint, lasting = work.fingerprint, not work.volatile
        if work.kind.type.fingerprint is not None and work.volatile and not work.fingerprint:
            services = {**self.options.services, "around": self._around(work)}
            fingerprint, failed = fingerprint_of(work.node, work.kind, arguments, services)
            lasting = not failed
            with self.lock:
                self.works[work.node] = work._replace(fingerprint=fingerprint)  # what run records tell
        content = ""
        if work.kind.cuts and lasting and digests and all(digests.values()):
            content = content_key(work, arguments, digests, fingerprint)  # pyright: ignore[reportArgumentType]
            if self._recalled(task, content, lane):
                return
        if not self._claimed(task, content or (work.key if work.lasting else ""), lane):
            return
        self.say(NodeStarted, work.node)
        with ExitStack() as leases:
            before = self.calling.digests(arguments, work)
            result = self.calling.call(work, arguments, leases)
            if is_waiting(result):
                self._await(task, result, arguments, before, content, leases.pop_all())
                return
            self.calling.compare(before, arguments)
            if isinstance(result, Expansion):
                self._expand(task, result, arguments, content, lane)
                return
            entry = entry_of(work, result)
        self._keep(task, entry, content, lane)

    def _collected(self, task: Task, lane: str) -> tuple[dict[str, Any], dict[str, str | None]] | None:
        """What its links brought and the digests of that; None where something must be computed anew before."""
        if task.given is not None:
            return task.given, {name: self._digest(value) for name, value in task.given.items()}
        values: dict[str, Any] = {}
        digests: dict[str, str | None] = {}
        gone = False
        for (name, _, _, index), source in zip(task.work.links, task.sources, strict=True):
            if task.lazy and name in task.lazy:
                continue
            entry = self._loaded(source)
            if entry is None:
                gone = True
                continue
            values[name] = entry.outputs[index]
            digests[name] = entry.digests[index] if entry.digests else None
        if gone:
            with self.lock:
                self.schedule.wait(task)
                self._after(lane)
            return None
        return values, digests

    def _loaded(self, source: Task) -> Entry | None:
        """The result of a source, read if it was not yet; None where it cannot be read, and must be computed anew."""
        entry = source.entry
        if entry is None or entry.load is None:
            return entry
        try:
            loaded = entry.load()
        except CacheDamaged as error:
            log.warning("The result of node '%s' is computed anew: %s", source.node, error)
            with self.lock:
                self.damaged.add(source.work.key)
                if source.entry is entry:
                    self.schedule.revive(source)
            return None
        with self.lock:
            if source.entry is entry:
                source.entry = loaded
        return loaded

    def _asks(self, task: Task, values: Any, lane: str) -> bool:
        """Whether the node wants lazy inputs that are not there yet; they are requested then."""
        names: set[str] = set()
        for known in values if isinstance(values, list) else [values]:
            arguments = arguments_of(task.work, known, self.options.services)
            with self.options.context():
                names |= needed(task.work.kind, arguments, task.lazy or (), self.options.services)
        if not names:
            return False
        with self.lock:
            self.schedule.ask(task, names)
            self._after(lane)
        return True

    def _recalled(self, task: Task, content: str, lane: str) -> bool:
        """Whether the result was found by the contents of the inputs."""
        entry = self.cache.get(content) if self.cache is not None and content not in self.damaged else None
        entry = self._usable(task, entry)
        if entry is None:
            return False
        self._finish(task, entry, entry.level, lane)
        return True

    def _claimed(self, task: Task, key: str, lane: str) -> bool:
        """Whether this run does the work. If not, another is at it, and the task waits for its result."""
        if not key:
            return True
        with self.lock:
            holder = next((other for other, held in self.claims.items() if held == key), None) if task.depth else None
        ancestor = task.parent
        while holder is not None and ancestor is not None:
            if ancestor is holder:
                raise GraphError("It has expanded into itself with the same inputs. Is this a loop that never ends?")
            ancestor = ancestor.parent

        def told(entry: Entry | None) -> None:
            with self.lock:
                if self.outside.pop(task, None) is None:
                    return
                if entry is not None and task.state is State.WAITING and not self.halted:
                    task.parked = False
                    self._done(task, entry, "memory")
                else:
                    self.schedule.resume(task)
                self._after()
                self._look_idle()

        with self.lock:
            if self.lanes.claims.take(key, told):
                self.claims[task] = key
                return True
            self.schedule.park(task)
            self.outside[task] = partial(self.lanes.claims.withdraw, key, told)
        return False

    def _unclaim(self, task: Task, entry: Entry | None) -> None:
        """With the lock held: let others have the work, or its result. They are told on a thread without locks."""
        key = self.claims.pop(task, None)
        if key is not None:
            for waiter in self.lanes.claims.release(key):
                self.lanes["io"].submit(partial(waiter, entry))

    def _keep(self, task: Task, entry: Entry, content: str, lane: str) -> None:
        """A result that was computed now."""
        work = task.work
        if self.options.states is not None:
            self.options.states.drop(work.key)
        if self.cache is not None:
            if work.lasting:
                entry = self.cache.put(work.key, entry, content)
            elif content:
                entry = self.cache.put(content, entry)
        self._finish(task, entry, None, lane)

    def _finish(self, task: Task, entry: Entry, reused: Any, lane: str = "") -> None:
        with self.lock:
            if task in self.lost:
                return
            self._done(task, entry, reused)
            self._after(lane)

    def _done(self, task: Task, entry: Entry, reused: Any) -> None:
        task.entry = entry
        self._announce(task, entry, reused, time.perf_counter() - task.began if reused is None else 0.0)
        self._unclaim(task, entry)
        self.schedule.settle(task, State.DONE)

    def _announce(self, task: Task, entry: Entry, reused: Any, seconds: float) -> None:
        outputs: Mapping[str, Any] = entry.shown
        if entry.saved is not None:
            files = [str(path) for path in entry.saved.paths]
            outputs = {**outputs, "files": files, "kind": entry.saved.kind}
        for node in task.names:
            values: Mapping[str, object] = NOTHING
            if node in self.wanted and entry.load is None:
                values = dict(zip(task.work.kind.outputs, entry.outputs, strict=False))
            self.say(NodeFinished, node, reused, seconds, outputs, values)
            reused, seconds = reused or "memory", 0.0

    def _fail(self, task: Task, error: Exception, lane: str) -> None:
        failed = failure(task.work, error)
        story = "".join(traceback.format_exception(error))  # as text: a kept traceback would keep every tensor
        arguments = described(task.work.arguments, self.describe)
        log.error("Node '%s' (%s) failed with\n%s\n%s", task.node, task.work.kind.spec.type, arguments, story)
        if self.options.states is not None:
            self.options.states.drop(task.work.key)  # it may be what made the node fail
        with self.lock:
            if task not in self.lost:
                self._failed(task, failed.code, failed.message, failed.hint)
                self._after(lane)

    def _failed(self, task: Task, code: str, message: str, hint: str) -> None:
        """With the lock held: a task has failed by itself."""
        self.failed = True
        task.because = task.node
        self.say(NodeFailedEvent, task.node, code, message, hint)
        for twin in task.names[1:]:
            self.say(NodeSkipped, twin, task.node)
        self._unclaim(task, None)
        self.schedule.settle(task, State.FAILED)

    def _blocked(self, task: Task, name: str, value: Blocked, lane: str) -> None:
        """Its outputs are blocked as its input is."""
        because = next((source for key, source, _, _ in task.work.links if key == name), task.node)
        with self.lock:
            for node in task.names:
                self.say(NodeSkipped, node, because, value.reason)
            task.entry = Entry((value,) * len(task.work.kind.outputs))
            self.schedule.settle(task, State.DONE)
            self._after(lane)

    def _await(self, task: Task, waiting: Any, arguments: Any, before: Any, content: str, leases: ExitStack) -> None:
        """An `async def` node: it waits on the event loop, and what it gave is looked at on the io lane."""

        def end(result: Callable[[], Any]) -> None:
            waiting.close()
            self._guarded(task, partial(self._awaited, task, result, arguments, before, content, leases))
            with self.lock:
                self.outside.pop(task, None)
                self._after()
                self._look_idle()

        with self.lock:
            cancel = self.lanes.spawn(waiting, lambda result: self.lanes["io"].submit(partial(end, result)))
            self.outside[task] = lambda: cancel() or False  # it is over once `end` says so

    def _awaited(
        self, task: Task, result: Callable[[], Any], arguments: Any, before: Any, content: str, leases: ExitStack
    ) -> None:
        """What an `async def` node gave is there."""
        with leases:
            try:
                given = result()
            except CancelledError as error:
                if self.stopping():
                    raise Cancelled from error
                raise GraphError("It was cancelled by something it waited for.") from error
            self.calling.compare(before, arguments)
            if isinstance(given, Expansion):
                self._expand(task, given, arguments, content, "")
                return
            entry = entry_of(task.work, given)
        self._keep(task, entry, content, "")

    def _guarded(self, task: Task, work: Callable[[], None]) -> None:
        try:
            work()
        except Cancelled:
            with self.lock:
                self._unclaim(task, None)
        except Exception as error:  # noqa: BLE001 — as in `_perform`
            self._fail(task, error, "")

    # Growing

    def _map(self, task: Task, calls: list[dict[str, Any]], lane: str) -> None:
        """One call for each of many values, side by side where lanes allow."""
        children: list[Task] = []
        with self.growth_lock, self.lock:
            if task in self.lost:
                return
            if len(self.works) + len(calls) > LARGEST:
                raise GraphError(f"The run has grown beyond {LARGEST:,} calls here. Is this a loop that never ends?")
            self.say(NodeStarted, task.node)
            for turn, values in enumerate(calls):
                work = call_of(task.work, turn, values, self._digest)
                child = self.schedule.add(work, (), task.rank)
                child.given, child.parent, child.depth, child.lazy = values, task, task.depth + 1, None
                self.works[work.node] = work
                children.append(child)
            self.schedule.grow(task, Growth(calls=len(calls)), children)
            self._after(lane)

    def _expand(
        self, task: Task, expansion: Expansion[Any], arguments: Mapping[str, Any], content: str, lane: str
    ) -> None:
        """A graph in place of a node."""
        with self.growth_lock:
            if task.depth >= DEEPEST:
                raise GraphError(f"Expansions stand {DEEPEST} deep inside each other here. Does one of them never end?")
            grown = self.growing.grown(task.work, expansion, arguments if task.given is None else NOTHING)
            with self.lock:
                self.works.update(grown.works)
                self.flat.update(grown.flat)
                self.grown[task.node] = list(grown.flat)
                tasks = [self._planted(task, work, grown.values.get(node)) for node, work in grown.works.items()]
                if grown.again is not None:
                    loop, _ = self.growing.turns.get(task.node, (task.node, 1))
                    self.growing.turns[grown.again] = (loop, grown.turn)
                    again = self.schedule.tasks[self.works[grown.again].key]
                    again.depth = task.depth
                needed_ = [self.works[item.node].key for item in grown.outputs if isinstance(item, Reference)]
                wanted = [child for child in tasks if child.work.kind.spec.output]
                children = dict.fromkeys([*(self.schedule.tasks[key] for key in needed_), *wanted])
                growth = Growth(grown.outputs, expansion.shown, content)
                self.schedule.grow(task, growth, list(children))
                self._after(lane)

    def _planted(self, parent: Task, work: Work, value: Entry | None) -> Task:
        """A task for a node of an expansion. Raises GraphError where that is a task which waits for this one."""
        known = self.schedule.tasks.get(work.key)
        ancestor: Task | None = parent
        while known is not None and ancestor is not None:
            if ancestor is known:
                raise GraphError("It has expanded into itself with the same inputs. Is this a loop that never ends?")
            ancestor = ancestor.parent
        task = self.schedule.add(work, [self.schedule.tasks[key] for _, _, key, _ in work.links], parent.rank)
        if known is None:
            task.parent, task.depth = parent, parent.depth + 1
            if value is not None:
                digest = self._digest(value.outputs[0])
                task.entry, task.state, task.pinned = replace(value, digests=(digest,)), State.DONE, True
        elif value is None and task.state is State.DONE and task.entry is not None:
            self.say(NodeFinished, work.node, task.entry.level, 0.0, task.entry.shown, NOTHING)
        return task

    def _assemble(self, task: Task, lane: str) -> None:
        """The result of a task that has grown, from the results of what it has grown into."""
        entries: dict[Task, Entry] = {}
        for source in task.sources:
            entry = self._loaded(source)
            if entry is None:
                with self.lock:
                    self.schedule.wait(task)
                    self._after(lane)
                return
            entries[source] = entry
        growth, content = task.growth, ""
        if growth.calls is not None:
            entry = gathered([entries[source] for source in task.sources], len(task.work.kind.outputs))
        else:
            content = growth.content
            outputs = tuple(
                entries[self.schedule.tasks[self.works[item.node].key]].outputs[item.index]
                if isinstance(item, Reference)
                else item
                for item in growth.outputs
            )
            written = [entry for entry in entries.values() if entry.saved is not None]
            entry = replace(gathered(written, 0), outputs=outputs, shown=growth.shown)
        self._keep(task, entry, content, lane)

    # What is known

    def _find(self, task: Task) -> Entry | None:
        """With the lock held: the result of a task, if the cache has it and its files can be named."""
        key = task.work.key
        if self.cache is None or not task.work.lasting or key in self.damaged:
            return None
        return self._usable(task, self.entries.get(key) or self.cache.get(key))

    def _usable(self, task: Task, entry: Entry | None) -> Entry | None:
        """An entry whose files are there, written anew if need be, and whose values are read if somebody wants them."""
        if entry is not None and entry.load is not None and not self.asked.isdisjoint(task.names):
            try:
                entry = entry.load()
            except CacheDamaged as error:
                log.warning("The result of node '%s' is computed anew: %s", task.node, error)
                return None
        if entry is None or entry.missing() is None:
            return entry
        output = self.options.services.get("output")
        if entry.restore is None or output is None:
            return None
        try:
            return entry.restore(output)
        except (GraphError, OSError) as error:
            log.warning("Files that were saved before cannot be written anew: %s", error)
            return None

    def _digest(self, value: object) -> str | None:
        return self.options.codecs.digest(value) if self.options.codecs is not None else None

    def _around(self, work: Work) -> Around:
        links = {name: (source, list(self.works[source].kind.outputs)[index]) for name, source, _, index in work.links}
        return around_of(work.node, links, MappingProxyType(self.flat), self.plan)
