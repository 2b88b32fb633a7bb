"""Where and how tensors come to live, beside what torch's own cast gives."""

import json
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from diffusion.header import WeightFileError, read_header
from diffusion.tensors import PIECE, Reader, Residence

BF16 = Residence(torch.device("cpu"), torch.bfloat16)


def bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().view(torch.int16)


def test_every_float16_becomes_the_bfloat16_that_torch_makes_of_it():
    every = torch.arange(-(2**15), 2**15, dtype=torch.int16).view(torch.float16)
    ours, theirs, is_number = BF16.settled(every), every.to(torch.bfloat16), ~every.isnan()
    assert torch.equal(bits(ours)[is_number], bits(theirs)[is_number])
    assert torch.equal(ours.isnan(), ~is_number)


def test_any_shape_and_layout_keeps_its_numbers():
    whole = torch.randn(3, PIECE // 2 + 7, generator=torch.Generator().manual_seed(0)).half()
    for given in (whole, whole.T, whole[:, ::2], whole[:0], whole[0, 0]):
        settled = BF16.settled(given)
        assert settled.shape == given.shape
        assert torch.equal(settled, given.to(torch.bfloat16))


def test_it_is_a_tensor_of_its_own():
    given = torch.ones(4).half()
    settled = BF16.settled(given, copy=True)
    given.zero_()
    assert bool((settled == 1).all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("channels_last", [False, True])
def test_it_lies_in_the_memory_given_as_it_would_in_its_own(dtype, channels_last):
    home = Residence(torch.device("cpu"), dtype, channels_last)
    memory = torch.full((20_000,), 255, dtype=torch.uint8)
    for shape in ((6, 50, 3, 2), (6, 50, 1, 1), (1, 50, 3, 3), (7, 30), (40,), ()):
        given = torch.randn(shape, generator=torch.Generator().manual_seed(0)).half()
        for tensor in (given, given.T if given.ndim == 2 else given):
            own, settled = home.settled(tensor.contiguous(), copy=True), home.settled(tensor, memory=memory[64:])
            assert torch.equal(settled, own)
            assert (settled.dtype, settled.data_ptr()) == (dtype, memory.data_ptr() + 64)
            assert settled.stride() == own.stride()


def written(folder: Path, tensor: Tensor, padding: int = 0) -> Path:
    """A file with one tensor, `a`, of float16. padding: bytes by which it misses its alignment."""
    header = json.dumps({"a": {"dtype": "F16", "shape": tensor.shape, "data_offsets": (0, tensor.nbytes)}}).encode()
    header += b" " * (-len(header) % 8 + padding)
    path = folder / "one.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + tensor.numpy().tobytes())
    return path


@pytest.mark.parametrize("padding", [0, 1])
def test_tensors_of_a_file_are_those_it_has(tmp_path: Path, padding):
    """Also where their bytes are aligned to nothing: the format asks for no alignment."""
    truth = torch.randn(6, 500, 3, 2, generator=torch.Generator().manual_seed(0)).half()
    path = written(tmp_path, truth, padding)
    for home in (BF16, Residence(torch.device("cpu"), torch.bfloat16, channels_last=True)):
        reader = Reader(read_header(path), home)
        for _ in range(2):
            assert torch.equal(reader.read("a"), truth.bfloat16())
        assert torch.equal(reader.read("a", third=1), truth[2:4].bfloat16())
        assert torch.equal(reader.read("a", (3000, 6)), truth.reshape(3000, 6).bfloat16())
        reader.read("a").zero_()
        assert torch.equal(reader.read("a"), truth.bfloat16())


def test_a_file_that_has_become_shorter_is_told(tmp_path: Path):
    path = written(tmp_path, torch.ones(5000).half())
    reader = Reader(read_header(path), BF16)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(WeightFileError, match=r"'one.safetensors' is shorter than its header says; it has changed"):
        reader.read("a")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says what of a file is in a process's memory")
def test_what_was_copied_out_of_a_file_leaves_memory(tmp_path: Path):
    truth = torch.ones(2**23).half()
    path = written(tmp_path, truth)
    reader, before = Reader(read_header(path), BF16), file_bytes()
    assert torch.equal(reader.read("a"), truth.bfloat16())
    assert file_bytes() - before < 0.5 * truth.nbytes


def file_bytes() -> int:
    """Memory of this process that files back, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("RssFile:")[2].split()[0]) * 1024
