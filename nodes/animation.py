"""Nodes that save a batch of pictures as a moving one."""

from types import MappingProxyType
from typing import Annotated, Literal

from annotated_types import Ge, Le

from diffusion.values import Image
from graph.files import SavedFiles
from graph.folders import OutputFolder, atomic_write
from graph.node import Default, Help, Hint, node
from graph.record import Record
from nodes.image import source_type

Fps = Annotated[float, Ge(0.01), Le(1000.0), Default(6.0), Hint(step=0.01), Help("Pictures a second.")]
Prefix = Annotated[str, Default("ComfyUI"), Help("As in Save Image.")]

EFFORTS = MappingProxyType({"default": 4, "fastest": 0, "slowest": 6})


@node("SaveAnimatedWEBP", category="image/animation", title="SaveAnimatedWEBP", output=True)
def save_animated_webp(
    images: Image,
    filename_prefix: Prefix,
    fps: Fps,
    lossless: Annotated[bool, Default(True)],
    quality: Annotated[int, Ge(0), Le(100), Default(80), Help("Without losses: how long to look for a small file.")],
    method: Annotated[Literal["default", "fastest", "slowest"], Help("Slower makes smaller files.")],
    *,
    output: OutputFolder,
    record: Record,
) -> SavedFiles:
    """Write the pictures as the frames of one WebP file that carries the workflow they came from."""
    from diffusion.animation_files import animated_webp

    data = animated_webp(
        images,
        fps,
        texts=record.texts(),
        source_type=source_type(record),
        lossless=lossless,
        quality=quality,
        effort=EFFORTS[method],
    )
    return _saved(data, images, filename_prefix, ".webp", output)


@node("SaveAnimatedPNG", category="image/animation", title="SaveAnimatedPNG", output=True)
def save_animated_png(
    images: Image,
    filename_prefix: Prefix,
    fps: Fps,
    compress_level: Annotated[int, Ge(0), Le(9), Default(4)],
    *,
    output: OutputFolder,
    record: Record,
) -> SavedFiles:
    """Write the pictures as the frames of one animated PNG file that carries the workflow they came from."""
    from diffusion.animation_files import animated_png

    data = animated_png(
        images, fps, texts=record.texts(), source_type=source_type(record), compress_level=compress_level
    )
    return _saved(data, images, filename_prefix, ".png", output)


def _saved(data: bytes, images: Image, prefix: str, suffix: str, output: OutputFolder) -> SavedFiles:
    height, width = images.pixels.shape[1:3]
    paths = output.paths(prefix, 1, suffix, width=width, height=height)
    atomic_write(paths[0], data)
    return SavedFiles(paths)
