"""What is done next: the tasks of a run, who waits for whom, and which results are still needed.

A task is a piece of work, shared by all nodes that ask for the same. It is requested by those that need it, waits for
its sources, becomes ready for its lane, runs, and is settled. Nothing is computed that nobody requested, and a result
is dropped as soon as the last task that may use it is settled. The graph may grow while it runs. Every step costs what
its own links cost: a graph of 10,000 nodes is walked once.

Nothing here knows threads: whoever uses a schedule holds the run's lock.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto
from heapq import heappop, heappush
from typing import Any

from graph.cache import Entry
from graph.work import Work

Find = Callable[["Task"], Entry | None]


class State(Enum):
    """Where a task is on its way."""

    IDLE = auto()  # nobody has requested it
    WAITING = auto()  # for its sources, or what it has grown into
    READY = auto()  # for its lane
    RUNNING = auto()
    DONE = auto()
    FAILED = auto()
    UNNEEDED = auto()


SETTLED = frozenset({State.DONE, State.FAILED, State.UNNEEDED})


class Task:
    """One piece of work in a run.

    names: the nodes that ask for it, in order; told: for how many of them it was told that it is done. sources: the
    tasks its links come from, in the order of `work.links`. lazy: inputs not requested yet. users: how many unsettled
    tasks may still use its result, and 1 if it is wanted. watchers: tasks that wait for it now; missing: how many
    sources it waits for itself. entry: its result while it is needed. because: who failed, where it has failed. given:
    values that come by no link (an item of many), held until the task that was mapped is done. growth: what it has
    grown into; roots: its sources and lazy inputs before it was mapped, where it begins if it is needed anew. parent:
    the task that grew into it; depth: how many grew into each other. pinned: its entry is never dropped. parked: it
    waits for a claim.
    """

    __slots__ = (
        "because", "began", "depth", "entry", "given", "growth", "lazy", "missing", "names", "parent", "parked",
        "pinned", "rank", "roots", "sources", "state", "told", "users", "wanted", "watchers", "work",
    )  # fmt: skip

    def __init__(self, work: Work, sources: Sequence["Task"], rank: int) -> None:
        self.work = work
        self.sources: Sequence[Task] = sources
        self.rank = rank
        self.names: list[str] = [work.node]
        self.told = 0
        self.state = State.IDLE
        self.users = 0
        self.missing = 0
        self.watchers: dict[Task, None] | None = None
        self.entry: Entry | None = None
        self.because = ""
        self.wanted = False
        self.pinned = False
        self.parked = False
        self.depth = 0
        self.given: dict[str, Any] | None = None
        self.growth: Any = None
        self.parent: Task | None = None
        self.roots: tuple[Sequence[Task], set[str] | None] | None = None
        self.lazy: set[str] | None = set(work.kind.lazy) if work.kind.lazy else None
        self.began = 0.0

    @property
    def node(self) -> str:
        """The first node that asks for it."""
        return self.work.node

    def strong(self) -> Iterable["Task"]:
        """The sources it cannot do without."""
        if not self.lazy:
            return self.sources
        return [
            source for (name, *_), source in zip(self.work.links, self.sources, strict=True) if name not in self.lazy
        ]


class Schedule:
    """The tasks of one run by key.

    find: looks a result up when it is requested. lanes: their names. found, failed, unneeded: what has been found, with
    its entry, what has failed with others, and what was under way when nobody needed it any more, since the owner of
    the schedule last took note of it and emptied the lists.
    """

    def __init__(self, find: Find, lanes: Iterable[str]) -> None:
        self.tasks: dict[str, Task] = {}
        self.found: list[tuple[Task, Entry]] = []
        self.failed: list[Task] = []
        self.unneeded: list[Task] = []
        self._find = find
        self._ready: dict[str, list[tuple[int, int, Task]]] = {lane: [] for lane in lanes}
        self._pushed = 0

    def add(self, work: Work, sources: Sequence[Task], rank: int) -> Task:
        """The task of this work, made if there is none yet; its node is one more that asks for it."""
        task = self.tasks.get(work.key)
        if task is None:
            task = self.tasks[work.key] = Task(work, sources, rank)
            for source in sources:
                self._use(source)
        else:
            task.names.append(work.node)
        return task

    def begin(self, wanted: Iterable[Task]) -> None:
        """Decide backwards from the wanted tasks what is found, what must run and what nobody needs."""
        requested = set(wanted)
        for task in requested:
            task.wanted = True
            task.users += 1
        order = list(self.tasks.values())
        for task in reversed(order):
            if task.state is not State.IDLE:
                continue
            if task.users == 0:
                task.state = State.UNNEEDED
                self._leave(task)
            elif task in requested:
                if self._recall(task):
                    self._leave(task)
                else:
                    requested.update(task.strong())
        self.found.reverse()
        for task in order:
            if task.state is State.IDLE and task in requested:
                self._await(task)

    def request(self, task: Task) -> None:
        """Have a task done, and before it whatever it needs."""
        pending, opened = [task], list[Task]()
        while pending:
            task = pending.pop()
            if task.state is not State.IDLE:
                continue
            if self._recall(task):
                self._leave(task)
                continue
            task.state = State.WAITING
            opened.append(task)
            pending.extend(task.strong())
        for task in reversed(opened):
            if task.state is State.WAITING:
                self._await(task)

    def ask(self, task: Task, inputs: Iterable[str]) -> None:
        """Request lazy inputs of a running task; it becomes ready again when they are there."""
        assert task.lazy is not None  # noqa: S101 — asked by those that have some
        names = set(inputs)
        task.lazy -= names
        self.wait(task)

    def wait(self, task: Task) -> None:
        """A running task needs sources that are not there (any more); it becomes ready again when they are."""
        if self.leave(task):
            return
        task.state = State.WAITING
        for source in task.strong():
            if source.state is State.DONE and source.entry is None:
                self.revive(source)
            self.request(source)
        if task.state is State.WAITING:
            self._await(task)

    def map(self, task: Task, growth: Any, calls: Sequence[Task]) -> None:
        """A running task has become several calls, each with its values given."""
        task.roots = task.sources, task.lazy
        self.grow(task, growth, calls)

    def grow(self, task: Task, growth: Any, children: Sequence[Task]) -> None:
        """A running task has become a graph: it waits for these in place of its sources, and is then ready again."""
        task.growth = growth
        for child in children:
            self._use(child)
        self._leave(task)
        task.sources, task.lazy = tuple(children), None
        self.wait(task)

    def leave(self, task: Task) -> bool:
        """Whether nobody needs a running task any more. Then it goes no further."""
        if task.users:
            return False
        task.state = State.UNNEEDED
        self.unneeded.append(task)
        self._leave(task)
        return True

    def prune(self, tasks: Sequence[Task]) -> None:
        """Of tasks just added, in order, those that nobody uses need no sources."""
        for task in reversed(tasks):
            if task.state is State.IDLE and task.users == 0:
                task.state = State.UNNEEDED
                self._leave(task)

    def take(self, lane: str) -> Task | None:
        """The task of that lane whose turn is next; it runs now."""
        ready = self._ready[lane]
        while ready:
            _, _, task = heappop(ready)
            if task.state is State.READY:
                task.state = State.RUNNING
                return task
        return None

    def ready(self, lane: str) -> int:
        """How many tasks are ready for a lane, at most."""
        return len(self._ready[lane])

    def park(self, task: Task) -> None:
        """A running task waits for something outside the run."""
        task.state, task.parked = State.WAITING, True

    def resume(self, task: Task) -> None:
        """What a parked task waited for is there."""
        if task.parked and task.state is State.WAITING:
            self._push(task)
        task.parked = False

    def settle(self, task: Task, state: State) -> None:
        """A task is done, with its entry set, or has failed, with `because` set; then what waits for it fails too."""
        pending = [task]
        while pending:
            task = pending.pop()
            task.state = state
            for watcher in task.watchers or ():
                if watcher.state is not State.WAITING:
                    continue
                if state is State.FAILED:
                    watcher.because = task.because
                    watcher.state = state
                    self.failed.append(watcher)
                    pending.append(watcher)
                else:
                    watcher.missing -= 1
                    if watcher.missing == 0:
                        self._push(watcher)
            task.watchers = None
            self._unwant(task)
            self._leave(task)
            self._drop(task)
            if state is State.DONE and task.roots is not None:
                for call in task.sources:
                    call.given = None

    def revive(self, task: Task) -> None:
        """A task whose result was dropped or cannot be read, or that nobody needed, may be needed after all."""
        _begin_anew(task)
        pending = [task]
        while pending:
            for source in pending.pop().sources:
                source.users += 1
                if _is_gone(source):
                    _begin_anew(source)
                    pending.append(source)

    def stuck(self) -> list[Task]:
        """Tasks that wait though nothing runs: they wait for each other."""
        return [task for task in self.tasks.values() if task.state is State.WAITING]

    def _recall(self, task: Task) -> bool:
        """Whether its result is there already."""
        entry = self._find(task)
        if entry is None:
            return False
        task.entry, task.state = entry, State.DONE
        self.found.append((task, entry))
        self._unwant(task)
        self._drop(task)
        return True

    def _await(self, task: Task) -> None:
        """Wait for the sources that are not settled; with none of them, be ready."""
        task.state, task.parked, task.missing = State.WAITING, False, 0
        for source in dict.fromkeys(task.strong()):
            if source.state is State.FAILED:
                task.because = source.because
                self.failed.append(task)
                self.settle(task, State.FAILED)
                return
            if source.state not in SETTLED:
                if source.watchers is None:
                    source.watchers = {}
                source.watchers[task] = None
                task.missing += 1
        if task.missing == 0:
            self._push(task)

    def _push(self, task: Task) -> None:
        task.state = State.READY
        self._pushed += 1
        heappush(self._ready[task.work.kind.lane], (task.rank, self._pushed, task))

    def _use(self, source: Task) -> None:
        source.users += 1
        if _is_gone(source):
            self.revive(source)

    def _unwant(self, task: Task) -> None:
        if task.wanted:
            task.wanted = False
            task.users -= 1

    def _drop(self, task: Task) -> None:
        if task.users == 0 and not task.pinned:
            task.entry = None

    def _leave(self, task: Task) -> None:
        """Its sources are needed by one less; those that nobody needs are dropped, or not even begun."""
        pending = [task]
        while pending:
            for source in pending.pop().sources:
                source.users -= 1
                if source.users == 0:
                    if source.state is State.DONE:
                        self._drop(source)
                    elif source.state in (State.IDLE, State.WAITING, State.READY):
                        if source.state is not State.IDLE:
                            self.unneeded.append(source)
                        source.state = State.UNNEEDED
                        pending.append(source)


def _begin_anew(task: Task) -> None:
    if task.state is State.DONE and task.roots is not None:
        task.sources, task.lazy = task.roots
        task.growth = task.roots = None
    task.state, task.entry = State.IDLE, None


def _is_gone(task: Task) -> bool:
    return task.state is State.UNNEEDED or (task.state is State.DONE and task.entry is None)
