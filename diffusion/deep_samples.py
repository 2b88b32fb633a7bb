"""The samples of 16-bit picture files, all 16 bits of them.

Pillow has a mode for 16-bit grey only; of 16-bit colours it unpacks the high byte of each sample. Unpacking the file
once more as if it had the other byte order gives the low byte, with all of Pillow's decompression and filters.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageFile

BITS_PER_SAMPLE, PHOTOMETRIC_INTERPRETATION = 258, 262


def deep_samples(picture: PilImage.Image, path: Path, index: int) -> NDArray[np.uint16] | None:
    """The samples of frame `index`, uint16 [H, W, C], where 65535 is white; None if the picture is not a 16-bit one.

    picture: opened from `path`, standing at that frame, not yet decoded. C: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
    """
    if picture.mode.startswith("I;16"):
        return _grey(picture)
    if picture.format not in ("PNG", "TIFF") or not isinstance(picture, ImageFile.ImageFile):
        return None
    if picture.format == "PNG" and getattr(picture, "is_animated", False):
        return None  # Pillow lays the frames of an animation over each other, in 8 bits
    swapped = {_other_bytes(_raw_mode(tile)) for tile in picture.tile}
    other = swapped.pop() if len(swapped) == 1 else None
    if other is None:
        return None
    high = np.asarray(picture).astype(np.uint16)
    with PilImage.open(path, formats=[picture.format]) as again:
        if index:
            again.seek(index)
        again.tile = [tile._replace(args=_with_raw_mode(tile, other)) for tile in again.tile]
        low = np.asarray(again).astype(np.uint16)
    if other == "RGBA":
        high, low = low[..., 0::2], low[..., 1::2]
    return np.bitwise_or(np.left_shift(high, 8, dtype=np.uint16), low, dtype=np.uint16)


def _grey(picture: PilImage.Image) -> NDArray[np.uint16]:
    samples = np.asarray(picture).astype(np.uint16)
    tags: Mapping[int, Any] = getattr(picture, "tag_v2", {})
    bits = tags.get(BITS_PER_SAMPLE, (16,))[0]
    if bits < 16:
        samples = (samples / (2**bits - 1) * 65535).round().astype(np.uint16)
    # 0: white is zero. Pillow turns that round for pictures of 8 bits only.
    return (65535 - samples if tags.get(PHOTOMETRIC_INTERPRETATION) == 0 else samples)[..., None]


def _raw_mode(tile: Any) -> str:
    """How a part of the file is unpacked, by Pillow's name; it stands alone or first of several arguments."""
    return tile.args if isinstance(tile.args, str) else tile.args[0]


def _with_raw_mode(tile: Any, raw: str) -> str | tuple[Any, ...]:
    return raw if isinstance(tile.args, str) else (raw, *tile.args[1:])


def _other_bytes(raw: str) -> str | None:
    """The raw mode that unpacks the bytes which `raw` leaves out; None where `raw` is not 16-bit colour."""
    if raw == "LA;16B":
        return "RGBA"  # the same four bytes of a pixel, each as a channel
    kind, _, order = raw.partition(";16")
    little = {"L": True, "B": False, "N": sys.byteorder == "little"}.get(order)
    if kind not in ("RGB", "RGBA") or little is None:
        return None
    return f"{kind};16{'B' if little else 'L'}"
