"""The engine's own cost: graphs of nodes that do next to nothing, from JSON text to the last event, both caches on.

    python -m benchmarks.engine [NODES …] [--rounds N]

Cold: nothing in the caches. Last changed: one setting of the last node differs. Nothing changed: the same text again.
Fresh: nothing changed, in a process that has the disk cache alone. The peer does the same arithmetic in a plain Python
loop with a dictionary of results: what no engine can go below.
"""

import argparse
import gc
import json
import platform
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from graph.cache import Cache, MemoryCache
from graph.catalogue import Catalogue
from graph.check import check
from graph.codec import Codecs
from graph.disk_cache import DiskCache
from graph.events import NodeStarted, RunFinished
from graph.lanes import Lanes
from graph.node import node
from graph.plan import plan
from graph.run import run
from graph.tiered_cache import TieredCache
from graph.workflow import load

CODECS = Codecs()
Make = Callable[[int, int], str]
CACHE_BYTES = 2**30


@node("BenchNumber", category="benchmark")
def number(value: int = 1) -> int:
    """The beginning of a graph."""
    return value


@node("BenchAdd", category="benchmark")
def add(a: int, b: int = 1) -> int:
    """One small node."""
    return a + b


@node("BenchSpread", category="benchmark")
def spread(a: int, b: int) -> int:
    """One small node whose results are as many as its inputs."""
    return (3 * a + 5 * b + 1) % 2**61


@node("BenchKeep", category="benchmark", output=True)
def keep(a: int, b: int = 1) -> None:
    """A small node that is wanted."""
    del a, b


def document(nodes: dict[str, Any]) -> str:
    """The JSON text of a workflow of these nodes."""
    return json.dumps({"format": "noisewright/workflow", "version": 1, "nodes": nodes})


def chain(count: int, last: int) -> str:
    """`count` nodes, each fed by the one before. last: a setting of the last one."""
    nodes: dict[str, Any] = {"n0": {"type": "BenchNumber", "inputs": {"value": 1}}}
    for index in range(1, count - 1):
        inputs = {"a": {"link": [f"n{index - 1}", "INT"]}, "b": index}
        nodes[f"n{index}"] = {"type": "BenchAdd", "inputs": inputs}
    nodes[f"n{count - 1}"] = {"type": "BenchKeep", "inputs": {"a": {"link": [f"n{count - 2}", "INT"]}, "b": last}}
    return document(nodes)


def star(count: int, last: int) -> str:
    """One source with `count` consumers, all wanted. last: a setting of the last one."""
    nodes: dict[str, Any] = {"source": {"type": "BenchNumber", "inputs": {"value": 1}}}
    for index in range(count):
        setting = last if index == count - 1 else index + 1
        nodes[f"n{index}"] = {"type": "BenchKeep", "inputs": {"a": {"link": ["source", "INT"]}, "b": setting}}
    return document(nodes)


def scattered(count: int, last: int) -> str:
    """`count` nodes, each fed by two chosen at random among those before, the last of all wanted. last: its setting."""
    chance = random.Random(count)
    nodes: dict[str, Any] = {f"n{index}": {"type": "BenchNumber", "inputs": {"value": index}} for index in range(10)}
    for index in range(10, count - 1):
        one, two = chance.randrange(max(0, index - 500), index), chance.randrange(index)
        inputs = {"a": {"link": [f"n{one}", "INT"]}, "b": {"link": [f"n{two}", "INT"]}}
        nodes[f"n{index}"] = {"type": "BenchSpread", "inputs": inputs}
    used = {value["link"][0] for node in nodes.values() for value in node["inputs"].values() if isinstance(value, dict)}
    for name in [name for name in nodes if name not in used]:
        nodes[f"k{name}"] = {"type": "BenchKeep", "inputs": {"a": {"link": [name, "INT"]}, "b": last}}
    return document(nodes)


def engine(text: str, catalogue: Catalogue, cache: Cache, lanes: Lanes) -> int:
    """JSON text to last event. Returns how many nodes were computed."""
    workflow = load(text)
    problems = check(workflow, catalogue)
    if problems:
        raise SystemExit(str(problems[0]))
    planned = plan(workflow, catalogue, services={}, cache=cache)
    computed, last = 0, None
    for last in run(planned, services={}, cache=cache, codecs=CODECS, lanes=lanes):
        computed += isinstance(last, NodeStarted)
    if not isinstance(last, RunFinished) or last.status != "done":
        raise SystemExit(f"The run ended with {last}.")
    return computed


def plain_loop(text: str) -> int:
    """The same from the same text, without an engine: parse, then call one function after another."""
    functions = {"BenchNumber": number, "BenchAdd": add, "BenchSpread": spread, "BenchKeep": keep}
    results: dict[str, Any] = {}
    for name, item in json.loads(text)["nodes"].items():
        given = item["inputs"].items()
        inputs = {key: results[value["link"][0]] if isinstance(value, dict) else value for key, value in given}
        results[name] = functions[item["type"]](**inputs)
    return len(results)


def measured(work: Callable[[], int]) -> tuple[float, float, int]:
    """Seconds by the clock, seconds of this process's CPU, and what the work returned."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def cases(make: Make, count: int, catalogue: Catalogue) -> Iterator[tuple[str, tuple[float, float, int]]]:
    """Each case once, in one process with one pair of caches, and the peer."""
    lanes = Lanes()
    with tempfile.TemporaryDirectory() as folder:
        disk = DiskCache(Path(folder), CODECS)
        cache = TieredCache(MemoryCache(CACHE_BYTES, lambda value: 64), disk)
        for case, last in (("cold", -1), ("last changed", -2), ("nothing changed", -2)):
            text = make(count, last)
            yield case, measured(partial(engine, text, catalogue, cache, lanes))
        disk.flush()
        cache = TieredCache(MemoryCache(CACHE_BYTES, lambda value: 64), disk)
        yield "fresh", measured(partial(engine, make(count, -2), catalogue, cache, lanes))
        disk.close()
    lanes.close()
    yield "(plain loop)", measured(partial(plain_loop, make(count, -1)))


def main() -> None:
    """Print one line per graph, size and case: the best of several rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nodes", nargs="*", type=int, default=[100, 1_000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    catalogue = Catalogue.of(["benchmarks.engine"])
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    print(f"{'graph':6} {'nodes':>7} {'case':16} {'wall s':>8} {'CPU s':>8} {'computed':>9} {'µs a node':>9}")
    for name, make in (("chain", chain), ("star", star), ("random", scattered)):
        for count in arguments.nodes:
            rounds = [dict(cases(make, count, catalogue)) for _ in range(arguments.rounds)]
            for case, (_, _, computed) in rounds[0].items():
                wall, cpu = (min(found[case][place] for found in rounds) for place in (0, 1))
                each = wall / count * 1e6
                print(f"{name:6} {count:7,} {case:16} {wall:8.3f} {cpu:8.3f} {computed:9,} {each:9.1f}")


if __name__ == "__main__":
    main()
