"""Crop and stitch: the part of a picture around a mask, at a size that suits a model, and its way back."""

import math
from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from diffusion.components import holding
from diffusion.framing import Framing, Size, framed
from diffusion.masks import fitted, grown
from diffusion.pictures import composited
from diffusion.resize import resize
from diffusion.smoothing import smoothed
from diffusion.values import Box, Image, Mask, Stitch

VISIBLE = 0.5 / 255
"""The least value of a mask that counts: what is below shows in no 8-bit picture, but would widen the crop."""

FILLING_STEPS = 16
"""How finely the holes of soft masks are filled: in steps of 1/16. Hard masks have one step."""


def repainted(mask: Mask, image: Image, *, invert: bool = False, fill_holes: bool = False, grow: int = 0) -> Mask:
    """What is to be repainted of these pictures: [B, H, W] of the pictures, values below half an 8-bit level made 0.

    mask: one, or one for each picture; of another size it is resized bilinearly. invert: exchange inside and outside.
    fill_holes: what a part of the mask surrounds belongs to it; not where that part touches the picture's edge, as
    margins and inverted masks do. grow: pixels by which it then grows.
    Raises ValueError where there are neither one nor as many masks as pictures.
    """
    count, height, width = image.pixels.shape[:3]
    if len(mask.values) not in (1, count):
        raise ValueError(
            f"There are {len(mask.values)} masks for {count} {_pictures(count)}. "
            "Give one mask, or one for each picture of the batch."
        )
    values = fitted(mask, height, width, count)
    values = 1 - values if invert else values
    values = torch.where(values < VISIBLE, 0.0, values)
    if fill_holes:
        values = torch.stack([_filled(item) for item in values])
    return Mask(grown(Mask(values), grow, tapered_corners=True).values if grow else values)


def crop(
    image: Image, mask: Mask, framing: Framing, feather: int = 16, context: Mask | None = None
) -> tuple[Stitch, Image, Mask]:
    """Cut the surroundings of a mask out of each picture, so that a model can repaint it at a size that suits it.

    image: [B, H, W, C]. mask: [B, H, W] as `repainted` gives it. feather: pixels around the mask over which the new
    picture fades into the old one. context: a mask of what else the crop shall show.
    Returns where the crops belong, the crops [B, h, w, C] and their masks [B, h, w].

    A crop that would leave the picture is moved inside. One that is larger than the picture shows less context; only
    where the mask with its feather would not fit either, the picture is extended by repeating its edges, and the mask
    is 1 there: it is painted and thrown away. Raises ValueError where a mask is empty.
    """
    values, (height, width) = mask.values, image.pixels.shape[1:3]
    for number, item in enumerate(values, start=1):
        _refuse_empty(item, number, len(values))
    shown = values if context is None else torch.maximum(values, fitted(context, height, width, len(values)))
    bounds = [_bounds(item) for item in shown]
    size, boxes = framed(bounds, framing, feather, (height, width))
    parts, masks, blends = [], [], []
    for index, box in enumerate(boxes):
        parts.append(resize(_cut(image.pixels[index].movedim(-1, 0), box), *size, framing.method))
        masks.append(_resized_mask(_with_outside(_cut(values[index][None], box), box, (height, width)), size))
        blends.append(feathered(_cut(values[index][None], box)[:, 0], feather)[0])
    kept = all((box.height, box.width) == size for box in boxes)
    pixels = torch.cat(parts).movedim(1, -1).contiguous()
    cropped = replace(image, pixels=pixels, spacing=image.spacing if kept else None)
    return Stitch(image, tuple(boxes), tuple(blends), size, framing.method), cropped, Mask(torch.cat(masks)[:, 0])


def put_back(stitch: Stitch, image: Image) -> Image:
    """The original pictures with repainted crops in them; outside the feathered mask they are the same to the bit.

    image: [N, h, w, C], N a multiple of the number of crops: its item i belongs to crop i modulo that number. It may
    have another size of the same proportions. Returns [N, H, W, C] of the original's range; grey originals get colours
    where the crop has them. Raises ValueError for another number or other proportions.
    """
    crops, count = len(stitch.boxes), len(image.pixels)
    if count % crops:
        raise ValueError(
            f"{count} {_pictures(count)} cannot be put back into {crops} crops. "
            "Give one picture for each crop, or the same number for each."
        )
    height, width = image.pixels.shape[1:3]
    wanted_height, wanted_width = stitch.size
    if abs(width * wanted_height - height * wanted_width) > max(stitch.size):
        raise ValueError(
            f"The picture has {width}×{height} pixels, but the crop has {wanted_width}×{wanted_height}: "
            "its proportions are others. Give the picture that was made from this crop."
        )
    parts = [replace(image, pixels=part) for part in image.pixels.split(1)]
    whole = [_put_back(stitch, part, index % crops) for index, part in enumerate(parts)]
    return replace(stitch.original, pixels=torch.cat(whole))


