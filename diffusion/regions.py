"""Regions: where on a latent, how strongly and at which noise levels each entry of a conditioning holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from diffusion.values import Area, Conditioning, ConditioningEntry, SizeConditioning

if TYPE_CHECKING:
    from diffusion.controlling import LaidControl

FEATHER = 8
"""The most latent pixels over which an area's edge fades."""
AESTHETIC, NEGATIVE_AESTHETIC = 6.0, 2.5
"""The scores that SDXL's refiner is told of what a picture shall show and of what it shall not (Podell et al. 2023)."""
ROUNDING = 1e-5
"""Weights of tiles add up to 1 but for this."""
SMALLEST_BOUNDS = 8
"""The least side, in latent pixels, of a mask's bounding box: a network asked about less sees nothing."""


@dataclass(frozen=True)
class Box:
    """A rectangle of a latent, in latent pixels."""

    top: int
    left: int
    height: int
    width: int

    def of(self, tensor: Tensor) -> Tensor:
        """The rectangle of a tensor [..., H, W], as a view."""
        return tensor[..., self.top : self.top + self.height, self.left : self.left + self.width]

    def contains(self, other: Box) -> bool:
        """Whether `other` lies wholly inside."""
        return (
            self.top <= other.top
            and self.left <= other.left
            and other.top + other.height <= self.top + self.height
            and other.left + other.width <= self.left + self.width
        )


@dataclass(frozen=True, eq=False)
class Region:
    """One entry laid over a latent.

    entry: its tensors on the latent's device. box: the part of the latent that the network is shown. weight: float32 [B
    or 1, 1, box.height, box.width]: how much the answer counts where it overlaps others. begin, end: it holds at noise
    levels begin ≥ sigma ≥ end. sizes: what SDXL is told: height, width, top, left, target height, target width, score.
    is_wanted: it says what the picture shall show, not what it shall not. controls: what steers the network there.
    group: regions of different groups do not share a call.
    """

    entry: ConditioningEntry
    box: Box
    weight: Tensor
    begin: float
    end: float
    sizes: tuple[float, ...] = ()
    is_wanted: bool = True
    controls: tuple[LaidControl, ...] = ()
    group: int = 0

    def holds(self, sigma: float) -> bool:
        """Whether it has a say at noise level `sigma`."""
        return self.end <= sigma <= self.begin

    def fills(self, height: int, width: int) -> bool:
        """Whether it has a say everywhere on a latent of this size."""
        return (self.box.height, self.box.width) == (height, width) and bool((self.weight > 0).all())


def lay(
    conditioning: Conditioning,
    shape: Sequence[int],
    factor: int,
    percent_to_sigma: Callable[[float], float],
    device: torch.device | str = "cpu",
    aesthetic: float = AESTHETIC,
) -> tuple[Region, ...]:
    """The entries of a conditioning laid over a latent of `shape` [B, C, H, W] with `factor` picture pixels per pixel.

    An area's pixels are divided by the factor; fractions of the picture are rounded; a side is at least 1; what sticks
    out of the picture is cut off. A mask is resized to the latent bilinearly. An area without a mask fades at each edge
    that is not an edge of the picture; a mask has edges of its own. What an entry leaves open of its sizes is the whole
    picture's size, and `aesthetic`. Raises ValueError for an area outside the picture.
    """
    batch, _, height, width = shape
    size = height * factor, width * factor
    return tuple(
        replace(
            _region(entry, batch, height, width, factor, percent_to_sigma, torch.device(device)),
            sizes=_sizes(entry.size or SizeConditioning(), size, aesthetic),
        )
        for entry in conditioning.entries
    )


def holding(regions: Sequence[Region], sigma: float) -> Iterator[Region]:
    """Those that have a say at noise level `sigma`, default ones last.

    A default one has it only where the others' weights leave room: its weight is times what is missing there to 1.
    """
    found = [region for region in regions if region.holds(sigma)]
    others = [region for region in found if not region.entry.is_default]
    yield from others
    if len(others) < len(found):
        defaults = [region for region in found if region.entry.is_default]
        room = _room(others, found)
        filling = (replace(region, weight=region.weight * region.box.of(room)) for region in defaults)
        yield from (region for region in filling if bool(region.weight.any()))


