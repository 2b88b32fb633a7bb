"""Asking a network about a noisy latent under several conditionings: alike ones share a call, answers are averaged."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from diffusion.changes import Change
from diffusion.changing import Layout
from diffusion.context import Context, Inputs, View
from diffusion.controlling import steered_by, steering
from diffusion.equipment import Equipment
from diffusion.hooks import Patches, model_patches
from diffusion.prediction import Prediction
from diffusion.regions import Region, fit_mask, repeat_items
from diffusion.values import ConditioningEntry, LatentSpace

LARGEST_CALL = 2**17
"""Latent pixels that go through the network at once (32 pictures of 64 × 64): fixed, whatever memory is free."""
MOST_REPEATS = 4
"""How often the shorter tokens may be repeated to share a call with longer ones."""


class Backbone(Protocol):
    """The network inside a model, as guidance asks it: `diffusion.network.Network`."""

    @property
    def prediction(self) -> Prediction:
        """How the network is asked and understood."""
        ...

    @property
    def space(self) -> LatentSpace:
        """The latent space it works in."""
        ...

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    @property
    def inputs(self) -> Inputs:
        """What it takes besides the noisy latent."""
        ...

    @property
    def equipment(self) -> Equipment:
        """What is lent beside it."""
        ...

    @property
    def layout(self) -> Layout:
        """What changes of the way through it go by."""
        ...

    def note(self, sentence: str) -> object:
        """Tell the user something."""
        ...

    def __call__(self, x: Tensor, timestep: Tensor, context: Context) -> Tensor:
        """The raw answer to scaled x, float32 [B, C, H, W]. timestep: [B]."""
        ...


def ask(
    network: Backbone, x: Tensor, sigma: Tensor, regions: Sequence[Region], changes: tuple[Change, ...] = ()
) -> list[Tensor]:
    """The denoised answers to x, [B, C, box.height, box.width] for each region, in order.

    Regions that are alike go through the network together: see `batches`. changes: of the way through it.
    """
    prediction, answers = network.prediction, dict[int, Tensor]()
    patches = [patches_at(region, prediction, float(sigma)) for region in regions]
    networks = _under(network, patches)
    steered = [steered_by(region, float(sigma)) for region in regions]
    for together in batches(regions, list(zip(patches, steered, strict=True))):
        members = [regions[place] for place in together]
        shown = torch.cat([region.box.of(x) for region in members])
        context = replace(
            _context(network, members, x), sigma=float(sigma), changes=changes, steering=steering(members, float(sigma))
        )
        rows = max(1, LARGEST_CALL // (shown.shape[2] * shown.shape[3]))
        timestep = prediction.timestep(sigma).to(x.device).reshape(1)
        calls = zip(prediction.scale_input(shown, sigma).split(rows), context.split(rows), strict=True)
        asked = networks[patches[together[0]]]
        out = torch.cat([asked(part, timestep.expand(len(part)), told) for part, told in calls])
        answers.update(zip(together, prediction.denoised(shown, out, sigma).split(x.shape[0]), strict=True))
    return [answers[place] for place in range(len(regions))]


def batches(regions: Sequence[Region], states: Sequence[object] = ()) -> list[list[int]]:
    """Which regions go through the network in one call, by place: those of one size whose tokens repeat to one length.

    states: for each region, what hooks lay over the network and what steers it; where that differs, calls are not
    shared. It depends on the regions alone, never on free memory, so that a workflow gives the same bits every time.
    """
    result: list[list[int]] = []
    for place, region in enumerate(regions):
        for together in result:
            members = [regions[member] for member in together]
            if states and states[place] != states[together[0]]:
                continue
            if _kind(region) == _kind(members[0]) and _repeatable([*members, region]):
                together.append(place)
                break
        else:
            result.append([place])
    return result


def patches_at(region: Region, prediction: Prediction, sigma: float) -> Patches:
    """What the hooks of a region lay over the network at a noise level."""
    hooks = region.entry.hooks
    return model_patches(hooks, lambda percent: sigma <= prediction.percent_to_sigma(percent)) if hooks else ()


def _under(network: Backbone, patches: Sequence[Patches]) -> Mapping[Patches, Backbone]:
    """The network under each of these patches."""
    networks: dict[Patches, Backbone] = {(): network}
    wanted, variants = list(dict.fromkeys(filter(None, patches))), network.equipment.variants
    if variants is not None:
        networks.update(variants.under(wanted))
    elif wanted:
        raise ValueError("A conditioning has hooks, but nothing is there to lend networks under them. Use `equipped`.")
    return networks


def _kind(region: Region) -> tuple[int, int, bool, int]:
    """What must be the same for two regions to share a call."""
    return region.box.height, region.box.width, region.entry.pooled is None, region.group


def _repeatable(regions: Sequence[Region]) -> bool:
    lengths = [region.entry.tokens.shape[1] for region in regions]
    return math.lcm(*lengths) <= MOST_REPEATS * min(lengths)


def _context(network: Backbone, regions: Sequence[Region], x: Tensor) -> Context:
    """All that the network takes beside the regions' parts of x: [regions · B, …] of each."""
    takes = network.inputs
    return Context(
        _tokens(regions, x.shape[0]),
        _pooled(regions, x.shape[0]),
        _sizes(regions, x.shape[0], takes.sizes) if takes.sizes else None,
        torch.cat([_beside(network, region, x) for region in regions]) if takes.beside else None,
        classes=_classes(regions, x.shape[0], takes),
        control=_control(regions, x.shape[0]),
        views=tuple(_views(regions, x)),
    )


