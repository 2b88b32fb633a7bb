"""Folders that workflows take files from: models in several places and layouts, and input pictures."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from graph.atomic import atomic_file, atomic_write
from graph.digests import Digests
from graph.errors import FileMissing
from graph.files import INPUT, File
from graph.layouts import LAYOUTS, extra_paths_of, folders_below, read_extra_paths
from graph.output_folder import OutputFolder
from graph.text import listing, nearest

__all__ = ["Folders", "Found", "OutputFolder", "atomic_file", "atomic_write"]

EMBEDDINGS = "embeddings"
MODEL_INDEX = "model_index.json"
"""A folder with this file is one model, in the layout of diffusers."""

HALVES: Mapping[str, str] = MappingProxyType({"vae": "vae_approx"})
"""Kinds of files that may come in two halves, and the folder where those are: they are offered as one file."""
FIRST, SECOND, ENDINGS = "_encoder", "_decoder", (".safetensors", ".pth", ".pt")
"""How the names of halves end, behind the name of the whole."""

SKIPPED = (".part", ".part.json", ".noisewright.json", ".reserved", ".tmp", ".crdownload", ".aria2")
"""Endings of files that are still being written, and of what is no file for people."""


@dataclass(frozen=True)
class Found:
    """A file, before it is read. name: its path inside its folder, with `/`; it may differ from what was asked. other:
    its first half, where path is the second.
    """

    name: str
    path: Path
    other: Path | None = None


class Folders:
    """The service `files`. Looks in all places of a kind, in order; the first that has a file wins.

    models: folders in the layout of ComfyUI, A1111 or Forge, or with files of any kind and no sub-folders known to us;
    or an `extra_model_paths.yaml`, read once a process, which may also lie in such a folder. input: folders of pictures
    to load. places: more folders by kind, looked at first ("output", "temp"). Links are followed; a name never leads
    out of the folders. Raises GraphError where a file of model paths cannot be read.
    """

    def __init__(
        self,
        models: Sequence[Path] = (),
        input: Sequence[Path] = (),  # noqa: A002 — the name of the folder
        *,
        digests: Digests | None = None,
        places: Mapping[str, Sequence[Path]] = MappingProxyType({}),
    ) -> None:
        self._models = tuple(models)
        self._extra = {root: _extra_paths(file) for root in self._models if (file := extra_paths_of(root))}
        self._input = tuple(input)
        self._places = dict(places)
        self._digests = digests or Digests()
        self._listings: dict[Path, _Listing] = {}

    def find(self, folder: str, name: str) -> File:
        """The file of that name in a kind of folder, with the digest of its content.

        By exact relative name first, then by its base name if there is one such file alone; then `File.name` is not
        what was asked. Prompts name embeddings without ending. `\\` counts as `/`. "x.png [output]" names a file of
        another folder. Raises FileMissing with a sentence.
        """
        found = self.locate(folder, name)
        way = "full" if folder == INPUT else "sampled"
        try:
            digests = [self._digests.of(path, way) for path in (found.path, found.other) if path is not None]
            return File(found.name, found.path, "+".join(digests))
        except OSError as error:
            message = f"'{found.path}' cannot be read: {error.strerror or error}."
            raise FileMissing(message, folder=folder, name=name) from error

    def locate(self, folder: str, name: str) -> Found:
        """What `find` finds, without reading the file."""
        asked = name.replace("\\", "/")
        if folder == INPUT and asked.endswith("]") and " [" in asked:
            asked, _, mark = asked.removesuffix("]").rpartition(" [")
            folder = mark if mark in self._places else folder
        relative = PurePosixPath(asked)
        parts = relative.parts
        if not parts or ".." in parts or "\0" in asked or relative.is_absolute() or Path(asked).is_absolute():
            raise FileMissing(
                f"'{name}' is not the name of a file in the folder '{folder}'. Use a path inside that folder.",
                folder=folder,
                name=name,
            )
        places = self.places(folder)
        for place in places:
            path = place.joinpath(*parts)
            if path.is_file() or (path / MODEL_INDEX).is_file():
                return Found(relative.as_posix(), path)
        known = list(self._all(places))
        same = [found for found in known if PurePosixPath(found.name).name == relative.name]
        if not same and folder == EMBEDDINGS:
            same = [found for found in known if PurePosixPath(found.name).stem == relative.name]
        if not same:
            same = [found for found in self._halves(folder) if found.name == relative.name]
        if len(same) == 1:
            return same[0]
        raise FileMissing(self._missing(folder, name, places, same), folder=folder, name=name)

    def choices(self, folder: str) -> tuple[str, ...]:
        """The names of all files of a kind, sorted, letter case aside."""
        names = {found.name for found in (*self._all(self.places(folder)), *self._halves(folder))}
        return tuple(sorted(names, key=lambda name: (name.casefold(), name)))

    def places(self, folder: str) -> tuple[Path, ...]:
        """The folders that are searched for a kind of file, in order; those that exist."""
        places = [Path(place) for place in self._places.get(folder, ())]
        if folder == INPUT:
            places += self._input
        else:
            for root in self._models:
                below = folders_below(root, folder)
                places += below if _is_laid_out(root) or _existing(below) else [root]
                places += self._extra.get(root, {}).get(folder, ())
        return _existing(places)

    def _all(self, places: Iterable[Path]) -> Iterator[Found]:
        """Every file of these folders; of two with one name, the one that wins."""
        seen: set[str] = set()
        for place in places:
            files = self._listings.get(place)
            if files is None or not files.is_current():
                files = self._listings[place] = _Listing.of(place, deep=place not in self._models)
            for name in files.names:
                if name not in seen:
                    seen.add(name)
                    yield Found(name, place.joinpath(*PurePosixPath(name).parts))

    def _halves(self, folder: str) -> Iterator[Found]:
        """Files that lie elsewhere in two halves, the second one with the first one as `other`."""
        files = {found.name: found.path for found in self._all(self.places(HALVES[folder]))} if folder in HALVES else {}
        seen: set[str] = set()
        for name, path in files.items():
            begin, second, ending = name.rpartition(SECOND)
            first = files.get(f"{begin}{FIRST}{ending}")
            if second and ending in ENDINGS and first is not None and begin not in seen:
                seen.add(begin)
                yield Found(begin, path, first)

    def _elsewhere(self, folder: str, name: str) -> str:
        """Another kind of models among which a file of that name is; "": none."""
        last = PurePosixPath(name.replace("\\", "/")).name
        for kind in LAYOUTS if folder != INPUT else ():
            if any(PurePosixPath(found.name).name == last for found in self._all(self.places(kind))):
                return kind
        return ""

    def _missing(self, folder: str, name: str, places: Sequence[Path], same: Sequence[Found]) -> str:
        if same:
            names = listing(found.name for found in same)
            return f"There are several files for '{name}' in the folder '{folder}': {names}. Name one of them."
        if other := self._elsewhere(folder, name):
            return (
                f"There is no file '{name}' in the folder '{folder}', but there is one in '{other}': load it with a "
                "node that takes its files from there, or move it."
            )
        if not places:
            searched = [*self._places.get(folder, ()), *(self._input if folder == INPUT else self._models)]
            where = "There is no such folder" + (f" in {listing(map(str, searched))}" if searched else "")
            return f"There is no file '{name}' in the folder '{folder}'. {where}."
        close = nearest(name, self.choices(folder))
        hint = f" Did you mean '{close}'?" if close else ""
        return f"There is no file '{name}' in the folder '{folder}'.{hint} Searched: {listing(map(str, places))}."


@dataclass(frozen=True)
class _Listing:
    """The files below a folder, and by what to see that they have changed. stamps: of the folder and those below it."""

    names: tuple[str, ...]
    stamps: Mapping[str, int]

    @classmethod
    def of(cls, place: Path, *, deep: bool) -> "_Listing":
        names: list[str] = []
        stamps: dict[str, int] = {}
        entered: set[tuple[int, int]] = set()
        for folder, below, files in os.walk(place, followlinks=True):
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in entered:  # a link that leads back
                below.clear()
                continue
            entered.add((status.st_dev, status.st_ino))
            stamps[folder] = status.st_mtime_ns
            inside = PurePosixPath(Path(folder).relative_to(place).as_posix())
            if MODEL_INDEX in files:
                names.append(inside.as_posix())
                below.clear()
                continue
            if not deep:
                below.clear()
            below[:] = sorted(name for name in below if not name.startswith("."))
            names += [(inside / name).as_posix() for name in sorted(files) if _is_offered(name)]
        return cls(tuple(names), stamps)

    def is_current(self) -> bool:
        """Whether no folder has changed since."""
        try:
            return all(os.stat(folder).st_mtime_ns == stamp for folder, stamp in self.stamps.items())
        except OSError:
            return False


@cache
def _extra_paths(file: Path) -> Mapping[str, tuple[Path, ...]]:
    """What a file of model paths says. Read once: all who look for models in one process look in the same places."""
    return MappingProxyType(read_extra_paths(file))


def _is_offered(name: str) -> bool:
    return not name.startswith(".") and not name.endswith(SKIPPED) and not name.startswith("put_")


def _is_laid_out(root: Path) -> bool:
    """Whether a folder of models has sub-folders that we know; else its files may be of any kind."""
    return any(place.is_dir() for kind in LAYOUTS for place in folders_below(root, kind))


def _existing(places: Iterable[Path]) -> tuple[Path, ...]:
    """Those that exist, each once: where letter case does not count, `vae` and `VAE` are one."""
    found: dict[tuple[int, int], Path] = {}
    for place in places:
        if place.is_dir():
            status = place.stat()
            found.setdefault((status.st_dev, status.st_ino), place)
    return tuple(found.values())
