"""Events are numbered, stored, then told; a slow reader costs nobody anything."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Sequence

import pytest

from server import hub as module
from server.hub import Closed, Hub, Message, Subscription
from server.run import Run


class Memory:
    """Where events are kept in these tests. Nothing is kept while `is_full`; `gate` holds it up."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, str]] = []
        self.calls = 0
        self.is_full = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def append(self, events: Sequence[tuple[str, int, str]]) -> None:
        await self.gate.wait()
        self.calls += 1
        if self.is_full:
            raise OSError(28, "No space left on device")
        self.rows += events

    async def events(self, run: str, since: int, limit: int) -> list[str]:
        return [text for name, seq, text in self.rows if name == run and seq > since][:limit]


def everything(message: Message) -> bool:
    return True


def hubbed(test: Callable[[Hub, Memory], Awaitable[None]]) -> None:
    async def work() -> None:
        records = Memory()
        hub = Hub(records)
        await hub.start()
        await test(hub, records)
        await hub.close()

    asyncio.run(asyncio.wait_for(work(), 20))


def progress(done: int, **more: object) -> dict[str, object]:
    return {"event": "node_progress", "node": "sample", "done": done, "total": 10_000} | more


def drain(subscription: Subscription) -> list[Message]:
    return list(iter(subscription.get_nowait, None))


def test_events_are_numbered_and_keep_what_they_say() -> None:
    async def test(hub: Hub, records: Memory) -> None:
        run = Run("a", owner="anna", client="c1", next_seq=7)
        reader = hub.subscribe(everything)
        assert hub.publish(run, progress(1, seq=99, run="engine's", time=0.0)) == 7
        assert hub.publish(run, progress(2)) == 8
        assert run.next_seq == 9
        first, second = await reader.get(), await reader.get()
        assert [first.seq, second.seq] == [7, 8]
        assert first.run is run
        assert (first.owner, first.client) == ("anna", "c1")
        said = json.loads(first.text)
        assert said["time"] > 1e9
        assert {"event": "node_progress", "run": "a", "seq": 7, "done": 1}.items() <= said.items()
        assert [(name, seq, json.loads(text)["done"]) for name, seq, text in records.rows] == [("a", 7, 1), ("a", 8, 2)]

    hubbed(test)


def test_nothing_is_told_before_it_is_stored() -> None:
    async def test(hub: Hub, records: Memory) -> None:
        records.gate.clear()
        run, reader = Run("a"), hub.subscribe(everything)
        for done in range(50):
            hub.publish(run, progress(done))
        flushed = asyncio.create_task(hub.flushed())
        for _ in range(20):
            await asyncio.sleep(0)
        assert reader.get_nowait() is None
        assert not flushed.done()
        records.gate.set()
        await flushed
        assert [message.seq for message in drain(reader)] == list(range(50))
        assert len(records.rows) == 50
        assert records.calls <= 2

    hubbed(test)


def test_without_room_on_the_disk_events_are_still_told(caplog: pytest.LogCaptureFixture) -> None:
    async def test(hub: Hub, records: Memory) -> None:
        run, reader = Run("a"), hub.subscribe(everything)
        records.is_full = True
        for done in range(3):
            hub.publish(run, progress(done))
            await hub.flushed()
        records.is_full = False
        hub.publish(run, progress(3))
        await hub.flushed()
        assert [message.seq for message in drain(reader)] == [0, 1, 2, 3]
        assert [seq for _, seq, _ in records.rows] == [3]

    hubbed(test)
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "Events cannot be stored",
        "Events are stored again.",
    ]


def test_a_picture_that_is_a_result_is_replaced_by_nothing() -> None:
    async def test(hub: Hub, records: Memory) -> None:
        run, reader = Run("a"), hub.subscribe(everything)
        for number in range(3):
            hub.preview(run, "send", "image/png", b"%d" % number, whole=True)
            hub.preview(run, "sample", "image/jpeg", b"small %d" % number)
            await hub.flushed()
        told = [message.data for message in drain(reader)]
        assert told == [b"0", b"1", b"2", b"small 2"]
        assert not records.rows

    hubbed(test)


