"""Where nodes save files: names that count up, never clash, and never leave the folder."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from graph.atomic import reservation_of
from graph.errors import GraphError

STALE_SECONDS = 24 * 3600
"""A reservation this old is one that a process left behind when it was ended."""

COUNTED = re.compile(r"(.*)_(\d+)_(.*)", re.DOTALL)
"""Names that `paths` makes: prefix, counter, suffix."""


DATED = re.compile(r"%date:([^%]*)%")
WORDS = re.compile(r"yyyy|yy|MM?|dd?|hh?|mm?|ss?")
"""A date in a prefix, and what stands for its parts, as ComfyUI's editor has them."""


class OutputFolder:
    """The service `output`. path: where results go; temp: where previews go. clock: tells the time for names.

    Names are free of races: a name is reserved by creating a hidden file exclusively, so that several threads and
    processes can save into one folder. `atomic_write` ends the reservation; what was reserved in a `lease` and not
    written is given back at its end.
    """

    def __init__(self, path: Path, temp: Path | None = None, *, clock: Callable[[], datetime] = datetime.now) -> None:
        self.path = Path(os.path.abspath(path))
        self.temp = Path(os.path.abspath(temp)) if temp is not None else self.path / "temp"
        self._clock = clock
        self._reserved: list[Path] | None = None

    @property
    def cache_key(self) -> str:
        """What distinguishes this folder: a file saved in another one does not stand for one saved here."""
        return str(self.path)

    def prepare(self) -> None:
        """Make the folder. Raises GraphError if nothing can be written there."""
        self._make(self.path)
        probe = self.path / f".{os.getpid()}.{time.monotonic_ns()}.probe"
        try:
            probe.touch(exist_ok=False)
            probe.unlink()
        except OSError as error:
            raise self._cannot_write(self.path, error) from error

    @contextmanager
    def lease(self) -> Iterator[Self]:
        """This folder for one node: names reserved in the block and not written by its end are free again."""
        lent = type(self)(self.path, self.temp, clock=self._clock)
        lent._reserved = []
        try:
            yield lent
        finally:
            for marker in lent._reserved:
                with suppress(OSError):
                    marker.unlink()

    def paths(
        self,
        prefix: str,
        count: int,
        suffix: str,
        *,
        kind: Literal["output", "temp"] = "output",
        width: int = 0,
        height: int = 0,
    ) -> tuple[Path, ...]:
        """Reserve `count` free names `{prefix}_{counter:05}_{suffix}`; write them with `atomic_write`.

        prefix: may hold sub-folders and %width%, %height%, %year%, %month%, %day%, %hour%, %minute%, %second%,
            %date:yyyy-MM-dd hh_mm_ss% and
        %batch_num%. The counter goes on from the largest there is for that prefix. width, height: of the picture.
        Raises GraphError for a prefix that leaves the folder, and where the folder cannot be written.
        """
        root = self.path if kind == "output" else self.temp
        filled = self._filled(prefix, width, height)
        places = [_place(root, filled.replace("%batch_num%", str(index)), prefix) for index in range(count)]
        for folder in {folder for folder, _ in places}:
            self._make(folder)
        try:
            counter = 1 + max((_largest_counter(*place) for place in set(places)), default=0)
            taken = []
            for folder, stem in places:
                path, counter = self._reserve(folder, stem, suffix, counter)
                taken.append(path)
        except OSError as error:
            raise self._cannot_write(places[0][0], error) from error
        return tuple(taken)

    def reclaim(self, path: Path) -> Path:
        """Reserve the name of a file that was written here before and is gone; where something has taken its place,
        the next free one. Write it with `atomic_write`.

        Raises GraphError where the path is not in this folder, and where the folder cannot be written.
        """
        if not any(path.is_relative_to(root) and ".." not in path.parts for root in (self.path, self.temp)):
            raise GraphError(f"'{path}' is not in the output folder '{self.path}', and is not written anew there.")
        self._make(path.parent)
        match = COUNTED.fullmatch(path.name)
        stem, counter, suffix = (match[1], int(match[2]), match[3]) if match else (path.stem, 1, path.suffix)
        try:
            if self._reserve_path(path):
                return path
            counter = max(counter, _largest_counter(path.parent, stem)) + 1 if match else counter
            return self._reserve(path.parent, stem, suffix, counter)[0]
        except OSError as error:
            raise self._cannot_write(path.parent, error) from error

    def _reserve(self, folder: Path, stem: str, suffix: str, counter: int) -> tuple[Path, int]:
        """The first free name from `counter` on, reserved, and the counter after it."""
        while True:
            path = folder / f"{stem}_{counter:05}_{suffix}"
            counter += 1
            if self._reserve_path(path):
                return path, counter

    def _reserve_path(self, path: Path) -> bool:
        """Reserve a name, if it is free."""
        marker = reservation_of(path)
        try:
            marker.touch(exist_ok=False)
        except FileExistsError:
            return False
        if path.exists():  # written by another process after we looked for the largest counter
            marker.unlink(missing_ok=True)
            return False
        if self._reserved is not None:
            self._reserved.append(marker)
        return True

    def _filled(self, prefix: str, width: int, height: int) -> str:
        return filled(prefix, width, height, self._clock())

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._cannot_write(folder, error) from error

    def _cannot_write(self, folder: Path, error: OSError) -> GraphError:
        return GraphError(
            f"Nothing can be written to the folder '{folder}': {error.strerror or error}. "
            "Choose another output folder, or allow this one to be written."
        )


