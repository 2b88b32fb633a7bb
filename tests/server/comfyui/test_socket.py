"""The websocket, against the order of messages and the frames that were seen on ComfyUI's, and without its defects."""

import asyncio
import json
import struct
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from server.comfyui import clients, socket
from tests.server.comfyui.scenes import begin, prompt, scene
from tests.server.crews import Puppet, until

JPEG = b"\xff\xd8\xff-a-picture"


async def heard(ws: aiohttp.ClientWebSocketResponse, last: str = "executing") -> list[Any]:
    """All messages until the run is over: `executing` without a node, or another last one."""
    messages: list[Any] = []
    while True:
        message = await ws.receive(timeout=10)
        if message.type is WSMsgType.BINARY:
            messages.append(message.data)
            continue
        assert message.type is WSMsgType.TEXT, message
        told = json.loads(message.data)
        assert told.keys() == {"type", "data"}
        messages.append(told)
        if told["type"] == last and (last != "executing" or told["data"]["node"] is None):
            return messages


def kinds(messages: list[Any]) -> list[str]:
    """What kinds of messages there were, without those of the queue."""
    found = ["frame" if isinstance(message, bytes) else message["type"] for message in messages]
    return [kind for kind in found if kind != "status"]


def preview(puppet: Puppet, run: str, data: bytes = JPEG) -> None:
    event = {"event": "node_preview", "node": "3", "mime": "image/jpeg"}
    puppet.listener({"say": "event", "run": run, "event": event}, data)


def test_the_order_of_messages(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it, it.socket() as ws:
            run = await it.submit(client_id="me")
            await it.play(run)
            messages = await heard(ws)
            node = ["progress_state", "executing", "progress_state"]
            assert kinds(messages) == [
                "execution_start",
                "execution_cached",
                *node * 4,
                *("progress_state", "executing", "progress", "progress_state", "progress_state"),
                *node,
                *("progress_state", "executing", "executed", "progress_state"),
                "execution_success",
                "executing",
            ]
            texts = [message for message in messages if not isinstance(message, bytes)]
            assert texts[0] == {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 1}}}}
            assert [message["type"] for message in texts[-3:]] == ["execution_success", "status", "executing"]
            assert texts[-2]["data"] == {"status": {"exec_info": {"queue_remaining": 0}}}
            assert texts[-1]["data"] == {"node": None, "prompt_id": run}
            [executed] = [message["data"] for message in texts if message["type"] == "executed"]
            assert executed == {
                "node": "9",
                "display_node": "9",
                "output": {"images": [{"filename": "test_00001_.png", "subfolder": "", "type": "output"}]},
                "prompt_id": run,
            }
            [progress] = [message["data"] for message in texts if message["type"] == "progress"]
            assert progress == {"value": 1, "max": 2, "prompt_id": run, "node": "3"}

    asyncio.run(play())


