"""Picture files: reading them upright, in sRGB, with all their bits; writing PNG that says how it was made."""

import json
import logging
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import PngImagePlugin
from torch import Tensor

from diffusion.colour_profile import deep_srgb, eight_bit_srgb
from diffusion.deep_samples import BITS_PER_SAMPLE, deep_samples
from diffusion.pictures import levelled
from diffusion.values import Image, Mask

log = logging.getLogger(__name__)

FORMATS: tuple[str, ...] = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
"""What is read. Not all that Pillow knows: some of its formats start other programs or say nothing of their size."""

MAX_SIDE = 16384
MAX_PIXELS = 2**27
"""Limits of a picture, the second for all its frames together: 1.5 GiB as float32 RGB."""

MODES: Mapping[int, str] = MappingProxyType({1: "L", 2: "LA", 3: "RGB", 4: "RGBA"})
"""The PNG modes, by number of channels."""

ORIENTATION = 0x0112
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'Iptc4xmpExt:DigitalSourceType="{}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


class PictureError(ValueError):
    """A picture that cannot be read or written. Its text is a sentence that names the file or the value."""


@dataclass(frozen=True, eq=False)
class Frames:
    """What a picture file holds. colour: float32 [B, H, W, 3]. alpha: float32 [B, H, W] in 0..1, 1 = opaque, or None.

    range, source_bits: as in `Image`.
    """

    colour: Tensor
    alpha: Tensor | None
    range: tuple[float, float] | None
    source_bits: int


@dataclass(frozen=True, eq=False)
class _Frame:
    """One frame. colour: float32 [H, W, 3] in 0..1, or the file's own numbers if `measured`. alpha: [H, W] or None."""

    colour: NDArray[np.float32]
    alpha: NDArray[np.float32] | None
    bits: int
    measured: bool = False


def read_frames(path: Path) -> Frames:
    """Read a picture file: turned by its EXIF orientation, in sRGB by its colour profile, grey as red = green = blue.

    An animation or a file of several pages gives a batch; pages of another size than the first (thumbnails) and the
    extra pictures of an MPO photograph are left out. 16-bit samples keep their bits. Numbers with a sign or of 32 bits
    and floats outside 0..1 stay as they are, with their extremes as `range`.
    Raises PictureError for what is no picture, damaged or without pixels, and, before anything is decoded, for what is
    above MAX_SIDE or MAX_PIXELS.
    """
    name = path.name
    try:
        # Pillow warns of what is refused below, and of damaged metadata, which does no harm to the pixels.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            return _read(path)
    except PictureError:
        raise
    except PilImage.UnidentifiedImageError as error:
        raise PictureError(
            f"'{name}' is not a picture of a format that can be read, or its beginning is damaged. "
            f"The formats are {', '.join(FORMATS)}."
        ) from error
    except PilImage.DecompressionBombError as error:
        raise PictureError(f"Picture '{name}' is too large: {_limits()}") from error
    except Exception as error:  # noqa: BLE001 — decoders given a stranger's bytes raise nearly anything
        if isinstance(error, OSError) and error.errno is not None:
            raise PictureError(f"Picture '{name}' cannot be read: {error.strerror}.") from error
        reason = str(error) or type(error).__name__
        raise PictureError(f"Picture '{name}' is damaged or incomplete and cannot be read: {reason}.") from error


def read_picture(path: Path) -> tuple[Image, Mask]:
    """The picture of a file and the mask of its transparency: 1 − alpha, or 64×64 zeros where the file has no alpha.

    Raises PictureError as `read_frames` does.
    """
    frames = read_frames(path)
    image = Image(frames.colour, range=frames.range, source_bits=frames.source_bits)
    alpha = torch.ones(len(frames.colour), 64, 64) if frames.alpha is None else frames.alpha
    return image, Mask(1 - alpha)


