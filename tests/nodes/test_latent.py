"""Latent nodes: each passes its inputs on in the right places."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from diffusion.values import Latent, LatentSpace, Mask
from graph.files import File
from graph.folders import OutputFolder
from nodes import latent as nodes

SMALL = LatentSpace("small", channels=4, factor=4, scale=1.0)


def latent(height: int = 16, width: int = 24, batch: int = 1) -> Latent:
    return Latent(torch.randn(batch, 4, height, width, generator=torch.Generator().manual_seed(0)), space=SMALL)


@dataclass(frozen=True)
class Texts:
    """A record that says where a latent comes from."""

    metadata: str = "full"

    def texts(self) -> dict[str, str]:
        return {"prompt": '{"1": {}}', "noisewright": '{"nodes": {}}'}


def test_empty_latent_takes_width_before_height() -> None:
    made = nodes.empty_latent(96, 64, 2)
    assert (made.empty_size, made.samples.shape[0]) == ((64, 96), 2)


def test_noise_mask_is_set() -> None:
    mask = Mask(torch.rand(1, 8, 8))
    assert torch.equal(nodes.set_noise_mask(latent(), mask).noise_mask, mask.values)


def test_upscaling_takes_width_before_height_and_crops_if_asked() -> None:
    start = latent(16, 16)
    assert nodes.upscale_to(start, "area", 128, 64, "disabled").samples.shape[-2:] == (16, 32)
    marked = replace(start, noise_mask=torch.rand(1, 64, 64))
    assert nodes.upscale_to(marked, "area", 128, 64, "center").noise_mask.shape == (1, 64, 128)


def test_upscaling_by_a_factor() -> None:
    assert nodes.upscale_latent_by(latent(), "bislerp", 2.0).samples.shape[-2:] == (32, 48)


def test_composite_takes_x_before_y() -> None:
    below, above = latent(), latent(8, 8)
    assert torch.equal(nodes.composite_latents(below, above, 32, 8).samples[..., 2:10, 8:16], above.samples)


def test_composite_feathers() -> None:
    below, above = Latent(torch.zeros(1, 4, 16, 16), space=SMALL), Latent(torch.ones(1, 4, 8, 8), space=SMALL)
    assert nodes.composite_latents(below, above, 16, 16, feather=16).samples[0, 0, 4, 8].item() == 0.25


@pytest.mark.parametrize(("amount", "first_counts"), [(1.0, True), (0.0, False)])
def test_blend_factor_is_the_firsts_share(amount: float, first_counts: bool) -> None:
    first, second = latent(), Latent(torch.ones(1, 4, 16, 24), space=SMALL)
    made = nodes.blend_latents(first, second, amount).samples
    assert torch.allclose(made, (first if first_counts else second).samples)


def test_rotation_names_turn_clockwise() -> None:
    corner = torch.zeros(1, 4, 8, 8)
    corner[..., 0, 0] = 1
    places = {
        name: nodes.rotate_latent(Latent(corner), name).samples[0, 0].nonzero().tolist()
        for name in ("none", "90 degrees", "180 degrees", "270 degrees")
    }
    assert places == {"none": [[0, 0]], "90 degrees": [[0, 7]], "180 degrees": [[7, 7]], "270 degrees": [[7, 0]]}


def test_flip_names() -> None:
    start = latent()
    assert torch.equal(nodes.flip_latent(start, "x-axis: vertically").samples, start.samples.flip(-2))
    assert torch.equal(nodes.flip_latent(start, "y-axis: horizontally").samples, start.samples.flip(-1))


def test_crop_takes_width_height_x_y() -> None:
    start = latent(32, 40)
    assert torch.equal(nodes.crop_latent(start, 64, 80, 16, 8).samples, start.samples[..., 2:22, 4:20])


def test_a_part_of_a_batch_and_its_repetition() -> None:
    start = latent(batch=4)
    part = nodes.latent_from_batch(start, 1, 2)
    assert torch.equal(part.samples, start.samples[1:3])
    assert nodes.repeat_latent_batch(part, 2).batch_index == (1, 2, 3, 4)


def test_a_saved_latent_is_loaded_as_it_was(tmp_path: Path) -> None:
    output = OutputFolder(tmp_path)
    saved = nodes.save_latent(latent(), "latents/%width%x%height%", output=output, record=Texts())
    again = nodes.save_latent(latent(), "latents/%width%x%height%", output=output, record=Texts())
    assert [path.relative_to(tmp_path).as_posix() for path in (*saved.paths, *again.paths)] == [
        "latents/96x64_00001_.latent",
        "latents/96x64_00002_.latent",
    ]
    with safe_open(saved.paths[0], framework="pt") as file:
        assert json.loads(file.metadata()["noisewright"]) == {"nodes": {}}
    back = nodes.load_latent(File("96x64_00001_.latent", saved.paths[0], digest=""))
    assert torch.equal(back.samples, latent().samples)
    assert back.space == SMALL


def test_a_latent_that_is_no_picture_can_be_saved(tmp_path: Path) -> None:
    saved = nodes.save_latent(Latent(torch.zeros(1, 64, 9)), "sound", output=OutputFolder(tmp_path), record=Texts())
    assert saved.paths[0].is_file()
