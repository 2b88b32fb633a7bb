"""Self-attention guidance: away from what the network answers where the picture is blurred in places that matter to it.

Hong et al. 2023, "Improving Sample Quality of Diffusion Models Using Self-Attention Guidance".
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from diffusion.answers import Answers
from diffusion.changes import Call, Change, Place, States
from diffusion.model_options import SelfAttentionGuidance
from diffusion.smoothing import blurred

THRESHOLD = 1.0
"""A pixel is blurred where all others together look at it more than this: 1 is the mean."""
RADIUS = 4
"""Pixels to each side that the blur reaches."""
SMALLEST = RADIUS + 1
"""Latents with a shorter side than this are not guided: the blur reaches beyond them."""


class Attention(Change):
    """Looks on while the first block in the middle attends to the picture, and remembers where it looks.

    maps: for each item of the batch float32 [1, h, w], what each place of the middle gets from all others: the mean
    over heads, summed over those who ask. Where the network was asked twice, the last time counts.
    """

    def __init__(self) -> None:
        self._sums = torch.empty(0)
        self.maps: dict[int, Tensor] = {}

    def attended(self, states: States, place: Place, call: Call, attend: Callable[[States], Tensor]) -> Tensor:
        """What attention makes of the states, as it would be."""
        if place.stage == "middle" and place.attends == "self" and place.depth == 0:
            query, key = states.query.float(), states.key.float()
            shares = torch.softmax(query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5, dim=-1)
            self._sums = shares.mean(1).sum(1)
        return super().attended(states, place, call, attend)

    def entered(self, hidden: Tensor, place: Place, call: Call) -> Tensor:
        """The hidden state as it is; that of the middle says what size the map has."""
        if place.stage == "middle":
            maps = self._sums.view(len(hidden), 1, *hidden.shape[2:])
            self.maps.update({view.item: row for view, row in zip(call.context.views, maps, strict=True)})
        return hidden

    def over(self, height: int, width: int) -> Tensor:
        """The maps of all items, [B, 1, height, width]: each pixel has what the place has in which it lies."""
        maps = torch.stack([self.maps[item] for item in sorted(self.maps)])
        return functional.interpolate(maps, size=(height, width), mode="nearest")


def self_guided(at: Answers, option: SelfAttentionGuidance, result: Tensor) -> Tensor:
    """result + scale · (x̂ − D(x̂ + n)), with n the noise that the unwanted answer sees in x: the paper's guidance in
    denoised latents.

    x̂ is the unwanted answer, blurred where its self-attention is above the mean. A latent that is too small for the
    blur is not guided.
    """
    unwanted = at.sides[-1]
    if unwanted.attention is None or min(at.x.shape[2:]) < SMALLEST or option.scale == 0:
        return result
    mask = (unwanted.attention > THRESHOLD).to(at.x.dtype)
    degraded = blurred(unwanted.denoised, option.blur, RADIUS, "reflect") * mask + unwanted.denoised * (1 - mask)
    answer = unwanted.ask(degraded + (at.x - unwanted.denoised), degraded, ())
    return result + option.scale * (degraded - answer)
