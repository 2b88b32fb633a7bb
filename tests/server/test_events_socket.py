"""Clients on real sockets: what they missed, then live, each event once; and what a bad client does to the others."""

import asyncio
import base64
import json
import os
import socket as sockets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from server import hub as hub_module
from server.api import Caller, Refusal, bound
from server.database import Database
from server.hub import Hub
from server.records import Records
from server.routes import events as module
from server.run import Run

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")

CALLERS = {
    "admin": Caller("admin", frozenset({"admin"})),
    "anna": Caller("anna", frozenset({"run"})),
    "ben": Caller("ben", frozenset({"run"})),
}


NO_WISHES = (
    "", "{", "[]", "17", '{"since": 3}', '{"since": {"a": "x"}}', '{"since": {"a": -2}}', '{"wish": 1}',
    '{"runs": [3]}', '{"runs": ["%s"]}' % ("x" * 300), '{"a": NaN}', "[" * 50_000,
)  # fmt: skip
"""Texts that ask for nothing."""


@dataclass
class World:
    """A server with nothing but events, and what stands in for its queue."""

    hub: Hub
    records: Records
    client: aiohttp.ClientSession
    port: int
    active: dict[str, Run]
    open_sockets: list[str] = field(default_factory=list)

    async def run(self, id: str, owner: str = "admin", **facts: Any) -> Run:
        run = Run(id, owner=owner, **facts)
        if not run.private:
            await self.records.accept([run])
        self.active[id] = run
        return run

    def progress(self, run: Run, count: int = 1) -> None:
        for _ in range(count):
            self.hub.publish(run, {"event": "node_progress", "node": "sample", "done": run.next_seq, "total": 10_000})

    async def settled(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Until the server has done what the client said last."""
        await socket.send_str("?")
        while (await socket.receive_json())["event"] != "error":
            pass

    @asynccontextmanager
    async def socket(self, query: str = "", who: str = "admin") -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A websocket, past the greeting."""
        async with self.client.ws_connect(f"/v1/events{query}", headers={"X-Who": who}) as socket:
            assert (await socket.receive_json())["event"] == "hello"
            yield socket

    async def get(self, path: str, who: str = "admin", **headers: str) -> aiohttp.ClientResponse:
        return await self.client.get(path, headers={"X-Who": who} | headers)


@web.middleware
async def as_asked(request: web.Request, handler: Callable[..., Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    request["who"] = CALLERS[request.headers["X-Who"]]
    try:
        return await handler(request)
    except Refusal as refusal:
        return refusal.response()


@asynccontextmanager
async def world(path: Path) -> AsyncIterator[World]:
    database = await Database.open(path)
    records = Records(database)
    hub = Hub(records)
    active: dict[str, Run] = {run.id: run for run in await records.unfinished()}

    async def find(name: str, who: Caller) -> Run:
        run = await records.full(name)
        if run is None:
            raise Refusal(404, "unknown_run", f"There is no run '{name}'.")
        return run

    opened: list[str] = []
    core = SimpleNamespace(
        hub=hub,
        version="1.0",
        settings=SimpleNamespace(max_json=1000),
        runs=SimpleNamespace(active=active, find=find, is_held=False),
        catalogue=SimpleNamespace(revision="r1"),
        facts=SimpleNamespace(socket_opened=opened.append, socket_closed=opened.remove),
    )
    app = web.Application(middlewares=[as_asked])
    for route in module.routes:
        app.router.add_route(route.method, route.path, bound(route, core))
    await hub.start()
    runner = web.AppRunner(app, shutdown_timeout=0.5)  # as the real one: a lost connection cancels no handler
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        yield World(hub, records, client, port, active, opened)
        await hub.close()
    await runner.cleanup()
    await database.close()


def tried(test: Callable[[World], Awaitable[None]], folder: Path) -> None:
    async def work() -> None:
        async with asyncio.timeout(30), world(folder / "test.db") as made:
            await test(made)
            for _ in range(1000):
                if not made.open_sockets:
                    break
                await asyncio.sleep(0.01)
            assert made.open_sockets == []

    asyncio.run(work())


async def numbers(socket: aiohttp.ClientWebSocketResponse, last: int, run: str = "a") -> list[int]:
    """The numbers of one run's events, up to the one asked for."""
    found: list[int] = []
    while last not in found[-1:]:
        message = await socket.receive()
        assert message.type is WSMsgType.TEXT, message
        event = json.loads(message.data)
        if event.get("run") == run:
            found.append(event["seq"])
    return found


def preview(data: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(data[:4], "big")
    return json.loads(data[4 : 4 + length]), data[4 + length :]


async def deaf(world: World, query: str = "") -> sockets.socket:
    """A client that shakes hands and then never reads."""
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.setblocking(False)
    loop, key = asyncio.get_running_loop(), base64.b64encode(os.urandom(16)).decode()
    await loop.sock_connect(raw, ("127.0.0.1", world.port))
    head = (
        f"GET /v1/events{query} HTTP/1.1\r\nHost: localhost\r\nX-Who: admin\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    await loop.sock_sendall(raw, head.encode())
    assert (await loop.sock_recv(raw, 12)).endswith(b"101")
    return raw


async def frames(raw: sockets.socket) -> AsyncIterator[dict[str, Any]]:
    """The text frames that arrive at a raw socket, behind the handshake."""
    loop, data = asyncio.get_running_loop(), bytearray()

    async def need(count: int) -> None:
        while len(data) < count:
            piece = await loop.sock_recv(raw, 2**16)
            if not piece:
                raise ConnectionResetError
            data.extend(piece)

    while b"\r\n\r\n" not in data:
        await need(len(data) + 1)
    del data[: data.index(b"\r\n\r\n") + 4]
    while True:
        await need(2)
        opcode, length, start = data[0] & 0x0F, data[1], 2
        if length >= 126:
            start = 4 if length == 126 else 10
            await need(start)
            length = int.from_bytes(data[2:start], "big")
        await need(start + length)
        payload = bytes(data[start : start + length])
        del data[: start + length]
        if opcode == 1:
            yield json.loads(payload)


def test_the_greeting(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.run("a")
        await world.run("b", state="running")
        async with world.client.ws_connect("/v1/events", headers={"X-Who": "admin"}) as socket:
            assert await socket.receive_json() == {
                "event": "hello",
                "version": "1.0",
                "revision": "r1",
                "queue": {"waiting": 1, "paused": 0, "running": 1, "held": False},
            }
            world.hub.announce("queue_changed", waiting=2)
            told = await socket.receive_json()
            assert (told["event"], told["waiting"]) == ("queue_changed", 2)

    tried(test, tmp_path)


def test_what_was_missed_and_then_live_without_a_gap_or_a_double(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        run, last, asked = await world.run("a"), 6_000, asyncio.Event()

        async def publisher() -> None:
            while run.next_seq <= last:
                if run.next_seq > last - 500:
                    await asked.wait()
                world.progress(run, 7)
                await asyncio.sleep(0)
                if run.next_seq % 50 == 0:
                    await world.hub.flushed()

        async def client(since: int) -> None:
            async with world.socket(f"?run=a&since={since}") as socket:
                assert await numbers(socket, last) == list(range(since + 1, last + 1))

        async def clients() -> None:
            async with asyncio.TaskGroup() as group:
                for number in range(12):
                    group.create_task(client(min(run.next_seq - 1, number * 40 - 1)))
                    await asyncio.sleep(0.02)

        async def wanderer() -> None:
            # Follows everything, then asks for what it missed while it is told what happens.
            async with world.socket() as socket:
                first = (await socket.receive_json())["seq"]
                await socket.send_json({"since": {"a": -1}})
                seen = await numbers(socket, 0)
                asked.set()
                seen += await numbers(socket, last)
                at = seen.index(0)
                assert seen[:at] == list(range(first + 1, first + 1 + at))
                assert seen[at:] == list(range(run.next_seq))[: last + 1]

        async with asyncio.TaskGroup() as group:
            group.create_task(publisher())
            group.create_task(clients())
            group.create_task(wanderer())

    tried(test, tmp_path)


def test_numbers_go_on_after_the_server_was_built_anew(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path / "test.db") as before:
            run = await before.run("a")
            before.progress(run, 30)
            async with before.socket("?run=a&since=-1") as socket:
                assert await numbers(socket, 29) == list(range(30))
                before.progress(run, 10)
                await before.hub.close()
                assert await numbers(socket, 39) == list(range(30, 40))
                assert (await socket.receive()).type is WSMsgType.CLOSE
                assert socket.close_code == 1001
        async with world(tmp_path / "test.db") as after:
            run = after.active["a"]
            assert run is not None
            after.progress(run, 5)
            async with after.socket("?run=a&since=29") as socket:
                assert await numbers(socket, 44) == list(range(30, 45))

    asyncio.run(asyncio.wait_for(work(), 30))


def test_a_client_that_never_reads_costs_the_others_nothing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        run = await world.run("a")
        stalled = await deaf(world)
        while not world.hub._subscriptions:
            await asyncio.sleep(0.001)
        (held_by_stalled,) = world.hub._subscriptions
        most = 0

        async def reader() -> tuple[list[int], int]:
            events, previews = [], 0
            async with world.socket() as socket:
                ready.set()
                while not events or events[-1] < 4_999:
                    message = await socket.receive()
                    if message.type is WSMsgType.BINARY:
                        header, _ = preview(message.data)
                        assert header["seq"] <= events[-1]
                        previews += 1
                    else:
                        events.append(json.loads(message.data)["seq"])
            return events, previews

        ready = asyncio.Event()
        reading = asyncio.create_task(reader())
        await ready.wait()
        for done in range(500):
            world.progress(run, 10)
            world.hub.preview(run, "sample", "image/jpeg", os.urandom(20_000))
            await world.hub.flushed()
            most = max(most, held_by_stalled.held + held_by_stalled.held_previews)
            if done % 10 == 0:
                await asyncio.sleep(0)
        events, previews = await reading
        assert events == list(range(5_000))
        assert 0 < previews <= 500
        assert 0 < most <= hub_module.HELD_BYTES + hub_module.HELD_PREVIEWS
        # The stalled one wakes up: it is told that it was behind, and still gets every event.
        seen, kinds = [], set()
        async for event in frames(stalled):
            kinds.add(event["event"])
            if "seq" in event:
                seen.append(event["seq"])
                if event["seq"] == 4_999:
                    break
        assert seen == list(range(5_000))
        assert "behind" in kinds
        stalled.close()

    tried(test, tmp_path)


def test_who_takes_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.2)

    async def test(world: World) -> None:
        run = await world.run("a")
        stalled = await deaf(world)
        while not world.open_sockets:
            await asyncio.sleep(0.001)
        while world.open_sockets:  # until the buffers between are full and patience ends
            world.hub.preview(run, "sample", "image/jpeg", os.urandom(200_000))
            await asyncio.sleep(0.005)
        assert not world.hub._subscriptions
        stalled.close()

    tried(test, tmp_path)


def test_a_preview_is_a_binary_frame_behind_its_event(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        run = await world.run("a")
        async with world.socket("?run=a") as socket, world.socket("?run=a&previews=false") as plain:
            world.progress(run, 3)
            world.hub.preview(run, "sample", "image/webp", b"picture")
            assert await numbers(socket, 2) == [0, 1, 2]
            message = await socket.receive()
            assert message.type is WSMsgType.BINARY
            header = {"event": "node_preview", "run": "a", "seq": 2, "node": "sample", "mime": "image/webp"}
            assert preview(message.data) == (header, b"picture")
            world.progress(run)
            assert await numbers(plain, 3) == [0, 1, 2, 3]

    tried(test, tmp_path)


def test_everyone_sees_their_own_runs(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        annas, bens = await world.run("a", "anna"), await world.run("b", "ben")
        over = await world.run("o", "ben", state="done", next_seq=0)
        world.progress(over, 2)
        await world.hub.flushed()
        del world.active["o"]
        async with world.socket(who="anna") as hers, world.socket(who="admin") as all_of_them:
            world.progress(bens)
            world.hub.preview(bens, "sample", "image/jpeg", b"secret")
            world.progress(annas)
            assert (await hers.receive_json())["run"] == "a"
            assert (await all_of_them.receive_json())["run"] == "b"
            for name in ("b", "o", "none"):
                await hers.send_json({"since": {name: -1}})
                told = await hers.receive_json()
                assert (told["event"], told["code"], told["run"]) == ("error", "unknown_run", name)
        async with world.socket("?run=b&run=a", who="anna") as hers:
            assert (await hers.receive_json())["code"] == "unknown_run"
            world.progress(bens)
            world.progress(annas)
            assert (await hers.receive_json())["run"] == "a"
        for path in ("/v1/runs/b/events", "/v1/runs/o/events", "/v1/runs/none/events", "/v1/runs/b/events/stream"):
            assert (await world.get(path, "anna")).status == 404
        assert (await world.get("/v1/runs/o/events", "ben")).status == 200

    tried(test, tmp_path)


def test_it_is_said_from_where_on_events_follow_as_asked(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        run = await world.run("a")
        async with world.socket("?kinds=node_progress") as choosy, world.socket() as socket:
            world.progress(run, 5)
            for client in (socket, choosy):
                assert await numbers(client, 4) == [0, 1, 2, 3, 4]
                await client.send_json({"since": {"a": 1}})
            world.progress(run, 2)  # on their way before the server hears that, or not
            live = []
            while (event := await socket.receive_json())["event"] != "behind":
                live.append(event["seq"])
            assert live in ([], [5, 6])
            assert event == {"event": "behind", "runs": {"a": 2}, "dropped": False}
            assert await numbers(socket, 6) == [2, 3, 4, 5, 6]
            told: list[int] = []
            while told[-5:] != [2, 3, 4, 5, 6]:
                told.append((await choosy.receive_json())["seq"])  # and nothing without a number

    tried(test, tmp_path)


def test_a_client_changes_what_it_follows(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        runs = {name: await world.run(name) for name in "abc"}

        async def heard(socket: aiohttp.ClientWebSocketResponse) -> list[str]:
            world.hub.announce("models_changed")
            for run in runs.values():
                world.progress(run)
            world.hub.publish(mark, {"event": "mark"})
            names: list[str] = []
            while (event := await socket.receive_json())["event"] != "mark":
                names.append(event.get("run", event["event"]))
            return names

        mark = await world.run("mark")
        async with world.socket("?run=a&run=mark") as socket:
            assert await heard(socket) == ["a"]
            await socket.send_json({"runs": ["b", "c", "mark"], "since": {"mark": 0}})
            await world.settled(socket)
            assert await heard(socket) == ["b", "c"]
            await socket.send_json({"runs": None})
            await world.settled(socket)
            assert await heard(socket) == ["models_changed", "a", "b", "c"]
        async with world.socket("?kinds=mark&kinds=models_changed") as socket:
            assert await heard(socket) == ["models_changed"]
        async with world.socket("?run=mark&since=-1&kinds=node_progress") as socket:
            world.progress(mark)
            assert (await socket.receive_json())["event"] == "node_progress"

    tried(test, tmp_path)


def test_messages_that_are_none_are_answered(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        async with world.socket() as socket:
            for text in NO_WISHES:
                await socket.send_str(text)
                told = await socket.receive_json()
                assert (told["event"], told["code"]) == ("error", "invalid_message"), text
                assert told["message"].endswith(".")
            await socket.send_bytes(b"\x00")
            assert (await socket.receive_json())["code"] == "not_text"
            run = await world.run("a")
            world.progress(run)
            assert (await socket.receive_json())["seq"] == 0
            await socket.send_str("x" * (module.MESSAGE_BYTES + 1))
            assert (await socket.receive()).type is WSMsgType.CLOSE
            assert socket.close_code == 1009

    tried(test, tmp_path)


def test_requests_that_are_refused(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.run("a")
        assert (await world.get("/v1/events")).status == 426
        for query in ("since=3", "run=a&run=b&since=3", "run=a&since=-5", "run=a&since=x", "previews=maybe", "what=1"):
            assert (await world.get(f"/v1/events?{query}")).status == 422, query
        assert (await world.get("/v1/runs/a/events?limit=0")).status == 422

    tried(test, tmp_path)


def test_when_the_server_ends_clients_are_told_and_closed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.run("a")
        streaming = await world.get("/v1/runs/a/events/stream")
        async with world.socket("?run=a&kinds=node_failed") as socket:
            world.hub.announce("server_ending")
            assert (await socket.receive_json())["event"] == "server_ending"
            assert (await socket.receive()).type is WSMsgType.CLOSE
            assert socket.close_code == 1001
        assert await streaming.text() == ": still here\n\n"

    tried(test, tmp_path)


def test_a_private_run_is_caught_up_with_while_it_is_active(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        run = await world.run("p", private=True)
        world.progress(run, 10)
        async with world.socket("?run=p&since=3") as socket:
            assert await numbers(socket, 9, "p") == [4, 5, 6, 7, 8, 9]
        world.hub.publish(run, {"event": "run_finished", "status": "done", "seconds": 1.0})
        assert await (await world.get("/v1/runs/p/events")).json() == []
        assert await world.records.events("p", -1, 100) == []

    tried(test, tmp_path)


def test_events_as_a_list(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        run = await world.run("a")
        world.progress(run, 10)
        await world.hub.flushed()
        answer = await world.get("/v1/runs/a/events?since=2&limit=3")
        events = await answer.json()
        assert [event["seq"] for event in events] == [3, 4, 5]
        assert events[0]["node"] == "sample"
        assert len(await (await world.get("/v1/runs/a/events")).json()) == 10

    tried(test, tmp_path)


def test_server_sent_events_until_the_run_is_over(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        run = await world.run("a")
        world.progress(run, 5)
        await world.hub.flushed()

        async def read(**headers: str) -> list[tuple[int, str]]:
            answer = await world.get("/v1/runs/a/events/stream", **headers)
            assert answer.content_type == "text/event-stream"
            opened.set()
            found = []
            for block in (await answer.text()).split("\n\n"):
                match block.split("\n"):
                    case [number, data]:
                        event = json.loads(data.removeprefix("data: "))
                        assert number == f"id: {event['seq']}"
                        found.append((event["seq"], event["event"]))
            return found

        opened = asyncio.Event()
        reading = asyncio.create_task(read(**{"Last-Event-ID": "2"}))
        await opened.wait()
        world.progress(run, 2)
        run.state = "done"
        world.hub.publish(run, {"event": "run_finished", "status": "done", "seconds": 1.0})
        told = await reading
        assert [seq for seq, _ in told] == [3, 4, 5, 6, 7]
        assert told[-1] == (7, "run_finished")
        assert [seq for seq, _ in await read()] == list(range(8))
        assert (await world.get("/v1/runs/a/events/stream", **{"Last-Event-ID": "7"})).status == 204

    tried(test, tmp_path)
