"""The models of a running server: listed and verified off the event loop, fetched with their progress told to all."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field

from graph.spec import Frozen
from server.api import ErrorInfo
from server.models.consent import Consents
from server.models.download import MARGIN, Download, Progress, Wanted
from server.models.error import ModelError
from server.models.inventory import Finding, Inventory, ModelInfo, Shelved, Verdict
from server.models.online import Online
from server.models.part import Note, Part, parts_below
from server.models.patience import Patience
from server.models.source import Source, host_of, read_source
from server.models.starting_points import Suggestion, point_of, suggestions
from server.models.tokens import Tokens
from server.places import Places

log = logging.getLogger(__name__)

AT_ONCE = 3
"""Downloads at work; more of them wait."""

MOST_WAITING = 100
KEPT = 100
"""Downloads that are over and still listed."""

TELL_SECONDS = 0.25

DownloadState = Literal[
    "queued", "asking", "fetching", "waiting", "verifying", "done", "present", "failed", "cancelled", "paused"
]
OVER = ("done", "present", "failed", "cancelled", "paused")


class DownloadRequest(Frozen):
    """A model to be fetched. consent: that the source's host is asked at all; needed once for each host."""

    source: Annotated[str, Field(max_length=4000)] = Field(description="https://…, hf:owner/repo/file@revision")
    folder: str = Field("", max_length=100, description="the folder of models it belongs in; empty: seen from the file")
    name: str = Field("", max_length=500, description="its name in that folder; empty: as the source names it")
    sha256: str = Field("", pattern=r"^([0-9a-fA-F]{64})?$", description="the digest it must have, in hex")
    replace: bool = Field(False, description="put it over another file of that name")
    consent: bool = False


class DownloadInfo(Frozen):
    """A download. present: the model was here already. paused: it can go on when it is asked for again.

    done, total: bytes; total 0: not known. speed: bytes a second. message: what it waits for, or should be known.
    """

    id: str
    source: str
    host: str
    folder: str
    name: str
    state: DownloadState
    done: int
    total: int
    speed: float
    licence: str
    message: str
    error: ErrorInfo | None


@dataclass(eq=False)
class _Fetching:
    """A download of this process."""

    info: DownloadInfo
    task: asyncio.Task[None] | None = None
    begun: tuple[float, int] | None = None
    told: float = 0.0
    discards: bool = False


def _uncounted(size: int) -> None:
    """Nobody counts the bytes that arrive."""


class Announces(Protocol):
    """Who tells everybody: the server's hub."""

    def announce(self, kind: str, **facts: Any) -> object:
        """Say that something has happened."""
        ...


