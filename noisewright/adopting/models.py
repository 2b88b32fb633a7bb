"""The models of another program: what each file is, and whether it can be used here now. Reads headers alone."""

import zipfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

from diffusion.checkpoint import read_checkpoint
from diffusion.families import Part, families, looks_like
from diffusion.header import Header, WeightFileError, read_header
from diffusion.names import WEIGHT_SUFFIXES
from graph.layouts import INSIDE, LAYOUTS, folders_below
from noisewright.adopting.families import family_of
from noisewright.adopting.installation import NO_MODELS, is_laid_out
from noisewright.adopting.walking import Seen, is_folder, walk

State = Literal["runs", "not yet", "unopened", "damaged"]
"""What can be done with a model now: it can be used; it is whole, but nothing here uses it yet; it is a pickle, which
is not opened here; it is cut short or is no model at all.
"""

SUFFIXES = (*WEIGHT_SUFFIXES, ".gguf")

PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How files of torch's own kind begin: as a zip archive, or as a bare pickle."""

RECOGNISED = ("checkpoints", "vae")
"""Kinds of files that families recognise."""

READERS = 8
"""Threads that read headers: on a spinning disk or a network the reading takes longest."""

KINDS: tuple[tuple[str, str], ...] = (
    ("LoRA", "loras"),
    ("ControlNet", "controlnet"),
    ("autoencoder", "vae"),
    ("embedding", "embeddings"),
    ("upscaling", "upscale_models"),
    ("vision", "clip_vision"),
    ("text encoder", "text_encoders"),
    ("checkpoint", "checkpoints"),
    ("refiner", "checkpoints"),
    ("U-Net", "diffusion_models"),
    ("model", "diffusion_models"),
)
"""A word in what a file looks like → the kind of file it is, for folders that do not say."""


@dataclass(frozen=True)
class ModelFile:
    """A model. kind: the folder it lies in, as workflows mean it; "" where neither folder nor content tells.

    name: as workflows name it. family: its title; "" where nothing tells. reason: why it is not to be used now; "".
    """

    kind: str
    name: str
    path: Path
    bytes: int
    family: str
    state: State
    reason: str = ""


class Inventory:
    """The models of an installation, and on demand those of any other file. loaded: the kinds that node types load."""

    def __init__(self, files: Iterable[ModelFile], loaded: Collection[str]) -> None:
        self.files = tuple(files)
        self._loaded = loaded
        self._by_path = {file.path: file for file in self.files}
        self._by_name: dict[str, list[ModelFile]] = defaultdict(list)
        for file in self.files:
            self._by_name[PurePosixPath(file.name).name.lower()].append(file)

    def at(self, path: Path, kind: str) -> ModelFile:
        """What the file at a path is."""
        found = self._by_path.get(path)
        if found is None:
            found = self._by_path[path] = describe((kind, Seen(path.name, path, 0, 0.0)), self._loaded)
        return found

    def named(self, name: str) -> list[ModelFile]:
        """The files of that name in any folder, of any kind."""
        return self._by_name.get(PurePosixPath(name.replace("\\", "/")).name.lower(), [])


def take_stock(
    roots: Iterable[Path], loaded: Collection[str], problems: list[str], progress: Callable[[int, int], object]
) -> Inventory:
    """All models below some folders. loaded: the kinds of files that node types load. progress: how many of how many.

    What cannot be read becomes a sentence in `problems`.
    """
    seen: dict[Path, tuple[str, Seen]] = {}
    for root in roots:
        for kind, file in _files(root, problems):
            seen.setdefault(file.path, (kind, file))
    found: list[ModelFile] = []
    with ThreadPoolExecutor(READERS, thread_name_prefix="headers") as readers:
        for file in readers.map(partial(describe, loaded=loaded), seen.values()):
            found.append(file)
            progress(len(found), len(seen))
    return Inventory(found, loaded)


def describe(item: tuple[str, Seen], loaded: Collection[str]) -> ModelFile:
    """What one file is. item: the kind that its folder says, "" for none, and the file."""
    kind, file = item

    def found(family: str, state: State, reason: str = "", kind: str = kind) -> ModelFile:
        return ModelFile(kind, file.name, file.path, file.bytes, family, state, reason)

    try:
        if file.path.is_dir():
            return found(*_folder(file.path))
        with file.path.open("rb") as opened:
            start = opened.read(4)
        if start.startswith(PICKLES):
            return found(*_pickle(file.path, start))
        if start == b"GGUF":
            return found("", "not yet", "it is a GGUF file, which this version does not read")
        header = read_header(file.path)
        if kind in ("", *RECOGNISED):
            title, refused = _recognised(header, kind)
            if title:
                return found(title, "not yet" if refused else "runs", refused, kind or RECOGNISED[0])
        kind = kind or _kind_of(header)
        return found(*_other(header, kind, loaded), kind)
    except WeightFileError as error:
        return found("", "damaged", _clause(error, file.path))
    except OSError as error:
        return found("", "damaged", f"it cannot be read: {error.strerror or error}")


