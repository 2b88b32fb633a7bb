"""Training of the tiny autoencoder: its sizes, a run that goes on where it was cut off, a file that loads."""

from pathlib import Path

import pytest
import torch

from diffusion.checkpoint import read_vae
from diffusion.memory import Weights
from diffusion.training import tiny
from diffusion.training.export import write_checkpoint
from diffusion.training.loss import decibels
from diffusion.training.teacher import CHECKPOINT, read_teacher
from diffusion.training.tiny import judged, tiny_autoencoder, train_tiny
from tests.diffusion.discs import GLYPHS, cut_after

ROOT = Path(__file__).parents[2]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_decibels():
    assert decibels(torch.full((1, 3, 4, 4), 0.6), torch.full((1, 3, 4, 4), 0.5)) == pytest.approx(20, abs=1e-3)
    assert decibels(torch.full((1, 3, 4, 4), 7.0), torch.full((1, 3, 4, 4), 0.9)) == pytest.approx(20, abs=1e-3)


def test_a_run_that_was_cut_off_gives_the_same_bits(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tiny, "BATCH", 2)
    teacher = read_teacher(ROOT / CHECKPOINT)
    whole = train_tiny(tmp_path / "whole.pt", teacher, GLYPHS, 3).state_dict()
    with monkeypatch.context() as patch:
        cut_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            train_tiny(tmp_path / "cut.pt", teacher, GLYPHS, 3)
    resumed = train_tiny(tmp_path / "cut.pt", teacher, GLYPHS, 3)
    assert all(torch.equal(weight, whole[name]) for name, weight in resumed.state_dict().items())
    figures = judged(teacher, resumed, GLYPHS, tmp_path / "sheet.png")
    assert all(0 < figure < 60 for figure in figures)
    assert (tmp_path / "sheet.png").exists()


def test_what_is_written_is_an_autoencoder_for_sprouts_latents(tmp_path: Path):
    module, path = tiny_autoencoder(), tmp_path / "taesprout.safetensors"
    write_checkpoint(path, module.state_dict(), {"family": "sd1", "latent": {"factor": 4}}, torch.float32)
    vae = read_vae(path, "x")
    assert (vae.space.name, vae.space.factor, vae.space.channels) == ("sd1", 4, 4)
    latent = torch.randn(1, 4, 16, 16, generator=seeded())
    with Weights("cpu", "fp32").lend(vae) as lent, torch.no_grad():
        made = lent.decode(latent / vae.space.scale)
        wanted = module.eval().decode(latent).sample  # pyright: ignore[reportAttributeAccessIssue] — not the tuple
    torch.testing.assert_close(made, wanted, rtol=1e-4, atol=1e-4)
