"""What a file of weights says about itself at its beginning, read without loading anything.

A safetensors file begins with the length of its header (8 bytes, little-endian) and the header, a JSON object:
name → {"dtype", "shape", "data_offsets"}, and free texts in "__metadata__" (github.com/huggingface/safetensors,
"Format"). The tensors follow without gaps, so the header tells how long the file is.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server.models.error import ModelError

LARGEST = 100_000_000
"""Bytes a header may have, as in the format's own reader."""

SAFETENSORS = (".safetensors", ".sft")
PICKLES = (".ckpt", ".pt", ".pth", ".bin")
"""Endings of torch's own files. They can hold programs; they are only ever read with `weights_only`."""

TORCH = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How torch's own files begin: a zip archive, or a pickle."""


@dataclass(frozen=True)
class Header:
    """A safetensors header. shapes: of all tensors, by name. size: of the whole file, in bytes."""

    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str]
    size: int


def wanted_bytes(start: bytes) -> int:
    """How many bytes of a safetensors file hold the header, by its first nine. Raises ModelError where it is none."""
    length = int.from_bytes(start[:8], "little")
    if len(start) < 9 or start[8:9] != b"{" or not 2 <= length <= LARGEST:
        raise ModelError("not_a_model", f"It is no safetensors file: {looks_like(start)}.")
    return 8 + length


def parse_header(data: bytes) -> Header:
    """Read a header, the 8 bytes before it included. Raises ModelError where it is damaged."""
    try:
        content = json.loads(data[8:])
        metadata = content.pop("__metadata__", {})
        shapes = {name: tuple(map(int, item["shape"])) for name, item in content.items()}
        end = max((int(item["data_offsets"][1]) for item in content.values()), default=0)
        metadata = {str(key): str(value) for key, value in metadata.items()}
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError):
        raise ModelError("not_a_model", "Its safetensors header is damaged.") from None
    if end < 0:
        raise ModelError("not_a_model", "Its safetensors header is damaged.")
    return Header(shapes, metadata, len(data) + end)


def read_header(path: Path) -> Header:
    """The header of a file. Raises ModelError where it is no safetensors file, or not as long as it says; OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(9)
        wanted = wanted_bytes(start)
        if wanted > size:
            raise ModelError("not_a_model", f"It is cut off: {size} bytes of at least {wanted}.")
        header = parse_header(start + file.read(wanted - 9))
    if header.size != size:
        raise ModelError("not_a_model", f"It has {size} bytes where its header says {header.size}.")
    return header


def check_torch(start: bytes) -> None:
    """Raise ModelError where what begins so is none of torch's own files."""
    if not start.startswith(TORCH):
        raise ModelError("not_a_model", f"It is no file of weights: {looks_like(start)}.")


def check_file(path: Path, suffix: str = "") -> None:
    """Raise ModelError where a file is not whole, as far as that can be seen without its digest; OSError.

    suffix: what kind of file it is, if its name does not say it.
    """
    if (suffix or path.suffix).lower() in SAFETENSORS:
        read_header(path)
        return
    with path.open("rb") as file:
        start = file.read(16)
    check_torch(start)
    if start.startswith(TORCH[0]) and not zipfile.is_zipfile(path):
        raise ModelError("not_a_model", "It is cut off: the end of the archive is missing.")


def looks_like(start: bytes) -> str:
    """What something is by how it begins, in words."""
    text = start[:64].lstrip().lower()
    if not start:
        return "it is empty"
    if text.startswith((b"<!", b"<h", b"<?")):
        return "it is a web page"
    if start.startswith(b"version https://"):
        return "it is a pointer of Git LFS, not the file itself"
    if start.startswith(b"GGUF"):
        return "it is a GGUF file"
    if start.startswith(TORCH[0]):
        return "it is a zip archive"
    if start.startswith(TORCH[1:]):
        return "it is a Python pickle"
    if text.startswith((b"{", b"[")):
        return "it is JSON"
    return "it begins with " + " ".join(f"{byte:02x}" for byte in start[:8])
