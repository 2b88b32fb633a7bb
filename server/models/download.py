"""Fetching one model: found out about, checked against what is here, continued where it was cut off, verified, put in
its place at the end. Half a model never lies where models are looked for.
"""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import aiohttp

from server.models import header as headers
from server.models.card import Card
from server.models.error import ModelError
from server.models.inventory import Inventory
from server.models.kind import kind_of
from server.models.landing import Got, Landing, Wanted, here
from server.models.name import checked_name, has_suffix, tamed_name
from server.models.offer import Offer, offer_of, wrong_size
from server.models.online import Online, Reply, licence_in, trouble
from server.models.part import Note
from server.models.patience import Patience

__all__ = ["Download", "Got", "Progress", "Wanted"]

T = TypeVar("T")

MARGIN = 512 * 2**20
"""Bytes that stay free on the disk."""

LARGEST_HEADER = 32 * 2**20
"""Bytes a header may have that comes from elsewhere: it is read into memory."""

PIECE = 2**20
"""Bytes written at once."""

State = Literal["asking", "fetching", "waiting", "verifying"]


@dataclass(frozen=True)
class Progress:
    """How far a download is. total: bytes, 0 not known yet. message: what it waits for, or should be known."""

    state: State
    folder: str = ""
    name: str = ""
    done: int = 0
    total: int = 0
    licence: str = ""
    message: str = ""


class _Restart(Exception):
    """The next attempt can begin at once: from the bytes there are, or from none."""


