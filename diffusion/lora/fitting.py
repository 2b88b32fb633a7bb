"""Which changes of a LoRA file fit a network, told from headers alone, and what is said where they do not."""

import logging
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from diffusion.families import Component, attending_to
from diffusion.header import WeightFileError
from diffusion.lora.file import Entry, LoraFile
from diffusion.lora.kinds import LOW_RANK, Kind, Leaf, Parts, kinds, low_rank_shape
from diffusion.lora.targets import Shape, context_width, layers

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Change:
    """What a file changes in one tensor. place, leaf: the layer, as of `targets.Layer`, and which tensor of it."""

    lora: LoraFile
    entry: Entry
    kind: Kind
    place: str
    leaf: Leaf
    shape: Shape

    def parts(self, read: Callable[[str], Tensor]) -> Parts:
        """Its tensors by role. read: gives the tensor of its file that has a name."""
        parts = {role: read(name) for role, name in self.entry.tensors.items()}
        return parts if self.entry.alpha is None else parts | {"alpha": torch.tensor(self.entry.alpha)}

    def rank(self) -> int:
        """Of a LoRA, the length of its inner axis."""
        return self.lora.header.tensors[self.entry.tensors["down"]].shape[0]


@dataclass(frozen=True, eq=False)
class Fit:
    """A file beside a network. changes: those that fit it. strangers: stems that are about it and fit nothing in it."""

    lora: LoraFile
    component: Component
    changes: tuple[Change, ...]
    strangers: tuple[str, ...]

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """What is left out of a file that fits in part, in sentences; those about the file stand with the U-Net."""
        told, name = [], self.lora.name
        if self.strangers and self.changes:
            total = len(self.strangers) + len({change.entry.stem for change in self.changes})
            told.append(
                f"{name}: {len(self.strangers)} of the {total} layers that it changes in the "
                f"{_title(self.component)} fit none of '{self.component.header.path.name}' ({_some(self.strangers)}) "
                "and are left out; the others are applied."
            )
        if self.lora.strangers and self.component.part == "unet":
            told.append(
                f"{name}: {len(self.lora.strangers)} of its {len(self.lora.header.tensors)} tensors are of no "
                f"kind of change that is known here ({_some(self.lora.strangers)}) and are left out."
            )
        return tuple(told)


@lru_cache(maxsize=64)
def fit(lora: LoraFile, component: Component) -> Fit:
    """Which changes of a file fit a network, by names and shapes."""
    known, tried = layers(component), dict[object, bool]()
    changes: list[Change] = []
    strangers: list[str] = []
    for entry in lora.entries:
        if entry.part != component.part:
            continue
        layer = known.get(entry.place)
        found = [] if layer is None else _changes(lora, entry, layer.place, layer.shapes)
        if found and all(_is_applicable(change, tried) for change in found):
            changes += found
        else:
            strangers.append(entry.stem)
    return Fit(lora, component, tuple(changes), tuple(strangers))


def require_fit(lora: LoraFile, components: Sequence[tuple[Component, str]]) -> tuple[Fit, ...]:
    """How a file fits the networks of a model, each with the title of its family. Warns of what it is left out of.

    Raises WeightFileError, naming both sides, where it fits none of them, or is for a U-Net that attends to text states
    of another width, however many of its layers have the same shapes.
    """
    fits = tuple(fit(lora, component) for component, _ in components)
    wanted = _context_width(lora)
    for component, title in components:
        width = context_width(layers(component).values()) if component.part == "unet" else None
        if None not in (wanted, width) and wanted != width:
            raise WeightFileError(
                f"'{lora.name}' looks like a LoRA for {_model_of_width(wanted)}, but '{component.header.path.name}' is "
                f"a {title} model, whose U-Net attends to text states of width {width}. Use a LoRA made for the same "
                "family of models."
            )
    about_unet = [found for found in fits if found.component.part == "unet" and "unet" in _parts_of(lora)]
    # Of a file for another family, what is about a text encoder that both have may fit.
    if not any(found.changes for found in about_unet or fits):
        places = " and ".join(
            f"the {_title(component)} of '{component.header.path.name}' ({title})" for component, title in components
        )
        raise WeightFileError(
            f"'{lora.name}' fits no tensor of {places}: it looks like {_looks_like(lora)}. Use a LoRA made for the "
            "same family of models."
        )
    _require_as_many_encoders(lora, components)
    for shortfall in dict.fromkeys(shortfall for found in fits for shortfall in found.shortfalls):
        log.warning("%s", shortfall)
    return fits


