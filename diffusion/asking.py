"""Asking a network about a noisy latent under several conditionings: alike ones share a call, answers are averaged."""

import math
from collections.abc import Sequence
from itertools import repeat
from typing import Protocol

import torch
from torch import Tensor

from diffusion.prediction import Prediction
from diffusion.regions import Region, repeat_items
from diffusion.values import LatentSpace

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
    def token_width(self) -> int:
        """The width D of the tokens it attends to."""
        ...

    def __call__(self, x: Tensor, timestep: Tensor, tokens: Tensor, pooled: Tensor | None = None) -> Tensor:
        """The raw answer to scaled x, float32 [B, C, H, W]. timestep: [B]; tokens: [B, T, D]; pooled: [B, D]."""
        ...


def ask(network: Backbone, x: Tensor, sigma: Tensor, regions: Sequence[Region]) -> list[Tensor]:
    """The denoised answers to x, [B, C, box.height, box.width] for each region, in order.

    Regions that are alike go through the network together: see `batches`.
    """
    prediction, answers = network.prediction, dict[int, Tensor]()
    for together in batches(regions):
        members = [regions[place] for place in together]
        shown = torch.cat([region.box.of(x) for region in members])
        tokens, pooled = _tokens(members, x.shape[0]), _pooled(members, x.shape[0])
        rows = max(1, LARGEST_CALL // (shown.shape[2] * shown.shape[3]))
        timestep = prediction.timestep(sigma).to(x.device).reshape(1)
        calls = zip(
            prediction.scale_input(shown, sigma).split(rows),
            tokens.split(rows),
            repeat(None) if pooled is None else pooled.split(rows),
            strict=False,
        )
        out = torch.cat([network(part, timestep.expand(len(part)), text, summary) for part, text, summary in calls])
        answers.update(zip(together, prediction.denoised(shown, out, sigma).split(x.shape[0]), strict=True))
    return [answers[place] for place in range(len(regions))]


def batches(regions: Sequence[Region]) -> list[list[int]]:
    """Which regions go through the network in one call, by place: those of one size whose tokens repeat to one length.

    It depends on the regions alone, never on free memory, so that a workflow gives the same bits every time.
    """
    result: list[list[int]] = []
    for place, region in enumerate(regions):
        for together in result:
            members = [regions[member] for member in together]
            if _kind(region) == _kind(members[0]) and _repeatable([*members, region]):
                together.append(place)
                break
        else:
            result.append([place])
    return result


def _kind(region: Region) -> tuple[int, int, bool]:
    """What must be the same for two regions to share a call."""
    return region.box.height, region.box.width, region.entry.pooled is None


def _repeatable(regions: Sequence[Region]) -> bool:
    lengths = [region.entry.tokens.shape[1] for region in regions]
    return math.lcm(*lengths) <= MOST_REPEATS * min(lengths)


def _tokens(regions: Sequence[Region], batch: int) -> Tensor:
    """All tokens, [regions · B, T, D]; shorter ones repeated to one length, which changes no answer of attention."""
    length = math.lcm(*(region.entry.tokens.shape[1] for region in regions))
    tokens = [repeat_items(region.entry.tokens, batch) for region in regions]
    return torch.cat([each.repeat(1, length // each.shape[1], 1) for each in tokens])


def _pooled(regions: Sequence[Region], batch: int) -> Tensor | None:
    """All pooled outputs, [regions · B, D], or None where the entries have none."""
    pooled = [repeat_items(region.entry.pooled, batch) for region in regions if region.entry.pooled is not None]
    return torch.cat(pooled) if pooled else None


def average(x: Tensor, regions: Sequence[Region], answers: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The answers' mean by weight, of x's shape (0 where nothing counts), and the sum of weights [B, 1, H, W]."""
    total, weight = torch.zeros_like(x), torch.zeros_like(x[:, :1])
    for region, answer in zip(regions, answers, strict=True):
        region.box.of(total).add_(answer * region.weight)
        region.box.of(weight).add_(region.weight)
    return torch.where(weight > 0, total / weight, 0.0), weight
