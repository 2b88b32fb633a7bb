"""Recognising: how files hold their tensors, and what is said of those that hold something else."""

import pytest
import torch
from safetensors.torch import save_file

from diffusion.header import WeightFileError
from diffusion.memory import Weights
from diffusion.upscalers import read_upscaler
from diffusion.values import UpscaleModel, WeightFile
from tests.diffusion.upscalers.written import compact_tensors, esrgan_tensors, first_release, written

PICTURE = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(0))


def made(recipe: UpscaleModel) -> torch.Tensor:
    with Weights("cpu", "fp32").lend(recipe) as upscaler:
        return upscaler(PICTURE)


def other(tensors):
    return {name: tensor + 1 for name, tensor in tensors.items()}


@pytest.mark.parametrize("make", [esrgan_tensors, compact_tensors])
def test_files_of_torchs_own_kind(tmp_path, make):
    tensors = make()
    wanted = made(written(tmp_path / "plain.safetensors", tensors))
    nests = [tensors, {"params_ema": tensors, "params": other(tensors)}, {"params": tensors}, {"state_dict": tensors}]
    for index, content in enumerate(nests):
        path = tmp_path / f"{index}.pth"
        torch.save(content, path)
        assert torch.equal(made(read_upscaler(path, str(path))), wanted)
    path = tmp_path / "old.pth"
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    assert torch.equal(made(read_upscaler(path, str(path))), wanted)


def test_names_behind_what_trainers_put_before_them(tmp_path):
    tensors = compact_tensors()
    wanted = made(written(tmp_path / "plain.safetensors", tensors))
    both = {f"params_ema.{name}": tensor for name, tensor in tensors.items()}
    both |= {f"params.{name}": tensor for name, tensor in other(tensors).items()}
    parallel = {f"module.{name}": tensor for name, tensor in tensors.items()}
    assert torch.equal(made(written(tmp_path / "both.safetensors", both)), wanted)
    assert torch.equal(made(written(tmp_path / "parallel.safetensors", parallel)), wanted)


def test_what_stands_beside_the_network_is_named(tmp_path):
    tensors = {f"params.{name}": tensor for name, tensor in first_release(esrgan_tensors()).items()}
    with pytest.raises(WeightFileError, match=r"looks like a network of ESRGAN .*, but 1 of its tensors .*: epoch\.$"):
        written(tmp_path / "net.safetensors", tensors | {"epoch": torch.zeros(1)})


def test_half_precision_files(tmp_path):
    tensors = {name: tensor.half() for name, tensor in compact_tensors().items()}
    wanted = {name: tensor.float() for name, tensor in tensors.items()}
    half, full = written(tmp_path / "half.safetensors", tensors), written(tmp_path / "full.safetensors", wanted)
    assert torch.equal(made(half), made(full))


def test_a_recipe_says_what_and_where(tmp_path):
    path = tmp_path / "net.safetensors"
    save_file(compact_tensors(scale=2), path)
    assert read_upscaler(path, "abc") == UpscaleModel("compact", WeightFile(str(path.resolve()), "abc"), 2)


def test_channels_that_pictures_do_not_have(tmp_path):
    with pytest.raises(WeightFileError, match="takes 5 channels; pictures have 1 or 3"):
        written(tmp_path / "net.safetensors", compact_tensors(channels=5))


@pytest.mark.parametrize("make", [esrgan_tensors, compact_tensors])
@pytest.mark.parametrize("shape", [(), (1,), (0, 0, 3, 3), (3, 0, 3, 3)])
def test_shapes_that_make_no_sense_are_a_sentence(tmp_path, make, shape):
    tensors = make()
    for index, name in enumerate(name for name in make() if name.endswith("weight")):
        wrong = tensors | {name: torch.zeros(shape)}
        with pytest.raises(WeightFileError):
            made(written(tmp_path / f"{index}.safetensors", wrong))


def test_a_file_without_tensors(tmp_path):
    with pytest.raises(WeightFileError, match="'net.safetensors' is no upscaling model: it looks like a file without"):
        written(tmp_path / "net.safetensors", {})
