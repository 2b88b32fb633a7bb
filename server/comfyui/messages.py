"""Events of a run as messages of ComfyUI's websocket: the same kinds, in the same order.

Three things are other than there. `progress_state` tells the nodes at work and what has changed since the last one, not
every node that was ever touched. `execution_error` comes at the end, since outputs that do not depend on the failed
node are still made; and a node that is skipped because another blocked it is told by a text below it, not as an error
of a run that then succeeds. What a client hears of a run that was parked, or whose worker died, goes on as if nothing
had happened.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from server.comfyui.failures import error_data, milliseconds
from server.comfyui.frames import preview_frame, preview_with_metadata_frame, text_frame, told
from server.comfyui.ids import Ids, named
from server.comfyui.shown import Shown, ui_of

__all__ = ["Out", "Translator", "preview_frame", "preview_with_metadata_frame", "text_frame", "ui_of"]

PROGRESS_SECONDS = 0.03
"""How often the progress of one node is told, at most."""

NOTHING: Mapping[str, Any] = MappingProxyType({})

To = Literal["owner", "all"]
"""Who gets a message: the client that sent the prompt, or every client that may see the run."""


class Out(NamedTuple):
    """A message. data: of a text frame; bytes: a binary frame, which has no type."""

    type: str
    data: Mapping[str, Any] | bytes
    to: To

    def text(self) -> str:
        """The text frame."""
        return json.dumps({"type": self.type, "data": self.data}, separators=(",", ":"))


@dataclass
class _Work:
    """A node at work. told: when its progress was told last, in seconds."""

    value: float = 0.0
    most: float = 1.0
    told: float = 0.0


class Translator:
    """One run, as its clients follow it. Feed it all events of the run in order, also those that nobody needs any more:
    then it knows what to say next.

    prompt_id: the id of the run. prompt: as the client sent it. has_client: whether the prompt named a client; without
    one ComfyUI tells nobody how it goes, but everybody its progress. needed: ids of the nodes that the outputs need
    (`Verdict.needed`): those that are not in the plan are told as cached.
    """

    def __init__(
        self,
        prompt_id: str,
        ids: Ids,
        prompt: Mapping[str, Any] = NOTHING,
        *,
        has_client: bool = True,
        needed: Collection[str] = (),
    ) -> None:
        self.prompt_id = prompt_id
        self.current: str | None = None  # the path of the node that clients believe at work
        self._ids = ids
        self._prompt = prompt
        self._has_client = has_client
        self._needed = needed
        self._is_started = self._is_over = False
        self._at_work: dict[str, _Work] = {}
        self._last = ""
        self._executed: dict[str, None] = {}
        self._shown = Shown(ids)
        self._told: dict[str, dict[str, list[Any]]] = {}
        self._failure: Mapping[str, Any] | None = None
        self._reason = ""

    def feed(self, event: Mapping[str, Any]) -> list[Out]:
        """What to send at an event of the run, as the hub has it."""
        time = event.get("time", 0.0)
        match event.get("event"):
            case "run_started":
                return self._started(event.get("plan", ()), time)
            case "node_started":
                return self._node_started(self._ids.folded(event["node"]))
            case "node_progress":
                return self._progress(self._ids.folded(event["node"]), event["done"], event["total"], time)
            case "node_finished":
                return self._finished(event["node"], event.get("outputs") or {}, reused=event.get("reused") is not None)
            case "node_failed":
                self._failure = self._failure or event
                self._leave(event["node"])
            case "node_skipped":
                self._leave(event["node"])
                if event.get("reason"):
                    frame = text_frame(self._ids.place(event["node"]).display, f"Blocked: {event['reason']}")
                    return [Out("", frame, self._anyone)]
            case "node_message":
                return self._message(event["node"], event["kind"], event["data"])
            case "run_interrupted" | "run_paused":
                self._at_work.clear()
                self.current = None
                self._reason = event.get("reason", "")
            case "run_finished":
                return self._over(event["status"], event.get("error"), time)
            case _:
                pass
        return []

    def preview(self, node: str, mime: str, data: bytes, *, with_metadata: bool) -> list[Out]:
        """A picture in the making. with_metadata: whether the client takes frames that say which node they are of; of
        others it is told before that this node is at work.
        """
        path = self._ids.folded(node)
        if with_metadata:
            frame = preview_with_metadata_frame(self._ids.place(path), self.prompt_id, mime, data)
            return [Out("", frame, self._anyone)]
        plain = preview_frame(mime, data)
        return [] if plain is None else [*self._executing(path), Out("", plain, self._anyone)]

    def _message(self, node: str, kind: str, data: Any) -> list[Out]:
        """What a node of a pack says: a text below it, or a message of its own kind."""
        if kind == "progress_text" and isinstance(data, Mapping):
            display = str(data.get("node") or self._ids.place(self._ids.folded(node)).display)
            return [Out("", text_frame(display, str(data.get("text", ""))), self._anyone)]
        return [Out(kind, data, self._anyone)]

    @property
    def _anyone(self) -> To:
        return "owner" if self._has_client else "all"

    def _owner(self, kind: str, **facts: Any) -> list[Out]:
        """A message for the client; none where the prompt named no client."""
        return [Out(kind, facts, "owner")] if self._has_client else []

    def _started(self, plan: Iterable[Mapping[str, Any]], time: float) -> list[Out]:
        self._at_work.clear()
        if self._is_started:
            return []
        self._is_started = True
        steps = [(self._ids.place(self._ids.folded(step["node"])), step["action"]) for step in plan]
        planned = {place.real for place, _ in steps}
        reused = [place.node for place, action in steps if action == "reuse"]
        cached = list(dict.fromkeys([*reused, *(name for name in self._needed if name not in planned)]))
        stamp = milliseconds(time)
        return [
            *self._owner("execution_start", prompt_id=self.prompt_id, timestamp=stamp),
            *self._owner("execution_cached", nodes=cached, prompt_id=self.prompt_id, timestamp=stamp),
        ]

    def _node_started(self, path: str) -> list[Out]:
        if path in self._at_work:
            return []
        self._at_work[path] = _Work()
        self._last = path
        return [self._state(), *self._executing(path)]

    def _executing(self, path: str) -> list[Out]:
        """Say which node is at work, if clients believe it is another: what they show belongs to that one."""
        if path == self.current:
            return []
        self.current = path
        place = self._ids.place(path)
        return self._owner("executing", node=place.node, display_node=place.display, prompt_id=self.prompt_id)

    def _progress(self, path: str, done: float, total: float, time: float) -> list[Out]:
        work = self._at_work.setdefault(path, _Work())
        work.value, work.most = done, total
        if done < total and 0 <= time - work.told < PROGRESS_SECONDS:
            return []
        work.told = time
        facts = {"value": done, "max": total, "prompt_id": self.prompt_id, "node": self._ids.place(path).node}
        return [*self._executing(path), Out("progress", facts, self._anyone), self._state()]

    def _finished(self, node: str, outputs: Mapping[str, Any], *, reused: bool) -> list[Out]:
        path = self._ids.folded(node)
        place = self._ids.place(path)
        type_id = named(self._prompt, place.node).get("class_type", "")
        shown = self._shown.finished(node, outputs, type_id)
        if path != node:
            return []  # one of several calls
        work = self._leave(path)
        if work is not None:
            self._executed[place.node] = None
        sent: list[Out] = []
        # Found again after a worker was lost, it was told before.
        if shown and not (reused and self._told.get(path) == shown):
            self._told[path] = shown
            facts = {"node": place.node, "display_node": place.display, "output": shown, "prompt_id": self.prompt_id}
            sent = self._owner("executed", **facts)
        return sent if work is None else [*sent, self._state(path, work)]

    def _leave(self, path: str) -> _Work | None:
        return self._at_work.pop(path, None)

    def _state(self, ended: str = "", work: _Work | None = None) -> Out:
        """The nodes at work, and one that has just ended."""
        nodes = [(path, one.value, one.most, "running") for path, one in self._at_work.items()]
        if work is not None:
            nodes.append((ended, work.most, work.most, "finished"))
        facts = {}
        for path, value, most, state in nodes:
            place = self._ids.place(path)
            counts = {"value": value, "max": most, "state": state, "prompt_id": self.prompt_id}
            facts[place.node] = counts | told(place)
        return Out("progress_state", {"prompt_id": self.prompt_id, "nodes": facts}, self._anyone)

    def _over(self, status: str, error: Mapping[str, Any] | None, time: float) -> list[Out]:
        if self._is_over or (status == "cancelled" and not self._is_started):
            return []  # it was taken out of the line
        self._is_over = True
        self._at_work.clear()
        executed = list(self._executed)
        facts = {"prompt_id": self.prompt_id, "timestamp": milliseconds(time)}
        match status:
            case "done":
                end = self._owner("execution_success", **facts)
            case "cancelled":
                place = self._ids.place(self._last) if self._last else None
                name = place.real if place else ""
                node = {"node_id": name, "node_type": named(self._prompt, name).get("class_type", "")}
                end = [Out("execution_interrupted", facts | node | {"executed": executed}, self._anyone)]
            case _:
                unknown = {"node": self._last, "code": "failed", "message": self._reason or "The run failed."}
                failure = self._failure or error or unknown
                end = self._owner(
                    "execution_error",
                    **error_data(self.prompt_id, self._ids, self._prompt, failure, executed, time),
                )
        return [*end, *self._owner("executing", node=None, prompt_id=self.prompt_id)]
