"""The Noto Emoji drawings as a training set: glyphs with names, read from the npm package `emoji-datasource-google`.

The package carries Google's 64 px PNGs (Noto Emoji 2.048, Apache-2.0) and `emoji.json` with the Unicode names.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

__all__ = ["Glyph", "caption", "read_glyphs"]

_DROPPED_CATEGORIES = frozenset({"Flags", "Component"})
_DROPPED_SUBCATEGORIES = frozenset({"keycap", "family"})
_GENDERED = frozenset(
    {"person", "person-activity", "person-fantasy", "person-gesture", "person-sport", "person-resting"}
)
_JOINER = "200D"
_FACING_RIGHT = "27A1"
_ADULT = "1F9D1"


@dataclass(frozen=True)
class Glyph:
    """One drawing.

    name: lower-case Unicode name. aliases: other lower-case names that mean this drawing and no other.
    pixels: uint8 [64, 64, 4], straight (not premultiplied) RGBA.
    """

    name: str
    aliases: tuple[str, ...]
    pixels: np.ndarray


def caption(name: str) -> str:
    """A name as a prompt: lower case, single spaces, no colon, comma or underscore."""
    for mark in ":,_":
        name = name.replace(mark, " ")
    return " ".join(name.lower().split())


def read_glyphs(package: Path) -> list[Glyph]:
    """All glyphs of an unpacked `emoji-datasource-google`, in the order of Unicode's chart.

    Left out: flags, keycaps, families, skin tones, the man and woman variants of a person, mirrored ones, and drawings
    whose pixels equal an earlier one's (their names become its aliases).
    Raises FileNotFoundError where `emoji.json` or a picture is missing.
    """
    entries = json.loads((package / "emoji.json").read_text(encoding="utf-8"))
    entries = sorted(filter(_is_wanted, entries), key=lambda entry: entry["sort_order"])
    names: dict[bytes, list[str]] = {}
    pictures: dict[bytes, np.ndarray] = {}
    for entry in entries:
        with Image.open(package / "img" / "google" / "64" / entry["image"]) as file:
            pixels = np.asarray(file.convert("RGBA"))
        key = pixels.tobytes()
        pictures.setdefault(key, pixels)
        names.setdefault(key, []).append(caption(entry["name"]))
        names[key] += [caption(other.replace("-", " ")) for other in entry["short_names"]]
    return _named(names, pictures)


def _is_wanted(entry: dict[str, Any]) -> bool:
    codes = entry["unified"].split("-")
    if not entry["has_img_google"] or entry["category"] in _DROPPED_CATEGORIES:
        return False
    if entry["subcategory"] in _DROPPED_SUBCATEGORIES or _FACING_RIGHT in codes[1:]:
        return False
    if _JOINER not in codes:
        return True
    if entry["subcategory"] == "person-role":
        return codes[0] == _ADULT
    return entry["subcategory"] not in _GENDERED


def _named(names: dict[bytes, list[str]], pictures: dict[bytes, np.ndarray]) -> list[Glyph]:
    """Glyphs whose names are all different: a name belongs to the first glyph that has it as its proper name."""
    taken: set[str] = set()
    proper: dict[bytes, str] = {}
    for key, candidates in names.items():
        free = next((name for name in candidates if name not in taken), None)
        if free is not None:
            proper[key] = free
            taken.add(free)
    glyphs = []
    for key, name in proper.items():
        others = tuple(dict.fromkeys(other for other in names[key] if other not in taken))
        taken.update(others)
        glyphs.append(Glyph(name, others, pictures[key]))
    return glyphs
