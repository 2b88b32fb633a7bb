"""Latent files: what we write comes back whole, others can read it, and what is broken is named."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load, save

from diffusion.latent_files import read, to_bytes
from diffusion.latents import empty
from diffusion.values import Latent, LatentSpace

SMALL = LatentSpace(
    "small", channels=4, factor=4, scale=0.9, shift=0.1, rgb=((0.1, 0.2, 0.3),) * 4, rgb_bias=(0.5, 0.4, 0.3)
)


def latent(**more: object) -> Latent:
    return replace(Latent(torch.randn(2, 4, 6, 5, generator=torch.Generator().manual_seed(0))), **more)


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "some.latent"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "start",
    [
        latent(),
        latent(space=SMALL),
        latent(space=SMALL, noise_mask=torch.rand(1, 9, 7), batch_index=(4, 7)),
        empty(100, 64, batch=2),
        Latent(torch.zeros(1, 64, 100)),
    ],
    ids=["foreign", "of a space", "masked", "empty", "sound"],
)
def test_what_is_written_comes_back(start: Latent, tmp_path: Path) -> None:
    back = read(written(tmp_path, to_bytes(start, {})))
    assert torch.equal(back.samples, start.samples)
    assert (back.noise_mask is None) == (start.noise_mask is None)
    if start.noise_mask is not None:
        assert torch.equal(back.noise_mask, start.noise_mask)
    assert (back.space, back.batch_index, back.empty_size) == (start.space, start.batch_index, start.empty_size)


def test_others_find_the_names_they_know(tmp_path: Path) -> None:
    texts = {"prompt": '{"1": {}}', "workflow": '{"nodes": []}'}
    data = to_bytes(latent(space=SMALL), texts)
    tensors = load(data)
    assert set(tensors) == {"latent_tensor", "latent_format_version_0"}
    assert torch.equal(tensors["latent_tensor"], latent().samples)
    assert tensors["latent_format_version_0"].numel() == 0
    with safe_open(written(tmp_path, data), framework="pt") as file:
        metadata = file.metadata()
    assert {name: metadata[name] for name in texts} == texts
    assert json.loads(metadata["noisewright.latent"])["space"]["factor"] == 4


def test_a_part_of_a_larger_tensor_can_be_saved(tmp_path: Path) -> None:
    part = Latent(latent().samples[:, :, 1:4, ::2])
    assert torch.equal(read(written(tmp_path, to_bytes(part, {}))).samples, part.samples)


def test_a_file_of_another_program_is_read_in_the_vaes_scale(tmp_path: Path) -> None:
    data = save({"latent_tensor": latent().samples, "latent_format_version_0": torch.tensor([])})
    back = read(written(tmp_path, data))
    assert torch.equal(back.samples, latent().samples)
    assert back.space is None


def test_an_old_file_is_brought_from_model_scale(tmp_path: Path) -> None:
    back = read(written(tmp_path, save({"latent_tensor": latent().samples * 0.18215})))
    assert torch.allclose(back.samples, latent().samples)


def test_samples_in_half_precision_become_float32(tmp_path: Path) -> None:
    data = save({"latent_tensor": latent().samples.bfloat16(), "latent_format_version_0": torch.tensor([])})
    assert read(written(tmp_path, data)).samples.dtype == torch.float32


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "'some.latent' is damaged or cut off"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 90, "'some.latent' is damaged or cut off"),
        (to_bytes(latent(), {})[:-200], "'some.latent' is damaged or cut off"),
        (save({"weight": torch.zeros(3)}), "'some.latent' is no latent file: it has no tensor 'latent_tensor'"),
        (save({"latent_tensor": torch.zeros(3)}), r"'some.latent' holds no latent: .*shape \(3,\)"),
        (save({"latent_tensor": torch.zeros(1, 4, 2, 2)}, {"noisewright.latent": "{"}), "is damaged or cut off"),
        (to_bytes(latent(space=replace(SMALL, channels=5)), {}), "'some.latent' contradicts itself: .*has 5 channels"),
        (to_bytes(latent(space=replace(SMALL, factor=0)), {}), "'some.latent' contradicts itself"),
    ],
    ids=["nothing", "a picture", "cut off", "other tensors", "a vector", "bad facts", "other channels", "factor 0"],
)
def test_what_is_no_latent_is_named(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        read(written(tmp_path, data))


def test_a_batch_index_of_another_length_is_named(tmp_path: Path) -> None:
    data = save(
        {"latent_tensor": torch.zeros(2, 4, 2, 2), "latent_format_version_0": torch.tensor([])},
        {"noisewright.latent": '{"batch_index": [0]}'},
    )
    with pytest.raises(ValueError, match="holds no latent: .*1 items for a batch of 2"):
        read(written(tmp_path, data))
