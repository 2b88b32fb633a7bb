"""Nodes that filter pictures: blur, sharpness, noise, few colours, morphology, brightness and colour apart."""

from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Le

from diffusion.values import Image
from graph.node import Default, Help, Hint, node
from nodes.sampling import Seed

Radius = Annotated[int, Ge(1), Le(31), Hint(step=1), Help("In pixels; what is farther away counts nothing.")]
SIGMA_HELP = Help("Width of the Gaussian, in parts of the radius.")


class Yuv(NamedTuple):
    """Brightness, and blue and red less brightness."""

    Y: Image
    U: Image
    V: Image


@node("ImageBlur", category="image/postprocessing", title="ImageBlur")
def blur_image(
    image: Image,
    blur_radius: Radius = 1,
    sigma: Annotated[float, Ge(0.1), Le(10.0), Hint(step=0.1), SIGMA_HELP] = 1.0,
) -> Image:
    """Blur a picture with a Gaussian."""
    from diffusion.filters import blur

    return blur(image, blur_radius, sigma)


@node("ImageSharpen", category="image/postprocessing", title="ImageSharpen")
def sharpen_image(
    image: Image,
    sharpen_radius: Radius = 1,
    sigma: Annotated[float, Ge(0.1), Le(10.0), Hint(step=0.01), SIGMA_HELP] = 1.0,
    alpha: Annotated[
        float, Ge(0.0), Le(5.0), Hint(step=0.01), Help("How much; 0.1 adds once what blurring takes away.")
    ] = 1.0,
) -> Image:
    """Sharpen a picture by what blurring would take away (unsharp masking)."""
    from diffusion.filters import sharpened

    return sharpened(image, sharpen_radius, sigma, alpha)


@node("ImageAddNoise", category="image", title="ImageAddNoise")
def add_image_noise(
    image: Image, seed: Seed = 0, strength: Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01)] = 0.5
) -> Image:
    """Add noise that follows from the seed to a picture."""
    from diffusion.filters import noisy

    return noisy(image, seed, strength)


@node("ImageQuantize", category="image/postprocessing", title="ImageQuantize")
def quantize_image(
    image: Image,
    colors: Annotated[int, Ge(1), Le(256), Default(256), Hint(step=1)],
    dither: Annotated[
        Literal["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"],
        Help("How colours between those that are left are hinted at."),
    ],
) -> Image:
    """Show each picture in few colours, chosen for it."""
    from diffusion.quantizing import quantized

    return quantized(image, colors, dither)


@node("Morphology", category="image/postprocessing", title="ImageMorphology")
def morph_image(
    image: Image,
    operation: Annotated[
        Literal["erode", "dilate", "open", "close", "gradient", "bottom_hat", "top_hat"],
        Help("Less or more of what is bright; without small bright (open) or dark (close) spots; edges; those spots."),
    ],
    kernel_size: Annotated[int, Ge(3), Le(999), Hint(step=1), Help("Side of the square looked at, in pixels.")] = 3,
) -> Image:
    """Let what is bright shrink or grow, with all that can be made of the two."""
    from diffusion.morphology import morphed

    return morphed(image, operation, kernel_size)


@node("ImageRGBToYUV", category="image/batch", title="ImageRGBToYUV")
def split_yuv(image: Image) -> Yuv:
    """Take a picture apart into brightness and two differences of colour (BT.601), each a grey picture."""
    from diffusion.yuv import to_yuv

    return Yuv(*to_yuv(image))


@node("ImageYUVToRGB", category="image/batch", title="ImageYUVToRGB")
def join_yuv(Y: Image, U: Image, V: Image) -> Image:  # noqa: N803 — the names that files have
    """Put a picture together from brightness and two differences of colour (BT.601)."""
    from diffusion.yuv import from_yuv

    return from_yuv(Y, U, V)
