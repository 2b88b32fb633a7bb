"""The two answers that guidance is made of, and the way to ask for them once more."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from diffusion.changes import Change

Asking = Callable[[Tensor, Tensor, tuple[Change, ...]], Tensor]
"""(x, otherwise, changes) → the denoised answer to x of a network that is changed so. otherwise: where the side has no
say.
"""


@dataclass(frozen=True, eq=False)
class Side:
    """What guidance may want of one side besides its answer to x.

    denoised: that answer, as the network gave it. ask: another one. attention: float32 [B, 1, H, W]: how much the
    pixels around the one are looked at by all others, 1 being the mean; None where it was not looked for.
    """

    denoised: Tensor
    ask: Asking
    attention: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Answers:
    """Two denoised answers to x at noise level sigma (0-d), all float32 [B, C, H, W], and how far guidance goes.

    sides: that of the wanted and that of the unwanted answer; empty where no network stands behind them. memory: what
    guidance keeps from one noise level to the next, by name.
    """

    x: Tensor
    sigma: Tensor
    wanted: Tensor
    unwanted: Tensor
    cfg: float
    sides: tuple[Side, ...] = ()
    memory: dict[str, Tensor] = field(default_factory=dict)
