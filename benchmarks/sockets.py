"""What listeners cost a run: the same run with no websocket, and with 200 of which 20 never read.

    python -m benchmarks.sockets [--steps N] [--sockets N] [--stalled N] [--rounds N]

A server is started in a folder of its own; each run samples with the bundled model, with previews, and a seed of its
own. The run's time is the worker's; the delay is from the server's stamp on an event to a client's reading it. Rounds
are paired, in changing order, after one to warm up. Clients are elsewhere in life: here they are a process that yields
to the server and its worker (nice 19), except for the one that measures.
"""

import argparse
import asyncio
import base64
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).parent.parent


class Reader(asyncio.Protocol):
    """A client that shakes hands, then takes what comes and looks at nothing, or takes nothing."""

    def __init__(self, reads: bool) -> None:
        self.reads = reads
        self.shaken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask to speak websocket."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n" % key.encode()
        )

    def data_received(self, data: bytes) -> None:
        """Forget it."""
        if not self.shaken.done():
            self.shaken.set_result(None)
        if not self.reads:
            self.transport.pause_reading()


@asynccontextmanager
async def listeners(port: int, count: int, stalled: int) -> AsyncIterator[None]:
    """So many clients, some of which never read, in a process of their own."""
    words = (sys.executable, "-m", "benchmarks.sockets", "--listen", str(port), str(count), str(stalled))
    child = await asyncio.create_subprocess_exec(
        *words, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    await child.stdout.readline()
    yield
    child.stdin.close()
    await child.wait()


async def listen(port: int, count: int, stalled: int) -> None:
    """Be these clients until stdin ends."""
    os.nice(19)
    loop, readers = asyncio.get_running_loop(), []
    for number in range(count):
        raw = socket.socket()
        if number < stalled:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await loop.sock_connect(raw, ("127.0.0.1", port))
        _, reader = await loop.create_connection(lambda reads=number >= stalled: Reader(reads), sock=raw)
        readers.append(reader)
        await reader.shaken
    print("listening", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for reader in readers:
        reader.transport.abort()


async def delays(session: aiohttp.ClientSession, ready: asyncio.Event) -> list[float]:
    """Seconds from the server's stamp to this client's reading, of every event of the next run."""
    found = []
    async with session.ws_connect("/v1/events") as client:
        async for message in client:
            ready.set()
            if message.type is aiohttp.WSMsgType.TEXT:
                event = json.loads(message.data)
                if "seq" in event:
                    found.append(time.time() - event["time"])
                if event["event"] == "run_finished":
                    break
    return found


async def run(session: aiohttp.ClientSession, steps: int, seed: int) -> float:
    """Seconds a run took, from its beginning to its end."""
    asked: dict[str, Any] = {"name": "templates/text-to-image", "settings": {"sample.steps": steps, "seed": seed}}
    async with session.post("/v1/runs", json=asked) as answer:
        made = await answer.json()
    while True:
        await asyncio.sleep(0.25)
        async with session.get(f"/v1/runs/{made['id']}") as answer:
            info = await answer.json()
        if info["state"] == "done":
            return info["seconds"]
        if info["state"] in ("failed", "cancelled"):
            raise SystemExit(f"The run ended: {info['error']}")


async def compare(session: aiohttp.ClientSession, port: int, arguments: argparse.Namespace) -> None:
    """Print one line for each round, and what they come to."""
    await run(session, 5, 0)
    took: dict[int, list[float]] = {0: [], arguments.sockets: []}
    late: list[float] = []
    print(f"{'sockets':>7} {'run s':>8} {'median delay ms':>16} {'p99 ms':>8} {'events':>7}")
    for number in range(arguments.rounds):
        for count in sorted(took, reverse=bool(number % 2)):
            async with listeners(port, max(count - 1, 0), min(arguments.stalled, count)):
                ready = asyncio.Event()
                measured = asyncio.create_task(delays(session, ready)) if count else None
                if measured:
                    await ready.wait()
                seconds = await run(session, arguments.steps, number * 1_000 + count)
                found = await measured if measured else []
            took[count].append(seconds)
            late += found
            line = f"{count:7} {seconds:8.3f}"
            if found:
                p99 = statistics.quantiles(found, n=100)[98]
                line += f" {statistics.median(found) * 1e3:16.2f} {p99 * 1e3:8.1f} {len(found):7}"
            print(line, flush=True)
    ratios = [loud / quiet for quiet, loud in zip(took[0], took[arguments.sockets], strict=True)]
    spread = (max(took[0]) - min(took[0])) / statistics.median(took[0])
    print(f"run with sockets / without: median {statistics.median(ratios):.4f}, each {[round(r, 4) for r in ratios]}")
    print(f"spread of runs without: {spread:.2%}   median delay: {statistics.median(late) * 1e3:.2f} ms")


async def served(arguments: argparse.Namespace) -> None:
    """Measure a server made for it."""
    with tempfile.TemporaryDirectory() as folder:
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ROOT / "main.py"), "serve", "--port", "0"),
            env=os.environ | {"NOISEWRIGHT_DATA": folder},
            stdout=asyncio.subprocess.PIPE,
        )
        assert server.stdout is not None
        address = (await server.stdout.readline()).decode().strip()
        try:
            async with aiohttp.ClientSession(address) as session:
                await compare(session, int(address.rpartition(":")[2]), arguments)
        finally:
            server.terminate()
            await server.wait()


def main() -> None:
    """Print one line for each round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--sockets", type=int, default=200)
    parser.add_argument("--stalled", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--listen", type=int, nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    asyncio.run(listen(*arguments.listen) if arguments.listen else served(arguments))


if __name__ == "__main__":
    main()
