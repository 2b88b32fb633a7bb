import os
from concurrent.futures import ThreadPoolExecutor

from graph.cache import ENTRY_BYTES, Entry, MemoryCache, entry_of_files, stamp_of
from graph.files import SavedFiles


def sized(limit: int) -> MemoryCache:
    """A cache in which a value is its own size."""
    return MemoryCache(limit + 10 * ENTRY_BYTES, lambda values: sum(values))


def room(count: int, size: int) -> int:
    return count * (size + ENTRY_BYTES)


def test_gives_back_what_was_put():
    cache = sized(100)
    entry = Entry((1, 2))
    cache.put("a", entry)
    assert cache.get("a") is entry
    assert cache.get("b") is None


def test_never_holds_more_than_its_limit_and_drops_the_least_recently_used():
    cache = MemoryCache(room(3, 100), lambda values: sum(values))
    for key in "abc":
        cache.put(key, Entry((100,)))
    assert cache.size == cache.limit
    cache.get("a")
    cache.put("d", Entry((100,)))
    assert [key for key in "abcd" if cache.get(key)] == ["a", "c", "d"]
    cache.put("e", Entry((200 + ENTRY_BYTES,)))
    assert [key for key in "abcde" if cache.get(key)] == ["d", "e"]
    assert cache.size <= cache.limit


def test_what_is_larger_than_the_limit_is_not_kept_and_drops_nothing():
    cache = MemoryCache(room(2, 100), lambda values: sum(values))
    cache.put("a", Entry((100,)))
    cache.put("b", Entry((10_000,)))
    assert cache.get("b") is None
    assert cache.get("a") is not None


def test_putting_again_replaces():
    cache = sized(1000)
    cache.put("a", Entry((100,)))
    cache.put("a", Entry((7,)))
    assert cache.size == 7 + ENTRY_BYTES
    assert len(cache) == 1
    assert cache.get("a") == Entry((7,))


def test_a_limit_of_zero_keeps_nothing():
    cache = MemoryCache(0, lambda values: 0)
    cache.put("a", Entry())
    assert len(cache) == 0


def test_clear():
    cache = sized(100)
    cache.put("a", Entry((1,)))
    cache.clear()
    assert (len(cache), cache.size, cache.get("a")) == (0, 0, None)


def test_threads_may_share_it():
    cache = MemoryCache(room(50, 10), lambda values: sum(values))

    def work(worker: int) -> None:
        for index in range(500):
            cache.put(f"{worker} {index % 40}", Entry((index % 10,)))
            cache.get(f"{(worker + 1) % 4} {index % 40}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    entries = [cache.get(f"{worker} {index}") for worker in range(4) for index in range(40)]
    assert cache.size == sum(sum(entry.outputs) + ENTRY_BYTES for entry in entries if entry)  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert cache.size <= cache.limit


def test_an_entry_of_files_knows_whether_they_are_as_they_were_written(tmp_path):
    paths = (tmp_path / "a.txt", tmp_path / "b.txt")
    for path in paths:
        path.write_text("one")
    entry = entry_of_files(SavedFiles(paths))
    assert entry.missing() is None
    paths[1].write_text("longer")
    assert entry.missing() == paths[1]
    paths[1].write_text("two")
    os.utime(paths[1], ns=(1, 1))
    assert entry.missing() == paths[1]
    paths[0].unlink()
    assert entry.missing() == paths[0]
    assert stamp_of(paths[0]) is None
