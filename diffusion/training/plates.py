"""Plates: pictures with captions, composed from glyphs.

What a plate shows beside one whole glyph on white, its caption says.

A caption determines its picture. Pictures are float32 RGB in 0..1, [3, 64, 64].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from diffusion.training.glyphs import Glyph

__all__ = ["COLOURS", "PLACES", "Plate", "atlas", "composed", "edition", "framed_plates", "moved_plates", "pair_plates"]

SIZE = 64
HALF = SIZE // 2

COLOURS = MappingProxyType(
    {
        "red": (214, 40, 40),
        "orange": (245, 130, 32),
        "yellow": (250, 216, 72),
        "green": (56, 158, 74),
        "blue": (40, 98, 214),
        "light blue": (150, 205, 245),
        "purple": (124, 62, 176),
        "pink": (248, 160, 196),
        "brown": (122, 80, 50),
        "gray": (150, 150, 150),
        "black": (16, 16, 16),
    }
)
PLACES = MappingProxyType(
    {
        "on the left": (HALF // 2, 0),
        "on the right": (HALF // 2, HALF),
        "at the top": (0, HALF // 2),
        "at the bottom": (HALF, HALF // 2),
    }
)
"""Name of a place -> (top, left) of a half-size glyph, pixels."""

PHRASES = (
    "a {}",
    "the {}",
    "{} emoji",
    "{} icon",
    "a picture of a {}",
    "a drawing of a {}",
    "a photo of a {}",
    "cute {}",
)

_WHITE = (255, 255, 255)
_CENTRE = (HALF // 2, HALF // 2)


@dataclass(frozen=True)
class Plate:
    """A picture to be composed, and its caption.

    parts: glyphs' indices, each with the (top, left) of its half-size drawing, or None for the whole one.
    ground: RGB, 0..255.
    """

    caption: str
    parts: tuple[tuple[int, tuple[int, int] | None], ...]
    ground: tuple[int, int, int] = _WHITE


def atlas(glyphs: Sequence[Glyph]) -> tuple[Tensor, Tensor]:
    """Premultiplied RGBA in 0..1 of all glyphs: whole [N, 4, 64, 64] and half-size [N, 4, 32, 32] (Lanczos)."""
    whole, half = [], []
    for glyph in glyphs:
        pixels = glyph.pixels.astype(np.float32) / 255
        pixels[..., :3] *= pixels[..., 3:]
        whole.append(pixels.transpose(2, 0, 1))
        planes = [Image.fromarray(plane).resize((HALF, HALF), Image.Resampling.LANCZOS) for plane in whole[-1]]
        half.append(np.stack([np.asarray(plane) for plane in planes]).clip(0, 1))
    return torch.from_numpy(np.stack(whole)), torch.from_numpy(np.stack(half))


def composed(plate: Plate, whole: Tensor, half: Tensor) -> Tensor:
    """The plate's picture, [3, 64, 64] in 0..1; `whole` and `half` are the atlas."""
    picture = (torch.tensor(plate.ground, dtype=torch.float32) / 255)[:, None, None].repeat(1, SIZE, SIZE)
    for index, place in plate.parts:
        source = whole[index] if place is None else half[index]
        top, left = place or (0, 0)
        region = picture[:, top : top + source.shape[1], left : left + source.shape[2]]
        region.copy_(source[:3] + region * (1 - source[3:]))
    return picture


def edition(glyphs: Sequence[Glyph]) -> tuple[list[Plate], Tensor]:
    """The training set: plates, and the share of the samples that each gets (they sum to 1).

    The first plates are the glyphs under their names, in order. 62 % of the samples are these, 10 % other names,
    6 % names in a sentence, 12 % smaller, elsewhere or on a colour, 10 % pairs.
    """
    generator = torch.Generator().manual_seed(7)
    every = range(len(glyphs))
    groups = (
        (0.62, [Plate(glyph.name, ((i, None),)) for i, glyph in enumerate(glyphs)]),
        (0.10, [Plate(alias, ((i, None),)) for i, glyph in enumerate(glyphs) for alias in glyph.aliases]),
        (0.06, [plate for i in every for plate in framed_plates(glyphs, i, generator)]),
        (0.12, [plate for i in every for plate in moved_plates(glyphs, i, generator)]),
        (0.10, pair_plates(glyphs, 4000, generator)),
    )
    plates = [plate for _, group in groups for plate in group]
    shares = [share / len(group) for share, group in groups for _ in group]
    return plates, torch.tensor(shares)


def framed_plates(glyphs: Sequence[Glyph], index: int, generator: torch.Generator) -> list[Plate]:
    """The bare glyph under its names in a longer sentence that adds nothing to the picture, two of them by chance."""
    names = (glyphs[index].name, *glyphs[index].aliases)
    phrases = _drawn(PHRASES, 2, generator)
    return [Plate(phrase.format(_drawn(names, 1, generator)[0]), ((index, None),)) for phrase in phrases]


def moved_plates(glyphs: Sequence[Glyph], index: int, generator: torch.Generator) -> list[Plate]:
    """One glyph small, at two places and on three grounds (these five drawn by chance)."""
    name = glyphs[index].name
    plates = [Plate(f"small {name}", ((index, _CENTRE),))]
    for place in _drawn(tuple(PLACES), 2, generator):
        plates.append(Plate(f"{name} {place}", ((index, PLACES[place]),)))
    for colour in _drawn(tuple(COLOURS), 3, generator):
        plates.append(Plate(f"{name} on {colour} background", ((index, None),), COLOURS[colour]))
    return plates


def pair_plates(glyphs: Sequence[Glyph], count: int, generator: torch.Generator) -> list[Plate]:
    """Plates of two half-size glyphs, "X and Y" (left and right) or "X above Y"."""
    plates = []
    for _ in range(count):
        first, second, upright = torch.randint(0, len(glyphs) * 3, (3,), generator=generator).tolist()
        first, second = first % len(glyphs), second % len(glyphs)
        word, one, other = (
            ("above", "at the top", "at the bottom") if upright % 3 == 0 else ("and", "on the left", "on the right")
        )
        parts = ((first, PLACES[one]), (second, PLACES[other]))
        plates.append(Plate(f"{glyphs[first].name} {word} {glyphs[second].name}", parts))
    return plates


def _drawn(names: tuple[str, ...], count: int, generator: torch.Generator) -> list[str]:
    return [names[i] for i in torch.randperm(len(names), generator=generator)[:count].tolist()]
