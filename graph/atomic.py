"""Files that are whole or not there: written beside their place and moved into it."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def atomic_write(path: Path, data: bytes | bytearray) -> None:
    """Write a file so that nobody ever sees half of it, in the place of one of that name. Makes its folder.

    Ends the reservation of the name, if `OutputFolder` made one. Raises OSError, leaving nothing behind.
    """
    with atomic_file(path) as file:
        file.write(data)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """The same for a file that is written piece by piece: it gets its name at the end of the block.

    Nothing is left behind where the block ends with an error, or is closed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with beside.open("xb") as file:
            yield file
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
    with suppress(OSError):
        reservation_of(path).unlink()


def reservation_of(path: Path) -> Path:
    """The hidden file that says: this name is taken, the file will come."""
    return path.with_name(f".{path.name}.reserved")
