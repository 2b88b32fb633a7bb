"""Workers as real processes: what they say, that they lose nothing, and that nothing they meet breaks their stream."""

import asyncio
import io
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from noisewright.commands.serve import hiring
from noisewright.home import find_home
from server.settings import Settings
from server.wire import packed, receive
from server.worker import LocalWorker, WorkerError
from tests.server.crews import document
from tests.server.processes import ROOT

PACK = '''
import os
import sys
import time

from graph.node import node
from graph.progress import Progress, Steps

print("imported")
os.write(1, b"imported, past Python\\n")


@node("TalksCount", category="talks", output=True)
def count(steps: int = 3, seconds: float = 0.0) -> Steps[str]:
    """Count, and say so."""
    for done in range(steps):
        time.sleep(seconds)
        print("step", done)
        sys.stdout.flush()
        os.write(1, b"\\x00\\x00\\x00\\x02\\x00\\x00\\x00\\x00{}\\n")
        os.system("echo a process of its own")
        yield Progress(done + 1, steps)
    sys.stdin.read()
    return f"{steps} steps"
'''

STEPS = 24


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the same bits, and no threads that wait for each other's turn


class Ear:
    """What a worker said, in order."""

    def __init__(self) -> None:
        self.said: list[tuple[Mapping[str, Any], bytes]] = []
        self._more = asyncio.Event()

    def __call__(self, said: Mapping[str, Any], body: bytes) -> None:
        self.said.append((said, body))
        self._more.set()

    async def hear(self, kind: str, seconds: float = 60.0, **facts: Any) -> Mapping[str, Any]:
        """The first message of that kind that holds these facts, once it has come; `event` is the kind of an event."""
        begun = 0
        async with asyncio.timeout(seconds):
            while True:
                for said, _ in self.said[begun:]:
                    begun += 1
                    event = said.get("event", {})
                    if said["say"] == kind and all(
                        value in (said.get(name), event.get(name)) for name, value in facts.items()
                    ):
                        return said
                self._more.clear()
                await self._more.wait()

    def events(self, run: str) -> list[tuple[dict[str, Any], bytes]]:
        """What it said of a run."""
        return [(said["event"], body) for said, body in self.said if said["say"] == "event" and said["run"] == run]

    def log(self) -> str:
        """What it wrote to stderr."""
        return "\n".join(said["text"] for said, _ in self.said if said["say"] == "log")


@asynccontextmanager
async def hired(data: Path, device: str = "cpu") -> AsyncIterator[tuple[LocalWorker, Ear]]:
    """A worker as the server starts it."""
    home = find_home(data)
    home.prepare()
    worker, ear = hiring(home, Settings())("w", device), Ear()
    await worker.start(ear)
    try:
        yield worker, ear
    finally:
        await worker.end(5.0)
    assert [said["say"] for said, _ in ear.said].index("gone") == len(ear.said) - 1


def counting(**inputs: Any) -> bytes:
    """A workflow of the pack's node."""
    nodes = {"count": {"type": "TalksCount", "inputs": inputs}}
    return json.dumps({"format": "noisewright/workflow", "version": 1, "nodes": nodes}).encode()


def sampling(steps: int, seed: int = 5) -> bytes:
    """A picture by the bundled model."""
    workflow = document()
    workflow["nodes"]["sample"]["inputs"] |= {"steps": steps, "seed": seed, "sampler_name": "dpmpp_2m"}
    workflow["nodes"]["size"]["inputs"] |= {"width": 64, "height": 64}
    return json.dumps(workflow).encode()


def shown(ear: Ear, run: str) -> bytes:
    """The pixels of the picture a run wrote."""
    [path] = [
        path
        for event, _ in ear.events(run)
        if event["event"] == "node_finished" and event["node"] == "save"
        for path in event["outputs"]["files"]
    ]
    with Image.open(path) as image:
        return image.tobytes()


