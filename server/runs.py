"""What can be done with runs: submit, see, move, pause, resume, cancel, try again, forget."""

import asyncio
import json
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any
from urllib.parse import quote

from graph.catalogue import whence
from graph.check import check
from graph.document import Workflow
from graph.problem import Problem, joined
from server.api import Caller, Refusal
from server.catalogue import LiveCatalogue
from server.crew import Crew
from server.foreman import Foreman
from server.hub import Hub
from server.library import Library
from server.places import Places
from server.records import KeyTaken, Records
from server.run import FileInfo, Queue, Run, RunDetail, RunInfo, SubmitRun
from server.settings import Settings
from server.submission import Prepared, prepare, read, told
from server.worker import WorkerError

HELD = "queue_held"
"""The setting that remembers that nothing is to be begun."""

FARTHEST = 1e12
"""The largest position that can be asked for: beyond it there must be room for those that come later."""

RETRY_SECONDS = 30
"""When somebody may ask again who found the line full."""


class Runs:
    """The runs of one server."""

    def __init__(
        self,
        settings: Settings,
        places: Places,
        records: Records,
        hub: Hub,
        catalogue: LiveCatalogue,
        crew: Crew,
        library: Library,
        foreman: Foreman,
    ) -> None:
        self._settings = settings
        self._places = places
        self._records = records
        self._hub = hub
        self._catalogue = catalogue
        self._crew = crew
        self._library = library
        self._foreman = foreman
        self._files = places.folders()
        self._last_position = 0.0
        self._first_position = 0.0

    async def start(self) -> None:
        """Go on where the last server left off."""
        self._last_position, self._first_position = await self._records.positions()
        self._foreman.is_held = await self._records.remembered(HELD) is True
        await self._foreman.take_up()

    # What there is

    @property
    def active(self) -> Mapping[str, Run]:
        """All runs that are not over, by id."""
        return self._foreman.active

    @property
    def is_held(self) -> bool:
        """Whether nothing is begun."""
        return self._foreman.is_held

    def line(self) -> list[Run]:
        """Those that wait, in order."""
        return list(self._foreman.line)

    def running(self) -> list[Run]:
        """Those at work."""
        return [run for run in self.active.values() if run.state == "running"]

    def counts(self) -> dict[str, int]:
        """How many there are in each state that is not over."""
        found = {"waiting": 0, "running": 0, "paused": 0}
        for run in self.active.values():
            if run.state in found:
                found[run.state] += 1
        return found

    async def find(self, run_id: str, who: Caller) -> Run:
        """A run with all that is kept of it. Raises Refusal 404 for one that is not there, or not the caller's."""
        active = self.active.get(run_id) or self._foreman.finished_private(run_id)
        if active is not None:
            _own(active, who)
            full = await self._records.full(run_id)
            if full is None:
                return active
            return replace(
                active,
                workflow=full.workflow,
                client_workflow=full.client_workflow,
                comfyui=full.comfyui,
                hook=full.hook,
            )
        full = await self._records.full(run_id)
        if full is None:
            raise _unknown(run_id)
        _own(full, who)
        return full

    def known(self, run_id: str, who: Caller) -> Run:
        """A run that is not over, itself. Raises Refusal 404 for one that is not the caller's, 409 for one that is
        over or was never there.
        """
        run = self.active.get(run_id)
        if run is None:
            raise Refusal(409, "not_active", f"Run '{run_id}' is over, or there is none.")
        _own(run, who)
        return run

    def info(self, run: Run) -> RunInfo:
        """A run, in short."""
        return RunInfo(**self._facts(run))

    def detail(self, run: Run) -> RunDetail:
        """A run with all that is kept of it."""
        return RunDetail(
            **self._facts(run),
            workflow=json.loads(run.workflow) if run.workflow else {},
            outputs=run.wanted,
            nodes=run.nodes,
            deaths=run.deaths,
            models=tuple(path.replace("\\", "/").rpartition("/")[2] for path in run.models),
        )

    def queue(self, begin: int, count: int, who: Caller) -> Queue:
        """The line: those at work, and a page of those that wait. Of others' runs only the number is told."""
        everything = who.may("admin")
        line = self._foreman.line
        page = line.page(begin, count)
        return Queue(
            paused=self.is_held,
            running=[self.info(run) for run in self.running() if everything or run.owner == who.owner],
            waiting=[self.info(run) for run in page if everything or run.owner == who.owner],
            waiting_count=len(line),
            next=str(begin + count) if begin + count < len(line) else "",
        )

    def url(self, kind: str, name: str) -> str:
        """Where a file is fetched."""
        return f"{self._settings.base_path}/v1/files/{kind}/{quote(name)}"

    # What can be done

    async def submit(
        self,
        asked: SubmitRun,
        who: Caller,
        *,
        app: str = "",
        key: str = "",
        digest: str = "",
        comfyui: dict[str, Any] | None = None,
        client: str = "",
        number: float | None = None,
        hook: dict[str, Any] | None = None,
        retry_of: str = "",
        workflow: Workflow | None = None,
        run_id: str = "",
    ) -> Run:
        """Accept a run: it is kept durably before this returns.

        key: one that was used before gives the run that was then accepted; digest: of what is submitted under it.
        number: its position. workflow: instead of the document that `asked` gives. Raises Refusal: 422 where it cannot
        run, or the key was used for something else, 429 where too many wait, 409 for an id that is taken.
        """
        if (before := await self.earlier(who.owner, app, key, digest)) is not None:
            return before
        if len(self.active) >= self._settings.max_waiting:
            raise Refusal(
                429,
                "queue_full",
                f"{len(self.active)} runs wait already, which is as many as may.",
                "Send it again later.",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
        document, name = (workflow, "") if workflow is not None else await self._document(asked)
        catalogue = await self._catalogue.get()
        prepared: Prepared = await asyncio.to_thread(
            prepare, document, asked.settings, asked.outputs, catalogue, self._files, self._places.model_folders
        )
        run = Run(
            id=run_id or uuid.uuid4().hex,
            owner=who.owner,
            app=app,
            key=key,
            digest=digest if key else "",
            title=asked.title or prepared.workflow.title or name,
            state="paused" if asked.paused else "waiting",
            priority=asked.priority,
            position=self._position(number, front=asked.front),
            interactive=asked.interactive,
            private=asked.private,
            created=time.time(),
            workflow=prepared.text,
            wanted=asked.outputs,
            metadata=asked.metadata or "",
            client_workflow=json.dumps(asked.client_workflow) if asked.client_workflow is not None else None,
            comfyui=comfyui,
            client=client,
            hook=hook,
            labels=dict(asked.labels),
            models=prepared.models,
            seeds=prepared.seeds,
            retry_of=retry_of,
        )
        try:
            await self._records.accept([run])
        except KeyTaken as error:  # by a request that was quicker
            before = await self.earlier(who.owner, app, key, digest)
            if before is None:
                raise Refusal(409, "key_taken", str(error)) from error
            return before
        except sqlite3.IntegrityError as error:
            raise Refusal(409, "id_taken", f"There is a run with the id '{run.id}' already.") from error
        held = replace(run, workflow="", client_workflow=None, comfyui=None)
        self._foreman.accept(held)
        return held

    async def earlier(self, owner: str, app: str, key: str, digest: str) -> Run | None:
        """The run that an owner submitted under a key before. Raises Refusal 422 where it was something else."""
        before = await self._records.by_key(owner, app, key) if key else None
        if before is None:
            return None
        if before.digest != digest:
            raise Refusal(
                422,
                "key_reused",
                "This Idempotency-Key was used for another request.",
                "Use a key for one request only.",
            )
        return self.active.get(before.id, before)

    async def cancel(self, run: Run) -> None:
        """End a run: at once where it waits, at its next step where it is at work."""
        if run.state == "running":
            self._foreman.stop(run, "cancel")
        elif not run.is_over:
            await self._foreman.finish(run, "cancelled")

    async def pause(self, run: Run) -> None:
        """Let a run wait until it is resumed. One at work is parked at its next step, and goes on from there."""
        if run.state == "running":
            self._foreman.stop(run, "pause")
        elif run.state == "waiting":
            self._foreman.line.remove(run)
            run.state = "paused"
            await self._records.save(run)
            if run.state == "paused":  # somebody may have wanted something else meanwhile
                self._hub.publish(run, {"event": "run_paused", "by": "user"})

    async def resume(self, run: Run) -> None:
        """Let a paused run wait for its turn again."""
        if run.state != "paused":
            raise Refusal(409, "not_paused", f"Run '{run.id}' is {run.state}, not paused.")
        run.state = "waiting"
        await self._records.save(run)
        if run.state == "waiting":  # and was not cancelled or paused meanwhile
            self._hub.publish(run, {"event": "run_queued"})
            self._foreman.line.add(run)
            self._foreman.wake()

    async def move(
        self, run: Run, *, priority: int | None = None, position: float | None = None, front: bool = False
    ) -> None:
        """Give a run another place in the line."""
        if run.is_over:
            raise Refusal(409, "not_active", f"Run '{run.id}' is over.")
        run.priority = run.priority if priority is None else priority
        if position is not None or front:
            run.position = self._position(position, front=front)
        if run in self._foreman.line:
            self._foreman.line.add(run)
        await self._records.save(run)
        if not run.is_over:  # nothing follows the last event
            self._hub.publish(run, {"event": "run_moved", "priority": run.priority, "position": run.position})
        self._foreman.wake()

    async def retry(self, run: Run, who: Caller) -> Run:
        """Submit a run that is over once more: what it had finished is not computed again."""
        if not run.is_over:
            raise Refusal(409, "not_over", f"Run '{run.id}' is not over yet.")
        if not run.workflow:
            raise Refusal(409, "not_kept", f"The workflow of run '{run.id}' was not kept.")
        asked = SubmitRun(
            workflow=json.loads(run.workflow),
            outputs=run.wanted,
            title=run.title,
            priority=run.priority,
            interactive=run.interactive,
            metadata=run.metadata or None,  # type: ignore[arg-type]
            labels=run.labels,
            client_workflow=json.loads(run.client_workflow) if run.client_workflow else None,
        )
        return await self.submit(asked, who, app=run.app, comfyui=run.comfyui, client=run.client, retry_of=run.id)

    async def forget(self, run: Run) -> None:
        """Remove a run that is over from the history. Its files stay."""
        if run.id in self.active:
            raise Refusal(409, "not_over", f"Run '{run.id}' is not over yet. Cancel it first.")
        await (self._records.forget if run.private else self._records.remove)([run.id])

    async def wait(self, run_id: str, seconds: float) -> Run | None:
        """A run as soon as it is over, or when the seconds are; None where there is none."""
        run = self.active.get(run_id)
        if run is not None:
            return await self._foreman.wait(run, seconds)
        return self._foreman.finished_private(run_id) or await self._records.full(run_id)

    async def hold(self) -> None:
        """Begin nothing more until `go_on`. What is at work goes to its end."""
        await self._set_held(True)

    async def go_on(self) -> None:
        """Begin runs again."""
        await self._set_held(False)

    async def check(self, document: Workflow | Mapping[str, Any], outputs: Sequence[str] = ()) -> list[Problem]:
        """All that is wrong with a document. Raises Refusal 422 for what is none."""
        catalogue = await self._catalogue.get()

        def look() -> list[Problem]:
            workflow, problems = read(document, catalogue)
            found = check(workflow, catalogue, self._files, list(outputs) or None)
            return told(joined(problems, found, whence(catalogue)))

        return await asyncio.to_thread(look)

    async def plan(self, asked: SubmitRun) -> dict[str, Any]:
        """What a run would compute, as the worker with the best view of the cache says. Raises Refusal 422, 503."""
        document, _ = await self._document(asked)
        catalogue = await self._catalogue.get()
        prepared = await asyncio.to_thread(
            prepare, document, asked.settings, asked.outputs, catalogue, self._files, self._places.model_folders
        )
        return await self._asked("plan", prepared.text.encode(), wanted=list(asked.outputs))

    async def free(self, *, models: bool = True, results: bool = False) -> None:
        """Let workers give back memory: weights that nobody uses at the moment, results in memory."""
        posts = [post for post in self._crew.posts if post.worker is not None and post.state in ("idle", "busy")]
        asked = [post.worker.ask("free", models=models, results=results) for post in posts if post.worker is not None]
        for post, answer in zip(posts, await asyncio.gather(*asked, return_exceptions=True), strict=True):
            if isinstance(answer, dict):
                post.held = frozenset(answer.get("held", ()))

    # Inside

    async def _asked(self, what: str, body: bytes, **facts: Any) -> Any:
        post = self._crew.anyone()
        if post is None or post.worker is None:
            raise Refusal(503, "no_worker", "No worker can answer now.", headers={"Retry-After": "5"})
        try:
            return await asyncio.wait_for(post.worker.ask(what, body, **facts), 60.0)
        except WorkerError as error:
            status = 422 if error.code in ("invalid_workflow", "cannot_run") else 503
            raise Refusal(status, error.code, str(error), problems=[dict(item) for item in error.problems]) from error
        except TimeoutError as error:
            raise Refusal(503, "no_answer", "The worker did not answer within 60 s.") from error

    async def _document(self, asked: SubmitRun) -> tuple[Mapping[str, Any] | bytes, str]:
        if (asked.workflow is None) == (not asked.name):
            raise Refusal(422, "no_workflow", "Give either a `workflow` or the `name` of one.")
        if asked.workflow is not None:
            return asked.workflow, ""
        loaded = await self._library.load(asked.name)
        return loaded.text.encode(), asked.name

    def _file_url(self, run: Run, place: int, file: Mapping[str, str]) -> str:
        """Where a file of a run is fetched: those of published workflows by who may run only them, too."""
        if not run.app:
            return self.url(file["kind"], file["name"])
        return f"{self._settings.base_path}/v1/apps/{quote(run.app)}/runs/{quote(run.id)}/files/{place}"

    def _position(self, asked: float | None, *, front: bool = False) -> float:
        """A place in the line: the one that was asked, before all others, or behind them."""
        if asked is not None and isfinite(asked):
            position = min(max(asked, -FARTHEST), FARTHEST)
        elif front:
            position = self._first_position - 1
        else:
            position = self._last_position + 1
        self._last_position = max(self._last_position, position)
        self._first_position = min(self._first_position, position)
        return position

    async def _set_held(self, held: bool) -> None:
        await self._records.remember(HELD, held)
        self._foreman.is_held = held
        self._hub.announce("queue_changed", paused=held)
        self._foreman.wake()

    def _facts(self, run: Run) -> dict[str, Any]:
        current = next((path for path, report in reversed(run.nodes.items()) if report.state == "running"), "")
        report = run.nodes.get(current)
        return {
            **{name: getattr(run, name) for name in _PLAIN},
            "files": [
                FileInfo(node=node, kind=file["kind"], name=file["name"], url=self._file_url(run, place, file))
                for place, (node, file) in enumerate(run.files)
            ],
            "seeds": {name: str(value) for name, value in run.seeds.items()},
            "last_event": run.next_seq - 1,
            "ahead": self._foreman.line.ahead_of(run),
            "nodes_done": sum(item.state in ("finished", "failed", "skipped") for item in run.nodes.values()),
            "nodes_planned": len(run.planned),
            "current": current,
            "done": report.done if report is not None else 0,
            "total": report.total if report is not None else 0,
        }


_PLAIN = (
    "id", "state", "title", "owner", "app", "priority", "position", "interactive", "private", "created", "started",
    "finished", "seconds", "error", "labels", "starts", "worker", "retry_of",
)  # fmt: skip


def _own(run: Run, who: Caller) -> None:
    """Raise Refusal 404 where a run is not the caller's: that there is one is nobody else's business."""
    if not (who.may("admin") or run.owner == who.owner):
        raise _unknown(run.id)


def _unknown(run_id: str) -> Refusal:
    return Refusal(404, "unknown_run", f"There is no run '{run_id}'.")
