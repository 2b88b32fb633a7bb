"""Operations on latents: make, resize, turn, cut, combine.

Places and sizes are in picture pixels and are rounded down to whole latent pixels: the latent space says how many
picture pixels one of them is (8 where the space is not known). A latent that is still empty stays empty, and its
operations work on its picture size. Noise masks go with the picture: what turns, flips or cuts it does so to them too.
"""

from dataclasses import replace
from fractions import Fraction
from math import ceil

import torch
from torch import Tensor

from diffusion.resize import resize
from diffusion.values import Latent, LatentSpace, Mask

FACTOR = 8
"""Picture pixels per latent pixel where the latent space is not known: that of nearly every autoencoder."""

CHANNELS = 4
"""Channels of an empty latent's samples until a model says how many it takes."""

LEAST = 8
"""Latent pixels that resizing to a size and cropping leave each way, since networks halve a latent three times."""


def empty(width: int, height: int, batch: int = 1) -> Latent:
    """A latent that holds nothing yet, of `batch` pictures of width × height pixels.

    samples: zeros [batch, 4, height // 8, width // 8], which stand for it until factor and channels are known.
    """
    samples = torch.zeros(batch, CHANNELS, max(1, height // FACTOR), max(1, width // FACTOR))
    return Latent(samples, empty_size=(height, width))


def factor(latent: Latent) -> int:
    """Picture pixels per latent pixel."""
    return latent.space.factor if latent.space else FACTOR


def is_picture(latent: Latent) -> bool:
    """Whether a latent holds pictures: samples [B, C, H, W], not a sound or a video."""
    return latent.samples.ndim == 4


def picture_size(latent: Latent) -> tuple[int, int]:
    """(height, width) in picture pixels. Raises ValueError for a latent that holds no pictures."""
    if not is_picture(latent):
        raise ValueError(
            "This works on latents of pictures, [batch, channels, height, width]; "
            f"got shape {list(latent.samples.shape)}."
        )
    if latent.empty_size is not None:
        return latent.empty_size
    height, width = latent.samples.shape[-2:]
    return height * factor(latent), width * factor(latent)


def in_space(latent: Latent, space: LatentSpace) -> Latent:
    """The latent as one of `space`.

    An empty one is made of zeros anew; one of unknown space with the right number of channels is taken at its word.
    Raises ValueError for a latent of another space, or with another number of channels.
    """
    if latent.empty_size is not None:
        return _filled(latent, space.channels, space.factor, space)
    known = None if latent.space is None or not latent.space.name else latent.space
    if known is not None and _differ(known, space):
        raise ValueError(
            f"A latent of {_named(known)} does not go with {_named(space)}. "
            "Decode it with its own VAE and encode the picture with the other one."
        )
    if latent.samples.shape[1] != space.channels or (latent.space or space).factor != space.factor:
        raise ValueError(
            f"A latent with {latent.samples.shape[1]} channels and factor {factor(latent)} does not go with "
            f"{_named(space)}. Use a latent made for the same model."
        )
    return replace(latent, space=known or space)


def with_noise_mask(latent: Latent, mask: Mask) -> Latent:
    """The latent with a noise mask: 1 = repaint.

    One mask holds for the whole batch; several are repeated or cut to its size.
    """
    values, batch = mask.values, latent.samples.shape[0]
    if values.shape[0] not in (1, batch):
        values = values.repeat(ceil(batch / values.shape[0]), 1, 1)[:batch]
    return replace(latent, noise_mask=values)


def upscale(latent: Latent, width: int, height: int, method: str, crop: str = "disabled") -> Latent:
    """Resize to width × height picture pixels, but at least 8 latent pixels each way.

    One side 0 follows from the other and the shape of the picture; both 0 leave the latent as it is.
    method, crop: as in `diffusion.resize.resize`. Cropping cuts a noise mask in the same way.
    """
    if width == 0 and height == 0:
        return latent
    old_height, old_width = picture_size(latent)
    least = LEAST * factor(latent)
    new_height, new_width = max(least, height), max(least, width)
    if height == 0:
        new_height = max(least, round(old_height * new_width / old_width))
    elif width == 0:
        new_width = max(least, round(old_width * new_height / old_height))
    return _resized(latent, new_height, new_width, method, crop)


def upscale_by(latent: Latent, scale: float, method: str) -> Latent:
    """Resize by a factor, to the nearest whole latent pixels, at least one. method: as in `diffusion.resize.resize`."""
    unit = factor(latent)
    height, width = (unit * max(1, round(side / unit * scale)) for side in picture_size(latent))
    return _resized(latent, height, width, method)


def rotate(latent: Latent, quarter_turns: int) -> Latent:
    """Turn clockwise by 90° times `quarter_turns`, a noise mask with it."""
    height, width = picture_size(latent)
    size = (width, height) if quarter_turns % 2 else (height, width)
    if latent.empty_size is not None:
        return _masked(still_empty(latent, size), _turned(latent.noise_mask, quarter_turns))
    samples = torch.rot90(latent.samples, quarter_turns, dims=(-1, -2))
    return replace(latent, samples=samples, noise_mask=_turned(latent.noise_mask, quarter_turns))


def flip(latent: Latent, *, vertically: bool) -> Latent:
    """Mirror top and bottom (`vertically`) or left and right, a noise mask with it."""
    picture_size(latent)
    axis = -2 if vertically else -1
    mask = None if latent.noise_mask is None else latent.noise_mask.flip(axis)
    return replace(latent, samples=latent.samples.flip(axis), noise_mask=mask)


def crop(latent: Latent, width: int, height: int, x: int, y: int) -> Latent:
    """Cut out width × height picture pixels at (x, y), a noise mask with it.

    What lies outside is left out, and x and y are moved so that at least 8 latent pixels remain each way.
    """
    full_height, full_width = picture_size(latent)
    unit = factor(latent)
    top, left = (_start(place, full, unit) for place, full in ((y, full_height), (x, full_width)))
    height, width = min(height, full_height - top), min(width, full_width - left)
    if latent.empty_size is None:
        height, width = (max(1, side // unit) * unit for side in (height, width))
    mask = latent.noise_mask
    if mask is not None:
        mask = cut_mask(mask, (full_height, full_width), top, left, height, width)
    if latent.empty_size is not None:
        return _masked(still_empty(latent, (height, width)), mask)
    rows, columns = (slice(at // unit, (at + side) // unit) for at, side in ((top, height), (left, width)))
    return replace(latent, samples=latent.samples[..., rows, columns].clone(), noise_mask=mask)


def from_batch(latent: Latent, start: int, length: int) -> Latent:
    """Items start … start + length − 1 of the batch, as many as there are, at least one.

    `batch_index` remembers their places, so that sampling gives them the noise they would have had in the whole batch.
    """
    batch = latent.samples.shape[0]
    start = min(start, batch - 1)
    chosen = range(start, min(start + length, batch))
    places = latent.batch_index or range(batch)
    mask = latent.noise_mask
    if mask is not None and mask.shape[0] > 1:
        mask = mask[[item % mask.shape[0] for item in chosen]]
    samples = latent.samples[chosen.start : chosen.stop].clone()
    return replace(latent, samples=samples, noise_mask=mask, batch_index=tuple(places[item] for item in chosen))


def repeat(latent: Latent, amount: int) -> Latent:
    """The batch `amount` times over. Repetitions get other noise: places in `batch_index` go on behind the last one."""
    batch, places = latent.samples.shape[0], latent.batch_index
    if places is not None:
        offset = max(places) - min(places) + 1
        places = tuple(place + offset * turn for turn in range(amount) for place in places)
    mask = latent.noise_mask
    if mask is not None and mask.shape[0] > 1:
        mask = mask[torch.arange(batch * amount) % batch % mask.shape[0]]
    samples = latent.samples.repeat(amount, *[1] * (latent.samples.ndim - 1))
    return replace(latent, samples=samples, noise_mask=mask, batch_index=places)


def composite(below: Latent, above: Latent, x: int, y: int, feather: int = 0) -> Latent:
    """Lay one latent on another at (x, y) picture pixels; what hangs over is cut off.

    feather: over so many picture pixels from each edge that is not one of the canvas, `above` comes in linearly: the
    n-th latent pixel of k counts n / k. Batches must be of one size, or one of them 1. The noise mask of `below` stays.
    Raises ValueError where `above` would lie outside, or belongs to another latent space.
    """
    height, width = picture_size(below)
    if x >= width or y >= height:
        raise ValueError(
            f"At x = {x}, y = {y} the second latent lies outside the first, which is {width}×{height} pixels. "
            "Choose a place inside it."
        )
    below, above = together(below, above)
    if below.empty_size is not None:
        return below
    left, top, soft = (pixels // factor(below) for pixels in (x, y, feather))
    full_height, full_width = below.samples.shape[-2:]
    patch = above.samples[..., : full_height - top, : full_width - left]
    rows, columns = slice(top, top + patch.shape[-2]), slice(left, left + patch.shape[-1])
    ramp_down = _ramp(patch.shape[-2], soft, fades_in=top > 0, fades_out=rows.stop < full_height)
    ramp_across = _ramp(patch.shape[-1], soft, fades_in=left > 0, fades_out=columns.stop < full_width)
    weight = ramp_down[:, None] * ramp_across
    samples = below.samples.clone()
    samples[..., rows, columns] = patch * weight + samples[..., rows, columns] * (1 - weight)
    return replace(below, samples=samples)


def blend(first: Latent, second: Latent, amount: float) -> Latent:
    """Mix two latents: first · amount + second · (1 − amount).

    A second of another size is resized to the first's (bicubic, cropped to its shape around the centre). Batches must
    be of one size, or one of them 1. Noise mask and places in the batch are the first's.
    Raises ValueError for different spaces, or batches.
    """
    first, second = together(first, second)
    if first.empty_size is not None:
        return first
    other, size = second.samples, first.samples.shape[-2:]
    if other.shape[-2:] != size:
        other = resize(other, size[0], size[1], "bicubic", crop="center")
    return replace(first, samples=first.samples * amount + other * (1 - amount))


def in_one_space(first: Latent, second: Latent) -> tuple[Latent, Latent]:
    """Two latents of pictures in one space; if one alone is empty, it is made of zeros.

    Raises ValueError for latents of different spaces or channels, or that hold no pictures.
    """
    for latent in (first, second):
        picture_size(latent)  # raises for what is no picture
    if first.empty_size is None or second.empty_size is None:
        return _beside(first, second), _beside(second, first)
    return first, second


def together(first: Latent, second: Latent) -> tuple[Latent, Latent]:
    """Two latents made fit to be combined: `in_one_space`, and a single picture repeated to the batch of the other.

    Raises ValueError as `in_one_space` does, and for batches of different sizes.
    """
    first, second = in_one_space(first, second)
    sizes = first.samples.shape[0], second.samples.shape[0]
    if sizes[0] != sizes[1]:
        if 1 not in sizes:
            raise ValueError(
                f"The latents hold {sizes[0]} and {sizes[1]} pictures. "
                "Give batches of one size, or one with a single picture."
            )
        first, second = (repeat(item, max(sizes)) if item.samples.shape[0] == 1 else item for item in (first, second))
    return first, second


def _beside(latent: Latent, other: Latent) -> Latent:
    """The latent in the space of the other, as far as that is known."""
    if other.space is not None:
        return in_space(latent, other.space)
    if latent.empty_size is not None:
        return _filled(latent, other.samples.shape[1], FACTOR, None)
    if other.empty_size is None and latent.samples.shape[1] != other.samples.shape[1]:
        raise ValueError(
            f"The latents have {latent.samples.shape[1]} and {other.samples.shape[1]} channels. "
            "Use latents made for the same model."
        )
    return latent


def _filled(latent: Latent, channels: int, unit: int, space: LatentSpace | None) -> Latent:
    """An empty latent as zeros with these channels and factor."""
    height, width = picture_size(latent)
    samples = torch.zeros(latent.samples.shape[0], channels, max(1, height // unit), max(1, width // unit))
    return replace(latent, samples=samples, space=space, empty_size=None)


def still_empty(latent: Latent, size: tuple[int, int]) -> Latent:
    """An empty latent of another picture size (height, width)."""
    made = empty(size[1], size[0], latent.samples.shape[0])
    return replace(latent, samples=made.samples, empty_size=size)


def _resized(latent: Latent, height: int, width: int, method: str, crop: str = "disabled") -> Latent:
    """The latent resized to height × width picture pixels."""
    mask = latent.noise_mask
    if mask is not None and crop != "disabled":
        mask = resize(mask[:, None], height, width, "bilinear", crop=crop)[:, 0]
    if latent.empty_size is not None:
        return _masked(still_empty(latent, (height, width)), mask)
    unit = factor(latent)
    samples = resize(latent.samples, max(1, height // unit), max(1, width // unit), method, crop=crop)
    return replace(latent, samples=samples, noise_mask=mask)


def _masked(latent: Latent, mask: Tensor | None) -> Latent:
    return replace(latent, noise_mask=mask)


def _turned(mask: Tensor | None, quarter_turns: int) -> Tensor | None:
    return None if mask is None else torch.rot90(mask, quarter_turns, dims=(-1, -2))


def _start(place: int, full: int, unit: int) -> int:
    """Where a cut begins, in whole latent pixels: moved back so that 8 of them remain."""
    return max(0, min(place, full - LEAST * unit)) // unit * unit


def cut_mask(mask: Tensor, size: tuple[int, int], top: int, left: int, height: int, width: int) -> Tensor:
    """The part of a mask that belongs to this part of a picture of `size`.

    A mask whose pixels the edges would split is first resized to `size`.
    """
    scales = [Fraction(have, full) for have, full in zip(mask.shape[-2:], size, strict=True)]
    edges = [scales[0] * top, scales[0] * (top + height), scales[1] * left, scales[1] * (left + width)]
    if any(edge.denominator != 1 for edge in edges):
        mask = resize(mask[:, None], size[0], size[1], "bilinear")[:, 0]
        edges = [top, top + height, left, left + width]
    first_row, last_row, first_column, last_column = map(int, edges)
    return mask[:, first_row:last_row, first_column:last_column].clone()


def _ramp(length: int, soft: int, *, fades_in: bool, fades_out: bool) -> Tensor:
    """Weights [length] that rise by 1 / soft from the start and fall to the end, where asked."""
    steps = (torch.arange(length, dtype=torch.float32) + 1) / max(1, soft)
    rising = steps.clamp(max=1.0)
    weights = torch.ones(length)
    if fades_in:
        weights = weights * rising
    return weights * rising.flip(0) if fades_out else weights


def _differ(one: LatentSpace, other: LatentSpace) -> bool:
    """Whether two spaces are not the same. The linear map for previews does not count."""
    return (one.name, one.channels, one.factor) != (other.name, other.channels, other.factor)


def _named(space: LatentSpace) -> str:
    return f"the latent space '{space.name}' ({space.channels} channels, factor {space.factor})"
