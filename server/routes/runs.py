"""Runs and the line: `/v1/runs`, `/v1/queue`, `/v1/check`, `/v1/plan`."""

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Mapping
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from graph.problem import Problem
from graph.spec import Frozen
from server.api import Answer, Caller, Refusal, Routes
from server.core import Core
from server.run import Queue, Run, RunDetail, RunInfo, State, SubmitRun

routes = Routes("runs")

LONGEST_WAIT = 300.0
"""How long an answer is held back at most for a run to be over, in seconds."""

LEAVING_SECONDS = 30.0
"""How long a worker may take to come to the end of its step when another is to take its place."""

MANY = 1000
"""How many runs one request may name."""


class RunsQuery(Frozen):
    """Which runs: by state, published workflow, a part of the title, a label (`name:value`). after: `next` of the page
    before.
    """

    state: list[State] = Field(default_factory=list)
    app: str | None = None
    text: str = ""
    label: str = ""
    order: Literal["newest", "oldest"] = "newest"
    after: str = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class RunsPage(Frozen):
    """Some runs. next: where the next page begins; empty: this is the last."""

    runs: list[RunInfo]
    next: str
    total: int


class QueueQuery(Frozen):
    """Which page of the line: `after` is `next` of the page before."""

    after: Annotated[str, Field(pattern=r"^[0-9]{0,9}$")] = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class Move(Frozen):
    """Another place in the line. position: among those of one priority, lower goes first. front: before all others."""

    priority: Annotated[int, Field(ge=-100, le=100)] | None = None
    position: Annotated[float, Field(ge=-1e12, le=1e12)] | None = None
    front: bool = False


class Chosen(Frozen):
    """Runs by id; none: all that wait."""

    runs: list[str] = Field(default_factory=list, max_length=MANY)


class Cancelled(Frozen):
    """How many runs were asked to end."""

    cancelled: int


class CheckRequest(Frozen):
    """A document to be checked: ours, or one of ComfyUI's. outputs: the nodes wanted, if not all output nodes."""

    workflow: dict[str, Any]
    outputs: tuple[str, ...] = ()


class Checked(Frozen):
    """All that is wrong. ok: it can run; there may be warnings."""

    ok: bool
    problems: list[Problem]


class PlanStep(Frozen):
    """What would be done with one node, and why."""

    node: str
    action: str
    why: str
    seconds: float | None
    type: str


class Planned(Frozen):
    """What a run would do now. unneeded: nodes whose results are not needed, since what is made of them is reused.
    warnings: what a person should know beforehand, such as that weights do not fit into memory.
    """

    steps: list[PlanStep]
    unneeded: list[str]
    wanted: list[str]
    warnings: list[str]


class Freeing(Frozen):
    """What workers give back: weights that nobody uses at the moment, results held in memory."""

    models: bool = True
    results: bool = False


@routes.post("/v1/runs", scope="run", status=202, also=(200,), refusals=(404, 409, 429, 503))
async def submit(core: Core, who: Caller, request: web.Request, body: SubmitRun) -> Answer[RunInfo]:
    """Accept a run.

    It is kept durably before the answer is sent: 202 and the run. With `Prefer: wait=60` the answer waits until the run
    is over, so many seconds at most, and is then 200. With an `Idempotency-Key`, a second request of the same body
    gives the run that the first one made. A `webhook` is told when the run is over.
    """
    key = key_of(request.headers)
    digest = await asyncio.to_thread(digest_of, body) if key else ""

    def submitted(run_id: str, hook: dict[str, Any] | None) -> Awaitable[Run]:
        return core.runs.submit(body, who, key=key, digest=digest, hook=hook, run_id=run_id)

    run = await core.webhooks.follow(body.webhook, who.owner, base_of(request), submitted)
    return await answer_for(core, run, waits(request.headers))


