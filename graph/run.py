"""Running a plan: a generator of events. Closing it cancels.

Whatever happens — the end, a failure, closing, Ctrl-C — the generators of nodes are closed, so that their `with` blocks
give back what was lent, and no result is held any longer.
"""

import inspect
import logging
import time
import traceback
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from itertools import count
from threading import Event as Flag
from typing import Any, Literal, TypeVar

from graph.cache import Cache, Entry
from graph.call import arguments_of, described, entry_of, failure
from graph.errors import GraphError, NodeFailed
from graph.events import (
    Event,
    NodeFinished,
    NodePreview,
    NodeProgress,
    NodeSkipped,
    NodeStarted,
    RunFinished,
    RunStarted,
)
from graph.events import NodeFailed as NodeFailedEvent
from graph.plan import NOTHING, Plan, Step
from graph.progress import Progress
from graph.record import Record
from graph.states import States

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)
Context = Callable[[], AbstractContextManager[Any]]
Status = Literal["done", "failed", "cancelled"]


def run(
    plan: Plan,
    *,
    services: Mapping[str, Any],
    cache: Cache | None = None,
    context: Context = nullcontext,
    states: States | None = None,
    previews: bool = False,
    cancel: Flag | None = None,
    describe: Callable[[object], str] = lambda value: type(value).__name__,
    run_id: str | None = None,
) -> Generator[Event, None, None]:
    """Execute a plan, saying what happens as it happens. Close the generator to cancel.

    services: what is lent to nodes by name, as for the plan; one with a `lease()` is lent inside it, for one node.
    cache: where results are found and kept. context: made and entered around every call into a node
    (`torch.inference_mode`), except for nodes that ask for gradients. states: where long nodes left off.
    previews: whether previews are drawn. cancel: once set, the run stops at the next step and `run_finished` says so.
    describe: a value in one line, for the log. run_id: made up if not given.
    A node that fails is an event, and so is each node that needed it; the rest goes on.
    """
    return _Run(plan, services, cache, context, states, previews, cancel, describe, run_id or uuid.uuid4().hex).events()


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


class _Cancelled(BaseException):
    """The run's flag was set while a node was at work. Passes through the node's own `except Exception`."""