def feathered(values: Tensor, pixels: int) -> Tensor:
    """A mask that falls to 0 within `pixels` around what it covers, and nowhere is less than it was.

    values: float [B, H, W] in 0..1. It is dilated by half of the way and smoothed over the other half with a
    cosine window, so that a straight edge becomes half a period of a cosine. Exactly 0 further away.
    """
    if pixels == 0:
        return values
    reach, radius = (pixels + 1) // 2, pixels // 2
    window = [math.cos(0.5 * math.pi * distance / (radius + 1)) for distance in range(radius + 1)]
    wide = grown(Mask(values), reach, tapered_corners=False).values
    return torch.maximum(smoothed(wide[:, None], window)[:, 0], values).clamp(max=1)


def _bounds(values: Tensor) -> Box:
    """The bounding box of what is above 0 in a mask [H, W]."""
    rows, columns = (values > 0).any(dim=1).nonzero(), (values > 0).any(dim=0).nonzero()
    (top, bottom), (left, right) = ((int(line[0]), int(line[-1]) + 1) for line in (rows, columns))
    return Box(left, top, right - left, bottom - top)


def _cut(planes: Tensor, box: Box) -> Tensor:
    """The part of [C, H, W] in a box, [1, C, h, w]; beyond the edges they are repeated."""
    rows = torch.arange(box.y, box.y + box.height).clamp(0, planes.shape[1] - 1)
    columns = torch.arange(box.x, box.x + box.width).clamp(0, planes.shape[2] - 1)
    return planes[:, rows][:, :, columns][None]


def _with_outside(part: Tensor, box: Box, picture: Size) -> Tensor:
    """A mask [1, 1, h, w] with 1 where the box reaches beyond the picture."""
    part[:, :, : max(-box.y, 0)] = 1
    part[:, :, max(picture[0] - box.y, 0) :] = 1
    part[..., : max(-box.x, 0)] = 1
    part[..., max(picture[1] - box.x, 0) :] = 1
    return part


def _resized_mask(part: Tensor, size: Size) -> Tensor:
    """A mask [1, 1, h, w] at another size: averaged where it shrinks, so that nothing thin gets lost."""
    return resize(part, *size, "area" if size[0] < part.shape[2] else "bilinear").clamp(0, 1)


def _put_back(stitch: Stitch, part: Image, index: int) -> Tensor:
    """One picture [1, H, W, C] with one crop [1, h, w, C] in it."""
    box, blend = stitch.boxes[index], stitch.blends[index]
    original = _coloured_as(stitch.original.pixels[index][None], part.pixels)
    height, width = original.shape[1:3]
    resized = resize(part.pixels.movedim(-1, 1), box.height, box.width, stitch.method).movedim(1, -1)
    top, left, y, x = max(-box.y, 0), max(-box.x, 0), max(box.y, 0), max(box.x, 0)
    inside = (slice(top, top + height - y), slice(left, left + width - x))
    weight = blend[inside]
    whole = replace(stitch.original, pixels=original)
    laid = composited(
        whole, replace(part, pixels=resized[:, *inside]), x, y, resize_source=False, mask=Mask(weight[None])
    )
    # A weight of 0 need not keep the bits: 0 times what is not finite is not 0.
    there = torch.zeros(1, height, width, 1, dtype=torch.bool)
    there[0, y : y + weight.shape[0], x : x + weight.shape[1], 0] = weight > 0
    return torch.where(there, laid.pixels, original)


def _coloured_as(pixels: Tensor, part: Tensor) -> Tensor:
    """A grey picture with the channels of a coloured one that shall be laid on it, alpha kept; any other as it is."""
    if pixels.shape[-1] > 2 or part.shape[-1] < 3:
        return pixels
    return torch.cat([pixels[..., :1].expand(-1, -1, -1, 3), pixels[..., 1:]], dim=-1)


def _filled(values: Tensor) -> Tensor:
    """A mask [H, W] with its holes filled: each to the level of the rim around it."""
    if not (values > 0).any():
        return values
    box = _bounds(values)
    # One pixel more on each side, where there is one: what does not touch the picture's edge does not touch this one's.
    part = (slice(max(box.y - 1, 0), box.y + box.height + 1), slice(max(box.x - 1, 0), box.x + box.width + 1))
    plane, filled = values[part].numpy(), values.clone()
    for step in np.unique(np.floor(plane * FILLING_STEPS)):
        if step > 0:
            level = np.float32(step / FILLING_STEPS)
            whole = np.asarray(ndimage.binary_fill_holes(_islands(plane >= level)))
            filled[part].clamp_(min=torch.from_numpy(whole * level))
    return filled


def _islands(shape: np.ndarray) -> np.ndarray:
    """The parts of a shape that do not touch the edge."""
    edge = np.ones_like(shape)
    edge[1:-1, 1:-1] = False
    return shape & ~holding(shape, edge)


def _refuse_empty(values: Tensor, number: int, count: int) -> None:
    if not (values > 0).any():
        whose = "" if count == 1 else f" of picture {number}"
        raise ValueError(
            f"The mask{whose} is empty: nothing is to be repainted. Paint a mask, or turn it round (invert)."
        )


def _pictures(count: int) -> str:
    return "picture" if count == 1 else "pictures"
