"""Keys and values of cross-attention, which a prompt that stays the same need not be asked for at every noise level."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

KeyValue = tuple[Tensor, Tensor]
"""What a layer's cross-attention made of tokens: keys and values, each [B, heads, T, D]."""

MOST_BYTES = 2**28
"""How much is kept: about that of sixteen prompts for SD 1 in float32, of nine for SDXL in half precision."""


@dataclass(eq=False)
class Composition:
    """What the layers of a network made of the tokens [B, T, D] of one call. states: by the layers' names."""

    tokens: Tensor
    keep: Callable[["Composition", int], bool]
    states: dict[str, KeyValue] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes of all that it holds."""
        return self.tokens.nbytes + sum(key.nbytes + value.nbytes for key, value in self.states.values())

    def of(self, name: str, compute: Callable[[], KeyValue]) -> KeyValue:
        """What the layer of this name makes of the tokens, computed where it is not known."""
        known = self.states.get(name)
        if known is not None:
            return known
        key, value = compute()
        if self.keep(self, key.nbytes + value.nbytes):
            self.states[name] = key, value
        return key, value


@dataclass(eq=False)
class KeysValues:
    """What a network's cross-attention layers made of tokens, for as long as a run lasts.

    Tokens are compared by what is in them, so that nobody who asks has to say which prompt is the same. most: bytes
    that are kept; what was used least recently leaves first, and what does not fit is computed each time.
    """

    most: int = MOST_BYTES
    _network: nn.Module | None = None
    _kept: list[Composition] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        """Bytes that are kept now."""
        return sum(composition.nbytes for composition in self._kept)

    def about(self, network: nn.Module, tokens: Tensor) -> Composition:
        """What is known of tokens [B, T, D], as the network takes them, and is remembered of them in this call.

        That of another network (or of the same one in another number type) is forgotten.
        """
        if network is not self._network:
            self._network, self._kept = network, []
        for place, composition in enumerate(self._kept):
            if _same(composition.tokens, tokens):
                self._kept.append(self._kept.pop(place))
                return composition
        self._kept.append(Composition(tokens, self._has_room))
        return self._kept[-1]

    def _has_room(self, grows: Composition, nbytes: int) -> bool:
        """Whether so many bytes more fit, if others leave."""
        while self.nbytes + nbytes > self.most and self._kept and self._kept[0] is not grows:
            del self._kept[0]
        return self.nbytes + nbytes <= self.most


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other)
