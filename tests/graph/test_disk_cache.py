"""The cache on disk: what it keeps, and that nothing wrong is ever served, whatever happens to its files."""

import errno
import os
import random
import secrets
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import pytest

from graph.cache import Entry, entry_of_files
from graph.codec import Codecs
from graph.disk_cache import TOUCH_SECONDS, DiskCache
from graph.errors import CacheDamaged, GraphError
from graph.files import SavedFiles
from graph.output_folder import OutputFolder
from graph.result import Many
from tests.graph.disk_values import KEYS, entry_of, is_right, key_of, looked_up

ROOT = Path(__file__).parent.parent.parent

LARGE = "large " * 2000
"""A value that becomes a blob."""

Open = Callable[..., DiskCache]


@pytest.fixture
def open_one(tmp_path: Path, request: pytest.FixtureRequest) -> Open:
    """Opens the same cache as often as it is asked."""

    def make(limit: int | None = None, **options: object) -> DiskCache:
        cache = DiskCache(tmp_path / "cache", Codecs(), limit, **options)  # pyright: ignore[reportArgumentType]
        request.addfinalizer(cache.close)
        return cache

    return make


@pytest.fixture
def cache(open_one: Open) -> DiskCache:
    return open_one()


def value(cache: DiskCache, key: str) -> object:
    """The first value of that key; None where it is not there."""
    entry = cache.get(key)
    if entry is None:
        return None
    assert entry.level == "disk"
    assert entry.outputs == ()
    assert entry.load is not None
    return entry.load().outputs[0]


def blobs_of(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "cache" / "1" / "blobs").rglob("*") if path.is_file())


def database_of(folder: Path) -> Path:
    layout = folder / "cache" / "1"
    return layout / (layout / "current").read_text()


# What it keeps


@pytest.mark.parametrize("waits", [True, False], ids=["before it is written", "from disk"])
def test_an_entry_comes_back(cache: DiskCache, open_one: Open, waits: bool):
    entry = Entry((1, (LARGE, None), Many([2.5])), shown={"text": ["a"]})
    kept = cache.put("key", entry, also="also")
    assert kept.outputs == entry.outputs
    assert kept.digests == tuple(Codecs().digest(item) for item in entry.outputs)
    if not waits:
        cache.flush()
        cache = open_one()
    for found in (
        cache.get("key"),
        cache.get("also"),
        cache.get_many(["no", "key"])["key"],
        cache.get_many(["also"])["also"],
    ):
        assert found is not None
        assert (found.level, found.outputs, found.digests, dict(found.shown)) == (
            "disk",
            (),
            kept.digests,
            {"text": ["a"]},
        )
        assert found.load is not None
        loaded = found.load()
        assert (loaded.outputs, loaded.digests, loaded.load) == (entry.outputs, kept.digests, None)
        assert type(loaded.outputs[2]) is Many
    assert cache.get("no") is None
    assert set(cache.get_many(["no", "also", "nor"])) == {"also"}


def test_an_entry_without_values_has_nothing_to_load(cache: DiskCache):
    cache.put("key", Entry(shown={"text": ["a"]}))
    cache.flush()
    found = cache.get("key")
    assert found is not None
    assert (found.outputs, found.load, dict(found.shown)) == ((), None, {"text": ["a"]})


def test_putting_again_replaces(cache: DiskCache):
    for number in range(3):
        cache.put("key", Entry((number,)), also=f"also {number}")
        cache.flush()
    assert value(cache, "key") == 2
    assert [value(cache, f"also {number}") for number in range(3)] == [None, None, 2]
    assert cache.stats().entries == 1


def test_equal_values_are_kept_once(cache: DiskCache, tmp_path: Path):
    for key in "abc":
        cache.put(key, Entry((LARGE, LARGE)))
    assert (cache.stats().entries, cache.stats().blobs, len(blobs_of(tmp_path))) == (3, 1, 1)


def test_what_was_not_read_is_put_under_another_key_as_it_is(cache: DiskCache, open_one: Open):
    cache.put("old", Entry((7, LARGE)), also="also")
    cache.flush()
    found = cache.get("also")
    assert found is not None
    assert cache.put("new", found, also="also") is found
    cache.flush()
    entry = open_one().get("new")
    assert entry is not None
    assert entry.load is not None
    assert entry.load().outputs == (7, LARGE)


