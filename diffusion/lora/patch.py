"""LoRA as a value: which file changes a network's weights, and how much. Loads no torch."""

from dataclasses import dataclass
from pathlib import Path

from diffusion.values import WeightFile


@dataclass(frozen=True)
class LoraPatch:
    """One file in `Model.patches` or `TextEncoder.patches`. strength: times its change; below 0: the opposite."""

    file: WeightFile
    strength: float

    @property
    def content(self) -> str:
        """What makes two files the same: the digest, or the path where that is not known."""
        return self.file.digest or self.file.path

    @property
    def path(self) -> Path:
        """Where the file is."""
        return Path(self.file.path)
