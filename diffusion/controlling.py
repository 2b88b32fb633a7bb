"""Controls at work: pictures laid over a latent, whose networks steer a U-Net while it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath
from typing import Protocol

import torch
from torch import Tensor

from diffusion.changes import Residuals
from diffusion.conditioning import check_range
from diffusion.context import Context
from diffusion.control_networks import Made
from diffusion.pictures import levelled
from diffusion.prediction import Prediction
from diffusion.regions import Region, repeat_items
from diffusion.resize import resize
from diffusion.values import Conditioning, ConditioningEntry, Control, ControlNet, Image


class Steerer(Protocol):
    """A control network at work."""

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) in pixels of the picture it takes for a latent of this size."""
        ...

    def look(self, picture: Tensor) -> Made:
        """What it makes of pictures float32 [N, 3, H, W] in 0..1, of the size it takes."""
        ...

    def __call__(self, x: Tensor, timestep: Tensor, context: Context, made: Made) -> Residuals:
        """What is added to the layers of a U-Net that is asked the same. made: of a picture for each item."""
        ...


def controlled(conditioning: Conditioning, control: Control) -> Conditioning:
    """The conditioning, steered by one more control. Raises ValueError for one that ends before it begins."""
    check_range("control", control.start, control.end)
    return Conditioning(tuple(replace(entry, controls=(*entry.controls, control)) for entry in conditioning.entries))


def control_picture(image: Image) -> Tensor:
    """The pictures as control networks take them: float32 [B, 3, H, W] with black at 0 and white at 1, not clipped.

    Grey is repeated, alpha left out. Raises ValueError for other than 1 to 4 channels.
    """
    pixels = levelled(image).movedim(-1, 1)
    channels = pixels.shape[1]
    if channels > 4:
        raise ValueError(
            f"A control picture has 1 to 4 channels, grey or colours and perhaps alpha; this one has {channels}."
        )
    return (pixels[:, :3] if channels > 2 else pixels[:, :1].expand(-1, 3, -1, -1)).contiguous()


@dataclass(frozen=True, eq=False)
class LaidControl:
    """A control laid over the part of a latent that a region is shown.

    net: names its network. network: what computes. picture: float32 [N, 3, H, W], cut to the part. batch: how many
    latents there are; pictures are repeated in turn. begin, end: it steers at noise levels begin ≥ sigma ≥ end.
    """

    net: ControlNet
    network: Steerer
    picture: Tensor
    batch: int
    strength: float
    begin: float
    end: float

    def holds(self, sigma: float) -> bool:
        """Whether it steers at noise level `sigma`."""
        return self.end <= sigma <= self.begin

    @cached_property
    def made(self) -> Made:
        """What the network makes of the picture, [batch, …] each; looked at once."""
        return tuple(repeat_items(each, self.batch) for each in self.network.look(self.picture))


def lay_controls(
    region: Region, networks: Mapping[ControlNet, Steerer], shape: Sequence[int], prediction: Prediction
) -> Region:
    """The region with its entry's controls laid over its part of a latent of `shape` [B, C, H, W].

    Pictures are resized to the size that goes with the whole latent, the middle of the latent's proportions cut out
    first, nearest pixel taken; of that the region's part. Raises LookupError for a network that is not lent.
    """
    batch, _, height, width = shape
    laid = list[LaidControl]()
    for control in region.entry.controls:
        if control.net not in networks:
            name = PurePath(control.net.file.path).name
            raise LookupError(f"The control network '{name}' is not lent for this run. Use `equipped` to lend it.")
        network = networks[control.net]
        tall, wide = network.size(height, width)
        picture = resize(control.picture, tall, wide, "nearest-exact", "center")
        laid.append(
            LaidControl(
                control.net,
                network,
                _cut(picture, region, (height, width), network.size(region.box.height, region.box.width)),
                batch,
                control.strength,
                prediction.percent_to_sigma(control.start),
                prediction.percent_to_sigma(control.end),
            )
        )
    return replace(region, controls=tuple(laid)) if laid else region


def sharing_controls(sides: Sequence[Conditioning]) -> tuple[Conditioning, ...]:
    """The sides of guidance (the positive one first), each entry of the others with the shared controls of the first
    side, if it has none of its own: those of its first entry with the same area, or else of its first entry.
    """
    first, *others = sides
    sources = [entry for entry in first.entries if any(control.is_shared for control in entry.controls)]

    def steered(entry: ConditioningEntry) -> ConditioningEntry:
        if entry.controls or not sources:
            return entry
        source = next((source for source in sources if source.area == entry.area), sources[0])
        return replace(entry, controls=tuple(control for control in source.controls if control.is_shared))

    return first, *(Conditioning(tuple(map(steered, side.entries))) for side in others)


@dataclass(frozen=True, eq=False)
class Steering:
    """What steers one call of a network: for each control its network, its strength, and what it made of the pictures,
    an item for each of the call's.
    """

    controls: tuple[tuple[Steerer, float, Made], ...]

    def over(self, x: Tensor, timestep: Tensor, context: Context) -> Residuals | None:
        """What all of them add; None where there are none. x, timestep, context: what the network is asked."""
        total = None
        for network, strength, made in self.controls:
            answer = _times(network(x, timestep, context, made), strength)
            total = answer if total is None else _plus(total, answer)
        return total

    def part(self, rows: slice) -> Steering:
        """What steers some items of the call."""
        return Steering(
            tuple((network, strength, tuple(each[rows] for each in made)) for network, strength, made in self.controls)
        )


def steering(regions: Sequence[Region], sigma: float) -> Steering:
    """What steers regions that share a call at noise level `sigma`: they are steered by the same networks."""
    each = [[control for control in region.controls if control.holds(sigma)] for region in regions]
    return Steering(
        tuple(
            (
                together[0].network,
                together[0].strength,
                tuple(map(torch.cat, zip(*(one.made for one in together), strict=True))),
            )
            for together in zip(*each, strict=True)
        )
    )


def steered_by(region: Region, sigma: float) -> tuple[tuple[ControlNet, float], ...]:
    """By which networks and how strongly a region is steered at noise level `sigma`."""
    return tuple((control.net, control.strength) for control in region.controls if control.holds(sigma))


def _cut(picture: Tensor, region: Region, whole: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """A region's part, of `size`, of a picture for a whole latent of (height, width)."""
    tall, wide = picture.shape[2:]
    top, left = round(region.box.top * tall / whole[0]), round(region.box.left * wide / whole[1])
    part = picture[..., top : top + size[0], left : left + size[1]]
    return resize(part, *size, "nearest-exact")


def _times(residuals: Residuals, strength: float) -> Residuals:
    if strength == 1:
        return residuals
    return Residuals(
        {layer: each * strength for layer, each in residuals.entered.items()},
        {layer: each * strength for layer, each in residuals.skips.items()},
        None if residuals.middle is None else residuals.middle * strength,
    )


def _plus(one: Residuals, other: Residuals) -> Residuals:
    middles = [each.middle for each in (one, other) if each.middle is not None]
    middle = torch.stack(middles).sum(0) if middles else None
    return Residuals(_sum(one.entered, other.entered), _sum(one.skips, other.skips), middle)


def _sum(one: Mapping[int, Tensor], other: Mapping[int, Tensor]) -> dict[int, Tensor]:
    both = {layer: one[layer] + other[layer] for layer in one.keys() & other.keys()}
    return {**one, **other, **both}
