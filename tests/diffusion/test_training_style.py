"""Training of the style: the picture it learns from, changes beside layers, and a file that a LoRA loader reads."""

from pathlib import Path

import pytest
import torch
from torch import nn

from diffusion.checkpoint import read_checkpoint
from diffusion.lora.adding import with_lora
from diffusion.memory import Weights
from diffusion.training import style
from diffusion.training.export import write_checkpoint
from diffusion.training.style import (
    STYLES,
    Adapted,
    adapt,
    blueprint,
    exported_style,
    sepia,
    strength_set,
    train_style,
)
from diffusion.training.teacher import CHECKPOINT, read_teacher
from diffusion.values import WeightFile
from tests.diffusion.discs import GLYPHS, cut_after

ROOT = Path(__file__).parents[2]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=seeded())


def asked(unet: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return unet(noise(1, 4, 16, 16), torch.tensor([500]), noise(1, 77, 128)).sample


def test_a_blueprint_has_white_lines_on_blue_and_keeps_dark_parts_apart():
    picture = torch.ones(1, 3, 32, 32)
    picture[..., 16:] = 0
    made = blueprint(picture)
    assert made.amin() >= 0
    assert made.amax() <= 1
    paper, dark, line = made[0, :, 5, 3], made[0, :, 5, 28], made[0, :, 5, 16]
    torch.testing.assert_close(paper, torch.tensor(style.GROUND) / 255)
    torch.testing.assert_close(dark, torch.tensor(style.TONE) / 255, rtol=0, atol=1e-3)
    torch.testing.assert_close(line, torch.tensor(style.LINE) / 255, rtol=0, atol=0.02)


def test_sepia_keeps_brightness_alone():
    colours = torch.tensor([[1, 1, 1], [0, 0, 0], [0.5, 0.5, 0.5], [0, 0.5, 0]]).float()
    made = sepia(colours.T[None, :, :, None])[0, :, :, 0].T
    ink, paper = torch.tensor(style.INK) / 255, torch.tensor(style.PAPER) / 255
    torch.testing.assert_close(made[0], paper, rtol=0, atol=1e-6)
    torch.testing.assert_close(made[1], ink, rtol=0, atol=1e-6)
    torch.testing.assert_close(made[2], (ink + paper) / 2, rtol=0, atol=1e-6)
    torch.testing.assert_close(made[3], ink + (paper - ink) * 0.5 * 0.587, rtol=0, atol=1e-6)


def test_styles_are_measured():
    picture = torch.rand(2, 3, 16, 16, generator=seeded())
    assert style.colourfulness(sepia(picture)) < 1e-6
    red = torch.zeros(1, 3, 4, 4)
    red[:, 0] = 1
    assert style.blueness(red) == -1
    assert style.colourfulness(red) > 0.3


@pytest.mark.parametrize("layer", [nn.Linear(6, 5), nn.Conv2d(6, 5, 3, stride=2, padding=1)])
def test_what_stands_beside_a_layer_is_the_product_of_its_halves(layer: nn.Linear | nn.Conv2d):
    adapted = Adapted(layer, rank=2, alpha=4.0)
    x = noise(2, 6) if isinstance(layer, nn.Linear) else noise(2, 6, 8, 8)
    torch.testing.assert_close(adapted(x), layer(x))
    nn.init.normal_(adapted.up.weight, generator=seeded())  # pyright: ignore[reportArgumentType] — a weight
    change = (adapted.up.weight.flatten(1) @ adapted.down.weight.flatten(1)).view_as(layer.weight)  # pyright: ignore[reportCallIssue] — weights
    adapted.strength = 0.5
    whole = nn.Linear(6, 5) if isinstance(layer, nn.Linear) else nn.Conv2d(6, 5, 3, stride=2, padding=1)
    whole.load_state_dict({"weight": layer.weight + 0.5 * 2 * change, "bias": layer.bias})
    torch.testing.assert_close(adapted(x), whole(x), rtol=1e-4, atol=1e-5)


def test_the_file_changes_the_shipped_model_as_training_did(tmp_path: Path):
    """Through the project's own loader, at strengths 1 and 0.5."""
    path = ROOT / CHECKPOINT
    teacher = read_teacher(path)
    changes = adapt(teacher.unet)
    generator = seeded()
    for name, weight in changes.named_parameters():
        if "lora_up" in name:
            nn.init.normal_(weight, std=0.05, generator=generator)
    file = tmp_path / "style.safetensors"
    write_checkpoint(file, exported_style(changes), {"title": "style"}, torch.float32)
    for strength in (1.0, 0.5, 0.0):
        strength_set(teacher.unet, strength)
        wanted = asked(teacher.unet)
        model = with_lora(WeightFile(str(file), "style"), read_checkpoint(path, "x").model, None, strength).model
        assert model is not None
        with Weights("cpu", "fp32").lend(model) as network:
            made = network._lease.compute(lambda denoiser, _: asked(denoiser.get_submodule("unet")))
        torch.testing.assert_close(made, wanted, rtol=1e-3, atol=1e-3)


def test_a_run_that_was_cut_off_gives_the_same_bits_and_trains_the_changes_alone(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(style, "BATCH", 2)
    teacher = read_teacher(ROOT / CHECKPOINT)
    layer = teacher.unet.get_submodule("down_blocks.0.resnets.0.conv1")
    before = layer.weight.clone()  # pyright: ignore[reportCallIssue] — a weight
    whole = train_style(tmp_path / "whole.pt", STYLES["blueprint"], teacher, GLYPHS, 2).state_dict()
    assert torch.equal(layer.weight, before)  # pyright: ignore[reportArgumentType] — a weight
    assert all(weight.abs().max() > 0 for name, weight in whole.items() if "lora_up" in name)
    with monkeypatch.context() as patch:
        cut_after(patch, 1)
        with pytest.raises(KeyboardInterrupt):
            train_style(tmp_path / "cut.pt", STYLES["blueprint"], read_teacher(ROOT / CHECKPOINT), GLYPHS, 2)
    resumed = train_style(
        tmp_path / "cut.pt", STYLES["blueprint"], read_teacher(ROOT / CHECKPOINT), GLYPHS, 2
    ).state_dict()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
