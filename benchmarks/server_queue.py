"""What a long line costs: submit, list and cancel with ten thousand runs waiting, beside the same with none.

    python -m benchmarks.server_queue [--waiting N] [--times N]

The line is held, so that nothing but the requests happens. One client, one connection, one request after the other; the
figures are its milliseconds. Target: 20 ms each.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.server.kills import quick
from tests.server.processes import Served

AT_ONCE = 20
"""Clients that fill the line."""


async def timed(work: Callable[[int], Awaitable[Any]], times: int) -> list[float]:
    """Milliseconds of each of so many calls."""
    found = []
    for number in range(times):
        began = time.perf_counter()
        await work(number)
        found.append((time.perf_counter() - began) * 1e3)
    return found


async def filled(server: Served, count: int) -> list[str]:
    """Submit so many runs. Gives their ids."""
    numbers, ids = iter(range(count)), []

    async def client() -> None:
        for number in numbers:
            ids.append((await server.ask("/v1/runs", quick(f"waiting {number}")))["id"])

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(client())
    return ids


async def asked(server: Served, times: int) -> dict[str, list[float]]:
    """Each request so many times."""
    ids: list[str] = []

    async def submit(number: int) -> None:
        ids.append((await server.ask("/v1/runs", quick(f"timed {number}")))["id"])

    total = (await server.ask("/v1/queue?limit=1"))["waiting_count"]
    history = (await server.ask("/v1/runs?limit=500"))["next"]
    return {
        "submit": await timed(submit, times),
        "queue, first page": await timed(lambda _: server.ask("/v1/queue"), times),
        "queue, a page in the middle": await timed(lambda _: server.ask(f"/v1/queue?after={total // 2}"), times),
        "history, newest page": await timed(lambda _: server.ask("/v1/runs"), times),
        "history, a later page": await timed(lambda _: server.ask(f"/v1/runs?after={history}"), times),
        "history, by a part of the title": await timed(lambda _: server.ask("/v1/runs?text=nowhere"), times),
        "one run": await timed(lambda number: server.ask(f"/v1/runs/{ids[number]}"), times),
        "move to the front": await timed(
            lambda number: server.ask(f"/v1/runs/{ids[number]}/move", {"front": True}), times
        ),
        "cancel": await timed(lambda number: server.ask(f"/v1/runs/{ids[number]}/cancel", {}), times),
    }


async def measured(folder: Path, waiting: int, times: int) -> None:
    """Print one line for each request."""
    async with Served(folder) as server:
        await server.ready()
        await server.ask("/v1/queue/pause", {})
        alone = await asked(server, times)
        began = time.perf_counter()
        ids = await filled(server, waiting)
        print(f"{len(set(ids)):,} runs accepted in {time.perf_counter() - began:.1f} s")
        long = await asked(server, times)
        began = time.perf_counter()
        cancelled = (await server.ask("/v1/queue/cancel", {"runs": ids[:1000]}))["cancelled"]
        seconds = time.perf_counter() - began
    print(f"{'milliseconds':34} {'median':>8} {'p95':>8} {'most':>8} {'median, none waiting':>22}")
    for name, found in long.items():
        p95 = statistics.quantiles(found, n=20)[18]
        peer = statistics.median(alone[name])
        print(f"{name:34} {statistics.median(found):8.2f} {p95:8.2f} {max(found):8.2f} {peer:22.2f}")
    print(f"{cancelled:,} runs cancelled by one request: {seconds:.2f} s")


def main() -> None:
    """Print one line for each request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=100)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measured(Path(folder, "home"), arguments.waiting, arguments.times))


if __name__ == "__main__":
    main()
