"""What happens, as it happens: over a websocket, as server-sent events, or as a list. `docs/events.md` tells how."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from aiohttp import WSCloseCode, WSMsgType, web
from pydantic import ConfigDict, Field, ValidationError

from graph.spec import Frozen
from graph.strict_json import parse
from server.api import Caller, Refusal, Routes
from server.core import Core
from server.hub import BEHIND, ENDING, LAST, Closed, Hub, Message, Subscription
from server.run import Run

log = logging.getLogger(__name__)
routes = Routes("events")

HEARTBEAT = 30.0
"""Seconds after which a silent connection is asked whether it is still there."""

PATIENCE = 60.0
"""Seconds after which a client that takes nothing is let go."""

FAREWELL = 2.0
"""Seconds a client has to answer when the server closes its connection."""

MESSAGE_BYTES = 64 * 1024
"""The longest message a client may send."""

BATCH_BYTES = 64 * 1024
"""What is written at once."""

PAGE = 200
"""Events that are read at once of what a client missed."""

MOST_RUNS = 1_000
"""Runs that one client may name."""

Number = Annotated[int, Field(ge=-1, le=2**53)]
RunId = Annotated[str, Field(min_length=1, max_length=200)]


class Following(Frozen):
    """What a client asks for. run: the runs; none: all of the caller's, and what is about the server. since: the last
    number it has seen of the one run; -1: none; not given: it wants only what comes. kinds: of events; none: all.
    """

    run: list[RunId] = Field(default_factory=list, max_length=MOST_RUNS)
    since: Number | None = None
    previews: bool = True
    kinds: list[str] = Field(default_factory=list, max_length=100)


class Wish(Frozen):
    """What a client says on the websocket. since: of each run, the last number it has seen; it gets what came after.
    runs: what it follows from now on; null: everything.
    """

    since: dict[RunId, Number] = Field(default_factory=dict, max_length=MOST_RUNS)
    runs: list[RunId] | None = Field(None, max_length=MOST_RUNS)


class Since(Frozen):
    """Which events of a run. since: the last number already seen; -1: none."""

    since: Number = -1
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000


class From(Frozen):
    """Where a stream begins. since: the last number already seen; -1: none."""

    since: Number = -1


class EventInfo(Frozen):
    """An event of a run. event: its kind, which says what else it holds. seq: 0, 1, 2, … time: seconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="allow")

    event: str
    run: str
    seq: int
    time: float


class Feed:
    """What one client is told: what it missed, then what happens; each event of a run once and in order."""

    def __init__(self, hub: Hub, who: Caller, query: Following) -> None:
        self._hub = hub
        self._owner = None if who.may("admin") else who.owner
        self._is_guest = who.is_guest
        self._previews = query.previews
        self._kinds = frozenset(query.kinds)
        self._told: dict[str, int] = {}
        self.runs: set[str] | None = set() if query.run else None
        self.subscription: Subscription = hub.subscribe(self._wants)

    def catch_up(self, run: Run, since: int) -> None:
        """Tell next what came of a run after the number `since`."""
        self._told.pop(run.id, None)
        self.subscription.miss(run.id, since + 1)

    async def batches(self, idle: float | None = None) -> AsyncIterator[list[Message]]:
        """What is to be told next, some messages at a time, until there will be nothing more.

        idle: seconds after which an empty list is given when nothing happens.
        """
        while True:
            try:
                async with asyncio.timeout(idle):
                    message = await self.subscription.get()
            except TimeoutError:
                yield []
                continue
            except Closed:
                return
            batch, size = [], 0
            while message is not None:
                if message.kind == BEHIND and message.run is None:
                    if message.event["dropped"] or not self._kinds or BEHIND in self._kinds:
                        batch.append(message)
                    if batch:
                        yield batch
                    async for page in self._missed(message.event["runs"]):
                        yield page
                    batch, size = [], 0
                elif message.kind == ENDING and message.run is None:
                    yield [*batch, message]
                    return
                elif self._is_new(message):
                    batch.append(message)
                    size += message.size
                message = self.subscription.get_nowait() if size < BATCH_BYTES else None
            if batch:
                yield batch

    def _wants(self, message: Message) -> bool:
        run = message.run
        if message.kind == ENDING:
            return True
        if self._kinds and message.kind not in self._kinds:
            return False
        if run is None:
            return self.runs is None and not self._is_guest  # what goes on here is not a guest's business
        if message.data is not None and not self._previews:
            return False
        if self.runs is not None:
            return run.id in self.runs
        return self._owner is None or run.owner == self._owner

    def _is_new(self, message: Message) -> bool:
        # What was read from the history may wait among the live ones as well.
        if message.run is None or message.data is not None:
            return True
        if message.seq <= self._told.get(message.run.id, -1):
            return False
        self._told.pop(message.run.id, None)
        return True

    async def _missed(self, runs: Mapping[str, int]) -> AsyncIterator[list[Message]]:
        for run, first in runs.items():
            told = self._told[run] = max(first - 1, self._told.pop(run, -1))
            while page := await self._hub.history(run, told, PAGE):
                told = self._told[run] = page[-1].seq
                wanted = [message for message in page if not self._kinds or message.kind in self._kinds]
                if wanted:
                    yield wanted
        while len(self._told) > MOST_RUNS:  # the oldest: what was live then has long been passed over
            del self._told[next(iter(self._told))]


