"""Nodes that cut out what is to be repainted, and put it back."""

from typing import Annotated, NamedTuple

from annotated_types import Ge, Le

from diffusion.values import Image, Mask, Stitch
from graph.node import Help, Hint, node
from nodes.image import Method

Target = Annotated[int, Ge(0), Le(16384), Hint(step=8)]


class Crop(NamedTuple):
    """A part of a picture, its mask, and where it belongs."""

    stitch: Stitch
    cropped_image: Image
    cropped_mask: Mask


@node("InpaintCrop", category="image/inpaint", title="Inpaint Crop")
def crop_for_inpainting(
    image: Image,
    mask: Mask,
    invert_mask: Annotated[bool, Help("Repaint what is outside the mask.")] = False,
    fill_holes: Annotated[bool, Help("Repaint also what the mask surrounds.")] = True,
    grow_mask: Annotated[int, Ge(0), Le(4096), Hint(step=1), Help("Pixels by which the mask grows.")] = 0,
    feather: Annotated[
        int, Ge(0), Le(4096), Hint(step=1), Help("Pixels around the mask over which new and old picture mix.")
    ] = 16,
    context_factor: Annotated[
        float, Ge(1.0), Le(100.0), Hint(step=0.05), Help("How much larger than the mask the crop is.")
    ] = 1.5,
    context_pixels: Annotated[
        int, Ge(0), Le(16384), Hint(step=1), Help("Pixels that the crop shows more on each side.")
    ] = 0,
    width: Annotated[
        Target, Help("Of the crop when it is repainted; 0 keeps proportions, both 0 keep the size.")
    ] = 512,
    height: Annotated[
        Target, Help("Of the crop when it is repainted; 0 keeps proportions, both 0 keep the size.")
    ] = 512,
    multiple_of: Annotated[
        int, Ge(1), Le(256), Hint(step=8), Help("Both sides are rounded up to multiples of this.")
    ] = 8,
    resize_method: Method = "lanczos",
    context_mask: Annotated[Mask | None, Help("What else the crop must show.")] = None,
) -> Crop:
    """Cut out what the mask covers, with its surroundings, at the size a model paints best. Repaint the crop, then put
    it back with Inpaint Stitch: nothing outside the feathered mask changes.
    """
    from diffusion.cropping import crop, repainted
    from diffusion.framing import Framing

    framing = Framing(context_factor, context_pixels, width, height, multiple_of, resize_method)
    repaint = repainted(mask, image, invert=invert_mask, fill_holes=fill_holes, grow=grow_mask)
    return Crop(*crop(image, repaint, framing, feather, context_mask))


@node("InpaintStitch", category="image/inpaint", title="Inpaint Stitch")
def stitch_inpainted(stitch: Stitch, image: Image) -> Image:
    """Put repainted crops back into the pictures they were cut from. Several pictures of one crop give as many."""
    from diffusion.cropping import put_back

    return put_back(stitch, image)