def _views(regions: Sequence[Region], x: Tensor) -> Iterator[View]:
    """What each row sees: for each region all items of the batch in turn."""
    batch, _, height, width = x.shape
    for region in regions:
        yield from (View(item, region.box, (height, width), region.is_wanted) for item in range(batch))


def _tokens(regions: Sequence[Region], batch: int) -> Tensor:
    """All tokens, [regions · B, T, D]; shorter ones repeated to one length, which changes no answer of attention."""
    length = math.lcm(*(region.entry.tokens.shape[1] for region in regions))
    tokens = [repeat_items(region.entry.tokens, batch) for region in regions]
    return torch.cat([each.repeat(1, length // each.shape[1], 1) for each in tokens])


def _pooled(regions: Sequence[Region], batch: int) -> Tensor | None:
    """All pooled outputs, [regions · B, P], or None where the entries have none."""
    pooled = [repeat_items(region.entry.pooled, batch) for region in regions if region.entry.pooled is not None]
    return torch.cat(pooled) if pooled else None


def _control(regions: Sequence[Region], batch: int) -> tuple[Tensor, Tensor | None] | None:
    """Tokens and pooled outputs that control networks read, where they are others than those of the network."""
    if all(region.entry.control_tokens is None for region in regions):
        return None
    told = [replace(region, entry=_as_controls_read(region.entry)) for region in regions]
    return _tokens(told, batch), _pooled(told, batch)


def _as_controls_read(entry: ConditioningEntry) -> ConditioningEntry:
    if entry.control_tokens is None:
        return entry
    pooled = entry.pooled if entry.control_pooled is None else entry.control_pooled
    return replace(entry, tokens=entry.control_tokens, pooled=pooled)


def _sizes(regions: Sequence[Region], batch: int, count: int) -> Tensor:
    """The sizes that SDXL is told (6) or its refiner (5), [regions · B, count]."""
    rows = [region.sizes[:6] if count == 6 else (*region.sizes[:4], region.sizes[6]) for region in regions]
    return torch.tensor(rows, dtype=torch.float32, device=regions[0].weight.device).repeat_interleave(batch, dim=0)


def _classes(regions: Sequence[Region], batch: int, takes: Inputs) -> Tensor | None:
    """What unCLIP models are told of pictures, [regions · B, width], 0 where nothing is; for models that enlarge, the
    noise level of what they are shown, int64 [regions · B]; or None.
    """
    if not takes.classes and not takes.levels:
        return None
    nothing = torch.zeros(1, takes.classes or 1, device=regions[0].weight.device)
    told = [nothing if region.entry.classes is None else region.entry.classes for region in regions]
    classes = torch.cat([repeat_items(each, batch) for each in told])
    return classes if takes.classes else classes[:, 0].long()


def _beside(network: Backbone, region: Region, x: Tensor) -> Tensor:
    """The channels behind those of a region's part of x: a picture, and before it a mask where the network takes one.

    A picture of another size is resized bilinearly; a mask's values are rounded. With a mask the picture is in model
    scale (Rombach et al. 2022), without one it is as the autoencoder gives it (Brooks et al. 2023), and 0 if there is
    none.
    """
    batch, channels, height, width = x.shape
    takes_mask = network.inputs.beside == channels + 1
    shown = region.entry.shown
    if shown is None:
        if takes_mask:
            raise ValueError(
                "This model repaints pictures: it must be shown one, with a mask. Connect its conditionings through "
                "InpaintModelConditioning, or give the latent a noise mask."
            )
        return torch.zeros_like(region.box.of(x))
    picture = repeat_items(shown.samples, batch)
    if picture.shape[2:] != (height, width):
        picture = interpolate(picture, size=(height, width), mode="bilinear", align_corners=False)
    if not takes_mask:
        return region.box.of(picture)
    picture = (picture - network.space.shift) * network.space.scale
    mask = torch.ones_like(x[:, :1]) if shown.mask is None else fit_mask(shown.mask, batch, height, width).round()
    return torch.cat([region.box.of(mask), region.box.of(picture)], dim=1)


def average(x: Tensor, regions: Sequence[Region], answers: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The answers' mean by weight, of x's shape (0 where nothing counts), and the sum of weights [B, 1, H, W]."""
    total, weight = torch.zeros_like(x), torch.zeros_like(x[:, :1])
    for region, answer in zip(regions, answers, strict=True):
        region.box.of(total).add_(answer * region.weight)
        region.box.of(weight).add_(region.weight)
    return torch.where(weight > 0, total / weight, 0.0), weight
