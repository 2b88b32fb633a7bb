"""A backup, taken while a server writes, unpacked and opened again."""

import asyncio
import os
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from graph.errors import GraphError
from server.backup import backup
from server.database import Database
from server.places import Places
from server.records import Records
from server.run import Run


@pytest.fixture
def places(tmp_path: Path) -> Places:
    home = tmp_path / "home"
    found = Places(
        data=home, models=(home / "models",), own_models=home / "models", input=home / "input",
        output=tmp_path / "elsewhere", temp=home / "temp", templates=home / "templates", cache=home / "cache",
        logs=home / "logs", packs=(), model_folders=("checkpoints",), suffixes=(".safetensors",),
    )  # fmt: skip
    for path, text in {
        found.settings: "port = 1",
        found.workflows / "deep" / "Straße.json": "{}",
        found.user / "default" / "comfy.settings.json": "{}",
        found.input / "cat.png": "cat",
        found.output / "dog.png": "dog",
        found.output / f".{'0' * 32}.part": "half",
        found.cache / "digests.db": "cache",
        found.own_models / "checkpoints" / "a.safetensors": "model",
        found.logs / "noisewright.log": "log",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return found


ALWAYS = {"settings.toml", "workflows/deep/Straße.json", "user/default/comfy.settings.json"}


def names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return set(archive.namelist())


def test_what_is_in_it(places: Places, tmp_path: Path):
    with closing(sqlite3.connect(places.database)) as connection:
        connection.execute("CREATE TABLE runs (a)")
    small = backup(places, tmp_path / "new" / "small.zip")
    assert names(small.path) == ALWAYS | {"noisewright.db"}
    assert (small.files, small.bytes, small.left_out) == (4, small.path.stat().st_size, ())
    large = backup(places, tmp_path / "large.zip", files=True)
    assert names(large.path) == ALWAYS | {"noisewright.db", "input/cat.png", "output/dog.png"}
    assert sorted(path.name for path in small.path.parent.iterdir()) == ["small.zip"]
    if os.name == "posix":
        assert small.path.stat().st_mode & 0o777 == 0o600


def test_it_is_consistent_while_a_server_writes_and_can_be_restored(places: Places, tmp_path: Path):
    """Runs are accepted in pairs all the while; a backup holds whole pairs, and a server starts on it."""

    async def main() -> None:
        database = await Database.open(places.database)
        records, is_done, count = Records(database), False, 0

        async def accepting() -> None:
            nonlocal count
            while not is_done:
                await records.accept([Run(id=f"{count}-{half}", workflow="x" * 20_000) for half in "ab"])
                count += 1

        task = asyncio.create_task(accepting())
        for number in range(3):
            while count < 20 * (number + 1):
                await asyncio.sleep(0)
            before = count
            made = await asyncio.to_thread(backup, places, tmp_path / f"{number}.zip")
            restored = tmp_path / f"restored {number}"
            with zipfile.ZipFile(made.path) as archive:
                archive.extractall(restored)
            assert not list(restored.glob("*-wal"))
            again = await Database.open(restored / "noisewright.db")
            found = {run.id for run in await Records(again).unfinished()}
            await again.close()
            assert len(found) >= 2 * before
            assert found == {f"{pair}-{half}" for pair in range(len(found) // 2) for half in "ab"}
        is_done = True
        await task
        await database.close()

    asyncio.run(main())


def test_private_runs_are_not_in_it(places: Places, tmp_path: Path):
    async def main() -> None:
        database = await Database.open(places.database)
        runs = [Run(id=f"known {number}", workflow="known") for number in range(2)]
        runs += [Run(id=f"private {number}", private=True, workflow="sEcReT" * 50) for number in range(2)]
        await Records(database).accept(runs)
        backup(places, tmp_path / "x.zip")
        assert len(await Records(database).unfinished()) == 4
        await database.close()

    asyncio.run(main())
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        data = archive.read("noisewright.db")
    assert b"known" in data
    assert b"sEcReT" not in data


def test_nothing_is_overwritten(places: Places, tmp_path: Path):
    target = tmp_path / "there.zip"
    target.write_bytes(b"precious")
    for path in (target, tmp_path):
        with pytest.raises(GraphError, match="is there already"):
            backup(places, path)
    assert target.read_bytes() == b"precious"


def test_what_cannot_be_written(places: Places, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(GraphError, match="cannot be written"):
        backup(places, tmp_path / "file" / "x.zip")


def test_a_damaged_database_is_said(places: Places, tmp_path: Path):
    places.database.write_bytes(b"no database" * 1000)
    with pytest.raises(GraphError, match="cannot be backed up.*damaged"):
        backup(places, tmp_path / "x.zip")
    assert not list(tmp_path.glob("*.zip")) + list(tmp_path.glob(".*"))


def test_nothing_to_back_up(places: Places, tmp_path: Path):
    empty = replace(places, data=tmp_path / "empty")
    with pytest.raises(GraphError, match="nothing to back up"):
        backup(empty, tmp_path / "x.zip")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files")
def test_links_and_what_is_no_file_are_passed_over(places: Places, tmp_path: Path):
    (tmp_path / "outside.txt").write_text("not ours")
    (places.input / "link.txt").symlink_to(tmp_path / "outside.txt")
    (places.workflows / "loop").symlink_to(places.workflows)
    os.mkfifo(places.output / "pipe")
    os.utime(places.input / "cat.png", (0, 0))  # before the years that zip files know
    made = backup(places, places.output / "x.zip", files=True)
    assert names(made.path) == ALWAYS | {"input/cat.png", "output/dog.png"}
