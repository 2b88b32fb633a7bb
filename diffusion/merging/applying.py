"""Weights under patches, one tensor after the other: what is read of a file is changed before anything keeps it.

Of another model that is mixed in, one tensor at a time is read. All arithmetic is float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from diffusion import checkpoint
from diffusion.families import TEXT_PARTS, Changed, Component
from diffusion.loading import Stored, build, stored
from diffusion.lora.file import read_lora
from diffusion.lora.fitting import Change, Fit, fit
from diffusion.lora.patch import LoraPatch
from diffusion.lora.stack import merged
from diffusion.lora.targets import place_of
from diffusion.merging.patch import AttentionScale, MergePatch, Share
from diffusion.original_layout import UNET_PREFIX, unet_names
from diffusion.tensors import DTYPES, Reader, Residence
from diffusion.values import Model, TextEncoder

HOST = torch.device("cpu")

UNCHANGED = (1.0, 0.0)
"""Keep all of W, take nothing of W'."""

ATTENTION: Mapping[str, str] = {"self": ".attn1.", "cross": ".attn2."}
"""What the names of a U-Net's attention layers have in them."""


@dataclass(frozen=True, eq=False)
class Applied:
    """Patches over the weights of a network, in order. Called with a module's name for a weight and the weight."""

    component: Component
    patches: tuple[object, ...]

    def __call__(self, name: str, weight: Tensor) -> Tensor:
        """The weight under all of them, float32 on its own device. weight: float32, and not changed."""
        for step in self._steps:
            weight = step(name, weight)
        return weight

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """What of the patches could not be used, in sentences."""
        return tuple(dict.fromkeys(told for step in self._steps for told in step.shortfalls))

    @cached_property
    def _steps(self) -> tuple[Changed, ...]:
        return tuple(_step(patch, self.component) for patch in self.patches)


def under(component: Component, patches: tuple[object, ...]) -> Component:
    """A network whose weights are changed by patches as they are read."""
    return replace(component, changed=Applied(component, patches)) if patches else component


def networks(recipe: Model | TextEncoder) -> tuple[Component, ...]:
    """The networks of a recipe, whose weights are changed by its patches as they are read."""
    if isinstance(recipe, Model):
        return (under(checkpoint.component(recipe.file, "unet", recipe.family), recipe.patches),)
    found = (checkpoint.component(file, checkpoint.text_part(file), recipe.family) for file in recipe.files)
    return tuple(under(each, recipe.patches) for each in found)