def _files(root: Path, problems: list[str]) -> Iterator[tuple[str, Seen]]:
    """The files below a folder of models, each with its kind."""
    if not is_laid_out(root):
        yield from (("", file) for file in walk(root, SUFFIXES, problems, whole_models=True))
        return
    for kind in (*LAYOUTS, *_other_kinds(root)):
        for place in folders_below(root, kind):
            if is_folder(place) and (kind in LAYOUTS or place.parent != root or root.name == "models"):
                yield from ((kind, file) for file in walk(place, SUFFIXES, problems, whole_models=True))


def _other_kinds(root: Path) -> list[str]:
    """The names of folders of models of which we know nothing, such as those that packs look into."""
    known = {name for names in LAYOUTS.values() for name in names} | NO_MODELS
    places = [root / inside for inside in INSIDE if inside or root.name == "models"]
    names = {item.name for place in places if is_folder(place) for item in place.iterdir() if is_folder(item)}
    return sorted(name for name in names - known if not name.startswith("."))


def _recognised(header: Header, kind: str) -> tuple[str, str]:
    """The title of the family that knows a file, and why it cannot be used all the same. "" where none knows it."""
    for family in families().values():
        try:
            if (family.vae if kind == "vae" else family.recognise)(header) is not None:
                return (_vae_title(header) if kind == "vae" else family.title), ""
        except WeightFileError as error:
            title = family_of(header) or (_vae_title(header) if kind == "vae" else family.title)
            return title, _clause(error, header.path)
    return "", ""


def _vae_title(header: Header) -> str:
    """What an autoencoder is for, by its latent channels; "" where the file has none."""
    for prefix in ("", "first_stage_model."):
        info = header.tensors.get(f"{prefix}decoder.conv_in.weight")
        if info is not None and len(info.shape) == 4:
            return {4: "Stable Diffusion 1, 2 or XL", 16: "Flux or Stable Diffusion 3"}.get(info.shape[1], "")
    return ""


def _other(header: Header, kind: str, loaded: Collection[str]) -> tuple[str, State, str]:
    """A file that is no checkpoint of a family that is here."""
    family = family_of(header)
    if not kind or kind in RECOGNISED:
        return family, "not yet", f"it looks like {looks_like(header)}"
    if kind not in loaded:
        return family, "not yet", f"no node type here loads files of '{kind}' yet"
    if family and family not in {known.title for known in families().values()}:
        return family, "not yet", f"models of the family {family} do not run here yet"
    return family, "runs", ""


def _kind_of(header: Header) -> str:
    what = looks_like(header)
    return next((kind for word, kind in KINDS if word in what), "")


def _pickle(path: Path, start: bytes) -> tuple[str, State, str]:
    """A file of torch's own kind. A zip archive has its index at its end, so one that was cut short has none."""
    if start == b"PK\x03\x04" and not zipfile.is_zipfile(path):
        return "", "damaged", "it was cut off: it is a torch file without its end"
    return "", "unopened", "it is a pickle; opening one is left to the run, which reads weights alone from it"


def _folder(path: Path) -> tuple[str, State, str]:
    """A model in diffusers' layout. Weights in torch's own format are not opened."""
    if any(is_folder(path / part) and not any((path / part).glob("*.safetensors")) for part in get_args(Part)):
        return "", "unopened", "some of its weights are pickles"
    try:
        parts: Any = read_checkpoint(path, f"adopted:{path.stat().st_mtime_ns}")
    except WeightFileError as error:
        return "", "not yet", _clause(error, path)
    return families()[parts.model.family].title, "runs", ""


def _clause(error: Exception, path: Path) -> str:
    """A sentence about a file as a clause about it: "'x' was cut off: …" → "it was cut off: …"."""
    text, name = str(error).removesuffix("."), f"'{path.name}'"
    return f"it{text.removeprefix(name)}" if text.startswith(name) else text
