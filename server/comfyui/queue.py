"""`/queue`, `/history`, `/jobs`: runs as ComfyUI's clients list, stop and forget them. Each caller sees its own."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from server.api import Caller, Refusal
from server.comfyui.bodies import answer, large_answer, read_json, read_object
from server.comfyui.clients import is_shown
from server.comfyui.history import JOB_STATES, history_item, job, jobs_page, queue_item
from server.comfyui.routing import Table, number_in
from server.comfyui.sent import place_of
from server.core import Core
from server.run import Run

if TYPE_CHECKING:
    from server.comfyui.face import Face

routes = Table()

WHOLE = 200
"""Runs of the queue that are given with their prompts; those behind them without, so that a queue of ten thousand,
which clients ask for at each change, takes no gigabyte.
"""

MOST = 1_000
"""Runs of the history, or jobs, that one answer holds."""

AT_ONCE = 200
"""Runs that are read, cancelled or forgotten together."""

FREE_SECONDS = 5.0
"""How long workers may take to give back memory before the answer is sent."""


@routes.get("/queue")
async def read_queue(face: "Face", request: web.Request) -> web.Response:
    """Those at work, and those that wait, in order."""
    core, who = face.core, request["who"]
    catalogue = await core.catalogue.get()
    running = [run for run in core.runs.running() if is_shown(run, who)]
    pending = _pending(core, who)
    whole = {run.id: run for run in await _full(face, (*running, *pending)[:WHOLE])}

    def item(run: Run) -> list[Any]:
        known = whole.get(run.id)
        return _short(run) if known is None else queue_item(known, catalogue)

    return await large_answer(
        lambda: {"queue_running": [item(run) for run in running], "queue_pending": [item(run) for run in pending]},
        request,
    )


@routes.post("/queue")
async def change_queue(face: "Face", request: web.Request) -> web.Response:
    """Take runs that wait out of the queue: all (`clear`), or some (`delete`)."""
    asked = await read_object(face, request)
    waiting = {run.id: run for run in _pending(face.core, request["who"])}
    chosen = list(waiting.values()) if asked.get("clear") else []
    if not asked.get("clear"):
        chosen = [waiting[name] for name in _ids(asked) if name in waiting]
    for begin in range(0, len(chosen), AT_ONCE):
        await asyncio.gather(*(_taken_out(face.core, run) for run in chosen[begin : begin + AT_ONCE]))
    # One that had not begun leaves nothing behind, as there.
    await face.core.records.remove(run.id for run in chosen if run.started is None and run.is_over)
    return web.Response()


@routes.post("/interrupt")
async def interrupt(face: "Face", request: web.Request) -> web.Response:
    """Stop the run at work that is named, or all of the caller's."""
    try:
        asked = await read_json(face, request)
    except Refusal as refusal:
        if refusal.status != 400:
            raise
        asked = {}
    name = asked.get("prompt_id") if type(asked) is dict else None
    for run in face.core.runs.running():
        if is_shown(run, request["who"]) and (name is None or run.id == str(name)):
            await face.core.runs.cancel(run)
    return web.Response()


@routes.post("/free")
async def free(face: "Face", request: web.Request) -> web.Response:
    """Give back memory between runs."""
    asked = await read_object(face, request)
    results = bool(asked.get("free_memory"))
    if results or asked.get("unload_models"):
        with contextlib.suppress(TimeoutError):  # a worker that is busy does it all the same, when it comes to it
            async with asyncio.timeout(FREE_SECONDS):
                await face.core.runs.free(models=True, results=results)
    return web.Response()


@routes.get("/history")
async def read_history(face: "Face", request: web.Request) -> web.Response:
    """Runs that are over, the oldest first: at most the last `MOST`, or so many from a number on."""
    count, offset = number_in(request, "max_items"), number_in(request, "offset")
    most = MOST if count is None or count < 0 else min(count, MOST)
    begin = -1 if offset is None else min(offset, 2**53)
    catalogue = await face.core.catalogue.get()
    runs = await face.core.records.comfyui_page(most, begin, owner=request["who"].owner)
    shown = [run for run in runs if run.started is not None or run.state != "cancelled"]
    return await large_answer(lambda: {run.id: history_item(run, catalogue) for run in shown}, request)


@routes.get("/history/{prompt_id:.+}")
async def read_history_item(face: "Face", request: web.Request) -> web.Response:
    """One run that is over; nothing for any other."""
    run = await _found(face, request, request.match_info["prompt_id"])
    if run is None or not run.is_over:
        return answer({})
    catalogue = await face.core.catalogue.get()
    return await large_answer(lambda: {run.id: history_item(run, catalogue)}, request)


