"""The hub of all that happens: events are numbered, stored, and only then handed to whoever follows them.

Everything here runs on the event loop. Publishing costs a place in a list; one task stores what has gathered and hands
it on. Nobody who reads slowly holds anything up: what a subscription may hold is bounded, and beyond that it is told
from which numbers on it must read what was stored.
"""

import asyncio
import json
import logging
import struct
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from graph.strict_json import finite
from server.run import Run

log = logging.getLogger(__name__)

PREVIEW = "node_preview"
BEHIND = "behind"
LAST = "run_finished"
"""The kind of event after which nothing more comes of a run."""

ENDING = "server_ending"
"""The kind of announcement after which nothing more comes of this server."""

HELD_MESSAGES = 2_000
HELD_BYTES = 4 * 2**20
HELD_PREVIEWS = 4 * 2**20
"""What one subscription holds at most: messages, bytes of them, and bytes of previews."""

HELD_WHOLE = 256 * 2**20
"""Bytes of pictures up to which one that is a result still waits for a reader."""

HELD_RUNS = 1_000
"""Runs of which a subscription may miss something; one that misses more is closed."""

PRIVATE_EVENTS = 2_000
"""The newest events of a private run that are kept in memory while it is active."""

TURN = 5_000
"""Messages handed over before others have their turn on the event loop."""


PAUSE = 50e-6
LONGEST_PAUSE = 0.010
"""Seconds for each subscription, and at most, between two rounds of handing on. What one reader is sent costs a call of
the system, however much it is: with hundreds of them, what is published faster than this travels together.
"""


def _unheard() -> None:
    """Nobody counts."""


class Closed(Exception):
    """A subscription that gives nothing more."""


class Store(Protocol):
    """Where events are kept (`server.records`)."""

    async def append(self, events: Sequence[tuple[str, int, str]], /) -> None:
        """Keep events: run, number, JSON."""
        ...

    async def events(self, run: str, since: int, limit: int, /) -> Sequence[str]:
        """The JSON of at most `limit` events of a run with numbers above `since`, in order."""
        ...


@dataclass(frozen=True, eq=False)
class Message:
    """Something to be told. event: as JSON values. data: a preview's encoded picture. owner: whose run it is about.
    client: of ComfyUI's interface, the client that sent that run. run: None for what is about the server.
    """

    event: Mapping[str, Any]
    data: bytes | None = field(default=None, repr=False)
    owner: str = ""
    client: str = ""
    run: Run | None = field(default=None, repr=False)

    @classmethod
    def stored(cls, text: str) -> "Message":
        """An event that was read again. text: its JSON."""
        message = cls(json.loads(text))
        message.__dict__["text"] = text
        return message

    @property
    def kind(self) -> str:
        """Which event it is: "node_started"."""
        return self.event["event"]

    @property
    def seq(self) -> int:
        """Its number within the run; of a preview, that of the event before it; -1 for what has none."""
        return self.event.get("seq", -1)

    @property
    def row(self) -> tuple[str, int, str]:
        """What the records keep of an event: its run, its number, its JSON."""
        return self.event["run"], self.seq, self.text

    @cached_property
    def text(self) -> str:
        """The event as JSON, encoded once for all; ASCII. Numbers that JSON has not (NaN, infinity) become null."""
        try:
            return _json(self.event)
        except ValueError:
            return _json(finite(self.event))

    @cached_property
    def frame(self) -> bytes:
        """The websocket frame it travels in (RFC 6455, §5.2), made once for all: a server's frames are not masked.

        Text: the JSON. Binary, for previews: four bytes, the length of the JSON (big-endian); the JSON; the picture.
        """
        text = self.text.encode("ascii")
        if self.data is None:
            return _frame(0x1, text)
        return _frame(0x2, struct.pack(">I", len(text)) + text + self.data)

    @cached_property
    def size(self) -> int:
        """Bytes it takes."""
        return len(self.text) + len(self.data or b"")

    @cached_property
    def key(self) -> object:
        """Of two messages with one key the newer replaces the older."""
        return (self.event["run"], self.event["node"]) if self.data is not None and not self.is_whole else self

    @property
    def is_whole(self) -> bool:
        """Whether it is a picture that is a result, and stands for itself."""
        return self.event.get("whole", False)


