"""Weights in memory, and the networks that compute with them: as the file has them, or under LoRA."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from diffusion import loading, packing
from diffusion.families import Component
from diffusion.lora.clone import clone
from diffusion.lora.file import read_lora
from diffusion.lora.fitting import fit
from diffusion.lora.patch import LoraPatch
from diffusion.lora.stack import Stack
from diffusion.parts import streams
from diffusion.precision import Precision
from diffusion.streaming import FromFile, FromHost, Shelf, emptied, layers_of, stream
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
    nbytes: of all its weights; own: of those in memory of its own, not in a mapped file. shelf: where its layers come
    from and return to; None: all are there. most: bytes of layers that may stay at most, as failures have shown or as
    it shall be; None: as many as there is room for. variants: the networks over them; that without patches is always
    there. path: of the file they are from. turn: held by who computes while layers come and go.
    """

    component: Component
    module: nn.Module
    residence: Residence
    precision: Precision
    nbytes: int
    own: int
    finish: Callable[[nn.Module], nn.Module]
    shelf: Shelf | None = None
    most: int | None = None
    variants: dict[Strengths, Variant] = field(default_factory=dict)
    path: str = ""
    turn: AbstractContextManager[object] = field(default_factory=nullcontext)

    @property
    def is_streamed(self) -> bool:
        """Whether layers come and go."""
        return self.shelf is not None

    @property
    def can_stream(self) -> bool:
        """Whether its layers could come and go, and that would give memory back."""
        return self.shelf is None and self.own > 0 and streams(self.component)

    @property
    def kept(self) -> int:
        """Bytes of layers that stay, where layers come and go."""
        return 0 if self.shelf is None else self.shelf.kept

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
        return (self.nbytes if self.shelf is None else self.shelf.nbytes) + self._beside

    @property
    def taken(self) -> int:
        """Bytes of memory of its own that it takes from a budget."""
        return (self.own if self.shelf is None else self.shelf.nbytes) + self._beside

    @property
    def _beside(self) -> int:
        stacks = {id(variant.stack): variant.stack.nbytes for variant in self.variants.values() if variant.stack}
        return sum(stacks.values()) + sum(variant.nbytes for variant in self.variants.values())

    def become(self, other: Held) -> None:
        """Hold the same weights in another number type, or as layers that come and go. Networks that are lent go on
        with those they have.
        """
        self.module, self.residence, self.precision = other.module, other.residence, other.precision
        self.nbytes, self.own, self.shelf, self.finish = other.nbytes, other.own, other.shelf, other.finish
        self.variants, self.turn = other.variants, other.turn
        self.most = min((most for most in (self.most, other.most) if most is not None), default=None)

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
        strengths = [patch.strength for patch in patches]
        if self.shelf is None:
            return Variant(stack.under(strengths, self.finish), stack, stack.merged_nbytes)
        shelf = self.shelf
        return Variant(
            stack.under(strengths, lambda twin: self.finish(stream(twin, shelf, stack.changing(strengths)))), stack
        )


def whole(
    component: Component,
    residence: Residence,
    precision: Precision,
    finish: Callable[[nn.Module], nn.Module],
    *,
    packs: bool,
) -> Held:
    """Load a network with all its weights. packs: its convolutions, where that is faster. Raises WeightFileError as
    `load` does.
    """
    sizes = loading.weights_in_bytes(component, residence.dtype), loading.own_bytes(component, residence)
    if packs and residence.device.type == "cpu" and residence.dtype == torch.bfloat16 and packing.possible():
        module = loading.load(component, replace(residence, channels_last=False), packing.packed)
    else:
        module = loading.load(component, residence)
    held = Held(component, module, residence, precision, *sizes, finish)
    held.variants[()] = Variant(finish(module))
    return held


def streamed(
    component: Component,
    residence: Residence,
    precision: Precision,
    finish: Callable[[nn.Module], nn.Module],
    whole: nn.Module | None = None,
) -> Held:
    """A network whose layers come and go; its shelf says how many stay, at first none but those of `whole`: the same
    with all of them there, so that they are not read again. Raises WeightFileError as `load` does.

    Where it computes on the host they come from the file; else from the host's memory, which holds all of them.
    """
    device, nbytes = residence.device, loading.weights_in_bytes(component, residence.dtype)
    module, there = loading.build(component), {} if whole is None else whole.state_dict()
    if device.type == "cpu":
        fetch = loading.stored(component, module, residence)
        size, carrier = fetch.nbytes, FromFile(fetch, device)
    else:
        host = loading.stored(component, module, replace(residence, device=torch.device("cpu")))
        weights = {name: there[name].cpu() if name in there else host(name) for name in module.state_dict()}
        if device.type == "cuda":
            weights = {name: weight.pin_memory() for name, weight in weights.items()}

        def fetch(name: str, memory: Tensor | None = None) -> Tensor:
            return residence.settled(weights[name], memory=memory)

        def size(name: str) -> int:
            return weights[name].nbytes

        carrier = FromHost(weights, device) if device.type == "cuda" else FromFile(fetch, device)
    shelf = Shelf(layers_of(module, size), carrier, 0)
    shelf.fill(there)
    away = {name for layer in shelf.layers for name in layer.weights}
    emptied(module, shelf.layers, residence.dtype)
    for name in module.state_dict().keys() - away:
        weight = there[name] if name in there else fetch(name)
        loading.put(module, name, nn.Parameter(weight, requires_grad=False))
    for name, buffer in list(module.named_buffers()):
        loading.put(module, name, buffer.to(device))
    held = Held(component, module.eval(), residence, precision, nbytes, 0, finish, shelf, turn=threading.RLock())
    held.variants[()] = Variant(finish(stream(clone(module), shelf)))
    return held


def strengths_of(patches: Sequence[LoraPatch]) -> Strengths:
    """What tells lists of patches apart."""
    return tuple((patch.content, patch.strength) for patch in patches)
