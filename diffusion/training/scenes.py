"""Pictures for the autoencoder: wider than the plates, so that it can also hold pictures that nobody drew by name."""

import torch
from torch import Tensor

from diffusion.training.plates import HALF, SIZE

__all__ = ["scenes"]

_SHIFT = 8


def scenes(whole: Tensor, half: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Random scenes [count, 3, 64, 64] in -1..1 from the atlas: glyphs whole, shifted, mirrored and in twos.

    Half of them stand on white, the others on plain and graded grounds of any colour.
    """
    return torch.stack([_scene(whole, half, generator) for _ in range(count)]) * 2 - 1


def _scene(whole: Tensor, half: Tensor, generator: torch.Generator) -> Tensor:
    white, pair, mirror, graded = (torch.rand(4, generator=generator) < torch.tensor([0.5, 0.2, 0.3, 0.5])).tolist()
    picture = torch.ones(3, SIZE, SIZE) if white else _ground(graded, generator)
    first, second = torch.randint(0, len(whole), (2,), generator=generator).tolist()
    top, left, lower = torch.randint(0, HALF + 1, (3,), generator=generator).tolist()
    if pair:
        _paint(picture, half[first], top, left % (HALF // 2))
        _paint(picture, half[second], lower, HALF - left % (HALF // 2))
    elif white and top % 2:
        _paint(picture, whole[first], 0, 0)
    else:
        _paint(picture, whole[first], top % (2 * _SHIFT + 1) - _SHIFT, left % (2 * _SHIFT + 1) - _SHIFT)
    return picture.flip(2) if mirror else picture


def _ground(graded: bool, generator: torch.Generator) -> Tensor:
    """One colour, or a slope from one to another in a random direction."""
    colours = torch.rand(2, 3, 1, 1, generator=generator)
    across, down = torch.rand(2, generator=generator).tolist()
    ramp = torch.linspace(0, 1, SIZE)
    slope = (across * ramp[None, None, :] + down * ramp[None, :, None]) / 2 if graded else torch.zeros(1, SIZE, SIZE)
    return colours[0] + (colours[1] - colours[0]) * slope


def _paint(picture: Tensor, layer: Tensor, top: int, left: int) -> None:
    """Lay a premultiplied RGBA layer over the picture, in place; what stands out is cut."""
    height, width = layer.shape[1:]
    region = picture[:, max(0, top) : top + height, max(0, left) : left + width]
    source = layer[:, max(0, -top) :, max(0, -left) :][:, : region.shape[1], : region.shape[2]]
    region.copy_(source[:3] + region * (1 - source[3:]))