def test_it_tells_what_it_knows_and_what_happens_in_order(tmp_path: Path):
    async def main() -> None:
        async with hired(tmp_path) as (worker, ear):
            await ear.hear("ready")
            kinds = [said["say"] for said, _ in ear.said]
            assert kinds.index("catalogue") < kinds.index("ready")
            assert "KSampler" in json.dumps(next(said for said, _ in ear.said if said["say"] == "catalogue"))
            text = sampling(6)
            planned = await worker.ask("plan", text, wanted=[])
            assert {step["action"] for step in planned["steps"]} == {"run"}

            worker.tell("run", text, run="one", wanted=[], previews=True)
            over = await ear.hear("over", run="one")
            events = ear.events("one")
            told = [event["event"] for event, _ in events]
            assert over["status"] == "done"
            held = sorted(Path(path).name for path in over["held"])
            assert held == ["sprout.safetensors", "taesprout.safetensors"]  # the latter drew the previews
            assert over["loads"] == 4
            assert told[0] == "run_started"
            assert [event["done"] for event, _ in events if event["event"] == "node_progress"] == [1, 2, 3, 4, 5, 6]
            finished = [event["node"] for event, _ in events if event["event"] == "node_finished"]
            assert sorted(finished) == ["ckpt", "decode", "sample", "save", "size", "text"]
            assert finished[-3:] == ["sample", "decode", "save"]
            previews = [(event, body) for event, body in events if event["event"] == "node_preview"]
            assert previews
            for event, body in previews:
                with Image.open(io.BytesIO(body)) as preview:
                    assert Image.MIME[str(preview.format)] == event["mime"]
            assert all(not body for event, body in events if event["event"] != "node_preview")

            planned = await worker.ask("plan", text, wanted=[])
            assert {step["action"] for step in planned["steps"]} == {"reuse"}
            assert "sample" in planned["unneeded"]
            assert planned["warnings"] == []
            worker.tell("run", sampling(6, seed=6), run="no previews", wanted=[], previews=False)
            await ear.hear("over", run="no previews", status="done")
            assert not any(event["event"] == "node_preview" for event, _ in ear.events("no previews"))
            worker.tell("run", sampling(40, seed=7), run="later", wanted=[], previews=False)
            worker.tell("watch", run="later", previews=True)
            await ear.hear("over", run="later", status="done")
            assert any(event["event"] == "node_preview" for event, _ in ear.events("later"))
            assert (await worker.ask("free", models=True, results=True))["held"] == []

            broken = text.replace(b"sprout.safetensors", b"spruot.safetensors")
            worker.tell("run", broken, run="broken", wanted=[])
            over = await ear.hear("over", run="broken")
            assert (over["status"], over["error"]["code"]) == ("failed", "invalid_workflow")
            assert "spruot" in over["error"]["problems"][0]["message"]
            with pytest.raises(WorkerError, match="spruot") as caught:
                await worker.ask("plan", broken, wanted=[])
            assert caught.value.code == "invalid_workflow"
            assert caught.value.problems[0]["node"] == "ckpt"
            worker.tell("run", b"{", run="no JSON", wanted=[])
            assert (await ear.hear("over", run="no JSON"))["error"]["code"] == "cannot_run"

            worker.tell("run", sampling(10_000), run="long", wanted=[], previews=False)
            worker.tell("run", sampling(10_000, seed=9), run="behind it", wanted=[], previews=False)
            worker.tell("stop", run="behind it", park=False)
            await ear.hear("event", event="node_progress", run="long", done=2)
            worker.tell("stop", run="long", park=False)
            assert (await ear.hear("over", run="long"))["status"] == "cancelled"
            assert (await ear.hear("over", run="behind it"))["status"] == "cancelled"
            assert not ear.events("behind it")
            worker.tell("stop", run="long", park=False)  # of one that is over nothing comes
            worker.tell("dance")
            await ear.hear("log")
            assert "dance" in ear.log()

    asyncio.run(main())


