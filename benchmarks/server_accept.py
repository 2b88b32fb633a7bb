"""Many small workflows from many clients at once: what is lost, how many are accepted a second, what memory they take.

    python -m benchmarks.server_accept [--runs N] [--clients N]

Each run writes a text of its own in capitals (three nodes, none of which needs torch). The clients keep their
connections, send one run after the other, and share this process; the worker takes runs meanwhile, and its share of the
two cores. The peer is an aiohttp application that answers the same requests at once, with 202 and nothing else done.
Targets: none lost, 100 a second, the server's memory from run 100 to the last within 20 MB.
"""

import argparse
import asyncio
import multiprocessing
import socket
import tempfile
import time
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.server.kills import quick
from tests.server.processes import Served

MEGABYTE = 1e6


async def accepted(address: str, runs: int, clients: int) -> tuple[list[str], float]:
    """The ids given to so many runs, sent by so many clients at once, and the seconds it took."""
    numbers = iter(range(runs))
    ids: list[str] = []

    async def client() -> None:
        async with aiohttp.ClientSession(address) as session:
            for number in numbers:
                async with session.post("/v1/runs", json=quick(f"text {number}")) as answer:
                    body = await answer.json()
                    if answer.status != 202:
                        raise SystemExit(f"A run was answered with {answer.status}: {body}")
                    ids.append(body["id"])

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    return ids, time.perf_counter() - began


async def peer(runs: int, clients: int) -> float:
    """Requests a second of an application that does nothing with them, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(target=nothing, args=(port,), daemon=True)
    process.start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            while True:
                try:
                    async with session.get("/"):
                        break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
        _, seconds = await accepted(f"http://127.0.0.1:{port}", runs, clients)
    finally:
        process.terminate()
        process.join()
    return runs / seconds


def nothing(port: int) -> None:
    """Answer 202 to everything."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"id": "none"}, status=202)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


async def measured(folder: Path, runs: int, clients: int) -> None:
    """Print what came of it."""
    print(f"an application that does nothing (peer): {await peer(runs, clients):.0f} requests a second", flush=True)
    async with Served(folder) as server:
        await server.ready()
        first, _ = await accepted(server.address, min(100, runs), clients)
        await all_over(server, len(first))
        before = server.process.memory_info().rss
        rest, seconds = await accepted(server.address, runs - len(first), clients)
        busiest = server.process.memory_info().rss
        began = time.perf_counter()
        await all_over(server, runs)
        drained = seconds + time.perf_counter() - began
        after = server.process.memory_info().rss
        done = await those_done(server)
    ids = [*first, *rest]
    print(f"accepted: {len(ids):,}, {len(set(ids)):,} different; a second: {len(rest) / seconds:.0f}")
    print(f"not done at the end: {len(set(ids) - done)}; all done after {drained:.1f} s")
    print(
        f"memory: {before / MEGABYTE:.1f} MB after {len(first)} runs, {busiest / MEGABYTE:.1f} MB when all were "
        f"accepted, {after / MEGABYTE:.1f} MB when all were done: {(max(busiest, after) - before) / MEGABYTE:+.1f} MB"
    )


async def all_over(server: Served, count: int) -> None:
    """Wait until so many runs are over."""
    while (await server.ask("/v1/runs?state=done&state=failed&state=cancelled&limit=1"))["total"] < count:
        await asyncio.sleep(0.1)


async def those_done(server: Served) -> set[str]:
    """The ids of all runs that are done."""
    ids: set[str] = set()
    after = ""
    while True:
        page = await server.ask(f"/v1/runs?state=done&limit=500&after={after}")
        ids |= {run["id"] for run in page["runs"]}
        if not (after := page["next"]):
            return ids


def main() -> None:
    """Print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--clients", type=int, default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measured(Path(folder, "home"), arguments.runs, arguments.clients))


if __name__ == "__main__":
    main()
