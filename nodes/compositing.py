"""Nodes that make one picture of two, and that take transparency apart from colour."""

from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Le

from diffusion.values import Image, Mask
from graph.node import Default, Help, Hint, node


class ImageWithMask(NamedTuple):
    """A picture and the mask of its transparency."""

    IMAGE: Image
    MASK: Mask


@node("ImageBlend", category="image/postprocessing", title="ImageBlend")
def blend_images(
    image1: Image,
    image2: Image,
    blend_factor: Annotated[
        float,
        Ge(0.0),
        Le(1.0),
        Default(0.5),
        Hint(step=0.01),
        Help("0: the first alone, 1: all that the mode makes of both."),
    ],
    blend_mode: Annotated[
        Literal["normal", "multiply", "screen", "overlay", "soft_light", "difference"],
        Help("Difference is the first less the second; what is below 0 becomes black."),
    ],
) -> Image:
    """Mix two pictures by a mode that paint programs know. The second is cut and resized to the first."""
    from diffusion.compositing import blended

    return blended(image1, image2, blend_factor, blend_mode)


@node("SplitImageWithAlpha", category="mask/compositing", title="Split Image with Alpha")
def split_alpha(image: Image) -> ImageWithMask:
    """Take a picture's colours apart from its transparency: the mask is 1 where nothing is seen."""
    from diffusion.compositing import without_alpha

    return ImageWithMask(*without_alpha(image))


@node("JoinImageWithAlpha", category="mask/compositing", title="Join Image with Alpha")
def join_alpha(image: Image, alpha: Annotated[Mask, Help("1 where nothing shall be seen.")]) -> Image:
    """Make a picture transparent where a mask says. The mask is resized to the picture."""
    from diffusion.compositing import with_alpha

    return with_alpha(image, alpha)


@node("PorterDuffImageComposite", category="mask/compositing", title="Porter-Duff Image Composite")
def composite_porter_duff(
    source: Image,
    source_alpha: Annotated[Mask, Help("1 where the source is transparent.")],
    destination: Image,
    destination_alpha: Annotated[Mask, Help("1 where the destination is transparent.")],
    mode: Literal[
        "ADD",
        "CLEAR",
        "DARKEN",
        "DST",
        "DST_ATOP",
        "DST_IN",
        "DST_OUT",
        "DST_OVER",
        "LIGHTEN",
        "MULTIPLY",
        "OVERLAY",
        "SCREEN",
        "SRC",
        "SRC_ATOP",
        "SRC_IN",
        "SRC_OUT",
        "SRC_OVER",
        "XOR",
    ] = "DST",
) -> ImageWithMask:
    """Combine two pictures with their transparency (Porter & Duff 1984). The destination is resized to the source."""
    from diffusion.compositing import composed

    return ImageWithMask(*composed(source, source_alpha, destination, destination_alpha, mode))