def filled(prefix: str, width: int, height: int, now: datetime) -> str:
    """A prefix with its `%width%`, `%year%`, `%date:yyyy-MM-dd%` … filled in: one letter as short as can be, two with a
    leading zero. What no file name may hold becomes `_`.
    """
    parts = {"width": width, "height": height, "year": now.year}
    parts |= {name: f"{getattr(now, name):02}" for name in ("month", "day", "hour", "minute", "second")}
    for name, value in parts.items():
        prefix = prefix.replace(f"%{name}%", str(value))
    letters = {"M": now.month, "d": now.day, "h": now.hour, "m": now.minute, "s": now.second}

    def word(found: re.Match[str]) -> str:
        text = found[0]
        if text[0] == "y":
            return str(now.year)[-len(text) :]
        return f"{letters[text[0]]:0{len(text)}}"

    return DATED.sub(lambda found: re.sub(r'[/?<>\\:*|"]', "_", WORDS.sub(word, found[1])), prefix)


def _place(root: Path, name: str, prefix: str) -> tuple[Path, str]:
    """The folder and the stem of a name below `root`. Raises GraphError where it would leave `root`."""
    name = name.replace("\\", "/")
    if os.name == "nt":
        name = re.sub(r'[<>:"|?*]', "_", name)
    folder, _, stem = name.rpartition("/")
    path = Path(os.path.normpath(root / folder))
    if "\0" in name or Path(name).is_absolute() or stem in (".", "..") or not path.is_relative_to(root):
        raise GraphError(
            f"The file name prefix {prefix!r} leads out of the output folder '{root}'. "
            "Use a name, or sub-folders of that folder such as 'portraits/anna'."
        )
    return path, stem


def _largest_counter(folder: Path, stem: str) -> int:
    """The largest counter among the files of that prefix, those reserved included. Drops reservations left behind."""
    pattern = re.compile(rf"\.?{re.escape(stem)}_(\d+)_", re.IGNORECASE)
    largest, now = 0, time.time()
    with os.scandir(folder) as entries:
        for entry in entries:
            match = pattern.match(entry.name)
            if match is None:
                continue
            if entry.name.startswith(".") and entry.name.endswith(".reserved"):
                with suppress(OSError):
                    if now - entry.stat().st_mtime > STALE_SECONDS:
                        os.unlink(entry.path)
                        continue
            largest = max(largest, int(match[1]))
    return largest
