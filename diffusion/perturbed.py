"""Perturbed-attention guidance: away from what the network answers where its middle attends to nothing.

Ahn et al. 2024, "Self-Rectifying Diffusion Sampling with Perturbed-Attention Guidance".
"""

from collections.abc import Callable

from torch import Tensor

from diffusion.answers import Answers
from diffusion.changes import Call, Change, Place, States
from diffusion.model_options import PerturbedAttention


class Unattended(Change):
    """Self-attention in the middle of the network hands every pixel its own value: its map is the identity."""

    def attended(self, states: States, place: Place, call: Call, attend: Callable[[States], Tensor]) -> Tensor:
        """The values as they are, in the middle."""
        if place.stage == "middle" and place.attends == "self":
            return states.value
        return super().attended(states, place, call, attend)


def perturbed(at: Answers, option: PerturbedAttention, result: Tensor) -> Tensor:
    """result + scale · (wanted − perturbed), whatever guidance there is besides: the paper's in denoised latents."""
    if option.scale == 0:
        return result
    wanted = at.sides[0]
    return result + option.scale * (wanted.denoised - wanted.ask(at.x, wanted.denoised, (Unattended(),)))
