"""Two runs that ask for the same work at once, and two graphs that share a part: what is computed, in which time.

    python -m benchmarks.at_once [--nodes N] [--seconds S]

The peer is one run alone. Each node computes for S seconds in NumPy, outside the interpreter's lock.
"""

import argparse
import json
import threading
import time
from collections.abc import Sequence
from typing import Any

from graph.cache import MemoryCache
from graph.catalogue import Catalogue
from graph.codec import Codecs
from graph.events import NodeStarted
from graph.lanes import Lanes
from graph.node import node
from graph.plan import plan
from graph.run import run
from graph.workflow import load

CODECS = Codecs()


@node("BenchWork", category="benchmark")
def work(a: int, seconds: float = 0.1) -> int:
    """A node that computes for a while."""
    import numpy

    until, matrix = time.perf_counter() + seconds, numpy.eye(200) * 0.5
    while time.perf_counter() < until:
        matrix = matrix @ matrix
    return a + 1


@node("BenchEnd", category="benchmark", output=True)
def end(a: int, name: str = "") -> None:
    """A wanted node."""
    del a, name


def chain(count: int, seconds: float, name: str) -> str:
    """`count` nodes one after the other; only the last depends on the name."""
    nodes: dict[str, Any] = {"n0": {"type": "BenchWork", "inputs": {"a": 0, "seconds": seconds}}}
    for index in range(1, count):
        link = {"link": [f"n{index - 1}", "INT"]}
        nodes[f"n{index}"] = {"type": "BenchWork", "inputs": {"a": link, "seconds": seconds}}
    nodes["end"] = {"type": "BenchEnd", "inputs": {"a": {"link": [f"n{count - 1}", "INT"]}, "name": name}}
    return json.dumps({"format": "noisewright/workflow", "version": 1, "nodes": nodes})


def at_once(texts: Sequence[str], catalogue: Catalogue) -> tuple[float, int]:
    """Run all at once in threads that share lanes and a cache. Gives seconds, and how many nodes were computed."""
    lanes, cache = Lanes(), MemoryCache(2**28, lambda values: 64, CODECS)
    computed: list[str] = []

    def one(text: str) -> None:
        planned = plan(load(text), catalogue, services={}, cache=cache)
        events = run(planned, services={}, cache=cache, codecs=CODECS, lanes=lanes)
        computed.extend(event.node for event in events if isinstance(event, NodeStarted) and event.node != "end")

    threads = [threading.Thread(target=one, args=(text,)) for text in texts]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lanes.close()
    return time.perf_counter() - began, len(computed)


def main() -> None:
    """Print one line for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=0.1)
    arguments = parser.parse_args()
    catalogue = Catalogue.of(["benchmarks.at_once"])
    one, other = (chain(arguments.nodes, arguments.seconds, name) for name in ("one", "other"))
    print(f"{'case':34} {'seconds':>8} {'computed':>9}")
    for case, texts in (
        ("one run", [one]),
        ("two runs of one graph", [one, one]),
        ("two graphs with one part", [one, other]),
    ):
        seconds, computed = at_once(texts, catalogue)
        print(f"{case:34} {seconds:8.2f} {computed:9}")


if __name__ == "__main__":
    main()
