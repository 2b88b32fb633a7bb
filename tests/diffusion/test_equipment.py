"""What a run is lent besides its model."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from diffusion.checkpoint import read_checkpoint
from diffusion.controlling import controlled
from diffusion.equipment import equipped
from diffusion.families.controlnet import read_control_net
from diffusion.header import WeightFileError
from diffusion.memory import Weights
from diffusion.values import Conditioning, ConditioningEntry, Control, ControlNet, Model
from tests.diffusion.tiny import TEXT_WIDTH, tiny_unet, write_tiny_checkpoint
from tests.diffusion.tiny_control import tiny_adapter, tiny_control, write, write_original
from tests.diffusion.tiny_families import tiny_sdxl

PICTURE = torch.zeros(1, 3, 64, 64)
PROMPT = Conditioning((ConditioningEntry(torch.zeros(1, 77, TEXT_WIDTH)),))


class Watched:
    """Weights that note what is lent at the moment."""

    def __init__(self) -> None:
        self.weights = Weights("cpu", "fp32")
        self.lent: list[object] = []

    @contextmanager
    def lend(self, recipe: Model | ControlNet) -> Iterator[object]:
        with self.weights.lend(recipe) as found:
            self.lent.append(recipe)
            yield found
            self.lent.remove(recipe)


@pytest.fixture
def model(tmp_path) -> Model:
    return read_checkpoint(write_tiny_checkpoint(tmp_path / "model.safetensors"), str(tmp_path)).model


@pytest.fixture
def nets(tmp_path) -> list[ControlNet]:
    paths = (
        write_original(tiny_control(tiny_unet()), tmp_path / "net.safetensors", heads=8),
        write(tiny_adapter("full_adapter", [32, 64]), tmp_path / "adapter.safetensors"),
    )
    return [read_control_net(path, str(path)) for path in paths]


def test_control_networks_are_lent_once_each_for_the_whole_run(model, nets):
    weights = Watched()
    sides = [controlled(PROMPT, Control(net, PICTURE)) for net in (nets[0], nets[1], nets[0])]
    with equipped(model, sides, weights) as network:
        assert weights.lent == [model, *nets]
        assert list(network.equipment.controls) == nets
    assert weights.lent == []


def test_without_controls_the_model_is_lent_alone(model):
    weights = Watched()
    with equipped(model, [PROMPT], weights) as network:
        assert weights.lent == [model]
        assert network.equipment.controls == {}


def test_what_does_not_fit_is_told_before_anything_is_lent(model, tmp_path):
    weights = Watched()
    path = write(tiny_control(tiny_sdxl().unet), tmp_path / "xl.safetensors", heads=[2, 4])
    wrong = read_control_net(path, str(path))
    with (
        pytest.raises(
            WeightFileError, match=r"The ControlNet 'xl.safetensors' steers .*'model.safetensors' is a model"
        ),
        equipped(model, [controlled(PROMPT, Control(wrong, PICTURE))], weights),
    ):
        pass
    assert weights.weights.loads == 0
