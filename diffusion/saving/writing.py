"""Safetensors files written one tensor after the other: the header first, since all sizes are known beforehand.

Format: https://github.com/huggingface/safetensors#format.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage
from types import MappingProxyType
from typing import BinaryIO

import torch
from torch import Tensor

from diffusion.tensors import DTYPES

NAMES: Mapping[torch.dtype, str] = MappingProxyType({dtype: name for name, dtype in DTYPES.items()})

ALIGNMENT = 8
"""The length of a header is a multiple of this, so that tensors can be used where they lie."""

SPARE = 64 * 2**20
"""Bytes that are to be free on a disk after a file was written."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A tensor of a file that is to be written. read: gives it, on the host, in this type and of this shape."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    read: Callable[[], Tensor]

    @property
    def nbytes(self) -> int:
        """Bytes in the file."""
        return math.prod(self.shape) * self.dtype.itemsize


def write(file: BinaryIO, entries: Sequence[Entry], metadata: Mapping[str, str]) -> Iterator[int]:
    """Write a file; gives how many bytes of tensors are written, after each of them. Closing it ends there.

    Raises ValueError where two tensors have one name, or one is not what was announced; OSError as writing does.
    """
    # The widest elements first, so that every tensor begins at a multiple of its elements' size.
    ordered = sorted(entries, key=lambda entry: (-entry.dtype.itemsize, entry.name))
    file.write(_header(ordered, metadata))
    done = 0
    for entry in ordered:
        tensor = entry.read().contiguous()
        if tensor.dtype != entry.dtype or tuple(tensor.shape) != entry.shape:
            raise ValueError(
                f"'{entry.name}' was to be {entry.dtype} {list(entry.shape)}, but is {tensor.dtype} "
                f"{list(tensor.shape)}."
            )
        file.write(tensor.flatten().view(torch.uint8).numpy().data)
        done += entry.nbytes
        yield done


def require_room(folder: Path, entries: Sequence[Entry]) -> None:
    """Raise OSError, with both sizes, where these tensors have no place on the disk of a folder."""
    needed, free = sum(entry.nbytes for entry in entries), disk_usage(folder).free
    if needed + SPARE > free:
        raise OSError(
            f"What is to be saved takes {needed / 1e9:.2f} GB, and {free / 1e9:.2f} GB are free on the disk of "
            f"'{folder}'. Make room there, or choose another output folder."
        )


def _header(entries: Sequence[Entry], metadata: Mapping[str, str]) -> bytes:
    described: dict[str, object] = {"__metadata__": dict(metadata)}
    end = 0
    for entry in entries:
        if entry.name in described:
            raise ValueError(f"Two tensors are called '{entry.name}'.")
        begin, end = end, end + entry.nbytes
        described[entry.name] = {
            "dtype": NAMES[entry.dtype],
            "shape": list(entry.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(described, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text
