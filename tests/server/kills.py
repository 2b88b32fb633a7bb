"""A queue whose server and workers are killed at random moments, and what must be true of it afterwards.

Clients go on all the while: one keeps runs waiting, sending each again, under its Idempotency-Key, until it is
accepted; one follows the events, and after each loss of its connection asks for what it missed. At the end

- every accepted run is there, once, and is done;
- its picture has the pixels an undisturbed server makes of the same seed;
- no node that the run's events call computed was computed again, except loaders, whose results are no values but names
  of files (a MODEL is never stored), and of which computing is reading a header;
- numbers of events rise by one, except that a finished run's `node_progress` are forgotten; what a client was told
  under a number is what is kept under it;
- no sampler began anew that had saved a state.
"""

import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

from tests.server.processes import Served, Victim

LOADERS = ("checkpoint",)
SAMPLER = "sample"
UNFINISHED = ("waiting", "running", "paused")
LOST = (aiohttp.ClientError, TimeoutError, ConnectionError)
"""What a client sees of a server that is killed."""


def picture(seed: int, steps: int) -> dict[str, Any]:
    """A picture by the bundled model."""
    return {"name": "templates/text-to-image", "settings": {"seed": seed, "sample.steps": steps}}


def quick(text: str) -> dict[str, Any]:
    """A run that only writes a text in capitals."""
    nodes = {
        "text": {"type": "PrimitiveString", "inputs": {"value": text}},
        "upper": {
            "type": "CaseConverter",
            "inputs": {"string": {"link": ["text", "STRING"]}, "mode": "UPPERCASE"},
        },
        "show": {"type": "PreviewAny", "inputs": {"source": {"link": ["upper", "STRING"]}}},
    }
    return {"workflow": {"format": "noisewright/workflow", "version": 1, "nodes": nodes}}


def pixels(path: Path) -> str:
    """What a picture shows, in short."""
    with Image.open(path) as image:
        return hashlib.sha256(image.tobytes()).hexdigest()[:16]


@dataclass(eq=False)
class Wanted:
    """A run that was accepted. seed: of its picture; None: a quick one. retries: how often it was sent again after it
    was given up because workers died at it."""

    id: str
    number: int
    seed: int | None
    retries: int = 0


