"""Which glyph a picture shows: nearest drawings by content box, with small shifts allowed."""

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["content", "distances", "ranks"]

EDGE = 28
SHIFT = 2


def content(picture: Tensor) -> Tensor:
    """What stands on the white of a picture [3, H, W] in 0..1, squared with white and resized to [3, 28, 28]."""
    ink = F.avg_pool2d((1 - picture).amax(0, keepdim=True)[None], 3, 1, 1)[0, 0] > 0.1
    rows, columns = ink.any(1).nonzero().flatten(), ink.any(0).nonzero().flatten()
    if len(rows) == 0:
        return torch.ones(3, EDGE, EDGE)
    box = picture[:, int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]
    height, width = box.shape[1:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = F.pad(box, (left, side - width - left, top, side - height - top), value=1.0)
    return F.interpolate(square[None], (EDGE, EDGE), mode="bilinear", antialias=True, align_corners=False)[0].clamp(
        0, 1
    )


def distances(picture: Tensor, bank: Tensor) -> Tensor:
    """Mean squared difference of a picture's content to each of `bank` [N, 3, 28, 28], least over shifts: [N]."""
    framed = F.pad(content(picture), (SHIFT,) * 4, value=1.0)
    corners = [(top, left) for top in range(2 * SHIFT + 1) for left in range(2 * SHIFT + 1)]
    shifted = torch.stack([framed[:, top : top + EDGE, left : left + EDGE] for top, left in corners]).flatten(1)
    known = bank.flatten(1)
    squares = shifted.square().sum(1, keepdim=True) + known.square().sum(1) - 2 * shifted @ known.T
    return squares.amin(0) / known.shape[1]


def ranks(pictures: Tensor, wanted: list[int], drawings: Tensor) -> list[int]:
    """Rank (from 1) of the wanted one among `drawings` [N, 3, H, W] for each picture [B, 3, H, W], all in 0..1."""
    bank = torch.stack([content(drawing) for drawing in drawings])
    found = []
    for picture, index in zip(pictures, wanted, strict=True):
        gaps = distances(picture, bank)
        found.append(int((gaps < gaps[index]).sum()) + 1)
    return found