def test_what_has_no_codec_is_not_kept(cache: DiskCache):
    kept = cache.put("key", Entry((1, object())))
    assert kept.digests == (Codecs().digest(1), None)
    cache.flush()
    assert cache.get("key") is None
    assert cache.stats().entries == 0


def test_what_is_not_to_be_stored_is_not_kept(cache: DiskCache):
    class Recipe:
        pass

    class Codec:
        name, stored = "toy/recipe/1", False

        def encode(self, value: Recipe) -> bytes:
            return b"recipe"

        def decode(self, data: bytes | bytearray) -> Recipe:
            raise AssertionError

    cache._codecs.register(Recipe, Codec())
    assert cache.put("key", Entry((Recipe(),))).digests == (cache._codecs.digest(Recipe()),)
    cache.flush()
    assert cache.get("key") is None


def test_what_shows_something_that_is_not_json_is_not_kept(cache: DiskCache, caplog: pytest.LogCaptureFixture):
    cache.put("bad", Entry((1,), shown={"image": object()}))
    cache.put("good", Entry((1,)))
    cache.flush()
    assert (cache.get("bad"), value(cache, "good")) == (None, 1)
    assert "what it shows is not JSON" in caplog.text


def test_a_codec_that_is_missing_is_a_miss(cache: DiskCache, tmp_path: Path):
    class Depth:
        pass

    class Codec:
        name, stored = "acme/depth/1", True

        def encode(self, value: Depth) -> bytes:
            return b"depth"

        def decode(self, data: bytes | bytearray) -> Depth:
            raise AssertionError

    codecs = Codecs()
    codecs.register(Depth, Codec())
    other = DiskCache(tmp_path / "cache", codecs)
    other.put("key", Entry((Depth(),)))
    other.close()
    found = cache.get("key")
    assert found is not None
    assert found.load is not None
    with pytest.raises(CacheDamaged, match="no codec 'acme/depth/1'"):
        found.load()


def test_after_closing_nothing_is_found_and_nothing_raises(cache: DiskCache):
    cache.put("key", Entry((1,)))
    cache.close()
    cache.close()
    assert cache.get("key") is None
    assert cache.get_many(["key"]) == {}
    assert cache.put("key", Entry((2,))).digests == (Codecs().digest(2),)
    assert cache.flush()


def test_closing_writes_what_waits(cache: DiskCache, open_one: Open):
    for number in range(1000):
        cache.put(str(number), Entry((number,)))
    cache.close()
    assert len(open_one().get_many(map(str, range(2000)))) == 1000


@pytest.mark.parametrize("when", ["before it is written", "as it waits"])
def test_a_value_that_is_changed_after_it_was_put_is_not_served(cache: DiskCache, when: str):
    class Buffer:
        memory = bytearray(10_000)

    class Codec:
        name, stored = "toy/buffer/1", True

        def encode(self, value: Buffer) -> tuple[memoryview, ...]:
            return (memoryview(value.memory),)

        def decode(self, data: bytes | bytearray) -> Buffer:
            return Buffer()

    cache._codecs.register(Buffer, Codec())
    with cache._store._actions.changes():  # nothing is written meanwhile
        cache.put("key", Entry((Buffer(),)))
        found = cache.get("key")
        assert found is not None
        assert found.load is not None
        assert found.load().outputs[0].memory == bytearray(10_000)  # pyright: ignore[reportAttributeAccessIssue]
        Buffer.memory[7] = 1
        if when == "as it waits":
            with pytest.raises(CacheDamaged, match="changed before it was written"):
                found.load()
    cache.flush()
    found = cache.get("key")
    if found is not None:
        assert found.load is not None
        with pytest.raises(CacheDamaged, match="is damaged"):
            found.load()
    cache.flush()
    assert cache.get("key") is None


# Files that nodes wrote


@pytest.fixture
def output(tmp_path: Path) -> OutputFolder:
    return OutputFolder(tmp_path / "out")


