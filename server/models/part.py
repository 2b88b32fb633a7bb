"""A file that is on its way: `NAME.part` with the bytes there are, `NAME.part.json` with what they are of."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, BinaryIO

from pydantic import Field, ValidationError

from graph.atomic import atomic_write
from graph.spec import Frozen
from server.models.error import ModelError

SUFFIX = ".part"
NOTE_SUFFIX = ".part.json"
LARGEST_NOTE = 64 * 1024


class Note(Frozen):
    """What a part is of. id: of the download. etag and modified: what the server calls this very content. sha256: the
    file is to have, "" unknown. has_query: the source's address had a query, which is not kept: whoever goes on must
    name the source again.
    """

    id: str
    source: str
    has_query: bool = False
    etag: str = ""
    modified: str = ""
    sha256: str = ""
    size: Annotated[int, Field(ge=0)] = 0


class Part:
    """Bytes that go where a model is to lie. One process at a time has it open; use it in a `with`.

    target: the place of the model. done: bytes there are.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(target.name + SUFFIX)
        self.note_path = target.with_name(target.name + NOTE_SUFFIX)
        self.done = 0
        self._digest = hashlib.sha256()
        self._file: BinaryIO | None = None

    def __enter__(self) -> "Part":
        """Open it. Raises ModelError where another process has it open; OSError."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        while self._file is None:
            file = self.path.open("a+b")
            try:
                _lock(file)
            except OSError:
                file.close()
                raise ModelError(
                    "busy", f"'{self.target.name}' is being fetched already.", "Wait for it.", status=409
                ) from None
            if _is_at(file, self.path):
                self._file = file
            else:  # it was moved into its place, or removed, by who had it until now
                file.close()
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def take_up(self) -> Note | None:
        """What the bytes there are belong to; they are read, so that the digest goes on from them. None: begin."""
        note = read_note(self.note_path)
        if note is None:
            self.begin()
            return None
        file = self._open
        file.seek(0)
        self.done, self._digest = 0, hashlib.sha256()
        while piece := file.read(2**22):
            self._digest.update(piece)
            self.done += len(piece)
        return note

    def begin(self, note: Note | None = None) -> None:
        """Forget the bytes there are. note: what those that come are of."""
        self._open.truncate(0)
        self._open.seek(0)
        self.done, self._digest = 0, hashlib.sha256()
        if note is None:
            self.note_path.unlink(missing_ok=True)
        else:
            atomic_write(self.note_path, note.model_dump_json().encode())

    def append(self, data: bytes | bytearray) -> None:
        """Put bytes behind those there are. Raises OSError, as when the disk is full; what was written counts."""
        view = memoryview(data)
        descriptor = self._open.fileno()
        while view:
            written = os.write(descriptor, view)
            self._digest.update(view[:written])
            self.done += written
            view = view[written:]

    @property
    def sha256(self) -> str:
        """The digest of the bytes there are, in hex."""
        return self._digest.hexdigest()

    def finish(self) -> None:
        """Put the file in its place, over what lies there."""
        os.fsync(self._open.fileno())
        if sys.platform == "win32":  # what is open cannot be moved there
            self.__exit__()
        os.replace(self.path, self.target)
        self.note_path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the bytes and the note."""
        self.note_path.unlink(missing_ok=True)
        if sys.platform == "win32":
            self.__exit__()
        self.path.unlink(missing_ok=True)

    @property
    def _open(self) -> BinaryIO:
        if self._file is None:
            raise ValueError("The part is not open.")
        return self._file


def read_note(path: Path) -> Note | None:
    """The note of a part, or None where there is none that can be read."""
    try:
        with path.open("rb") as file:
            return Note.model_validate_json(file.read(LARGEST_NOTE))
    except (OSError, ValidationError):
        return None


def parts_below(folder: Path) -> Iterator[tuple[Path, Note]]:
    """The parts in a folder and those below it: the place of the model each is to be, and its note."""
    for path in sorted(folder.rglob(f"*{NOTE_SUFFIX}")):
        target = path.with_name(path.name.removesuffix(NOTE_SUFFIX))
        note = read_note(path)
        if note is not None and target.with_name(target.name + SUFFIX).is_file():
            yield target, note


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether an open file is still the one of that path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _lock(file: BinaryIO) -> None:
    """Have a file for this process alone until it is closed. Raises OSError where another process has it."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(2**40)  # beyond what is written: a locked byte cannot be read either
        with suppress(ValueError):
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0, os.SEEK_END)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
