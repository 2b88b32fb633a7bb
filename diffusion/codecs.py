"""The codecs of values: trees of frozen dataclasses, lists, tuples, mappings, tensors and plain values. Loads no torch.

A value is a safetensors file of its tensors; its one text is the tree, as JSON. Plain values stand for themselves in
it; everything else is a list that begins with what it is: `["Image", {"pixels": ["tensor", 0], …}]`.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from diffusion.hooks import HOOKS, SCHEDULES
from diffusion.lora.patch import LoraPatch
from diffusion.merging.patch import AttentionScale, MergePatch, Share
from diffusion.model_options import OPTIONS
from diffusion.sampling_values import GUIDERS, PARTS
from diffusion.values import (
    Area,
    Box,
    ClipVision,
    ClipVisionOutput,
    Conditioning,
    ConditioningEntry,
    Control,
    ControlNet,
    DepthModel,
    Image,
    IpAdapter,
    Latent,
    LatentOperation,
    LatentSpace,
    Mask,
    Model,
    PersonDetector,
    PhotoMaker,
    PoseModel,
    SegmentAnythingModel,
    Sharpen,
    Shown,
    SizeConditioning,
    Stitch,
    StyleModel,
    TextEncoder,
    ToldPicture,
    TonemapReinhard,
    UpscaleModel,
    Vae,
    WeightFile,
)

if TYPE_CHECKING:
    from torch import Tensor

VALUES: tuple[type, ...] = (
    Image,
    Mask,
    LatentSpace,
    Latent,
    Area,
    SizeConditioning,
    Shown,
    ToldPicture,
    ConditioningEntry,
    Conditioning,
    Box,
    Stitch,
    ClipVisionOutput,
    LatentOperation,
    TonemapReinhard,
    Sharpen,
    *PARTS,
    *OPTIONS,
    *SCHEDULES,
)
"""Classes that are kept on disk."""

RECIPES: tuple[type, ...] = (
    WeightFile,
    LoraPatch,
    Share,
    MergePatch,
    AttentionScale,
    Model,
    TextEncoder,
    Vae,
    UpscaleModel,
    ClipVision,
    StyleModel,
    PhotoMaker,
    DepthModel,
    PoseModel,
    PersonDetector,
    SegmentAnythingModel,
    IpAdapter,
    ControlNet,
    Control,
    *GUIDERS,
    *HOOKS,
)
"""Classes of which only digests are needed: what they are made of lies on disk already."""

ELSEWHERE: Mapping[type, str] = MappingProxyType({WeightFile: "path"})
"""Fields of recipes that make no difference: where a file lies does not change what is in it."""

TENSOR = "torch.Tensor"

WORDS = frozenset({"int", "list", "tuple", "dict", "mapping", "tensor"})
"""What a list in a tree may begin with, besides names of classes."""

SCALARS = frozenset({type(None), bool, float, str})

LONGEST_INT = 2000
"""In bits; larger ones are written in hexadecimal."""


class Registry(Protocol):
    """What takes codecs: `graph.codec.Codecs`."""

    def register(self, kind: type | str, codec: Any) -> None:
        """Have a class, or the one of that full name, written by a codec."""
        ...


class Tree:
    """A codec of trees. stored: whether its values may be kept on disk."""

    def __init__(self, name: str, *, stored: bool) -> None:
        self.name = name
        self.stored = stored
        self._names: dict[type, str] = {}
        self._classes: dict[str, type] = {}

    def add(self, kind: type, name: str) -> None:
        """Know a frozen dataclass under a name. Raises TypeError for another class, ValueError for a taken name."""
        if not dataclasses.is_dataclass(kind) or not kind.__dataclass_params__.frozen:  # pyright: ignore[reportAttributeAccessIssue] — every dataclass has it
            raise TypeError(f"{kind.__qualname__} is no frozen dataclass. Make it one, or register a codec of its own.")
        if not all(field.init for field in dataclasses.fields(kind)):
            raise TypeError(
                f"{kind.__qualname__} has fields that are not given when it is made. Give it its own codec."
            )
        if name in WORDS or self._classes.get(name, kind) is not kind:
            raise ValueError(f"There are two value classes of the name '{name}'. Give one of them another name.")
        self._classes[name] = kind
        self._names[kind] = name

    def encode(self, value: object) -> bytes | tuple[bytes | memoryview, ...]:
        """The value as bytes or pieces of them, the same for the same value. The memory of its tensors is not copied.

        Raises TypeError where something in it has no place in a tree.
        """
        tensors: list[Tensor] = []
        text = json.dumps(_Growing(self._names, tensors).tree(value), separators=(",", ":"))
        if not tensors:
            return text.encode()
        from diffusion.tensor_bytes import pack

        return pack(tensors, text)

    def decode(self, data: bytes | bytearray) -> object:
        """The value of these bytes. Raises ValueError or TypeError where they are not what `encode` made, and
        LookupError where a class is not registered.
        """
        # A safetensors file begins with the length of its header, whose upper bytes are zero; JSON has no such byte.
        if b"\0" not in data[:8]:
            return _value(json.loads(data), self._classes, ())
        from diffusion.tensor_bytes import unpack

        tensors, text = unpack(data)
        return _value(json.loads(text), self._classes, tensors)


class Values:
    """The codecs of values: one for what is kept on disk, one for what holds recipes and has only a digest."""

    def __init__(self, codecs: Registry) -> None:
        self._codecs = codecs
        self._stored = Tree("noisewright/value/1", stored=True)
        self._digested = Tree("noisewright/recipe/1", stored=False)
        for kind in (TENSOR, list, tuple, dict, MappingProxyType):
            self._register(kind)
        for kind in VALUES:
            self.add(kind, kind.__name__)
        for kind in RECIPES:
            self.add(kind, kind.__name__, stored=False)

    def add(self, kind: type, name: str = "", *, stored: bool = True) -> None:
        """Have a pack's value class written as a tree of its fields: a frozen dataclass of values, tensors, lists,
        tuples, mappings and plain values.

        name: how it is known for ever, its module and class if not given. stored: False where it has digests, but is
        not to be kept on disk. One that holds a recipe is not kept, either way. Raises TypeError for another class,
        ValueError for a name that is taken.
        """
        name = name or f"{kind.__module__}.{kind.__qualname__}"
        self._digested.add(kind, name)
        if stored:
            self._stored.add(kind, name)
        self._register(kind)

    def _register(self, kind: type | str) -> None:
        """What can be kept is written to be kept; what holds a recipe cannot, and gets its digest from the second."""
        self._codecs.register(kind, self._stored)
        self._codecs.register(kind, self._digested)


def register(codecs: Registry) -> Values:
    """Register the codecs of all values of this library, and of tensors, lists, tuples and mappings of them.

    Packs `add` their own classes to what is returned.
    """
    return Values(codecs)


class _Growing:
    """A tree in the making. tensors: those it names, by index; one that stands twice is written once."""

    def __init__(self, names: Mapping[type, str], tensors: "list[Tensor]") -> None:
        self._names = names
        self._tensors = tensors
        self._indices: dict[int, int] = {}

    def tree(self, value: Any) -> object:
        """A value as JSON. Raises TypeError for what has no place in a tree."""
        kind = type(value)
        if kind is int:
            return value if value.bit_length() <= LONGEST_INT else ["int", hex(value)]
        if kind is str:
            return _text(value)
        if kind in SCALARS:
            return value
        name = self._names.get(kind)
        if name is not None:
            fields = dataclasses.fields(value)
            names = [field.name for field in fields if field.name != ELSEWHERE.get(kind)]
            return [name, {name: self.tree(getattr(value, name)) for name in names}]
        if kind is list or kind is tuple:
            return [kind.__name__, *(self.tree(item) for item in value)]
        if kind is dict or kind is MappingProxyType:
            pairs = ((self.tree(key), self.tree(item)) for key, item in value.items())
            return ["dict" if kind is dict else "mapping", *(part for pair in pairs for part in pair)]
        if f"{kind.__module__}.{kind.__qualname__}" == TENSOR:
            index = self._indices.setdefault(id(value), len(self._tensors))
            if index == len(self._tensors):
                self._tensors.append(value)
            return ["tensor", index]
        raise TypeError(f"A value of class {kind.__module__}.{kind.__qualname__} is not registered.")


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TypeError(f"A text with half a character is not written: {error}") from error
    return text


def _value(tree: Any, classes: Mapping[str, type], tensors: "Sequence[Tensor]") -> Any:
    if type(tree) is not list:
        return tree
    word, *rest = tree
    match word:
        case "int":
            return int(rest[0], 16)
        case "tensor":
            return tensors[rest[0]]
        case "list":
            return [_value(item, classes, tensors) for item in rest]
        case "tuple":
            return tuple(_value(item, classes, tensors) for item in rest)
        case "dict" | "mapping":
            items = [_value(item, classes, tensors) for item in rest]
            found = dict(zip(items[::2], items[1::2], strict=True))
            return found if word == "dict" else MappingProxyType(found)
    if word not in classes:
        raise LookupError(f"There is no value class '{word}' here; the pack that brings it is missing.")
    return classes[word](**{name: _value(item, classes, tensors) for name, item in rest[0].items()})
