"""The database: group commit, failures of works and of disks, versions, traces. Kills and full disks are real."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from graph.errors import GraphError
from server import schema
from server.database import Database, StorageClosed, StorageFailed, StorageFull

ROOT = Path(__file__).resolve().parents[2]


def put(key: str, value: str = "") -> Callable[[sqlite3.Connection], None]:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO settings VALUES (?, ?)", (key, value))

    return work


def keys(connection: sqlite3.Connection) -> list[str]:
    return [key for (key,) in connection.execute("SELECT key FROM settings ORDER BY key")]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("mount") is None or mounted(folder, "-t", "tmpfs", "-o", "size=2m", "tmpfs"):
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def mounted(folder: Path, *options: str) -> int:
    return subprocess.run(["mount", *options, folder], check=False, capture_output=True).returncode


def filled(disk: Path) -> Path:
    """The file that takes all the room there was."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    assert shutil.disk_usage(disk).free == 0
    return ballast


def test_what_is_written_is_read(tmp_path: Path):
    async def main() -> None:
        database = await Database.open(tmp_path / "new" / "x.db")
        assert await database.write(lambda connection: connection.execute("SELECT 7").fetchone()) == (7,)
        await database.write(put("a"), durable=True)
        assert await database.read(keys) == ["a"]
        await database.close()
        again = await Database.open(tmp_path / "new" / "x.db")
        assert await again.read(keys) == ["a"]
        await again.close()

    asyncio.run(main())


def test_works_that_wait_share_a_transaction_and_fail_alone(tmp_path: Path):
    """One holds the thread; the others queue behind it and are committed together: those that raise leave no trace."""

    async def main() -> None:
        database = await Database.open(tmp_path / "x.db")
        goes_on = threading.Event()
        first = asyncio.create_task(database.write(lambda _: goes_on.wait(10)))
        seen: list[int] = []

        def fails(connection: sqlite3.Connection) -> None:
            put("half")(connection)
            raise LookupError("mine")

        def counts(connection: sqlite3.Connection) -> None:
            seen.append(connection.execute("SELECT COUNT(*) FROM settings").fetchone()[0])
            # Not committed yet, so another connection sees none of it.
            with closing(sqlite3.connect(tmp_path / "x.db")) as other:
                seen.append(other.execute("SELECT COUNT(*) FROM settings").fetchone()[0])

        works = [put("a"), fails, put("a"), put("b"), counts, lambda _: next(iter(()))]
        tasks = [asyncio.create_task(database.write(work, durable=index == 3)) for index, work in enumerate(works)]
        await asyncio.sleep(0)
        goes_on.set()
        results = await asyncio.gather(first, *tasks, return_exceptions=True)
        assert results[0] is True
        assert [type(result) for result in results[1:]] == [
            type(None), LookupError, sqlite3.IntegrityError, type(None), type(None), RuntimeError,
        ]  # fmt: skip
        assert seen == [2, 0]
        assert await database.read(keys) == ["a", "b"]
        await database.close()

    asyncio.run(main())


def test_a_caller_that_is_cancelled_hurts_nobody(tmp_path: Path):
    async def main() -> None:
        database = await Database.open(tmp_path / "x.db")
        goes_on = threading.Event()
        tasks = [asyncio.create_task(database.write(work)) for work in (lambda _: goes_on.wait(10), put("a"), put("b"))]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[1].cancel()
        await asyncio.sleep(0)
        goes_on.set()
        await tasks[2]
        assert tasks[0].cancelled()
        assert tasks[1].cancelled()
        assert await database.read(keys) == ["a", "b"]
        await database.close()

    asyncio.run(main())


def test_works_run_on_other_threads(tmp_path: Path):
    async def main() -> None:
        database = await Database.open(tmp_path / "x.db")
        here = threading.get_ident()
        assert await database.write(lambda _: threading.get_ident()) != here
        assert await database.read(lambda _: threading.get_ident()) != here
        await database.close()

    asyncio.run(main())


def test_a_reader_sees_one_state_and_cannot_write(tmp_path: Path):
    async def main() -> None:
        database = await Database.open(tmp_path / "x.db")
        looked, written = threading.Event(), threading.Event()

        def twice(connection: sqlite3.Connection) -> tuple[list[str], list[str]]:
            before = keys(connection)
            looked.set()
            written.wait(10)
            return before, keys(connection)

        reading = asyncio.create_task(database.read(twice))
        await asyncio.to_thread(looked.wait, 10)
        await database.write(put("a"))
        written.set()
        assert await reading == ([], [])
        assert await database.read(keys) == ["a"]
        with pytest.raises(StorageFailed, match="cannot be written"):
            await database.read(put("b"))
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await database.read(lambda connection: connection.execute("SELECT * FROM elsewhere"))
        with pytest.raises(RuntimeError, match="ran out of rows"):
            await database.read(lambda connection: next(connection.execute("SELECT 1 WHERE 0")))
        assert await database.read(keys) == ["a"]
        await database.close()

    asyncio.run(main())


