"""How the server is: facts, health, metrics, log, and what to send when asking for help."""

import time
from typing import Annotated

from aiohttp import web
from pydantic import Field

from graph.spec import Frozen
from server.api import Answer, Caller, Routes
from server.bundle import bundle
from server.core import Core
from server.facts import Health, SystemInfo

routes = Routes("system")

METRICS_MIME = "text/plain; version=0.0.4; charset=utf-8"


class LogQuery(Frozen):
    """after: only lines with a number above it."""

    after: int = Field(-1, ge=-1)


class LogLine(Frozen):
    """A line of the log, without secrets. time: seconds since 1970."""

    number: int
    time: float
    level: str
    logger: str
    text: str


class LogPage(Frozen):
    """The last lines of the log, the oldest first. last: the number to ask after next time; -1: nothing was logged."""

    lines: list[LogLine]
    last: int


@routes.get("/v1/system")
async def read_system(core: Core) -> SystemInfo:
    """The version, the machine, the workers with their devices, and how many runs are not over."""
    return await core.facts.system(core)


@routes.get("/v1/health", scope="public", also=(503,))
async def read_health(core: Core, who: Caller) -> Annotated[Answer, Health]:
    """200: runs can be accepted and made. 503: they cannot. Why is told to those who may submit runs."""
    health, serving = await core.facts.health(core)
    told = health if who.may("run") else Health(status=health.status)
    return Answer(told, 200 if serving else 503, {"Cache-Control": "no-store"})


@routes.get("/v1/metrics", scope="admin", produces="text/plain")
async def read_metrics(core: Core) -> web.Response:
    """Everything that is measured, for Prometheus."""
    return web.Response(body=await core.facts.exposition(core), headers={"Content-Type": METRICS_MIME})


@routes.get("/v1/logs", scope="admin")
async def read_logs(core: Core, query: LogQuery) -> LogPage:
    """The last lines of the log, of the server and its workers."""
    entries = core.facts.logs.entries(query.after)
    lines = [LogLine(**entry.model_dump(exclude={"outline"})) for entry in entries]
    return LogPage(lines=lines, last=lines[-1].number if lines else query.after)


@routes.post("/v1/support-bundle", scope="admin", produces="application/zip")
async def make_bundle(core: Core) -> web.Response:
    """An archive to send along when asking for help. It holds no prompts, no tokens, no paths and no names of people:
    read `README.txt` in it, and look at the rest, before it leaves the machine.
    """
    body = await bundle(core)
    name = f"noisewright-support-{time.strftime('%Y%m%d-%H%M%S')}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(body=body, headers=headers, content_type="application/zip")
