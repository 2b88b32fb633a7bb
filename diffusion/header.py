"""What is in a file of weights, without reading the weights: names, types, shapes. Loads no torch for safetensors
files.

A safetensors file begins with the length of its header (8 bytes, little-endian) and the header itself, a JSON object
(github.com/huggingface/safetensors, "Format"). A file of torch's own kind is unpickled by torch with `weights_only`,
its tensors without storage.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

LONGEST_HEADER = 100_000_000
"""Bytes; the limit of the safetensors library."""

PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How files of torch's older kind begin, by the pickle protocol."""

BITS: Mapping[str, int] = MappingProxyType({
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64,
    "C64": 64,
})  # fmt: skip


CONFIG = "noisewright.config"
"""The metadata key of what shapes cannot say, as JSON."""

NESTS = ("state_dict", "params_ema", "params-ema", "params", "model_state_dict")
"""Where trainers put the tensors inside a file of torch's own kind, the preferred first: an average, the last state."""


GROUPS: Mapping[str, str] = MappingProxyType(
    {"image_proj": "image_proj.", "ip_adapter": "ip_adapter.", "id_encoder": "id_encoder.", "lora_weights": ""}
)
"""Parts of an IP-Adapter and of PhotoMaker, each with tensors of its own, in a file of torch's own kind; and how the
names of these begin here. Those of a LoRA are as in a file of its own.
"""


