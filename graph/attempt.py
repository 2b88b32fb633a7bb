"""Bringing one task as far as it comes: collect its inputs, find its result by them, call it, keep what it gave."""

import logging
import traceback
from asyncio import CancelledError
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from graph.cache import Entry
from graph.call import arguments_of, blocked_by, described, entry_of, failure, mapped, needed
from graph.calling import Calling, Cancelled, is_waiting
from graph.errors import GraphError
from graph.events import NodeStarted
from graph.growing import Digest
from graph.hearing import with_warnings
from graph.lanes import Lanes
from graph.ledger import Ledger, Say
from graph.planting import Planting
from graph.recollection import Recollection
from graph.result import Expansion
from graph.schedule import Task
from graph.work import content_key, fingerprint_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attempts:
    """What it takes to work on the tasks of one run. crashed: told of what must not be taken for a node's failure.

    digest: of a value's content, if it has one. describe: a value in one line, for the log.
    """

    ledger: Ledger
    recollection: Recollection
    planting: Planting
    calling: Calling
    lanes: Lanes
    digest: Digest
    say: Say
    describe: Callable[[object], str]
    crashed: Callable[[BaseException], None]

    def make(self, task: Task, here: str) -> None:
        """Bring a running task as far as it comes now. here: the lane of this thread. Nothing escapes from here."""
        self._guarded(task, partial(self._assemble if task.growth is not None else self._attempt, task, here), here)

    def _guarded(self, task: Task, work: Callable[[], None], here: str) -> None:
        try:
            work()
        except Cancelled:
            with self.ledger.lock:
                self.ledger.unclaim(task)
        except Exception as error:  # noqa: BLE001 — a node's code may raise anything; it fails this node, not the run
            self._fail(task, error, here)
        except BaseException as error:  # noqa: BLE001 — SystemExit of a node, or Ctrl-C: raised where events are taken
            with self.ledger.lock:
                self.ledger.unclaim(task)
            self.crashed(error)

    def _attempt(self, task: Task, here: str) -> None:
        work = task.work
        collected = self._collected(task, here)
        if collected is None:
            return
        values, digests = collected
        if (blocked := blocked_by(work, values)) is not None:
            name, value = blocked
            because = next((source for key, source, _, _ in work.links if key == name), task.node)
            self.ledger.block(task, because, value, here)
            return
        calls = mapped(work, values)
        if task.lazy and (names := self._asked(task, [values] if calls is None else calls)):
            self.ledger.wait(task, here, names)
            return
        if calls is not None:
            self.planting.map(task, calls, here)
            return
        arguments = arguments_of(work, values, self.calling.services)
        content = self._content(task, arguments, digests)
        if content and (found := self.recollection.by_content(task, content)) is not None:
            self.ledger.finish(task, found, found.level, here)
            return
        key = content or (work.key if work.lasting else "")
        if self.ledger.claim(task, key, here):
            self._call(task, arguments, content, here)

    def _collected(self, task: Task, here: str) -> tuple[dict[str, Any], dict[str, str | None]] | None:
        """What its links brought and the digests of that; None where something must be computed anew before."""
        if task.given is not None:
            return task.given, {name: self.digest(value) for name, value in task.given.items()}
        values: dict[str, Any] = {}
        digests: dict[str, str | None] = {}
        gone = False
        for (name, _, _, index), source in zip(task.work.links, task.sources, strict=True):
            if task.lazy and name in task.lazy:
                continue
            entry = self._read(source)
            if entry is None:
                gone = True
            else:
                values[name] = entry.outputs[index]
                digests[name] = entry.digests[index] if entry.digests else None
        if gone:
            self.ledger.wait(task, here)
            return None
        return values, digests

    def _read(self, source: Task) -> Entry | None:
        """The result of a source with its values; None where it must be computed anew."""
        entry = source.entry
        if entry is None or entry.load is None:
            return entry
        read = self.recollection.read(source, entry)
        with self.ledger.lock:
            if source.entry is entry:
                if read is None:
                    self.ledger.schedule.revive(source)
                else:
                    source.entry = read
        return read

    def _asked(self, task: Task, known: list[dict[str, Any]]) -> set[str]:
        """The lazy inputs it wants now. known: the values of each call so far."""
        names: set[str] = set()
        services = self.calling.services
        for values in known:
            if blocked_by(task.work, values) is not None:
                continue  # this call will be skipped
            arguments = arguments_of(task.work, values, services)
            with self.calling.context():
                names |= needed(task.work.kind, arguments, task.lazy or (), services)
        return names

    def _content(self, task: Task, arguments: Mapping[str, Any], digests: Mapping[str, str | None]) -> str:
        """The key of its result by what its inputs hold; "" where there is none."""
        work = task.work
        fingerprint, lasting = work.fingerprint, not work.volatile
        if work.kind.type.fingerprint is not None and work.volatile:
            services = {**self.calling.services, "around": self.calling.around(work)}
            fingerprint, failed = fingerprint_of(work.node, work.kind, arguments, services)
            lasting = not failed
            with self.ledger.lock:
                self.planting.works[work.node] = work._replace(fingerprint=fingerprint)  # what run records tell
        known = {name: digest for name, digest in digests.items() if digest is not None}
        if not (work.kind.cuts and lasting and known and len(known) == len(digests)):
            return ""
        return content_key(work, arguments, known, fingerprint)

    def _call(self, task: Task, arguments: dict[str, Any], content: str, here: str) -> None:
        self.say(NodeStarted, task.node)
        with ExitStack() as leases:
            before = self.calling.digests(arguments, task.work)
            warnings: list[str] = []
            result = self.calling.call(task.work, arguments, leases, warnings)
            take = partial(self._take, task, arguments, before, content, warnings)
            if is_waiting(result):
                self._await(task, result, take, leases.pop_all())
                return
            take(result, here, leases)

    def _take(
        self,
        task: Task,
        arguments: dict[str, Any],
        before: Mapping[str, str | None],
        content: str,
        warnings: Sequence[str],
        result: Any,
        here: str,
        leases: ExitStack,
    ) -> None:
        """What a node gave: its result, or a graph that runs in its place. What was lent is given back first."""
        self.calling.compare(before, arguments)
        given = result if isinstance(result, Expansion) else entry_of(task.work, result)
        given = replace(given, shown=with_warnings(given.shown, warnings))
        leases.close()
        if isinstance(given, Expansion):
            self.planting.expand(task, given, arguments, content, here)
        else:
            self._keep(task, given, content, here)

    def _await(self, task: Task, waiting: Any, take: Callable[[Any, str, ExitStack], None], leases: ExitStack) -> None:
        """An `async def` node: it waits on the event loop, and what it gave is looked at on the io lane."""

        def look(result: Callable[[], Any]) -> None:
            with leases:
                try:
                    waiting.close()
                    given = result()
                except CancelledError as error:
                    if self.calling.stopping():
                        raise Cancelled from error
                    raise GraphError("It was cancelled by something it waited for.") from error
                take(given, "", leases)

        def end(result: Callable[[], Any]) -> None:
            self._guarded(task, partial(look, result), "")
            self.ledger.come_back(task)

        with self.ledger.lock:
            cancel = self.lanes.spawn(waiting, lambda result: self.lanes["io"].submit(partial(end, result)))
            self.ledger.leave_lanes(task, lambda: cancel() or False)  # it is over once `end` says so

    def _assemble(self, task: Task, here: str) -> None:
        entries: dict[Task, Entry] = {}
        for source in task.sources:
            entry = self._read(source)
            if entry is None:
                self.ledger.wait(task, here)
                return
            entries[source] = entry
        self._keep(task, self.planting.assembled(task, entries), task.growth.content, here)

    def _keep(self, task: Task, entry: Entry, content: str, here: str) -> None:
        """A result that was computed now."""
        kept = self.recollection.keep(task.work, entry, content)
        states = self.calling.states
        # A process killed between the two must find one of them: the state goes when the result is on disk.
        if states is not None and "resume" in task.work.kind.spec.services and self.recollection.is_written():
            states.drop(task.work.key)
        self.ledger.finish(task, kept, None, here)

    def _fail(self, task: Task, error: Exception, here: str) -> None:
        failed = failure(task.work, error)
        story = "".join(traceback.format_exception(error))  # as text: a kept traceback would keep every tensor
        arguments = described(task.work.arguments, self.describe)
        log.error("Node '%s' (%s) failed with\n%s\n%s", task.node, task.work.kind.spec.type, arguments, story)
        if self.calling.states is not None:
            self.calling.states.drop(task.work.key)  # it may be what made the node fail
        self.ledger.fail(task, failed.code, failed.message, failed.hint, here)
