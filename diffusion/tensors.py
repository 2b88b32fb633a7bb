"""Tensors out of a file, one at a time, into where and how they are to live."""

import mmap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

import torch
from torch import Tensor

from diffusion.header import Header, TensorInfo, WeightFileError, torch_tensors

DTYPES: Mapping[str, torch.dtype] = MappingProxyType({
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "I16": torch.int16, "I32": torch.int32, "I64": torch.int64,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "F16": torch.float16, "BF16": torch.bfloat16,
    "F32": torch.float32, "F64": torch.float64,
})  # fmt: skip


HALVES = (torch.float16, torch.bfloat16)

PIECE = 2**19
"""Numbers that are cast at once, so that they stay in the processor's cache between two casts."""


@dataclass(frozen=True)
class Residence:
    """Where and how weights live. channels_last: 4-D ones are stored [out, H, W, in], as low-precision kernels like."""

    device: torch.device
    dtype: torch.dtype
    channels_last: bool = False

    def settled(self, tensor: Tensor, *, copy: bool = False, memory: Tensor | None = None) -> Tensor:
        """A tensor as it lives here. copy: never the given one itself. memory: at least as many bytes as it takes, on
        the device, aligned to its numbers: it is put there.
        """
        is_halves = self.device.type == tensor.device.type == "cpu" and (tensor.dtype, self.dtype) == HALVES
        if memory is not None:
            laid = self._laid(memory, tensor.shape)
            return _by_way_of_float32(tensor, laid) if is_halves else laid.copy_(tensor)
        if self.channels_last and tensor.ndim == 4:
            # not `contiguous`: a 1×1 kernel has both layouts at once; only `to` gives it the strides that kernels go by
            return tensor.to(self.device, self.dtype, copy=copy, memory_format=torch.channels_last)
        if is_halves:
            return _by_way_of_float32(tensor, torch.empty(tensor.shape, dtype=self.dtype))
        return tensor.to(self.device, self.dtype, copy=copy)

    def _laid(self, memory: Tensor, shape: torch.Size) -> Tensor:
        """A tensor of this shape in the first of these bytes."""
        numbers = memory.view(self.dtype)[: shape.numel()]
        if self.channels_last and len(shape) == 4:
            outer, inner, *kernel = shape
            return numbers.view(outer, *kernel, inner).permute(0, 3, 1, 2)
        return numbers.view(shape)


@dataclass(frozen=True, eq=False)
class Reader:
    """Reads tensors of one file for one residence.

    Where the file holds the type they are to have, and the host is where they are to live, they are views of the mapped
    file and take no memory of their own. Else each is copied out of it, and its pages leave the process before the next
    comes, so that no more than one of them is there twice. The system keeps them as long as it has room, for who reads
    them again.
    """

    header: Header
    residence: Residence

    def read(
        self,
        name: str,
        shape: tuple[int, ...] | None = None,
        third: int | None = None,
        memory: Tensor | None = None,
    ) -> Tensor:
        """The tensor of that name, in its residence. shape: another one of as many elements. third: only the rows of
        its first (0), second or last third. memory: where it is put, as in `Residence.settled`. Raises WeightFileError.
        """
        if self.header.format == "torch":
            whole = self._unpickled[name]
            tensor = whole if third is None else whole.chunk(3)[third].clone()
            return self.residence.settled(tensor.reshape(shape or tensor.shape), memory=memory)
        info, dtype = self.header.tensors[name], self._dtype(name)
        if third is not None:
            rows, *others = info.shape
            info = replace(info, shape=(rows // 3, *others), start=info.start + third * (info.nbytes // 3))
        content = self._in_place(info, dtype).reshape(shape or info.shape)
        settled = self.residence.settled(content, copy=not self._is_view(info), memory=memory)
        if settled.data_ptr() != content.data_ptr():
            self._pass(info)
        return settled

    def stored(self, name: str) -> Tensor:
        """The tensor of that name on the host, of the type it has in the file: part of the mapped file if it is aligned
        there, and for reading only. Raises WeightFileError.
        """
        if self.header.format == "torch":
            return self._unpickled[name]
        info = self.header.tensors[name]
        return self._in_place(info, self._dtype(name)).reshape(info.shape)

    def maps(self, name: str, axes: int) -> bool:
        """Whether a tensor takes no memory of its own, since it is a part of the mapped file. axes: its own number."""
        if self.header.format == "torch" or (self.residence.channels_last and axes == 4):
            return False
        return self._is_view(self.header.tensors[name])

    def _dtype(self, name: str) -> torch.dtype:
        written = self.header.tensors[name].dtype
        if written not in DTYPES:
            raise WeightFileError(
                f"'{self.header.path.name}': tensor '{name}' is of type {written}, which this version does not read."
            )
        return DTYPES[written]

    def _is_view(self, info: TensorInfo) -> bool:
        home = self.residence
        is_same = home.device.type == "cpu" and DTYPES.get(info.dtype) == home.dtype
        return is_same and info.start % home.dtype.itemsize == 0 and info.count > 0

    def _in_place(self, info: TensorInfo, dtype: torch.dtype) -> Tensor:
        """The numbers of a tensor in the mapped file, or a copy of them where they are not aligned in it."""
        content = self._mapped[info.start :][: info.nbytes]
        if len(content) < info.nbytes:
            raise WeightFileError(f"'{self.header.path.name}' is shorter than its header says; it has changed.")
        return (content if info.start % dtype.itemsize == 0 else content.clone()).view(dtype)

    def _pass(self, info: TensorInfo) -> None:
        """Let the pages leave that a tensor has for itself, which has been copied out of the file."""
        if hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
            first, last = -(-info.start // mmap.PAGESIZE), (info.start + info.nbytes) // mmap.PAGESIZE
            if last > first:
                self._pages.madvise(mmap.MADV_DONTNEED, first * mmap.PAGESIZE, (last - first) * mmap.PAGESIZE)

    @cached_property
    def _pages(self) -> mmap.mmap:
        """The file's bytes as private pages, so that nothing written to them reaches the file."""
        with self.header.path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)

    @cached_property
    def _mapped(self) -> Tensor:
        return torch.frombuffer(self._pages, dtype=torch.uint8)

    @cached_property
    def _unpickled(self) -> dict[str, Tensor]:
        return torch_tensors(self.header.path, device="cpu")


def _by_way_of_float32(tensor: Tensor, result: Tensor) -> Tensor:
    """The result, with the numbers that `to` makes of a float16 tensor, in a quarter of the time where both are
    contiguous.
    """
    if not (tensor.is_contiguous() and result.is_contiguous()):
        return result.copy_(tensor)
    given = tensor.view(-1)
    wide = torch.empty(min(PIECE, len(given)))
    for old, new in zip(given.split(PIECE), result.view(-1).split(PIECE), strict=True):
        new.copy_(wide[: len(old)].copy_(old))
    return result
