"""Operations on masks [B, H, W], 1 = repaint: making, combining, growing, feathering, to and from pictures."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

from diffusion.tables import look_up
from diffusion.values import Image, Mask

CHANNELS: tuple[str, ...] = ("red", "green", "blue", "alpha")


def solid(value: float, width: int, height: int) -> Mask:
    """A mask of one value everywhere, [1, height, width]."""
    return Mask(torch.full((1, height, width), value, dtype=torch.float32))


def inverted(mask: Mask) -> Mask:
    """1 − mask."""
    return Mask(1 - mask.values)


def cropped(mask: Mask, x: int, y: int, width: int, height: int) -> Mask:
    """The part of a mask from (x, y), [B, ≤ height, ≤ width]: what lies beyond the mask's edge is not there.

    Raises ValueError if nothing is left.
    """
    part = mask.values[:, y : y + height, x : x + width]
    if 0 in part.shape:
        rows, columns = mask.values.shape[1:]
        raise ValueError(
            f"A crop of {width}×{height} at ({x}, {y}) holds nothing of a mask of {columns}×{rows} pixels. "
            "Choose a smaller x and y."
        )
    return Mask(part.clone())


def combined(destination: Mask, source: Mask, x: int, y: int, operation: str) -> Mask:
    """`destination` with `source` laid on it at (x, y); outside the source nothing changes. Clipped to 0..1.

    operation: a name in OPERATIONS; "and", "or" and "xor" round both masks to 0 or 1 first. The result has the
    batch of `destination`; the source's is repeated or cut to it. Raises ValueError for an unknown operation.
    """
    combine = look_up(OPERATIONS, operation, "mask operation")
    values = destination.values.clone()
    under = values[:, y : y + source.values.shape[1], x : x + source.values.shape[2]]
    over = cycled(source.values, len(values))[:, : under.shape[1], : under.shape[2]]
    under.copy_(combine(under, over))
    return Mask(values.clamp(0, 1))


def feathered(mask: Mask, left: int, top: int, right: int, bottom: int) -> Mask:
    """A mask that rises from each edge: n pixels are multiplied by 1/n, 2/n, … 1; n is at most the mask's side."""
    rows, columns = mask.values.shape[1:]
    across = _ramp(left, columns) * _ramp(right, columns).flip(0)
    down = _ramp(top, rows) * _ramp(bottom, rows).flip(0)
    return Mask(mask.values * down[:, None] * across)


def grown(mask: Mask, expand: int, *, tapered_corners: bool) -> Mask:
    """Dilate a mask: `expand` times the greatest of each 3×3 neighbourhood; if negative erode it, by the smallest.

    tapered_corners: leave its corners out, so that a point grows to a diamond, not a square. Beyond the edge there is
    nothing that could grow in or eat away.
    """
    sign = -1 if expand < 0 else 1
    values = mask.values * sign
    for _ in range(abs(expand)):
        larger = _dilated(values, tapered_corners)
        if torch.equal(larger, values):
            break
        values = larger
    return Mask(values * sign)


def thresholded(mask: Mask, value: float) -> Mask:
    """1 where a mask is above `value`, else 0."""
    return Mask((mask.values > value).float())


def from_channel(image: Image, channel: str) -> Mask:
    """One channel of a picture, as it is; of grey, each colour is the grey. Raises ValueError if there is none."""
    pixels = image.pixels
    index = CHANNELS.index(channel)
    if pixels.shape[3] <= 2:
        index = 1 if channel == "alpha" else 0
    if index >= pixels.shape[3]:
        raise ValueError(
            f"The picture has {pixels.shape[3]} channels and none of them is {channel}. "
            "A loaded picture's transparency is on the MASK output of its loader."
        )
    return Mask(pixels[..., index].clone())


def from_colour(image: Image, colour: int) -> Mask:
    """1 where a picture, rounded to 8 bits, has exactly the colour 0xRRGGBB, else 0."""
    pixels = image.pixels if image.pixels.shape[3] >= 3 else image.pixels[..., :1].expand(-1, -1, -1, 3)
    levels = pixels[..., :3].clamp(0, 1).mul(255).round()
    wanted = torch.tensor([colour >> 16 & 255, colour >> 8 & 255, colour & 255], dtype=levels.dtype)
    return Mask((levels == wanted).all(dim=-1).float())


def to_image(mask: Mask) -> Image:
    """A mask as a grey picture of three channels."""
    return Image(mask.values[..., None].repeat(1, 1, 1, 3))


def fitted(mask: Mask, height: int, width: int, batch: int) -> Tensor:
    """A mask's values resized bilinearly and repeated or cut to [batch, height, width]."""
    values = mask.values
    if values.shape[1:] != (height, width):
        values = functional.interpolate(values[:, None], size=(height, width), mode="bilinear")[:, 0]
    return cycled(values, batch)


def cycled(tensor: Tensor, batch: int) -> Tensor:
    """A tensor [B, …] with `batch` items: the first ones, or all of them over and over."""
    if len(tensor) == batch:
        return tensor
    return tensor[torch.arange(batch) % len(tensor)]


def _ramp(length: int, size: int) -> Tensor:
    length = min(length, size)
    ramp = torch.ones(size)
    ramp[:length] = torch.arange(1, length + 1) / max(length, 1)
    return ramp


def _dilated(values: Tensor, tapered: bool) -> Tensor:
    across = _greatest_of_three(values, axis=2)
    return torch.maximum(across, _greatest_of_three(values, axis=1)) if tapered else _greatest_of_three(across, axis=1)


def _greatest_of_three(values: Tensor, axis: int) -> Tensor:
    """Each pixel's greatest among itself and its two neighbours on one axis. Many times faster than max_pool2d."""
    greatest, shorter = values.clone(), values.shape[axis] - 1
    for ours, theirs in ((0, 1), (1, 0)):
        part = greatest.narrow(axis, ours, shorter)
        torch.maximum(part, values.narrow(axis, theirs, shorter), out=part)
    return greatest


def _logical(operation: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda under, over: operation(under.round().bool(), over.round().bool()).float()


OPERATIONS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "multiply": torch.mul,
        "add": torch.add,
        "subtract": torch.sub,
        "and": _logical(torch.logical_and),
        "or": _logical(torch.logical_or),
        "xor": _logical(torch.logical_xor),
    }
)
"""How two masks are combined: (destination, source) -> result, by name."""
