"""Colour profiles (ICC) that picture files carry: from a picture's own colours to sRGB.

8-bit pictures go through LittleCMS. Pillow offers it in 8 bits only, so 16-bit pictures are converted here, in float,
by the profile's curves and matrix; that covers cameras, raw developers and scanners, but not profiles made of tables.
"""

import logging
import struct
from collections.abc import Mapping
from io import BytesIO
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageCms

log = logging.getLogger(__name__)

SRGB_TO_XYZ = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
"""Linear sRGB to CIE XYZ under D50, the white of profiles (IEC 61966-2-1, adapted after Bradford)."""

MODES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "RGB": frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "YCbCr"}),
        "GRAY": frozenset({"1", "L", "LA"}),
        "CMYK": frozenset({"CMYK"}),
        "Lab": frozenset({"LAB"}),
    }
)
"""Which pictures, by Pillow's mode, a profile for a colour space can belong to."""


def eight_bit_srgb(picture: PilImage.Image, profile: bytes | None) -> PilImage.Image:
    """The colours of `picture` in sRGB: mode RGB, 8 bits, alpha left out.

    profile: the ICC profile the file carries. One that is broken or made for another kind of picture is left out with a
    warning in the log, as browsers do. A picture in a profile that is sRGB already keeps its very bytes.
    """
    if profile is None and picture.mode != "LAB":
        return picture.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile) if profile else ImageCms.createProfile("LAB"))
        return _converted(picture, source)
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        log.warning("A picture's colour profile cannot be used, its colours are taken as sRGB: %s", error)
        return picture.convert("RGB")


def deep_srgb(samples: NDArray[np.uint16], profile: bytes) -> NDArray[np.float32] | None:
    """16-bit samples in sRGB, or None if the profile has no matrix and curves for so many channels.

    samples: [H, W, C], C = 1 for grey, 3 for red, green, blue. Returns the same shape in 0..1.
    Follows ICC.1:2022, F.3 (three-component matrix-based profiles) and F.2 (monochrome).
    """
    try:
        tags = _tags(profile)
        if any(name.startswith("A2B") for name in tags):
            return None
        grey = "k" if "kTRC" in tags else "g"  # in a profile for colours, its greys lie on the curve of green
        names = (grey,) if samples.shape[2] == 1 else ("r", "g", "b")
        curves = [_curve(tags[f"{name}TRC"]) for name in names]
        to_linear = _matrix(tags) if len(names) == 3 else np.eye(1)
    except (KeyError, ValueError, struct.error, np.linalg.LinAlgError):
        return None
    if _is_srgb(curves, to_linear):
        return np.asarray(samples, np.float32) / np.float32(65535)
    return _through(samples, curves, to_linear)


def _converted(picture: PilImage.Image, source: ImageCms.ImageCmsProfile) -> PilImage.Image:
    space = source.tobytes()[16:20].decode("latin-1").strip()  # ICC.1:2022, 7.2.8
    if picture.mode not in MODES.get(space, ()):
        raise ValueError(f"it is for {space}, the picture is {picture.mode}")
    mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}[space]
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if mode == "RGB":
        cube = np.stack(np.meshgrid(*[np.arange(0, 256, 15, dtype=np.uint8)] * 3), axis=-1).reshape(1, -1, 3)
        moved = np.asarray(transform.apply(PilImage.fromarray(cube)))
        if np.abs(moved.astype(int) - cube).max() <= 1:
            return picture.convert("RGB")
    return transform.apply(picture.convert(mode))


def _tags(profile: bytes) -> dict[str, bytes]:
    """The tagged elements of a profile, by signature (ICC.1:2022, 7.3)."""
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = [struct.unpack_from(">4sII", profile, 132 + 12 * index) for index in range(min(count, 100))]
    return {name.decode("latin-1"): profile[start : start + size] for name, start, size in entries}


def _matrix(tags: Mapping[str, bytes]) -> NDArray[np.float64]:
    """From the profile's linear red, green and blue to those of sRGB, [3, 3]."""
    columns = [np.array(struct.unpack_from(">8x3i", tags[f"{name}XYZ"])) / 65536 for name in ("r", "g", "b")]
    return np.linalg.inv(SRGB_TO_XYZ) @ np.stack(columns, axis=1)


def _curve(element: bytes) -> NDArray[np.float64]:
    """The linear light of each 16-bit sample, [65536]: an element of type curv or para (ICC.1:2022, 10.6, 10.18)."""
    kind, value = element[:4], np.linspace(0, 1, 65536)
    if kind == b"curv":
        (count,) = struct.unpack_from(">8xI", element)
        table = np.array(struct.unpack_from(f">12x{count}H", element))
        if count == 0:
            return value
        return value ** (table[0] / 256) if count == 1 else np.interp(value, np.linspace(0, 1, count), table / 65535)
    (form,) = struct.unpack_from(">8xH", element)
    if kind != b"para" or form > 4:
        raise ValueError(f"a curve of unknown type {kind!r}, form {form}")
    g, *rest = (number / 65536 for number in struct.unpack_from(f">12x{(1, 3, 4, 5, 7)[form]}i", element))
    a, b, c, d, e, f = [*rest, *[0.0] * 6][:6] if rest else (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if form in (1, 2):
        # Forms 1 and 2 know no linear part: below -b/a they are the constant c.
        c, d, e, f = 0.0, -b / a, c, c
    return np.clip(np.where(value >= d, np.maximum(a * value + b, 0) ** g + e, c * value + f), 0, 1)


def _through(
    samples: NDArray[np.uint16], curves: list[NDArray[np.float64]], to_linear: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Samples [..., C] through the curves of their channels, a matrix [C, C] and sRGB's curve (IEC 61966-2-1)."""
    linear = np.stack([curve.astype(np.float32)[samples[..., index]] for index, curve in enumerate(curves)], axis=-1)
    linear = np.clip(linear @ to_linear.T.astype(np.float32), 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** np.float32(1 / 2.4) - 0.055)


def _is_srgb(curves: list[NDArray[np.float64]], to_linear: NDArray[np.float64]) -> bool:
    """Whether the profile changes nothing that 8 bits could show, asked on a cube of colours."""
    axes = np.meshgrid(*[np.arange(0, 65536, 4369, dtype=np.uint16)] * len(curves))
    cube = np.stack(axes, axis=-1)
    return bool(np.abs(_through(cube, curves, to_linear) - cube / 65535).max() <= 1 / 255)
