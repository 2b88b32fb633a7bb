"""Training of the ControlNet: edges, how far they agree, a network that changes nothing at first, a file that loads."""

from pathlib import Path

import pytest
import torch
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
from torch import Tensor

from diffusion.families.controlnet import read_control_net
from diffusion.training import control, networks
from diffusion.training.control import (
    agreement,
    control_network,
    controlled,
    edges,
    exported_control,
    judged,
    train_control,
)
from diffusion.training.export import write_checkpoint
from diffusion.training.teacher import CHECKPOINT, Teacher, read_teacher
from tests.diffusion.discs import GLYPHS, cut_after

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return read_teacher(ROOT / CHECKPOINT)


def lines(*columns: int) -> Tensor:
    """Upright lines across a field of 32 pixels."""
    field = torch.zeros(1, 1, 32, 32)
    field[..., list(columns)] = 1
    return field


def test_edges_of_a_step_are_one_line():
    pictures = torch.zeros(2, 3, 32, 32)
    pictures[..., 16:] = 1
    found = edges(pictures)
    assert found.shape == pictures.shape
    assert found.sum(dim=3).eq(1).all()


@pytest.mark.parametrize(
    ("made", "wanted", "score"),
    [
        (lines(8), lines(8), 1.0),
        (lines(9), lines(8), 1.0),
        (lines(10), lines(8), 0.0),
        (lines(8, 20), lines(8), 2 / 3),
        (lines(), lines(8), 0.0),
    ],
)
def test_agreement_is_the_f_score_with_a_pixel_to_spare(made: Tensor, wanted: Tensor, score: float):
    assert agreement(made, wanted).tolist() == pytest.approx([score])


def test_it_begins_by_changing_nothing(teacher: Teacher):
    generator = torch.Generator().manual_seed(0)
    x, hints = torch.randn(4, 4, 16, 16, generator=generator), torch.rand(2, 3, 64, 64, generator=generator)
    timesteps, context = torch.tensor([10, 300, 600, 900]), teacher.contexts(["ruby", "leaf", "", "sky"])
    with torch.no_grad():
        made = controlled(teacher.unet, control_network(teacher.unet), hints)(x, timesteps, context)
        assert torch.equal(made, networks.denoiser(teacher.unet)(x, timesteps, context))


def test_a_run_that_was_cut_off_gives_the_same_bits(tmp_path: Path, teacher: Teacher, monkeypatch):
    monkeypatch.setattr(control, "BATCH", 2)
    whole = train_control(tmp_path / "whole.pt", teacher, GLYPHS, 2).state_dict()
    assert whole["controlnet_mid_block.weight"].abs().max() > 0
    with monkeypatch.context() as patch:
        cut_after(patch, 1)
        with pytest.raises(KeyboardInterrupt):
            train_control(tmp_path / "cut.pt", teacher, GLYPHS, 2)
    resumed = train_control(tmp_path / "cut.pt", teacher, GLYPHS, 2)
    assert all(torch.equal(weight, whole[name]) for name, weight in resumed.state_dict().items())


def test_what_changes_nothing_is_judged_so(tmp_path: Path, teacher: Teacher):
    without, with_control = judged(teacher, control_network(teacher.unet), GLYPHS, tmp_path / "sheet.png").tolist()
    assert without == with_control
    assert (tmp_path / "sheet.png").exists()


def test_the_file_has_the_names_of_the_first_controlnets(tmp_path: Path, teacher: Teacher):
    """diffusers' own conversion finds every tensor again; it expects three halvings of the edges, here are two."""
    network = control_network(teacher.unet)
    weights = exported_control(network)
    back = convert_controlnet_checkpoint(dict(weights), dict(network.config))
    last = "controlnet_cond_embedding.blocks.4."
    back = {name.replace(last, "controlnet_cond_embedding.conv_out."): tensor for name, tensor in back.items()}
    state = network.state_dict()
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], state[name]) for name in state)
    path = tmp_path / "canny.safetensors"
    write_checkpoint(path, weights, {"unet": {"attention_heads": networks.HEADS}})
    assert read_control_net(path, "x").kind == "controlnet"
