"""Where a model comes down: its place, the bytes there are of it, and the room for the rest."""

import errno
import shutil
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from server.models import card as cards
from server.models import header as headers
from server.models.card import DIGEST, Card
from server.models.error import ModelError
from server.models.inventory import Inventory, Shelved
from server.models.offer import Offer
from server.models.part import Note, Part, parts_below
from server.models.source import Source

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Wanted:
    """What is to be fetched. folder and name: where to, "" as the file itself says. sha256: it must have, "" as the
    source says. replace: a file of that name with other content. id: of the download.
    """

    source: Source
    folder: str = ""
    name: str = ""
    sha256: str = ""
    replace: bool = False
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    def __post_init__(self) -> None:
        if self.sha256 and not DIGEST.fullmatch(self.sha256):
            raise ModelError("bad_digest", "A SHA-256 has 64 signs of 0 to 9 and a to f.")


@dataclass(frozen=True)
class Got:
    """What a download led to. fetched: False where that very model was here already."""

    folder: str
    name: str
    path: Path
    fetched: bool
    card: Card
    warning: str = ""


class Landing:
    """The disk's side of a download. Its calls block; each raises ModelError with a sentence.

    folder and name: "" while not known. note: what the bytes there are, are of. continued: some are from before.
    """

    def __init__(self, wanted: Wanted, inventory: Inventory, margin: int) -> None:
        self.folder = wanted.folder
        self.name = wanted.name
        self.part: Part | None = None
        self.note: Note | None = None
        self.continued = False
        self._wanted = wanted
        self._inventory = inventory
        self._margin = margin

    @property
    def target(self) -> Path:
        """The place of the model."""
        return self._inventory.places.own_models / self.folder / self.name

    @property
    def done(self) -> int:
        """Bytes there are."""
        return self.part.done if self.part is not None else 0

    def take_up(self) -> None:
        """Find what is here of it from another time."""
        wanted, own = self._wanted, self._inventory.places.own_models
        for target, note in parts_below(own):
            folder, _, name = target.relative_to(own).as_posix().partition("/")
            if (
                note.source == wanted.source.text
                and wanted.folder in ("", folder)
                and wanted.name in ("", name)
                and folder in self._inventory.places.model_folders
            ):
                self.folder, self.name = folder, name
                self.open()
                return

    def open(self) -> None:
        """Open the part of the place, with the bytes there are of it."""
        part = Part(self.target)
        try:
            self.part = part.__enter__()
            self.note = part.take_up()
            self.continued = part.done > 0
            if self.note is not None and self.note.source != self._wanted.source.text:
                self.begin(None)
        except OSError as error:
            raise self.cannot_write(error) from None

    def begin(self, note: Note | None) -> None:
        """Forget the bytes there are. note: what those that come are of."""
        try:
            if self.part is not None:
                self.part.begin(note)
        except OSError as error:
            raise self.cannot_write(error) from None
        self.note, self.continued = note, False

    def close(self) -> None:
        """Leave what is there for another time."""
        if self.part is not None:
            self.part.__exit__()

    def prepare(self, offer: Offer, size: int) -> bool:
        """Make ready to write from the beginning; False where there are bytes to go on from after all."""
        self.check_space(size)
        if self.part is None:
            self.open()
            if self.done and self.note is not None and self.note.etag == offer.etag != "":
                return False
        wanted = self._wanted
        self.begin(
            Note(
                id=wanted.id,
                source=wanted.source.text,
                has_query=wanted.source.has_query,
                etag=offer.etag,
                modified=offer.modified,
                sha256=wanted.sha256 or offer.sha256,
                size=size,
            )
        )
        return True

    def already(self, offer: Offer, size: int) -> Got | None:
        """The same model, if it is here. Raises ModelError where another one has its name."""
        expected = self._wanted.sha256 or offer.sha256
        target = self.target
        if target.is_file():
            card = cards.read_card(target) or Card()
            is_same = target.stat().st_size == size
            if is_same and expected:
                is_same = self._inventory.digest(target) == expected
            elif is_same:
                is_same = bool(offer.etag) and (card.etag, card.source) == (offer.etag, self._wanted.source.text)
            if is_same:
                return Got(self.folder, self.name, target, False, card)
        elif expected and (found := self._inventory.with_content(size, expected)):
            return here(found)
        self.check_free_name()
        return None

    def check_space(self, size: int) -> None:
        """Raise ModelError where the rest of a file of that size, and a margin, do not fit on the disk."""
        folder = self.target.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(folder).free
        except OSError as error:
            raise self.cannot_write(error) from None
        missing = size - self.done + self._margin - free
        if missing > 0:
            raise ModelError(
                "no_space",
                f"'{self.name}' has {_mb(size)}; {_mb(free)} are free, {_mb(self._margin)} of it to stay.",
                f"Free {_mb(missing)} on the disk of '{self.folder}'.",
                status=507,
            )

    def check_free_name(self) -> None:
        """Raise ModelError where something lies in the place that is not to be replaced."""
        target = self.target
        if (target.exists() or target.is_symlink()) and (not self._wanted.replace or target.is_dir()):
            raise ModelError(
                "exists",
                f"There is another '{self.folder}/{self.name}' already.",
                "Choose another name for the new one, or ask for the old one to be replaced.",
                status=409,
            )

    def place(self, card: Card) -> Got:
        """Put the file in its place, and its card beside it."""
        self.check_free_name()
        try:
            if self.part is not None:
                self.part.finish()
            cards.write_card(self.target, card)
        except OSError as error:
            raise self.cannot_write(error) from None
        warning = ""
        if self.target.suffix.lower() in headers.PICKLES:
            warning = (
                f"'{self.name}' is a Python pickle, which can hold programs. It is only read as data here; other "
                "programs may run what is in it."
            )
        return Got(self.folder, self.name, self.target, True, card, warning)

    def cannot_write(self, error: OSError) -> ModelError:
        """What an error of the disk means."""
        place = f"{self.folder}/{self.name}"
        if error.errno in FULL:
            hint = "Make room; what is here already is continued then."
            return ModelError("no_space", f"The disk is full: '{place}' cannot be written on.", hint, status=507)
        reason = error.strerror or "the disk fails"
        return ModelError("cannot_write", f"'{place}' cannot be written: {reason}.", status=507)


def here(found: Shelved) -> Got:
    """A model that was here already."""
    card = cards.read_card(found.path) or Card()
    return Got(found.info.folder, found.info.name, found.path, False, card)


def _mb(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
