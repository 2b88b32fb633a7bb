"""What a network is told besides the noisy latent, and what it expects to be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor

from diffusion.changes import Change, Residuals
from diffusion.regions import Box
from diffusion.values import ConditioningEntry


@dataclass(frozen=True)
class View:
    """What one row of a call sees. item: of the batch. box: the part of the latent; canvas: (height, width) of all of
    it. is_wanted: it is asked what the picture shall show, not what it shall not.
    """

    item: int
    box: Box
    canvas: tuple[int, int]
    is_wanted: bool = True


class Steering(Protocol):
    """What control networks make of the items of a call: `diffusion.controlling.Steering`."""

    def over(self, x: Tensor, timestep: Tensor, context: Context) -> Residuals | None:
        """What all of them add to the network that is asked this; None: nothing."""
        ...

    def part(self, rows: slice) -> Steering:
        """What steers some items of the call."""
        ...


@dataclass(frozen=True, eq=False)
class Context:
    """What goes through a network beside latents [B, C, H, W], float32.

    tokens: [B, T, D]. pooled: [B, P]. sizes: [B, N], as SDXL is told of its pictures. beside: [B, C', H, W], channels
    behind the latent's own. classes: [B, C], as unCLIP models are told of pictures, or int64 [B], how much noise lies
    on a picture that the network is shown. Each but the tokens is None for a network that does not take it. sigma: the
    noise level. changes: of the way through the network, the first one outermost. steering: asks control networks what
    they add; control: (tokens, pooled) that they read in place of the network's own; residuals: what they have added.
    views: what each row sees.
    """

    tokens: Tensor
    pooled: Tensor | None = None
    sizes: Tensor | None = None
    beside: Tensor | None = None
    classes: Tensor | None = None
    sigma: float = 0.0
    changes: tuple[Change, ...] = ()
    residuals: Residuals | None = None
    views: tuple[View, ...] = ()
    steering: Steering | None = None
    control: tuple[Tensor, Tensor | None] | None = None

    def split(self, rows: int) -> Iterator[Context]:
        """Parts of at most so many items, in order."""
        if len(self.tokens) <= rows:
            yield self
            return
        for start in range(0, len(self.tokens), rows):
            part = slice(start, start + rows)
            yield replace(
                self,
                tokens=self.tokens[part],
                pooled=None if self.pooled is None else self.pooled[part],
                sizes=None if self.sizes is None else self.sizes[part],
                beside=None if self.beside is None else self.beside[part],
                classes=None if self.classes is None else self.classes[part],
                residuals=None if self.residuals is None else self.residuals.part(part),
                views=self.views[part],
                steering=None if self.steering is None else self.steering.part(part),
                control=None if self.control is None else _rows(self.control, part),
            )

    def steered(self, x: Tensor, timestep: Tensor) -> Context:
        """The same with what control networks add to the items x, [B, C, H, W], timestep: [B].

        They are asked here, where the network itself is about to be: where memory is too small for all items at once,
        both are asked about as few.
        """
        if self.steering is None:
            return self
        told = self if self.control is None else replace(self, tokens=self.control[0], pooled=self.control[1])
        return replace(self, residuals=self.steering.over(x, timestep, told), steering=None)


def _rows(control: tuple[Tensor, Tensor | None], rows: slice) -> tuple[Tensor, Tensor | None]:
    tokens, pooled = control
    return tokens[rows], None if pooled is None else pooled[rows]


@dataclass(frozen=True)
class Inputs:
    """What a network takes. tokens, pooled: widths of text states. sizes: how many it is told. beside: channels behind
    the latent's own. classes: width of what it is told of pictures. levels: how many noise levels it knows of a picture
    that it is shown. 0: none.
    """

    tokens: int
    pooled: int = 0
    sizes: int = 0
    beside: int = 0
    classes: int = 0
    levels: int = 0

    def check(self, entry: ConditioningEntry) -> None:
        """Raise ValueError, naming both sides, where an entry was made for another model."""
        if entry.tokens.shape[2] != self.tokens:
            raise ValueError(
                f"The conditioning was made for another model: its tokens are {entry.tokens.shape[2]} wide, but this "
                f"model attends to tokens of width {self.tokens}. Encode the text with its own CLIP."
            )
        if entry.control_tokens is not None and entry.control_tokens.shape[2] != self.tokens:
            raise ValueError(
                f"The text for the ControlNet (CLIPTextEncodeControlnet) was encoded for another model: its tokens are "
                f"{entry.control_tokens.shape[2]} wide, but this model attends to tokens of width {self.tokens}. "
                "Encode it with the model's own CLIP."
            )
        pooled = 0 if entry.pooled is None else entry.pooled.shape[1]
        if self.pooled and pooled != self.pooled:
            raise ValueError(
                f"The conditioning was made for another model: its pooled state is {pooled or 'missing'}"
                f"{' wide' if pooled else ''}, but this model takes one of width {self.pooled}. "
                "Encode the text with its own CLIP."
            )
