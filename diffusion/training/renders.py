"""The Noto Emoji drawings large: rendered from the SVG files of the npm package `@iconify-json/noto` (Apache-2.0).

    python -m diffusion.training.renders --package DIR --drawings DIR

Rendering is resvg's (`pip install resvg_py`), which nothing else needs.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["SIDE", "Rasterize", "main", "render", "wanted"]

SIDE = 256
"""Pixels a side."""

Rasterize = Callable[[str], bytes]
"""An SVG document → a PNG file."""

DROPPED_CATEGORIES = frozenset({"Flags", "Component"})
DROPPED_PARTS = ("skin-tone", "keycap", "-flag", "family-")
"""What names hold that are left out: as in the small drawings, flags, keycaps, skin tones and families."""


def render(package: Path, folder: Path, rasterize: Rasterize) -> int:
    """Write every wanted drawing as a PNG file of 256×256 pixels with alpha; returns how many.

    Raises FileNotFoundError where the package is not there.
    """
    icons = _read(package / "icons.json")
    folder.mkdir(parents=True, exist_ok=True)
    names = wanted(icons["icons"], _read(package / "metadata.json")["categories"])
    for name in names:
        (folder / f"{name}.png").write_bytes(rasterize(_document(icons, name)))
    return len(names)


def wanted(icons: Mapping[str, Any], categories: Mapping[str, Sequence[str]]) -> list[str]:
    """The names of drawings that are used, in order."""
    named = {name for category, each in categories.items() if category not in DROPPED_CATEGORIES for name in each}
    return sorted(name for name in named & icons.keys() if not any(part in name for part in DROPPED_PARTS))


def main(arguments: Sequence[str]) -> int:
    """Render the drawings; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m diffusion.training.renders", description="Render large drawings.")
    parser.add_argument("--package", type=Path, default=Path(".train/noto"), help="unpacked @iconify-json/noto")
    parser.add_argument("--drawings", type=Path, default=Path(".train/drawings"), help="where PNG files are written")
    options = parser.parse_args(arguments)
    try:
        import resvg_py  # pyright: ignore[reportMissingImports] — only training needs it
    except ImportError:
        parser.exit(1, "Rendering needs resvg: pip install resvg_py\n")
    count = render(options.package, options.drawings, lambda text: bytes(resvg_py.svg_to_bytes(svg_string=text)))
    parser.exit(0, f"{count} drawings in {options.drawings}\n")


def _document(icons: Mapping[str, Any], name: str) -> str:
    icon = icons["icons"][name]
    width, height = (icon.get(side, icons.get(side, SIDE // 2)) for side in ("width", "height"))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width} {height}" width="{SIDE}" height="{SIDE}">{icon["body"]}</svg>'
    )


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