def test_a_parked_run_goes_on_in_another_process_to_the_same_bits(tmp_path: Path):
    """First told to, then because the server is gone; then undisturbed, and privately: with nothing found on disk."""
    text = sampling(STEPS)

    async def main() -> None:
        async with hired(tmp_path) as (worker, ear):
            worker.tell("run", text, run="one", wanted=[], previews=False)
            await ear.hear("event", event="node_progress", done=6)
            worker.tell("stop", run="one", park=True)
            assert (await ear.hear("over", run="one"))["status"] == "parked"
            reached = [event["done"] for event, _ in ear.events("one") if event["event"] == "node_progress"][-1]
        assert 6 <= reached < STEPS

        async with hired(tmp_path) as (worker, ear):
            worker.tell("run", text, run="one", wanted=[], previews=False)
            await ear.hear("event", event="node_progress", done=reached + 4)
            worker.tell("stop", run="one", park=True)
            assert (await ear.hear("over", run="one"))["status"] == "parked"
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGKILL)  # what is parked is kept
            steps = [event["done"] for event, _ in ear.events("one") if event["event"] == "node_progress"]
            assert steps == list(range(reached + 1, steps[-1] + 1))
            reached = steps[-1]

        process = await started(tmp_path)
        process.stdin.write(packed({"do": "begin", "device": "cpu"}))
        process.stdin.write(packed({"do": "run", "run": "one", "wanted": [], "previews": False}, text))
        first = 0
        while (frame := await receive(process.stdout)) is not None:
            event = frame.header.get("event", {})
            if event.get("event") == "node_progress":
                first = first or event["done"]
                if event["done"] == first + 3:
                    break
        assert first == reached + 1
        began = time.perf_counter()
        process.stdin.close()
        said = []
        while (frame := await receive(process.stdout)) is not None:
            said.append(frame.header)
        assert await process.wait() == 0
        assert time.perf_counter() - began < 5.0
        assert said[-1]["say"] == "over"
        assert said[-1]["status"] == "parked"
        reached = max([header["event"]["done"] for header in said if "event" in header], default=first + 3)

        async with hired(tmp_path) as (worker, ear):
            worker.tell("run", text, run="one", wanted=[], previews=False)
            await ear.hear("over", run="one", status="done")
            assert [event["done"] for event, _ in ear.events("one") if event["event"] == "node_progress"] == list(
                range(reached + 1, STEPS + 1)
            )
            worker.tell("run", text, run="undisturbed", wanted=[], previews=False, private=True)
            await ear.hear("over", run="undisturbed", status="done")
            assert len([1 for event, _ in ear.events("undisturbed") if event["event"] == "node_progress"]) == STEPS
            assert shown(ear, "one") == shown(ear, "undisturbed")

    asyncio.run(main())


async def started(data: Path) -> Any:
    """A worker that is talked to by hand."""
    find_home(data).prepare()
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "main.py"), "worker", "--data", str(data)),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


def write_pack(data: Path) -> None:
    """A pack that prints whatever it does, by all ways there are, and reads stdin."""
    folder = data / "packs" / "talks"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(PACK)


def test_what_a_pack_prints_is_a_log_and_what_it_reads_is_empty(tmp_path: Path):
    async def main() -> None:
        write_pack(tmp_path)
        async with hired(tmp_path) as (worker, ear):
            worker.tell("run", counting(), run="one", wanted=[])
            over = await ear.hear("over", run="one")
            assert over["status"] == "done"
            assert [event["done"] for event, _ in ear.events("one") if event["event"] == "node_progress"] == [1, 2, 3]
            for line in ("imported", "imported, past Python", "step 2", "a process of its own"):
                await ear.hear("log", text=line)

    asyncio.run(main())


def test_one_that_is_killed_is_gone_with_a_reason_and_so_are_questions_to_it(tmp_path: Path):
    async def main() -> None:
        write_pack(tmp_path)
        async with hired(tmp_path) as (worker, ear):
            await ear.hear("ready")
            worker.tell("run", counting(steps=10_000, seconds=0.01), run="one", wanted=[])
            await ear.hear("event", event="node_progress")
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGSTOP)
            asked = asyncio.create_task(worker.ask("plan", counting(), wanted=[]))
            await asyncio.sleep(0)
            os.kill(worker.pid, signal.SIGKILL)
            gone = await ear.hear("gone")
            assert gone["code"] == -signal.SIGKILL
            assert gone["reason"] == "It was killed, which is what a system that runs out of memory does."
            with pytest.raises(WorkerError, match=r"'w' ended before it answered\. It was killed"):
                await asked
            with pytest.raises(WorkerError, match="'w' is not there"):
                await worker.ask("plan", counting(), wanted=[])
            worker.tell("run", counting(), run="two", wanted=[])

    asyncio.run(main())


