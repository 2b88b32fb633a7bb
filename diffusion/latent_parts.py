"""Latents of parts: side by side, cut apart, in one batch, one laid on another. Noise masks go with the picture."""

from dataclasses import replace

import torch
from torch import Tensor

from diffusion.latents import cut_mask, empty, factor, in_one_space, picture_size, still_empty, together
from diffusion.masks import fitted
from diffusion.resize import resize
from diffusion.tables import look_up
from diffusion.values import Latent, Mask

AXES = {"x": -1, "y": -2}
"""Axes of latents of pictures by name."""


def beside(first: Latent, second: Latent, direction: str) -> Latent:
    """The second latent to the right of the first ("x"), below it ("y"), to its left ("-x") or above it ("-y").

    Raises ValueError for another direction, for sides of different length, and where spaces or batches do not fit.
    """
    axis = _axis(direction.removeprefix("-"))
    (height, width), (other_height, other_width) = picture_size(first), picture_size(second)
    if (height != other_height) if axis == -1 else (width != other_width):
        raise ValueError(
            f"Latents of {width}×{height} and {other_width}×{other_height} picture pixels cannot be joined along "
            f"{direction[-1]}: the sides that would meet differ. Resize or crop one of them."
        )
    first, second = together(first, second)
    pair = (second, first) if direction.startswith("-") else (first, second)
    mask = _masks_beside(pair, axis)
    if first.empty_size is not None:
        size = (height, width + other_width) if axis == -1 else (height + other_height, width)
        return replace(still_empty(first, size), noise_mask=mask)
    return replace(first, samples=torch.cat([latent.samples for latent in pair], dim=axis), noise_mask=mask)


def cut(latent: Latent, direction: str, index: int, amount: int) -> Latent:
    """`amount` latent pixels along "x" or "y" from `index`, which counts from the end if it is negative.

    What lies outside is left out; one latent pixel remains at least. Raises ValueError for another direction.
    """
    axis = _axis(direction)
    (height, width), unit = picture_size(latent), factor(latent)
    length = max(1, (height, width)[axis] // unit)
    start = min(index, length - 1) if index >= 0 else max(0, length + index)
    amount = min(amount, length - start)
    top, left = (0, start * unit) if axis == -1 else (start * unit, 0)
    size = (height, amount * unit) if axis == -1 else (amount * unit, width)
    mask = latent.noise_mask
    if mask is not None:
        mask = cut_mask(mask, (height, width), top, left, *size)
    if latent.empty_size is not None:
        return replace(still_empty(latent, size), noise_mask=mask)
    return replace(latent, samples=latent.samples.narrow(axis, start, amount).clone(), noise_mask=mask)


def batched(first: Latent, second: Latent) -> Latent:
    """Both in one batch; the second is resized to the first (bilinear, cropped to its shape around the centre).

    Each keeps its places in the noise; without any they count from 0 in both, so that the first picture of each gets
    the same noise. Where only one has a noise mask, the other is to be repainted wholly. Raises ValueError for
    different spaces.
    """
    pair = in_one_space(first, second)
    places = tuple(place for latent in pair for place in latent.batch_index or range(len(latent.samples)))
    mask = _masks_in_batch(pair)
    if pair[0].empty_size is not None:
        height, width = pair[0].empty_size
        return replace(empty(width, height, len(places)), noise_mask=mask, batch_index=places)
    one, other = (latent.samples for latent in pair)
    if other.shape[-2:] != one.shape[-2:]:
        other = resize(other, one.shape[-2], one.shape[-1], "bilinear", crop="center")
    return replace(pair[0], samples=torch.cat([one, other]), noise_mask=mask, batch_index=places)


def with_seeds(latent: Latent, *, fixed: bool) -> Latent:
    """The latent with the same noise for every picture of its batch, that of the first (`fixed`), or one for each."""
    if not fixed:
        return replace(latent, batch_index=None)
    place = latent.batch_index[0] if latent.batch_index else 0
    return replace(latent, batch_index=(place,) * len(latent.samples))


def composited(
    below: Latent, above: Latent, x: int, y: int, *, resize_source: bool, mask: Mask | None = None
) -> Latent:
    """`below` with `above` laid on it at (x, y) picture pixels; what hangs over is cut off.

    resize_source: first resize `above` to `below` (bilinear). mask: where `above` covers, 1 = fully, resized to it;
    None: everywhere. Batches must be of one size, or one of them 1. The noise mask of `below` stays. Raises ValueError
    where `above` would lie outside, or spaces or batches do not fit.
    """
    height, width = picture_size(below)
    if x >= width or y >= height:
        raise ValueError(
            f"At x = {x}, y = {y} the source lies outside the destination, which is {width}×{height} picture pixels. "
            "Choose a place inside it."
        )
    below, above = together(below, above)
    if below.empty_size is not None:
        return below
    source, samples = above.samples, below.samples.clone()
    if resize_source:
        source = resize(source, samples.shape[-2], samples.shape[-1], "bilinear")
    top, left = (place // factor(below) for place in (y, x))
    under = samples[..., top : top + source.shape[-2], left : left + source.shape[-1]]
    over = source[..., : under.shape[-2], : under.shape[-1]]
    if mask is not None:
        weight = fitted(mask, source.shape[-2], source.shape[-1], len(samples))[:, None]
        over = torch.lerp(under, over, weight[..., : under.shape[-2], : under.shape[-1]])
    under.copy_(over)
    return replace(below, samples=samples)


def _axis(direction: str) -> int:
    if direction == "t":
        raise ValueError("Latents of pictures have no time, 't', along which they could be parted. Use 'x' or 'y'.")
    return look_up(AXES, direction, "direction")


def _masks_beside(pair: tuple[Latent, Latent], axis: int) -> Tensor | None:
    """The noise masks of latents side by side, in latent pixels; where only one has one, the other's is 1."""
    if all(latent.noise_mask is None for latent in pair):
        return None
    batch = max(1 if latent.noise_mask is None else len(latent.noise_mask) for latent in pair)
    sizes = [latent.samples.shape[-2:] for latent in pair]
    parts = [_mask_of(latent, height, width, batch) for latent, (height, width) in zip(pair, sizes, strict=True)]
    return torch.cat(parts, dim=axis)


def _masks_in_batch(pair: tuple[Latent, Latent]) -> Tensor | None:
    """A noise mask for each picture of both, of the size of the larger; None where neither has one."""
    given = [latent.noise_mask for latent in pair if latent.noise_mask is not None]
    if not given:
        return None
    height, width = (max(mask.shape[axis] for mask in given) for axis in (1, 2))
    return torch.cat([_mask_of(latent, height, width, len(latent.samples)) for latent in pair])


def _mask_of(latent: Latent, height: int, width: int, batch: int) -> Tensor:
    if latent.noise_mask is None:
        return torch.ones(batch, height, width)
    return fitted(Mask(latent.noise_mask), height, width, batch)
