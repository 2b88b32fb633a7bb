"""What becomes of the tasks of a run, told as it happens: found, done, failed, blocked, waiting for another run."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from graph.cache import NOTHING, Entry
from graph.calling import Cancelled
from graph.errors import GraphError
from graph.events import NodeFailed, NodeFinished, NodeSkipped
from graph.lanes import Lanes
from graph.result import Blocked
from graph.schedule import Schedule, State, Task

Say = Callable[..., None]
"""Tells an event: its class and its facts."""

CIRCLE = "It has expanded into itself with the same inputs. Is this a loop that never ends?"


class Ledger:
    """The one place where tasks change state while a run goes on.

    schedule: the tasks. lanes: whose claims tell what other runs are at work on. wanted: nodes whose values somebody
    sees. say: tells an event. changed: called with the lock held after every change; begins what is ready. It is given
    the lane whose thread made the change and looks for its next task itself, or "". halted: nothing is begun any more.
    """

    def __init__(
        self, schedule: Schedule, lanes: Lanes, wanted: Iterable[str], say: Say, changed: Callable[[str], None]
    ) -> None:
        self.lock = threading.Lock()
        self.schedule = schedule
        self.failed = self.halted = False
        self.outside: dict[Task, Callable[[], bool]] = {}  # what waits outside the lanes → how to end that
        self.lost: set[Task] = set()  # given up, though their threads may come back
        self._lanes = lanes
        self._wanted = frozenset(wanted)
        self._say = say
        self._changed = changed
        self._claims: dict[Task, str] = {}
        self._parked: dict[Task, str] = {}  # task → the claim of another that it waits for

    def settle(self, here: str = "") -> None:
        """With the lock held: tell what was found and what failed with others, and go on with what is ready."""
        schedule = self.schedule
        while schedule.found or schedule.failed or schedule.unneeded:
            found, schedule.found = schedule.found, []
            for task, entry in found:
                self._announce(task, entry, entry.level, 0.0)
            failed, schedule.failed = schedule.failed, []
            for _, name, because in sorted((task.rank, name, task.because) for task in failed for name in task.names):
                self._say(NodeSkipped, name, because)
            for task in failed:
                self.failed = True
                self.unclaim(task)
            unneeded, schedule.unneeded = schedule.unneeded, []
            for task in unneeded:
                if task.state is State.UNNEEDED:
                    self.unclaim(task)
                    self._withdraw(task)
        self._changed(here)

    def finish(self, task: Task, entry: Entry, reused: Any, here: str = "") -> None:
        """The result of a task is there. reused: where it was found; None if it was computed now."""
        with self.lock:
            if task not in self.lost:
                self._done(task, entry, reused)
                self.settle(here)

    def fail(self, task: Task, code: str, message: str, hint: str = "", here: str = "") -> None:
        """A task has failed by itself."""
        with self.lock:
            if task not in self.lost:
                self.failing(task, code, message, hint)
                self.settle(here)

    def failing(self, task: Task, code: str, message: str, hint: str = "") -> None:
        """With the lock held: the same, without going on."""
        self.failed = True
        task.because = task.node
        self._say(NodeFailed, task.node, code, message, hint)
        for twin in task.names[1:]:
            self._say(NodeSkipped, twin, task.node)
        self.unclaim(task)
        self._withdraw(task)
        self.schedule.settle(task, State.FAILED)

    def block(self, task: Task, because: str, value: Blocked, here: str) -> None:
        """The outputs of a task are blocked as one of its inputs is. because: the node that one comes from."""
        with self.lock:
            if task in self.lost:
                return
            for node in task.names[task.told :]:
                self._say(NodeSkipped, node, because, value.reason)
            task.told = len(task.names)
            task.entry = Entry((value,) * len(task.work.kind.outputs))
            self.schedule.settle(task, State.DONE)
            self.settle(here)

    def wait(self, task: Task, here: str, lazy: Iterable[str] = ()) -> None:
        """A running task needs sources that are not there. lazy: inputs it asks for now."""
        with self.lock:
            if task in self.lost:
                return
            if task.lazy:
                self.schedule.ask(task, lazy)
            else:
                self.schedule.wait(task)
            self.settle(here)

    def claim(self, task: Task, key: str, here: str) -> bool:
        """Whether this task does the work of that key now; "": a work that nobody else has.

        If not, another is at it, and the task waits for its result; or nobody needs it any more.
        Raises GraphError where that is a task which has grown into this one, Cancelled where this one was given up or
        the run is to stop.
        """
        with self.lock:
            if self.halted or task in self.lost:
                raise Cancelled
            if self.schedule.leave(task):
                self.settle(here)
                return False
            if not key:
                return True
            holders = {other for other, held in self._claims.items() if held == key} if task.parent is not None else ()
            ancestor = task.parent
            while holders and ancestor is not None:
                if ancestor in holders:
                    raise GraphError(CIRCLE)
                ancestor = ancestor.parent
            waiter = partial(self._told, task)
            if self._lanes.claims.take(key, waiter):
                self._claims[task] = key
                return True
            self.schedule.park(task)
            self._parked[task] = key
            self.outside[task] = partial(self._lanes.claims.withdraw, key, waiter)
            return False

    def leave_lanes(self, task: Task, end: Callable[[], bool]) -> None:
        """With the lock held: a running task goes on outside the lanes. end: ends that; whether it is over then."""
        self.outside[task] = end
        if self.halted:
            end()

    def late(self, since: float) -> list[Task]:
        """With the lock held: those at work outside the lanes since before a moment of `time.perf_counter`."""
        return [task for task in self.outside if task not in self._parked and task.began < since]

    def circle(self) -> Task | None:
        """With the lock held, and nothing at work: a task that waits for a claim, if all that is outside waits for
        claims of this very run, which nobody can give up then.
        """
        held = set(self._claims.values())
        if all(self._parked.get(task) in held for task in self.outside):
            return next(iter(self.outside), None)
        return None

    def unclaim(self, task: Task, entry: Entry | None = None) -> None:
        """With the lock held: let others have the work, or its result. They are told on a thread without locks."""
        key = self._claims.pop(task, None)
        if key is not None:
            for waiter in self._lanes.claims.release(key):
                self._lanes["io"].submit(partial(waiter, entry))

    def come_back(self, task: Task) -> None:
        """What waited outside the lanes does so no more."""
        with self.lock:
            self.outside.pop(task, None)
            self._parked.pop(task, None)
            self.settle()

    def close(self) -> None:
        """The run is over: nothing is claimed or held any longer."""
        with self.lock:
            for task in list(self._claims):
                self.unclaim(task)
            self.schedule.tasks.clear()

    def _told(self, task: Task, entry: Entry | None) -> None:
        """Another run, or another task, has done the work that a task waits for; or it has not."""
        with self.lock:
            if self._parked.pop(task, None) is None:
                return
            del self.outside[task]
            if entry is not None and task.state is State.WAITING:
                task.parked = False
                self._done(task, entry, "memory")
            else:
                self.schedule.resume(task)
            self.settle()

    def _withdraw(self, task: Task) -> None:
        """With the lock held: wait for no claim any longer."""
        end = self.outside.pop(task, None) if self._parked.pop(task, None) is not None else None
        if end is not None:
            end()

    def _done(self, task: Task, entry: Entry, reused: Any) -> None:
        task.entry = entry
        self._announce(task, entry, reused, time.perf_counter() - task.began if reused is None else 0.0)
        self.unclaim(task, entry)
        self.schedule.settle(task, State.DONE)

    def _announce(self, task: Task, entry: Entry, reused: Any, seconds: float) -> None:
        nodes = task.names[task.told :]
        if reused is None and task.told:
            if task.growth is None or task.roots is not None:
                nodes = [task.node, *nodes]  # it began anew, since its result could not be read or was dropped
            else:
                reused, seconds = "memory", 0.0  # it was put together again from what it has become
        task.told = len(task.names)
        for node in nodes:
            self._say_finished(node, task, entry, reused, seconds)
            reused, seconds = reused or "memory", 0.0

    def announce(self, task: Task, entry: Entry) -> None:
        """With the lock held: tell that the result is there of nodes which have asked for it since it came."""
        self._announce(task, entry, entry.level, 0.0)

    def _say_finished(self, node: str, task: Task, entry: Entry, reused: Any, seconds: float) -> None:
        outputs: Mapping[str, Any] = entry.shown
        if entry.saved is not None:
            files = [str(path) for path in entry.saved.paths]
            outputs = {**outputs, "files": files, "kind": entry.saved.kind}
        values: Mapping[str, object] = NOTHING
        if node in self._wanted and entry.load is None:
            values = dict(zip(task.work.kind.outputs, entry.outputs, strict=False))
        self._say(NodeFinished, node, reused, seconds, outputs, values)
