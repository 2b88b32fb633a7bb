"""A module lent for computing: what runs on it, and what happens when half precision overflows or memory is out."""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from diffusion.shortage import MemoryShortage, out_of_memory
from diffusion.tensors import Residence

__all__ = ["NO_MEMORY", "Lease", "MemoryShortage", "is_out_of_memory"]

log = logging.getLogger(__name__)

Answer = TypeVar("Answer", Tensor, tuple[Tensor, ...])

NO_MEMORY = ("DefaultCPUAllocator: ", "out of memory", "not enough memory")
"""Parts of the messages by which torch says that memory is out, where it raises no error of that kind."""


@dataclass(eq=False)
class Lease:
    """A module with its weights in place, for as long as it is lent.

    run: the module itself, or its compiled form. widen: loads the same weights in a wider number type and puts them
    here; None where there is no wider one. prepare: makes room for computing that takes so many bytes beside the
    weights; raises MemoryShortage where a budget was given that cannot hold them. relieve: memory is out: lets
    something leave; False where nothing is left that could. turn: what one call at a time holds, where the layers of a
    network come and go. note: is told what a person should know. what: the network, for sentences; config: of its
    component.
    """

    run: nn.Module
    residence: Residence
    widen: Callable[["Lease"], None] | None = None
    prepare: Callable[["Lease", int], object] = lambda lease, need: None
    relieve: Callable[["Lease"], bool] = lambda lease: False
    turn: AbstractContextManager[object] = field(default_factory=nullcontext)
    note: Callable[[str], object] = log.warning
    what: str = "a network"
    config: Mapping[str, Any] = field(default_factory=dict)

    def compute(self, forward: Callable[[nn.Module, Residence], Answer], need: int = 0) -> Answer:
        """`forward(module, residence)`. An answer with NaN or infinity in it is computed once more in a wider number
        type. need: bytes it takes beside the weights; 0: not known.

        Where memory is out, it is computed again after others have left and, at last, layer by layer; the bits are the
        same. Raises MemoryShortage where that does not help.
        """
        answer = self._answer(forward, need)
        if self.widen is None or _is_finite(answer):
            return answer
        self.widen(self)
        return self._answer(forward, need)

    def take(self, run: nn.Module, residence: Residence, turn: AbstractContextManager[object]) -> None:
        """Go on with another network. One that needs a turn is seen, by other threads, after its turn."""
        self.turn = turn
        self.run, self.residence = run, residence

    def _answer(self, forward: Callable[[nn.Module, Residence], Answer], need: int) -> Answer:
        self.prepare(self, need)
        while True:
            run, residence = self.run, self.residence  # before its turn: see `take`
            with self.turn:
                try:
                    return forward(run, residence)
                except (RuntimeError, MemoryError) as error:
                    if not is_out_of_memory(error):
                        raise
                    said = str(error).partition("\n")[0]
            # Not inside `except`: a traceback holds on to the tensors of the call that failed.
            if not self.relieve(self):
                is_wide = self.residence.dtype == torch.float32
                raise out_of_memory(self.what, str(self.residence.device), said, need=need, is_wide=is_wide)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether that is what an error says, whichever allocator raised it."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return type(error) is RuntimeError and any(part in str(error) for part in NO_MEMORY)


def _is_finite(answer: Tensor | tuple[Tensor, ...]) -> bool:
    tensors = (answer,) if isinstance(answer, Tensor) else answer
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)