def check_say(sides: Sequence[Sequence[Region]], sigmas: Sequence[float], height: int, width: int) -> list[str]:
    """What a person should know of the steps at these noise levels on a latent of this size, in sentences: where the
    first side has no say, and where on the picture none has.

    Raises ValueError where at one of them no side has a say anywhere.
    """
    speaking = [[region for region in side if bool(region.weight.any())] for side in sides]
    silent = [
        step for step, sigma in enumerate(sigmas) if not any(each.holds(sigma) for side in speaking for each in side)
    ]
    if silent:
        raise ValueError(
            f"Nothing says what the picture shall show in {_steps(silent, len(sigmas))}: there, no entry of the "
            "positive or the negative conditioning holds, with a strength and a mask above 0. Give one of them a "
            "timestep range from 0 to 1."
        )
    told = list[str]()
    wordless = [step for step, sigma in enumerate(sigmas) if not any(each.holds(sigma) for each in speaking[0])]
    if wordless:
        told.append(
            f"No entry of the positive conditioning holds in {_steps(wordless, len(sigmas))}; the negative one stands "
            "in its place there. Give the positive one a timestep range from 0 to 1 if that is not meant."
        )
    together = [tuple(each for side in speaking for each in side if each.holds(sigma)) for sigma in sigmas]
    if not all(cover(regions, height, width) for regions in dict.fromkeys(together)):
        told.append(
            "A part of the picture lies in no area and no mask of the positive or the negative conditioning; nothing "
            "is said of it, and it stays grey. Add a prompt that holds everywhere if that is not meant."
        )
    return told


def _steps(steps: Sequence[int], total: int) -> str:
    """Steps, counted from 0, in words that count from 1."""
    if len(steps) == total:
        return "any step" if total > 1 else "the only step"
    names = list[str]()
    for _, run in groupby(enumerate(steps), lambda pair: pair[1] - pair[0]):
        together = [step + 1 for _, step in run]
        names.append(f"{together[0]} to {together[-1]}" if len(together) > 1 else f"{together[0]}")
    return f"step{'s' if len(steps) > 1 else ''} {', '.join(names)} of {total}"


def cover(regions: Sequence[Region], height: int, width: int) -> bool:
    """Whether regions together have a say everywhere on a latent of this size."""
    if not regions or any(region.fills(height, width) for region in regions):
        return bool(regions)
    weight = torch.zeros(max(len(region.weight) for region in regions), 1, height, width)
    for region in regions:
        region.box.of(weight).add_(region.weight.cpu())
    return bool((weight > 0).all())


def matched(regions: Sequence[Region], others: Sequence[Region], height: int, width: int) -> tuple[Region, ...]:
    """`regions`, and where one of `others` is shown only a part of the latent, an opposite that is shown the same part.

    Guidance takes the difference of two answers; they must differ in the text alone, not in what the network saw of the
    picture. The opposite has the tokens of the smallest region that contains the part, and its counterpart's box,
    weight and noise levels.
    """
    result = list(regions)
    for other in others:
        around = [region for region in result if region.box.contains(other.box)]
        if (other.box.height, other.box.width) == (height, width) or not around:
            continue
        smallest = min(around, key=lambda region: region.box.height * region.box.width)
        if smallest.box != other.box:
            result.append(replace(other, entry=_opposite(smallest.entry, other.entry)))
    return tuple(result)


def _opposite(entry: ConditioningEntry, counterpart: ConditioningEntry) -> ConditioningEntry:
    """An entry in its counterpart's place, steered like that where controls are shared."""
    is_shared = all(control.is_shared for control in (*entry.controls, *counterpart.controls))
    controls = counterpart.controls if is_shared else entry.controls
    return replace(entry, is_default=counterpart.is_default, controls=controls)


def fit_mask(mask: Tensor, batch: int, height: int, width: int) -> Tensor:
    """A mask [N, H, W] of any resolution as [batch, 1, height, width]: resized bilinearly, and as `repeat_items`."""
    resized = interpolate(mask.float()[:, None], size=(height, width), mode="bilinear", align_corners=False)
    return repeat_items(resized, batch)


def repeat_items(tensor: Tensor, batch: int) -> Tensor:
    """A tensor [N, ...] as [batch, ...]: its items repeated in turn, surplus ones left out."""
    if tensor.shape[0] == batch:
        return tensor
    return tensor[torch.arange(batch, device=tensor.device) % tensor.shape[0]]