def key_of(headers: Mapping[str, str]) -> str:
    """The `Idempotency-Key` of a request, "" where there is none. Raises Refusal 422 for one that is too long."""
    key = headers.get("Idempotency-Key", "")
    if len(key) > 200:
        raise Refusal(422, "bad_key", "The Idempotency-Key is longer than 200 characters.")
    return key


def digest_of(body: BaseModel) -> str:
    """By what a body is known again: the same for the same values in another order. Secrets do not count."""
    text = json.dumps(body.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def base_of(request: web.Request) -> str:
    """The origin under which the client sees the server."""
    seen = request.get("seen")
    return seen.origin if seen is not None else ""


def waits(headers: Mapping[str, str]) -> float:
    """How long `Prefer: wait=SECONDS` asks an answer to be held back (RFC 7240)."""
    found = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?", headers.get("Prefer", ""))
    return min(float(found[1]), LONGEST_WAIT) if found else 0.0


async def answer_for(core: Core, run: Run, seconds: float) -> Answer[RunInfo]:
    """202 with the run as it is, or 200 if it is over within that time."""
    if seconds > 0 and not run.is_over:
        run = await core.runs.wait(run.id, seconds) or run
    headers = {"Location": f"{core.settings.base_path}/v1/runs/{run.id}"}
    if seconds > 0:
        headers["Preference-Applied"] = f"wait={seconds:.0f}"
    return Answer(core.runs.info(run), 200 if run.is_over else 202, headers)


@routes.get("/v1/runs", refusals=(422,))
async def list_runs(core: Core, who: Caller, query: RunsQuery) -> RunsPage:
    """The history, those that are not over included: in the order they were accepted."""
    name, colon, value = query.label.partition(":")
    if query.label and not colon:
        raise Refusal(422, "bad_label", "A label is asked for as `name:value`.")
    page = await core.records.page(
        owner=None if who.may("admin") else who.owner,
        states=query.state,
        app=query.app,
        text=query.text,
        label=(name, value) if query.label else None,
        newest_first=query.order == "newest",
        after=query.after,
        limit=query.limit,
    )
    runs = [core.runs.active.get(run.id, run) for run in page.runs]
    return RunsPage(runs=[core.runs.info(run) for run in runs], next=page.next, total=page.total)


@routes.get("/v1/runs/{run}", scope="run:app", refusals=(404,))
async def get_run(core: Core, who: Caller, run: str) -> RunDetail:
    """A run with its workflow, what came of each node and how long it took, its errors and seeds.

    Who may run published workflows alone is not told the workflow.
    """
    detail = core.runs.detail(await core.runs.find(run, who))
    return detail.model_copy(update={"workflow": {}, "models": ()}) if who.is_guest else detail


@routes.delete("/v1/runs/{run}", scope="run", refusals=(404, 409))
async def forget(core: Core, who: Caller, run: str) -> None:
    """Remove a run that is over from the history. Its files stay."""
    await core.runs.forget(await core.runs.find(run, who))


@routes.post("/v1/runs/{run}/cancel", scope="run:app", refusals=(404, 409))
async def cancel(core: Core, who: Caller, run: str) -> RunInfo:
    """End a run: at once where it waits, at its next step where it is at work."""
    found = await _active(core, who, run)
    await core.runs.cancel(found)
    return core.runs.info(found)


@routes.post("/v1/runs/{run}/pause", scope="run", refusals=(404, 409))
async def pause(core: Core, who: Caller, run: str) -> RunInfo:
    """Let a run wait until it is resumed. One at work stops at its next step and later goes on from there."""
    found = await _active(core, who, run)
    await core.runs.pause(found)
    return core.runs.info(found)


@routes.post("/v1/runs/{run}/resume", scope="run", refusals=(404, 409))
async def resume(core: Core, who: Caller, run: str) -> RunInfo:
    """Let a paused run wait for its turn again."""
    found = await _active(core, who, run)
    await core.runs.resume(found)
    return core.runs.info(found)


@routes.post("/v1/runs/{run}/move", scope="run", refusals=(404, 409))
async def move(core: Core, who: Caller, run: str, body: Move) -> RunInfo:
    """Give a run another place in the line."""
    found = await _active(core, who, run)
    await core.runs.move(found, priority=body.priority, position=body.position, front=body.front)
    return core.runs.info(found)


@routes.post("/v1/runs/{run}/retry", scope="run", status=202, refusals=(404, 409, 422, 429))
async def retry(core: Core, who: Caller, run: str) -> RunInfo:
    """Submit a run that is over once more. What it had finished is not computed again."""
    return core.runs.info(await core.runs.retry(await core.runs.find(run, who), who))


@routes.get("/v1/queue", refusals=(422,))
async def get_queue(core: Core, who: Caller, query: QueueQuery) -> Queue:
    """The line: the runs at work, and a page of those that wait, in order."""
    return core.runs.queue(int(query.after or 0), query.limit, who)


@routes.post("/v1/queue/pause", scope="admin")
async def hold(core: Core, who: Caller) -> Queue:
    """Begin nothing more until the line is resumed. Runs at work go to their end."""
    await core.runs.hold()
    return core.runs.queue(0, 50, who)


@routes.post("/v1/queue/resume", scope="admin")
async def go_on(core: Core, who: Caller) -> Queue:
    """Begin runs again."""
    await core.runs.go_on()
    return core.runs.queue(0, 50, who)


@routes.post("/v1/queue/cancel", scope="run", refusals=(404,))
async def cancel_many(core: Core, who: Caller, body: Chosen) -> Cancelled:
    """Cancel several runs, or all of the caller's that wait."""
    if body.runs:
        chosen = [run for run_id in dict.fromkeys(body.runs) if (run := core.runs.active.get(run_id)) is not None]
    else:
        chosen = core.runs.line()
    own = [run for run in chosen if who.may("admin") or run.owner == who.owner]
    for run in own:
        await core.runs.cancel(run)
    return Cancelled(cancelled=len(own))


@routes.post("/v1/check", scope="run", refusals=(422, 503))
async def check(core: Core, body: CheckRequest) -> Checked:
    """All that is wrong with a document, at once."""
    problems = await core.runs.check(body.workflow, body.outputs)
    return Checked(ok=all(problem.severity != "error" for problem in problems), problems=problems)


@routes.post("/v1/plan", scope="run", refusals=(404, 422, 503))
async def plan(core: Core, body: SubmitRun) -> Planned:
    """What a run would compute now and what it would reuse, in which order and why, as a worker sees it."""
    return Planned.model_validate(await core.runs.plan(body))


@routes.post("/v1/workers/{worker}/retry", scope="admin", status=204, refusals=(404,))
async def try_again(core: Core, worker: str) -> None:
    """Try a device again that was set aside."""
    post = core.crew.named(worker)
    if post is None:
        raise Refusal(404, "unknown_worker", f"There is no worker '{worker}'.")
    core.crew.again(post)


@routes.post("/v1/workers/{worker}/restart", scope="admin", status=204, refusals=(404,))
async def restart(core: Core, worker: str) -> None:
    """Let a new worker take the place of this one, which reads packs anew. Its run is parked, and goes on."""
    post = core.crew.named(worker)
    if post is None:
        raise Refusal(404, "unknown_worker", f"There is no worker '{worker}'.")
    await core.crew.renew(post, LEAVING_SECONDS)


@routes.post("/v1/workers/free", scope="admin", status=204)
async def free(core: Core, body: Freeing) -> None:
    """Let workers give back memory that nothing at work needs."""
    await core.runs.free(models=body.models, results=body.results)


async def _active(core: Core, who: Caller, run_id: str) -> Run:
    """A run that is not over, itself. Raises Refusal 404 where there is none, 409 where it is over."""
    if run_id not in core.runs.active:
        await core.runs.find(run_id, who)
    return core.runs.known(run_id, who)
