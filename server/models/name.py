"""Names of model files: those people give, and those that come from elsewhere and are not trusted."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from server.models.error import ModelError

LONGEST = 180
"""Bytes a part of a name may have: file systems allow 255, and ours add to them."""

RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that are devices on Windows, whatever their ending."""

UNWANTED = '<>:"|?*\\'


def checked_name(name: str, suffixes: Sequence[str]) -> str:
    """A name somebody gave, `\\` as `/`. Raises ModelError where it is none for a model file."""
    name = name.replace("\\", "/")
    parts = name.split("/")
    if not all(_is_plain(part) for part in parts):
        raise ModelError(
            "bad_name", f"'{_brief(name)}' cannot be the name of a model file.", "Name it like 'sdxl/tree.safetensors'."
        )
    if not has_suffix(name, suffixes):
        raise ModelError(
            "unsupported_suffix",
            f"'{_brief(parts[-1])}' does not end as model files do.",
            f"Those that can be used end in {', '.join(suffixes)}; give it such a name if it is one.",
        )
    return PurePosixPath(*parts).as_posix()


def tamed_name(name: str) -> str:
    """A name that came from elsewhere as one for a file in one folder; "" where nothing is left of it."""
    base = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    kept = "".join("_" if letter in UNWANTED else letter for letter in base if unicodedata.category(letter)[0] != "C")
    kept = kept.strip(" .")
    if len(kept.encode()) > LONGEST:
        stem, dot, suffix = kept.rpartition(".")
        kept = stem.encode()[: LONGEST - len(suffix.encode()) - 1].decode(errors="ignore") + dot + suffix
    return kept if _is_plain(kept) else ""


def has_suffix(name: str, suffixes: Sequence[str]) -> bool:
    """Whether a name ends as model files do, and is more than that ending."""
    return PurePosixPath(name).suffix.lower() in suffixes


def _is_plain(part: str) -> bool:
    return (
        bool(part)
        and part == part.strip(" .")
        and not RESERVED.fullmatch(part)
        and not any(letter in UNWANTED or unicodedata.category(letter)[0] == "C" for letter in part)
        and len(part.encode(errors="replace")) <= LONGEST
    )


def _brief(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else "�" for letter in text)
    return shown if len(shown) <= 80 else f"{shown[:79]}…"
