"""LoRA from a difference of weights: what a merge has left between two models, as a file that can be laid over another.

The best approximation of a matrix by one of lower rank is its singular value decomposition, cut off (Eckart & Young
1936): ΔW ≈ U S Vᵀ = up · down with up = U √S and down = √S Vᵀ. A convolution is a matrix [out, in · height · width].
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from diffusion.families import TEXT_PARTS, Part, family_named
from diffusion.lora.targets import place_of
from diffusion.merging.applying import HOST, Tensors, networks
from diffusion.merging.patch import MergePatch
from diffusion.saving import facts
from diffusion.saving.files import Draft
from diffusion.saving.writing import Entry
from diffusion.values import Model, TextEncoder

Form = Literal["standard", "full_diff"]
"""Matrices as LoRA, or every difference as it is."""


def extracted(
    model: Model | None, text_encoder: TextEncoder | None, rank: int, form: Form = "standard", *, biases: bool = True
) -> Draft:
    """A LoRA file of differences that were made by subtracting. Reads them all, to leave out what is zero.

    rank: at most; that of a smaller matrix is its own. biases: of biases and norms too, which are kept as they are.
    Names are kohya's, numbers have the type of the first model's file, and α is the rank. Raises ValueError where there
    is nothing to extract.
    """
    entries: list[Entry] = []
    metadata: dict[str, str] = {}
    for recipe in (model, text_encoder):
        if recipe is not None:
            _require_difference(recipe)
            metadata |= facts.spec(recipe, "lora")
            for network in networks(recipe):
                stem = _stem(recipe.family, network.part)
                entries += _entries(Tensors(network), stem, rank, form, biases=biases)
    if not entries:
        raise ValueError(
            "There is no difference to extract a LoRA from. Connect what 'ModelMergeSubtract' or 'CLIPMergeSubtract' "
            "gives for two models that differ."
        )
    return Draft(entries, metadata)


def factors(change: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """down [r, in, *kernel] and up [out, r, *ones] whose product is nearest to a change [out, in, *kernel], float32."""
    u, s, v = torch.linalg.svd(change.flatten(1), full_matrices=False)
    root = s[:rank].sqrt()
    up, down = u[:, :rank] * root, root[:, None] * v[:rank]
    return down.reshape(len(root), *change.shape[1:]), up.reshape(*up.shape, *[1] * (change.ndim - 2))


@dataclass(eq=False)
class _Layer:
    """A layer whose change is decomposed once, when the first of its factors is read, and forgotten after the last."""

    tensors: Tensors
    name: str
    rank: int
    _kept: dict[str, Tensor] = field(default_factory=dict)

    def read(self, role: str) -> Tensor:
        """`down` or `up`, in the type of the file."""
        if role not in self._kept:
            down, up = factors(self.tensors.read(self.name, HOST), self.rank)
            dtype = self.tensors.dtype(self.name)
            self._kept = {"down": down.to(dtype), "up": up.to(dtype)}
        return self._kept.pop(role)


def _entries(tensors: Tensors, stem: str, rank: int, form: Form, *, biases: bool) -> Iterator[Entry]:
    for name, shape in tensors.shapes.items():
        owner, _, leaf = name.rpartition(".")
        matrix = leaf == "weight" and len(shape) > 1
        if not (matrix or biases) or not bool(tensors.read(name, HOST).any()):
            continue
        bare = owner.removeprefix("text_model.")
        layer = (stem.removesuffix("text_model_") if bare == "text_projection" else stem) + place_of(bare)
        if matrix and form == "standard":
            yield from _low_rank(tensors, name, layer, rank)
        else:
            ending = "diff" if leaf == "weight" else "diff_b"
            read = partial(tensors.read_as_stored, name)
            yield Entry(f"{layer}.{ending}", tensors.dtype(name), shape, read)


def _low_rank(tensors: Tensors, name: str, layer: str, rank: int) -> Iterator[Entry]:
    shape, dtype = tensors.shapes[name], tensors.dtype(name)
    least = min(rank, shape[0], torch.Size(shape[1:]).numel())
    source = _Layer(tensors, name, least)
    yield Entry(f"{layer}.lora_down.weight", dtype, (least, *shape[1:]), partial(source.read, "down"))
    yield Entry(
        f"{layer}.lora_up.weight", dtype, (shape[0], least, *[1] * (len(shape) - 2)), partial(source.read, "up")
    )
    yield Entry(f"{layer}.alpha", dtype, (), partial(torch.tensor, float(least), dtype=dtype))


def _stem(family: str, part: Part) -> str:
    """What kohya's names of a network's layers begin with."""
    if part == "unet":
        return "lora_unet_"
    number = TEXT_PARTS.index(part) + 1 if TEXT_PARTS[1] in family_named(family).texts else ""
    return f"lora_te{number}_text_model_"


def _require_difference(recipe: Model | TextEncoder) -> None:
    if not any(isinstance(patch, MergePatch) for patch in recipe.patches):
        what, node = ("model", "ModelMergeSubtract") if isinstance(recipe, Model) else ("CLIP", "CLIPMergeSubtract")
        raise ValueError(
            f"What a LoRA is to be extracted from is a whole {what}, not a difference of two. Subtract the one that it "
            f"shall be laid over, with '{node}', and connect the result."
        )