class Download:
    """One model on its way. online: must be open. tell: is told how far it is, often. margin: bytes to stay free."""

    def __init__(
        self,
        wanted: Wanted,
        inventory: Inventory,
        online: Online,
        *,
        tell: Callable[[Progress], object] = lambda progress: None,
        patience: Patience | None = None,
        margin: int = MARGIN,
    ) -> None:
        suffixes = inventory.places.suffixes
        self.wanted = replace(
            wanted,
            folder=inventory.checked_folder(wanted.folder) if wanted.folder else "",
            name=checked_name(wanted.name, suffixes) if wanted.name else "",
        )
        self._inventory = inventory
        self._landing = Landing(self.wanted, inventory, margin)
        self._online = online
        self._tell = tell
        self._patience = patience or Patience()
        self._offer: Offer | None = None
        self._commit = ""
        self._landing.name = self.wanted.name or self._name_of_source()
        self.progress = Progress("asking", self.wanted.folder, self._landing.name)

    async def run(self) -> Got:
        """Fetch it, and give what became of it. What was fetched stays for another time where it is cut short.

        Raises ModelError with a sentence.
        """
        if found := await _in_thread(self._inventory.with_card, self.wanted.sha256):
            return here(found)
        self._say(licence=licence_in(await self._online.about(self.wanted.source)))
        with ExitStack() as closing:
            closing.callback(self._landing.close)
            await _in_thread(self._landing.take_up)
            failures, furthest = 0, self._landing.done
            while True:
                try:
                    return await self._attempt()
                except _Restart:
                    error = ModelError(
                        "changing", f"{self.wanted.source.host} gives other content each time.", again=True
                    )
                    wait = 0.0
                except ModelError as caught:
                    error, wait = caught, caught.after
                    if not error.again:
                        raise
                    failures = 0 if self._landing.done >= furthest + self._patience.enough else failures
                failures += 1
                furthest = max(furthest, self._landing.done)
                never_answered = self._offer is None and error.code == "unreachable"
                if failures >= (self._patience.to_begin if never_answered else self._patience.tries):
                    raise error
                if error.code != "changing":
                    self._say("waiting", message=str(error))
                    await self._patience.sleep(self._patience.seconds(failures, wait))

    async def _attempt(self) -> Got:
        part, note = self._landing.part, self._landing.note
        sent: dict[str, str] = {}
        if part is not None and note is not None and part.done:
            if part.done == note.size:
                return await self._finish()
            if self._is_same_content(note):
                sent["Range"] = f"bytes={part.done}-"
                if validator := note.etag or note.modified:
                    sent["If-Range"] = validator
        self._say("asking", message="")
        async with self._online.open(self.wanted.source, sent) as reply:
            offer = await self._heard(reply)
            self._offer, self._commit = offer, offer.commit or self._commit
            body = reply.response.content
            try:
                if offer.offset:
                    await _in_thread(self._landing.check_space, offer.size or 0)
                    start = b""
                else:
                    start = await self._start(body)
                    found = await self._settle(offer, start)
                    if found is not None:
                        return found
                self._say("fetching")
                await self._write(start)
                await self._stream(body)
            except (aiohttp.ClientError, TimeoutError) as error:
                raise trouble(error, self.wanted.source.host) from None
        return await self._finish()

    def _is_same_content(self, note: Note) -> bool:
        """Whether the bytes there are can be continued: something tells whether it is still the same file."""
        expected = self.wanted.sha256 or (self._offer.sha256 if self._offer else "")
        if expected and note.sha256 and expected != note.sha256:
            return False
        return bool(note.etag or note.modified or note.sha256 or self.wanted.sha256)

    async def _heard(self, reply: Reply) -> Offer:
        """What an answer offers. Raises ModelError where it is no file, _Restart where what is here is of no use."""
        part, note, source = self._landing.part, self._landing.note, self.wanted.source
        if reply.response.status == 416 and part is not None and part.done:
            await _in_thread(self._landing.begin, None)
            raise _Restart
        offer = offer_of(source, reply, has_token=bool(self._online.tokens.token_for(source)))
        if self.wanted.sha256 and offer.sha256 and offer.sha256 != self.wanted.sha256:
            raise self._wrong_digest(offer.sha256)
        if reply.response.status == 206 and (
            part is None
            or note is None
            or offer.offset != part.done
            or not part.done
            or offer.size != note.size
            or (offer.etag and note.etag and offer.etag != note.etag)
            or (offer.sha256 and note.sha256 and offer.sha256 != note.sha256)
        ):
            await _in_thread(self._landing.begin, None)
            raise _Restart
        return offer

    async def _start(self, body: aiohttp.StreamReader) -> bytes:
        """The first bytes: a whole safetensors header, or enough to see what else it is."""
        start = await _read(body, 16)
        if start.startswith(headers.TORCH):
            return start
        wanted = headers.wanted_bytes(start)
        if wanted > LARGEST_HEADER:
            raise ModelError("not_a_model", f"Its header would have {wanted} bytes, more than any model's.")
        return start + await _read(body, wanted - len(start))

    async def _settle(self, offer: Offer, start: bytes) -> Got | None:
        """Decide by the first bytes where the file goes. Gives what is here already, if it is the same."""
        header = None if start.startswith(headers.TORCH) else await _in_thread(headers.parse_header, start)
        name = self._landing.name or tamed_name(offer.name)
        name = checked_name(name, self._inventory.places.suffixes)
        is_safetensors = name.lower().endswith(headers.SAFETENSORS)
        if is_safetensors and header is None:
            raise ModelError("not_a_model", f"'{name}' is no safetensors file: {headers.looks_like(start)}.")
        if not is_safetensors and header is not None:
            stem = name.rpartition(".")[0]
            hint = f"Give it such a name: '{stem}.safetensors'."
            raise ModelError("not_a_model", f"'{name}' is a safetensors file by its content.", hint)
        size = offer.size if header is None else header.size
        if size is None:
            raise ModelError(
                "size_unknown", f"{self.wanted.source.host} does not say how large '{name}' is.", status=502
            )
        if offer.size is not None and offer.size != size:
            raise wrong_size(self.wanted.source.host, offer.size, size)
        folder = self._landing.folder or (kind_of(header).folder if header else "")
        if folder not in self._inventory.places.model_folders:
            raise ModelError(
                "folder_needed", f"What kind of model '{name}' is cannot be seen.",
                f"Name the folder it belongs in: {', '.join(self._inventory.places.model_folders)}.",
            )  # fmt: skip
        landing = self._landing
        landing.folder, landing.name = folder, name
        self._say("asking", total=size)
        try:
            found = await _in_thread(landing.already, offer, size)
        except OSError as error:
            raise landing.cannot_write(error) from None
        if found is None and not await _in_thread(landing.prepare, offer, size):
            raise _Restart
        return found

    async def _stream(self, body: aiohttp.StreamReader) -> None:
        waiting = bytearray()
        try:
            async for piece in body.iter_any():
                waiting += piece
                if len(waiting) >= PIECE:
                    data, waiting = bytes(waiting), bytearray()
                    await self._write(data)
        finally:
            if waiting:  # also what came before the connection was cut
                await self._write(bytes(waiting))

    async def _write(self, data: bytes) -> None:
        part, note = self._landing.part, self._landing.note
        assert part is not None and note is not None  # noqa: S101, PT018 — a part is open before bytes come
        if part.done + len(data) > note.size:
            await _in_thread(part.discard)
            raise ModelError(
                "wrong_size", f"{self.wanted.source.host} gives more than the {note.size} bytes it said.",
                "What was fetched is removed.", status=502,
            )  # fmt: skip
        try:
            await _in_thread(part.append, data)
        except OSError as error:
            raise self._landing.cannot_write(error) from None
        finally:
            self._say()

    async def _finish(self) -> Got:
        """Verify the bytes and put them in their place."""
        part, note = self._landing.part, self._landing.note
        assert part is not None and note is not None  # noqa: S101, PT018 — as above
        if part.done < note.size:
            raise ModelError("cut", f"The connection to {self.wanted.source.host} was cut.", again=True, status=502)
        self._say("verifying")
        expected = self.wanted.sha256 or note.sha256
        if expected and part.sha256 != expected:
            if self._landing.continued:  # pieces of two files, perhaps
                await _in_thread(self._landing.begin, None)
                raise _Restart
            await _in_thread(part.discard)
            raise self._wrong_digest(part.sha256)
        try:
            await _in_thread(headers.check_file, part.path, Path(self.progress.name).suffix)
        except ModelError:
            await _in_thread(part.discard)
            raise
        card = Card(
            source=self.wanted.source.text,
            revision=self.wanted.source.revision,
            commit=self._commit,
            licence=self.progress.licence,
            etag=note.etag,
            sha256=part.sha256,
            size=part.done,
            fetched=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        return await _in_thread(self._landing.place, card)

    def _name_of_source(self) -> str:
        name = tamed_name(self.wanted.source.name)
        if self.wanted.source.kind == "hub" and not has_suffix(name, self._inventory.places.suffixes):
            checked_name(name or "?", self._inventory.places.suffixes)
        return name if has_suffix(name, self._inventory.places.suffixes) else ""

    def _say(self, state: State | None = None, **facts: object) -> None:
        landing = self._landing
        if landing.note is not None:
            facts["total"] = landing.note.size
        facts |= {"folder": landing.folder, "name": landing.name, "done": landing.done}
        self.progress = replace(self.progress, state=state or self.progress.state, **facts)  # type: ignore[arg-type]
        self._tell(self.progress)

    def _wrong_digest(self, found: str) -> ModelError:
        expected = self.wanted.sha256 or (self._landing.note.sha256 if self._landing.note else "")
        return ModelError(
            "wrong_digest",
            f"'{self.wanted.source.text}' has the SHA-256 {found}, and should have {expected}.",
            "It is damaged, or another file. Nothing of it is kept.",
            status=502,
        )


async def _read(body: aiohttp.StreamReader, count: int) -> bytes:
    """So many bytes; fewer where the body ends before."""
    data = bytearray()
    while len(data) < count:
        piece = await body.read(min(count - len(data), PIECE))
        if not piece:
            break
        data += piece
    return bytes(data)


async def _in_thread(work: Callable[..., T], *arguments: object) -> T:
    """Do work in a thread, and wait for its end even when cancelled: it has files open that are closed afterwards."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