class WeightFileError(ValueError):
    """A file that cannot be read as weights, or is not the model it is taken for. Its text is a sentence for people."""


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of a file. dtype: as safetensors names it ("F16"). start: its first byte in the file; 0 in torch's
    files.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int = 0

    @property
    def count(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes in the file."""
        return self.count * BITS.get(self.dtype, 8) // 8


@dataclass(frozen=True, eq=False)
class Header:
    """What a file of weights says about itself. metadata: the free texts of a safetensors file."""

    path: Path
    format: Literal["safetensors", "torch"]
    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str]

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor. Raises WeightFileError where there is none of that name."""
        if name not in self.tensors:
            raise WeightFileError(
                f"'{self.path.name}' has no tensor '{name}'; the file is incomplete or not what it seems."
            )
        return self.tensors[name].shape

    @property
    def config(self) -> Mapping[str, Any]:
        """What shapes cannot say: the JSON object in the metadata `CONFIG`, or nothing."""
        text = self.metadata.get(CONFIG)
        if text is None:
            return {}
        try:
            config = json.loads(text)
        except ValueError as error:
            raise WeightFileError(f"'{self.path.name}': its metadata '{CONFIG}' is not JSON: {error}.") from error
        if not isinstance(config, dict):
            raise WeightFileError(f"'{self.path.name}': its metadata '{CONFIG}' is not a JSON object.")
        return config


def read_header(path: Path) -> Header:
    """Read the header of a safetensors file, or the structure of a .ckpt, .pt or .bin; told apart by content.

    Raises WeightFileError, naming what the file looks like, where it is neither or is cut off; OSError as `open` does.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(16)
        length = int.from_bytes(start[:8], "little")
        # A length may begin with the bytes of a pickle; that of a pickle is no length.
        is_safetensors = len(start) >= 10 and start[8:9] == b"{" and length <= LONGEST_HEADER
        if not is_safetensors and start.startswith((b"PK\x03\x04", *PICKLES)):
            return _read_torch(path)
        if not is_safetensors:
            raise WeightFileError(f"'{path.name}' is no file of weights: {_looks_like(start, size)}.")
        if 8 + length > size:
            raise WeightFileError(_cut_off(path, size, 8 + length))
        file.seek(8)
        text = file.read(length)
    return _parse(path, text, size)


def _parse(path: Path, text: bytes, size: int) -> Header:
    try:
        content = json.loads(text)
        metadata = dict(content.pop("__metadata__", {}))
        tensors = {
            name: TensorInfo(entry["dtype"], tuple(entry["shape"]), 8 + len(text) + entry["data_offsets"][0])
            for name, entry in content.items()
        }
        end = 8 + len(text) + max((entry["data_offsets"][1] for entry in content.values()), default=0)
        wrong = next((name for name, entry in content.items() if _length(entry) != tensors[name].nbytes), None)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise WeightFileError(
            f"'{path.name}' has a damaged safetensors header. Download or export it again."
        ) from error
    if wrong is not None:
        raise WeightFileError(
            f"'{path.name}' has a damaged safetensors header: the size of '{wrong}' is not that of its shape."
        )
    if end > size:
        raise WeightFileError(_cut_off(path, size, end))
    return Header(path, "safetensors", MappingProxyType(tensors), MappingProxyType(metadata))


def _length(entry: Mapping[str, Any]) -> int:
    return entry["data_offsets"][1] - entry["data_offsets"][0]


def _read_torch(path: Path) -> Header:
    names = {
        "float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64", "int64": "I64", "int32": "I32",
        "uint8": "U8", "int8": "I8", "bool": "BOOL", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
    }  # fmt: skip
    tensors = {
        name: TensorInfo(names.get(str(tensor.dtype).removeprefix("torch."), str(tensor.dtype)), tuple(tensor.shape))
        for name, tensor in torch_tensors(path, device="meta").items()
    }
    return Header(path, "torch", MappingProxyType(tensors), MappingProxyType({}))


def torch_tensors(path: Path, device: str) -> dict[str, Any]:
    """The tensors of a file of torch's own kind, `state_dict` unwrapped and those of a group named as GROUPS says.
    device: "meta" for shapes alone, "cpu" maps the file.

    Raises WeightFileError as `torch_content` does, and where the file holds no named tensors.
    """
    import torch

    content = torch_content(path, device)
    while isinstance(content, dict) and (inner := next((name for name in NESTS if _is_dict(content, name)), None)):
        content = content[inner]
    if not isinstance(content, dict):
        raise WeightFileError(f"'{path.name}' holds a {type(content).__name__}, not named tensors.")
    for group, prefix in GROUPS.items():
        if _is_dict(content, group):
            content = content | {f"{prefix}{name}": value for name, value in content[group].items()}
    return {name: value for name, value in content.items() if isinstance(value, torch.Tensor)}


def torch_content(path: Path, device: str) -> Any:
    """What a file of torch's own kind holds, read without running code.

    Raises WeightFileError where it holds objects besides tensors and plain data, or is damaged.
    """
    import pickle

    import torch

    try:
        if path.suffix == ".safetensors":  # by the name torch would take it for one, which it is not
            with path.open("rb") as file:
                return torch.load(file, map_location=device, weights_only=True)
        mapped = device != "meta" and os.name != "nt" and _is_zip(path)
        return torch.load(path, map_location=device, weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        raise WeightFileError(
            f"'{path.name}' holds Python objects, which could run code when they are read, or is damaged. "
            "Use a .safetensors file of the same model."
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        raise WeightFileError(
            f"'{path.name}' is damaged or was cut off while it was copied. Download or export it again."
        ) from error


def _is_dict(content: Mapping[str, Any], name: str) -> bool:
    return isinstance(content.get(name), dict)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _cut_off(path: Path, size: int, wanted: int) -> str:
    return (
        f"'{path.name}' was cut off: it has {size:,} bytes and should have {wanted:,}. "
        "The download or copy did not finish; get the file again."
    )


def _looks_like(start: bytes, size: int) -> str:
    text = start.lstrip().lower()
    if size == 0:
        return "it is empty; the download or copy did not begin; get the file again"
    if not any(start):
        return "it begins with zeros; the download did not finish; get the file again"
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<")):
        return "it looks like a web page saved under this name; the download needed a login or another address"
    if text.startswith(b"version https"):
        return "it looks like a Git LFS pointer; fetch the file itself with 'git lfs pull'"
    if text.startswith(b"gguf"):
        return (
            "it looks like a GGUF file, whose quantised weights this version does not read; use the same model as "
            ".safetensors in fp16, bf16 or plain fp8"
        )
    if text.startswith((b"\x89png", b"\xff\xd8", b"riff", b"gif8")):
        return "it looks like a picture; choose a file of weights"
    if text.startswith((b"{", b"[")):
        return "it looks like a JSON file; choose the file of weights beside it"
    return (
        "its beginning is neither that of a safetensors file nor of a PyTorch file; it is damaged or of another kind; "
        "get a .safetensors file of the same model"
    )
