"""Tensors as bytes: the safetensors library reads what we write, and every bit comes back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load
from torch import Tensor

from diffusion import tensor_bytes
from diffusion.tensor_bytes import ALIGNMENT, NAMED, TEXT, unpack

ROOT = Path(__file__).parent.parent.parent

FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def bits(tensor: Tensor) -> bytes:
    return tensor.clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8).numpy().tobytes()


def same(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and bits(one) == bits(other)


def pack(tensors: list[Tensor], text: str) -> bytes:
    return b"".join(tensor_bytes.pack(tensors, text))


def random_bits(dtype: torch.dtype, shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """Every bit pattern, the NaNs among them."""
    count = torch.Size(shape).numel() * dtype.itemsize
    noise = torch.randint(0, 256, (count,), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    return (noise % 2 if dtype == torch.bool else noise).view(dtype).reshape(shape)


@pytest.mark.parametrize("dtype", NAMED.values(), ids=str)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2), (5,), (2, 3, 7)], ids=str)
def test_every_bit_comes_back(dtype: torch.dtype, shape: tuple[int, ...]):
    tensor = random_bits(dtype, shape)
    (read,), text = unpack(pack([tensor], "a text"))
    assert same(read, tensor)
    assert text == "a text"


@settings(deadline=None)
@given(st.data())
def test_views_come_back(data: st.DataObject):
    shape = tuple(data.draw(st.lists(st.integers(0, 4), max_size=4)))
    dtype = data.draw(st.sampled_from(FLOATS))
    tensor = random_bits(dtype, shape).permute(data.draw(st.permutations(range(len(shape)))))
    whole = tensor
    for axis in range(tensor.ndim):
        step = data.draw(st.integers(1, 2))
        tensor = tensor[(slice(None),) * axis + (slice(data.draw(st.integers(0, 2)), None, step),)]
    if data.draw(st.booleans()):
        tensor = tensor.unsqueeze(0).expand(3, *tensor.shape)
    packed = pack([whole, tensor], "")
    (first, second), _ = unpack(packed)
    assert pack([first, second], "") == packed
    assert same(first, whole)
    assert same(second, tensor)


@pytest.mark.parametrize("axes", [(0, 2, 3, 1), (0, 3, 1, 2), (3, 2, 1, 0)])
@pytest.mark.parametrize("batch", [1, 2])
def test_the_layout_in_memory_is_kept(axes: tuple[int, ...], batch: int):
    """Some kernels round in another order for channels that lie last."""
    tensor = torch.rand(batch, 3, 4, 5).permute(axes)
    (read,), _ = unpack(pack([tensor], ""))
    assert read.stride() == tensor.stride()
    (sliced,), _ = unpack(pack([tensor[:, 1:]], ""))
    assert sliced.is_contiguous()


def test_the_safetensors_library_reads_it():
    tensors = [torch.rand(3, 5), torch.arange(7, dtype=torch.uint8), torch.rand(2, 2).bfloat16(), torch.rand(4, 4).mT]
    data = pack(tensors, "text")
    read = load(data)
    assert same(read["0"], tensors[0])
    assert same(read["1"], tensors[1])
    assert same(read["2"], tensors[2])
    assert same(read["3"].mT, tensors[3])
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert set(header["__metadata__"]) == {TEXT}
    assert (8 + int.from_bytes(data[:8], "little")) % ALIGNMENT == 0


def test_bytes_are_the_same_in_every_process():
    program = (
        "import hashlib, torch; from diffusion.tensor_bytes import pack\n"
        "data = pack([torch.arange(9.).reshape(3, 3).mT, torch.zeros(2).bool(), torch.ones(()).double()], 'ü')\n"
        "print(hashlib.sha256(b''.join(data)).hexdigest())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True) for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout


def test_tensors_are_not_copied():
    tensor = torch.zeros(3, 4).mT
    _, piece = tensor_bytes.pack([tensor], "")
    tensor += 1
    assert piece == torch.ones(12).numpy().tobytes()


def test_a_bytearray_is_taken_as_it_is():
    data = bytearray(pack([torch.zeros(4)], ""))
    (tensor,), _ = unpack(data)
    tensor += 1
    assert data[-16:] == torch.ones(4).numpy().tobytes()
    frozen = bytes(data)
    (other,), _ = unpack(frozen)
    other += 1
    assert frozen == data


def test_a_conjugate_is_written_as_its_numbers():
    tensor = torch.complex(torch.rand(3), torch.rand(3)).conj()
    (read,), _ = unpack(pack([tensor], ""))
    assert torch.equal(read, tensor)


def tensors_that_are_more_than_data() -> list[Tensor]:
    grown = torch.rand(2, requires_grad=True)
    return [
        torch.nn.Parameter(torch.rand(2), requires_grad=False),
        grown,
        grown * 2,
        torch.rand(2, 2).to_sparse(),
        torch.empty(2, device="meta"),
        torch.rand(2).to(torch.complex128),
    ]


@pytest.mark.parametrize("index", range(6))
def test_what_is_more_than_data_in_memory_is_refused(index: int):
    with pytest.raises(TypeError, match="is not plain data in memory"):
        pack([tensors_that_are_more_than_data()[index]], "")


@pytest.mark.parametrize("data", [b"", b"x" * 100, pack([torch.zeros(3)], "")[:-1], pack([], "")[:20]])
def test_other_bytes_are_refused(data: bytes):
    with pytest.raises(ValueError, match="These are no packed tensors"):
        unpack(data)
