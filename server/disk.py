"""What can go wrong with the disk, as refusals; and files written so that a power cut leaves the old or the new one."""

import errno
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from server.api import Refusal

FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
CLOSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
UNFIT = frozenset(
    {errno.ENAMETOOLONG, errno.EINVAL, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EILSEQ, errno.EEXIST}
)

STALE_SECONDS = 24 * 3600
"""A half-written file this old was left by a process that was ended."""


@contextmanager
def disk_errors(name: str) -> Iterator[None]:
    """Turn what the file system raises into a Refusal that names the file as the request does, never its place.

    507 `no_space`, 503 `not_permitted` (also a disk that is read-only), 404 `no_file`, 400 `bad_name` (a name this disk
    cannot hold), 503 `disk_failed` (anything else).
    """
    try:
        yield
    except ConnectionError:  # not the disk: who sent the file went away
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        if error.errno in FULL:
            hint = "Make room on the disk of the data folder, then do it again."
            raise Refusal(507, "no_space", f"There is no room on the disk for '{name}'.", hint) from error
        if error.errno in CLOSED:
            hint = "Allow the files of the data folder to be read and written."
            raise Refusal(503, "not_permitted", f"The system does not give '{name}': {reason}.", hint) from error
        if error.errno == errno.ENOENT:
            raise Refusal(404, "no_file", f"There is no file '{name}' any more.") from error
        if error.errno in UNFIT:
            raise Refusal(
                400, "bad_name", f"The disk takes no file '{name}': {reason}.", "Use another name."
            ) from error
        raise Refusal(503, "disk_failed", f"The disk failed with '{name}': {reason}.") from error


def beside(path: Path) -> Path:
    """A new hidden name in the same folder, for what is not whole yet. Listings leave it out."""
    return path.with_name(f".{uuid.uuid4().hex}.part")


def write_durably(path: Path, data: bytes) -> None:
    """Write a file in the place of one of that name: after a kill or a power cut the old or the new is there, whole.

    Its folder exists. Raises OSError, leaving nothing behind.
    """
    part = beside(path)
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def sweep(folders: Iterable[Path], now: float | None = None) -> int:
    """Remove what processes that were ended left half-written, if it is a day old. Gives how many files those were."""
    oldest = (time.time() if now is None else now) - STALE_SECONDS
    removed = 0
    for folder in folders:
        for path in folder.rglob(".*.part"):
            with suppress(OSError):
                if path.lstat().st_mtime < oldest:
                    path.unlink()
                    removed += 1
    return removed
