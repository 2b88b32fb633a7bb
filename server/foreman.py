"""Gives runs to workers, follows what comes of them, and decides what happens when one of either comes to grief.

Everything here happens on the event loop; only what must be written is waited for.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Literal

from server.catalogue import LiveCatalogue
from server.crew import Crew, Post
from server.database import StorageFailed
from server.facts import Facts
from server.following import follow, for_clients, where
from server.hub import Hub, Message
from server.line import Line
from server.looking import Looking
from server.pace import Pace
from server.places import Places
from server.records import Records
from server.redaction import without_paths
from server.run import Death, Failure, Run, State

log = logging.getLogger(__name__)

SAME_DEATHS, DEATHS = 2, 5
"""How often workers may die with a run at one node and step, and altogether, before it fails."""

CANCEL_SECONDS = 40.0
"""How long a run may take to stop before its worker is ended by force."""

PROGRESS_SECONDS = 0.1
"""How often the progress of a node is told and shown at most. Each time costs every client a message."""

REST_SECONDS = 5.0
"""How long nothing is begun after the database could not be written, as when the disk is full."""

WAITERS = 2_000
"""How many requests may wait for runs to be over. Those whose clients have gone wait on, and must not pile up."""

PRIVATE_SECONDS, PRIVATE_RUNS = 300.0, 1_000
"""How long, and how many, private runs that are over are remembered."""

Intent = Literal["cancel", "pause", "yield", "end"]
"""Why a run that is at work is asked to stop."""


class Foreman:
    """Who does what. active: all runs that are not over. is_held: nothing is begun. previews: whether any are drawn,
    while somebody looks.
    ended: called with every run that is over, before anybody else hears of it.
    """

    def __init__(
        self,
        crew: Crew,
        records: Records,
        hub: Hub,
        catalogue: LiveCatalogue,
        places: Places,
        facts: Facts,
        *,
        previews: bool = True,
    ) -> None:
        self.active: dict[str, Run] = {}
        self.line = Line()
        self.is_held = False
        self._crew = crew
        self._records = records
        self._hub = hub
        self._catalogue = catalogue
        self._places = places
        self._facts = facts
        self._previews = previews
        self._looking = Looking(hub, crew, self.active)
        self._intents: dict[str, Intent] = {}
        self._waiting: dict[str, list[asyncio.Future[Run]]] = {}
        self._waiters = 0
        self._private: dict[str, tuple[float, Run]] = {}
        self._unkept: dict[str, Run] = {}
        self._tasks: set[asyncio.Future[None]] = set()
        self._pace = Pace(PROGRESS_SECONDS)
        self._is_due = False
        self._is_resting = False
        self._ending = False
        self.ended: Callable[[Run], Awaitable[None]] = _unheard

    # Runs that come and go

    async def take_up(self) -> None:
        """Go on with the runs that were not over when the last server ended."""
        for run in await self._records.unfinished():
            was_running = run.state == "running"
            if run.next_seq > 1:
                full = await self._records.full(run.id)
                run.nodes = full.nodes if full is not None else {}
                for text in await self._records.events(run.id, -1, 100_000):
                    follow(run, json.loads(text))
            self.active[run.id] = run
            if was_running:
                run.state, run.worker = "waiting", ""
                self._hub.publish(run, {"event": "run_interrupted", "reason": "The server ended."})
                await self._records.save(run)
            if run.state == "waiting":
                self.line.add(run)
        self.wake()

    def accept(self, run: Run) -> None:
        """A run that is kept in the records from now on."""
        self.active[run.id] = run
        self._facts.run_accepted()
        self._hub.publish(run, {"event": "run_queued"})
        if run.state == "waiting":
            self.line.add(run)
        self.wake()

    def stop(self, run: Run, intent: Intent) -> None:
        """Ask a run that is at work to come to its next step and stop there."""
        post = self._crew.with_run(run.id)
        if post is None or post.worker is None or self._intents.get(run.id) in ("cancel", intent):
            return
        self._intents[run.id] = intent
        post.worker.tell("stop", run=run.id, park=intent != "cancel")
        if intent in ("cancel", "pause"):
            asyncio.get_running_loop().call_later(CANCEL_SECONDS, self._lose_patience, run, post)

    async def finish(self, run: Run, state: State, error: Failure | None = None) -> None:
        """A run has come to its end: the records know it before anybody hears of it."""
        if run.is_over:
            return
        self.line.remove(run)
        run.state, run.finished, run.worker = state, time.time(), ""
        run.error = run.error or error
        for path, report in run.nodes.items():
            if report.state == "running":
                run.nodes[path] = report.model_copy(update={"state": "skipped"})
        if not run.private:
            await self._hub.flushed()  # its last event shall follow those that are still on their way
        told = {"error": run.error.model_dump()} if run.error is not None else {}
        last = self._hub.numbered(
            run, {"event": "run_finished", "status": state, "seconds": round(run.seconds, 3), **told}
        )
        try:
            if run.private:
                self._remember(run)
                await self.ended(run)
                await self._records.forget([run.id])
            else:
                await self._records.save(run, [last.row])
                await self.ended(run)
        except StorageFailed as reason:
            log.warning("The end of run %s cannot be kept for now: %s", run.id, reason)
            self._unkept[run.id] = run
            self._spawn(self._keep_end(run, last))
        except Exception:
            log.exception("The end of run %s could not be kept", run.id)
        del self.active[run.id]
        self._facts.run_finished(state, run.seconds)
        self._hub.tell(last)
        for waiting in self._waiting.pop(run.id, ()):
            if not waiting.done():
                waiting.set_result(run)
        if not run.private:
            self._spawn(self._thin(run))
        self.wake()

    async def _keep_end(self, run: Run, last: Message) -> None:
        """Write that a run is over, and its last event, as soon as there is room. A server that ends before that takes
        the run up again.
        """
        waited = 0.0
        while run.id in self._unkept and not self._ending:
            await asyncio.sleep(REST_SECONDS / 50)  # so that it holds up no end
            waited += REST_SECONDS / 50
            if waited < REST_SECONDS:
                continue
            waited = 0.0
            with suppress(StorageFailed):
                if not run.private:
                    await self._records.save(run, [last.row])
                await self.ended(run)
                if run.private:
                    await self._records.forget([run.id])
                del self._unkept[run.id]

    def finished_private(self, run_id: str) -> Run | None:
        """A run that is over, of which the records do not know that. A private one is remembered for a few minutes, so
        that who sent it learns what came of it.
        """
        if run_id in self._unkept:
            return self._unkept[run_id]
        self._forget_old()
        found = self._private.get(run_id)
        return found[1] if found is not None else None

    def _remember(self, run: Run) -> None:
        self._private[run.id] = (time.monotonic(), run)
        self._forget_old()

    def _forget_old(self) -> None:
        oldest = time.monotonic() - PRIVATE_SECONDS
        while self._private:
            first, (ended, _) = next(iter(self._private.items()))
            if ended > oldest and len(self._private) <= PRIVATE_RUNS:
                return
            del self._private[first]

    async def wait(self, run: Run, seconds: float) -> Run:
        """Wait until a run is over, so many seconds at most; not at all where too many wait already."""
        if run.is_over or run.id not in self.active or self._waiters >= WAITERS:
            return run
        waiting: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(run.id, []).append(waiting)
        self._waiters += 1
        try:
            return await asyncio.wait_for(waiting, seconds)
        except TimeoutError:
            return run
        finally:
            self._waiters -= 1
            others = self._waiting.get(run.id)
            if others is not None and waiting in others:
                others.remove(waiting)
                if not others:
                    del self._waiting[run.id]

    def wake(self) -> None:
        """See soon whether a run can begin."""
        if not self._is_due and not self._ending:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._dispatch)

    def end(self) -> None:
        """Begin nothing more: the server ends. Runs at work are parked by their workers."""
        self._ending = True

    async def settled(self) -> None:
        """Wait until all that was begun here is written."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # Who gets what

    def _dispatch(self) -> None:
        self._is_due = False
        if self.is_held or self._is_resting or self._ending:
            return
        while (choice := self.line.choose(self._crew.idle())) is not None:
            run, post = choice
            self.line.remove(run)
            run.state, run.worker = "running", post.name
            self._crew.give(post, run.id)
            self._spawn(self._begin(run, post))
        self._make_way()

    def _make_way(self) -> None:
        """Where somebody waits and all are busy, the least urgent run that nobody waits for is paused for it."""
        eager = [run for run in self.line.page(0, len(self._crew.posts)) if run.interactive]
        yielding = sum(intent in ("yield", "cancel", "pause") for intent in self._intents.values())
        busy = [self.active[post.run] for post in self._crew.busy() if post.run in self.active]
        others = sorted(
            (run for run in busy if not run.interactive and run.id not in self._intents), key=lambda run: run.order
        )
        for _ in eager[yielding:]:
            if others:
                self.stop(others.pop(), "yield")

    async def _begin(self, run: Run, post: Post) -> None:
        """Tell a worker to make a run; its document comes from the records."""
        worker = post.worker
        try:
            run.starts += 1
            run.started = run.started or time.time()
            full = await self._records.full(run.id)
            if full is None:
                raise LookupError("its document is not in the records")
            # What a worker was at that is gone, this one is not at yet: should it die, it did not die of that.
            run.nodes = {path: report for path, report in run.nodes.items() if report.state != "running"}
            await self._records.save(run)
        except StorageFailed as error:
            log.warning("Run %s waits on: %s", run.id, error)
            if post.run == run.id and post.worker is worker:
                post.run, post.state = "", "idle"
                await self._put_off(run)
            return
        except Exception as error:
            log.exception("Run %s could not be begun", run.id)
            self._intents.pop(run.id, None)
            if post.run == run.id:
                post.run, post.state = "", "idle"
            await self.finish(run, "failed", Failure(code="not_kept", message=f"It could not be begun: {error}."))
            return
        if post.run != run.id or worker is None or post.worker is not worker:
            return  # the worker has ended meanwhile
        if run.starts > 1:
            self._hub.publish(run, {"event": "run_resumed", "worker": post.name})
        worker.tell(
            "run",
            full.workflow.encode(),
            run=run.id,
            wanted=list(run.wanted),
            previews=self._previews and self._looking.begin(run),
            private=run.private,
            metadata=run.metadata,
            client_workflow=full.client_workflow,
        )
        if self._intents.get(run.id) is not None:  # asked to stop before it had begun
            worker.tell("stop", run=run.id, park=self._intents[run.id] != "cancel")

    async def _put_off(self, run: Run) -> None:
        """A run that the database could not take up waits again, and so does all else, until it may have room."""
        intent = self._intents.pop(run.id, None)
        if intent == "cancel":
            await self.finish(run, "cancelled")
            return
        run.state, run.worker = ("paused" if intent == "pause" else "waiting"), ""
        run.starts -= 1
        if run.state == "waiting":
            self.line.add(run)
        if not self._is_resting:
            self._is_resting = True
            asyncio.get_running_loop().call_later(REST_SECONDS, self._rested)

    def _rested(self) -> None:
        self._is_resting = False
        self.wake()

    def _lose_patience(self, run: Run, post: Post) -> None:
        if post.run == run.id and run.id in self.active and post.worker is not None:
            post.worker.kill(f"run {run.id} did not stop within {CANCEL_SECONDS:.0f} s")

    # What workers say

    def started(self, post: Post) -> None:
        """A worker's process is being started."""
        self._facts.worker_started(post.device)

    def ready(self, post: Post) -> None:
        """A worker can take runs."""
        self.wake()

    def event(self, post: Post, run: str, event: Mapping[str, Any], body: bytes) -> None:
        """Something happened in a run."""
        known = self.active.get(run)
        if known is None:
            return
        kind, node = event["event"], event.get("node", "")
        if kind == "node_preview":
            self._preview(known, node, event, body)
            return
        told = for_clients(event, self._places)
        follow(known, told)
        self._facts.event(kind)
        if kind == "node_progress" and event["done"] != event["total"]:
            self._pace.offer(run, (kind, node), partial(self._hub.publish, known, told))
            return
        self._pace.drop(run, ("node_progress", node))
        if kind == "node_finished":
            self._pace.drop(run, ("node_preview", node))
            self._facts.node_finished(known.types.get(node, "other"), event["seconds"], event["reused"])
        self._hub.publish(known, told)

    def _preview(self, run: Run, node: str, event: Mapping[str, Any], data: bytes) -> None:
        whole = event.get("whole", False)
        tell = partial(self._hub.preview, run, node, event["mime"], data, whole=whole)
        if whole:
            tell()
        else:
            self._pace.offer(run.id, ("node_preview", node), tell)

    def over(self, post: Post, run: str, said: Mapping[str, Any]) -> None:
        """A run is over, or parked."""
        self._pace.end(run)
        intent = self._intents.pop(run, None)
        known = self.active.get(run)
        if known is None:
            return
        known.seconds += said.get("seconds", 0.0)
        status = said["status"]
        if status == "parked" and intent != "cancel":
            self._park(known, intent or "end")
        elif status in ("parked", "cancelled"):
            self._spawn(self.finish(known, "cancelled"))
        else:
            error = said.get("error")
            failure = Failure(code=error["code"], message=without_paths(error["message"])) if error else None
            self._spawn(self.finish(known, status, failure))
        self.wake()

    def died(self, post: Post, run: str, reason: str) -> None:
        """A worker ended. Its run is tried again, unless it is the run that workers die of."""
        if reason:
            self._facts.worker_died(post.device)
        self._pace.end(run)
        intent = self._intents.pop(run, None)
        known = self.active.get(run)
        if known is None:
            return
        if intent == "cancel":
            self._crew.excuse(post)
            self._spawn(self.finish(known, "cancelled"))
            return
        if self._ending or not reason or intent in ("pause", "end"):
            self._park(known, intent or "end")
            return
        node, step = where(known)
        known.deaths = (*known.deaths, Death(time=time.time(), worker=post.name, node=node, step=step, reason=reason))
        same = sum((death.node, death.step) == (node, step) for death in known.deaths) if node else 0
        if same >= SAME_DEATHS or len(known.deaths) >= DEATHS:
            self._crew.excuse(post)
            place = f"at step {step} of node '{node}'" if step else f"in node '{node}'" if node else "before any node"
            times = "twice" if same >= SAME_DEATHS else f"{len(known.deaths)} times, the last one"
            failure = Failure(
                node=node,
                code="worker_died",
                message=f"The worker that made it ended {times} {place}. {reason}",
                hint="If memory ran out, make the picture or the batch smaller; else the log tells more.",
            )
            self._spawn(self.finish(known, "failed", failure))
        else:
            self._hub.publish(known, {"event": "run_interrupted", "reason": reason})
            self._park(known, "yield", told=True)

    def catalogue(self, post: Post, data: Mapping[str, Any]) -> None:
        """A worker brings the node types it knows."""
        if self._catalogue.bring(data):
            self._hub.announce("catalogue_changed", revision=self._catalogue.revision)

    def changed(self) -> None:
        """The state of a worker changed."""
        self._hub.announce("workers_changed", workers=[info.model_dump(mode="json") for info in self._crew.workers])

    def _park(self, run: Run, intent: Intent, *, told: bool = False) -> None:
        """A run waits again, or until it is resumed; it goes on where it left off."""
        # At once: who cancels it from here on cancels one that waits, and asks no worker that no longer has it.
        run.state, run.worker = ("paused" if intent == "pause" else "waiting"), ""
        self._spawn(self._parked(run, run.state, intent, told=told))

    async def _parked(self, run: Run, state: State, intent: Intent, *, told: bool) -> None:
        try:
            await self._records.save(run)
        except Exception:
            log.exception("That run %s was paused could not be kept", run.id)
        if run.state != state:  # it was cancelled meanwhile, paused or resumed
            return
        if not told:
            by = {"pause": "user", "yield": "run", "end": "server"}.get(intent, "server")
            self._hub.publish(run, {"event": "run_paused", "by": by})
        if run.state == "waiting":
            self.line.add(run)
        self.wake()

    async def _thin(self, run: Run) -> None:
        """What only matters while it happens is not kept; the number of the last event is."""
        await self._hub.flushed()
        await self._records.thin(run.id)
        await self._records.save(run)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Future[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("Something went wrong in the queue", exc_info=task.exception())


async def _unheard(run: Run) -> None:
    """Nobody wants to know that a run is over."""
