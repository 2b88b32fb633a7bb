"""What keeping results on disk costs a run that finds nothing there, and what it saves the next process.

    python -m benchmarks.disk_cache [--nodes N] [--rounds N] [--work N] [--small N]

The same cold run with results kept in memory alone, and in memory and on disk, in turns. Each node makes a picture of
512×512 with about a quarter of a second of arithmetic (`--work` convolutions), as the cheaper nodes of a real graph do:
a VAE or a step of a sampler takes longer at this size. The time with the disk includes closing the cache: everything is
written. Where other programs run, processor time tells more than the clock. Then the same run once everything is found
on disk. Last, `--small` results of one number each, put and looked up, without the engine.
"""

import argparse
import gc
import json
import platform
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn.functional import conv2d

from diffusion.codecs import register
from diffusion.values import Image, size_in_bytes
from graph.cache import Cache, Entry, MemoryCache
from graph.catalogue import Catalogue
from graph.codec import Codecs
from graph.disk_cache import DiskCache
from graph.events import RunFinished
from graph.lanes import Lanes
from graph.node import node
from graph.plan import plan
from graph.run import run
from graph.tiered_cache import TieredCache
from graph.workflow import load

SIDE = 512
CACHE_BYTES = 4 * 2**30


@node("BenchNoise", category="benchmark")
def noise(seed: int = 0) -> Image:
    """A picture of noise."""
    return Image(torch.rand(1, SIDE, SIDE, 3, generator=torch.Generator().manual_seed(seed)))


@node("BenchSoften", category="benchmark")
def soften(image: Image, work: int = 10) -> Image:
    """The picture, softened `work` times."""
    kernel = torch.full((3, 1, 3, 3), 1 / 9).repeat(1, 3, 1, 1) / 3
    pixels = image.pixels.movedim(-1, 1)
    for _ in range(work):
        pixels = conv2d(pixels, kernel, padding=1)
    return Image(pixels.movedim(1, -1))


@node("BenchLook", category="benchmark", output=True)
def look(image: Image) -> None:
    """A picture that is wanted."""
    del image


def document(nodes: int, work: int, seed: int) -> str:
    """The JSON text of a chain of nodes."""
    made: dict[str, object] = {"n0": {"type": "BenchNoise", "inputs": {"seed": seed}}}
    for index in range(1, nodes):
        inputs = {"image": {"link": [f"n{index - 1}", "IMAGE"]}, "work": work}
        made[f"n{index}"] = {"type": "BenchSoften", "inputs": inputs}
    made["look"] = {"type": "BenchLook", "inputs": {"image": {"link": [f"n{nodes - 1}", "IMAGE"]}}}
    return json.dumps({"format": "noisewright/workflow", "version": 1, "nodes": made})


def codecs() -> Codecs:
    """The codecs of all values."""
    found = Codecs()
    register(found)
    return found


def engine(text: str, catalogue: Catalogue, cache: Cache, lanes: Lanes) -> None:
    """From JSON text to the last event."""
    planned = plan(load(text), catalogue, services={}, cache=cache)
    last = deque(run(planned, services={}, cache=cache, lanes=lanes, context=torch.inference_mode), maxlen=1).pop()
    if not isinstance(last, RunFinished) or last.status != "done":
        raise SystemExit(f"The run ended with {last}.")


class Took(NamedTuple):
    """Seconds by the clock, and of this process's processors."""

    wall: float
    cpu: float


def measured(work: Callable[[], None]) -> Took:
    """How long it takes."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


def small(count: int, folder: Path) -> None:
    """Print what `count` results of one number cost, put and looked up as a cold run does: once by the first keys
    all at once, once by the second one at a time.
    """
    keys, second = ([f"{index:064x}" for index in range(begin, begin + count)] for begin in (0, count))

    def cold() -> None:
        cache = DiskCache(folder, codecs())
        cache.get_many(keys)
        for index, (key, also) in enumerate(zip(keys, second, strict=True)):
            cache.get(also)
            cache.put(key, Entry((index,)), also)
        cache.close()

    def warm() -> None:
        cache = DiskCache(folder, codecs())
        found = cache.get_many(keys)
        for index, key in enumerate(keys):
            load = found[key].load
            if load is None or load().outputs != (index,):
                raise SystemExit(f"Result {index} is not what was put: {found[key]}.")
        cache.close()

    put, found = measured(cold).wall, measured(warm).wall
    print(f"{count:,} small results, {2 * count:,} look-ups: {put:.3f} s; found and read: {found:.3f} s")


def line(title: str, without: float, with_disk: float, more: str = "") -> None:
    """Print a row of the table."""
    print(f"{title:12} {without:9.3f} {with_disk:11.3f} {with_disk / without - 1:+7.1%} {more}")


def main() -> None:
    """Print the time of each round, and how much more it is with the disk."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=int, default=300)
    parser.add_argument("--small", type=int, default=10_000)
    arguments = parser.parse_args()
    catalogue = Catalogue.of(["benchmarks.disk_cache"])
    lanes = Lanes()
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, {arguments.nodes} nodes")
    print(f"{'':12} {'memory s':>9} {'and disk s':>11} {'more':>7} {'found s':>8}")
    rounds: list[tuple[Took, Took]] = []
    for index in range(-1, arguments.rounds):  # the first is to warm up
        text = document(arguments.nodes, arguments.work, index)
        with tempfile.TemporaryDirectory() as name:

            def kept(text: str = text, name: str = name) -> None:
                disk = DiskCache(Path(name), codecs())
                engine(text, catalogue, TieredCache(MemoryCache(CACHE_BYTES, size_in_bytes), disk), lanes)
                disk.close()

            def held(text: str = text) -> None:
                engine(text, catalogue, MemoryCache(CACHE_BYTES, size_in_bytes), lanes)

            order = (kept, held) if index % 2 else (held, kept)
            took = {work: measured(work) for work in order}
            found = measured(kept)
        if index >= 0:
            rounds.append((took[held], took[kept]))
            line("round", took[held].wall, took[kept].wall, f"{found.wall:8.3f}")
    for title, part in (("best", 0), ("best, CPU", 1)):
        without, with_disk = (min(pair[place][part] for pair in rounds) for place in (0, 1))
        line(title, without, with_disk)
    for _ in range(3):
        with tempfile.TemporaryDirectory() as name:
            small(arguments.small, Path(name))


if __name__ == "__main__":
    main()
