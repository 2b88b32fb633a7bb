"""The model files there are: listed, found by what people call them, verified, removed. Nothing goes online here."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field

from graph.digests import Digests, full_sha256
from graph.errors import FileMissing
from graph.folders import Folders
from graph.spec import Frozen
from graph.text import listing, meant, nearest
from server.models import card as cards
from server.models import header as headers
from server.models.card import Card
from server.models.error import ModelError
from server.models.kind import Kind, kind_of
from server.models.name import has_suffix
from server.places import Places

PREFIX = re.compile(r"(?:sha256:)?([0-9a-f]{6,64})", re.IGNORECASE)
"""The beginning of a digest, long enough to be meant as one."""


class ModelInfo(Frozen):
    """A model file. name: its path in its folder, as workflows name it. family: of its base model, "" not known.

    side: pixels a side of the square pictures a checkpoint makes best, 0 not known. own: it lies where it may be
    removed from. licence, source, sha256: of its card, "" without one.
    """

    folder: str
    name: str
    size: int = Field(description="bytes")
    modified: float = Field(description="seconds since 1970")
    family: str = ""
    side: int = 0
    own: bool = False
    licence: str = ""
    source: str = ""
    sha256: str = ""


class Finding(Frozen):
    """Models a text may mean. how: by what they were found. suggestion: where there is none, what may be meant."""

    how: Literal["name", "digest", "text", "nothing"]
    models: tuple[ModelInfo, ...] = ()
    suggestion: str = ""


class Verdict(Frozen):
    """Whether a file is whole. ok: as it was fetched; unknown: it looks whole, but nobody said what it is to be."""

    folder: str
    name: str
    state: Literal["ok", "unknown", "damaged", "unreadable"]
    message: str = ""


@dataclass(frozen=True)
class Shelved:
    """A model and its place. path: of the file, or of the folder of a model in the layout of diffusers."""

    path: Path
    info: ModelInfo


class Inventory:
    """Model files of all folders that are searched. Calls read the disk: on an event loop, use a thread."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.folders: Folders = places.folders()
        self._digests = Digests(places.cache / "digests.db")
        self._kinds: dict[Path, tuple[tuple[int, int], Kind]] = {}

    def list(self, folder: str = "") -> tuple[ModelInfo, ...]:
        """The models of a folder, or of all, as they are sorted there. Raises ModelError for a folder there is not."""
        return tuple(item.info for item in self.shelved(folder))

    def shelved(self, folder: str = "") -> tuple[Shelved, ...]:
        """The models of a folder, or of all, each once: a file that could be of any kind stands where it belongs."""
        wanted = (self.checked_folder(folder),) if folder else self.places.model_folders
        found: dict[Path, Shelved] = {}
        for kind in wanted:
            for name, path in self._files(kind):
                if path not in found or kind == self._kind(path).folder:
                    item = self._shelved(kind, name, path)
                    if item is not None:
                        found[path] = item
        return tuple(sorted(found.values(), key=lambda item: wanted.index(item.info.folder)))

    def find(self, text: str) -> Finding:
        """What a text means: a name with or without folder and ending, the beginning of a digest, a part of a name."""
        return self._finding(text, self.shelved())[0]

    def one(self, text: str, folder: str = "") -> Shelved:
        """The one model a text means exactly. Raises ModelError, with what may be meant, where it is not one."""
        known = self.shelved(folder)
        finding, items = self._finding(text, known)
        if finding.how in ("name", "digest") and len(items) == 1:
            return items[0]
        if finding.how in ("name", "digest"):
            names = listing(f"{item.info.folder}/{item.info.name}" for item in items)
            raise ModelError("several", f"'{text}' means several models: {names}.", "Name one of them.", status=409)
        close = [f"{item.info.folder}/{item.info.name}" for item in items] or [finding.suggestion]
        hint = f"Did you mean {listing(close)}?" if any(close) else "`models list` lists all there are."
        raise ModelError("not_found", f"There is no model '{text}'.", hint, status=404)

    def with_content(self, size: int, sha256: str) -> Shelved | None:
        """A model with that very content, wherever it lies. Files of that size without a card are read."""
        for item in self.shelved():
            if item.info.size == size and item.path.is_file():
                with suppress(OSError):
                    if self.digest(item.path) == sha256:
                        return item
        return None

    def with_card(self, sha256: str) -> Shelved | None:
        """A model whose card has that digest, and whose size is still the card's."""
        known = self.shelved() if sha256 else ()
        return next((item for item in known if item.info.sha256 == sha256), None)

    def digest(self, path: Path) -> str:
        """The SHA-256 of a file in hex; remembered while the file does not change."""
        return self._digests.of(path, "full").removeprefix("sha256:")

    def verify(
        self,
        items: Sequence[Shelved],
        tell: Callable[[ModelInfo], object] = lambda info: None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> Iterator[Verdict]:
        """Read files anew and compare them with their cards. tell: which comes next; is_over: whether to stop."""
        for item in items:
            if is_over():
                return
            tell(item.info)
            yield self._verdict(item)

    def remove(self, item: Shelved) -> None:
        """Remove a file and its card. Raises ModelError where it is not in the person's own models folder, or stays."""
        info = item.info
        if not info.own:
            raise ModelError(
                "not_own",
                f"'{info.folder}/{info.name}' does not lie in your own models folder; it is left alone.",
                "Remove it where it lies.",
                status=403,
            )
        if item.path.is_dir() and not item.path.is_symlink():
            raise ModelError(
                "is_a_folder",
                f"'{info.folder}/{info.name}' is a whole folder; it is left alone.",
                "Remove it by hand.",
                status=409,
            )
        try:
            item.path.unlink()
            cards.place_of(item.path).unlink(missing_ok=True)
        except OSError as error:
            message = f"'{info.folder}/{info.name}' cannot be removed: {error.strerror or 'the disk fails'}."
            raise ModelError("cannot_remove", message, status=409) from None

    def checked_folder(self, folder: str) -> str:
        """A folder of models. Raises ModelError for one there is not."""
        if folder not in self.places.model_folders:
            hint = meant(folder, self.places.model_folders)
            raise ModelError("unknown_folder", f"There is no folder of models '{folder}'.", hint, status=404)
        return folder

    def _finding(self, text: str, known: Sequence[Shelved]) -> tuple[Finding, tuple[Shelved, ...]]:
        asked = text.strip().replace("\\", "/")
        low = asked.casefold()
        by_name = (
            [item for item in known if asked in (item.info.name, f"{item.info.folder}/{item.info.name}")]
            or [item for item in known if PurePosixPath(item.info.name).name == asked]
            or [item for item in known if low in _short_names(item.info)]
        )
        if by_name and low:
            return _found("name", by_name)
        digest = PREFIX.fullmatch(low)
        by_digest = [item for item in known if digest and item.info.sha256.startswith(digest[1])]
        if by_digest:
            return _found("digest", by_digest)
        by_text = [item for item in known if low and low in f"{item.info.folder}/{item.info.name}".casefold()]
        if by_text:
            return _found("text", by_text)
        stems = {PurePosixPath(item.info.name).stem: item.info.name for item in known}
        close = nearest(PurePosixPath(asked).stem, stems) if low else None
        return Finding(how="nothing", suggestion=stems[close] if close else ""), ()

    def _files(self, folder: str) -> Iterator[tuple[str, Path]]:
        for name in self.folders.choices(folder):
            try:
                path = self.folders.locate(folder, name).path
            except FileMissing:  # it has just gone
                continue
            if path.is_dir() or has_suffix(name, self.places.suffixes):
                yield name, path

    def _shelved(self, folder: str, name: str, path: Path) -> Shelved | None:
        try:
            status = path.stat()
        except OSError:
            return None
        card = cards.read_card(path) or Card()
        size = status.st_size
        if path.is_dir():
            size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        is_as_fetched = card.size == size
        kind = self._kind(path)
        info = ModelInfo(
            folder=folder,
            name=name,
            size=size,
            modified=status.st_mtime,
            family=kind.family,
            side=kind.side,
            own=path.is_relative_to(self.places.own_models),
            licence=card.licence,
            source=card.source,
            sha256=card.sha256 if is_as_fetched else "",
        )
        return Shelved(path, info)

    def _kind(self, path: Path) -> Kind:
        if path.suffix.lower() not in headers.SAFETENSORS:
            return Kind()
        try:
            status = path.stat()
            stamp = (status.st_size, status.st_mtime_ns)
            known = self._kinds.get(path)
            if known is None or known[0] != stamp:
                known = self._kinds[path] = (stamp, kind_of(headers.read_header(path)))
            return known[1]
        except (OSError, ModelError):
            return Kind()

    def _verdict(self, item: Shelved) -> Verdict:
        info = item.info
        try:
            if item.path.is_dir():
                return Verdict(folder=info.folder, name=info.name, state="unknown", message="It is a folder.")
            headers.check_file(item.path)
            card = cards.read_card(item.path)
            if card is None or not card.sha256:
                message = "It looks whole; there is no card with its digest."
                return Verdict(folder=info.folder, name=info.name, state="unknown", message=message)
            found = full_sha256(item.path)
            if found == card.sha256:
                return Verdict(folder=info.folder, name=info.name, state="ok")
            message = f"Its SHA-256 is {found}, and was {card.sha256} when it was fetched."
        except ModelError as error:
            message = str(error)
        except OSError as error:
            message = f"It cannot be read: {error.strerror or error}."
            return Verdict(folder=info.folder, name=info.name, state="unreadable", message=message)
        return Verdict(folder=info.folder, name=info.name, state="damaged", message=message)


def _found(how: Literal["name", "digest", "text"], items: Sequence[Shelved]) -> tuple[Finding, tuple[Shelved, ...]]:
    return Finding(how=how, models=tuple(item.info for item in items)), tuple(items)


def _short_names(info: ModelInfo) -> tuple[str, ...]:
    """What else people call it: without regard to case, without its ending, without its folders."""
    name = PurePosixPath(info.name.casefold())
    return (name.as_posix(), name.name, name.stem, name.with_suffix("").as_posix())