@routes.get("/v1/events", scope="run:app", status=101, produces="websocket", refusals=(426,))
async def follow(core: Core, who: Caller, request: web.Request, query: Following) -> web.WebSocketResponse:
    """Follow what happens over a websocket: events as text, previews as binary frames."""
    if query.since is not None and len(query.run) != 1:
        raise Refusal(422, "invalid", "since: it belongs to one run.", "Name one run, or send {'since': {RUN: 17}}.")
    socket = web.WebSocketResponse(timeout=FAREWELL, heartbeat=HEARTBEAT, max_msg_size=MESSAGE_BYTES, compress=False)
    if not socket.can_prepare(request):
        raise Refusal(
            426, "not_a_websocket", "This address speaks websocket.", "GET /v1/runs/{id}/events is plain.",
            headers={"Upgrade": "websocket"},
        )  # fmt: skip
    await socket.prepare(request)
    core.facts.socket_opened("events")
    feed = Feed(core.hub, who, query)
    sender = asyncio.create_task(_send(request, socket, feed, _hello(core)))
    try:
        since = {} if query.since is None else {query.run[0]: query.since}
        await _follow(core, who, feed, Wish(runs=query.run or None, since=since))
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await _hear(core, who, feed, message.data)
            else:
                feed.subscription.put(_error("not_text", "A message is no text.", "Send JSON as text."))
    finally:  # nothing is awaited here: the handler itself may have been cancelled
        feed.subscription.close()
        sender.cancel()
        cut(request)
        core.facts.socket_closed("events")
    return socket


@routes.get("/v1/runs/{id}/events", scope="run:app", refusals=(404,))
async def list_events(core: Core, who: Caller, id: str, query: Since) -> list[EventInfo]:
    """The events of a run with numbers above `since`, in order."""
    await _visible(core, who, id)
    found = await core.hub.history(id, query.since, query.limit)
    return [EventInfo.model_validate(message.event) for message in found]


@routes.get("/v1/runs/{id}/events/stream", scope="run:app", produces="text/event-stream", refusals=(204, 404))
async def stream(core: Core, who: Caller, request: web.Request, id: str, query: From) -> web.StreamResponse:
    """The events of a run as server-sent events, until it is over. A reconnecting client says `Last-Event-ID`."""
    run = await _visible(core, who, id)
    last = request.headers.get("Last-Event-ID", "")
    since = int(last) if last.isascii() and last.isdigit() and len(last) < 17 else query.since
    if run.is_over and not await core.hub.history(id, since, 1):
        return web.Response(status=204)  # tells a browser's EventSource not to come again
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type = "text/event-stream"
    response.charset = "utf-8"
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    feed = Feed(core.hub, who, Following(run=[id], previews=False))
    feed.runs = {id}
    feed.catch_up(run, since)
    if run.is_over:  # behind what it missed: the end, even if the last event could not be stored
        feed.subscription.put(_error("over", "The run is over."))
    try:
        async for batch in feed.batches(idle=HEARTBEAT):
            if [message.kind for message in batch] == [BEHIND]:
                continue
            text = "".join(f"id: {message.seq}\ndata: {message.text}\n\n" for message in batch if message.seq >= 0)
            async with asyncio.timeout(PATIENCE):
                await response.write((text or ": still here\n\n").encode())
            if any(message.kind in (LAST, "error") for message in batch):
                break
    except (TimeoutError, ConnectionError):
        cut(request)
    finally:
        feed.subscription.close()
    return response


