"""Training of the upscaler: large drawings, pairs of pictures, and a run that goes on where it was cut off."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.nn import functional

from diffusion.memory import Weights
from diffusion.training import checkpoint, networks, upscaler
from diffusion.training.export import write_checkpoint
from diffusion.training.loop import Training
from diffusion.training.renders import render, wanted
from diffusion.training.upscaler import (
    Redraw,
    gains,
    large_scenes,
    network,
    pairs,
    read_drawings,
    reduced,
    train_upscaler,
)
from diffusion.upscalers import read_upscaler
from diffusion.upscalers.compact import CompactNet


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def discs() -> torch.Tensor:
    """Two filled circles, premultiplied."""
    rows, columns = torch.meshgrid(torch.arange(256) - 127.5, torch.arange(256) - 127.5, indexing="ij")
    drawings = torch.zeros(2, 4, 256, 256, dtype=torch.uint8)
    for index, (radius, colour) in enumerate(((110, (220, 20, 40, 255)), (60, (20, 160, 60, 255)))):
        drawings[index, :, torch.hypot(rows, columns) <= radius] = torch.tensor(colour, dtype=torch.uint8)[:, None]
    return drawings


DRAWINGS = discs()


# ── data ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_drawings_that_are_left_out():
    categories = {"Food": ["red-apple", "gone"], "Flags": ["crossed-lines"], "People": ["boy", "boy-light-skin-tone"]}
    categories |= {"Symbols": ["keycap-1", "family-man", "rainbow-flag"]}
    icons = dict.fromkeys(name for names in categories.values() for name in names if name != "gone")
    assert wanted(icons, categories) == ["boy", "red-apple"]


def test_rendering_writes_one_file_a_drawing(tmp_path: Path):
    icons = {"width": 128, "height": 128, "icons": {"apple": {"body": "<a/>"}, "pear": {"body": "<b/>", "width": 64}}}
    (tmp_path / "icons.json").write_text(json.dumps(icons), encoding="utf-8")
    (tmp_path / "metadata.json").write_text(json.dumps({"categories": {"Food": ["pear", "apple"]}}), encoding="utf-8")
    documents = []

    def rasterize(text: str) -> bytes:
        documents.append(text)
        return b"png"

    assert render(tmp_path, tmp_path / "drawings", rasterize) == 2
    assert sorted(path.name for path in (tmp_path / "drawings").iterdir()) == ["apple.png", "pear.png"]
    assert 'viewBox="0 0 128 128" width="256" height="256"><a/></svg>' in documents[0]
    assert 'viewBox="0 0 64 128"' in documents[1]


def test_drawings_are_read_premultiplied(tmp_path: Path):
    Image.new("RGBA", (256, 256), (200, 100, 0, 128)).save(tmp_path / "a.png")
    assert read_drawings(tmp_path)[0, :, 7, 9].tolist() == [100, 50, 0, 128]
    Image.new("RGB", (64, 64)).save(tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"b\.png' has 64×64 pixels; drawings have 256×256"):
        read_drawings(tmp_path)
    with pytest.raises(FileNotFoundError, match="There are no PNG files"):
        read_drawings(tmp_path / "nowhere")


def test_scenes_stand_on_white_or_on_colours():
    pictures = large_scenes(DRAWINGS, 16, seeded())
    assert pictures.shape == (16, 3, 256, 256)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    white = (pictures == 1).all(1).float().mean((1, 2)) > 0.3
    assert 3 <= int(white.sum()) <= 13
    assert torch.equal(pictures, large_scenes(DRAWINGS, 16, seeded()))


@pytest.mark.parametrize("seed", range(8))
def test_small_pictures_have_the_colours_of_the_large_ones(seed):
    """Each way of making a picture smaller keeps the mean of smooth pictures."""
    ramp = torch.linspace(0.2, 0.8, 256).expand(1, 3, 256, 256)
    small = reduced(ramp, seeded(seed))
    torch.testing.assert_close(small[..., 4:-4], functional.avg_pool2d(ramp, 4)[..., 4:-4], rtol=0, atol=1e-3)


def test_a_pair_shows_the_same_place():
    small, large = pairs(DRAWINGS, 12, seeded())
    assert small.shape == (12, 3, 32, 32)
    assert large.shape == (12, 3, 128, 128)
    assert (functional.avg_pool2d(large, 4) - small).abs().mean() < 0.01


def test_pictures_drawn_anew_go_through_the_autoencoder():
    redraw = Redraw(networks.autoencoder((32, 32, 32)), 0.18215)
    plain, anew = pairs(DRAWINGS, 6, seeded()), pairs(DRAWINGS, 6, seeded(), redraw)
    changed = [not torch.equal(one, other) for one, other in zip(plain[0], anew[0], strict=True)]
    assert 0 < sum(changed) <= 6
    assert anew[0].shape == plain[0].shape
    assert torch.equal(anew[1][0], pairs(DRAWINGS, 6, seeded(), redraw)[1][0])


# ── training ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def smaller(monkeypatch) -> None:
    """A small network, few pictures in each step."""

    def made() -> CompactNet:
        with networks.seeded(5):
            return CompactNet(channels=3, width=8, layers=1, scale=4)

    monkeypatch.setattr(upscaler, "network", made)
    monkeypatch.setattr(upscaler, "BATCH", 2)


def test_what_a_network_adds_depends_on_the_picture_from_the_beginning():
    """And not on its biases alone, as in a row of layers that each make signals weaker."""
    pictures = torch.rand(2, 3, 24, 24, generator=seeded())
    with torch.no_grad():
        added = network()(pictures) - functional.interpolate(pictures, scale_factor=4)
    assert 0.003 < (added[0] - added[1]).std() < 0.3


@pytest.mark.usefixtures("smaller")
def test_a_run_that_was_cut_off_gives_the_same_bits(tmp_path: Path, monkeypatch):
    whole = train_upscaler(tmp_path / "whole.pt", DRAWINGS, 5).state_dict()
    true = checkpoint.save

    def cut_off(path: Path, training: Training) -> None:
        true(path, training)
        if training.step == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "SAVE_EVERY", 0.0)
        patch.setattr(checkpoint, "save", cut_off)
        with pytest.raises(KeyboardInterrupt):
            train_upscaler(tmp_path / "cut.pt", DRAWINGS, 5)
    assert checkpoint.load(tmp_path / "cut.pt")["step"] == 2
    resumed = train_upscaler(tmp_path / "cut.pt", DRAWINGS, 5).state_dict()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


@pytest.mark.usefixtures("smaller")
def test_a_run_that_is_done_is_not_begun_again(tmp_path: Path):
    first = train_upscaler(tmp_path / "state.pt", DRAWINGS, 2).state_dict()
    again = train_upscaler(tmp_path / "state.pt", DRAWINGS, 2).state_dict()
    assert all(torch.equal(again[name], first[name]) for name in first)


@pytest.mark.usefixtures("smaller")
def test_steps_make_it_better(tmp_path: Path):
    before, _ = gains(upscaler.network(), DRAWINGS, 4)
    trained = train_upscaler(tmp_path / "state.pt", DRAWINGS, 30)
    assert gains(trained, DRAWINGS, 4)[0] > before + 1
    assert not any(weight.requires_grad for weight in trained.parameters())


def test_what_is_written_is_a_model_that_loads(tmp_path: Path):
    module = network().requires_grad_(False)
    path = tmp_path / "sprout-4x.safetensors"
    write_checkpoint(path, module.state_dict(), {"title": "sprout-4x"})
    assert path.stat().st_size < 1.5e6
    recipe = read_upscaler(path, "x")
    assert (recipe.architecture, recipe.scale) == ("compact", 4)
    picture = torch.rand(1, 3, 64, 64, generator=seeded())
    with Weights("cpu", "fp32").lend(recipe) as lent:
        torch.testing.assert_close(lent(picture), module(picture), rtol=0, atol=1e-2)
