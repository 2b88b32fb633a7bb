"""No time: a queue whose server and workers are killed (SIGKILL) at random moments, compared with an undisturbed one.

    python -m benchmarks.server_kill [--moments N] [--longest S] [--steps N] [--seed S] [--workers N]

A client keeps a few runs waiting, pictures by the bundled model and quick ones, some of which others must make way for;
another follows the events. What is compared, and what counts as computed twice, is said in `tests/server/kills.py`.
Ends with 1 where anything is wrong. A run that is given up because workers died at one place of it twice, as is the
rule, is sent again.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.server.kills import Soak, undisturbed
from tests.server.processes import Served, Victim

VICTIMS: Sequence[Victim] = ("server", "worker", "both")


async def soak(arguments: argparse.Namespace, folder: Path) -> bool:
    """Print what happened. Whether all was right."""
    options = ["--no-previews", "--workers", str(arguments.workers)]
    chance = random.Random(arguments.seed)
    began = time.perf_counter()
    async with Served(folder / "killed", *options) as server:
        soak = Soak(server, chance, arguments.steps)
        async with soak.clients():
            for number in range(1, arguments.moments + 1):
                await soak.moment(arguments.longest)
                await soak.kill(chance.choice(VICTIMS))
                if number % 20 == 0:
                    seconds = time.perf_counter() - began
                    print(f"{number} kills, {len(soak.over)} runs over, {seconds:.0f} s", flush=True)
        await soak.drained()
        await soak.verify()
        pictures = await soak.pictures()
    async with Served(folder / "undisturbed", *options) as server:
        expected = await undisturbed(server, sorted(pictures), arguments.steps)
    different = [seed for seed, shown in pictures.items() if shown != expected[seed]]
    print(", ".join(f"{count:,} {what}" for what, count in sorted(soak.counts.items())))
    print(f"pictures: {len(pictures):,}, of these different from an undisturbed run's: {len(different)}")
    if soak.resumed:
        lost = [reached - resumed for reached, resumed in soak.resumed]
        anew = sum(resumed == 0 for _, resumed in soak.resumed)
        print(
            f"samplers cut short: {len(lost)}; steps done again: median {statistics.median(lost):.0f}, "
            f"most {max(lost)}; begun anew: {anew}; at → from: {soak.resumed}"
        )
    print("\n".join(soak.wrong) or "nothing else was wrong")
    return not soak.wrong and not different


def main() -> None:
    """Print what happened; ends with 1 where something was lost or wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--longest", type=float, default=8.0, help="seconds between two kills, at most")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if not asyncio.run(soak(arguments, Path(folder))):
            raise SystemExit(1)


if __name__ == "__main__":
    main()
