"""Tensors as bytes and back, equal to the bit: a safetensors file with one text beside the tensors.

The same tensors and text give the same bytes in every process; the library's own writer does not promise that where
there are several texts. Format: https://github.com/huggingface/safetensors#format.
"""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor

from diffusion.tensors import DTYPES

TEXT = "noisewright.value"
"""The one metadata key."""

ALIGNMENT = 64
"""Where tensors begin, in bytes from the beginning."""

NAMED: Mapping[str, torch.dtype] = MappingProxyType(
    {**DTYPES, "U16": torch.uint16, "U32": torch.uint32, "U64": torch.uint64, "C64": torch.complex64}
)
NAMES: Mapping[torch.dtype, str] = MappingProxyType({dtype: name for name, dtype in NAMED.items()})


def pack(tensors: Sequence[Tensor], text: str) -> tuple[bytes | memoryview, ...]:
    """The bytes of a safetensors file of tensors `0`, `1`, … and a text, in pieces: those of tensors are their memory.

    A tensor whose axes are permuted in memory is written as it lies there, with its shape and strides beside the text:
    kernels may round differently for another layout. Raises TypeError for a tensor that is not plain data in the host's
    memory: on a device, sparse, quantized, a subclass, or part of a graph of gradients.
    """
    laid = [_laid_out(tensor) for tensor in tensors]
    layouts = {str(index): layout for index, (_, layout) in enumerate(laid) if layout is not None}
    header: dict[str, object] = {"__metadata__": {TEXT: json.dumps([text, layouts], separators=(",", ":"))}}
    parts: list[memoryview] = []
    # The widest elements first, so that every tensor begins at a multiple of its elements' size.
    end = 0
    for index, (tensor, _) in sorted(enumerate(laid), key=lambda item: -item[1][0].element_size()):
        start, end = end, end + tensor.nbytes
        header[str(index)] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
        flat = tensor.as_strided((tensor.numel(),), (1,))  # one element or none may have any stride
        parts.append(memoryview(flat.view(torch.uint8).numpy()))  # pyright: ignore[reportArgumentType] — arrays are buffers
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-(len(head) + 8) % ALIGNMENT)
    return (len(head).to_bytes(8, "little") + head, *parts)


def unpack(data: bytes | bytearray) -> tuple[list[Tensor], str]:
    """The tensors and the text that `pack` was given. data: a bytearray becomes the tensors' memory.

    Raises ValueError where these are not bytes that `pack` made.
    """
    buffer = data if isinstance(data, bytearray) else bytearray(data)
    start = 8 + int.from_bytes(buffer[:8], "little")
    try:
        header = json.loads(buffer[8:start])
        text, layouts = json.loads(header.pop("__metadata__")[TEXT])
        tensors = [_read(buffer, start, header[str(index)], layouts.get(str(index))) for index in range(len(header))]
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"These are no packed tensors: {type(error).__name__}: {error}") from error
    return tensors, text


Layout = tuple[list[int], list[int]]
"""Shape and strides."""


def _laid_out(tensor: Tensor) -> tuple[Tensor, Layout | None]:
    """The tensor contiguous in memory, and its layout if that is another one."""
    if (
        type(tensor) is not Tensor
        or tensor.layout != torch.strided
        or tensor.device.type != "cpu"
        or tensor.requires_grad
        or tensor.dtype not in NAMES
    ):
        raise TypeError(f"A {type(tensor).__name__} of {tensor.dtype} on {tensor.device} is not plain data in memory.")
    tensor = tensor.resolve_conj().resolve_neg()
    if tensor.is_contiguous():
        return tensor, None
    lying = tensor.permute(sorted(range(tensor.ndim), key=lambda axis: (-tensor.stride(axis), axis)))
    if lying.is_contiguous():
        return lying, (list(tensor.shape), list(tensor.stride()))
    return tensor.contiguous(), None


def _read(buffer: bytearray, start: int, described: Mapping[str, object], layout: Layout | None) -> Tensor:
    match described:
        case {"dtype": str(name), "shape": list(shape), "data_offsets": [int(begin), int(end)]}:
            dtype = NAMED[name]
        case _:
            raise ValueError("These are no packed tensors: their description is not one.")
    count = (end - begin) // dtype.itemsize
    flat = (
        torch.frombuffer(buffer, dtype=dtype, count=count, offset=start + begin)
        if count
        else torch.empty(0, dtype=dtype)
    )
    return flat.reshape(shape) if layout is None else flat.as_strided(*layout)