async def _send(request: web.Request, socket: web.WebSocketResponse, feed: Feed, hello: Message) -> None:
    # Frames are made once for all clients and written as they are, many at once: with hundreds of clients that is
    # what keeps a burst of events cheap. Each write is whole frames, so aiohttp's own (ping, pong, close) fit between.
    try:
        await _write(request, [hello])
        async for batch in feed.batches():
            if socket.closed:
                return
            await _write(request, batch)
        async with asyncio.timeout(FAREWELL):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"The server ends.")
    except (TimeoutError, ConnectionError):
        cut(request)
    except Exception:
        log.exception("A client's events cannot be read; its connection is closed.")
        await socket.close(code=WSCloseCode.INTERNAL_ERROR)


async def _write(request: web.Request, batch: list[Message]) -> None:
    if request.transport is None:
        raise ConnectionResetError("The client has gone.")
    request.transport.write(b"".join([message.frame for message in batch]) if len(batch) > 1 else batch[0].frame)
    if request.protocol.writing_paused:
        async with asyncio.timeout(PATIENCE):
            await request.writer.drain()


def cut(request: web.Request) -> None:
    """Let go of a client that has not read everything."""
    # A transport that is closed politely waits, without end, until its peer has read everything.
    if request.transport is not None and request.transport.get_write_buffer_size():
        request.transport.abort()


async def _hear(core: Core, who: Caller, feed: Feed, text: str) -> None:
    try:
        wish = Wish.model_validate(parse(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "message"
        feed.subscription.put(_error("invalid_message", f"{place}: {first['msg']}."))
        return
    except ValueError as error:
        feed.subscription.put(_error("invalid_message", f"A message {error}.", 'Send {"since": {"RUN": 17}}.'))
        return
    await _follow(core, who, feed, wish)


async def _follow(core: Core, who: Caller, feed: Feed, wish: Wish) -> None:
    """Do what a client asks for. It is told of which runs it may see nothing."""
    seen: dict[str, Run] = {}
    for name in dict.fromkeys((*(wish.runs or ()), *wish.since)):
        try:
            seen[name] = await _visible(core, who, name)
        except Refusal:
            feed.subscription.put(_error("unknown_run", f"There is no run '{name}'.", "GET /v1/runs lists them.", name))
    # From here on nothing else happens in between: no event falls through while it changes what it follows.
    if "runs" in wish.model_fields_set:
        feed.runs = None if wish.runs is None else {name for name in wish.runs if name in seen}
    for name in (name for name in wish.since if name in seen):
        if feed.runs is not None and name not in feed.runs:
            if len(feed.runs) >= MOST_RUNS:
                feed.subscription.put(_error("too_many_runs", f"It follows {MOST_RUNS} runs already.", run=name))
                continue
            feed.runs.add(name)
        run, since = seen[name], wish.since[name]
        feed.catch_up(run, since if run.is_over else min(since, run.next_seq - 1))


async def _visible(core: Core, who: Caller, name: str) -> Run:
    run = core.runs.active.get(name) or await core.runs.find(name, who)
    if not who.may("admin") and run.owner != who.owner:
        raise Refusal(404, "unknown_run", f"There is no run '{name}'.", "GET /v1/runs lists them.")
    return run


def _hello(core: Core) -> Message:
    states = Counter(run.state for run in core.runs.active.values())
    counts: dict[str, Any] = {state: states[state] for state in ("waiting", "paused", "running")}
    queue = counts | {"held": core.runs.is_held}
    return Message({"event": "hello", "version": core.version, "revision": core.catalogue.revision, "queue": queue})


def _error(code: str, message: str, hint: str = "", run: str = "") -> Message:
    event = {"event": "error", "code": code, "message": message, "hint": hint}
    return Message(event | {"run": run} if run else event)
