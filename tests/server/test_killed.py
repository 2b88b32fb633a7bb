"""Servers and workers that are ended, by force and politely: nothing accepted is lost, nothing is computed twice, and
the pictures are the same.
"""

import asyncio
import random
from pathlib import Path

import pytest

from tests.server.kills import UNFINISHED, Soak, picture, pixels, resumptions, undisturbed
from tests.server.processes import Served

MOMENTS, LONGEST, STEPS = 10, 2.5, 20


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the same bits, and no threads that wait for each other's turn


def test_a_queue_survives_kills_at_random_moments(tmp_path: Path):
    async def main() -> None:
        async with Served(tmp_path / "killed", "--no-previews") as server:
            chance = random.Random(4)
            soak = Soak(server, chance, STEPS, ahead=3)
            async with soak.clients():
                for number in range(MOMENTS):
                    await soak.moment(LONGEST)
                    await soak.kill(("server", "worker", "both")[number % 3])
            await soak.drained()
            await soak.verify()
            pictures = await soak.pictures()
        async with Served(tmp_path / "undisturbed", "--no-previews") as server:
            assert pictures == await undisturbed(server, sorted(pictures), STEPS)
        assert not soak.wrong, "\n".join(soak.wrong)
        assert pictures

    asyncio.run(main())


def test_a_server_told_to_end_parks_the_step_and_goes_on_from_it(tmp_path: Path):
    steps = 80

    async def main() -> None:
        async with Served(tmp_path / "home", "--no-previews") as server:
            run = (await server.ask("/v1/runs", picture(5, steps)))["id"]
            while (found := await server.ask(f"/v1/runs/{run}"))["done"] < 10:
                assert found["state"] in UNFINISHED, found["error"]
                await asyncio.sleep(0.01)
            code, seconds = await server.end()
            assert code == 0
            assert seconds < 5.0
            await server.start()
            heard = []
            async with server.session.ws_connect(f"{server.address}/v1/events?run={run}&since=-1") as socket:
                async for message in socket:
                    heard.append(message.json())
                    if heard[-1]["event"] == "run_finished":
                        break
            found = await server.ask(f"/v1/runs/{run}")
            assert (found["state"], found["starts"]) == ("done", 2)
            assert [death["reason"] for death in found["deaths"]] == []
            progress = [event["done"] for event in heard if event["event"] == "node_progress"]
            assert progress == sorted(set(progress))  # not every step is told, but none is made twice
            assert progress[-1] == steps
            assert [event["seq"] for event in heard if "seq" in event] == list(range(found["last_event"] + 1))
            assert not resumptions(heard)  # it was parked, not interrupted
            shown = pixels(server.folder / "output" / found["files"][0]["name"])
            again = await server.ask("/v1/runs", picture(5, steps) | {"private": True})  # finds nothing on disk
            while (made := await server.ask(f"/v1/runs/{again['id']}"))["state"] in UNFINISHED:
                await asyncio.sleep(0.05)
            assert pixels(server.folder / "output" / made["files"][0]["name"]) == shown

    asyncio.run(main())