def test_a_work_that_ends_the_transaction_is_refused(tmp_path: Path):
    async def main() -> None:
        database = await Database.open(tmp_path / "x.db")
        for statement in ("COMMIT", "ROLLBACK"):
            with pytest.raises(StorageFailed, match="ended the transaction"):
                await database.write(lambda connection, statement=statement: connection.execute(statement).rowcount)
        await database.write(put("a"))
        assert await database.read(keys) == ["a"]
        await database.close()

    asyncio.run(main())


def test_closing_finishes_what_waits_and_refuses_the_rest(tmp_path: Path):
    async def main() -> None:
        database = await Database.open(tmp_path / "x.db")
        await database.read(keys)
        tasks = [asyncio.create_task(database.write(put(f"{number:04}"))) for number in range(2000)]
        await asyncio.sleep(0)
        await database.close()
        await asyncio.gather(*tasks)
        for ask in (database.write, database.read, database.forget):
            with pytest.raises(StorageClosed, match="is closed"):
                await ask(keys)
        await database.close()

    asyncio.run(main())
    assert [path.name for path in tmp_path.iterdir()] == ["x.db"]
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        assert len(keys(connection)) == 2000


KILLED = """
import asyncio, sys
from pathlib import Path
from server.database import Database

async def main():
    database = await Database.open(Path(sys.argv[1]))
    start = int(sys.argv[2])
    async def one(number):
        work = lambda rows: rows.execute("INSERT INTO settings VALUES (?, ?)", (f"{number:08}", "x" * 500)).rowcount
        await database.write(work, durable=True)
        print(number, flush=True)
    for first in range(start, start + 100_000, 20):
        await asyncio.gather(*(one(number) for number in range(first, first + 20)))

asyncio.run(main())
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path):
    """Ten processes in turn are killed while they commit. What they printed is there, and nothing is in between."""
    path, told = tmp_path / "x.db", -1
    for turn in range(10):
        command = [sys.executable, "-c", KILLED, str(path), str(told + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            for _ in range(15 + 23 * turn):
                told = int(process.stdout.readline())
            process.kill()
            rest = process.stdout.read().split("\n")
            told = int(rest[-2]) if len(rest) > 1 else told
        with closing(sqlite3.connect(path)) as connection:
            found = [int(key) for key in keys(connection)]
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert found == list(range(len(found)))
        assert len(found) > told
        told = len(found) - 1  # written, but not told of: the next one goes on behind it


def test_a_full_disk_fails_what_does_not_fit_and_is_forgiven(disk: Path):
    async def main() -> None:
        path = disk / "x.db"
        database = await Database.open(path)
        await database.write(put("first", "x" * 1000), durable=True)
        ballast = filled(disk)
        tasks = [database.write(put(f"large {number}", "x" * 300_000)) for number in range(2)]
        failed = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(error) for error in failed] == [StorageFull, StorageFull]
        assert str(path) in str(failed[0])
        assert await database.read(keys) == ["first"]
        ballast.unlink()
        await database.write(put("second", "x" * 300_000), durable=True)
        assert await database.read(keys) == ["first", "second"]
        await database.close()

    asyncio.run(main())


def test_a_database_without_room_to_begin(disk: Path):
    filled(disk)
    with pytest.raises(GraphError, match="no room for the database"):
        asyncio.run(Database.open(disk / "x.db"))


def test_a_limit_of_pages_is_a_full_disk_too(tmp_path: Path):
    """Where nothing can be mounted: SQLite's own limit raises the same error. The group fails; the next one is done."""

    async def main() -> None:
        database = await Database.open(tmp_path / "x.db")
        pages = await database.write(lambda rows: rows.execute("PRAGMA page_count").fetchone()[0])
        await database.write(lambda rows: rows.execute(f"PRAGMA max_page_count = {pages + 5}").fetchone())
        with pytest.raises(StorageFull, match="disk is full"):
            await database.write(put("large", "x" * 100_000))
        await database.write(put("a"))
        assert await database.read(keys) == ["a"]
        await database.close()

    asyncio.run(main())


def test_a_read_only_disk(disk: Path):
    async def made() -> None:
        database = await Database.open(disk / "x.db")
        await database.write(put("a"))
        await database.close()

    asyncio.run(made())
    assert mounted(disk, "-o", "remount,ro") == 0
    for name in ("x.db", "other.db"):
        with pytest.raises(GraphError, match=rf"{name}' cannot be written: .* --data"):
            asyncio.run(Database.open(disk / name))


