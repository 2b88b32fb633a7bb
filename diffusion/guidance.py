"""Guidance: one denoiser made of a network's answers to what a picture shall show and to what it shall not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Protocol

import torch
from torch import Tensor

from diffusion.prediction import Frame, Prediction
from diffusion.regions import Region, holding, lay, matched, repeat_items
from diffusion.values import Conditioning, LatentSpace

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


@dataclass(frozen=True, eq=False)
class Guided:
    """Classifier-free guidance: negative + cfg · (positive − negative) (Ho & Salimans 2022, eq. 6, with cfg = w + 1).

    Where several regions of one side overlap, their answers are averaged by weight. Where one side has no say (no
    region covers the pixel at this noise level), the other side's answer stands as it is; where neither has, the answer
    is 0, the mean of a latent. With cfg 1 the negative side is not computed, unless it has to fill gaps of the positive
    one.
    """

    network: Backbone
    positive: Sequence[Region]
    negative: Sequence[Region]
    cfg: float

    @property
    def frame(self) -> Frame:
        """How latent and noise mix."""
        return self.network.prediction.frame

    def percent_to_sigma(self, percent: float) -> float:
        """The noise level after `percent` of the way from noise to picture."""
        return self.network.prediction.percent_to_sigma(percent)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The guided answer to x [B, C, H, W] at the noise level sigma (0-d)."""
        positive = list(holding(self.positive, float(sigma)))
        if self.cfg == 1 and any(region.fills(*x.shape[2:]) for region in positive):
            return _average(x, positive, ask(self.network, x, sigma, positive))[0]
        return self.both(x, sigma)[0]

    def both(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The guided and the negative answer. Raises ValueError where no entry of either side holds at sigma."""
        positive, negative = list(holding(self.positive, float(sigma))), list(holding(self.negative, float(sigma)))
        if not positive and not negative:
            raise ValueError(
                f"Nothing says what the picture shall show at noise level {float(sigma):.4g}: no entry of the positive "
                "or the negative conditioning holds there. Give one of them a timestep range from 0 to 1."
            )
        answers = ask(self.network, x, sigma, [*positive, *negative])
        wanted, wanted_weight = _average(x, positive, answers[: len(positive)])
        unwanted, unwanted_weight = _average(x, negative, answers[len(positive) :])
        wanted = torch.where(wanted_weight > 0, wanted, unwanted)
        unwanted = torch.where(unwanted_weight > 0, unwanted, wanted)
        return unwanted + self.cfg * (wanted - unwanted), unwanted


def guided(
    network: Backbone, positive: Conditioning, negative: Conditioning, cfg: float, shape: Sequence[int]
) -> Guided:
    """The network, guided by two conditionings, for latents of `shape` [B, C, H, W].

    Raises ValueError for tokens of another model's width, and for an area outside the picture.
    """
    for entry in (*positive.entries, *negative.entries):
        if entry.tokens.shape[2] != network.token_width:
            raise ValueError(
                f"The conditioning was made for another model: its tokens are {entry.tokens.shape[2]} wide, but this "
                f"model attends to tokens of width {network.token_width}. Encode the text with its own CLIP."
            )
    wanted, unwanted = (
        lay(side, shape, network.space.factor, network.prediction.percent_to_sigma, network.device)
        for side in (positive, negative)
    )
    unwanted = matched(unwanted, wanted, *shape[2:])
    return Guided(network, matched(wanted, unwanted, *shape[2:]), unwanted, cfg)


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


def _average(x: Tensor, regions: Sequence[Region], answers: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The answers' mean by weight, of x's shape (0 where nothing counts), and the sum of weights [B, 1, H, W]."""
    total, weight = torch.zeros_like(x), torch.zeros_like(x[:, :1])
    for region, answer in zip(regions, answers, strict=True):
        region.box.of(total).add_(answer * region.weight)
        region.box.of(weight).add_(region.weight)
    return torch.where(weight > 0, total / weight, 0.0), weight
