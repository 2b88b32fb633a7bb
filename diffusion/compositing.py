"""Two pictures [B, H, W, C] made one: by blend modes, and by Porter and Duff's operators with their transparency."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from torch import Tensor

from diffusion.masks import cycled, fitted
from diffusion.pictures import levelled, relevelled, scaled, with_channels
from diffusion.tables import look_up
from diffusion.values import Image, Mask

LEAST_ALPHA = 1e-5
"""What is more transparent than this has no colour: it becomes black."""


def blended(first: Image, second: Image, factor: float, mode: str) -> Image:
    """first · (1 − factor) + mode(first, second) · factor, clipped to the first's range.

    mode: a name in BLENDS. A second picture of another size is cut to the first's proportions and resized bicubically;
    the shorter batch begins again. Alpha, where one of them has it, is mixed without a mode. Raises ValueError for an
    unknown mode.
    """
    blend = look_up(BLENDS, mode, "blend mode")
    height, width = first.pixels.shape[1:3]
    second = scaled(second, width, height, "bicubic", "center")
    channels = max(first.pixels.shape[3], second.pixels.shape[3])
    batch = max(len(first.pixels), len(second.pixels))
    below, above = (cycled(with_channels(levelled(image), channels), batch) for image in (first, second))
    mixed = blend(below, above)
    if channels in (2, 4):
        mixed[..., -1] = above[..., -1]
    return replace(first, pixels=relevelled(first, torch.lerp(below, mixed, factor).clamp(0, 1)))


def with_alpha(image: Image, transparency: Mask) -> Image:
    """A picture with an alpha channel: 1 − the mask, which is resized bilinearly. The shorter batch begins again."""
    batch = max(len(image.pixels), len(transparency.values))
    colours = cycled(_colours(image.pixels), batch)
    alpha = 1 - fitted(transparency, image.pixels.shape[1], image.pixels.shape[2], batch)
    return replace(image, pixels=torch.cat([colours, relevelled(image, alpha)[..., None]], dim=-1))


def without_alpha(image: Image) -> tuple[Image, Mask]:
    """A picture's colours, and the mask of its transparency: 1 − alpha, 0 everywhere if there is no alpha."""
    pixels = image.pixels
    channels = pixels.shape[3]
    if channels not in (2, 4):
        return image, Mask(torch.zeros(pixels.shape[:3]))
    return replace(image, pixels=_colours(pixels).clone()), Mask(1 - levelled(image)[..., -1])


@dataclass(frozen=True, eq=False)
class Layer:
    """A picture with its transparency. colour: float32 [B, H, W, C], times alpha. alpha: [B, H, W, 1], 1 = opaque."""

    colour: Tensor
    alpha: Tensor


def composed(
    source: Image, source_transparency: Mask, destination: Image, destination_transparency: Mask, mode: str
) -> tuple[Image, Mask]:
    """What Porter and Duff's operator, or a blend mode with transparency, makes of two pictures, and its transparency.

    mode: a name in OPERATORS. Masks are resized to their pictures; then the destination is cut to the source's
    proportions and resized bicubically. The shorter batches begin again. Alpha channels are left out: the masks
    say what is transparent. Raises ValueError for an unknown mode.
    """
    operator = look_up(OPERATORS, mode, "mode of compositing")
    channels = 1 if {source.pixels.shape[3], destination.pixels.shape[3]} <= {1, 2} else 3
    pairs = (source, source_transparency), (destination, destination_transparency)
    batch = max(len(tensor) for image, mask in pairs for tensor in (image.pixels, mask.values))
    above, below = (_layer(image, mask, source, channels, batch) for image, mask in pairs)
    result = operator(above, below)
    colour = torch.where(result.alpha > LEAST_ALPHA, result.colour / result.alpha, 0.0).clamp(0, 1)
    return replace(source, pixels=relevelled(source, colour)), Mask(1 - result.alpha[..., 0])


def _layer(image: Image, transparency: Mask, like: Image, channels: int, batch: int) -> Layer:
    """A picture of the size and range of another, with its transparency."""
    height, width = like.pixels.shape[1:3]
    alpha = 1 - fitted(transparency, image.pixels.shape[1], image.pixels.shape[2], len(transparency.values))
    colours = replace(image, pixels=with_channels(_colours(image.pixels), channels))
    seen = scaled(colours, width, height, "bicubic", "center")
    alpha = scaled(Image(alpha[..., None]), width, height, "bicubic", "center").pixels
    alpha = cycled(alpha, batch)
    return Layer(cycled(levelled(seen), batch) * alpha, alpha)


def _colours(pixels: Tensor) -> Tensor:
    """Pixels without alpha."""
    return pixels[..., :-1] if pixels.shape[3] in (2, 4) else pixels