@dataclass(eq=False)
class Soak:
    """A server, and what its clients know. steps: of a picture; ahead: so many runs are kept unfinished."""

    server: Served
    chance: random.Random
    steps: int
    ahead: int = 4
    accepted: dict[str, Wanted] = field(default_factory=dict)
    heard: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    resumed: list[tuple[int, int]] = field(default_factory=list)
    progress: int = 0
    wrong: list[str] = field(default_factory=list)

    # Clients

    @asynccontextmanager
    async def clients(self) -> AsyncIterator[None]:
        """For as long as the context lasts, let a client submit, one follow, and one not wait for devices set aside."""
        tasks = [asyncio.create_task(work()) for work in (self._submit, self._follow, self._encourage)]
        try:
            yield
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _submit(self) -> None:
        number = 0
        while True:
            if len(self.accepted) - len(self.over) < self.ahead:
                await self.submit(number)
                number += 1
            else:
                await asyncio.sleep(0.02)

    async def submit(self, number: int) -> None:
        """Send a run until it is accepted: every third is a picture, and some of the quick ones will not wait."""
        seed = number if number % 3 == 0 else None
        asked = picture(number, self.steps) if seed is not None else quick(f"run {number}")
        asked |= {"title": f"{number}", "interactive": seed is None and self.chance.random() < 0.3}
        while True:
            try:
                made = await self.server.ask("/v1/runs", asked, Idempotency_Key=f"key {number}")
            except LOST:
                self.counts["submissions sent again"] += 1
                await asyncio.sleep(0.02)
            else:
                self.accepted[made["id"]] = Wanted(made["id"], number, seed)
                return

    async def _follow(self) -> None:
        while True:
            with suppress(*LOST):
                async with self.server.session.ws_connect(f"{self.server.address}/v1/events?previews=false") as socket:
                    known = {run: max(seen) for run, seen in self.heard.items() if run not in self.over}
                    await socket.send_json(
                        {"since": {run: -1 for run in self.accepted if run not in self.over} | known}
                    )
                    async for message in socket:
                        if message.type is aiohttp.WSMsgType.TEXT:
                            self._hear(json.loads(message.data))
            await asyncio.sleep(0.02)

    async def _encourage(self) -> None:
        while True:
            with suppress(*LOST):
                for worker in (await self.server.ask("/v1/system"))["workers"]:
                    if worker["state"] == "aside":  # it was killed twice in a row
                        self.counts["devices set aside, and tried again"] += 1
                        await self.server.ask(f"/v1/workers/{worker['name']}/retry", {})
            await asyncio.sleep(0.1)

    def _hear(self, event: dict[str, Any]) -> None:
        if "seq" not in event:
            return
        run, seq = event["run"], event["seq"]
        seen = self.heard.setdefault(run, {})
        before = seen.get(seq)
        if before is not None and before != event:
            self.wrong.append(f"run {run}: number {seq} was given twice: {before} and {event}")
        seen[seq] = event
        self.progress += event["event"] == "node_progress"
        if event["event"] == "run_finished":
            self.over.add(run)

    # Kills

    async def moment(self, longest: float) -> None:
        """Wait for a random time, or, every other time, until a sampler has told of a random number of steps."""
        at_a_step = self.chance.random() < 0.5
        seconds, until = self.chance.uniform(0.0, longest), self.progress + self.chance.randint(1, self.steps)
        with suppress(TimeoutError):
            async with asyncio.timeout(3 * longest if at_a_step else seconds):
                while not at_a_step or self.progress < until:
                    await asyncio.sleep(0.005)

    async def kill(self, victim: Victim) -> None:
        """Kill, and start again what does not start by itself."""
        await self.server.kill(victim)
        self.counts[f"{victim} killed"] += 1
        if victim != "worker":
            await self.server.start()

    async def drained(self, patience: float = 600.0) -> None:
        """Wait until all that was accepted is over. What was given up because workers died of it is sent again."""
        async with asyncio.timeout(patience):
            for wanted in list(self.accepted.values()):
                run = wanted.id
                while (found := await self.server.ask(f"/v1/runs/{run}"))["state"] in UNFINISHED:
                    await asyncio.sleep(0.05)
                if found["state"] == "failed" and given_up(found):
                    self.counts["given up after deaths at one place, and sent again"] += 1
                    again = await self.server.ask(f"/v1/runs/{run}/retry", {})
                    while (await self.server.ask(f"/v1/runs/{again['id']}"))["state"] in UNFINISHED:
                        await asyncio.sleep(0.05)
                    wanted.id, wanted.retries = again["id"], 1

    # What must be true

    async def verify(self) -> None:
        """Look at everything there is, and note what is wrong."""
        listed: list[str] = []
        after = ""
        while True:
            page = await self.server.ask(f"/v1/runs?limit=500&after={after}")
            listed += [run["id"] for run in page["runs"]]
            if not (after := page["next"]):
                break
        ids = {wanted.id for wanted in self.accepted.values()} | set(self.accepted)
        if sorted(listed) != sorted(ids):
            extra, lost = set(listed) - ids, ids - set(listed)
            self.wrong.append(f"the history has {len(extra)} runs nobody was told of, and lacks {len(lost)}")
        for wanted in self.accepted.values():
            await self._verify_run(wanted)

    async def _verify_run(self, wanted: Wanted) -> None:
        found = await self.server.ask(f"/v1/runs/{wanted.id}")
        if found["state"] != "done":
            self.wrong.append(f"run {wanted.number} is {found['state']}: {found['error']} {found['deaths']}")
        if wanted.seed is None:
            shown = found["nodes"].get("show", {}).get("outputs", {}).get("text")
            if shown != [f"RUN {wanted.number}"]:
                self.wrong.append(f"run {wanted.number} shows {shown}")
        elif len(found["files"]) != 1:
            self.wrong.append(f"run {wanted.number} has {len(found['files'])} pictures")
        kept = await self._kept(wanted.id)
        heard = self.heard.get(wanted.id, {})
        self.wrong += [f"run {wanted.number}: {problem}" for problem in problems(kept, heard, found["last_event"])]
        events = {event["seq"]: event for event in kept} | heard
        self.resumed += resumptions([events[seq] for seq in sorted(events)])
        self.counts["runs"] += 1

    async def _kept(self, run: str) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        while page := await self.server.ask(f"/v1/runs/{run}/events?since={events[-1]['seq'] if events else -1}"):
            events += page
        return events

    async def pictures(self) -> dict[int, str]:
        """What the pictures show, by seed."""
        found = {}
        for wanted in self.accepted.values():
            if wanted.seed is not None:
                run = await self.server.ask(f"/v1/runs/{wanted.id}")
                for file in run["files"]:
                    found[wanted.seed] = pixels(self.server.folder / file["kind"] / file["name"])
        return found