class Subscription:
    """What one reader has yet to read. Bounded: a reader that does not keep up loses all that waits, and gets instead
    `{"event": "behind", "runs": {RUN: NUMBER}, "dropped": true}`: of each run the first number it missed, to be read
    from the hub's `history`; what is about the server is lost. Of previews only the newest of each node waits.

    One reader at a time. Iterate over it, or call `get`. held, held_previews: bytes of what waits.
    """

    def __init__(
        self,
        wants: Callable[[Message], bool],
        ended: Callable[["Subscription"], None],
        dropped: Callable[[], None] = _unheard,
    ) -> None:
        self._wants = wants
        self._ended = ended
        self._dropped = dropped
        self._waiting: OrderedDict[object, Message] = OrderedDict()
        self._missing: dict[str, int] = {}
        self._is_behind = False
        self._is_closed = False
        self._reader: asyncio.Future[None] | None = None
        self.held = 0
        self.held_previews = 0

    def wants(self, message: Message) -> bool:
        """Whether it would be handed over."""
        return not self._is_closed and self._wants(message)

    def offer(self, message: Message) -> None:
        """Hand over a message if it is wanted. Costs the same however slow the reader is."""
        if self.wants(message):
            self.put(message)

    def put(self, message: Message) -> None:
        """Hand over a message, wanted or not: an answer to this reader alone."""
        if self._is_closed:
            return
        if self._is_behind:
            self._miss(message)
            return
        if message.data is not None:
            self._put_preview(message)
        elif len(self._waiting) >= HELD_MESSAGES or self.held + message.size > HELD_BYTES:
            self._fall_behind(message)
        else:
            self.held += message.size
            self._waiting[message.key] = message
        self._wake()

    def miss(self, run: str, first: int) -> None:
        """Take it that the reader misses the events of a run from a number on. It is told so next, before all that
        waits, with `dropped` false if nothing had to be dropped.
        """
        if self._is_closed:
            return
        self._missing[run] = min(first, self._missing.get(run, first))
        if len(self._missing) > HELD_RUNS:
            self.close()
        self._wake()

    async def get(self) -> Message:
        """The next message. Raises Closed when there will be none."""
        while (message := self.get_nowait()) is None:
            if self._is_closed:
                raise Closed
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return message

    def get_nowait(self) -> Message | None:
        """The next message if one waits."""
        if self._is_behind or self._missing:
            message = Message({"event": BEHIND, "runs": self._missing, "dropped": self._is_behind})
            self._missing, self._is_behind = {}, False
            return message
        if not self._waiting:
            return None
        _, message = self._waiting.popitem(last=False)
        self._let_go(message)
        return message

    def end(self) -> None:
        """Nothing more comes; what waits can still be read."""
        self._is_closed = True
        self._ended(self)
        self._wake()

    def close(self) -> None:
        """Read no more."""
        self._waiting.clear()
        self._missing, self._is_behind = {}, False
        self.held = self.held_previews = 0
        self.end()

    async def __aiter__(self) -> AsyncIterator[Message]:
        """All messages until it is closed."""
        while True:
            try:
                yield await self.get()
            except Closed:
                return

    def _put_preview(self, message: Message) -> None:
        older = self._waiting.pop(message.key, None)
        if older is not None:
            self._let_go(older)
            self._dropped()
        if self.held_previews + message.size <= (HELD_WHOLE if message.is_whole else HELD_PREVIEWS):
            self.held_previews += message.size
            self._waiting[message.key] = message
        else:
            self._dropped()

    def _let_go(self, message: Message) -> None:
        if message.data is None:
            self.held -= message.size
        else:
            self.held_previews -= message.size

    def _fall_behind(self, message: Message) -> None:
        lost, self._waiting = self._waiting, OrderedDict()
        self.held = self.held_previews = 0
        self._is_behind = True
        for each in (*lost.values(), message):
            self._miss(each)

    def _miss(self, message: Message) -> None:
        if message.run is not None and message.data is None:
            self.miss(message.run.id, message.seq)

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class Hub:
    """Takes events and hands them on. `start` it before, `close` it after. dropped: told of each preview that a slow
    reader does not get.
    """

    def __init__(self, records: Store, dropped: Callable[[], None] = _unheard) -> None:
        self._records = records
        self._dropped = dropped
        self._subscriptions: dict[Subscription, None] = {}
        self._pending: OrderedDict[object, Message | asyncio.Future[None]] = OrderedDict()
        self._private: dict[str, deque[Message]] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_failing = False
        self._is_closing = False

    async def start(self) -> None:
        """Begin to store and hand on what is published."""
        self._task = asyncio.create_task(self._flush(), name="hub")

    async def close(self) -> None:
        """Store and hand on what is left, then end all subscriptions: their readers get what waits for them."""
        self._is_closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
            self._task = None
        for subscription in tuple(self._subscriptions):
            subscription.end()

    def publish(self, run: Run, event: Mapping[str, Any]) -> int:
        """Number an event of a run, to be stored and told. event: {"event": "node_started", "node": …}.

        Gives its number. Of a private run nothing is stored. Raises TypeError for what is no JSON.
        """
        message = self.numbered(run, event)
        self.tell(message)
        return message.seq

    def numbered(self, run: Run, event: Mapping[str, Any]) -> Message:
        """An event of a run with its number, for `tell`. Raises TypeError for what is no JSON."""
        named = {"event": event["event"], "run": run.id, "seq": run.next_seq, "time": time.time()}
        facts = {name: value for name, value in event.items() if name not in named}  # an engine numbers by itself
        message = Message(named | facts, None, run.owner, run.client, run)
        _ = message.text  # what cannot be encoded has no number
        run.next_seq += 1
        return message

    def tell(self, message: Message) -> None:
        """Hand a message on; a numbered one is stored before, unless that was done."""
        _ = message.text  # what cannot be encoded fails here, where it was made
        self._pending[message.key] = message
        self._wake.set()

    def preview(self, run: Run, node: str, mime: str, data: bytes, *, whole: bool = False) -> None:
        """Show a result in the making, to whoever keeps up. It is told behind all events published before.

        whole: it is a result itself, and waits for its readers, up to a bound.
        """
        event: dict[str, Any] = {"event": PREVIEW, "run": run.id, "seq": run.next_seq - 1, "node": node, "mime": mime}
        if whole:
            event["whole"] = True
        message = Message(event, data, run.owner, run.client, run)
        self._pending.pop(message.key, None)
        self.tell(message)

    def announce(self, kind: str, **facts: Any) -> None:
        """Tell something about the server, to those who listen now."""
        self.tell(Message({"event": kind, "time": time.time()} | facts))

    async def flushed(self) -> None:
        """Wait until all that was published so far is stored and handed to the subscriptions."""
        if self._task is not None and not self._task.done():
            done = asyncio.get_running_loop().create_future()
            self._pending[done] = done
            self._wake.set()
            await done

    def subscribe(self, wants: Callable[[Message], bool]) -> Subscription:
        """Follow what is told from now on. wants: says of each message, quickly, whether it is asked for."""
        subscription = Subscription(wants, lambda ended: self._subscriptions.pop(ended, None), self._dropped)
        self._subscriptions[subscription] = None
        return subscription

    def is_watched(self, run: Run) -> bool:
        """Whether anybody who listens now would be shown a preview of a run."""
        glimpse = Message({"event": PREVIEW, "run": run.id, "node": ""}, b"", run.owner, run.client, run)
        return any(subscription.wants(glimpse) for subscription in tuple(self._subscriptions))

    async def history(self, run: str, since: int, limit: int) -> list[Message]:
        """At most `limit` events of a run with numbers above `since`, in order.

        Of an active private run the newest are remembered; of one that is over, none.
        """
        if run in self._private:
            return [message for message in self._private[run] if message.seq > since][:limit]
        return [Message.stored(text) for text in await self._records.events(run, since, limit)]

    async def _flush(self) -> None:
        while self._pending or not self._is_closing:
            await self._wake.wait()
            batch, self._pending = self._pending, OrderedDict()
            if not self._is_closing:
                self._wake.clear()
            await self._store(item for item in batch.values() if isinstance(item, Message) and item.data is None)
            await self._hand_on(batch.values())
            await asyncio.sleep(min(LONGEST_PAUSE, PAUSE * len(self._subscriptions)))

    async def _store(self, messages: Iterable[Message]) -> None:
        rows: list[tuple[str, int, str]] = []
        for message in messages:
            match message.run:
                case None:
                    pass
                case Run(private=True, id=run):
                    self._private.setdefault(run, deque(maxlen=PRIVATE_EVENTS)).append(message)
                case Run():
                    rows.append(message.row)
        if not rows:
            return
        try:
            await self._records.append(rows)
        except Exception as error:
            # Those who listen shall know all the same; whoever comes back later will miss these.
            if not self._is_failing:
                log.warning("Events cannot be stored: %s. They are told, but not kept.", error, exc_info=True)
            self._is_failing = True
        else:
            if self._is_failing:
                log.warning("Events are stored again.")
            self._is_failing = False

    async def _hand_on(self, items: Iterable[Message | asyncio.Future[None]]) -> None:
        handed = 0
        for item in items:
            if isinstance(item, asyncio.Future):
                if not item.done():
                    item.set_result(None)
                continue
            for subscription in tuple(self._subscriptions):
                try:
                    subscription.offer(item)
                except Exception:
                    log.exception("A subscription failed; it is closed.")
                    subscription.close()
            if item.run is not None and item.kind == LAST:
                self._private.pop(item.run.id, None)
            handed += len(self._subscriptions)
            if handed >= TURN:
                handed = 0
                await asyncio.sleep(0)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _frame(opcode: int, payload: bytes) -> bytes:
    first, length = 0x80 | opcode, len(payload)
    if length < 126:
        return struct.pack(">BB", first, length) + payload
    if length < 2**16:
        return struct.pack(">BBH", first, 126, length) + payload
    return struct.pack(">BBQ", first, 127, length) + payload
