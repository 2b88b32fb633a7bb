"""A soak of the running engine: random workflows, compared with a reference that knows no threads, caches or schedules.

    python -m benchmarks.engine_fuzz [--minutes N] [--seed S] [--round R]

Each round draws a workflow, lanes and caches, and runs it: cut short at a random moment; to its end; changed, with the
caches damaged and files deleted in between; several times at once. After each run its events, values, files and status
are held against the reference, and nothing may be left: no value, nothing lent, no claim, no thread that hangs. The
first difference ends the soak with all that is needed to see it again; so does a run that makes no progress.
"""

import argparse
import faulthandler
import gc
import json
import logging
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from graph.cache import Cache, MemoryCache
from graph.catalogue import Catalogue
from graph.codec import Codecs
from graph.disk_cache import DiskCache
from graph.document import Workflow
from graph.events import Event, NodeFailed, NodeFinished, NodeSkipped, NodeStarted, RunFinished, RunStarted
from graph.lanes import Lanes
from graph.output_folder import OutputFolder
from graph.plan import plan
from graph.result import Blocked, Many
from graph.run import run
from graph.tiered_cache import TieredCache
from graph.workflow import load
from tests.graph.fuzz_nodes import Ref, Token, TokenCodec, World
from tests.graph.fuzz_workflows import (
    GRAPHS,
    SHAPES,
    Nodes,
    Outcome,
    Reference,
    Several,
    Shut,
    changed,
    sketched,
)

STILL_SECONDS = 20.0
"""A run that says nothing for so long hangs."""

NEVER = 10**9

CACHES = ("none", "memory", "small memory", "disk", "tiered")


class Different(AssertionError):
    """The engine and the reference do not agree."""


@dataclass(frozen=True)
class Told:
    """What one run said. whole: it was let go to its end."""

    events: list[Event]
    whole: bool
    asked: tuple[str, ...]


