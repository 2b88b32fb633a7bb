from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.cache import Entry, MemoryCache, entry_of_files
from graph.codec import Codecs
from graph.disk_cache import DiskCache
from graph.files import SavedFiles
from graph.output_folder import OutputFolder
from graph.tiered_cache import TieredCache

LARGE = "large " * 2000


def memory(limit: int = 10**6) -> MemoryCache:
    return MemoryCache(limit, lambda values: len(repr(values)))


@pytest.fixture
def tiers(tmp_path: Path) -> Iterator[TieredCache]:
    tiers = TieredCache(memory(), DiskCache(tmp_path / "cache", Codecs()))
    yield tiers
    tiers.close()


def later(tiers: TieredCache) -> TieredCache:
    """As another process finds it: nothing in memory."""
    tiers.flush()
    return TieredCache(memory(), tiers.disk)


def test_memory_is_asked_first(tiers: TieredCache):
    value = object()
    kept = tiers.put("key", Entry((1, LARGE, value)), also="also")
    assert kept.digests == (Codecs().digest(1), Codecs().digest(LARGE), None)
    for found in (tiers.get("key"), tiers.get("also"), tiers.get_many(["key", "no"])["key"]):
        assert found is kept
    assert later(tiers).get("key") is None


def test_values_are_written_once():
    encoded: list[object] = []

    class Counting(Codecs):
        def encode(self, value: object):
            encoded.append(value)
            return super().encode(value)

    codecs = Counting()
    tiers = TieredCache(MemoryCache(10**6, lambda values: 1, codecs), DiskCache(Path("/dev/null/nowhere"), codecs))
    tiers.put("key", Entry((1, "a")))
    tiers.close()
    assert encoded == [1, "a"]


def test_what_is_loaded_from_disk_is_kept_in_memory(tiers: TieredCache):
    tiers.put("key", Entry((1, LARGE), shown={"text": ["a"]}))
    tiers = later(tiers)
    found = tiers.get("key")
    assert found is not None
    assert (found.level, found.outputs) == ("disk", ())
    assert found.load is not None
    loaded = found.load()
    assert (loaded.level, loaded.outputs) == ("disk", (1, LARGE))
    again = tiers.get("key")
    assert again is not None
    assert (again.level, again.outputs, again.digests, again.load) == ("memory", (1, LARGE), loaded.digests, None)
    assert tiers.get_many(["key"])["key"] is again


def test_many_are_found_in_both(tiers: TieredCache):
    tiers.put("old", Entry((1,)))
    tiers = later(tiers)
    tiers.put("new", Entry((2,)))
    found = tiers.get_many(["no", "old", "new"])
    assert {key: entry.level for key, entry in found.items()} == {"old": "disk", "new": "memory"}
    assert found["old"].load is not None
    assert found["old"].load().outputs == (1,)
    assert tiers.get_many(["old"])["old"].level == "memory"


def test_what_was_not_read_is_put_under_another_key_on_disk(tiers: TieredCache):
    tiers.put("old", Entry((1,)), also="also")
    tiers = later(tiers)
    found = tiers.get("also")
    assert found is not None
    assert tiers.put("new", found, also="also") is found
    entry = later(tiers).get("new")
    assert entry is not None
    assert entry.load is not None
    assert entry.load().outputs == (1,)


@pytest.mark.parametrize("many", [False, True])
def test_files_that_are_gone_are_written_anew_from_the_disk(tiers: TieredCache, tmp_path: Path, many: bool):
    output = OutputFolder(tmp_path / "out")
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "cat_00001_.png"
    path.write_text("picture")
    tiers.put("key", entry_of_files(SavedFiles((path,))))
    tiers.flush()
    found = tiers.get("key")
    assert found is not None
    assert (found.level, found.missing()) == ("memory", None)
    path.unlink()
    found = tiers.get_many(["key"])["key"] if many else tiers.get("key")
    assert found is not None
    assert (found.level, found.missing()) == ("disk", path)
    assert found.restore is not None
    assert found.restore(output).missing() is None
    assert path.read_text() == "picture"
    again = tiers.get("key")
    assert again is not None
    assert (again.level, again.missing()) == ("memory", None)


def test_memory_without_room_leaves_the_disk(tmp_path: Path):
    tiers = TieredCache(memory(0), DiskCache(tmp_path / "cache", Codecs()))
    tiers.put("key", Entry((1,)))
    found = tiers.get("key")
    assert found is not None
    assert found.load is not None
    assert found.load().outputs == (1,)
    tiers.close()
