"""Nodes that load, make and change masks."""

from typing import Annotated, Literal

from annotated_types import Ge, Le

from diffusion.values import Image, Mask
from graph.files import SavedFiles
from graph.folders import OutputFolder
from graph.node import Default, Help, Hint, node
from graph.record import Record
from nodes.image import PictureFile, saved_pictures

Place = Annotated[int, Ge(0), Le(16384), Hint(step=1)]
Side = Annotated[int, Ge(1), Le(16384), Hint(step=1)]
Unit = Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01)]


@node("LoadImageMask", category="mask", title="Load Image (as Mask)")
def load_mask(image: PictureFile, channel: Literal["alpha", "red", "green", "blue"]) -> Mask:
    """Read one channel of a picture as a mask. Alpha is inverted: transparent is 1."""
    from diffusion.picture_files import read_channel

    return read_channel(image.path, channel)


@node("SolidMask", category="mask", title="SolidMask")
def solid_mask(value: Unit = 1.0, width: Side = 512, height: Side = 512) -> Mask:
    """Make a mask of one value."""
    from diffusion.masks import solid

    return solid(value, width, height)


@node("InvertMask", category="mask", title="InvertMask")
def invert_mask(mask: Mask) -> Mask:
    """Exchange inside and outside: 1 − mask."""
    from diffusion.masks import inverted

    return inverted(mask)


@node("CropMask", category="mask", title="CropMask")
def crop_mask(mask: Mask, x: Place = 0, y: Place = 0, width: Side = 512, height: Side = 512) -> Mask:
    """Cut a part out of a mask. What would lie beyond its edge is left out."""
    from diffusion.masks import cropped

    return cropped(mask, x, y, width, height)


@node("MaskComposite", category="mask", title="MaskComposite")
def combine_masks(
    destination: Mask,
    source: Mask,
    x: Annotated[Place, Default(0)],
    y: Annotated[Place, Default(0)],
    operation: Literal["multiply", "add", "subtract", "and", "or", "xor"],
) -> Mask:
    """Lay one mask on another at (x, y) and combine them there."""
    from diffusion.masks import combined

    return combined(destination, source, x, y, operation)


@node("FeatherMask", category="mask", title="FeatherMask")
def feather_mask(mask: Mask, left: Place = 0, top: Place = 0, right: Place = 0, bottom: Place = 0) -> Mask:
    """Let a mask rise evenly from its edges, over so many pixels each."""
    from diffusion.masks import feathered

    return feathered(mask, left, top, right, bottom)


@node("GrowMask", category="mask", title="GrowMask")
def grow_mask(
    mask: Mask,
    expand: Annotated[int, Ge(-16384), Le(16384), Hint(step=1), Help("In pixels; negative shrinks.")] = 0,
    tapered_corners: Annotated[bool, Help("Grow points to diamonds instead of squares.")] = True,
) -> Mask:
    """Grow what a mask covers, or shrink it."""
    from diffusion.masks import grown

    return grown(mask, expand, tapered_corners=tapered_corners)


@node("ThresholdMask", category="mask", title="ThresholdMask")
def threshold_mask(mask: Mask, value: Unit = 0.5) -> Mask:
    """Make a mask hard: 1 above `value`, else 0."""
    from diffusion.masks import thresholded

    return thresholded(mask, value)


@node("ImageToMask", category="mask", title="Convert Image to Mask")
def image_to_mask(image: Image, channel: Literal["red", "green", "blue", "alpha"]) -> Mask:
    """Take one channel of a picture as a mask."""
    from diffusion.masks import from_channel

    return from_channel(image, channel)


@node("MaskToImage", category="mask", title="Convert Mask to Image")
def mask_to_image(mask: Mask) -> Image:
    """Turn a mask into a grey picture."""
    from diffusion.masks import to_image

    return to_image(mask)


@node("ImageColorToMask", category="mask", title="ImageColorToMask")
def color_to_mask(
    image: Image,
    color: Annotated[
        int, Ge(0), Le(0xFFFFFF), Hint(step=1, display="color"), Help("Red, green and blue: 0xRRGGBB.")
    ] = 0,
) -> Mask:
    """Mask the pixels that have exactly one colour, counted in 8 bits."""
    from diffusion.masks import from_colour

    return from_colour(image, color)


@node("MaskPreview", category="mask", title="MaskPreview", output=True)
def preview_mask(mask: Mask, *, output: OutputFolder, record: Record) -> SavedFiles:
    """Show each mask as a grey picture without keeping it: written to the temp folder."""
    from diffusion.masks import to_image

    return saved_pictures(to_image(mask), "preview", "temp", 1, output, record)
