"""Several LoRA files over one network: what is computed beside its layers, what is merged into tensors of its own.

Low-rank changes stay beside the layer (`beside`), so that another strength is another scale and nothing else. All other
kinds change the weight itself, each after those before it; a low-rank change that one of them follows whose result
depends on the weight (DoRA, OFT) has to be merged before it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from diffusion.lora.beside import Pair, attach, read_pair, takes
from diffusion.lora.clone import clone
from diffusion.lora.fitting import Change, Fit
from diffusion.lora.kinds import LOW_RANK, Leaf
from diffusion.lora.targets import place_of
from diffusion.packing import PackedConv2d
from diffusion.tensors import Reader, Residence

Member = tuple[int, Change]
"""A change, with the number of the LoRA it is from."""


@dataclass(frozen=True, eq=False)
class Stack:
    """LoRA files over a network, whatever their strengths. What it reads from them is read when it is first needed.

    module: the network, which is not changed. fits: of the files, in order. residence: of the network.
    """

    module: nn.Module
    fits: tuple[Fit, ...]
    residence: Residence

    def under(
        self, strengths: Sequence[float], finish: Callable[[nn.Module], nn.Module] = lambda twin: twin
    ) -> nn.Module:
        """The network under these strengths, one of each file: a structure of its own over the same tensors.

        finish: makes it ready to run before anything is attached to its layers, which stays on the device. Weights that
        are away stay as they are: see `changing`.
        """
        twin, readers = clone(self.module), self._readers()
        for (place, leaf), members in self._merged.items():
            if not self._is_away(place, leaf):
                self._merge(
                    twin, self._names[place], leaf, [(change, strengths[at], readers[at]) for at, change in members]
                )
        run = finish(twin)
        for place, pair in self.pairs.items():
            attach(twin.get_submodule(self._names[place]), pair.of_strengths(strengths, self.residence.dtype))
        return run

    def changing(self, strengths: Sequence[float]) -> Callable[[str, Tensor], Tensor]:
        """For weights that are away: what is made of each when it comes, by its name in the network."""
        readers = self._readers()
        changes = {
            f"{self._names[place]}.{leaf}": [(change, strengths[at], readers[at]) for at, change in members]
            for (place, leaf), members in self._merged.items()
            if self._is_away(place, leaf)
        }

        def changed(name: str, weight: Tensor) -> Tensor:
            return under_changes(weight, self.residence, changes[name]) if name in changes else weight

        return changed

    @cached_property
    def nbytes(self) -> int:
        """Bytes of what is computed beside layers: shared by all strengths."""
        per_rank = [
            change.rank() * (change.shape[0] + _product(change.shape[1:]))
            for members in self._low_rank.values()
            for _, change in members
        ]
        return sum(per_rank) * self.residence.dtype.itemsize

    @cached_property
    def merged_nbytes(self) -> int:
        """Bytes of the tensors that each combination of strengths has of its own."""
        return sum(_product(members[0][1].shape) for members in self._merged.values()) * self.residence.dtype.itemsize

    @cached_property
    def pairs(self) -> Mapping[str, Pair]:
        """What is computed beside layers, by place."""
        readers = self._readers()
        return {
            place: read_pair(self.module.get_submodule(self._names[place]), members, readers, self.residence)
            for place, members in self._low_rank.items()
        }

    def _is_away(self, place: str, leaf: Leaf) -> bool:
        layer = self.module.get_submodule(self._names[place])
        return not isinstance(layer, PackedConv2d) and layer.get_parameter(leaf).is_meta

    def _readers(self) -> list[Reader]:
        """One for each LoRA."""
        home = Residence(self.residence.device, torch.float32)
        return [Reader(fit.lora.header, home) for fit in self.fits]

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return {place_of(name): name for name, _ in self.module.named_modules()}

    @cached_property
    def _members(self) -> Mapping[tuple[str, Leaf], list[Member]]:
        members: dict[tuple[str, Leaf], list[Member]] = {}
        for number, fit in enumerate(self.fits):
            for change in fit.changes:
                members.setdefault((change.place, change.leaf), []).append((number, change))
        return members

    @cached_property
    def _low_rank(self) -> Mapping[str, list[Member]]:
        """The changes that stay beside their layers, by place."""
        weights = {place: members for (place, leaf), members in self._members.items() if leaf == "weight"}
        found = {place: self._sorted(place, members)[0] for place, members in weights.items()}
        return {place: members for place, members in found.items() if members}

    @cached_property
    def _merged(self) -> Mapping[tuple[str, Leaf], list[Member]]:
        """The changes that are merged into tensors, by place."""
        found = {slot: self._sorted(slot[0], members)[1] for slot, members in self._members.items()}
        return {slot: members for slot, members in found.items() if members}

    def _sorted(self, place: str, members: Sequence[Member]) -> tuple[list[Member], list[Member]]:
        """Those that can stay beside the layer, and those that must be merged, in order."""
        fixed = max((at for at, (_, change) in enumerate(members) if not change.kind.adds), default=-1)
        free = takes(self.module.get_submodule(self._names[place]))
        beside = [at for at, (_, change) in enumerate(members) if at > fixed and free and change.kind is LOW_RANK]
        return [members[at] for at in beside], [each for at, each in enumerate(members) if at not in set(beside)]

    def _merge(self, twin: nn.Module, name: str, leaf: Leaf, changes: Sequence[tuple[Change, float, Reader]]) -> None:
        """Give a layer of the twin a tensor of its own, with all changes in it."""
        layer = twin.get_submodule(name)
        plain = layer.unpacked() if isinstance(layer, PackedConv2d) else layer
        weight = under_changes(plain.get_parameter(leaf), self.residence, changes)
        setattr(plain, leaf, nn.Parameter(weight, requires_grad=False))
        if isinstance(plain, nn.Conv2d) and plain is not layer:
            owner, _, last = name.rpartition(".")
            setattr(twin.get_submodule(owner), last, PackedConv2d(plain))


def under_changes(weight: Tensor, home: Residence, changes: Sequence[tuple[Change, float, Reader]]) -> Tensor:
    """A weight with changes in it, computed where the network computes; type, place and layout stay."""
    changed = merged(weight.to(home.device, torch.float32), changes)
    return changed.to(weight.device, weight.dtype, memory_format=_layout(weight))


def merged(weight: Tensor, changes: Sequence[tuple[Change, float, Reader]]) -> Tensor:
    """A weight, float32, with changes in it, one after the other, each with its strength and a reader of its file."""
    for change, strength, reader in changes:
        weight = weight + change.kind.formula(change.parts(reader.read), weight, strength)
    return weight


def _layout(tensor: Tensor) -> torch.memory_format:
    channels_last = tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if channels_last else torch.contiguous_format


def _product(shape: Sequence[int]) -> int:
    return int(torch.Size(shape).numel())