def test_a_place_that_is_none(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "x.db", tmp_path):
        with pytest.raises(GraphError, match=r"cannot be written: .* --data"):
            asyncio.run(Database.open(path))


def test_a_damaged_file(tmp_path: Path):
    path = tmp_path / "x.db"
    path.write_bytes(b"This is no database. " * 1000)
    with pytest.raises(GraphError, match=r"x\.db' is damaged .* backup"):
        asyncio.run(Database.open(path))
    assert path.read_bytes() == b"This is no database. " * 1000


def test_damage_found_later_is_a_sentence_too(tmp_path: Path):
    async def main() -> None:
        path = tmp_path / "x.db"
        database = await Database.open(path)
        await database.write(lambda rows: rows.executemany("INSERT INTO settings VALUES (?, ?)", [
            (f"{number:04}", "x" * 1000) for number in range(1000)
        ]).rowcount)  # fmt: skip
        await database.close()
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(b"\xff" * 200_000)
        again = await Database.open(path)
        with pytest.raises(StorageFailed, match="is damaged"):
            await again.read(lambda rows: rows.execute("SELECT key, value FROM settings").fetchall())
        await again.close()

    asyncio.run(main())


def test_a_newer_version_is_refused_and_left_alone(tmp_path: Path):
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("CREATE TABLE runs (of_the_future)")
    with pytest.raises(GraphError, match=rf"newer version.* version 99, .* up to {schema.VERSION}\."):
        asyncio.run(Database.open(path))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("runs",)]


def older(path: Path, monkeypatch: pytest.MonkeyPatch, *statements: str) -> None:
    """A database of the version this one knows, and a program that knows the next."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in schema.TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {schema.VERSION:d}")
        connection.execute("INSERT INTO settings VALUES ('kept', '1')")
    monkeypatch.setattr(schema, "UPGRADES", {schema.VERSION: statements})
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)


def test_an_older_version_is_copied_and_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, was = tmp_path / "x.db", schema.VERSION
    older(path, monkeypatch, "ALTER TABLE settings ADD COLUMN changed REAL", "CREATE TABLE more (a)")

    async def main() -> None:
        for _ in range(2):
            database = await Database.open(path)
            columns = await database.read(lambda rows: rows.execute("SELECT * FROM settings").fetchall())
            assert columns == [("kept", "1", None)]
            assert await database.read(schema.version_of) == was + 1
            await database.close()

    asyncio.run(main())
    copy = tmp_path / f"x.db.before-{was}"
    assert sorted(tmp_path.iterdir()) == [path, copy]
    with closing(sqlite3.connect(copy)) as connection:
        assert schema.version_of(connection) == was
        assert connection.execute("SELECT * FROM settings").fetchall() == [("kept", "1")]


def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, was = tmp_path / "x.db", schema.VERSION
    older(path, monkeypatch, "CREATE TABLE more (a)", "CREATE TABLE more (a)")
    with pytest.raises(GraphError, match="already exists"):
        asyncio.run(Database.open(path))
    with closing(sqlite3.connect(path)) as connection:
        assert schema.version_of(connection) == was
        assert keys(connection) == ["kept"]
        assert not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'more'").fetchall()


def test_every_version_leads_to_this_one():
    assert set(schema.UPGRADES) == set(range(1, schema.VERSION))


@pytest.mark.skipif(os.name != "posix", reason="rights of another kind")
def test_the_files_are_their_owners_alone(tmp_path: Path):
    async def main() -> None:
        database = await Database.open(tmp_path / "x.db")
        await database.write(put("a"))
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
        assert len(list(tmp_path.iterdir())) == 3
        await database.close()

    asyncio.run(main())


def test_a_reader_elsewhere_only_delays_forgetting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Another process that reads the old state keeps the write-ahead file alive; it is emptied when that is done,
    though the server is busy all the time.
    """
    monkeypatch.setattr("server.database.WIPE_SECONDS", 0.1)
    monkeypatch.setattr("server.database.WIPE_AGAIN_SECONDS", 0.01)

    async def main() -> None:
        path, log = tmp_path / "x.db", tmp_path / "x.db-wal"
        database = await Database.open(path)
        await database.write(put("a", "sEcReT"))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN")
            assert keys(other) == ["a"]
            await database.forget(lambda rows: rows.execute("DELETE FROM settings").rowcount)
            assert await database.read(keys) == []
            assert b"sEcReT" in log.read_bytes()
            await database.write(put("b"))
        while log.stat().st_size:
            await database.write(lambda rows: rows.execute("SELECT 1").fetchone())
        assert b"sEcReT" not in path.read_bytes()
        await database.close()

    asyncio.run(main())