def saved(output: OutputFolder, text: str = "picture") -> Entry:
    (path,) = output.paths("cat", 1, ".png")
    path.write_text(text)
    (path.parent / f".{path.name}.reserved").unlink()
    return entry_of_files(SavedFiles((path,)))


def restored(cache: DiskCache, key: str, output: OutputFolder) -> Entry:
    found = cache.get(key)
    assert found is not None
    assert found.restore is not None
    return found.restore(output)


def test_saved_files_are_named_again(cache: DiskCache, open_one: Open, output: OutputFolder):
    entry = saved(output)
    cache.put("key", entry)
    cache.flush()
    found = open_one().get("key")
    assert found is not None
    assert (found.saved, found.stamps, found.missing()) == (entry.saved, entry.stamps, None)


def test_a_file_that_is_gone_is_written_anew_in_its_place(cache: DiskCache, open_one: Open, output: OutputFolder):
    entry = saved(output)
    assert entry.saved is not None
    cache.put("key", entry)
    cache.flush()
    shutil.rmtree(output.path)
    again = restored(cache, "key", output)
    assert again.saved == entry.saved
    assert again.missing() is None
    assert entry.saved.paths[0].read_text() == "picture"
    assert [path.name for path in output.path.iterdir()] == ["cat_00001_.png"]
    cache.flush()
    found = open_one().get("key")
    assert found is not None
    assert found.missing() is None


def test_a_file_whose_place_is_taken_gets_another_name(cache: DiskCache, open_one: Open, output: OutputFolder):
    entry = saved(output)
    assert entry.saved is not None
    cache.put("key", entry)
    cache.flush()
    entry.saved.paths[0].write_text("somebody else's")
    again = restored(cache, "key", output)
    assert again.saved == SavedFiles((output.path / "cat_00002_.png",))
    assert entry.saved.paths[0].read_text() == "somebody else's"
    assert (output.path / "cat_00002_.png").read_text() == "picture"
    cache.flush()
    found = open_one().get("key")
    assert found is not None
    assert (found.saved, found.missing()) == (again.saved, None)


