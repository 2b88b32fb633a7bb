import asyncio
import logging
import re
import sqlite3
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from server.crew import WorkerInfo
from server.facts import Facts, measuring
from server.log_ring import LogRing, WithoutSecrets, outline_of
from server.metrics import VALUES, Metrics

ROOT = Path(__file__).parent.parent.parent
TOKEN = "nw-planted-token-8261"


class Rows:
    """A database that answers, or does not."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def read(self, work: Any) -> Any:
        if self.error is not None:
            raise self.error
        return work(sqlite3.connect(":memory:"))


def a_worker(name: str = "worker-0", state: Any = "idle", problem: str = "") -> WorkerInfo:
    return WorkerInfo(
        name=name, device="cpu", state=state, run="", pid=None, held=(), facts={"device": "cpu"}, restarts=0,
        failures=0, problem=problem,
    )  # fmt: skip


def a_core(tmp_path: Path, *workers: WorkerInfo, states: tuple[str, ...] = (), **facts: Any) -> Any:
    catalogue = SimpleNamespace(types=lambda: ("A",), packs=())
    runs = {str(number): SimpleNamespace(state=state) for number, state in enumerate(states)}
    return SimpleNamespace(
        places=SimpleNamespace(data=tmp_path),
        crew=SimpleNamespace(workers=workers),
        runs=SimpleNamespace(active=runs, is_held=False),
        catalogue=SimpleNamespace(current=catalogue, revision="r"),
        database=Rows(),
        **facts,
    )


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(text.decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def log_record(message: str, *arguments: object, name: str = "server.runs", error: Any = None) -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, __file__, 1, message, arguments, error)


def test_what_was_counted_is_in_the_exposition(tmp_path: Path):
    facts = Facts("1.2")
    facts.run_accepted()
    facts.run_accepted()
    facts.run_finished("done", 4.0)
    facts.node_finished("KSampler", 3.0, None)
    facts.node_finished("KSampler", 0.0, "disk")
    facts.worker_started("cuda:0")
    facts.worker_died("cuda:0")
    facts.event("node_progress")
    facts.preview_dropped()
    facts.socket_opened("events")
    facts.socket_opened("events")
    facts.socket_closed("events")
    facts.downloaded(1000)
    facts.request("/v1/runs/{run}", "GET", 200, 0.02)
    core = a_core(tmp_path, a_worker(), a_worker("worker-1", "aside"), states=("waiting", "waiting", "running"))
    found = samples(asyncio.run(facts.exposition(core)))
    expected = {
        ("runs_accepted_total", ()): 2,
        ("runs_finished_total", (("status", "done"),)): 1,
        ("run_seconds_bucket", (("le", "2.0"), ("status", "done"))): 0,
        ("run_seconds_bucket", (("le", "5.0"), ("status", "done"))): 1,
        ("run_seconds_bucket", (("le", "+Inf"), ("status", "done"))): 1,
        ("run_seconds_sum", (("status", "done"),)): 4.0,
        ("node_seconds_count", (("type", "KSampler"),)): 1,
        ("nodes_finished_total", (("reused", "disk"),)): 1,
        ("nodes_finished_total", (("reused", "no"),)): 1,
        ("worker_deaths_total", (("device", "cuda:0"),)): 1,
        ("worker_starts_total", (("device", "cuda:0"),)): 1,
        ("events_total", (("kind", "node_progress"),)): 1,
        ("previews_dropped_total", ()): 1,
        ("sockets", (("kind", "events"),)): 1,
        ("download_bytes_total", ()): 1000,
        ("requests_total", (("method", "GET"), ("route", "/v1/runs/{run}"), ("status", "200"))): 1,
        ("request_seconds_count", (("route", "/v1/runs/{run}"),)): 1,
        ("runs", (("state", "waiting"),)): 2,
        ("runs", (("state", "paused"),)): 0,
        ("queue_length", ()): 2,
        ("workers", (("device", "cpu"), ("state", "aside"))): 1,
        ("info", (("python", sys.version.split()[0]), ("version", "1.2"))): 1,
    }
    assert {key: found.get((f"noisewright_{key[0]}", key[1])) for key in expected} == expected
    own = found["noisewright_resident_bytes", (("process", "server"),)]
    assert own == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    assert found["noisewright_disk_free_bytes", ()] == pytest.approx(psutil.disk_usage(str(tmp_path)).free, rel=0.05)


def test_two_servers_count_apart_and_nothing_is_global(tmp_path: Path):
    one, other = Facts("1"), Facts("1")
    one.run_accepted()
    assert (one.metrics.value("runs_accepted"), other.metrics.value("runs_accepted")) == (1, 0)
    first = asyncio.run(one.exposition(a_core(tmp_path)))
    assert samples(first)["noisewright_runs_accepted_total", ()] == 1
    assert samples(asyncio.run(other.exposition(a_core(tmp_path))))["noisewright_runs_accepted_total", ()] == 0


def test_the_values_of_a_label_are_bounded_and_nothing_is_lost():
    metrics = Metrics()
    for number in range(5_000):
        metrics.observe("node_seconds", 1.0, f"Type{number}")
    found = samples(metrics.exposition())
    counts = {labels: value for (name, labels), value in found.items() if name == "noisewright_node_seconds_count"}
    assert len(counts) == VALUES + 1
    assert counts[("type", "other"),] == 5_000 - VALUES
    assert sum(counts.values()) == 5_000


def test_a_label_may_hold_anything():
    metrics = Metrics()
    odd = 'a"b\\c\nd'
    metrics.count("worker_deaths", odd)
    assert samples(metrics.exposition())["noisewright_worker_deaths_total", (("device", odd),)] == 1


def test_requests_count_by_the_template_of_their_path():
    async def main() -> Metrics:
        facts = Facts("1")

        async def fine(request: web.Request) -> web.Response:
            return web.Response(text="ok")

        async def broken(request: web.Request) -> web.Response:
            raise web.HTTPForbidden

        async def socket(request: web.Request) -> web.WebSocketResponse:
            answer = web.WebSocketResponse()
            await answer.prepare(request)
            await answer.close()
            return answer

        app = web.Application(middlewares=[measuring(facts)])
        app.router.add_get("/v1/runs/{run}", fine)
        app.router.add_get("/broken", broken)
        app.router.add_get("/socket", socket)
        async with TestClient(TestServer(app)) as client:
            for number in range(50):
                await client.get(f"/v1/runs/secret-{number}?token=x")
            await client.get("/broken")
            await client.get("/nothing/here")
            await client.request("PROPFIND", "/v1/runs/1")
            async with client.ws_connect("/socket") as opened:
                await opened.receive()
        return facts.metrics

    metrics = asyncio.run(main())
    assert metrics.value("requests", "/v1/runs/{run}", "GET", "200") == 50
    assert metrics.value("requests", "/broken", "GET", "403") == 1
    assert metrics.value("requests", "(none)", "GET", "404") == 1
    assert metrics.value("requests", "(none)", "other", "405") == 1
    assert metrics.value("requests", "/socket", "GET", "101") == 1
    assert b"secret" not in metrics.exposition()
    assert (b'request_seconds_count{route="/socket"}') not in metrics.exposition()


def test_system_facts_are_those_of_the_machine(tmp_path: Path):
    core = a_core(tmp_path, a_worker(problem="no device at '/home/anna/x.so'"), states=("waiting", "running"))
    found = asyncio.run(Facts("1.2").system(core))
    assert found.version == "1.2"
    assert found.host.memory_total == psutil.virtual_memory().total
    assert found.host.disk_total == psutil.disk_usage(str(tmp_path)).total
    assert found.runs == {"waiting": 1, "running": 1}
    assert (found.node_types, found.catalogue) == (1, "r")
    assert found.workers[0].problem == "no device at '…/x.so'"
    assert found.uptime >= 0


@pytest.mark.parametrize(
    ("states", "status", "serving"),
    [(("idle", "busy"), "ok", True), ((), "ok", True), (("starting",), "ok", True),
     (("idle", "aside"), "degraded", True), (("aside", "stopped"), "degraded", False)],
)  # fmt: skip
def test_health_is_that_of_the_workers(states: tuple[str, ...], status: str, serving: bool, tmp_path: Path):
    core = a_core(tmp_path, *(a_worker(f"worker-{number}", state) for number, state in enumerate(states)))
    health, able = asyncio.run(Facts("1").health(core))
    assert (health.status, able) == (status, serving)
    assert bool(health.reasons) == (status == "degraded")


def test_without_its_database_the_server_does_not_serve(tmp_path: Path):
    core = a_core(tmp_path, a_worker())
    core.database = Rows(sqlite3.OperationalError("disk I/O error in /home/anna/x.db"))
    health, able = asyncio.run(Facts("1").health(core))
    assert (health.status, able) == ("degraded", False)
    assert "anna" not in str(health)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("server.facts.shutil.disk_usage", lambda path: SimpleNamespace(total=2**40, free=2**20))
    health, able = asyncio.run(Facts("1").health(a_core(tmp_path)))
    assert health.reasons == ["The disk of the data folder has 1 MiB left."]
    assert able


def test_the_ring_holds_the_last_entries_and_no_more_than_so_many_letters():
    ring = LogRing(entries=300)
    for number in range(1_000):
        ring.handle(log_record("entry %d %s", number, "x" * 100_000))
    entries = ring.entries()
    assert [entry.number for entry in entries] == list(range(700, 1_000))
    assert sum(len(entry.text) + len(entry.outline) for entry in entries) < 300 * 8_100
    assert [entry.number for entry in ring.entries(after=997)] == [998, 999]


@pytest.mark.parametrize(
    "line",
    [f"GET /ws?token={TOKEN}&clientId=1", f"Authorization: Bearer {TOKEN}", f"Cookie: session={TOKEN}; a=b",
     f'{{"token": "{TOKEN}"}}', f"https://anna:{TOKEN}@example.org/x", f"HF_TOKEN={TOKEN}", f"just {TOKEN} alone"],
)  # fmt: skip
def test_secrets_are_not_in_the_log(line: str):
    ring = LogRing(secrets=[TOKEN])
    ring.handle(log_record("%s", line))
    ring.handle(log_record(line))
    assert TOKEN not in str(ring.entries())
    assert TOKEN not in WithoutSecrets(ring, logging.Formatter()).format(log_record("%s", line))


def test_what_looks_like_a_secret_is_hidden_though_nobody_knows_it():
    ring = LogRing()
    for line in (
        f"/x?token={TOKEN}&n=1",
        f"Authorization: Basic {TOKEN}",
        f"bearer {TOKEN}",
        "hf_abcdefghijklmnopqrst",
    ):
        ring.handle(log_record(line))
    assert TOKEN not in str(ring.entries())
    assert "abcdefghij" not in str(ring.entries())
    assert ring.entries()[0].text == "/x?token=***&n=1"


def test_a_secret_made_later_is_hidden_from_then_on():
    ring = LogRing()
    ring.hide(TOKEN)
    ring.handle(log_record("the key is %s", TOKEN))
    assert TOKEN not in str(ring.entries())


def test_a_traceback_is_held_with_its_entry():
    ring = LogRing()
    try:
        raise ValueError(f"no, token={TOKEN}")
    except ValueError:
        ring.handle(log_record("It failed", error=sys.exc_info()))
    (entry,) = ring.entries()
    assert "ValueError: no, token=***" in entry.text
    assert entry.outline.startswith("It failed [ValueError: test_facts.py:")
    assert "no," not in entry.outline


def test_a_broken_message_ends_nothing(capsys: pytest.CaptureFixture[str]):
    ring = LogRing()
    ring.handle(log_record("%d %d", "not a number"))
    ring.handle(log_record("next"))
    assert [entry.text for entry in ring.entries()] == ["next"]
    assert "not a number" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("message", "arguments", "outline"),
    [("'%s' took %.1f s of %d", ("red apple", 2.25, 7), "'·' took 2.2 s of 7"), ("%s", (OSError("x"),), "OSError"),
     ("plain", (), "plain"), ("%d", ("red apple",), "0"), ("%r is %s", ("a", None), "· is None"),
     ("%(a)s", ({"a": "red apple"},), "%(a)s"), ("100 % sure %s", ("red apple",), "100 % sure %s")],
)  # fmt: skip
def test_an_outline_holds_numbers_but_no_text(message: str, arguments: tuple[object, ...], outline: str):
    assert outline_of(log_record(message, *arguments)) == outline


def test_what_others_log_has_no_outline():
    assert outline_of(log_record("red apple", name="acme.blur")) == ""
    assert outline_of(log_record("red apple", name="serverless")) == ""


def test_what_is_logged_while_it_listens_is_held_and_the_file_gets_no_secret(tmp_path: Path):
    root = logging.getLogger("a test's own root")
    file = logging.FileHandler(tmp_path / "a.log", encoding="utf-8")
    file.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    formatter = file.formatter
    root.addHandler(file)
    root.propagate = False
    ring = LogRing(secrets=[TOKEN])
    root.warning("before")
    with ring.attached(root):
        root.warning("it is %s", TOKEN)
    root.warning("after")
    file.close()
    assert [entry.text for entry in ring.entries()] == ["it is ***"]
    assert (tmp_path / "a.log").read_text() == "WARNING before\nWARNING it is ***\nWARNING after\n"
    assert (file.formatter, root.handlers) == (formatter, [file])


def test_lines_of_the_server_are_held_from_info_on():
    ring = LogRing()
    with ring.attached():
        logging.getLogger("server.runs").info("An ordinary line")
        logging.getLogger("acme.pack").info("Of others only warnings, as the root logger is set")
    assert [entry.text for entry in ring.entries()] == ["An ordinary line"]


def test_the_document_tells_of_every_metric(tmp_path: Path):
    told = set(
        re.findall(r"^\| `(noisewright_\w+)` \|", (ROOT / "docs" / "server.md").read_text("utf-8"), re.MULTILINE)
    )
    text = asyncio.run(Facts("1").exposition(a_core(tmp_path))).decode()
    named = re.findall(r"^# TYPE (\w+) (\w+)", text, re.MULTILINE)
    assert told == {name for name, kind in named if kind != "gauge" or not name.endswith("_created")}