def feather(box: Box, height: int, width: int) -> Tensor:
    """Weights float32 [box.height, box.width] that rise linearly from the edges of the box in a height × width latent.

    The k-th row from an edge has k / depth, depth = min(8, side / 4). Edges that are edges of the picture are not
    faded.
    """
    rows = _ramp(box.height, fade_in=box.top > 0, fade_out=box.top + box.height < height)
    columns = _ramp(box.width, fade_in=box.left > 0, fade_out=box.left + box.width < width)
    return rows[:, None] * columns[None, :]


def _ramp(side: int, *, fade_in: bool, fade_out: bool) -> Tensor:
    depth = min(FEATHER, side // 4)
    rise, weights = torch.arange(1, depth + 1) / depth if depth else torch.empty(0), torch.ones(side)
    if fade_in:
        weights[:depth] *= rise
    if fade_out:
        weights[side - depth :] *= rise.flip(0)
    return weights


def _region(
    entry: ConditioningEntry,
    batch: int,
    height: int,
    width: int,
    factor: int,
    percent_to_sigma: Callable[[float], float],
    device: torch.device,
) -> Region:
    box = Box(0, 0, height, width) if entry.area is None else _box(entry.area, height, width, factor)
    if entry.mask is None:
        weight = feather(box, height, width)[None, None]
    else:
        mask = fit_mask(entry.mask, min(batch, entry.mask.shape[0]), height, width)
        box = _bounds(mask) if entry.mask_bounds else box
        weight = repeat_items(box.of(mask), batch) * entry.mask_strength
    placed = {
        name: tensor.to(device)
        for name in ("tokens", "pooled", "classes", "control_tokens", "control_pooled")
        if (tensor := getattr(entry, name)) is not None
    }
    shown = entry.shown
    if shown is not None:
        mask = None if shown.mask is None else shown.mask.to(device)
        shown = replace(shown, samples=shown.samples.to(device), mask=mask)
    return Region(
        entry=replace(entry, shown=shown, **placed),
        box=box,
        weight=(weight * entry.strength).to(device),
        begin=percent_to_sigma(entry.start),
        end=percent_to_sigma(entry.end),
    )


def _room(regions: Sequence[Region], within: Sequence[Region]) -> Tensor:
    """What the weights of regions leave of 1, [B or 1, 1, H, W]. within: all that lie on a canvas of this size."""
    height = max(region.box.top + region.box.height for region in within)
    width = max(region.box.left + region.box.width for region in within)
    weights = [region.weight for region in within]
    room = torch.ones(max(len(weight) for weight in weights), 1, height, width, device=weights[0].device)
    for region in regions:
        region.box.of(room).sub_(region.weight)
    return room.masked_fill_(room < ROUNDING, 0)


def _sizes(given: SizeConditioning, picture: tuple[int, int], aesthetic: float) -> tuple[float, ...]:
    """All that SDXL and its refiner are told. picture: (height, width) in pixels."""
    original = given.original or picture
    score = aesthetic if given.aesthetic is None else given.aesthetic
    return (*original, *given.crop, *(given.target or original), score)


def _box(area: Area, height: int, width: int, factor: int) -> Box:
    """The area in latent pixels, cut to the picture."""
    if area.relative:
        top, left = min(round(area.y * height), height - 1), min(round(area.x * width), width - 1)
        tall, wide = round(area.height * height), round(area.width * width)
    else:
        top, left = int(area.y // factor), int(area.x // factor)
        tall, wide = int(area.height // factor), int(area.width // factor)
    if top >= height or left >= width:
        raise ValueError(
            f"A conditioning's area begins at x = {area.x:g}, y = {area.y:g}, outside of the picture of "
            f"{width * factor} × {height * factor} pixels. Move the area into the picture, or make the picture larger."
        )
    return Box(top, left, min(max(tall, 1), height - top), min(max(wide, 1), width - left))


def _bounds(mask: Tensor) -> Box:
    """The box around all that is not 0 in a mask [N, 1, H, W]: at least 8 × 8, and inside of the latent."""
    marked = (mask != 0).any(dim=0)[0]
    top, tall = _span(marked.any(dim=1))
    left, wide = _span(marked.any(dim=0))
    return Box(top, left, tall, wide)


def _span(marked: Tensor) -> tuple[int, int]:
    places = marked.nonzero().flatten().tolist() or [0]
    length = min(max(places[-1] - places[0] + 1, SMALLEST_BOUNDS), len(marked))
    return min(places[0], len(marked) - length), length
