"""A soak: processes that write results are killed at random moments, and nothing wrong is ever found in what they left.

    python -m benchmarks.cache_kill [--seconds S] [--writers N] [--limit BYTES] [--damage]

Writers and a reader share one cache, each killed (SIGKILL) after a random time and replaced by another; meanwhile this
process looks results up and compares them with what belongs to their keys. `--damage` also cuts, flips or deletes a
file of the cache now and then: blobs, the database, its journal. Small `--limit`s make the writers evict each other's
results all the time.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from graph.codec import Codecs
from graph.disk_cache import DiskCache
from tests.graph.disk_values import KEYS, is_right, looked_up

ROOT = Path(__file__).parent.parent


class Soak:
    """Processes, and what was counted."""

    def __init__(self, folder: Path, limit: int, chance: random.Random) -> None:
        self.folder = folder
        self.limit = limit
        self.chance = chance
        self.counts: Counter[str] = Counter()
        self.children: dict[subprocess.Popen[str], float] = {}

    def start(self, action: str) -> None:
        """Another process, to be killed within three seconds."""
        words = [sys.executable, "-m", "tests.graph.disk_values", str(self.folder), action]
        words += [str(self.chance.getrandbits(32)), "--limit", str(self.limit)]
        child = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.children[child] = time.monotonic() + self.chance.uniform(0.3, 3.0)

    def replace(self) -> None:
        """Kill those whose time has come, and start others in their place."""
        for child, end in list(self.children.items()):
            if child.poll() is not None:
                raise SystemExit(f"A process ended by itself:\n{child.communicate()[1]}")
            if time.monotonic() > end:
                self.stop(child)
                self.start(child.args[4])  # pyright: ignore[reportArgumentType, reportIndexIssue] — as it was started
                self.counts["killed"] += 1

    def stop(self, child: "subprocess.Popen[str]") -> None:
        """Kill one."""
        child.kill()
        _, said = child.communicate()
        del self.children[child]
        if "Traceback" in said or "wrong" in said:
            raise SystemExit(said)

    def damage(self) -> None:
        """Cut, flip or delete one file. Not the journal's index: it is mapped, and cutting it kills its readers."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and not path.name.endswith("-shm")]
        databases = [path for path in files if ".db" in path.name or path.name == "current"]
        path = self.chance.choice(databases if self.chance.random() < 0.3 and databases else files)
        try:
            size = path.stat().st_size
            match self.chance.randrange(3):
                case 0:
                    path.unlink()
                case 1:
                    os.truncate(path, self.chance.randrange(size + 1))
                case _:
                    with path.open("r+b") as file:
                        file.seek(self.chance.randrange(max(1, size)))
                        file.write(self.chance.randbytes(8))
        except OSError:
            return  # evicted or replaced in the meantime
        self.counts["damaged"] += 1


def main() -> None:
    """Print what happened; ends with 1 as soon as something wrong was served."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--limit", type=int, default=3_000_000)
    parser.add_argument("--damage", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        soak = Soak(Path(name), arguments.limit, random.Random(arguments.seed))
        cache = DiskCache(soak.folder, Codecs(), arguments.limit)
        end = time.monotonic() + arguments.seconds
        try:
            for action in ("read", *["write"] * arguments.writers):
                soak.start(action)
            while time.monotonic() < end:
                for _ in range(200):
                    number = soak.chance.randrange(KEYS)
                    found = looked_up(cache, number, second=soak.chance.random() < 0.5)
                    if found is not None and not is_right(number, found):
                        raise SystemExit(f"A wrong value was served for {number}: {found}")
                    soak.counts["missed" if found is None else "found"] += 1
                soak.replace()
                if arguments.damage and soak.chance.random() < 0.2:
                    soak.damage()
        finally:
            for child in list(soak.children):
                soak.stop(child)
        print(
            ", ".join(f"{count:,} {what}" for what, count in sorted(soak.counts.items())), "- nothing wrong was served"
        )
        print("verified:", cache.verify())
        print("again:   ", cache.verify())
        cache.close()


if __name__ == "__main__":
    main()
