"""Glyphs that need no package: filled circles on nothing. And how a training that uses them is cut off."""

from pathlib import Path

import numpy as np
import pytest

from diffusion.training import checkpoint
from diffusion.training.glyphs import Glyph
from diffusion.training.loop import Training


def disc(name: str, colour: tuple[int, int, int], radius: int) -> Glyph:
    """A circle about the centre, under its name and another."""
    rows, columns = np.mgrid[:64, :64] - 31.5
    alpha = np.where(np.hypot(rows, columns) <= radius, 255, 0).astype(np.uint8)
    pixels = np.dstack([np.full((64, 64), value, np.uint8) for value in colour] + [alpha])
    return Glyph(name, (f"{name} disc",), pixels)


GLYPHS = (
    disc("night", (20, 20, 60), 30),
    disc("ruby", (220, 20, 40), 28),
    disc("leaf", (20, 160, 60), 22),
    disc("sky", (60, 120, 240), 12),
)
"""The first one is held out of lessons."""


def cut_after(patch: pytest.MonkeyPatch, step: int) -> None:
    """Let the state be written after every step, and a KeyboardInterrupt end the run behind this one."""
    true = checkpoint.save

    def cut_off(path: Path, training: Training) -> None:
        true(path, training)
        if training.step == step:
            raise KeyboardInterrupt

    patch.setattr(checkpoint, "SAVE_EVERY", 0.0)
    patch.setattr(checkpoint, "save", cut_off)
