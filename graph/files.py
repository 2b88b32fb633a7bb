"""Files that workflows name: a file found, and the annotation that makes an input a choice of files."""

from dataclasses import dataclass
from pathlib import Path

INPUT = "input"
"""The folder of what people load: pictures, not models."""


@dataclass(frozen=True)
class File:
    """A file an input names. name: as the workflow has it, relative to its folder, with `/`. digest: of its content."""

    name: str
    path: Path
    digest: str


@dataclass(frozen=True)
class InFolder:
    """Declares an input that names a file in a folder: `Annotated[File, InFolder("checkpoints")]`.

    suffixes: endings that are offered; empty: every file.
    """

    folder: str
    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SavedFiles:
    """What an output node returns: the files it wrote, in order. kind: "output" or "temp" (previews)."""

    paths: tuple[Path, ...]
    kind: str = "output"
