"""A process of its own that puts results into a disk cache, or reads them: for tests that end it by force.

    python -m tests.graph.disk_values FOLDER write|read SEED [--limit BYTES]

`write` puts results for ever and prints a line for each batch that is written; `read` asks for them for ever. What
belongs to a key is known from the key alone, so that anybody can tell a wrong value.
"""

import argparse
import hashlib
import random
import sys
from pathlib import Path

from graph.cache import Entry
from graph.codec import Codecs
from graph.disk_cache import DiskCache
from graph.errors import CacheDamaged

KEYS = 400


def key_of(number: int) -> str:
    return hashlib.sha256(b"key %d" % number).hexdigest()


def also_of(number: int) -> str:
    return hashlib.sha256(b"also %d" % number).hexdigest()


def entry_of(number: int) -> Entry:
    """Small and large values; some of the large ones are shared between keys."""
    large = hashlib.sha256(b"%d" % (number // 2)).hexdigest() * (number % 7 * 150)
    return Entry((number, large), shown={"text": [f"number {number}"]})


def is_right(number: int, entry: Entry) -> bool:
    expected = entry_of(number)
    return (entry.outputs, dict(entry.shown)) == (expected.outputs, dict(expected.shown))


def looked_up(cache: DiskCache, number: int, *, second: bool = False) -> Entry | None:
    """The entry with its values; None where it is not there or cannot be read."""
    entry = cache.get((also_of if second else key_of)(number))
    if entry is None or entry.load is None:
        return entry
    try:
        return entry.load()
    except CacheDamaged:
        return None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("action", choices=("write", "read"))
    parser.add_argument("seed", type=int)
    parser.add_argument("--limit", type=int, default=10**9)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    cache = DiskCache(arguments.folder, Codecs(), arguments.limit)
    found = 0
    while True:
        for _ in range(20):
            number = chance.randrange(KEYS)
            if arguments.action == "write":
                cache.put(key_of(number), entry_of(number), also_of(number))
            else:
                entry = looked_up(cache, number, second=chance.random() < 0.5)
                found += entry is not None
                if entry is not None and not is_right(number, entry):
                    raise SystemExit(f"A wrong value was served for {number}: {entry}")
        if arguments.action == "write":
            cache.flush()
        sys.stdout.write(f"{found}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
