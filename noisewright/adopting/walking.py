"""Files below a folder of another program, looked at and never touched."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from graph.folders import MODEL_INDEX


@dataclass(frozen=True)
class Seen:
    """A file, or a model in diffusers' layout, which is a folder. name: its path below the folder that was walked, with
    `/`. modified: seconds since 1970.
    """

    name: str
    path: Path
    bytes: int
    modified: float


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; one that cannot be looked at counts as none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def walk(folder: Path, suffixes: Collection[str], problems: list[str], *, whole_models: bool = False) -> Iterator[Seen]:
    """The files with one of these endings, in order; hidden ones are passed over.

    Links are followed, but no folder is entered twice. What cannot be read becomes a sentence in `problems`.
    whole_models: a folder with `model_index.json` is one model.
    """
    entered: set[tuple[int, int]] = set()

    def report(error: OSError) -> None:
        problems.append(f"'{error.filename}' cannot be read: {error.strerror or error}.")

    for place, below, files in os.walk(folder, followlinks=True, onerror=report):
        try:
            status = os.stat(place)
        except OSError as error:  # it went away meanwhile
            report(error)
            below.clear()
            continue
        if (status.st_dev, status.st_ino) in entered:
            below.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        below[:] = sorted(name for name in below if not name.startswith((".", "__pycache__")))
        inside = Path(place)
        if whole_models and MODEL_INDEX in files:
            below.clear()
            size = sum(item.bytes for item in walk(inside, ("",), problems))
            yield Seen(inside.relative_to(folder).as_posix(), inside, size, status.st_mtime)
            continue
        for name in sorted(files):
            if name.startswith(".") or not name.lower().endswith(tuple(suffixes)):
                continue
            path = inside / name
            try:
                facts = path.stat()
            except OSError as error:  # a link that leads nowhere
                problems.append(f"'{path}' cannot be read: {error.strerror or error}.")
                continue
            yield Seen(path.relative_to(folder).as_posix(), path, facts.st_size, facts.st_mtime)
