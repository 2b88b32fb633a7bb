"""Files of moving pictures: a batch as the frames of an animated PNG or WebP that says how it was made."""

from collections.abc import Mapping
from io import BytesIO

from PIL import Image as PilImage

from diffusion.picture_files import SOURCE_TYPES, XMP, eight_bit, in_ascii, png_info
from diffusion.values import Image

MODEL_TAG = 0x0110
"""The EXIF tag in which readers of WebP files look for "prompt:" and JSON; further texts are in the tags before it."""


def animated_png(
    image: Image, fps: float, *, texts: Mapping[str, str], source_type: str | None, compress_level: int = 4
) -> bytes:
    """A batch as one animated PNG that begins anew after its last frame.

    fps: frames a second; a frame is shown for whole milliseconds, rounded down, 1 at least. texts, source_type,
    compress_level: as in `diffusion.picture_files.png_files`. Raises PictureError as that does.
    """
    first, *others = eight_bit(image)
    file = BytesIO()
    first.save(
        file,
        format="PNG",
        save_all=True,
        append_images=others,
        duration=_milliseconds(fps),
        loop=0,
        pnginfo=png_info(texts, source_type),
        compress_level=compress_level,
    )
    return file.getvalue()


def animated_webp(
    image: Image,
    fps: float,
    *,
    texts: Mapping[str, str],
    source_type: str | None,
    lossless: bool = True,
    quality: int = 80,
    effort: int = 4,
) -> bytes:
    """A batch as one animated WebP that begins anew after its last frame.

    fps, source_type: as in `animated_png`. texts: JSON by key, written as EXIF. quality: 0 to 100; of a lossless file
    it is how long to look for a small one. effort: 0 (fast) to 6 (small). Raises PictureError as `animated_png` does.
    """
    first, *others = (
        picture.convert("RGBA" if picture.mode in ("LA", "RGBA") else "RGB") for picture in eight_bit(image)
    )
    exif = PilImage.Exif()
    keys = sorted(texts, key=lambda key: key != "prompt")
    for tag, key in zip(range(MODEL_TAG, 0, -1), keys, strict=False):
        exif[tag] = f"{key}:{in_ascii(texts[key])}"
    file = BytesIO()
    first.save(
        file,
        format="WEBP",
        save_all=True,
        append_images=others,
        duration=_milliseconds(fps),
        loop=0,
        lossless=lossless,
        quality=quality,
        method=effort,
        exif=exif,
        xmp=b"" if source_type is None else XMP.format(SOURCE_TYPES + source_type).encode(),
    )
    return file.getvalue()


def _milliseconds(fps: float) -> int:
    return max(1, int(1000 / fps))