async def undisturbed(server: Served, seeds: list[int], steps: int) -> dict[int, str]:
    """What a server that nobody kills makes of the same seeds."""
    runs = {seed: (await server.ask("/v1/runs", picture(seed, steps)))["id"] for seed in seeds}
    found = {}
    for seed, run in runs.items():
        while (made := await server.ask(f"/v1/runs/{run}"))["state"] in UNFINISHED:
            await asyncio.sleep(0.05)
        if made["state"] != "done":
            raise AssertionError(f"An undisturbed run is {made['state']}: {made['error']}")
        [file] = made["files"]
        found[seed] = pixels(server.folder / file["kind"] / file["name"])
    return found


def given_up(run: dict[str, Any]) -> bool:
    """Whether a run failed because workers died with it: twice at one node and step, or five times."""
    places = Counter((death["node"], death["step"]) for death in run["deaths"] if death["node"])
    many = max(places.values(), default=0) >= 2 or len(run["deaths"]) >= 5
    return run["error"]["code"] == "worker_died" and many


def problems(kept: list[dict[str, Any]], heard: dict[int, dict[str, Any]], last: int) -> list[str]:
    """What is wrong with the events of a run that is over. kept: as the server tells them now; heard: as they came."""
    found = []
    numbers = [event["seq"] for event in kept]
    if any(later <= earlier for earlier, later in zip(numbers, numbers[1:], strict=False)):
        found.append(f"the numbers do not rise: {numbers}")
    told = {event["seq"]: event for event in kept}
    for seq in range(last + 1):
        event, live = told.get(seq), heard.get(seq)
        if event is None and live is not None and live["event"] != "node_progress":
            found.append(f"number {seq}, {live['event']}, was told and is not kept")
        if event is not None and live is not None and event != live:
            found.append(f"number {seq} was told as {live} and is kept as {event}")
        if event is None and live is None and not is_sampling(kept, seq):
            found.append(f"number {seq} is missing, where no progress was made")
    if numbers and (numbers[-1] != last or kept[-1]["event"] != "run_finished"):
        found.append(f"its last event is {kept[-1]}, and the last number {last}")
    computed: set[str] = set()
    for event in kept:
        node = event.get("node", "")
        if node in LOADERS:
            continue
        if event["event"] == "node_started" and node in computed:
            found.append(f"node '{node}' was begun again after it was finished (number {event['seq']})")
        if event["event"] == "node_finished" and event["reused"] is None:
            if node in computed:
                found.append(f"node '{node}' was computed twice (number {event['seq']})")
            computed.add(node)
    return found


def is_sampling(kept: list[dict[str, Any]], seq: int) -> bool:
    """Whether a sampler was at work when an event got that number."""
    before = [event for event in kept if event["seq"] < seq]
    for event in reversed(before):
        if event.get("node") == SAMPLER:
            return event["event"] == "node_started"
        if event["event"] == "run_started":
            return False
    return False


def resumptions(events: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """For each time a sampler was cut short: the step it had told of, and the step it then went on from."""
    found, reached, cut = [], 0, False
    for event in events:
        match event["event"]:
            case "run_interrupted":
                cut = True
            case "node_progress" if event["node"] == SAMPLER:
                if cut and reached:
                    found.append((reached, event["done"] - 1))
                cut, reached = False, event["done"]
            case _:
                pass
    return found