def _require_as_many_encoders(lora: LoraFile, components: Sequence[tuple[Component, str]]) -> None:
    """Raise WeightFileError where a file changes two text encoders, and a model has but the first."""
    having = {component.part: (component, title) for component, title in components}
    if "text_encoder" in having and "text_encoder_2" not in having and "text_encoder_2" in _parts_of(lora):
        component, title = having["text_encoder"]
        raise WeightFileError(
            f"'{lora.name}' changes two text encoders and looks like {_looks_like(lora)}, but "
            f"'{component.header.path.name}' is a {title} model, which has one. Use a LoRA made for the same family of "
            "models."
        )


def _changes(lora: LoraFile, entry: Entry, place: str, shapes: Mapping[str, Shape]) -> list[Change]:
    found = kinds(set(entry.tensors))
    return [Change(lora, entry, kind, place, leaf, shapes.get(leaf, ())) for leaf, kind in found]


def _is_applicable(change: Change, tried: dict[object, bool]) -> bool:
    """Whether the formula takes these shapes; each combination of shapes is tried once, without numbers."""
    given = {role: change.lora.header.tensors[name].shape for role, name in change.entry.tensors.items()}
    key = (change.kind.title, change.shape, tuple(sorted(given.items())))
    if key not in tried:
        told = low_rank_shape(given) if change.kind is LOW_RANK else None
        tried[key] = _same(told, change.shape) if told else bool(change.shape) and _computes(change, given)
    return tried[key]


def _same(told: Shape, shape: Shape) -> bool:
    """Whether a change has the shape of a weight; a linear layer's may be one of a 1×1 convolution."""
    return told[:1] == shape[:1] and math.prod(told) == math.prod(shape)


def _computes(change: Change, given: Mapping[str, Shape]) -> bool:
    def empty(shape: Shape) -> Tensor:
        return torch.empty(shape, device="meta")

    try:
        with torch.device("meta"):
            change.kind.formula({role: empty(shape) for role, shape in given.items()}, empty(change.shape), 1.0)
    except (RuntimeError, IndexError, ValueError):
        return False
    return True


def _context_width(lora: LoraFile) -> int | None:
    """The width of the text states that the U-Net of a file attends to, where one of its changes tells."""
    for entry in lora.entries:
        name = entry.tensors.get("down") or entry.tensors.get("hada_w1_b")
        if entry.part == "unet" and entry.place.endswith("attn2_to_k") and name is not None:
            shape = lora.header.tensors[name].shape
            return shape[1] if len(shape) > 1 else None
    return None


def _parts_of(lora: LoraFile) -> set[str]:
    return {entry.part for entry in lora.entries}


def _looks_like(lora: LoraFile) -> str:
    parts = _parts_of(lora)
    stems = " ".join(entry.stem for entry in lora.entries)
    width = _context_width(lora)
    if width is not None:
        return f"a LoRA for {_model_of_width(width)}"
    if "joint_blocks" in stems or "joint_transformer" in stems:
        return "a LoRA for Stable Diffusion 3"
    if "double_blocks" in stems or "single_transformer_blocks" in stems:
        return "a LoRA for Flux"
    if "transformer.transformer_blocks" in stems:
        return "a LoRA for a transformer such as Stable Diffusion 3 or Qwen-Image"
    if re.search(r"blocks[._]\d+[._](self|cross)_attn[._]", stems):
        return "a LoRA for Wan"
    if "text_encoder_2" in parts:
        return "a LoRA for Stable Diffusion XL"
    if "unet" not in parts:
        return "a LoRA for a text encoder alone"
    return f"a LoRA for a model that is not known here, with layers such as '{lora.entries[0].stem}'"


def _model_of_width(width: int | None) -> str:
    return attending_to(width) or f"a U-Net that attends to text states of width {width}"


def _title(component: Component) -> str:
    return {"unet": "U-Net", "text_encoder": "text encoder", "text_encoder_2": "second text encoder"}.get(
        component.part, component.part
    )


def _some(names: Sequence[str]) -> str:
    return "such as " + ", ".join(f"'{name}'" for name in names[:2])