@dataclass
class Bench:
    """One set of lanes, caches and folders. damaged: something was broken in the caches or deleted since they began."""

    folder: Path
    chance: random.Random
    kind: str
    width: int
    counts: Counter[str] = field(default_factory=Counter)
    damaged: bool = False

    def __post_init__(self) -> None:
        self.catalogue = Catalogue.of(["tests.graph.fuzz_nodes"])
        self.codecs = Codecs()
        self.codecs.register(Token, TokenCodec())
        self.world = World()
        self.output = OutputFolder(self.folder / "out")
        self.services: dict[str, Any] = {"world": self.world, "output": self.output, "files": None}
        self.lanes = Lanes(cpu=self.width)
        self.disk = DiskCache(self.folder / "cache", self.codecs, 10**8) if self.kind in ("disk", "tiered") else None
        self.memory: MemoryCache | None = None
        self.cache = self._cache()

    def _cache(self) -> Cache | None:
        if self.kind == "none":
            return None
        limit = 3000 if self.kind == "small memory" else 10**7
        self.memory = MemoryCache(limit, lambda values: 100, self.codecs)
        if self.disk is None:
            return self.memory
        return self.disk if self.kind == "disk" else TieredCache(self.memory, self.disk)

    def close(self) -> None:
        """End all threads."""
        self.lanes.close()
        if self.disk is not None:
            self.disk.close()

    # Running

    def run(self, nodes: Nodes, seed: int, *, whole: bool = True) -> Told:
        """Run a workflow. whole: to its end; else it is closed or cancelled somewhere, by the seed."""
        chance = random.Random(seed)
        workflow = document(nodes)
        outputs = chance.sample(list(nodes), min(len(nodes), chance.randrange(1, 5))) if chance.random() < 0.5 else None
        cancel = threading.Event() if chance.random() < 0.3 else None
        made = plan(workflow, self.catalogue, services=self.services, cache=self.cache, outputs=outputs)
        codecs = self.codecs if chance.random() < 0.8 else None
        events = run(
            made,
            services=self.services,
            cache=self.cache,
            codecs=codecs,
            lanes=self.lanes,
            guard=codecs is not None and chance.random() < 0.3,
            cancel=cancel,
        )
        moment = NEVER if whole else chance.choice([0, 1, 2, 3, 5, 8, 13, 21, 34])
        whole = True
        told: list[Event] = []
        for event in events:
            told.append(event)
            self.counts["events"] += 1
            if len(told) > moment and not isinstance(event, RunFinished):
                if cancel is None or chance.random() < 0.5:
                    events.close()
                    return Told(told, False, made.asked)
                cancel.set()
                moment, whole = NEVER, False
        return Told(told, whole, made.asked)

    def watched(self, *calls: tuple[Nodes, int, bool]) -> list[Told]:
        """Run workflows at once, each on a thread; end the process where they make no progress."""
        told: list[Told | BaseException | None] = [None] * len(calls)

        def one(index: int) -> None:
            nodes, seed, whole = calls[index]
            try:
                told[index] = self.run(nodes, seed, whole=whole)
            except BaseException as error:  # noqa: BLE001 — raised below, on the main thread
                told[index] = error

        threads = [threading.Thread(target=one, args=(index,), daemon=True) for index in range(len(calls))]
        for thread in threads:
            thread.start()
        seen, moment = -1, time.monotonic()
        while any(thread.is_alive() for thread in threads):
            next((thread for thread in threads if thread.is_alive()), threads[0]).join(0.2)
            if self.counts["events"] != seen:
                seen, moment = self.counts["events"], time.monotonic()
            elif time.monotonic() - moment > STILL_SECONDS:
                dump()
                raise Different(f"No run has made progress for {STILL_SECONDS:g} s.")
        for item in told:
            if isinstance(item, BaseException):
                raise item
        self.counts["runs"] += len(calls)
        return [item for item in told if isinstance(item, Told)]

    # What must hold

    def check(self, nodes: Nodes, told: Told) -> None:
        """Compare what one run said with the reference. Raises Different."""
        self._check_order(told)
        if not told.whole:
            last = told.events[-1]
            if isinstance(last, RunFinished) and last.status != "cancelled":
                raise Different(f"A cancelled run ends with {last}")
            codes = {event.code for event in told.events if isinstance(event, NodeFailed)}
            if not codes.isdisjoint(("cycle", "does_not_return")):
                raise Different("A node is said to be in a cycle, or not to return, when a run is cut short.")
            return
        self.counts["compared"] += 1
        reference = Reference(nodes, self.world.tide)
        wanted = told.asked or [name for name, (type_id, _) in nodes.items() if SHAPES[type_id].output]
        ends = ends_of(told.events)
        started = [event for event in told.events if isinstance(event, NodeStarted)]
        for name in wanted:
            self._check_node(nodes, name, reference.of(name), ends.get(name, []), started, name in told.asked)
            self.counts["nodes"] += 1
        finished = told.events[-1]
        failed = any(reference.of(name).state == "failed" for name in wanted)
        # A node that fails inside what nobody wants in the end makes a run fail, too; it cannot be less.
        status = finished.status if isinstance(finished, RunFinished) else None
        if status not in (("failed",) if failed else ("done", "failed")):
            raise Different(f"The run ends as {status}, though {'a' if failed else 'no'} wanted node fails.")
        if status == "failed" and not any(isinstance(event, NodeFailed) for event in told.events):
            raise Different("The run failed, but no node did.")

    def _check_order(self, told: Told) -> None:
        if [event.seq for event in told.events] != list(range(len(told.events))):
            raise Different(f"Events are numbered {[event.seq for event in told.events]}")
        if not isinstance(told.events[0], RunStarted):
            raise Different(f"The first event is {told.events[0]}")
        started: set[str] = set()
        for event in told.events:
            if isinstance(event, NodeStarted):
                started.add(event.node)
            elif isinstance(event, NodeFinished) and event.reused is None and event.node not in started:
                raise Different(f"{event.node} has finished, but never began.")
        if sum(isinstance(event, RunFinished) for event in told.events[:-1]):
            raise Different("Something is said after the end.")

    def _check_node(
        self,
        nodes: Nodes,
        name: str,
        expected: Outcome,
        ends: list[Event],
        started: list[NodeStarted],
        asked: bool,
    ) -> None:
        found = [state_of(event) for event in ends]
        place = f"{name} ({nodes[name][0]})"
        if not found:
            raise Different(f"{place} has no end, but should be {expected}")
        begun = sum(event.seq > ends[0].seq for event in started if event.node == name)
        if len(found) > 1 + begun:  # it may have been needed again after its result was dropped
            raise Different(f"{place} has several ends: {ends}")
        last = ends[-1]
        if (found[-1] == "finished") != (expected.state == "finished"):
            raise Different(f"{place} should be {expected}, but is {last}")
        if not isinstance(last, NodeFinished):
            return
        if asked or last.values:
            values = {key: plain(value) for key, value in last.values.items()}
            if values != expected.outputs:
                raise Different(f"{place} gives {values}, but should give {expected.outputs}")
        if nodes[name][0] in GRAPHS or nodes[name][0] in ("FzWrite", "FzWriteOn"):
            files = [path.read_text() for path in last.files]
            wanted = list(expected.files)
            if nodes[name][0] in GRAPHS:  # where two nodes are one work, there is one file
                files, wanted = sorted(set(files)), sorted(set(wanted))
            if files != wanted:
                raise Different(f"{place} has written {files}, but should have written {wanted}")

    def check_left(self) -> None:
        """Nothing may be left when no run is at work. Raises Different."""
        if self.world.lent:
            raise Different(f"{self.world.lent} things are still lent.")
        if self.lanes.claims._waiting:  # noqa: SLF001 — there is no other way to see them
            raise Different(f"Claims are left: {self.lanes.claims._waiting}")  # noqa: SLF001
        for name in ("device", "cpu", "io"):
            lane = self.lanes[name]
            meet = threading.Barrier(lane.width + 1)
            for _ in range(lane.width):
                lane.submit(partial(_meet, meet))
            try:
                meet.wait(STILL_SECONDS)
            except threading.BrokenBarrierError:
                dump()
                raise Different(f"Not all threads of the lane '{name}' are at hand.") from None

    def check_census(self) -> None:
        """No value may be alive without caches. Raises Different."""
        for _ in range(3):
            gc.collect()
            if not len(Token.alive):
                return
            time.sleep(0.05)
        raise Different(f"{len(Token.alive)} values are still alive, of {[item.n for item in Token.alive][:20]}")

    # What may go wrong

    def disturb(self) -> str:
        """Something changes behind the engine's back; what."""
        what = self.chance.choice(["nothing", "nothing", "tide", "files", "memory", "blobs", "blobs", "folder"])
        if what == "tide":
            self.world.tide = self.chance.randrange(50)
        elif what == "files":
            self._break((self.folder / "out").glob("*.txt"))
        elif what == "memory" and self.memory is not None:
            self.memory.clear()
        elif what in ("blobs", "folder") and self.disk is not None:
            self.damaged = True
            self.disk.flush(STILL_SECONDS)
            if self.memory is not None and self.chance.random() < 0.7:
                self.memory.clear()
            if what == "folder":
                shutil.rmtree(self.folder / "cache", ignore_errors=True)
            elif what == "blobs":
                blobs = (path for path in (self.folder / "cache").rglob("*") if path.is_file())
                self._break(path for path in blobs if ".db" not in path.name and "sqlite" not in path.name)
        self.damaged |= what == "files"
        return what

    def _break(self, paths: Iterable[Path]) -> None:
        for path in sorted(paths):
            how = self.chance.random()
            if how < 0.3:
                path.unlink()
            elif how < 0.5 and path.stat().st_size:
                data = bytearray(path.read_bytes())
                data[self.chance.randrange(len(data))] ^= 1 << self.chance.randrange(8)
                path.write_bytes(data)


