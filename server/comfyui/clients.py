"""Who listens to ComfyUI's websocket, and what all of them are told: how many runs are not over, and the log."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from server.api import Caller, Refusal
from server.comfyui.sent import Sent, sent_of
from server.hub import LAST, Message
from server.log_ring import LogEntry
from server.run import Run

if TYPE_CHECKING:
    from server.core import Core

MOST = 400
"""Websockets that one caller may hold open."""

REMEMBERED = 256
"""Prompts of runs at work that are held in memory for whoever follows them."""

CHANGES = frozenset({"run_queued", "run_started", LAST})
"""Events after which the queue is another."""

LOG_SECONDS = 0.5
"""How often new lines of the log are told."""

SCREEN = {"cols": 80, "rows": 24}
"""The size of the terminal that clients ask after; there is none."""


class Listener(Protocol):
    """One open websocket. client: the id it gave, or got."""

    who: Caller
    client: str
    hears_log: bool

    def tell(self, kind: str, data: Any) -> None:
        """Send a message, after those that wait."""
        ...


class Prompt(NamedTuple):
    """A run as those who follow it need it. client: who sent it, "" if nobody said."""

    sent: Sent
    client: str


class Clients:
    """All open websockets."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._open: dict[tuple[str, str], list[Listener]] = {}
        self._remaining: dict[str, int] = {}
        self._prompts: OrderedDict[str, asyncio.Future[Prompt | None]] = OrderedDict()
        self._telling: asyncio.Task[None] | None = None
        core.hub.subscribe(self._noted)

    def enter(self, listener: Listener) -> None:
        """One more. Raises Refusal 429 where its caller has too many."""
        owner = listener.who.owner
        if sum(len(held) for (other, _), held in self._open.items() if other == owner) >= MOST:
            raise Refusal(
                429,
                "too_many_sockets",
                f"{MOST} websockets are open already.",
                "Close some of them.",
                headers={"Retry-After": "30"},
            )
        self._open.setdefault((owner, listener.client), []).append(listener)

    def leave(self, listener: Listener) -> None:
        """One less. Others of that id stay as they are; the newest of them is the one that is told."""
        key = (listener.who.owner, listener.client)
        held = self._open.get(key, [])
        if listener in held:
            held.remove(listener)
        if not held:
            self._open.pop(key, None)

    def is_newest(self, listener: Listener) -> bool:
        """Whether no other websocket came with this id after it: that one gets what is meant for the id."""
        held = self._open.get((listener.who.owner, listener.client))
        return held is not None and held[-1] is listener

    def remaining(self, who: Caller) -> int:
        """How many runs of a caller wait or are at work. Counted once for all after each change."""
        if who.owner not in self._remaining:
            self._remaining[who.owner] = count(self._core, who)
        return self._remaining[who.owner]

    async def prompt(self, run_id: str) -> Prompt | None:
        """The prompt of a run, read once for all who follow it; None where nothing is kept of the run."""
        found = self._prompts.get(run_id)
        if found is None:
            found = self._prompts[run_id] = asyncio.ensure_future(self._read(run_id))
            while len(self._prompts) > REMEMBERED:
                self._prompts.popitem(last=False)
        else:
            self._prompts.move_to_end(run_id)
        try:
            prompt = await asyncio.shield(found)
        except BaseException:
            self._prompts.pop(run_id, None)
            raise
        if prompt is None:
            self._prompts.pop(run_id, None)
        return prompt

    def forget(self, run_id: str) -> None:
        """Hold the prompt of a run no longer: it is over."""
        self._prompts.pop(run_id, None)

    def hear_log(self, who: Caller, client: str, *, enabled: bool) -> None:
        """Tell the websocket of that id what is logged from now on, or no more."""
        for listener in self._open.get((who.owner, client), ())[-1:]:
            listener.hears_log = enabled
        if enabled and self._telling is None and any(self._hearing()):
            self._telling = asyncio.create_task(self._tell_log(), name="comfyui log")

    def _noted(self, message: Message) -> bool:
        # It is asked of every message, before those who subscribed later get it; it wants none.
        if message.kind in CHANGES:
            self._remaining.clear()
        if message.run is not None and message.kind in ("run_queued", LAST):
            self.forget(message.run.id)  # another run may come under an id that was forgotten
        return False

    async def _read(self, run_id: str) -> Prompt | None:
        run = await self._core.records.full(run_id)
        if run is None:
            return None
        catalogue = await self._core.catalogue.get()
        return Prompt(await asyncio.to_thread(sent_of, run, catalogue), run.client)

    def _hearing(self) -> Iterator[Listener]:
        return (listener for held in self._open.values() for listener in held if listener.hears_log)

    async def _tell_log(self) -> None:
        logs = self._core.facts.logs
        told = max((entry.number for entry in logs.entries()), default=-1)
        while any(self._hearing()):
            await asyncio.sleep(LOG_SECONDS)
            entries = logs.entries(told)
            if entries:
                told = entries[-1].number
                for listener in list(self._hearing()):
                    listener.tell("logs", {"entries": [log_entry(entry) for entry in entries], "size": SCREEN})
        self._telling = None


def is_shown(run: Run, who: Caller) -> bool:
    """Whether a run is one of those that ComfyUI's routes tell a caller of: its own, unless it is private."""
    return run.owner == who.owner and not run.private


def count(core: "Core", who: Caller) -> int:
    """How many runs of a caller wait or are at work."""
    return sum(1 for run in core.runs.active.values() if is_shown(run, who))


def log_entry(entry: LogEntry) -> dict[str, str]:
    """A line of the log as clients get it: when, and what."""
    return {"t": datetime.fromtimestamp(entry.time, UTC).isoformat(), "m": f"{entry.text}\n"}
