"""What is known of the server itself: what it counts, what it logged, and how it and its machine are doing."""

import asyncio
import os
import platform
import shutil
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import Field

from graph.spec import Frozen
from server.crew import WorkerInfo
from server.log_ring import LogRing
from server.metrics import Gauge, Metrics
from server.redaction import without_paths

if TYPE_CHECKING:
    from server.core import Core

LEAST_FREE = 512 * 2**20
"""Bytes on the disk of the data folder below which the server is not well."""

PATIENCE_SECONDS = 2.0
"""How long the database may take to answer before the server is not well."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

UNMATCHED = "(none)"
"""The route of a request that has none."""


class Host(Frozen):
    """The machine. Memory and disk in bytes; the disk is that of the data folder. None: it cannot be told."""

    platform: str
    python: str
    cores: int
    memory_total: int | None
    memory_available: int | None
    disk_total: int | None
    disk_free: int | None


class SystemInfo(Frozen):
    """The server and its machine. memory: resident bytes of the server's own process. runs: state → how many are not
    over. held: nothing is begun.
    """

    version: str
    started: float
    uptime: float
    memory: int | None
    host: Host
    workers: list[WorkerInfo]
    catalogue: str
    node_types: int
    packs: int
    runs: dict[str, int]
    held: bool


class Health(Frozen):
    """How the server is. reasons: why it is degraded, for those who may know."""

    status: Literal["ok", "degraded"]
    reasons: list[str] = Field(default_factory=list)


class Facts:
    """Counts, log and state of one server. secrets: texts that are never logged."""

    def __init__(self, version: str, secrets: Iterable[str] = ()) -> None:
        self.version = version
        self.started = time.time()
        self.metrics = Metrics()
        self.logs = LogRing(secrets=secrets)
        self._begun = time.monotonic()
        self._sockets: Counter[str] = Counter()

    @property
    def uptime(self) -> float:
        """Seconds since the server began."""
        return time.monotonic() - self._begun

    def run_accepted(self) -> None:
        """A run was kept."""
        self.metrics.count("runs_accepted")

    def run_finished(self, status: str, seconds: float) -> None:
        """A run is over."""
        self.metrics.count("runs_finished", status)
        self.metrics.observe("run_seconds", seconds, status)

    def node_finished(self, type_id: str, seconds: float, reused: str | None) -> None:
        """A node is done. reused: "memory", "disk"; None: it was computed."""
        self.metrics.count("nodes_finished", reused or "no")
        if reused is None:
            self.metrics.observe("node_seconds", seconds, type_id)

    def worker_started(self, device: str) -> None:
        """A worker's process was started."""
        self.metrics.count("worker_starts", device)

    def worker_died(self, device: str) -> None:
        """A worker's process ended without being told to."""
        self.metrics.count("worker_deaths", device)

    def event(self, kind: str) -> None:
        """An event of a run was published."""
        self.metrics.count("events", kind)

    def preview_dropped(self) -> None:
        """A client was too slow for a preview."""
        self.metrics.count("previews_dropped")

    def socket_opened(self, kind: str) -> None:
        """A websocket was opened. kind: "events" or "comfyui"."""
        self._sockets[kind] += 1

    def socket_closed(self, kind: str) -> None:
        """It was closed."""
        self._sockets[kind] -= 1

    def downloaded(self, size: int) -> None:
        """Bytes of a model arrived."""
        self.metrics.count("download_bytes", by=size)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered. route: the template of its path, never the path."""
        self.metrics.count("requests", route, method if method in METHODS else "other", str(status))
        self.metrics.observe("request_seconds", seconds, route)

    async def exposition(self, core: "Core") -> bytes:
        """All metrics, in the text format of Prometheus."""
        metrics, gauges = self.metrics.copy(), self._gauges(core)
        pids = {"server": os.getpid()} | {worker.name: worker.pid for worker in core.crew.workers if worker.pid}
        data = core.places.data
        return await asyncio.to_thread(lambda: metrics.exposition([*gauges, *_processes(pids), _disk(data)]))

    async def system(self, core: "Core") -> SystemInfo:
        """The server and its machine."""
        host = await asyncio.to_thread(host_of, core.places.data)
        catalogue = core.catalogue.current
        return SystemInfo(
            version=self.version,
            started=self.started,
            uptime=self.uptime,
            memory=(await asyncio.to_thread(_resident, os.getpid())),
            host=host,
            workers=[_discreet(worker) for worker in core.crew.workers],
            catalogue=core.catalogue.revision,
            node_types=len(catalogue.types()) if catalogue else 0,
            packs=len(catalogue.packs) if catalogue else 0,
            runs=dict(Counter(run.state for run in core.runs.active.values())),
            held=core.runs.is_held,
        )

    async def health(self, core: "Core") -> tuple[Health, bool]:
        """How the server is, and whether it can do its work: keep runs and make them."""
        reasons: list[str] = []
        serving = True
        states = Counter(worker.state for worker in core.crew.workers)
        lost = states["aside"] + states["stopped"]
        if lost:
            reasons.append(f"{lost} of {states.total()} worker{'s' * (states.total() > 1)} cannot take runs.")
            serving = lost < states.total()
        if core.catalogue.current is None:
            reasons.append("The node types are not known yet.")
        try:
            await asyncio.wait_for(
                core.database.read(lambda rows: rows.execute("SELECT 1").fetchone()), PATIENCE_SECONDS
            )
        except Exception as error:  # noqa: BLE001 — whatever it is, the answer is that the database does not work
            reasons.append(f"The database does not answer ({type(error).__name__}).")
            serving = False
        free = await asyncio.to_thread(_free, core.places.data)
        if free is not None and free < LEAST_FREE:
            reasons.append(f"The disk of the data folder has {free / 2**20:.0f} MiB left.")
        return Health(status="degraded" if reasons else "ok", reasons=reasons), serving

    def _gauges(self, core: "Core") -> list[Gauge]:
        runs = Counter(run.state for run in core.runs.active.values())
        workers = Counter((worker.device, worker.state) for worker in core.crew.workers)
        return [
            Gauge("info", "The version", ("version", "python"), {(self.version, platform.python_version()): 1}),
            Gauge("start_time_seconds", "When the server began", (), {(): self.started}),
            Gauge(
                "runs", "Runs that are not over", ("state",), {(s,): runs[s] for s in ("waiting", "paused", "running")}
            ),
            Gauge("queue_length", "Runs that wait", (), {(): runs["waiting"]}),
            Gauge("workers", "Workers", ("device", "state"), dict(workers)),
            Gauge("sockets", "Open websockets", ("kind",), {(kind,): number for kind, number in self._sockets.items()}),
        ]


def measuring(facts: Facts) -> Middleware:
    """The middleware that counts requests. It stands outside all others. A websocket counts when it ends, without its
    time.
    """

    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()
        status = 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as answer:
            status = answer.status
            raise
        except (asyncio.CancelledError, ConnectionError):
            status = 499  # the client is gone
            raise
        finally:
            seconds = time.perf_counter() - begun
            if status == 101:
                facts.metrics.count("requests", route_of(request), request.method, "101")
            else:
                facts.request(route_of(request), request.method, status, seconds)
        return response

    return measure


def route_of(request: web.Request) -> str:
    """The template of a request's path: `/v1/runs/{run}`."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else UNMATCHED


