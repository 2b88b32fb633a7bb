"""Lessons: batches of captions and pictures, drawn from the edition and moved about.

What is learnt from them is where things are and how they look, not where sprout has always seen them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from diffusion.training.glyphs import Glyph
from diffusion.training.plates import Plate, atlas, composed, edition

__all__ = ["APART", "Lessons", "held_out", "moved"]

APART = 60
"""Every so many glyphs one is held out, for judging."""
SHIFT = 8
"""Pixels by which a picture is moved at most."""


class Lessons:
    """Draws batches of plates that show no glyph that is held out."""

    def __init__(self, glyphs: Sequence[Glyph]) -> None:
        self._whole, self._half = atlas(glyphs)
        apart = set(held_out(glyphs))
        plates, shares = edition(glyphs)
        rows = [row for row, plate in enumerate(plates) if apart.isdisjoint(index for index, _ in plate.parts)]
        self._plates = [plates[row] for row in rows]
        self._shares = shares[rows]

    def draw(self, count: int, generator: torch.Generator, dropped: float = 0.0) -> tuple[list[str], Tensor]:
        """Captions, a share `dropped` of them empty, and pictures [count, 3, 64, 64] in 0..1 as they tell."""
        rows = torch.multinomial(self._shares, count, replacement=True, generator=generator).tolist()
        empty = (torch.rand(count, generator=generator) < dropped).tolist()
        captions = ["" if without else self._plates[row].caption for row, without in zip(rows, empty, strict=True)]
        return captions, torch.stack([self.picture(self._plates[row]) for row in rows])

    def picture(self, plate: Plate) -> Tensor:
        """A plate's picture, [3, 64, 64] in 0..1."""
        return composed(plate, self._whole, self._half)


def held_out(glyphs: Sequence[Glyph]) -> list[int]:
    """The indices of the glyphs that no lesson shows."""
    return list(range(0, len(glyphs), APART))


def moved(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures [B, 3, H, W], half of them mirrored, each moved by up to 8 pixels; their margins are drawn out."""
    height, width = pictures.shape[2:]
    wide = F.pad(pictures, (SHIFT,) * 4, mode="replicate")
    corners = torch.randint(0, 2 * SHIFT + 1, (len(pictures), 2), generator=generator).tolist()
    mirrored = (torch.rand(len(pictures), generator=generator) < 0.5).tolist()
    cut = [each[:, y : y + height, x : x + width] for each, (y, x) in zip(wide, corners, strict=True)]
    return torch.stack([each.flip(2) if mirror else each for each, mirror in zip(cut, mirrored, strict=True)])
