"""Operations on pictures [B, H, W, C]: making, scaling, inverting, joining, padding, laying one on another."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from diffusion.masks import cycled, fitted
from diffusion.resize import resize
from diffusion.values import Image, Mask


def levelled(image: Image) -> Tensor:
    """A picture's pixels with black at 0 and white at 1, whatever its range, not clipped."""
    if image.range is None:
        return image.pixels
    black, white = image.range
    return (image.pixels - black) / (white - black)


def relevelled(image: Image, pixels: Tensor) -> Tensor:
    """Pixels with black at 0 and white at 1, brought to a picture's range: the opposite of `levelled`."""
    if image.range is None:
        return pixels
    black, white = image.range
    return pixels * (white - black) + black


def empty(width: int, height: int, batch: int, colour: int) -> Image:
    """Pictures of one colour, 0xRRGGBB: [batch, height, width, 3]."""
    levels = torch.tensor([colour >> 16 & 255, colour >> 8 & 255, colour & 255], dtype=torch.float32) / 255
    return Image(levels.repeat(batch, height, width, 1))


def scaled(image: Image, width: int, height: int, method: str, crop: str) -> Image:
    """A picture at another size. One side 0: it follows from the other and the proportions; both 0: the picture itself.

    method, crop: as `diffusion.resize.resize` takes them.
    """
    old_height, old_width = image.pixels.shape[1:3]
    if width == 0 and height == 0:
        return image
    width = width or max(1, round(old_width * height / old_height))
    height = height or max(1, round(old_height * width / old_width))
    resized = resize(image.pixels.movedim(-1, 1), height, width, method, crop).movedim(1, -1).contiguous()
    if image.spacing is None:
        return replace(image, pixels=resized)
    rows, columns = old_height / height, old_width / width
    if crop == "center":
        rows = columns = min(rows, columns)
    return replace(image, pixels=resized, spacing=(image.spacing[0] * rows, image.spacing[1] * columns))


def scaled_by(image: Image, factor: float, method: str) -> Image:
    """A picture with both sides times `factor`, rounded, at least one pixel."""
    height, width = (max(1, round(side * factor)) for side in image.pixels.shape[1:3])
    return scaled(image, width, height, method, "disabled")


def inverted(image: Image) -> Image:
    """A picture with black and white exchanged: 1 − x, or mirrored in its range. All channels, alpha too."""
    black, white = image.range or (0.0, 1.0)
    return replace(image, pixels=black + white - image.pixels)


def batched(first: Image, second: Image) -> Image:
    """Both pictures in one batch: see `joined`."""
    return joined((first, second))


def joined(images: Sequence[Image]) -> Image:
    """Pictures in one batch, of the size and range of the first.

    The others are resized bilinearly, their middle cut out; all get the channels of the one that has most.
    Raises ValueError where there is none.
    """
    if not images:
        raise ValueError("There is no picture to make a batch of. Connect at least one.")
    first = images[0]
    height, width = first.pixels.shape[1:3]
    others = [_in_range_of(scaled(image, width, height, "bilinear", "center"), first) for image in images[1:]]
    channels = max(pixels.shape[3] for pixels in (first.pixels, *others))
    return replace(first, pixels=torch.cat([with_channels(pixels, channels) for pixels in (first.pixels, *others)]))


def padded_for_outpainting(
    image: Image, left: int, top: int, right: int, bottom: int, feathering: int
) -> tuple[Image, Mask]:
    """A picture with grey margins, and the mask of what a model shall paint.

    left, top, right, bottom, feathering: in pixels. The margins are mid-grey (0.5); the mask [1, H, W] is 1 there.
    Inside, it falls from the padded sides as (1 − d / feathering)², d the distance to the margin, so that old and new
    grow together; it is 0 at once where the picture's width or height is not more than twice `feathering`.
    """
    black, white = image.range or (0.0, 1.0)
    margins = (left, right, top, bottom)
    pixels = functional.pad(image.pixels, (0, 0, *margins), value=(black + white) / 2)
    height, width = image.pixels.shape[1:3]
    inside = torch.zeros(height, width)
    if 0 < 2 * feathering < min(height, width):
        near = torch.minimum(_distance(height, top, bottom)[:, None], _distance(width, left, right))
        inside = (1 - near / feathering).clamp(min=0) ** 2
    return replace(image, pixels=pixels), Mask(functional.pad(inside, margins, value=1.0)[None])


def composited(
    destination: Image, source: Image, x: int, y: int, *, resize_source: bool, mask: Mask | None = None
) -> Image:
    """`destination` with `source` laid on it, its upper left corner at (x, y); what reaches beyond the edge is cut.

    resize_source: first resize the source to the destination. mask: where the source covers, 1 = fully, resized to the
    source; None: everywhere. The result has the batch, channels and range of the destination.
    """
    height, width, channels = destination.pixels.shape[1:]
    if resize_source:
        source = scaled(source, width, height, "bilinear", "disabled")
    pixels = destination.pixels.clone()
    under = pixels[:, y : y + source.pixels.shape[1], x : x + source.pixels.shape[2]]
    over = cycled(with_channels(_in_range_of(source, destination), channels), len(pixels))
    over = over[:, : under.shape[1], : under.shape[2]]
    if mask is not None:
        weight = fitted(mask, source.pixels.shape[1], source.pixels.shape[2], len(pixels))
        over = torch.lerp(under, over, weight[:, : under.shape[1], : under.shape[2], None])
    under.copy_(over)
    return replace(destination, pixels=pixels)


def _in_range_of(image: Image, other: Image) -> Tensor:
    if image.range == other.range:
        return image.pixels
    black, white = other.range or (0.0, 1.0)
    return levelled(image) * (white - black) + black


def with_channels(pixels: Tensor, channels: int) -> Tensor:
    """Grey repeated to colours, alpha added as opaque or left out: from 1 to 4 channels to 1 to 4 others."""
    have = pixels.shape[3]
    if have == channels:
        return pixels
    if max(have, channels) > 4:
        raise ValueError(f"A picture of {have} channels cannot be joined with one of {channels}.")
    colours = pixels[..., : have - 1] if have in (2, 4) else pixels
    wanted = 1 if channels < 3 else 3
    if colours.shape[3] == 3 and wanted == 1:
        raise ValueError(f"A picture of {have} channels cannot be laid on a grey one without losing its colours.")
    colours = colours.expand(-1, -1, -1, wanted)
    if channels == wanted:
        return colours
    alpha = pixels[..., -1:] if have in (2, 4) else torch.ones_like(pixels[..., :1])
    return torch.cat([colours, alpha], dim=-1)


def _distance(size: int, before: int, after: int) -> Tensor:
    """How far the upper left corner of each pixel on one axis is from the nearest margin; `size` without margins."""
    place = torch.arange(size)
    from_start = place if before else torch.full_like(place, size)
    return torch.minimum(from_start, size - place if after else torch.full_like(place, size))
