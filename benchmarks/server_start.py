"""How long a server takes to answer: after an ordinary start, and after kill -9 with a thousand runs in the line.

    python -m benchmarks.server_start [--starts N] [--waiting N]

From the start of the process to the answer of a first request; then to that of `GET /v1/queue`; then until a worker
takes runs. Peers: Python alone, and Python with aiohttp and pydantic imported. Targets: 1 s; after the kill 2 s for
socket and queue, 10 s for the worker.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.server.kills import picture
from tests.server.processes import Served

PEERS = {"python": "pass", "import aiohttp.web, pydantic": "import aiohttp.web, pydantic"}


def line(name: str, seconds: Sequence[float]) -> str:
    """One row: median, 95th percentile, slowest."""
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[18] if len(seconds) > 1 else seconds[0]
    return f"{name:44} {statistics.median(seconds):8.2f} {p95:8.2f} {max(seconds):8.2f}"


def seconds_of(code: str) -> float:
    """Wall time of one Python process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


async def ordinary(folder: Path, starts: int) -> None:
    """Starts on a folder that has been used before, each ended in good order."""
    socket, worker = [], []
    async with Served(folder) as server:
        await server.ready()
        for _ in range(starts):
            await server.end()
            socket.append(await server.start())
            worker.append(socket[-1] + await server.ready())
    print(line("start: socket answers", socket))
    print(line("start: worker takes runs", worker), flush=True)


async def killed(folder: Path, starts: int, waiting: int) -> None:
    """Starts after kill -9 in the middle of a run, with many runs behind it."""
    socket, queue, worker = [], [], []
    async with Served(folder) as server:
        gate = asyncio.Semaphore(20)

        async def submit(number: int) -> None:
            async with gate:
                await server.ask("/v1/runs", picture(number, 10_000))

        await asyncio.gather(*(submit(number) for number in range(waiting + 1)))
        for _ in range(starts):
            while not (await server.ask("/v1/queue?limit=1"))["running"]:
                await asyncio.sleep(0.02)
            await server.kill("both")
            began = time.perf_counter()
            socket.append(await server.start())
            found = await server.ask("/v1/queue")
            queue.append(time.perf_counter() - began)
            if len(found["running"]) + found["waiting_count"] != waiting + 1:
                raise SystemExit(f"{waiting + 1} runs were accepted, {found['waiting_count']} wait.")
            await server.ready()
            worker.append(time.perf_counter() - began)
        await server.kill("both")
    print(line(f"killed, {waiting:,} runs: socket answers", socket))
    print(line(f"killed, {waiting:,} runs: queue answers", queue))
    print(line(f"killed, {waiting:,} runs: worker takes runs", worker))


def main() -> None:
    """Print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--waiting", type=int, default=1_000)
    arguments = parser.parse_args()
    print(f"{'seconds':44} {'median':>8} {'p95':>8} {'most':>8}")
    for name, code in PEERS.items():
        print(line(f"{name} (peer)", [seconds_of(code) for _ in range(arguments.starts)]))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(ordinary(Path(folder, "ordinary"), arguments.starts))
        asyncio.run(killed(Path(folder, "killed"), arguments.starts, arguments.waiting))


if __name__ == "__main__":
    main()
