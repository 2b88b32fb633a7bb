"""Nodes that cut, turn, frame and scale pictures, set them side by side and pick them from batches."""

from typing import Annotated, Literal

from annotated_types import Ge, Le

from diffusion.values import Image
from graph.node import Default, Help, Hint, node
from nodes.image import Method, Place, Side
from nodes.latent import QUARTER_TURNS, Rotation

COLOURS = {
    "white": (1.0, 1.0, 1.0),
    "black": (0.0, 0.0, 0.0),
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
}


@node("ImageCrop", category="image/transform", title="Image Crop")
def crop_image(
    image: Image,
    width: Annotated[Side, Default(512)],
    height: Annotated[Side, Default(512)],
    x: Place,
    y: Place,
) -> Image:
    """Cut a part out of a picture. What would lie beyond its edge is left out."""
    from diffusion.transforms import cropped

    return cropped(image, width, height, x, y)


@node("ImageFlip", category="image/transform", title="ImageFlip")
def flip_image(image: Image, flip_method: Literal["x-axis: vertically", "y-axis: horizontally"]) -> Image:
    """Mirror a picture: top and bottom change places, or left and right."""
    from diffusion.transforms import flipped

    return flipped(image, vertically=flip_method == "x-axis: vertically")


@node("ImageRotate", category="image/transform", title="ImageRotate")
def rotate_image(image: Image, rotation: Rotation) -> Image:
    """Turn a picture clockwise."""
    from diffusion.transforms import turned

    return turned(image, QUARTER_TURNS[rotation])


@node("ImageStitch", category="image/transform", title="Image Stitch")
def stitch_images(
    image1: Image,
    direction: Annotated[
        Literal["right", "down", "left", "up"], Default("right"), Help("Where the second picture goes.")
    ],
    match_image_size: Annotated[
        bool, Default(True), Help("Resize the second until the sides that meet are equally long; else add margins.")
    ],
    spacing_width: Annotated[
        int, Ge(0), Le(1024), Default(0), Hint(step=2), Help("Pixels between them, made an even number.")
    ],
    spacing_color: Annotated[
        Literal["white", "black", "red", "green", "blue"], Default("white"), Help("Of the gap, and of margins.")
    ],
    image2: Image | None = None,
) -> Image:
    """Set two pictures side by side."""
    if image2 is None:
        return image1
    from diffusion.transforms import stitched

    colour = COLOURS[spacing_color]
    return stitched(image1, image2, direction, match=match_image_size, spacing=spacing_width, colour=colour)


@node("ResizeAndPadImage", category="image/transform", title="ResizeAndPadImage")
def frame_image(
    image: Image,
    target_width: Annotated[Side, Default(512)],
    target_height: Annotated[Side, Default(512)],
    padding_color: Literal["white", "black"],
    interpolation: Literal["area", "bicubic", "nearest-exact", "bilinear", "lanczos"],
) -> Image:
    """Fit the whole picture into a size, in its proportions, with margins around it."""
    from diffusion.transforms import framed

    return framed(image, target_width, target_height, COLOURS[padding_color], interpolation)


@node("ImageScaleToTotalPixels", category="image/upscaling", title="ImageScaleToTotalPixels")
def scale_to_total_pixels(
    image: Image,
    upscale_method: Method,
    megapixels: Annotated[float, Ge(0.01), Le(16.0), Hint(step=0.01), Help("Times 1024×1024 pixels.")] = 1.0,
) -> Image:
    """Resize a picture to a number of pixels, in its proportions."""
    from diffusion.transforms import scaled_to_area

    return scaled_to_area(image, megapixels, upscale_method)


@node("ImageScaleToMaxDimension", category="image/upscaling", title="ImageScaleToMaxDimension")
def scale_to_max_dimension(
    image: Image,
    upscale_method: Literal["area", "lanczos", "bilinear", "nearest-exact", "bicubic"],
    largest_size: Annotated[
        int, Ge(0), Le(16384), Hint(step=1), Help("In pixels, of the longer side; 0 changes nothing.")
    ] = 512,
) -> Image:
    """Resize a picture until its longer side has a length, in its proportions."""
    from diffusion.transforms import scaled_to_side

    return scaled_to_side(image, largest_size, upscale_method)


@node("ImageFromBatch", category="image/batch", title="ImageFromBatch")
def image_from_batch(
    image: Image, batch_index: Annotated[int, Ge(0), Le(4095)] = 0, length: Annotated[int, Ge(1), Le(4096)] = 1
) -> Image:
    """Take some pictures out of a batch, as many as there are."""
    from diffusion.transforms import picked

    return picked(image, batch_index, length)


@node("RepeatImageBatch", category="image/batch", title="RepeatImageBatch")
def repeat_image_batch(image: Image, amount: Annotated[int, Ge(1), Le(4096)] = 1) -> Image:
    """Repeat a batch of pictures."""
    from diffusion.transforms import repeated

    return repeated(image, amount)
