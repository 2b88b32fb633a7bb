"""How often checkpoints are loaded when runs of three of them come mixed to two workers, in random order.

    python -m benchmarks.server_models [--runs N] [--steps N] [--seed S]

The three are the bundled model with one tensor and the header changed each, so that nothing of one can be used for
another. A worker counts the networks it loaded; a checkpoint is three (text encoder, denoiser, autoencoder), and every
run, with a text and a seed of its own, needs all of them: a checkpoint was loaded as often as networks were, divided by
three. The least there can be is three; `in turn` is what workers that keep one checkpoint at a time would load if they
took the runs in the order they came. Target: 6 for 200 runs.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.server.kills import UNFINISHED, picture
from tests.server.processes import ROOT, Served

NETWORKS = 3
"""In one checkpoint."""


def checkpoints(folder: Path, count: int) -> list[str]:
    """So many different checkpoints. Gives their names."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    with safe_open(ROOT / "models" / "checkpoints" / "sprout.safetensors", "pt") as file:
        about = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 — it is no mapping
    changed = next(name for name in tensors if name.endswith("bias"))
    for number in range(count):
        path, bias = folder / f"sprout-{number}.safetensors", tensors[changed] + 1e-3 * number
        # The header tells them apart as well: what a file is known by need not read all of it.
        save_file({**tensors, changed: bias.to(tensors[changed].dtype)}, path, {**about, "copy": str(number)})
    return [f"sprout-{number}.safetensors" for number in range(count)]


async def measured(folder: Path, runs: int, steps: int, chance: random.Random) -> None:
    """Print how often there was loaded."""
    names = checkpoints(folder / "home" / "models" / "checkpoints", 3)
    order = [chance.choice(names) for _ in range(runs)]
    began = time.perf_counter()
    async with Served(folder / "home", "--workers", "2", "--devices", "cpu", "--no-previews") as server:
        await server.ready(2)
        ids = []
        for number, name in enumerate(order):
            asked = picture(number, steps)
            asked["settings"] |= {"checkpoint.ckpt_name": name, "prompt.text": f"apple {number}"}
            ids.append((await server.ask("/v1/runs", asked))["id"])
        for run in ids:
            while (found := await server.ask(f"/v1/runs/{run}"))["state"] in UNFINISHED:
                await asyncio.sleep(0.1)
            if found["state"] != "done":
                raise SystemExit(f"A run is {found['state']}: {found['error']}")
        workers = (await server.ask("/v1/system"))["workers"]
    loads = {worker["name"]: worker["facts"]["loads"] / NETWORKS for worker in workers}
    print(f"{runs} runs of {dict(Counter(order))} in {time.perf_counter() - began:.0f} s")
    print(f"checkpoints loaded: {sum(loads.values()):g}: {loads}; held at the end: {[w['held'] for w in workers]}")
    print(f"in turn (peer, computed): {in_turn(order, len(workers))}")


def in_turn(order: Sequence[str], workers: int) -> int:
    """Loads of workers that keep one checkpoint and take runs in their order."""
    held: list[str] = [""] * workers
    loads = 0
    for number, name in enumerate(order):
        loads += held[number % workers] != name
        held[number % workers] = name
    return loads


def main() -> None:
    """Print how often there was loaded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measured(Path(folder), arguments.runs, arguments.steps, random.Random(arguments.seed)))


if __name__ == "__main__":
    main()
