"""Weights in memory, and the networks that compute with them: as the file has them, or under LoRA."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch import nn

from diffusion.families import Component
from diffusion.lora.file import read_lora
from diffusion.lora.fitting import fit
from diffusion.lora.patch import LoraPatch
from diffusion.lora.stack import Stack
from diffusion.precision import Precision
from diffusion.tensors import Residence

Strengths = tuple[tuple[str, float], ...]
"""What makes two lists of patches the same: content and strength of each, in order."""


@dataclass(eq=False)
class Variant:
    """A network over held weights. run: what computes. stack: its LoRA files, shared with their other strengths.
    nbytes: of tensors that are its own. borrowers: how many leases are open. used: when it was last lent, by a counter.
    """

    run: nn.Module
    stack: Stack | None = None
    nbytes: int = 0
    borrowers: int = 0
    used: int = 0


@dataclass(eq=False)
class Held:
    """Weights in memory, once, whatever networks compute with them.

    module: the network as it was loaded; it is never changed. finish: makes a network of this structure ready to run.
    nbytes: of the weights on the device. is_streamed: they lie on the host, and layers come to the device one by one.
    variants: the networks over them; that without patches is always there. path: of the file they are from.
    """

    component: Component
    module: nn.Module
    residence: Residence
    precision: Precision
    nbytes: int
    is_streamed: bool
    finish: Callable[[nn.Module], nn.Module]
    variants: dict[Strengths, Variant] = field(default_factory=dict)
    path: str = ""

    @property
    def borrowers(self) -> int:
        """How many leases are open."""
        return sum(variant.borrowers for variant in self.variants.values())

    @property
    def used(self) -> int:
        """When they were last lent."""
        return max((variant.used for variant in self.variants.values()), default=0)

    @property
    def all_nbytes(self) -> int:
        """Bytes of the weights and of all that variants have besides."""
        stacks = {id(variant.stack): variant.stack.nbytes for variant in self.variants.values() if variant.stack}
        return self.nbytes + sum(stacks.values()) + sum(variant.nbytes for variant in self.variants.values())

    def become(self, other: Held) -> None:
        """Hold the same weights in another number type. Networks that are lent go on with those they have."""
        self.module, self.residence, self.precision = other.module, other.residence, other.precision
        self.nbytes, self.is_streamed, self.finish = other.nbytes, other.is_streamed, other.finish
        self.variants = other.variants

    def stack(self, patches: Sequence[LoraPatch]) -> tuple[Stack, bool]:
        """These files over the network, and whether another variant has them already. Raises WeightFileError."""
        for strengths, variant in self.variants.items():
            if variant.stack is not None and [name for name, _ in strengths] == [patch.content for patch in patches]:
                return variant.stack, True
        fits = tuple(fit(read_lora(patch.path, patch.file.digest), self.component) for patch in patches)
        return Stack(self.module, fits, self.residence), False

    def forget_other_strengths(self, stack: Stack) -> None:
        """Drop the variants of these files that nobody borrows: another strength is asked for now."""
        self.variants = {
            strengths: variant
            for strengths, variant in self.variants.items()
            if variant.borrowers or variant.stack is not stack
        }

    def variant(self, stack: Stack, patches: Sequence[LoraPatch]) -> Variant:
        """A network with these files at these strengths."""
        run = stack.under([patch.strength for patch in patches], self.finish)
        return Variant(run, stack, 0 if self.is_streamed else stack.merged_nbytes)


def strengths_of(patches: Sequence[LoraPatch]) -> Strengths:
    """What tells lists of patches apart."""
    return tuple((patch.content, patch.strength) for patch in patches)
