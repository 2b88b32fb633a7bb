"""A server whose disk is full, or cannot be written."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.server.kills import UNFINISHED, picture, quick
from tests.server.processes import Refused, Served

SIZE = 24
"""Of the disk, in MiB."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mounted("-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs", str(folder)):
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def mounted(*options: str) -> bool:
    """Whether that could be mounted."""
    return shutil.which("mount") is not None and not subprocess.run(["mount", *options], capture_output=True).returncode


def fill(disk: Path) -> Path:
    """Take all the room there is."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return ballast


def test_a_full_disk_refuses_what_cannot_be_kept_and_loses_nothing(disk: Path):
    async def main() -> None:
        async with Served(disk / "home", "--no-previews") as server:
            await server.ready()
            first = (await server.ask("/v1/runs", picture(1, 10_000)))["id"]
            waiting = [(await server.ask("/v1/runs", quick(f"before {number}")))["id"] for number in range(5)]
            while not (await server.ask(f"/v1/runs/{first}"))["done"]:
                await asyncio.sleep(0.05)
            ballast = fill(disk)
            refusals: list[Refused] = []
            for number in range(200):  # the last room is in the database's own files
                try:
                    waiting.append((await server.ask("/v1/runs", quick(f"full {number}" * 500)))["id"])
                except Refused as refusal:
                    refusals.append(refusal)
                fill(disk)
            assert {refusal.status for refusal in refusals} <= {503, 507}
            assert refusals
            assert all(refusal.body["error"]["message"].endswith(".") for refusal in refusals)
            assert (await server.ask("/v1/queue"))["waiting_count"] == len(waiting)
            assert (await server.ask("/v1/health"))["status"]

            await server.ask(f"/v1/runs/{first}/cancel", {})  # then the next one is due, and cannot be begun
            while (await server.ask(f"/v1/runs/{first}"))["state"] == "running":
                await asyncio.sleep(0.05)
            for _ in range(20):
                fill(disk)
                states = [(await server.ask(f"/v1/runs/{run}"))["state"] for run in waiting]
                assert set(states) <= {*UNFINISHED, "done"}, states
                await asyncio.sleep(0.05)

            ballast.unlink()
            waiting.append((await server.ask("/v1/runs", quick("after")))["id"])
            for run in waiting:
                while (found := await server.ask(f"/v1/runs/{run}"))["state"] in UNFINISHED:
                    await asyncio.sleep(0.05)
                assert found["state"] == "done", found["error"]
            while (await server.ask("/v1/runs?state=cancelled"))["total"] == 0:  # until its end is kept, too
                await asyncio.sleep(0.05)
            await server.end()
            await server.start()
            listed = (await server.ask("/v1/runs?state=done&limit=500"))["runs"]
            assert {run["id"] for run in listed} == set(waiting)

    asyncio.run(main())


def test_a_data_folder_that_cannot_be_written_is_said_so(tmp_path: Path):
    async def main() -> None:
        home = tmp_path / "home"
        home.mkdir()
        if not mounted("--bind", str(home), str(home)) or not mounted("-o", "remount,bind,ro", str(home)):
            pytest.skip("nothing can be mounted here")
        try:
            with pytest.raises(RuntimeError) as caught:
                await Served(home, "--workers", "0").start()
        finally:
            subprocess.run(["umount", "-l", home], check=True)
        said = str(caught.value)
        assert said.startswith("It ended with 2:")
        assert str(home) in said
        assert "Traceback" not in said
        assert len(said.splitlines()) == 2

    asyncio.run(main())