@routes.post("/history")
async def change_history(face: "Face", request: web.Request) -> web.Response:
    """Forget runs that are over: all (`clear`), or some (`delete`). Their files stay."""
    asked, records = await read_object(face, request), face.core.records
    owner = request["who"].owner
    if asked.get("clear"):
        while runs := await records.comfyui_page(AT_ONCE, 0, owner=owner):
            if not await records.remove(run.id for run in runs):
                break
        return web.Response()
    for name in _ids(asked):
        run = await records.light(name)
        if run is not None and run.is_over and is_shown(run, request["who"]):
            await records.remove([run.id])
    return web.Response()


@routes.get("/jobs")
async def list_jobs(face: "Face", request: web.Request) -> web.Response:
    """A page of runs, the newest first. status: some of them, with commas between."""
    states, asked = _states(request.query.get("status", "")), request.query
    offset, limit = number_in(request, "offset") or 0, number_in(request, "limit") or 0
    if offset < 0 or limit < 0:
        raise Refusal(400, "bad_query", "offset and limit are not below 0.")
    order = asked.get("sort_order", "desc")
    if order not in ("asc", "desc"):
        raise Refusal(400, "bad_query", f"sort_order: '{order[:40]}' is neither asc nor desc.")
    workflow = asked.get("workflow_id")
    catalogue = await face.core.catalogue.get()
    most = min(offset + (limit or MOST), 10 * MOST) if workflow is None else MOST
    owner = request["who"].owner
    page = await face.core.records.page(owner=owner, states=states, newest_first=order == "desc", limit=most)
    shown = [run for run in page.runs if not run.private]
    total = page.total - (len(page.runs) - len(shown))
    chosen = shown if workflow is not None else shown[offset:][:MOST]
    runs = await _full(face, chosen)

    def made() -> dict[str, Any]:
        jobs = [job(run, catalogue) for run in runs]
        if workflow is None:
            return jobs_page(jobs, offset=offset, limit=limit, total=total)
        found = [item for item in jobs if item["workflow_id"] == workflow]
        return jobs_page(found[offset:][: limit or MOST], offset=offset, limit=limit, total=len(found))

    return await large_answer(made, request)


@routes.get("/jobs/{job_id:.+}")
async def read_job(face: "Face", request: web.Request) -> web.Response:
    """One run, with what it shows and what was sent."""
    run = await _found(face, request, request.match_info["job_id"])
    if run is None:
        return answer({"error": "Job not found"}, 404)
    catalogue = await face.core.catalogue.get()
    return await large_answer(lambda: job(run, catalogue, detailed=True), request)


async def _taken_out(core: Core, run: Run) -> None:
    """Cancel a run, unless it has begun meanwhile."""
    if run.state in ("waiting", "paused"):
        await core.runs.cancel(run)


def _pending(core: Core, who: Caller) -> list[Run]:
    """Those that wait, in order, and behind them those that are paused."""
    paused = [run for run in core.runs.active.values() if run.state == "paused"]
    return [run for run in (*core.runs.line(), *paused) if is_shown(run, who)]


async def _full(face: "Face", runs: Sequence[Run]) -> list[Run]:
    """Runs with all that is kept of them. Those that are gone meanwhile are left out."""
    active = face.core.runs.active
    found: list[Run] = []
    for begin in range(0, len(runs), AT_ONCE):
        some = runs[begin : begin + AT_ONCE]
        kept = await asyncio.gather(*(face.core.records.full(run.id) for run in some))
        found += [run if run.id not in active else _now(active[run.id], run) for run in kept if run is not None]
    return found


def _now(active: Run, kept: Run) -> Run:
    """A run as it is now, with the documents that are not held in memory."""
    return replace(
        active, workflow=kept.workflow, client_workflow=kept.client_workflow, comfyui=kept.comfyui, hook=kept.hook
    )


async def _found(face: "Face", request: web.Request, name: str) -> Run | None:
    try:
        run = await face.core.runs.find(name, request["who"])
    except Refusal as refusal:
        if refusal.status != 404:
            raise
        return None
    return run if is_shown(run, request["who"]) else None


def _short(run: Run) -> list[Any]:
    """A run of the queue without its prompt."""
    return [place_of(run), run.id, {}, {"client_id": run.client} if run.client else {}, []]


def _ids(asked: dict[str, Any]) -> Iterable[str]:
    """The ids under `delete`. Raises Refusal 400 where these are no list."""
    given = asked.get("delete")
    if given is None:
        return ()
    if type(given) is not list:
        raise Refusal(400, "bad_body", "delete: This is no list of ids.", 'Send {"delete": ["PROMPT_ID"]}.')
    return dict.fromkeys(str(name) for name in given if type(name) in (str, int, float))


def _states(text: str) -> tuple[str, ...]:
    """Our states for those of jobs. Raises Refusal 400 for one there is not."""
    asked = [word.strip() for word in text.split(",") if word.strip()]
    for word in asked:
        if word not in JOB_STATES.values():
            known = ", ".join(dict.fromkeys(JOB_STATES.values()))
            raise Refusal(400, "bad_query", f"status: There is no '{word[:40]}'.", f"There are: {known}.")
    return tuple(state for state, word in JOB_STATES.items() if word in asked)