def test_of_a_very_large_file_only_the_name_is_kept(
    cache: DiskCache, open_one: Open, output: OutputFolder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("graph.store.LARGEST_FILE", 5)
    entry = saved(output)
    assert entry.saved is not None
    cache.put("key", entry)
    cache.flush()
    assert cache.stats().blobs == 0
    assert cache.verify().damaged == 0
    found = open_one().get("key")
    assert found is not None
    assert (found.saved, found.missing(), found.restore) == (entry.saved, None, None)
    entry.saved.paths[0].unlink()
    assert found.missing() == entry.saved.paths[0]


def test_a_file_that_was_only_touched_stays(cache: DiskCache, output: OutputFolder):
    entry = saved(output)
    assert entry.saved is not None
    cache.put("key", entry)
    cache.flush()
    os.utime(entry.saved.paths[0], ns=(1, 1))
    again = restored(cache, "key", output)
    assert (again.saved, again.missing()) == (entry.saved, None)
    assert len(list(output.path.iterdir())) == 1


def test_a_file_that_is_changed_as_soon_as_it_is_written_is_not_kept(
    cache: DiskCache, output: OutputFolder, caplog: pytest.LogCaptureFixture
):
    entry = saved(output)
    assert entry.saved is not None
    entry.saved.paths[0].write_text("another picture")
    cache.put("key", entry)
    cache.flush()
    assert cache.get("key") is None
    assert "was changed as soon as it was written" in caplog.text


def test_a_file_is_not_written_where_it_does_not_belong(cache: DiskCache, output: OutputFolder, tmp_path: Path):
    cache.put("key", saved(output))
    cache.flush()
    shutil.rmtree(output.path)
    with pytest.raises(CacheDamaged, match="is not in the output folder"):
        restored(cache, "key", OutputFolder(tmp_path / "elsewhere"))
    assert not output.path.exists()


@pytest.mark.parametrize("damage", [b"", b"pictur", b"pictura"])
def test_a_file_whose_bytes_are_damaged_is_not_written(
    cache: DiskCache, output: OutputFolder, tmp_path: Path, damage: bytes
):
    cache.put("key", saved(output))
    cache.flush()
    found = cache.get("key")
    shutil.rmtree(output.path)
    (blob,) = blobs_of(tmp_path)
    blob.write_bytes(damage)
    assert found is not None
    assert found.restore is not None
    with pytest.raises(CacheDamaged):
        found.restore(output)
    assert list(output.path.rglob("*.png")) == []
    cache.flush()
    assert cache.get("key") is None


def test_a_full_disk_leaves_no_reservation_behind(
    cache: DiskCache, output: OutputFolder, monkeypatch: pytest.MonkeyPatch
):
    cache.put("key", saved(output))
    cache.flush()
    shutil.rmtree(output.path)

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("graph.disk_cache.atomic_write", full)
    with pytest.raises(CacheDamaged, match="No space left"):
        restored(cache, "key", output)
    assert list(output.path.iterdir()) == []


# Damage


@pytest.mark.parametrize("damage", ["gone", "cut", "longer", "flipped"])
def test_a_damaged_blob_is_a_miss_and_is_written_again(cache: DiskCache, tmp_path: Path, damage: str):
    cache.put("key", Entry((LARGE,)))
    cache.flush()
    found = cache.get("key")
    (blob,) = blobs_of(tmp_path)
    data = bytearray(blob.read_bytes())
    if damage == "gone":
        blob.unlink()
    elif damage == "cut":
        blob.write_bytes(data[:-1])
    elif damage == "longer":
        blob.write_bytes(data + b"!")
    else:
        data[5000] ^= 1
        blob.write_bytes(data)
    assert found is not None
    assert found.load is not None
    with pytest.raises(CacheDamaged):
        found.load()
    cache.flush()
    assert cache.get("key") is None
    cache.put("key", Entry((LARGE,)))
    cache.flush()
    assert value(cache, "key") == LARGE


@pytest.mark.parametrize("damage", ["flipped", "another's", "text", "null", "empty"])
def test_a_damaged_row_is_a_miss(cache: DiskCache, open_one: Open, tmp_path: Path, damage: str):
    cache.put("key", Entry((1,)), also="also")
    cache.put("other", Entry((2,)))
    cache.close()
    with sqlite3.connect(database_of(tmp_path)) as connection:
        change = {
            "flipped": "CAST(substr(body, 1, 40) || x'00' || substr(body, 42) AS BLOB)",
            "another's": "(SELECT body FROM entries WHERE key = 'other')",
            "text": "'text'",
            "null": "NULL",
            "empty": "x''",
        }[damage]
        connection.execute(f"UPDATE entries SET body = {change} WHERE key = 'key'")
    connection.close()
    cache = open_one()
    assert cache.get_many(["key", "also"]) == {}
    assert (cache.get("key"), cache.get("also"), value(cache, "other")) == (None, None, 2)
    cache.put("key", Entry((3,)))
    cache.flush()
    assert value(cache, "key") == 3


@pytest.mark.parametrize("damage", ["deleted", "folder", "garbage", "cut"])
def test_a_database_lost_while_open_costs_results_and_no_more(
    cache: DiskCache, open_one: Open, tmp_path: Path, damage: str
):
    other = open_one()
    for number in range(KEYS):
        cache.put(key_of(number), entry_of(number))
    cache.flush()
    assert looked_up(other, 3) is not None
    path = database_of(tmp_path)
    if damage == "deleted":
        for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            name.unlink(missing_ok=True)
    elif damage == "folder":
        shutil.rmtree(tmp_path / "cache")
    else:
        size = path.stat().st_size
        with path.open("r+b") as file:
            if damage == "garbage":
                file.write(random.Random(0).randbytes(size))
            else:
                file.truncate(size // 3)
    for one in (cache, other):
        for number in range(KEYS):
            found = looked_up(one, number)
            assert found is None or is_right(number, found)
    for number in range(KEYS):
        cache.put(key_of(number), entry_of(number))
    cache.flush()
    for number in range(KEYS):
        cache.put(key_of(number), entry_of(number))
    cache.flush()
    for one in (cache, other, open_one()):
        for number in range(KEYS):
            found = looked_up(one, number)
            assert found is not None
            assert is_right(number, found)


def test_blobs_of_a_lost_database_are_swept(cache: DiskCache, open_one: Open, tmp_path: Path):
    cache.put("key", Entry((LARGE,)))
    cache.close()
    database_of(tmp_path).unlink()
    cache = open_one()
    cache.put("other", Entry((LARGE + "!",)))
    cache.flush()
    assert len(blobs_of(tmp_path)) == 1
    assert value(cache, "other") == LARGE + "!"


# Places that cannot be written


def full(*_: object, **__: object) -> object:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_costs_results_and_a_line_in_the_log(
    cache: DiskCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    with monkeypatch.context() as patch:
        patch.setattr("graph.blobs.open", full, raising=False)
        for number in range(20):
            assert cache.put(str(number), Entry((LARGE + str(number),))).digests
            cache.flush()
        cache.put("small", Entry((1,)))
        cache.flush()
    assert caplog.text.count("No space left on device") == 1
    assert cache.get("3") is None
    assert value(cache, "small") == 1
    assert blobs_of(tmp_path) == []
    cache.put("3", Entry((LARGE,)))
    cache.flush()
    assert value(cache, "3") == LARGE


def test_a_disk_that_becomes_full_as_a_blob_is_placed(cache: DiskCache, monkeypatch: pytest.MonkeyPatch):
    cache.put("before", Entry((1,)))
    cache.flush()
    with monkeypatch.context() as patch:
        patch.setattr("graph.blobs.os.replace", full)
        cache.put("a", Entry((LARGE,)))
        cache.flush()
    assert (cache.get("a"), value(cache, "before")) == (None, 1)
    cache.put("a", Entry((LARGE,)))
    cache.flush()
    assert value(cache, "a") == LARGE


def test_a_database_that_is_full(cache: DiskCache, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    cache.put("before", Entry((1,)))
    cache.flush()
    writer = cache._store._actions._writer
    writer.ask("PRAGMA max_page_count = 20")
    for number in range(200):
        cache.put(str(number), Entry(("x" * 3000,)))
        cache.flush()
    assert "database or disk is full" in caplog.text
    assert value(cache, "before") == 1
    assert all(value(cache, str(number)) in (None, "x" * 3000) for number in range(200))


def test_a_file_in_the_place_of_the_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "cache").write_text("")
    cache = DiskCache(tmp_path / "cache", Codecs())
    assert cache.put("key", Entry((LARGE,))).digests == (Codecs().digest(LARGE),)
    assert cache.flush()
    assert cache.get("key") is None
    assert cache.get_many(["key"]) == {}
    assert cache.stats().entries == 0
    with pytest.raises(GraphError, match="cannot be cleared: .* Allow the folder to be written"):
        cache.clear()
    cache.close()
    assert "cannot be used for now" in caplog.text


READ_ONLY = """
import os, sys
from pathlib import Path
from graph.cache import Entry
from graph.codec import Codecs
from graph.disk_cache import DiskCache
if os.geteuid() == 0:
    os.setuid(65534)  # root may write anywhere, nobody may not
cache = DiskCache(Path(sys.argv[1]), Codecs())
found = cache.get("key")
print("missed" if found is None else found.load().outputs)
cache.put("other", Entry((1, "x" * 10_000)))
cache.close()
"""


@pytest.mark.skipif(os.name == "nt", reason="rights are other things there")
def test_a_folder_that_may_not_be_written(cache: DiskCache, tmp_path: Path):
    cache.put("key", Entry((1,)))
    cache.close()
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    words = [sys.executable, "-c", READ_ONLY, str(tmp_path / "cache")]
    done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() in ("missed", "(1,)")
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o755)


def test_a_locked_database_is_a_miss(cache: DiskCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cache.put("key", Entry((1,)))
    cache.flush()
    cache._store._actions._writer.ask("PRAGMA busy_timeout = 20")
    blocker = sqlite3.connect(database_of(tmp_path), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    cache.put("other", Entry((2,)))
    assert cache.flush()
    assert value(cache, "key") == 1
    blocker.execute("ROLLBACK")
    blocker.close()
    assert cache.get("other") is None
    cache.put("other", Entry((2,)))
    cache.flush()
    assert value(cache, "other") == 2


# Room


def test_the_least_recently_used_go_first(open_one: Open, tmp_path: Path):
    now = [1e9]
    size = 100_000
    cache = open_one(limit=10 * size + 20_000, clock=lambda: now[0])

    def put(number: int) -> None:
        now[0] += 2 * TOUCH_SECONDS
        cache.put(str(number), Entry((f"{number:0{size}}",)))
        cache.flush()

    for number in range(9):
        put(number)
    assert cache.stats().entries == 9
    now[0] += 2 * TOUCH_SECONDS
    assert value(cache, "0") is not None  # used now
    for number in range(9, 12):
        put(number)
    left = [number for number in range(12) if cache.get(str(number)) is not None]
    assert left == [0, *range(12 - len(left) + 1, 12)]
    assert cache.stats().bytes <= cache.stats().limit
    assert len(blobs_of(tmp_path)) == cache.stats().blobs == len(left)


def test_evicting_leaves_blobs_that_others_need(open_one: Open, tmp_path: Path):
    now = [1e9]
    cache = open_one(limit=60_000, clock=lambda: now[0])
    shared = "shared " * 1000
    cache.put("old", Entry((shared, "x" * 20_000)))
    cache.flush()
    now[0] += 1
    cache.put("new", Entry((shared,)))
    cache.flush()
    now[0] += 1
    cache.put("large", Entry(("y" * 35_000,)))
    cache.flush()
    assert (cache.get("old"), value(cache, "new")) == (None, shared)
    assert len(blobs_of(tmp_path)) == 2


def test_what_is_too_large_for_the_cache_evicts_nothing(open_one: Open):
    cache = open_one(limit=50_000)
    cache.put("a", Entry(("x" * 10_000,)))
    cache.put("b", Entry(("y" * 49_000,)))
    cache.flush()
    assert value(cache, "a") is not None
    assert cache.get("b") is None


def test_a_limit_of_zero_keeps_nothing(open_one: Open):
    cache = open_one(limit=0)
    cache.put("a", Entry((1,)))
    cache.flush()
    assert cache.get("a") is None


def test_the_limit_depends_on_what_is_free(cache: DiskCache, monkeypatch: pytest.MonkeyPatch):
    cache.put("key", Entry((LARGE,)))
    total = shutil.disk_usage("/")
    monkeypatch.setattr("graph.store.shutil.disk_usage", lambda path: total._replace(free=10**15))
    assert cache.stats().limit == 10 * 10**9
    monkeypatch.setattr("graph.store.shutil.disk_usage", lambda path: total._replace(free=10**6))
    assert cache.stats().limit == pytest.approx(0.05 * (10**6 + cache.stats().bytes), abs=1)


def test_one_who_brings_more_than_can_be_written_waits(cache: DiskCache, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("graph.write_behind.WAITING_BYTES", 100_000)
    for number in range(50):
        cache.put(str(number), Entry((f"{number:060000}",)))
    cache.flush()
    assert cache.stats().entries == 50


def test_one_who_cannot_wait_any_longer_goes_on_without(
    cache: DiskCache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr("graph.write_behind.WAITING_BYTES", 100_000)
    monkeypatch.setattr("graph.write_behind.PATIENCE_SECONDS", 0.01)
    with cache._store._actions.changes():
        for number in range(5):
            cache.put(str(number), Entry((f"{number:090000}",)))
    assert "cannot write as fast as results come" in caplog.text
    cache.flush()
    assert 0 < cache.stats().entries < 5


# Looking after it


def test_verify_removes_what_is_damaged(cache: DiskCache, tmp_path: Path):
    for number in range(6):
        cache.put(str(number), Entry((LARGE + str(number // 2),)))
    cache.put("small", Entry((1,)))
    cache.flush()
    assert cache.verify() == cache.verify()
    blobs = blobs_of(tmp_path)
    blobs[0].write_bytes(b"x" * blobs[0].stat().st_size)
    orphan = blobs[0].parent.parent / "ab" / ("cd" * 31)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"left behind")
    found = cache.verify()
    assert (found.entries, found.blobs, found.damaged, found.orphans, found.sound) == (5, 2, 2, 1, True)
    again = cache.verify()
    assert (again.entries, again.blobs, again.damaged, again.orphans, again.sound) == (5, 2, 0, 0, True)
    assert len(blobs_of(tmp_path)) == 2


def test_verify_begins_a_damaged_database_anew(cache: DiskCache, open_one: Open, tmp_path: Path):
    for number in range(KEYS):
        cache.put(key_of(number), entry_of(number))
    cache.close()
    with database_of(tmp_path).open("r+b") as file:
        file.seek(30_000)
        file.write(b"\xff" * 30_000)
    cache = open_one()
    found = cache.verify()
    assert (found.entries, found.sound) == (0, False)
    assert cache.verify().sound
    assert blobs_of(tmp_path) == []


def test_clear_removes_everything(cache: DiskCache, open_one: Open, tmp_path: Path):
    other = open_one()
    cache.put("a", Entry((LARGE,)))
    cache.put("b", Entry((1,)))
    cache.clear()
    assert (cache.stats().entries, cache.stats().blobs, cache.stats().bytes) == (0, 0, 0)
    assert blobs_of(tmp_path) == []
    assert (other.get("a"), other.get("b")) == (None, None)
    other.put("a", Entry((LARGE,)))
    other.flush()
    assert value(cache, "a") == LARGE


# Several threads and processes


def test_threads_may_share_it(cache: DiskCache):
    wrong: list[int] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(300):
            number = chance.randrange(40)
            cache.put(key_of(number), entry_of(number))
            found = looked_up(cache, chance.randrange(40))
            if found is not None and not is_right(found.outputs[0], found):  # pyright: ignore[reportArgumentType]
                wrong.append(number)

    threads = [Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    cache.flush()
    assert cache.verify().damaged == 0


@contextmanager
def processes(folder: Path, *actions: str, limit: int = 10**9) -> "Iterator[list[subprocess.Popen[str]]]":
    """Processes that write or read, once they have begun; killed at the end of the block."""
    words = [sys.executable, "-m", "tests.graph.disk_values", str(folder)]
    with ExitStack() as stack:
        children: list[subprocess.Popen[str]] = []
        for action in actions:
            command = [*words, action, str(secrets.randbits(32)), "--limit", str(limit)]
            child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            stack.enter_context(child)
            stack.callback(child.kill)
            children.append(child)
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline(), child.communicate()[1]
        yield children


def test_one_who_is_killed_in_mid_write_leaves_nothing_wrong(cache: DiskCache, tmp_path: Path):
    chance = random.Random(1)
    for _ in range(6):
        with processes(tmp_path / "cache", "write"):
            time.sleep(chance.random() * 0.1)
        for number in range(KEYS):
            found = looked_up(cache, number)
            assert found is None or is_right(number, found)
    found = cache.verify()
    assert (found.damaged, found.sound) == (0, True)
    assert found.entries > 20


def test_processes_may_write_read_and_evict_at_once(cache: DiskCache, tmp_path: Path):
    """With so little room that each evicts what others have just written."""
    with processes(tmp_path / "cache", "write", "read", "write", limit=300_000) as children:
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            for number in range(KEYS):
                found = looked_up(cache, number)
                assert found is None or is_right(number, found)
        assert [child.poll() for child in children] == [None, None, None]
        said = []
        for child in children:
            child.kill()
            said.append(child.communicate())
    assert not [err for _, err in said if "Traceback" in err]
    assert int(said[1][0].split()[-1]) > 0
    assert cache.verify().damaged == 0


def test_looking_up_imports_no_torch(cache: DiskCache, tmp_path: Path):
    cache.put("key", Entry((1, LARGE)))
    cache.close()
    program = (
        "import sys; from pathlib import Path; from graph.disk_cache import DiskCache; from graph.codec import Codecs\n"
        "from diffusion.codecs import register\n"
        "codecs = Codecs(); register(codecs); cache = DiskCache(Path(sys.argv[1]), codecs)\n"
        "print(len(cache.get('key').load().outputs), 'torch' in sys.modules, 'numpy' in sys.modules); cache.close()"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "cache")]
    assert subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split() == [
        "2",
        "False",
        "False",
    ]