@dataclass(eq=False)
class _Run:
    """One execution. live: results still needed, by key. failed: key of a result that will not come → who failed."""

    plan: Plan
    services: Mapping[str, Any]
    cache: Cache | None
    context: Context
    states: States | None
    previews: bool
    cancel: Flag | None
    describe: Callable[[object], str]
    id: str
    numbers: Iterator[int] = field(default_factory=count)
    live: dict[str, Entry] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def events(self) -> Generator[Event, None, None]:
        """What happens, as it happens."""
        began = time.perf_counter()
        held = self._hold()
        yield self._say(RunStarted, self.plan.summary())
        status: Status = "done"
        try:
            for step in self.plan.steps:
                if self.cancel is not None and self.cancel.is_set():
                    raise _Cancelled
                if step.action == "reuse":
                    event = self._reused(step, held)
                elif (because := self._broken(step)) is not None:
                    self.failed[step.work.key] = because
                    event = self._say(NodeSkipped, step.work.node, because)
                else:
                    event = yield from self._turn(step)
                for key in step.releases:
                    self.live.pop(key, None)
                yield event
                del event  # it may hold values that somebody wanted
            if self.failed:
                status = "failed"
        except _Cancelled:
            status = "cancelled"
        finally:
            self.live.clear()
            held.clear()
        yield self._say(RunFinished, status, time.perf_counter() - began)

    def _say(self, kind: type[E], *facts: Any) -> E:
        return kind(self.id, next(self.numbers), time.time(), *facts)

    def _hold(self) -> dict[str, Entry]:
        """Take hold of what the plan reuses. Where something has left the cache since, decide anew by what is there."""
        held: dict[str, Entry] = {}

        def find(key: str) -> Entry | None:
            entry = held.get(key)
            if entry is None and self.cache is not None and (entry := self.cache.get(key)) is not None:
                held[key] = entry
            return entry

        computed = {step.work.key for step in self.plan.steps if step.action == "run"}
        reused = [step.work.key for step in self.plan.steps if step.action == "reuse"]
        if not all(key in computed or find(key) is not None for key in reused):
            self.plan = self.plan.anew(find)
        return held

    def _reused(self, step: Step, held: dict[str, Entry]) -> Event:
        key, node = step.work.key, step.work.node
        if key in self.failed:
            return self._say(NodeSkipped, node, self.failed[key])
        entry = self.live.get(key)
        if entry is None:
            entry = self.live[key] = held.pop(key)
        return self._finished(step, entry, entry.level, 0.0)

    def _finished(self, step: Step, entry: Entry, reused: Literal["memory", "disk"] | None, seconds: float) -> Event:
        outputs: Mapping[str, Any] = NOTHING
        if entry.saved is not None:
            outputs = {"files": [str(path) for path in entry.saved.paths], "kind": entry.saved.kind}
        values = dict(zip(step.work.kind.outputs, entry.outputs, strict=False)) if step.wanted else NOTHING
        return self._say(NodeFinished, step.work.node, reused, seconds, outputs, values)

    def _broken(self, step: Step) -> str | None:
        """The node whose failure keeps this one from running, if there is one."""
        if self.failed:
            for _, _, key, _ in step.work.links:
                if key in self.failed:
                    return self.failed[key]
        return None

    def _turn(self, step: Step) -> Generator[Event, None, Event]:
        """Run one node. Its result goes where it is needed; the event that tells of its end is returned."""
        work, began = step.work, time.perf_counter()
        yield self._say(NodeStarted, work.node)
        try:
            entry = yield from self._computed(step)
        except Exception as error:  # noqa: BLE001 — a node's code may raise anything; it fails this node, not the run
            failed = failure(work, error)
            self._log(step, error)
            self.failed[work.key] = work.node
            if self.states is not None:
                self.states.drop(work.key)  # it may be what made the node fail
            return self._say(NodeFailedEvent, work.node, failed.code, failed.message, failed.hint)
        if self.states is not None:
            self.states.drop(work.key)
        if self.cache is not None:
            self.cache.put(work.key, entry)
        self.live[work.key] = entry
        return self._finished(step, entry, None, time.perf_counter() - began)

    def _computed(self, step: Step) -> Generator[Event, None, Entry]:
        """Call the node's function, saying what it reports on the way."""
        work = step.work
        context = nullcontext if work.kind.spec.gradients else self.context
        with ExitStack() as leases:
            arguments = arguments_of(work, self.live, self.services)
            for name in work.kind.spec.services:
                arguments[name] = self._lent(name, step, leases)
            with context():
                result = work.kind.type.function(**arguments)
            del arguments
            if inspect.isgenerator(result):
                result = yield from self._reported(step, result, context)
            return entry_of(work, result)

    def _lent(self, name: str, step: Step, leases: ExitStack) -> Any:
        if name == "record":
            return Record(self.plan, step.work.node)
        if name == "resume":
            return self.states.load(step.work.key) if self.states is not None else None
        service = self.services[name]
        return leases.enter_context(service.lease()) if hasattr(service, "lease") else service

    def _reported(self, step: Step, steps: Generator[Any, Any, Any], context: Context) -> Generator[Event, None, Any]:
        """Turn what a long node yields into events, and hand back its result. The context is left between its steps."""
        node = step.work.node
        keeps_state = self.states is not None and "resume" in step.work.kind.spec.services
        try:
            while True:
                with context():
                    try:
                        progress = next(steps)
                    except StopIteration as stop:
                        return stop.value
                if not isinstance(progress, Progress):
                    raise GraphError(f"It yielded a {type(progress).__name__}; a long node yields Progress.")
                if keeps_state and self.states is not None and progress.state is not None:
                    self.states.save(step.work.key, progress.state)
                yield self._say(NodeProgress, node, progress.done, progress.total)
                if self.previews and progress.preview is not None:
                    yield from self._previewed(node, progress, context)
                del progress
                if self.cancel is not None and self.cancel.is_set():
                    raise _Cancelled
        finally:
            self._close(steps, node, context)

    def _close(self, steps: Generator[Any, Any, Any], node: str, context: Context) -> None:
        """Close a node's generator, so that its `with` blocks end. What it raises then can change nothing any more."""
        try:
            with context():
                steps.close()
        except Exception as error:  # noqa: BLE001 — the node's own code
            log.warning("Node '%s' failed while it was closed: %s: %s", node, type(error).__name__, error)

    def _previewed(self, node: str, progress: Progress, context: Context) -> Generator[Event, None, None]:
        assert progress.preview is not None  # noqa: S101 — asked by the caller
        try:
            with context():
                preview = progress.preview()
        except Exception as error:  # noqa: BLE001 — a picture to look at is no reason to lose the work
            log.warning("The preview of node '%s' could not be drawn: %s: %s", node, type(error).__name__, error)
            return
        yield self._say(NodePreview, node, preview.mime, preview.data)

    def _log(self, step: Step, error: Exception) -> None:
        """The whole story for the log, as text: a kept traceback would keep every tensor in its frames."""
        story = "".join(traceback.format_exception(error))
        arguments = described(step.work.arguments, self.describe)
        log.error("Node '%s' (%s) failed with\n%s\n%s", step.node, step.type, arguments, story)