def _meet(barrier: threading.Barrier) -> None:
    with suppress(threading.BrokenBarrierError):
        barrier.wait(STILL_SECONDS)


def document(nodes: Nodes) -> Workflow:
    """The workflow of these nodes."""
    inputs = {
        name: {
            key: {"link": [item.name, item.output]} if isinstance(item, Ref) else item for key, item in links.items()
        }
        for name, (_, links) in nodes.items()
    }
    found = {name: {"type": type_id, "inputs": inputs[name]} for name, (type_id, _) in nodes.items()}
    return load(json.dumps({"format": "noisewright/workflow", "version": 1, "nodes": found}))


def ends_of(events: Iterable[Event]) -> dict[str, list[Event]]:
    """The events that end nodes, by node."""
    ends: dict[str, list[Event]] = {}
    for event in events:
        if isinstance(event, NodeFinished | NodeFailed | NodeSkipped):
            ends.setdefault(event.node, []).append(event)
    return ends


def state_of(event: Event) -> str:
    """What an event says became of a node."""
    return "finished" if isinstance(event, NodeFinished) else "not"


def plain(value: Any) -> Any:
    """A value as the reference has it."""
    if isinstance(value, Many):
        return Several(tuple(plain(item) for item in value))
    if isinstance(value, Blocked):
        return Shut(value.reason)
    return value.n if isinstance(value, Token) else value


