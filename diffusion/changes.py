"""What can be changed while latents go through a U-Net: how layers, skips and attention are told of it.

A layer is named as the original checkpoints number their `input_blocks` and `output_blocks`, which is how people know
the places where FreeU, deep shrink or perturbed attention act.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from torch import Tensor

if TYPE_CHECKING:
    from diffusion.context import Context
    from diffusion.keys_values import Composition


@dataclass(frozen=True)
class Place:
    """Where in a U-Net. number: of the layer within its stage; in "input" convolution and downsampling layers count,
    in "output" upsampling belongs to the layer before it, "middle" has 0 alone.

    depth: which transformer block of the layer. attends: to the picture itself or to the tokens. Both are None outside
    attention.
    """

    stage: Literal["input", "middle", "output"]
    number: int
    depth: int | None = None
    attends: Literal["self", "cross"] | None = None


@dataclass(frozen=True, eq=False)
class States:
    """What an attention layer computes with: query [B, heads, N, D], key and value [B, heads, M, D].

    size: (height, width) of the picture whose pixels the queries are, row by row; None where they are no picture's.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    size: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Call:
    """One way through a network. size: (height, width) of the latents. context: what the network is told besides.
    known: what its cross-attention made of the tokens before, which is not computed again; None: it is not remembered.
    """

    size: tuple[int, int]
    context: Context
    known: Composition | None = None


class Change:
    """A change of what goes through a U-Net. Every method hands back what it was given, unless it is overridden.

    Hidden states are [B, C, H, W] in the number type in which the network computes. Nothing may be changed in place.
    """

    def entered(self, hidden: Tensor, place: Place, call: Call) -> Tensor:
        """What comes out of an input or middle layer: it goes on, and, of an input layer, is kept as a skip."""
        del place, call
        return hidden

    def passed(self, hidden: Tensor, place: Place, call: Call) -> Tensor:
        """What goes on from an input layer after it was kept as a skip."""
        del place, call
        return hidden

    def joining(self, hidden: Tensor, skip: Tensor, place: Place, call: Call) -> tuple[Tensor, Tensor]:
        """What an output layer is about to join. hidden is smaller than the skip where a change made it so; what is
        still smaller in the end is resized bilinearly.
        """
        del place, call
        return hidden, skip

    def projecting(self, keyed: Tensor, valued: Tensor, place: Place, call: Call) -> tuple[Tensor, Tensor]:
        """What attention is about to make keys and values of, [B, M, C] each: the tokens, or the picture itself.

        Of tokens that stay the same it is asked once a run, and must say the same each time.
        """
        del place, call
        return keyed, valued

    def attended(self, states: States, place: Place, call: Call, attend: Callable[[States], Tensor]) -> Tensor:
        """What attention makes of its states, [B, heads, N, D]. attend: what it would make of states by itself."""
        del place, call
        return attend(states)


@dataclass(frozen=True, eq=False)
class Residuals:
    """What control networks add to a U-Net's layers, each [B, C, H, W].

    entered: to what comes out of input layers, by number, before it is kept and goes on. skips: to what was kept of
    input layers, by number. middle: to what comes out of the middle.
    """

    entered: Mapping[int, Tensor] = field(default_factory=lambda: MappingProxyType({}))
    skips: Mapping[int, Tensor] = field(default_factory=lambda: MappingProxyType({}))
    middle: Tensor | None = None

    def part(self, rows: slice) -> Residuals:
        """Those of some items of the batch."""
        return Residuals(
            {number: tensor[rows] for number, tensor in self.entered.items()},
            {number: tensor[rows] for number, tensor in self.skips.items()},
            None if self.middle is None else self.middle[rows],
        )


def attending(
    states: States, place: Place, call: Call, changes: Sequence[Change], attend: Callable[[States], Tensor]
) -> Tensor:
    """What attention makes of its states under all changes, the first one outermost."""
    if not changes:
        return attend(states)
    first, *others = changes
    return first.attended(states, place, call, lambda inner: attending(inner, place, call, others, attend))