def read_channel(path: Path, channel: str) -> Mask:
    """One channel of a file as a mask: "red", "green" or "blue" as it is, "alpha" as 1 − alpha (opaque: 0).

    Raises PictureError as `read_frames` does.
    """
    frames = read_frames(path)
    if channel == "alpha":
        return Mask(torch.zeros(frames.colour.shape[:3]) if frames.alpha is None else 1 - frames.alpha)
    image = Image(frames.colour, range=frames.range)
    return Mask(levelled(image)[..., ("red", "green", "blue").index(channel)].contiguous())


def png_files(
    image: Image, *, texts: Mapping[str, str], source_type: str | None, compress_level: int = 4
) -> list[bytes]:
    """Each picture of a batch as an 8-bit PNG file: clipped to 0..1 (or the picture's range) and rounded.

    texts: JSON by key, written as tEXt chunks with all but ASCII escaped.
    source_type: the IPTC digital source type, such as "trainedAlgorithmicMedia", written as XMP; None writes no mark.
    compress_level: 0 (none) to 9 (slow).
    Raises PictureError for values that are not finite and for other than 1 to 4 channels.
    """
    info = png_info(texts, source_type)
    return [_png(picture, info, compress_level) for picture in eight_bit(image)]


def eight_bit(image: Image) -> list[PilImage.Image]:
    """Each picture of a batch in 8 bits: clipped to 0..1 (or the picture's range) and rounded.

    Raises PictureError for values that are not finite and for other than 1 to 4 channels.
    """
    pixels = levelled(image)
    channels = pixels.shape[3]
    if channels not in MODES:
        raise PictureError(f"A PNG file has 1 to 4 channels; this picture has {channels}.")
    if broken := int((~pixels.isfinite()).sum()):
        raise PictureError(
            f"{broken} of the picture's {pixels.numel()} values are not finite (NaN or infinity); nothing was saved. "
            "If a model made it, half precision has overflowed: run with --precision fp32."
        )
    levels = pixels.clamp(0, 1).mul(255).round().to(torch.uint8).cpu().numpy()
    return [PilImage.fromarray(each[..., 0] if channels == 1 else each, MODES[channels]) for each in levels]


def png_info(texts: Mapping[str, str], source_type: str | None) -> PngImagePlugin.PngInfo:
    """What a PNG file says beside its pixels. texts, source_type: as `png_files` takes them."""
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, in_ascii(text))  # tEXt is Latin-1, and many readers take it for ASCII
    if source_type is not None:
        info.add_itxt("XML:com.adobe.xmp", XMP.format(SOURCE_TYPES + source_type))
    return info


def in_ascii(text: str) -> str:
    """JSON with all but ASCII escaped: only strings hold more, and as \\uXXXX it is just as good."""
    return re.sub(r"[^\x00-\x7f]+", lambda found: json.dumps(found[0])[1:-1], text)


def _png(picture: PilImage.Image, info: PngImagePlugin.PngInfo, compress_level: int) -> bytes:
    file = BytesIO()
    picture.save(file, format="PNG", pnginfo=info, compress_level=compress_level)
    return file.getvalue()


def _read(path: Path) -> Frames:
    with PilImage.open(path, formats=FORMATS) as picture:
        # The further pictures of an MPO are the other eye, or previews.
        count = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
        _check_size(path.name, picture.size, count)
        first, frames = picture.size, []
        for index in range(count):
            if count > 1:
                picture.seek(index)
            if picture.size == first:
                frames.append(_frame(picture, path, index))
    return _together(frames)


def _check_size(name: str, size: tuple[int, int], count: int) -> None:
    width, height = size
    if max(size) > MAX_SIDE or width * height * count > MAX_PIXELS:
        frames = f" in {count} frames" if count > 1 else ""
        raise PictureError(f"Picture '{name}' is too large: {width}×{height} pixels{frames}; {_limits()}")


def _limits() -> str:
    return f"at most {MAX_SIDE} pixels a side and {MAX_PIXELS:,} in all frames together can be read. Make it smaller."


def _together(frames: list[_Frame]) -> Frames:
    colour = np.stack([frame.colour for frame in frames])
    alpha = None
    if any(frame.alpha is not None for frame in frames):
        opaque = np.ones(colour.shape[1:3], np.float32)
        alpha = torch.from_numpy(np.stack([opaque if frame.alpha is None else frame.alpha for frame in frames]))
    extremes = _range(colour) if frames[0].measured else None
    return Frames(torch.from_numpy(colour), alpha, extremes, frames[0].bits)