def host_of(data: Path) -> Host:
    """The machine. Asks the system: not on the event loop."""
    import psutil

    memory = psutil.virtual_memory()
    try:
        disk = shutil.disk_usage(data)
    except OSError:
        disk = None
    return Host(
        platform=platform.platform(),
        python=platform.python_version(),
        cores=os.cpu_count() or 1,
        memory_total=memory.total,
        memory_available=memory.available,
        disk_total=disk and disk.total,
        disk_free=disk and disk.free,
    )


def _resident(pid: int) -> int | None:
    import psutil

    try:
        return psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return None


def _processes(pids: dict[str, int]) -> list[Gauge]:
    sizes = {(name,): size for name, pid in pids.items() if (size := _resident(pid)) is not None}
    return [Gauge("resident_bytes", "Memory of the processes of the server and its workers", ("process",), sizes)]


def _disk(data: Path) -> Gauge:
    free = _free(data)
    return Gauge("disk_free_bytes", "Room on the disk of the data folder", (), {} if free is None else {(): free})


def _free(data: Path) -> int | None:
    try:
        return shutil.disk_usage(data).free
    except OSError:
        return None


def _discreet(worker: WorkerInfo) -> WorkerInfo:
    return worker.model_copy(update={"problem": without_paths(worker.problem)})
