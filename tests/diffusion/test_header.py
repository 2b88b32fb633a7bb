"""Headers against the safetensors library, and files that are not what they seem."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from diffusion.header import WeightFileError, read_header, torch_tensors


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    return {
        "half": torch.arange(6).reshape(2, 3).half(),
        "brain": torch.ones(4).bfloat16(),
        "number": torch.tensor(3.0),
        "nothing": torch.zeros(0, 5),
        "ids": torch.arange(3),
    }


def test_says_what_the_library_says(tmp_path: Path, tensors):
    path = tmp_path / "a.safetensors"
    save_file(tensors, path, metadata={"noisewright.config": '{"family": "sd1"}', "note": "hello"})
    header = read_header(path)
    with safe_open(path, "pt") as truth:
        assert set(header.tensors) == set(truth.keys())
        for name, info in header.tensors.items():
            assert list(info.shape) == truth.get_slice(name).get_shape()
            assert info.dtype == truth.get_slice(name).get_dtype()
            assert info.nbytes == tensors[name].nbytes
            raw = path.read_bytes()[info.start : info.start + info.nbytes]
            assert raw == tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        assert dict(header.metadata) == truth.metadata()
    assert header.config == {"family": "sd1"}


@pytest.mark.parametrize("zipped", [True, False])
def test_reads_torch_files_of_both_kinds(tmp_path: Path, tensors, zipped):
    path = tmp_path / "a.ckpt"
    content = {"state_dict": tensors, "global_step": 3}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    header = read_header(path)
    assert header.format == "torch"
    assert {name: (info.shape, info.dtype) for name, info in header.tensors.items()} == {
        "half": ((2, 3), "F16"),
        "brain": ((4,), "BF16"),
        "number": ((), "F32"),
        "nothing": ((0, 5), "F32"),
        "ids": ((3,), "I64"),
    }
    read = torch_tensors(path, device="cpu")
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)


def test_runs_no_code_of_a_pickle(tmp_path: Path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    torch.save({"state_dict": {"a": torch.ones(2)}, "callback": Trap()}, tmp_path / "trap.ckpt")
    with pytest.raises(WeightFileError, match=r"'trap.ckpt' holds Python objects, which could run code"):
        read_header(tmp_path / "trap.ckpt")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\n", "a Git LFS pointer"),
        (b"GGUF\x03\x00\x00\x00\x00\x00\x00\x00", "a GGUF file"),
        (b"\x89PNG\r\n\x1a\n0000000000000", "a picture"),
        (b'{"a": "json document"}', "a JSON file"),
        (b"\x01\x02\x03\x04" * 20, "neither that of a safetensors file"),
    ],
)
def test_names_what_a_foreign_file_looks_like(tmp_path: Path, content, sentence):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightFileError, match=sentence) as error:
        read_header(path)
    assert "model.safetensors" in str(error.value)


@pytest.mark.parametrize("kept", [0.2, 0.99])
def test_says_that_a_file_was_cut_off(tmp_path: Path, kept):
    path = tmp_path / "cut.safetensors"
    save_file({"a": torch.zeros(1000), "b": torch.zeros(1000)}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(
        WeightFileError, match=r"'cut.safetensors' was cut off: it has [\d,]+ bytes and should have 8,\d+"
    ):
        read_header(path)


def test_says_that_a_torch_file_was_cut_off(tmp_path: Path):
    path = tmp_path / "cut.ckpt"
    torch.save({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(WeightFileError, match=r"'cut.ckpt' is damaged or was cut off"):
        read_header(path)


@pytest.mark.parametrize(
    "header",
    [
        b"{not json",
        json.dumps({"a": {"dtype": "F32", "shape": [2]}}).encode(),
        json.dumps({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}).encode(),
        json.dumps({"a": 3}).encode(),
    ],
)
def test_refuses_a_damaged_header(tmp_path: Path, header):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(WeightFileError, match=r"'bad.safetensors' has a damaged safetensors header"):
        read_header(path)


@pytest.mark.parametrize("length", [0x280, 0x380, 0x480, 0x580, 0x10280])
def test_a_length_that_begins_like_a_pickle_is_a_length(tmp_path: Path, length):
    path = tmp_path / "a.safetensors"
    text = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(length)
    path.write_bytes(length.to_bytes(8, "little") + text + bytes(4))
    assert read_header(path).format == "safetensors"