def _overlay(below: Tensor, above: Tensor) -> Tensor:
    return torch.where(below <= 0.5, 2 * below * above, 1 - 2 * (1 - below) * (1 - above))


def _soft_light(below: Tensor, above: Tensor) -> Tensor:
    """W3C, "Compositing and Blending Level 1", §9.1.9."""
    curve = torch.where(below <= 0.25, ((16 * below - 12) * below + 4) * below, below.clamp(min=0).sqrt())
    darker = below - (1 - 2 * above) * below * (1 - below)
    return torch.where(above <= 0.5, darker, below + (2 * above - 1) * (curve - below))


BLENDS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "normal": lambda below, above: above.clone(),
        "multiply": torch.mul,
        "screen": lambda below, above: 1 - (1 - below) * (1 - above),
        "overlay": _overlay,
        "soft_light": _soft_light,
        "difference": torch.sub,
    }
)
"""What becomes of the first picture (below) under the second (above), both 0..1, by name. Differences have a sign."""


def _shown(of_source: Callable[[Layer, Layer], Tensor], of_destination: Callable[[Layer, Layer], Tensor]) -> "Operator":
    """The sum of both layers, each times a share: Porter & Duff 1984, "Compositing Digital Images", §4.2."""

    def operator(source: Layer, destination: Layer) -> Layer:
        shares = of_source(source, destination), of_destination(source, destination)
        colour = source.colour * shares[0] + destination.colour * shares[1]
        return Layer(colour, source.alpha * shares[0] + destination.alpha * shares[1])

    return operator


def _united(colour: Callable[[Layer, Layer], Tensor]) -> "Operator":
    """A blend mode: opaque where one of both layers is."""
    return lambda source, destination: Layer(
        colour(source, destination), source.alpha + destination.alpha - source.alpha * destination.alpha
    )


def _outside(source: Layer, destination: Layer) -> Tensor:
    """Each layer where the other is not."""
    return (1 - destination.alpha) * source.colour + (1 - source.alpha) * destination.colour


def _overlaid(source: Layer, destination: Layer) -> Tensor:
    dark = 2 * source.colour * destination.colour
    product = source.alpha * destination.alpha
    bright = product - 2 * (destination.alpha - destination.colour) * (source.alpha - source.colour)
    return torch.where(2 * destination.colour < destination.alpha, dark, bright)


def _zero(source: Layer, destination: Layer) -> Tensor:
    return torch.zeros_like(source.alpha)


def _one(source: Layer, destination: Layer) -> Tensor:
    return torch.ones_like(source.alpha)


def _of_source(source: Layer, destination: Layer) -> Tensor:
    return source.alpha


def _of_destination(source: Layer, destination: Layer) -> Tensor:
    return destination.alpha


def _not_source(source: Layer, destination: Layer) -> Tensor:
    return 1 - source.alpha


def _not_destination(source: Layer, destination: Layer) -> Tensor:
    return 1 - destination.alpha


def _added(source: Layer, destination: Layer) -> Layer:
    colour = (source.colour + destination.colour).clamp(0, 1)
    return Layer(colour, (source.alpha + destination.alpha).clamp(0, 1))


def _multiplied(source: Layer, destination: Layer) -> Layer:
    return Layer(source.colour * destination.colour, source.alpha * destination.alpha)


Operator = Callable[[Layer, Layer], Layer]

OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "ADD": _added,
        "CLEAR": _shown(_zero, _zero),
        "DARKEN": _united(lambda above, below: _outside(above, below) + torch.minimum(above.colour, below.colour)),
        "DST": _shown(_zero, _one),
        "DST_ATOP": _shown(_not_destination, _of_source),
        "DST_IN": _shown(_zero, _of_source),
        "DST_OUT": _shown(_zero, _not_source),
        "DST_OVER": _shown(_not_destination, _one),
        "LIGHTEN": _united(lambda above, below: _outside(above, below) + torch.maximum(above.colour, below.colour)),
        "MULTIPLY": _multiplied,
        "OVERLAY": _united(_overlaid),
        "SCREEN": _united(lambda above, below: above.colour + below.colour - above.colour * below.colour),
        "SRC": _shown(_one, _zero),
        "SRC_ATOP": _shown(_of_destination, _not_source),
        "SRC_IN": _shown(_of_destination, _zero),
        "SRC_OUT": _shown(_not_destination, _zero),
        "SRC_OVER": _shown(_one, _not_source),
        "XOR": _shown(_not_destination, _not_source),
    }
)
"""What two layers (source, destination) become, by the names of Android's `PorterDuff.Mode`, which defines them."""