@dataclass(frozen=True, eq=False)
class Tensors:
    """The tensors of a network by the names of its module, as its file has them or as its patches change them."""

    component: Component

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Those of the module, by name."""
        return {name: tuple(tensor.shape) for name, tensor in self._module.state_dict().items()}

    def dtype(self, name: str) -> torch.dtype:
        """The number type that a tensor has in the file. Raises WeightFileError as `loading.load` does."""
        place = self._stored(HOST, torch.float32).places[name]
        return DTYPES[self.component.header.tensors[place.name].dtype]

    def read(self, name: str, device: torch.device) -> Tensor:
        """A tensor with all changes in it, float32."""
        return self._stored(device, torch.float32)(name)

    def read_as_stored(self, name: str) -> Tensor:
        """A tensor on the host in the number type that the file has it in, with all changes in it.

        Raises OverflowError where a changed weight has no place in that type.
        """
        dtype = self.dtype(name)
        if self.component.changed is None and not self.component.rounding:
            return self._stored(HOST, dtype)(name)
        weight = self.read(name, HOST)
        rounded = weight.to(dtype)
        if dtype.is_floating_point and not bool((rounded.float().isfinite() | ~weight.isfinite()).all()):
            raise OverflowError(
                f"'{name}' of '{self.component.header.path.name}' reaches {float(weight.abs().max()):.4g}, which "
                f"{str(dtype).removeprefix('torch.')} cannot hold. Use smaller strengths and ratios, or a model in a "
                "wider number type as the first."
            )
        return rounded

    @cached_property
    def _module(self) -> torch.nn.Module:
        return build(self.component)

    @cached_property
    def _stored(self) -> Callable[[torch.device, torch.dtype], Stored]:
        return lru_cache(lambda device, dtype: stored(self.component, self._module, Residence(device, dtype)))


def _step(patch: object, component: Component) -> Changed:
    match patch:
        case LoraPatch(file=file, strength=strength):
            return _Lora(fit(read_lora(patch.path, file.digest), component), strength)
        case MergePatch():
            return _Merge(component, patch)
        case AttentionScale():
            return _Scale(component, patch)
    raise TypeError(f"A {type(patch).__name__} is no patch of weights.")


@dataclass(frozen=True, eq=False)
class _Lora:
    """A LoRA merged into the weights that it changes."""

    fit: Fit
    strength: float

    @property
    def shortfalls(self) -> tuple[str, ...]:
        return self.fit.shortfalls

    def __call__(self, name: str, weight: Tensor) -> Tensor:
        owner, _, leaf = name.rpartition(".")
        changes = self._changes.get((place_of(owner), leaf), ())
        reader = self._reader(weight.device)
        return merged(weight, [(change, self.strength, reader) for change in changes])

    @cached_property
    def _changes(self) -> Mapping[tuple[str, str], list[Change]]:
        changes: dict[tuple[str, str], list[Change]] = {}
        for change in self.fit.changes:
            changes.setdefault((change.place, change.leaf), []).append(change)
        return changes

    @cached_property
    def _reader(self) -> Callable[[torch.device], Reader]:
        return lru_cache(lambda device: Reader(self.fit.lora.header, Residence(device, torch.float32)))


@dataclass(frozen=True, eq=False)
class _Merge:
    """Another network's weights mixed in."""

    component: Component
    patch: MergePatch

    @property
    def shortfalls(self) -> tuple[str, ...]:
        changed = self._other.component.changed
        return () if changed is None else tuple(changed.shortfalls)

    def __call__(self, name: str, weight: Tensor) -> Tensor:
        keep, take = share_of(self._original.get(name, name), self.patch.shares)
        if (keep, take) == UNCHANGED:
            return weight
        if take == 0:
            return keep * weight
        other = self._other.read(name, weight.device)
        if other.shape == weight.shape:
            return (keep * weight).add_(take * other)
        # A model that is shown a picture beside the latent takes more channels; they have no counterpart.
        channels = other.shape[1]
        return torch.cat([keep * weight[:, :channels] + take * other, weight[:, channels:]], dim=1)

    @cached_property
    def _other(self) -> Tensors:
        """The network of the other recipe that does the same."""
        part = self.component.part
        return Tensors(next(found for found in networks(self.patch.other) if found.part == part))

    @cached_property
    def _original(self) -> Mapping[str, str]:
        """Original names of a U-Net's tensors."""
        if self.component.part in TEXT_PARTS:
            return {}
        names = unet_names(list(self._other.shapes), self.component.config["layers_per_block"])
        return {name: original.removeprefix(UNET_PREFIX) for name, original in names.items()}


@dataclass(frozen=True, eq=False)
class _Scale:
    """Attention layers that answer more or less strongly."""

    component: Component
    patch: AttentionScale
    shortfalls: tuple[str, ...] = ()

    def __call__(self, name: str, weight: Tensor) -> Tensor:
        factor = self._factor(name)
        return weight if factor == 1 else factor * weight

    def _factor(self, name: str) -> float:
        of = self.patch
        if self.component.part in TEXT_PARTS:
            where, factors = ".self_attn.", {"q_proj.": of.q, "k_proj.": of.k, "v_proj.": of.v, "out_proj.": of.out}
        else:
            where, factors = ATTENTION[of.attends], {"to_q.": of.q, "to_k.": of.k, "to_v.": of.v, "to_out.0.": of.out}
        _, found, rest = name.partition(where)
        return next((factor for layer, factor in factors.items() if found and rest.startswith(layer)), 1.0)


def share_of(name: str, shares: tuple[Share, ...]) -> tuple[float, float]:
    """How much of both sides there is in a tensor of this name."""
    fitting = [share for share in shares if name.startswith(share.stem)]
    if not fitting:
        return UNCHANGED
    longest = max(fitting, key=lambda share: len(share.stem))
    return longest.keep, longest.take
