"""`/ws`: what happens to a client's runs, as ComfyUI tells it. `server.comfyui.messages` says in which words.

Each websocket follows the hub by itself, through a subscription that is bounded: one that reads slowly loses previews
first, then reads what it missed from the records, and holds up nobody else.
"""

import asyncio
import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, WSMsgType, web

from graph.comfyui.reading import parse_loosely
from server.api import Caller, Refusal
from server.comfyui.bodies import encoded, read_object
from server.comfyui.clients import CHANGES, Prompt, is_shown
from server.comfyui.messages import Out, Translator
from server.comfyui.prompts import LONGEST_ID
from server.comfyui.routing import Table
from server.hub import BEHIND, ENDING, LAST, PREVIEW, Message
from server.routes.events import FAREWELL, HEARTBEAT, MESSAGE_BYTES, PATIENCE, Feed, Following, cut

if TYPE_CHECKING:
    from server.comfyui.face import Face

log = logging.getLogger(__name__)
routes = Table()

STATUS_SECONDS = 0.1
"""How often the length of the queue is told, at most."""

PAGE = 1_000
"""Events that are read at once of a run that is at work already."""

STATUS, FRAME = "comfyui_status", "comfyui_frame"
"""Messages to one websocket: that the queue has changed, and a frame that is ready."""


@dataclass
class _Followed:
    """A run that is being told. seq: the number of the last event of it that was looked at."""

    translator: Translator
    prompt: Prompt
    seq: int


class _Feed(Feed):
    """What one websocket is told."""

    def __init__(self, listener: "Socket", face: "Face") -> None:
        self._listener = listener
        super().__init__(face.core.hub, listener.who, Following())

    def _wants(self, message: Message) -> bool:
        return self._listener.wants(message)


