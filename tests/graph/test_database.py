import errno
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import pytest

from graph.complaints import Complaints
from graph.database import ABANDONED_SECONDS, CURRENT, Database, Unavailable

SCHEMA = ("CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY)",)

Open = Callable[..., Database]


@pytest.fixture
def open_one(tmp_path: Path, request: pytest.FixtureRequest) -> Open:
    """Opens the same database as often as it is asked."""

    def make(patience: float = 5.0) -> Database:
        complain = Complaints(logging.getLogger("toy"))
        database = Database(tmp_path / "db", SCHEMA, version=1, complain=complain, patience=patience)
        request.addfinalizer(database.close)
        return database

    return make


def add(database: Database, word: str) -> None:
    with database.change() as connection:
        connection.execute("INSERT OR IGNORE INTO words VALUES (?)", (word,))


def words(database: Database) -> list[str]:
    return [word for (word,) in database.ask("SELECT word FROM words ORDER BY word")]


def file_of(folder: Path) -> Path:
    return folder / "db" / (folder / "db" / CURRENT).read_text()


def test_what_is_written_is_read_by_others(open_one: Open):
    one, other = open_one(), open_one()
    assert words(other) == []
    add(one, "a")
    assert words(other) == words(open_one()) == ["a"]
    assert (one.begun, other.begun) == (False, True)


def fail_in_mid_change(database: Database, error: Exception) -> None:
    with database.change() as connection:
        connection.execute("INSERT INTO words VALUES ('a')")
        raise error


def test_a_block_happens_wholly_or_not_at_all(open_one: Open):
    database = open_one()
    with pytest.raises(ZeroDivisionError):
        fail_in_mid_change(database, ZeroDivisionError())
    with pytest.raises(Unavailable, match="No space"):
        fail_in_mid_change(database, OSError(errno.ENOSPC, "No space left on device"))
    assert words(database) == []


def test_a_database_deleted_while_open_is_begun_anew(open_one: Open, tmp_path: Path):
    one, other = open_one(), open_one()
    add(one, "a")
    assert words(other) == ["a"]
    for path in (tmp_path / "db").iterdir():
        path.unlink()
    assert words(one) == []
    add(one, "b")
    assert words(other) == words(open_one()) == ["b"]


def test_a_folder_deleted_while_open_is_made_anew(open_one: Open, tmp_path: Path):
    one = open_one()
    add(one, "a")
    (tmp_path / "db").rename(tmp_path / "away")
    add(one, "b")
    assert words(one) == words(open_one()) == ["b"]


@pytest.mark.parametrize("damage", ["header", "middle", "cut", "empty", "text", "other"])
def test_a_database_damaged_while_open_is_left_behind(
    open_one: Open, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
):
    one, other = open_one(), open_one()
    for index in range(2000):
        one.ask("INSERT INTO words VALUES (?)", (f"{index:0100}",))
    one.ask("PRAGMA wal_checkpoint(TRUNCATE)")
    assert len(words(other)) == 2000
    path = file_of(tmp_path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        if damage == "header":
            file.write(b"\xff" * 100)
        elif damage == "middle":
            file.seek(4096)
            file.write(b"\xff" * (size - 4096))
        elif damage in ("cut", "empty"):
            file.truncate(size // 2 if damage == "cut" else 0)
        elif damage == "text":
            file.truncate(0)
            file.write(b"This is no database. " * 1000)
    if damage == "other":
        path.unlink()
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE words (word TEXT PRIMARY KEY)").connection.execute(
                "PRAGMA user_version = 1"
            )
        connection.close()
    for database in (one, other, open_one()):
        for _ in range(3):
            database.ask("SELECT word FROM words")
            database.ask("INSERT OR IGNORE INTO words VALUES ('x')")
            database.is_sound()
        add(database, "b")
        assert "b" in words(database)
    assert words(one) == words(other) == words(open_one())
    assert one.is_sound()
    if damage in ("middle", "text"):
        assert "is damaged and begun anew" in caplog.text


def test_is_sound_finds_damage_that_nobody_has_met(open_one: Open, tmp_path: Path):
    one = open_one()
    for index in range(2000):
        one.ask("INSERT INTO words VALUES (?)", (f"{index:0100}",))
    one.ask("PRAGMA wal_checkpoint(TRUNCATE)")
    assert one.is_sound()
    one.close()
    with file_of(tmp_path).open("r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xff" * 4096)
    other = open_one()
    assert not other.is_sound()
    assert other.is_sound()
    assert words(other) == []


def test_one_who_is_locked_out_waits_and_then_says_so(open_one: Open, caplog: pytest.LogCaptureFixture):
    one, other = open_one(), open_one(patience=0.05)
    add(other, "a")
    with one.change() as connection:
        connection.execute("INSERT INTO words VALUES ('b')")
        with pytest.raises(Unavailable, match="locked"):
            add(other, "c")
        assert words(other) == ["a"]
    assert "cannot be used for now" in caplog.text
    add(other, "c")
    assert words(one) == ["a", "b", "c"]


def test_a_folder_that_cannot_be_made_costs_a_line_in_the_log(
    open_one: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "db").write_text("a file is in the way")
    database = open_one()
    assert words(database) == []
    with pytest.raises(Unavailable):
        add(database, "a")
    assert caplog.text.count("cannot be used for now") == 1
    (tmp_path / "db").unlink()
    add(database, "a")
    assert words(database) == ["a"]


def test_text_that_is_no_text_is_not_found(open_one: Open):
    assert open_one().ask("SELECT word FROM words WHERE word = ?", ("\ud800",)) == []


def test_after_closing_nothing_is_found(open_one: Open):
    database = open_one()
    add(database, "a")
    database.close()
    assert words(database) == []
    with pytest.raises(Unavailable):
        add(database, "b")


@pytest.mark.parametrize("name", ["../../etc/passwd", "results-x.db", "", "\xff\n"])
def test_a_damaged_name_of_the_database_leads_nowhere(open_one: Open, tmp_path: Path, name: str):
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / CURRENT).write_bytes(name.encode("latin1"))
    database = open_one()
    add(database, "a")
    assert words(database) == ["a"]
    assert file_of(tmp_path).parent == tmp_path / "db"


def test_databases_left_behind_are_deleted(open_one: Open, tmp_path: Path):
    one = open_one()
    add(one, "a")
    one.close()
    first = file_of(tmp_path)
    then = time.time() - ABANDONED_SECONDS - 1
    os.utime(first, (then, then))
    (tmp_path / "db" / CURRENT).unlink()
    other = open_one()
    add(other, "b")
    assert words(other) == ["b"]
    assert not first.exists()


def test_many_threads_may_begin_at_once(open_one: Open):
    ready = Event()

    def work(index: int) -> None:
        ready.wait()
        database = open_one()
        for number in range(20):
            add(database, f"{index} {number}")

    threads = [Thread(target=work, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    ready.set()
    for thread in threads:
        thread.join()
    # Those that begin at the same moment agree on one from the first, so that nothing is lost.
    found = words(open_one())
    assert {f"{index} {number}" for index in range(6) for number in range(20)} == set(found)


def test_threads_may_share_one(open_one: Open):
    database = open_one()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda index: add(database, str(index)), range(100)))
    assert len(words(database)) == 100