def test_one_that_does_not_end_in_time_is_ended_by_force(tmp_path: Path):
    async def main() -> None:
        async with hired(tmp_path) as (worker, ear):
            await ear.hear("ready")
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGSTOP)
            await worker.end(0.2)
            gone = await ear.hear("gone")
            assert gone["reason"] == "It was ended because it did not end in time."

    asyncio.run(main())


def test_one_whose_server_is_gone_ends_in_five_seconds_whatever_its_node_does(tmp_path: Path):
    async def main() -> None:
        write_pack(tmp_path)
        process = await started(tmp_path)
        process.stdin.write(packed({"do": "begin", "device": "cpu"}))
        process.stdin.write(packed({"do": "run", "run": "one"}, counting(steps=1, seconds=60.0)))
        while (frame := await receive(process.stdout)) is not None:
            if frame.header.get("event", {}).get("event") == "node_started":
                break
        began = time.perf_counter()
        process.stdin.close()
        await process.stdout.read()
        assert await process.wait() == 0
        assert time.perf_counter() - began < 5.5
        await process.stderr.read()

    asyncio.run(main())


def test_a_device_that_is_not_there_is_said_so(tmp_path: Path):
    async def main() -> None:
        async with hired(tmp_path, device="cuda:9") as (_, ear):
            cannot = await ear.hear("cannot")
            assert "cuda:9" in cannot["reason"]
            assert "ready" not in [said["say"] for said, _ in ear.said]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("orders", "code", "sentence"),
    [
        ([], 2, "A worker is started by the server and takes its orders from it. Use `serve`."),
        ([packed({"do": "run", "run": "one"})], 2, "A worker is started by the server"),
        ([b"GET / HTTP/1.1\r\n\r\n"], 2, "A worker is started by the server"),
        ([packed({"do": "begin", "device": "cpu"}), b"garbage, and more of it"], 0, "The orders of this worker ended"),
        ([packed({"do": "begin", "device": "cpu"}), packed({"do": "end"})[:-1]], 0, "It ended within a frame."),
    ],
)  # fmt: skip
def test_what_is_no_order_ends_it_with_a_sentence(tmp_path: Path, orders: Sequence[bytes], code: int, sentence: str):
    async def main() -> None:
        process = await started(tmp_path)
        _, said = await process.communicate(b"".join(orders))
        assert process.returncode == code, said.decode()
        assert sentence in said.decode()
        assert "Traceback" not in said.decode()

    asyncio.run(main())


def test_a_program_that_cannot_be_started_is_an_error(tmp_path: Path):
    async def main() -> None:
        worker = LocalWorker("w", "cpu", [str(tmp_path / "nothing")], {})
        with pytest.raises(WorkerError, match="No process can be started with"):
            await worker.start(Ear())
        await worker.end(1.0)

    asyncio.run(main())


def test_one_that_writes_what_is_no_message_is_ended(tmp_path: Path):
    async def main() -> None:
        ear = Ear()
        worker = LocalWorker("w", "cpu", [sys.executable, "-c", "print('x' * 100); import time; time.sleep(60)"], {})
        await worker.start(ear)
        gone = await ear.hear("gone")
        assert gone["reason"].startswith("It was ended because it wrote what is no message:")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("pass", "It ended."),
        ("raise SystemExit(3)", "It ended with code 3."),
        ("import os; os.abort()", "It was ended by SIGABRT, a crash in native code if nobody sent it."),
    ],
)
def test_why_one_ended_is_a_sentence(code: str, reason: str):
    async def main() -> None:
        ear = Ear()
        await LocalWorker("w", "cpu", [sys.executable, "-c", code], {}).start(ear)
        assert (await ear.hear("gone"))["reason"] == reason

    asyncio.run(main())
