"""Guidance: one denoiser made of a network's answers to what a picture shall show and to what it shall not."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from diffusion.asking import Backbone, ask, average
from diffusion.prediction import Frame
from diffusion.regions import Region, holding, lay, matched
from diffusion.values import Conditioning


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
            return average(x, positive, ask(self.network, x, sigma, positive))[0]
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
        wanted, wanted_weight = average(x, positive, answers[: len(positive)])
        unwanted, unwanted_weight = average(x, negative, answers[len(positive) :])
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