class Socket:
    """One websocket. client: its id. hears_log: whether it is told what is logged."""

    def __init__(self, face: "Face", request: web.Request, client: str) -> None:
        self.who: Caller = request["who"]
        self.client = client
        self.hears_log = False
        self._face = face
        self._request = request
        self._takes_metadata = False
        self._is_first = True
        self._is_status_due = False
        self._told_status = float("-inf")
        self._later: asyncio.TimerHandle | None = None
        self._followed: dict[str, _Followed] = {}
        self._socket = web.WebSocketResponse(
            timeout=FAREWELL, heartbeat=HEARTBEAT, max_msg_size=MESSAGE_BYTES, compress=False
        )
        self._feed = _Feed(self, face)

    async def serve(self) -> web.WebSocketResponse:
        """Speak with the client until it goes, or the server ends."""
        await self._socket.prepare(self._request)
        self._face.core.facts.socket_opened("comfyui")
        sender = asyncio.create_task(self._send(), name="comfyui websocket")
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT and self._is_first:
                    self._is_first = False
                    self._hear(message.data)
        finally:  # nothing is awaited here: the handler itself may have been cancelled
            sender.cancel()
            cut(self._request)
            self._face.core.facts.socket_closed("comfyui")
        return self._socket

    def close(self) -> None:
        """Follow nothing any more."""
        self._feed.subscription.close()
        if self._later is not None:
            self._later.cancel()

    def tell(self, kind: str, data: Any) -> None:
        """Send a message, after those that wait."""
        self._feed.subscription.put(Message({"event": FRAME, "type": kind, "data": data}))

    def wants(self, message: Message) -> bool:
        """Whether a message of the hub is for this client: its runs, and those that nobody sent."""
        run = message.run
        if message.kind == ENDING:
            return True
        if run is None or not is_shown(run, self.who):
            return False
        mine = run.client == self.client and self._face.clients.is_newest(self)
        if message.kind in CHANGES and not (mine and message.kind == LAST):  # there it has a place of its own
            self._note_status()
        return mine or not run.client

    def _note_status(self) -> None:
        """Let the length of the queue be told next, once, however often it changes until then."""
        if not self._is_status_due:
            self._is_status_due = True
            self._feed.subscription.put(Message({"event": STATUS}))

    def _hear(self, text: str) -> None:
        """The client's first message: what it can read."""
        found = parse_loosely(text)
        said = found.value if found is not None else None
        if type(said) is dict and said.get("type") == "feature_flags" and type(said.get("data")) is dict:
            self._takes_metadata = said["data"].get("supports_preview_metadata") is True
            self.tell("feature_flags", features(self._face))

    async def _send(self) -> None:
        try:
            await self._greet()
            async for batch in self._feed.batches():
                for message in batch:
                    for out in await self._told(message):
                        await self._write(out)
            async with asyncio.timeout(FAREWELL):
                await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"The server ends.")
        except (TimeoutError, ConnectionError):
            cut(self._request)
        except Exception:
            log.exception("A client's messages cannot be made; its connection is closed.")
            await self._socket.close(code=WSCloseCode.INTERNAL_ERROR)

    async def _greet(self) -> None:
        """Say what is so now: the queue, and where the client's own run is."""
        status = self._status()
        await self._write(Out("status", {**status.data, "sid": self.client}, "all"))  # type: ignore[dict-item] - text
        self._told_status = float("-inf")  # the first change is told at once
        for run in self._face.core.runs.running():
            if run.client == self.client and is_shown(run, self.who):
                followed = await self._follow(run.id, run.next_seq - 1)
                current = followed.translator.current if followed is not None else None
                if followed is not None and current is not None:
                    display = followed.prompt.sent.ids.place(current).display
                    await self._write(Out("executing", {"node": display}, "owner"))

    async def _told(self, message: Message) -> list[Out]:
        """What is sent for a message."""
        kind, run_id = message.kind, message.event.get("run")
        if kind == FRAME:
            return [Out(message.event["type"], message.event["data"], "owner")]
        if kind == STATUS or (kind == BEHIND and run_id is None):
            self._is_status_due = False
            return self._status_in_time()
        if run_id is None:
            return []
        followed = self._followed.get(run_id)
        if followed is None:
            if kind == "run_queued":
                return []
            is_cancelled = kind == LAST and message.event.get("status") == "cancelled"
            if is_cancelled and message.run is not None and message.run.started is None:
                return self._status_in_time()  # it was taken out of the line: there may be thousands of them
            followed = await self._follow(run_id, message.seq if kind == PREVIEW else message.seq - 1)
        if followed is None:
            return []
        if kind == PREVIEW:
            event, data = message.event, message.data or b""
            metadata = self._takes_metadata
            return followed.translator.preview(event["node"], event["mime"], data, with_metadata=metadata)
        if message.seq <= followed.seq:
            return []
        followed.seq = message.seq
        outs = followed.translator.feed(message.event)
        if kind == LAST:
            self._followed.pop(run_id, None)
            self._face.clients.forget(run_id)
            if followed.prompt.client:
                outs[-1:-1] = [self._status()]
        return outs

    async def _follow(self, run_id: str, last: int) -> _Followed | None:
        """Begin with a run that is as far as its event `last`: what came before is known, and not told."""
        prompt = await self._face.clients.prompt(run_id)
        if prompt is None:
            return None
        sent = prompt.sent
        translator = Translator(run_id, sent.ids, sent.prompt, has_client=bool(prompt.client), needed=sent.needed)
        # The first event, that it is queued, tells a client nothing.
        followed = self._followed[run_id] = _Followed(translator, prompt, min(last, 0))
        while followed.seq < last:
            page = await self._face.core.hub.history(run_id, followed.seq, min(PAGE, last - followed.seq))
            page = [message for message in page if message.seq <= last]
            if not page:
                break
            for message in page:
                translator.feed(message.event)
            followed.seq = page[-1].seq
        return followed

    def _status(self) -> Out:
        self._told_status = asyncio.get_running_loop().time()
        remaining = self._face.clients.remaining(self.who)
        return Out("status", {"status": {"exec_info": {"queue_remaining": remaining}}}, "all")

    def _status_in_time(self) -> list[Out]:
        """The length of the queue, unless it was told just now: then it is told again when it is time."""
        loop = asyncio.get_running_loop()
        rest = self._told_status + STATUS_SECONDS - loop.time()
        if rest <= 0:
            return [self._status()]
        if self._later is None:
            self._later = loop.call_later(rest, self._time_has_come)
        return []

    def _time_has_come(self) -> None:
        self._later = None
        self._told_status = float("-inf")
        self._note_status()

    async def _write(self, out: Out) -> None:
        async with asyncio.timeout(PATIENCE):
            if isinstance(out.data, bytes):
                await self._socket.send_bytes(out.data)
            else:
                await self._socket.send_str(encoded({"type": out.type, "data": out.data}).decode())


@routes.get("/ws")
async def connect(face: "Face", request: web.Request) -> web.StreamResponse:
    """Follow the runs that are sent under the id `clientId`."""
    client = request.query.get("clientId", "") or uuid.uuid4().hex
    if len(client) > LONGEST_ID:
        raise Refusal(400, "bad_id", f"clientId has {len(client)} letters; {LONGEST_ID} are allowed.")
    if not web.WebSocketResponse().can_prepare(request):
        raise Refusal(426, "not_a_websocket", "This address speaks websocket.", headers={"Upgrade": "websocket"})
    socket = Socket(face, request, client)
    try:
        face.clients.enter(socket)
        return await socket.serve()
    finally:
        face.clients.leave(socket)
        socket.close()


@routes.patch("/internal/logs/subscribe")
async def subscribe_log(face: "Face", request: web.Request) -> web.Response:
    """Tell a websocket what is logged, or no more."""
    asked = await read_object(face, request)
    client = asked.get("clientId")
    face.clients.hear_log(request["who"], client if type(client) is str else "", enabled=bool(asked.get("enabled")))
    return web.Response()


@routes.get("/features")
async def read_features(face: "Face", request: web.Request) -> web.Response:
    """What this server can do."""
    return web.Response(body=encoded(features(face)), content_type="application/json")


def features(face: "Face") -> dict[str, Any]:
    """What this server can do, as it is told to clients."""
    return {"supports_preview_metadata": True, "max_upload_size": face.core.settings.max_upload}
