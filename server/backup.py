"""A backup of what a person made: one zip file that, unpacked into an empty folder, is a data folder.

It holds the database (queue, history, published workflows, digests of tokens), the settings, the saved workflows and
drafts, and what ComfyUI's clients keep; on request also the input and output folders. Models, packs, caches and logs
are not in it, nor are private runs: nothing of them is to stay.

To restore: end the server, unpack the file into an empty folder, and start with `--data` and that folder (or unpack it
in place of the old one; then the old `noisewright.db-wal` and `noisewright.db-shm` must go, too).
"""

import os
import sqlite3
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from graph.errors import GraphError
from server.database_file import connected, copied, failure_of
from server.places import Places
from server.schema import VERSION, version_of

UNFINISHED = (".part", ".reserved")
"""Ends of the names of hidden files that are about to become others."""


@dataclass(frozen=True)
class Backup:
    """What was written: the file, how many files are in it, its size in bytes. left_out: files that went meanwhile, or
    could not be read.
    """

    path: Path
    files: int
    bytes: int
    left_out: tuple[str, ...]


def backup(places: Places, target: Path, *, files: bool = False) -> Backup:
    """Write a backup, also while a server runs. files: with the input and output folders.

    The database is copied as it is at one moment. Whoever may read the backup can read the prompts in it, so that only
    its owner may. Raises GraphError, leaving nothing behind, where something of that name is there, there is nothing
    to back up, or it cannot be written.
    """
    if os.path.lexists(target):
        raise GraphError(f"'{target}' is there already. Name a file that is not.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", suffix=".part", dir=target.parent) as made_in:
            draft = Path(made_in, "backup.zip")
            count, left_out = _written(places, draft, Path(made_in), files=files)
            if count == 0:
                raise GraphError(f"There is nothing to back up in '{places.data}'.")
            draft.chmod(0o600)
            _moved(draft, target)
        return Backup(target, count, target.stat().st_size, tuple(left_out))
    except (OSError, zipfile.LargeZipFile) as error:
        raise GraphError(
            f"The backup '{target}' cannot be written: {getattr(error, 'strerror', None) or error}."
        ) from error


def _written(places: Places, draft: Path, beside: Path, *, files: bool) -> tuple[int, list[str]]:
    """Write the archive; how many files are in it, and those that are not."""
    count, left_out = 0, []
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        if places.database.exists():
            archive.write(_database(places.database, beside), places.database.name)
            count += 1
        for path, name in _members(places, files=files):
            if path.is_relative_to(beside):
                continue
            try:
                archive.write(path, name, _compression(path))
                count += 1
            except OSError as error:
                if error.filename != str(path):
                    raise  # it is the backup that cannot be written
                left_out.append(str(path))
    return count, left_out


def _database(path: Path, folder: Path) -> Path:
    copy = folder / path.name
    try:
        with closing(connected(path)) as source:
            source.execute("PRAGMA query_only = ON")
            copied(source, copy)
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            if 1 <= version_of(connection) <= VERSION:
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("DELETE FROM hooks WHERE run IN (SELECT id FROM runs WHERE private)")
                connection.execute("DELETE FROM runs WHERE private")
            connection.execute("VACUUM")  # without what was deleted at any time
    except sqlite3.Error as error:
        failure = failure_of(error, path)
        raise GraphError(f"The database cannot be backed up. {failure}") from error
    return copy


def _members(places: Places, *, files: bool) -> Iterator[tuple[Path, str]]:
    """The files to be in it, and the names they have there."""
    if places.settings.is_file():
        yield places.settings, places.settings.name
    folders = {"workflows": places.workflows, "drafts": places.drafts, "user": places.user}
    if files:
        folders |= {"input": places.input, "output": places.output}
    for name, folder in folders.items():
        for place, _, names in os.walk(folder):
            for file in sorted(names):
                path = Path(place, file)
                if not (file.startswith(".") and file.endswith(UNFINISHED)) and _is_plain(path):
                    yield path, f"{name}/{path.relative_to(folder).as_posix()}"


def _is_plain(path: Path) -> bool:
    """Whether it is a file of its own: links may lead anywhere, and others have no end."""
    with suppress(OSError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def _compression(path: Path) -> int:
    is_packed = path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".avif", ".mp4", ".webm", ".zip", ".gz")
    return zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED


def _moved(draft: Path, target: Path) -> None:
    """Put the file in its place, unless something came there meanwhile."""
    try:
        os.link(draft, target)
    except FileExistsError:
        raise GraphError(f"'{target}' is there already. Name a file that is not.") from None
    except OSError:  # a file system without hard links
        os.replace(draft, target)
