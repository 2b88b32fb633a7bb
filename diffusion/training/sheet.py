"""Contact sheets: rows of pictures side by side, for looking at what a training has come to."""

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

__all__ = ["write_sheet"]


def write_sheet(path: Path, rows: Sequence[Tensor], enlarge: int = 2) -> None:
    """Write a PNG file of batches of pictures [B, 3, H, W] in 0..1, a batch a row, pixels `enlarge` times as large."""
    table = torch.cat([torch.cat(list(row.clamp(0, 1)), 2) for row in rows], 1)
    pixels = (table * 255).round().byte().movedim(0, -1).numpy()
    picture = Image.fromarray(pixels)
    picture.resize((picture.width * enlarge, picture.height * enlarge), Image.Resampling.NEAREST).save(path)