def test_a_preview_follows_the_event_before_it_and_is_replaced_by_a_newer() -> None:
    async def test(hub: Hub, records: Memory) -> None:
        run, other, reader = Run("a"), Run("b"), hub.subscribe(everything)
        for done in range(3):
            hub.publish(run, progress(done))
            hub.preview(run, "sample", "image/jpeg", b"%d" % done)
        hub.preview(run, "decode", "image/jpeg", b"other node")
        hub.preview(other, "sample", "image/jpeg", b"other run")
        await hub.flushed()
        told = [(message.kind, message.seq, message.data) for message in drain(reader)]
        assert told == [
            ("node_progress", 0, None),
            ("node_progress", 1, None),
            ("node_progress", 2, None),
            ("node_preview", 2, b"2"),
            ("node_preview", 2, b"other node"),
            ("node_preview", -1, b"other run"),
        ]
        assert len(records.rows) == 3
        for done in range(3):  # also when they come one by one and nobody reads
            hub.preview(run, "sample", "image/jpeg", b"%d" % done)
            await hub.flushed()
        assert [message.data for message in drain(reader)] == [b"2"]

    hubbed(test)


def test_who_does_not_read_holds_little_and_is_told_what_it_missed() -> None:
    async def test(hub: Hub, records: Memory) -> None:
        slow, quick = hub.subscribe(everything), hub.subscribe(everything)
        runs = Run("a", next_seq=100), Run("b")
        seen: list[tuple[str, int]] = []
        held = 0
        for done in range(5_000):
            for run in runs:
                hub.publish(run, progress(done))
                hub.preview(run, f"node{done}", "image/jpeg", bytes(20_000))
            if done % 100 == 99:
                await hub.flushed()
                seen += [(m.event["run"], m.seq) for m in drain(quick) if m.data is None]
                held = max(held, slow.held + slow.held_previews)
        assert len(seen) == 10_000
        assert [seq for run, seq in seen if run == "a"] == list(range(100, 5_100))
        assert 0 < held <= module.HELD_BYTES + module.HELD_PREVIEWS
        assert slow.held == slow.held_previews == 0
        behind = await slow.get()
        assert behind.event == {"event": "behind", "runs": {"a": 100, "b": 0}, "dropped": True}
        hub.publish(runs[0], progress(0))
        assert (await slow.get()).seq == 5_100
        missed = await hub.history("a", 99, 10_000)
        assert [message.seq for message in missed[:5_000]] == list(range(100, 5_100))

    hubbed(test)


def test_what_was_read_is_not_missed() -> None:
    async def test(hub: Hub, records: Memory) -> None:
        run, reader = Run("a"), hub.subscribe(everything)
        for done in range(10):
            hub.publish(run, progress(done))
        await hub.flushed()
        assert [(await reader.get()).seq for _ in range(4)] == [0, 1, 2, 3]
        for done in range(module.HELD_MESSAGES):
            hub.publish(run, progress(done))
        await hub.flushed()
        assert (await reader.get()).event["runs"] == {"a": 4}

    hubbed(test)


def test_asking_for_what_was_missed_drops_nothing() -> None:
    async def test(hub: Hub, records: Memory) -> None:
        run, reader = Run("a", next_seq=20), hub.subscribe(everything)
        hub.publish(run, progress(0))
        await hub.flushed()
        reader.miss("a", 5)
        reader.miss("a", 9)
        assert (await reader.get()).event == {"event": "behind", "runs": {"a": 5}, "dropped": False}
        assert (await reader.get()).seq == 20

    hubbed(test)


def test_who_misses_something_of_too_many_runs_is_closed() -> None:
    async def test(hub: Hub, records: Memory) -> None:
        reader = hub.subscribe(everything)
        for number in range(module.HELD_MESSAGES + module.HELD_RUNS):
            hub.publish(Run(f"r{number}"), {"event": "run_queued"})
        await hub.flushed()
        with pytest.raises(Closed):
            await reader.get()

    hubbed(test)


