"""Nodes that load, save, make and change pictures."""

import uuid
from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Le

from diffusion.values import Image, Mask
from graph.files import File, InFolder, SavedFiles
from graph.folders import OutputFolder, atomic_write
from graph.node import Default, Help, Hint, node
from graph.progress import Preview, Progress, Steps
from graph.record import Record

PICTURE_SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jfif", ".mpo", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"),
    *(".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
)
PictureFile = Annotated[File, InFolder("input", PICTURE_SUFFIXES), Hint(image_upload=True)]
Method = Literal["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]
Target = Annotated[int, Ge(0), Le(16384), Default(512), Hint(step=1), Help("In pixels; 0 keeps the proportions.")]
Margin = Annotated[int, Ge(0), Le(16384), Hint(step=8)]
Place = Annotated[int, Ge(0), Le(16384), Default(0), Hint(step=1)]
Side = Annotated[int, Ge(1), Le(16384), Hint(step=1)]


class LoadedImage(NamedTuple):
    """A picture and the mask of its transparency."""

    IMAGE: Image
    MASK: Mask


class PaddedImage(NamedTuple):
    """A picture with margins and the mask of what shall be painted."""

    IMAGE: Image
    MASK: Mask


@node("LoadImage", category="image")
def load_image(image: PictureFile) -> LoadedImage:
    """Read a picture from the input folder: upright, in sRGB, an animation as a batch. The mask is its transparency."""
    from diffusion.picture_files import read_picture

    return LoadedImage(*read_picture(image.path))


@node("SaveImage", category="image", output=True)
def save_image(
    images: Image,
    filename_prefix: Annotated[
        str, Help("May hold folders, %width%, %height%, %year%, %month%, %day%, %date:yyyy-MM-dd%, …")
    ] = "ComfyUI",
    *,
    output: OutputFolder,
    record: Record,
) -> SavedFiles:
    """Write each picture as an 8-bit PNG file that carries the workflow it came from."""
    return saved_pictures(images, filename_prefix, "output", 4, output, record)


@node("PreviewImage", category="image", output=True)
def preview_image(images: Image, *, output: OutputFolder, record: Record) -> SavedFiles:
    """Show each picture without keeping it: written to the temp folder."""
    return saved_pictures(images, "preview", "temp", 1, output, record)


def _never_the_same() -> str:
    """A picture is handed over each time it is asked for: nothing of it is kept that could be named again."""
    return uuid.uuid4().hex


@node("SaveImageWebsocket", category="image", title="Send Image (Websocket)", output=True, fingerprint=_never_the_same)
def send_image(images: Image, *, record: Record) -> Steps[None]:
    """Hand each picture to those who follow the run, as a PNG of full size. Nothing is written to disk."""
    from diffusion.picture_files import png_files

    files = png_files(images, texts={}, source_type=source_type(record), compress_level=1)
    for index, data in enumerate(files, start=1):
        yield Progress(index, len(files), Preview("image/png", data))


@node("ImageScale", category="image/upscaling", title="Upscale Image")
def scale_image(
    image: Image,
    upscale_method: Method,
    width: Target,
    height: Target,
    crop: Annotated[Literal["disabled", "center"], Help("Cut to the new proportions instead of stretching.")],
) -> Image:
    """Resize a picture to a size in pixels. Width and height 0 change nothing."""
    from diffusion.pictures import scaled

    return scaled(image, width, height, upscale_method, crop)


@node("ImageScaleBy", category="image/upscaling", title="Upscale Image By")
def scale_image_by(
    image: Image, upscale_method: Method, scale_by: Annotated[float, Ge(0.01), Le(8.0), Hint(step=0.01)] = 1.0
) -> Image:
    """Resize a picture by a factor."""
    from diffusion.pictures import scaled_by

    return scaled_by(image, scale_by, upscale_method)


@node("ImageInvert", category="image", title="Invert Image")
def invert_image(image: Image) -> Image:
    """Exchange black and white: 1 − x for every channel."""
    from diffusion.pictures import inverted

    return inverted(image)


@node("ImageBatch", category="image", title="Batch Images")
def batch_images(image1: Image, image2: Image) -> Image:
    """Join two pictures or batches into one batch; the second is cut and resized to the size of the first."""
    from diffusion.pictures import batched

    return batched(image1, image2)


@node("ImagePadForOutpaint", category="image", title="Pad Image for Outpainting")
def pad_image(
    image: Image,
    left: Margin = 0,
    top: Margin = 0,
    right: Margin = 0,
    bottom: Margin = 0,
    feathering: Annotated[
        int, Ge(0), Le(16384), Hint(step=1), Help("In pixels; none if a side of the picture is not over twice that.")
    ] = 40,
) -> PaddedImage:
    """Add grey margins, and the mask to paint them: 1 there, fading into the picture over `feathering` pixels."""
    from diffusion.pictures import padded_for_outpainting

    return PaddedImage(*padded_for_outpainting(image, left, top, right, bottom, feathering))


@node("EmptyImage", category="image", title="EmptyImage")
def empty_image(
    width: Side = 512,
    height: Side = 512,
    batch_size: Annotated[int, Ge(1), Le(4096)] = 1,
    color: Annotated[
        int, Ge(0), Le(0xFFFFFF), Hint(step=1, display="color"), Help("Red, green and blue: 0xRRGGBB.")
    ] = 0,
) -> Image:
    """Make pictures of one colour."""
    from diffusion.pictures import empty

    return empty(width, height, batch_size, color)


@node("ImageCompositeMasked", category="image", title="ImageCompositeMasked")
def composite_images(
    destination: Image,
    source: Image,
    x: Place,
    y: Place,
    resize_source: Annotated[bool, Default(False), Help("First resize the source to the destination.")],
    mask: Annotated[Mask | None, Help("Where the source covers; everywhere if not connected.")] = None,
) -> Image:
    """Lay one picture on another with its upper left corner at (x, y)."""
    from diffusion.pictures import composited

    return composited(destination, source, x, y, resize_source=resize_source, mask=mask)


def source_type(record: Record) -> str | None:
    """What a file says of where its picture is from; None where files shall say nothing."""
    if record.metadata == "none":
        return None
    return "compositeWithTrainedAlgorithmicMedia" if record.uses_pictures else "trainedAlgorithmicMedia"


def saved_pictures(
    images: Image,
    prefix: str,
    kind: Literal["output", "temp"],
    compress_level: int,
    output: OutputFolder,
    record: Record,
) -> SavedFiles:
    """Encode all pictures first, so that a broken batch leaves no file behind."""
    from diffusion.picture_files import png_files

    files = png_files(images, texts=record.texts(), source_type=source_type(record), compress_level=compress_level)
    height, width = images.pixels.shape[1:3]
    paths = output.paths(prefix, len(files), ".png", kind=kind, width=width, height=height)
    for path, data in zip(paths, files, strict=True):
        atomic_write(path, data)
    return SavedFiles(paths, kind)