def dump() -> None:
    """Say what all runs are at."""
    for item in gc.get_objects():
        if type(item).__name__ == "_Run":
            ledger = item.ledger
            flags = f"halted {item.stopping()}, idle {item.idle.is_set()}"
            sys.stderr.write(f"run {item.id}: active {item.active}, {flags}\n")
            sys.stderr.write(f"  running {item.running}\n  outside {[task.node for task in ledger.outside]}\n")
            sys.stderr.write(f"  claims {[(task.node, key) for task, key in ledger._claims.items()]}\n")  # noqa: SLF001
            for task in item.schedule.tasks.values():
                sources = [(source.node, source.state.name) for source in task.sources]
                sys.stderr.write(f"  {task.node}: {task.state.name}, users {task.users}, waits for {sources}\n")
    faulthandler.dump_traceback(all_threads=True)


def round_of(seed: int, folder: Path, counts: Counter[str], **fixed: Any) -> None:
    """One round. fixed: `kind` and `width`, in place of random ones. Raises Different."""
    chance = random.Random(seed)
    kind, width = chance.choice(CACHES), chance.choice([1, 4])
    bench = Bench(folder, chance, fixed.get("kind", kind), fixed.get("width", width), counts)
    bench.world.pace = chance.choice([0.0, 0.0005, 0.002])
    interval = sys.getswitchinterval()
    sys.setswitchinterval(chance.choice([interval, 1e-5]))  # threads take turns within single steps
    try:
        nodes = sketched(chance)
        counts["workflows"] += 1
        _stages(bench, nodes, chance, counts)
        bench.check_left()
        if bench.cache is None:
            bench.check_census()
    finally:
        sys.setswitchinterval(interval)
        bench.close()


def _stages(bench: Bench, nodes: Nodes, chance: random.Random, counts: Counter[str]) -> None:
    def seed() -> int:
        return chance.getrandbits(32)

    def checked(*calls: tuple[Nodes, int, bool]) -> None:
        for (given, _, _), told in zip(calls, bench.watched(*calls), strict=True):
            try:
                bench.check(given, told)
            except Different:
                sys.stderr.write(f"{bench.kind} cache, {bench.width} threads, damaged: {bench.damaged}\n")
                sys.stderr.write("".join(f"  {name}: {node}\n" for name, node in given.items()))
                sys.stderr.write("".join(f"  {event}\n" for event in told.events[1:]))
                raise

    if chance.random() < 0.3:
        checked((nodes, seed(), False))
    checked((nodes, seed(), True))
    if bench.cache is None:
        bench.check_census()
    for _ in range(chance.randrange(1, 3)):
        counts[bench.disturb()] += 1
        nodes = changed(nodes, chance)
        checked((nodes, seed(), True))
    if chance.random() < 0.4:
        several = [changed(nodes, chance) for _ in range(chance.randrange(1, 3))]
        calls = [(item, seed(), chance.random() < 0.7) for item in (nodes, *several, *chance.choices(several, k=2))]
        checked(*calls)
        checked((nodes, seed(), True))


def main() -> None:
    """Rounds until the time is up."""
    parser = argparse.ArgumentParser(description="Compare the running engine with a reference, on random workflows.")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--rounds", type=int, default=10**9, help="how many at most")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    counts: Counter[str] = Counter()
    end, seed = time.monotonic() + 60 * arguments.minutes, arguments.seed
    while time.monotonic() < end and seed < arguments.seed + arguments.rounds:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            try:
                round_of(seed, Path(folder), counts)
            except BaseException:
                print(f"Round {seed}: python -m benchmarks.engine_fuzz --seed {seed} --rounds 1")
                raise
        seed += 1
    print(", ".join(f"{count} {name}" for name, count in _sorted(counts).items()))


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


if __name__ == "__main__":
    main()