def test_an_error_is_told_without_a_traceback(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it, it.socket(path="/api/ws") as ws:
            run = await it.submit(client_id="me")
            await it.play(run, "failed")
            messages = await heard(ws)
            [error] = [message["data"] for message in messages if message["type"] == "execution_error"]
            assert (error["node_id"], error["node_type"]) == ("9", "SaveImage")
            assert error["exception_message"] == "It broke.\nMend it."
            assert error["exception_type"] == "ValueError"
            assert error["traceback"] == []
            assert error["executed"] == ["4", "5", "6", "7", "3", "8"]

    asyncio.run(play())


def test_previews_are_frames_of_the_kind_the_client_can_read(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, workers=2) as it, it.socket("plain") as plain, it.socket("modern") as modern:
            flags = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
            await modern.send_str(json.dumps(flags))
            reply = await modern.receive_json(timeout=10)
            assert reply == {
                "type": "feature_flags",
                "data": {"supports_preview_metadata": True, "max_upload_size": 104857600},
            }
            assert reply["data"] == await it.get("/api/features")
            for ws, name in ((plain, "plain"), (modern, "modern")):
                run = await it.submit(client_id=name)
                puppet = await it.given(run)
                begin(puppet, run)
                puppet.event(run, "node_started", node="3")
                preview(puppet, run)
                frame = next(part for part in await _until_frame(ws) if isinstance(part, bytes))
                if name == "plain":
                    assert frame == struct.pack(">II", 1, 1) + JPEG
                else:
                    kind, length = struct.unpack(">II", frame[:8])
                    assert kind == 4
                    facts = json.loads(frame[8 : 8 + length])
                    assert facts["prompt_id"] == run
                    assert facts["node_id"] == facts["display_node_id"] == facts["real_node_id"] == "3"
                    assert facts["image_type"] == "image/jpeg"
                    assert frame[8 + length :] == JPEG
                puppet.over(run, "done")
                await heard(ws)

    asyncio.run(play())


async def _until_frame(ws: aiohttp.ClientWebSocketResponse) -> list[Any]:
    found: list[Any] = []
    while not found or not isinstance(found[-1], bytes):
        message = await ws.receive(timeout=10)
        found.append(message.data)
    return found


def test_a_client_that_comes_late_is_told_where_its_run_is(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            run = await it.submit(client_id="me")
            puppet = await it.given(run)
            begin(puppet, run)
            puppet.event(run, "node_started", node="4")
            puppet.event(run, "node_finished", node="4", reused=None, seconds=0.1, outputs={})
            puppet.event(run, "node_started", node="3")
            await it.core.hub.flushed()
            async with it.socket() as ws:
                assert await ws.receive_json(timeout=10) == {"type": "executing", "data": {"node": "3"}}
                puppet.event(run, "node_finished", node="3", reused=None, seconds=0.1, outputs={})
                puppet.over(run, "done")
                messages = await heard(ws)
                assert kinds(messages) == ["progress_state", "execution_success", "executing"]
            async with it.socket("other") as ws:
                second = await it.submit(client_id="me")
                await it.play(second)
                await it.core.hub.flushed()
                told = [await ws.receive_json(timeout=10) for _ in range(2)]
                assert {message["type"] for message in told} == {"status"}

    asyncio.run(play())


def test_of_two_websockets_with_one_id_the_newest_is_told(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it, it.socket() as new:
            async with it.socket() as newer:
                await new.close()  # it was the older one: that changes nothing
                run = await it.submit(client_id="me")
                await it.play(run)
                assert kinds(await heard(newer))[-1] == "executing"
            async with it.socket() as old, it.socket() as newer:
                await it.play(await it.submit(client_id="me"))
                await heard(newer)
                await newer.close()
                run = await it.submit(client_id="me")
                await it.play(run)
                told = await heard(old)
                assert {message["data"]["prompt_id"] for message in told if message["type"] != "status"} == {run}

    asyncio.run(play())


def test_runs_that_nobody_sent_show_their_progress_to_all(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it, it.socket("a") as one, it.socket("b") as other:
            await it.play(await it.submit())
            await it.native("private", private=True)
            await it.native("anna", owner="anna")
            for name in ("private", "anna"):
                puppet = await it.given(name)
                begin(puppet, name)
                puppet.event(name, "node_started", node="sample")
                puppet.over(name, "done")
            last = await it.submit(client_id="a", prompt_id="last")
            await it.play(last)
            told = await heard(one)
            seen = await heard(other, "status")
            while not any(isinstance(item, dict) and item["type"] == "progress" for item in seen):
                seen += await heard(other, "progress")
            assert "executed" not in kinds(seen)
            assert "execution_start" not in kinds(seen)
            mentioned = {item["data"].get("prompt_id") for item in told if isinstance(item, dict)}
            assert not mentioned & {"private", "anna"}

    asyncio.run(play())


def test_the_queue_is_told_to_all_and_never_too_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "STATUS_SECONDS", 0.05)

    async def play() -> None:
        async with scene(tmp_path) as it, it.socket("other") as ws:
            await asyncio.gather(*(it.submit(client_id="me") for _ in range(20)))
            lengths: list[int] = []
            while not lengths or lengths[-1] != 20:
                lengths.append((await ws.receive_json(timeout=10))["data"]["status"]["exec_info"]["queue_remaining"])
            assert len(lengths) < 20
            await it.post("/queue", {"clear": True})
            while lengths[-1] != 1:
                lengths.append((await ws.receive_json(timeout=10))["data"]["status"]["exec_info"]["queue_remaining"])

    asyncio.run(play())


def test_a_slow_client_holds_up_nobody_and_misses_nothing(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it, it.socket("slow") as slow, it.socket("quick") as quick:
            run = await it.submit(client_id="slow")
            puppet = await it.given(run)
            begin(puppet, run)
            puppet.event(run, "node_started", node="3")
            for step in range(6000):
                puppet.event(run, "node_progress", node="3", done=step, total=6000)
                if step % 20 == 0:  # more than all buffers between the two can hold
                    preview(puppet, run, JPEG + bytes(400_000))
                    await it.core.hub.flushed()
            path = it.core.places.output / "x.png"
            outputs = {"files": [str(path)], "kind": "output"}
            puppet.event(run, "node_finished", node="3", reused=None, seconds=0.1, outputs={})
            puppet.event(run, "node_started", node="9")
            puppet.event(run, "node_finished", node="9", reused=None, seconds=0.1, outputs=outputs)
            puppet.over(run, "done")
            await until(lambda: not it.core.runs.active)
            other = await it.submit(client_id="quick")
            await it.play(other)
            assert kinds(await heard(quick))[-2:] == ["execution_success", "executing"]
            found = kinds(await heard(slow))
            assert found.count("frame") < 200
            for kind in ("execution_start", "executed", "execution_success"):
                assert found.count(kind) == 1

    asyncio.run(play())


def test_the_log_is_told_to_those_who_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import logging

    monkeypatch.setattr(clients, "LOG_SECONDS", 0.01)

    async def play() -> None:
        async with scene(tmp_path) as it, it.socket() as ws:
            async with it.client.patch("/internal/logs/subscribe", json={"clientId": "me", "enabled": True}) as done:
                assert done.status == 200
            await asyncio.sleep(0)
            while True:
                logging.getLogger("server.test").warning("hear, hear")
                try:
                    message = await ws.receive_json(timeout=0.2)
                    break
                except TimeoutError:
                    continue
            assert message["type"] == "logs"
            assert message["data"]["entries"][0]["m"] == "hear, hear\n"
            assert set(message["data"]["entries"][0]) == {"t", "m"}
            async with it.client.patch("/internal/logs/subscribe", json={"clientId": "me", "enabled": False}) as done:
                assert done.status == 200

    asyncio.run(play())


def test_what_a_bad_client_sends_changes_nothing(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            for junk in ("", "{", "[" * 5000, '{"type":"feature_flags","data":3}', '{"a":NaN}', "\N{GRINNING FACE}"):
                async with it.socket() as ws:
                    await ws.send_str(junk)
                    await ws.send_bytes(b"\0")
                    await it.play(await it.submit(client_id="me"))
                    assert kinds(await heard(ws))[-1] == "executing"
            async with it.socket() as ws:
                await ws.send_str("x" * (2**16 + 1))
                while (message := await ws.receive(timeout=10)).type is WSMsgType.TEXT:
                    pass
                assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
                assert ws.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
            assert (await it.client.get("/ws")).status == 426
            assert (await it.client.get(f"/ws?clientId={'x' * 300}")).status == 400

    asyncio.run(play())


def test_nobody_holds_too_many_websockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MOST", 2)

    async def play() -> None:
        async with scene(tmp_path) as it, it.socket("a"), it.socket("b"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await it.client.ws_connect("/ws")
            assert caught.value.status == 429

    asyncio.run(play())


def test_an_interruption_and_a_run_taken_out_of_the_line(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it, it.socket() as ws:
            run = await it.submit(client_id="me")
            waiting = await it.submit(client_id="me", prompt=prompt("another"))
            puppet = await it.given(run)
            begin(puppet, run)
            puppet.event(run, "node_started", node="3")
            await it.post("/queue", {"delete": [waiting]})
            await it.post("/interrupt", {"prompt_id": run})
            await until(lambda: puppet.stops(run))
            puppet.over(run, "cancelled")
            messages = await heard(ws)
            [told] = [message["data"] for message in messages if message["type"] == "execution_interrupted"]
            assert (told["prompt_id"], told["node_id"], told["node_type"]) == (run, "3", "KSampler")
            assert kinds(messages)[-2:] == ["execution_interrupted", "executing"]

    asyncio.run(play())


def test_a_client_that_takes_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "PATIENCE", 0.1)

    async def play() -> None:
        async with scene(tmp_path) as it, it.socket("dead") as dead:
            run = await it.submit(client_id="dead")
            puppet = await it.given(run)
            begin(puppet, run)

            async def picture() -> bool:
                preview(puppet, run, JPEG + bytes(1_000_000))
                await it.core.hub.flushed()
                await asyncio.sleep(0.01)
                return "comfyui" not in +it.core.facts._sockets

            while not await picture():
                pass
            while (await dead.receive(timeout=10)).type is WSMsgType.TEXT or not dead.closed:
                pass
            puppet.over(run, "done")
            await until(lambda: not it.core.runs.active)

    asyncio.run(play())


def test_a_run_that_was_cut_off_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it, it.socket() as ws:
            run = await it.submit(client_id="me")
            puppet = await it.given(run)
            begin(puppet, run)
            puppet.event(run, "node_started", node="3")
            puppet.event(run, "node_progress", node="3", done=1, total=2)
            puppet.die()
            another = await until(lambda: next((one for one in it.theatre.cast[1:] if one.run == run), None))
            begin(another, run)
            another.event(run, "node_started", node="3")
            another.event(run, "node_finished", node="3", reused=None, seconds=0.1, outputs={})
            another.over(run, "done")
            found = kinds(await heard(ws))
            assert found.count("execution_start") == found.count("execution_success") == 1
            assert found[-2:] == ["execution_success", "executing"]

    asyncio.run(play())
