"""What a network is told besides the noisy latent, and what it expects to be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from diffusion.values import ConditioningEntry


@dataclass(frozen=True, eq=False)
class Context:
    """What goes through a network beside latents [B, C, H, W], float32.

    tokens: [B, T, D]. pooled: [B, P]. sizes: [B, N], as SDXL is told of its pictures. beside: [B, C', H, W], channels
    behind the latent's own. Each but the tokens is None for a network that does not take it.
    """

    tokens: Tensor
    pooled: Tensor | None = None
    sizes: Tensor | None = None
    beside: Tensor | None = None

    def split(self, rows: int) -> Iterator[Context]:
        """Parts of at most so many items, in order."""
        for start in range(0, len(self.tokens), rows):
            part = slice(start, start + rows)
            yield Context(
                self.tokens[part],
                None if self.pooled is None else self.pooled[part],
                None if self.sizes is None else self.sizes[part],
                None if self.beside is None else self.beside[part],
            )


@dataclass(frozen=True)
class Inputs:
    """What a network takes. tokens, pooled: widths of text states. sizes: how many it is told. beside: channels behind
    the latent's own. 0: none.
    """

    tokens: int
    pooled: int = 0
    sizes: int = 0
    beside: int = 0

    def check(self, entry: ConditioningEntry) -> None:
        """Raise ValueError, naming both sides, where an entry was made for another model."""
        if entry.tokens.shape[2] != self.tokens:
            raise ValueError(
                f"The conditioning was made for another model: its tokens are {entry.tokens.shape[2]} wide, but this "
                f"model attends to tokens of width {self.tokens}. Encode the text with its own CLIP."
            )
        pooled = 0 if entry.pooled is None else entry.pooled.shape[1]
        if self.pooled and pooled != self.pooled:
            raise ValueError(
                f"The conditioning was made for another model: its pooled state is {pooled or 'missing'}"
                f"{' wide' if pooled else ''}, but this model takes one of width {self.pooled}. "
                "Encode the text with its own CLIP."
            )
