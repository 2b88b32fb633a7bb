"""What stands in the patches of recipes besides LoRA: other weights mixed in, attention scaled. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from diffusion.lora.patch import LoraPatch
from diffusion.values import Model, TextEncoder


@dataclass(frozen=True)
class Share:
    """How much of each side there is in a merge: keep · W + take · W', for tensors whose names begin with `stem`.

    Names are those of the first checkpoints, without prefix ("input_blocks.4.1.proj_in.weight"); of a text encoder,
    those of its module.
    """

    stem: str
    keep: float
    take: float


@dataclass(frozen=True)
class MergePatch:
    """The weights W' of another recipe, its own patches in them, mixed into W.

    shares: of those whose stem a name begins with, the longest counts. A tensor that none of them names stays W.
    """

    other: Model | TextEncoder
    shares: tuple[Share, ...]

    @property
    def content(self) -> str:
        """What makes two of them the same, wherever their files lie."""
        return repr((_identity(self.other), self.shares))


@dataclass(frozen=True)
class AttentionScale:
    """Attention whose layers answer q, k, v and out times as strongly: their weights and biases are multiplied.

    attends: to the picture itself ("self") or to the text ("cross"); a text encoder has only the first.
    """

    attends: Literal["self", "cross"]
    q: float
    k: float
    v: float
    out: float

    @property
    def content(self) -> str:
        """What makes two of them the same."""
        return repr(self)


Settled = MergePatch | AttentionScale
"""Patches that are worked into weights as these are read; LoRA that comes after them lies beside."""


def settled(patches: tuple[object, ...]) -> tuple[object, ...]:
    """The patches to be worked into weights as these are read: up to the last that cannot lie beside them."""
    last = max((at for at, patch in enumerate(patches) if isinstance(patch, Settled)), default=-1)
    return patches[: last + 1]


def content_of(patches: tuple[object, ...]) -> str:
    """What makes two lists of patches the same; "" for none. Raises TypeError for one of an unknown class."""
    return repr(tuple(_content(patch) for patch in patches)) if patches else ""


def _content(patch: object) -> object:
    match patch:
        case LoraPatch(strength=strength):
            return patch.content, strength
        case MergePatch() | AttentionScale():
            return patch.content
    raise TypeError(f"A {type(patch).__name__} is no patch of weights.")


def _identity(recipe: Model | TextEncoder) -> object:
    files = (recipe.file,) if isinstance(recipe, Model) else recipe.files
    named = tuple((file.digest or file.path, file.part, file.rounding) for file in files)
    return recipe.family, named, content_of(recipe.patches)
