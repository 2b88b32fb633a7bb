"""Draws the pictures of the templates: each is run with the bundled model, and what it makes becomes a small WebP.

    python benchmarks/template_pictures.py [NAME ...]

Several pictures become a sheet. They are kept in `workflows/pictures/`; run this after a template was changed.
"""

import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from noisewright import Engine

WORKFLOWS = Path(__file__).resolve().parents[1] / "workflows"
SIDE = 256
LARGEST = 12_000
"""Bytes a picture may have."""


def main(names: Sequence[str]) -> None:
    """Draw those named, or all."""
    target = WORKFLOWS / "pictures"
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Engine(data=folder) as engine:
        for path in sorted(WORKFLOWS.glob("*.json")):
            if names and path.stem not in names:
                continue
            made = [Image.open(file).convert("RGBA") for file in engine.run(path).files]
            size = written(sheet(made), target / f"{path.stem}.webp")
            print(f"{path.stem}: {len(made)} pictures, {size} bytes")


def sheet(pictures: Sequence[Image.Image]) -> Image.Image:
    """All pictures on one of at most 256 pixels a side, row by row, enlarged smoothly."""
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    width, height = (max(picture.size[axis] for picture in pictures) for axis in (0, 1))
    gap = 4 if len(pictures) > 1 else 0
    scale = min((SIDE - gap * (count - 1)) / (count * side) for count, side in ((columns, width), (rows, height)))
    width, height = round(width * scale), round(height * scale)
    whole = (columns * width + gap * (columns - 1), rows * height + gap * (rows - 1))
    drawn = Image.new("RGBA", whole)  # gaps are seen through, in any theme
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        large = picture.resize((width, height), Image.Resampling.LANCZOS)
        drawn.paste(large, (column * (width + gap), row * (height + gap)))
    return drawn


def written(picture: Image.Image, path: Path) -> int:
    """Write a WebP as good as fits; its size in bytes."""
    for quality in range(90, 10, -5):
        picture.save(path, quality=quality, method=6)
        if path.stat().st_size <= LARGEST:
            break
    return path.stat().st_size


if __name__ == "__main__":
    main(sys.argv[1:])