class Shelf:
    """All model files and their downloads. Make it in a running event loop, and close it at the end.

    hub: is told "models_changed", and "download_progress" with the download. private: whether hosts of private
    networks may be asked. counted: told how many bytes arrived. environment: where tokens and HF_ENDPOINT
    stand. margin: bytes that stay free on the disk.
    """

    def __init__(
        self,
        places: Places,
        *,
        hub: Announces | None = None,
        offline: bool = False,
        private: bool = False,
        counted: Callable[[int], None] = _uncounted,
        environment: Mapping[str, str] = os.environ,
        patience: Patience | None = None,
        margin: int = MARGIN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.inventory = Inventory(places)
        self.consents = Consents(places.data / "online.json", offline=offline)
        self._places = places
        self._hub = hub
        self._counted = counted
        self._private = private
        self._environment = environment
        self._patience = patience
        self._margin = margin
        self._clock = clock
        self._fetching: dict[str, _Fetching] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._verifying = asyncio.Lock()

    async def list(self, folder: str = "") -> tuple[ModelInfo, ...]:
        """The models of a folder, or of all. Raises ModelError for a folder there is not."""
        return await asyncio.to_thread(self.inventory.list, folder)

    async def find(self, text: str) -> Finding:
        """What a name, the beginning of a digest, or a part of a name means."""
        return await asyncio.to_thread(self.inventory.find, text)

    async def verify(self, names: Sequence[str] = ()) -> tuple[Verdict, ...]:
        """Read models anew and compare them with their cards; no names: all. Raises ModelError for an unknown name.

        One such reading at a time; it ends when the caller gives up.
        """
        over = threading.Event()
        async with self._verifying:
            try:
                return await asyncio.to_thread(self._verdicts, names, over)
            finally:
                over.set()

    async def remove(self, folder: str, name: str) -> ModelInfo:
        """Remove a model of the person's own folder. Raises ModelError where there is none, or it is none of those."""
        item = await asyncio.to_thread(self._removed, folder, name)
        self._announce("models_changed")
        return item.info

    def starting_points(self, memory_gb: float | None = None) -> tuple[Suggestion, ...]:
        """Well-known models that fit in so much memory; None: all."""
        return suggestions(memory_gb)

    async def start_download(self, asked: DownloadRequest) -> DownloadInfo:
        """Begin to fetch a model, or go on with one that was cut off. Raises ModelError: see `Download`, and
        "consent_needed" where its host was never allowed, "queue_full" where too many wait.
        """
        source = read_source(asked.source, self._environment)
        if not await asyncio.to_thread(self.consents.covers, source):
            if not asked.consent:
                raise consent_needed(source)
            await asyncio.to_thread(self.consents.give, source)
        running = [item for item in self._fetching.values() if item.info.state not in OVER]
        for item in running:
            if item.info.source == source.text and asked.name in ("", item.info.name):
                return item.info
        if len(running) >= MOST_WAITING:
            raise ModelError("queue_full", "Too many downloads wait.", "Try again when some are done.", status=429)
        known = await asyncio.to_thread(self._part_of, source, asked)
        wanted = Wanted(source, asked.folder, asked.name, asked.sha256.lower(), asked.replace)
        if known is not None:
            wanted = Wanted(source, asked.folder, asked.name, asked.sha256.lower(), asked.replace, known.id)
        online = Online(Tokens(self._environment), public_only=not self._private)
        item = _Fetching(_info_of(wanted))
        download = Download(
            wanted,
            self.inventory,
            online,
            tell=lambda progress: self._tell(item, progress),
            patience=self._patience,
            margin=self._margin,
        )
        item.info = item.info.model_copy(update={"folder": download.wanted.folder, "name": download.progress.name})
        self._fetching.pop(wanted.id, None)
        self._fetching[wanted.id] = item
        item.task = asyncio.create_task(self._fetch(item, download, online), name=f"download {wanted.id}")
        self._forget()
        return item.info

    async def downloads(self) -> tuple[DownloadInfo, ...]:
        """Those of this process, the newest last, and what earlier ones left unfinished."""
        parts = await asyncio.to_thread(lambda: list(parts_below(self._places.own_models)))
        left = [self._paused(*part) for part in parts if part[1].id not in self._fetching]
        return (*left, *(item.info for item in self._fetching.values()))

    async def download(self, download_id: str) -> DownloadInfo:
        """One download. Raises ModelError where there is none with that id."""
        for info in await self.downloads():
            if info.id == download_id:
                return info
        raise ModelError("not_found", f"There is no download '{download_id}'.", status=404)

    async def cancel(self, download_id: str, *, keep: bool = False) -> None:
        """End a download and take it from the list. keep: what was fetched stays, to go on with it later."""
        info = await self.download(download_id)
        item = self._fetching.get(download_id)
        if item is not None and item.task is not None and not item.task.done():
            item.task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait([item.task])
        if not keep:
            await asyncio.to_thread(self._discard, download_id)
        self._fetching.pop(download_id, None)
        self._announce("download_progress", download=info.model_copy(update={"state": "cancelled"}).model_dump())

    async def close(self) -> None:
        """End all downloads; they can go on another time."""
        tasks = [item.task for item in self._fetching.values() if item.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _fetch(self, item: _Fetching, download: Download, online: Online) -> None:
        try:
            async with self._room, online:
                got = await download.run()
            facts = {"folder": got.folder, "name": got.name, "message": got.warning, "done": got.card.size}
            self._tell(item, state="done" if got.fetched else "present", **facts)
        except asyncio.CancelledError:
            self._tell(item, state="paused")
            raise
        except ModelError as error:
            log.warning("A download failed: %s", error)
            told = ErrorInfo(code=error.code, message=error.message, hint=error.hint)
            self._tell(item, state="failed", error=told)
        except Exception:
            log.exception("A download failed")
            told = ErrorInfo(code="failed", message="The download failed.", hint="The server's log says more.")
            self._tell(item, state="failed", error=told)
        else:
            if got.fetched:
                self._announce("models_changed")

    def _tell(self, item: _Fetching, progress: Progress | None = None, **facts: Any) -> None:
        """Keep how far a download is, and announce it: changes of state at once, the rest some times a second."""
        now = self._clock()
        if progress is not None:
            if progress.state == "fetching" and item.info.state == "fetching":
                self._counted(max(0, progress.done - item.info.done))
            facts = {name: getattr(progress, name) for name in Progress.__dataclass_fields__}
            if progress.state == "fetching" and item.begun is None:
                item.begun = (now, progress.done)
            if progress.state == "fetching" and item.begun is not None and now > item.begun[0]:
                facts["speed"] = max(0.0, (progress.done - item.begun[1]) / (now - item.begun[0]))
            if progress.state != "fetching":
                item.begun = None
        facts.setdefault("speed", 0.0)
        is_news = facts["state"] != item.info.state
        item.info = item.info.model_copy(update=facts)
        if is_news or now - item.told >= TELL_SECONDS:
            item.told = now
            self._announce("download_progress", download=item.info.model_dump())

    def _announce(self, kind: str, **facts: Any) -> None:
        if self._hub is not None:
            self._hub.announce(kind, **facts)

    def _verdicts(self, names: Sequence[str], over: threading.Event) -> tuple[Verdict, ...]:
        items = [self.inventory.one(name) for name in names] if names else self.inventory.shelved()
        return tuple(self.inventory.verify(items, is_over=over.is_set))

    def _removed(self, folder: str, name: str) -> Shelved:
        known = self.inventory.shelved(folder)
        item = next((item for item in known if item.info.name == name), None)
        if item is None:
            raise ModelError("not_found", f"There is no model '{folder}/{name}'.", status=404)
        self.inventory.remove(item)
        return item

    def _part_of(self, source: Source, asked: DownloadRequest) -> Note | None:
        """The note of what is here of a source, from another time."""
        for target, note in parts_below(self._places.own_models):
            folder, name = _place_in(self._places.own_models, target)
            if note.source == source.text and asked.folder in ("", folder) and asked.name in ("", name):
                return note
        return None

    def _discard(self, download_id: str) -> None:
        for target, note in parts_below(self._places.own_models):
            if note.id == download_id:
                with Part(target) as part:
                    part.discard()

    def _paused(self, target: Path, note: Note) -> DownloadInfo:
        folder, name = _place_in(self._places.own_models, target)
        try:
            host = host_of(read_source(note.source, self._environment).url)
        except ModelError:
            host = ""
        part = Part(target)
        return DownloadInfo(
            id=note.id, source=note.source, host=host, folder=folder, name=name, state="paused",
            done=part.path.stat().st_size if part.path.exists() else 0, total=note.size, speed=0.0, licence="",
            message="Its address had a query, which is not kept: ask for it again with that." if note.has_query else "",
            error=None,
        )  # fmt: skip

    def _forget(self) -> None:
        over = [key for key, item in self._fetching.items() if item.info.state in OVER]
        for key in over[: max(0, len(over) - KEPT)]:
            del self._fetching[key]


def consent_needed(source: Source) -> ModelError:
    """The error that asks for a yes before a host is asked for the first time."""
    point = point_of(source.text)
    known = f" It has about {point.size_gb} GB; licence: {point.licence}." if point else ""
    message = f"Fetching '{source.text}' goes online, to {source.host}.{known}"
    return ModelError("consent_needed", message, 'Ask again with "consent": true.', status=409)


def _info_of(wanted: Wanted) -> DownloadInfo:
    return DownloadInfo(
        id=wanted.id, source=wanted.source.text, host=wanted.source.host, folder=wanted.folder, name=wanted.name,
        state="queued", done=0, total=0, speed=0.0, licence="", message="", error=None,
    )  # fmt: skip


def _place_in(models: Path, target: Path) -> tuple[str, str]:
    """Folder and name of a model in a folder of models."""
    folder, _, name = target.relative_to(models).as_posix().partition("/")
    return folder, name
