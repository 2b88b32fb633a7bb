"""Pictures, looked at: what a file is, whether it can be decoded, thumbnails, previews, channels, what it carries.

All of it is work for threads; `in_turn` lends one. Pillow is imported when it is used.
"""

import asyncio
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, ParamSpec, TypeVar

from graph.atomic import atomic_write
from graph.comfyui.pictures import documents_in
from graph.document import NAME
from server.api import Refusal

if TYPE_CHECKING:
    from PIL import Image

P = ParamSpec("P")
T = TypeVar("T")

Channel = Literal["rgba", "rgb", "a"]

MAX_PIXELS = 2**28
"""Of a picture that is decoded here, all its frames together: 1 GB at 4 bytes a pixel."""

SIZES = (64, 128, 256, 512, 1024)
"""Of thumbnails: the longer side, in pixels. Others are rounded up, so that few variants of a picture are kept."""

KEPT = 64
"""Thumbnails kept in each of 256 folders; those not looked at for longest go first."""

CARRIED = (NAME, f"{NAME}_run", "prompt", "workflow", "parameters")
"""The texts of a picture that are handed out: our document and run record, ComfyUI's two, an infotext."""

MAX_FILE = 2**29
"""Bytes of a picture file whose texts are read."""

DECODING = ThreadPoolExecutor(2, thread_name_prefix="pictures")
"""At most two pictures are decoded at once: that bounds the memory they take. Threads are made when first used."""


@dataclass(frozen=True)
class Format:
    """A format of pictures. name: Pillow's. suffixes: of its files, the usual one first. media_type: of its content.

    inline: whether browsers show it as a picture, and nothing else, when it is opened.
    """

    name: str
    suffixes: tuple[str, ...]
    media_type: str
    inline: bool = True


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        item.name: item
        for item in (
            Format("PNG", (".png", ".apng"), "image/png"),
            Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), "image/jpeg"),
            Format("WEBP", (".webp",), "image/webp"),
            Format("GIF", (".gif",), "image/gif"),
            Format("BMP", (".bmp",), "image/bmp"),
            Format("AVIF", (".avif",), "image/avif"),
            Format("TIFF", (".tiff", ".tif"), "image/tiff", inline=False),
        )
    }
)


def format_of(head: bytes) -> Format | None:
    """The format of a picture by its first 32 bytes; None for what is no picture of a known format."""
    name = ""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        name = "PNG"
    elif head.startswith(b"\xff\xd8\xff"):
        name = "JPEG"
    elif head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        name = "WEBP"
    elif head.startswith((b"GIF87a", b"GIF89a")):
        name = "GIF"
    elif head.startswith(b"BM"):
        name = "BMP"
    elif head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"):
        name = "AVIF"
    elif head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        name = "TIFF"
    return FORMATS.get(name)


def format_by_name(name: str) -> Format | None:
    """The format that a file's ending stands for."""
    suffix = os.path.splitext(name)[1].lower()
    return next((item for item in FORMATS.values() if suffix in item.suffixes), None)


