"""Tasks for what a task has grown into while the run goes on, and its result from theirs."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from graph.cache import NOTHING, Entry
from graph.errors import GraphError
from graph.events import NodeStarted
from graph.flat import FlatNode
from graph.growing import DEEPEST, LARGEST, Digest, Growing, Growth, call_of, gathered, referred, resolved
from graph.ledger import CIRCLE, Ledger, Say
from graph.plan import Plan
from graph.result import Expansion
from graph.schedule import State, Task
from graph.work import Work


class Planting:
    """The growing part of one run. works, flat: all of the run so far, by id. grown: node → the nodes it has become."""

    def __init__(self, plan: Plan, ledger: Ledger, digest: Digest, say: Say) -> None:
        self.works: dict[str, Work] = dict(plan.works)
        self.flat: dict[str, FlatNode] = {node: plan.flat[node] for node in plan.works}
        self.grown: dict[str, list[str]] = {}
        self._ledger = ledger
        self._digest = digest
        self._say = say
        self._growing = Growing(self.works, self.flat, plan, digest)
        self._lock = threading.Lock()

    def map(self, task: Task, calls: Sequence[dict[str, Any]], here: str) -> None:
        """One call for each of many values, side by side where lanes allow."""
        ledger, schedule = self._ledger, self._ledger.schedule
        with self._lock, ledger.lock:
            if task in ledger.lost:
                return
            if len(self.works) + len(calls) > LARGEST:
                raise GraphError(f"The run has grown beyond {LARGEST:,} calls here. Is this a loop that never ends?")
            self._say(NodeStarted, task.node)
            children: list[Task] = []
            for turn, values in enumerate(calls):
                known = self.works.get(f"{task.node}/{turn}")
                child = schedule.tasks[known.key] if known is not None else None
                if child is None or child.parent is not task:  # else it is done anew, and may have grown
                    work = call_of(task.work, turn, values, self._digest)
                    self.works[work.node] = work
                    child = schedule.add(work, (), task.rank)
                    child.parent, child.depth, child.lazy = task, task.depth + 1, None
                child.given = values
                children.append(child)
            schedule.map(task, Growth(calls=len(calls)), children)
            ledger.settle(here)

    def expand(
        self, task: Task, expansion: Expansion[Any], arguments: Mapping[str, Any], content: str, here: str
    ) -> None:
        """A graph in place of a node. arguments: what it was called with. content: its key by content, or ""."""
        ledger, schedule = self._ledger, self._ledger.schedule
        with self._lock:
            if task.depth >= DEEPEST:
                raise GraphError(f"Expansions stand {DEEPEST} deep inside each other here. Does one of them never end?")
            grown = self._growing.grown(task.work, expansion, arguments if task.given is None else NOTHING)
            with ledger.lock:
                if task in ledger.lost:
                    return
                self.works.update(grown.works)
                self.flat.update(grown.flat)
                self.grown[task.node] = list(grown.flat)
                tasks = [self._planted(task, work, grown.values.get(node)) for node, work in grown.works.items()]
                if grown.again is not None:
                    self._growing.go_on(task.node, grown)
                    self._task(grown.again).depth = task.depth
                results = [self._task(item.node) for item in referred(grown.outputs)]
                writing = [child for child in tasks if child.work.kind.spec.output]
                growth = Growth(grown.outputs, expansion.shown, content)
                schedule.grow(task, growth, list(dict.fromkeys([*results, *writing])))
                schedule.prune(tasks)
                ledger.settle(here)

    def assembled(self, task: Task, entries: Mapping[Task, Entry]) -> Entry:
        """The result of a task that has grown, from the results of what it has grown into."""
        growth = task.growth
        if growth.calls is not None:
            return gathered([entries[source] for source in task.sources], len(task.work.kind.outputs))
        outputs = resolved(task.work, growth.outputs, lambda item: entries[self._task(item.node)].outputs[item.index])
        written = [entry for entry in entries.values() if entry.saved is not None]
        return replace(gathered(written, 0), outputs=outputs, shown=growth.shown)

    def _task(self, node: str) -> Task:
        return self._ledger.schedule.tasks[self.works[node].key]

    def _planted(self, parent: Task, work: Work, value: Entry | None) -> Task:
        """A task for a node of an expansion. Raises GraphError where that is a task which waits for this one."""
        schedule = self._ledger.schedule
        known = schedule.tasks.get(work.key)
        ancestor: Task | None = parent
        while known is not None and ancestor is not None:
            if ancestor is known:
                raise GraphError(CIRCLE)
            ancestor = ancestor.parent
        task = schedule.add(work, [schedule.tasks[key] for _, _, key, _ in work.links], parent.rank)
        if known is None:
            task.parent, task.depth = parent, parent.depth + 1
            if value is not None:
                digest = self._digest(value.outputs[0])
                task.entry, task.state, task.pinned = replace(value, digests=(digest,)), State.DONE, True
        elif value is None and task.state is State.DONE and task.entry is not None:
            self._ledger.announce(task, task.entry)
        return task
