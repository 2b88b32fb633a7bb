"""A module lent for computing: what runs on it, and what happens when half precision overflows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from diffusion.tensors import Residence

Answer = TypeVar("Answer", Tensor, tuple[Tensor, ...])


@dataclass(eq=False)
class Lease:
    """A module with its weights in place, for as long as it is lent.

    run: the module itself, or its compiled form. widen: loads the same weights in a wider number type and puts them
    here; None where there is no wider one.
    """

    run: nn.Module
    residence: Residence
    widen: Callable[["Lease"], None] | None = None

    def compute(self, forward: Callable[[nn.Module, Residence], Answer]) -> Answer:
        """`forward(module, residence)`. An answer with NaN or infinity in it is computed once more in a wider number
        type.
        """
        answer = forward(self.run, self.residence)
        if self.widen is None or _is_finite(answer):
            return answer
        self.widen(self)
        return forward(self.run, self.residence)


def _is_finite(answer: Tensor | tuple[Tensor, ...]) -> bool:
    tensors = (answer,) if isinstance(answer, Tensor) else answer
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)