async def in_turn(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do work with pictures in one of the threads kept for it."""
    return await asyncio.get_running_loop().run_in_executor(DECODING, lambda: work(*args, **kwargs))


@contextmanager
def opened_picture(source: Path | BinaryIO, limit: int = MAX_PIXELS) -> Iterator["tuple[Format, Image.Image]"]:
    """A picture whose header has been read and no pixel. limit: of its pixels.

    Raises Refusal: 415 `no_picture` for what is none, 413 `too_many_pixels`, both also for what happens in the block:
    decoders raise whatever comes to them when a file is damaged. OSError where the file cannot be opened.
    """
    from PIL import Image

    file = source.open("rb") if isinstance(source, Path) else source
    try:
        file.seek(0)
        kind = format_of(file.read(32))
        Image.init()
        if kind is None or kind.name not in Image.OPEN:
            known = ", ".join(name for name in FORMATS if name in Image.OPEN)
            raise Refusal(415, "no_picture", "The file is no picture of a known format.", f"Known are: {known}.")
        file.seek(0)
        try:
            # As Image.open does, but with a limit of our own in place of the process-wide one.
            picture = Image.OPEN[kind.name][0](file, "")
            with picture:
                _bound(picture, 0, limit)
                yield kind, picture
        except Refusal:
            raise
        except Exception as error:  # noqa: BLE001 — decoders raise anything over damaged files
            message = f"The {kind.name} picture cannot be decoded: {error or type(error).__name__}."
            raise Refusal(415, "no_picture", message, "The file is damaged or cut off.") from error
    finally:
        if isinstance(source, Path):
            file.close()


def examined(source: Path | BinaryIO, limit: int = MAX_PIXELS) -> tuple[Format, int, int]:
    """The format, width and height of a picture, every frame of which has been decoded. Of JPEG the first alone: what
    cameras put behind it (maps of depth and brightness) is often damaged, and no program here looks at it.

    limit: of the pixels of all frames together. Raises Refusal as `opened_picture` does.
    """
    with opened_picture(source, limit) as (kind, picture):
        width, height = picture.size
        pixels, frame = _bound(picture, 0, limit), 0
        picture.load()
        while kind.name != "JPEG" and _seek(picture, frame + 1):
            frame += 1
            pixels = _bound(picture, pixels, limit)
            picture.load()
        return kind, width, height


def thumbnail(path: Path, size: int, format: Literal["webp", "jpeg", "png"] = "webp", *, cache: Path) -> bytes:  # noqa: A002 — Pillow's word
    """A small picture of the first frame: its longer side has at most `size` pixels, rounded up to one of `SIZES`.

    cache: the folder it is kept in, under the file's path, time and size. Raises Refusal as `opened_picture`.
    """
    kept = _kept(path, path.stat(), size, format, cache)
    with suppress(OSError):
        data = kept.read_bytes()
        os.utime(kept)  # looked at now
        return data
    side = _rounded(size)
    with opened_picture(path) as (_, picture):
        from PIL import Image, ImageOps

        picture.draft("RGB", (side, side))
        small = ImageOps.exif_transpose(viewable(picture))
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        data = _encoded(small, format, 80)
    with suppress(OSError):  # where nothing can be kept, it is made anew each time
        atomic_write(kept, data)
        _prune(kept.parent)
    return data


def forget_thumbnails(path: Path, status: os.stat_result, cache: Path) -> None:
    """Remove the thumbnails of a file that goes away."""
    for size in SIZES:
        for format in ("webp", "jpeg", "png"):  # noqa: A001 — Pillow's word
            with suppress(OSError):
                _kept(path, status, size, format, cache).unlink()


def preview(source: Path | BinaryIO, wanted: str, channel: str = "rgba") -> tuple[bytes, str]:
    """A picture encoded anew, to be shown: its bytes and their media type.

    wanted: "webp;90" or "jpeg;80": a format and a quality 1 … 100 (default 90); other formats become webp, and so does
    whatever has a channel "a". Without an alpha channel (`rgb`, jpeg) it becomes RGB.
    """
    name, _, text = wanted.partition(";")
    quality = min(max(int(text), 1), 100) if text.isascii() and text.isdigit() and len(text) < 10 else 90
    name = name if name in ("webp", "jpeg") and "a" not in channel else "webp"
    with opened_picture(source) as (_, picture):
        shown = viewable(picture)
        if name == "jpeg" or channel == "rgb":
            shown = shown.convert("RGB")
        return _encoded(shown, name, quality), f"image/{name}"


def channel(source: Path | BinaryIO, wanted: Channel) -> bytes:
    """A PNG with some channels. "rgb": without alpha. "a": black with the picture's alpha, opaque where it has none.
    "rgba": all.
    """
    from PIL import Image

    with opened_picture(source) as (_, picture):
        whole = viewable(picture)
        if wanted == "rgb":
            return _encoded(whole.convert("RGB"), "png")
        if wanted == "rgba":
            return _encoded(whole.convert("RGBA"), "png")
        alpha = Image.new("RGBA", whole.size)
        alpha.putalpha(whole.convert("RGBA").getchannel("A"))
        return _encoded(alpha, "png")


def metadata(source: Path | BinaryIO) -> dict[str, Any]:
    """What a picture says of itself: width, height, mode, format, frames, and `documents`: by key, the texts it carries
    about how it was made (`CARRIED`), exactly as they stand in it. Nothing else of it is told.
    """
    with opened_picture(source) as (kind, picture):
        facts = {
            "width": picture.width,
            "height": picture.height,
            "mode": picture.mode,
            "format": kind.name,
            "frames": getattr(picture, "n_frames", 1) if kind.name != "JPEG" else 1,
        }
    if isinstance(source, Path):
        with source.open("rb") as file:
            data = file.read(MAX_FILE)
    else:
        source.seek(0)
        data = source.read(MAX_FILE)
    found = documents_in(data)
    return facts | {"documents": {key: _clean(found[key]) for key in CARRIED if key in found}}


def with_alpha(original: Path | BinaryIO, mask: Path | BinaryIO, limit: int = MAX_PIXELS) -> bytes:
    """A PNG with the pixels and texts of one picture and the alpha of another of the same size.

    Raises Refusal as `opened_picture`, and 400 `wrong_size`.
    """
    from PIL import PngImagePlugin

    with opened_picture(mask, limit) as (_, picture):
        alpha = viewable(picture).convert("RGBA").getchannel("A")
    with opened_picture(original, limit) as (_, picture):
        whole = viewable(picture).convert("RGBA")
        texts = dict(getattr(picture, "text", {}))
        if whole.size != alpha.size:
            sizes = f"{alpha.width}×{alpha.height}, the original {whole.width}×{whole.height}"
            raise Refusal(400, "wrong_size", f"The mask has {sizes}.", "Send a mask of the original's size.")
        whole.putalpha(alpha)
        info = PngImagePlugin.PngInfo()
        for key, text in texts.items():
            info.add_text(key, text)
        data = io.BytesIO()
        whole.save(data, "PNG", pnginfo=info, compress_level=4)
        return data.getvalue()


def viewable(picture: "Image.Image") -> "Image.Image":
    """A picture in 8 bits a channel: L, RGB or RGBA. 16 bits are divided by 257, floats taken as 0 … 1."""
    if picture.mode.startswith("I;16"):
        picture = picture.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    elif picture.mode == "I":
        picture = picture.point(lambda value: value * (1 / 257) + 0.5).convert("L")
    elif picture.mode == "F":
        picture = picture.point(lambda value: value * 255.0 + 0.5).convert("L")
    if picture.mode in ("L", "RGB", "RGBA"):
        return picture if picture.mode != "RGB" or "transparency" not in picture.info else picture.convert("RGBA")
    clear = picture.mode in ("LA", "PA", "La", "RGBa") or "transparency" in picture.info
    return picture.convert("RGBA" if clear else "RGB")


def _clean(text: str) -> str:
    """Text that has a UTF-8: damaged pictures may carry halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode()


def _bound(picture: "Image.Image", before: int, limit: int) -> int:
    """The pixels so far and those of this frame. Raises Refusal 413 if they are too many."""
    pixels = before + picture.width * picture.height
    if pixels > limit:
        whole = f"{picture.width}×{picture.height} pixels" + (" a frame" if before else "")
        raise Refusal(413, "too_many_pixels", f"The picture has {whole}; at most {limit} in all are taken.")
    return pixels


def _seek(picture: "Image.Image", frame: int) -> bool:
    """Go to a frame, if there is one."""
    try:
        picture.seek(frame)
    except EOFError:
        return False
    return True


def _encoded(picture: "Image.Image", name: str, quality: int = 90) -> bytes:
    data = io.BytesIO()
    if name == "png":
        picture.save(data, "PNG", compress_level=4)
    elif name == "jpeg":
        picture.convert("RGB").save(data, "JPEG", quality=quality)
    else:
        picture.save(data, "WEBP", quality=quality)
    return data.getvalue()


def _rounded(size: int) -> int:
    return next((side for side in SIZES if side >= size), SIZES[-1])


def _kept(path: Path, status: os.stat_result, size: int, name: str, cache: Path) -> Path:
    """Where the thumbnail of a file as it is now is kept."""
    facts = f"{os.path.realpath(path)}\0{status.st_mtime_ns}\0{status.st_size}\0{_rounded(size)}"
    digest = hashlib.sha256(facts.encode("utf-8", "surrogateescape")).hexdigest()
    return cache / "thumbnails" / digest[:2] / f"{digest[2:]}.{name}"


def _prune(folder: Path) -> None:
    """Keep the thumbnails of a folder that were looked at last."""
    with os.scandir(folder) as entries:
        dated = [(entry.stat().st_mtime_ns, entry.path) for entry in entries]
    for _, path in sorted(dated)[:-KEPT]:
        with suppress(OSError):
            os.unlink(path)