def _range(values: NDArray[np.float32]) -> tuple[float, float] | None:
    """The extremes of measured values; None where they keep to 0..1 anyway."""
    finite = values[np.isfinite(values)]
    lowest, highest = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if lowest >= 0 and highest <= 1:
        return None
    return lowest, highest if highest > lowest else lowest + 1


def _frame(picture: PilImage.Image, path: Path, index: int) -> _Frame:
    """The frame that `picture` stands at, turned upright."""
    samples = deep_samples(picture, path, index)
    frame = None if samples is None else _deep_frame(picture, samples)
    if frame is None:
        frame = _measured_frame(picture) if picture.mode in ("I", "F") else _eight_bit_frame(picture)
    # Asked only after decoding: Pillow turns TIFF files itself and then forgets the tag.
    orientation = _orientation(picture)
    alpha = None if frame.alpha is None else _upright(frame.alpha, orientation)
    return _Frame(_upright(frame.colour, orientation), alpha, frame.bits, frame.measured)


def _eight_bit_frame(picture: PilImage.Image) -> _Frame:
    colour = eight_bit_srgb(picture, picture.info.get("icc_profile"))
    alpha = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None
    return _Frame(_unit(colour, 255), None if alpha is None else _unit(alpha, 255), 8)


def _measured_frame(picture: PilImage.Image) -> _Frame:
    """Numbers of more than 16 bits, or with a sign: as they are, for nothing says which of them is white."""
    if picture.format == "PPM" and picture.mode == "I":
        return _Frame(_grey(_unit(picture, 65535)), None, 16)  # Pillow stretches these to 16 bits
    tags: Mapping[int, Any] = getattr(picture, "tag_v2", {})
    return _Frame(_grey(_unit(picture, 1)), None, tags.get(BITS_PER_SAMPLE, (32,))[0], measured=True)


def _deep_frame(picture: PilImage.Image, samples: NDArray[np.uint16]) -> _Frame | None:
    """From 16-bit samples [H, W, 1..4]; None if only 8 bits of them can be brought to sRGB."""
    profile, key = picture.info.get("icc_profile"), picture.info.get("transparency")
    has_alpha = samples.shape[2] in (2, 4)
    colours = samples[..., :-1] if has_alpha else samples
    colour = None if profile is None else deep_srgb(colours, profile)
    if colour is None and profile is not None and colours.shape[2] == 3:
        log.warning("Only 8 bits of a 16-bit picture can be brought to sRGB: its profile is not curves and a matrix.")
        return None
    colour = _unit(colours, 65535) if colour is None else colour
    alpha = None
    if has_alpha:
        alpha = _unit(samples[..., -1], 65535)
    elif key is not None:
        alpha = (samples != np.array(key)).any(axis=-1).astype(np.float32)
    return _Frame(colour if colour.shape[2] == 3 else _grey(colour[..., 0]), alpha, 16)


def _unit(samples: PilImage.Image | NDArray[Any], white: float) -> NDArray[np.float32]:
    return np.asarray(samples, dtype=np.float32) / np.float32(white)


def _grey(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.repeat(values[..., None], 3, axis=-1)


def _orientation(picture: PilImage.Image) -> int:
    try:
        return int(picture.getexif().get(ORIENTATION, 1))
    except Exception as error:  # noqa: BLE001 — a damaged EXIF block does no harm to the pixels
        log.warning("A picture's EXIF data cannot be read, so it is not turned: %s", error)
        return 1


def _upright(frame: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """A frame [H, W, …] turned by its EXIF orientation, 1 to 8 (Exif 2.32, tag 0x0112); other numbers turn nothing."""
    if orientation in (5, 6, 7, 8):
        frame = np.swapaxes(frame, 0, 1)
    if orientation in (3, 4, 7, 8):
        frame = frame[::-1]
    if orientation in (2, 3, 6, 7):
        frame = frame[:, ::-1]
    return np.ascontiguousarray(frame)