def test_a_private_run_is_told_and_remembered_until_it_is_over_but_not_stored() -> None:
    async def test(hub: Hub, records: Memory) -> None:
        run, reader = Run("p", private=True), hub.subscribe(everything)
        for done in range(module.PRIVATE_EVENTS + 10):
            hub.publish(run, progress(done))
        await hub.flushed()
        drain(reader)
        remembered = await hub.history("p", -1, 10_000)
        assert [message.seq for message in remembered] == list(range(10, module.PRIVATE_EVENTS + 10))
        assert [message.seq for message in await hub.history("p", 100, 5)] == [101, 102, 103, 104, 105]
        last = hub.publish(run, {"event": "run_finished", "status": "done", "seconds": 1.0})
        assert (await reader.get()).seq == last
        assert await hub.history("p", -1, 10_000) == []
        assert records.rows == []

    hubbed(test)


def test_announcements_have_neither_run_nor_number() -> None:
    async def test(hub: Hub, records: Memory) -> None:
        reader = hub.subscribe(lambda message: message.run is None)
        hub.publish(Run("a"), progress(0))
        hub.announce("catalogue_changed", revision="r2")
        message = await reader.get()
        assert message.event == {"event": "catalogue_changed", "time": message.event["time"], "revision": "r2"}
        assert (message.run, message.seq, message.data) == (None, -1, None)
        assert len(records.rows) == 1

    hubbed(test)


def test_a_subscription_that_fails_is_closed_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    def broken(message: Message) -> bool:
        raise ValueError("broken")

    async def test(hub: Hub, records: Memory) -> None:
        bad, good = hub.subscribe(broken), hub.subscribe(everything)
        hub.publish(Run("a"), progress(0))
        assert (await good.get()).seq == 0
        with pytest.raises(Closed):
            await bad.get()

    hubbed(test)
    assert "A subscription failed" in caplog.text


def test_at_the_end_all_is_stored_and_readers_get_what_waits() -> None:
    async def test(hub: Hub, records: Memory) -> None:
        reader = hub.subscribe(everything)
        for done in range(5):
            hub.publish(Run("a", next_seq=done), progress(done))
        await hub.close()
        assert len(records.rows) == 5
        assert [message.seq async for message in reader] == [0, 1, 2, 3, 4]
        await hub.flushed()

    hubbed(test)


def test_what_json_cannot_say() -> None:
    async def test(hub: Hub, records: Memory) -> None:
        run, reader = Run("a"), hub.subscribe(everything)
        hub.publish(run, {"event": "node_finished", "outputs": {"loss": [math.nan, math.inf, 1.5], "text": "\ud800 ü"}})
        said = json.loads((await reader.get()).text)
        assert said["outputs"] == {"loss": [None, None, 1.5], "text": "\ud800 ü"}
        with pytest.raises(TypeError):
            hub.publish(run, {"event": "node_finished", "outputs": {"value": object()}})
        assert hub.publish(run, progress(0)) == 1  # no number is lost

    hubbed(test)


@pytest.mark.parametrize("length", [0, 125 - 19, 126 - 19, 65_535 - 19, 65_536 - 19, 70_000])
def test_frames_are_those_of_rfc_6455(length: int) -> None:
    message = Message({"event": "x", "t": "y" * length})
    frame, text = message.frame, message.text.encode()
    assert frame[0] == 0x81
    match frame[1]:
        case 127:
            size, payload = int.from_bytes(frame[2:10], "big"), frame[10:]
        case 126:
            size, payload = int.from_bytes(frame[2:4], "big"), frame[4:]
        case short:
            size, payload = short, frame[2:]
    assert (size, payload) == (len(text), text)
    assert (frame[1] == 127) == (len(text) > 65_535)
    assert (frame[1] >= 126) == (len(text) > 125)


def test_one_message_is_encoded_once_for_all() -> None:
    async def test(hub: Hub, records: Memory) -> None:
        readers = [hub.subscribe(everything) for _ in range(3)]
        hub.publish(Run("a"), progress(0))
        first, *others = [await reader.get() for reader in readers]
        assert all(other is first and other.frame is first.frame for other in others)

    hubbed(test)
