"""Codecs of values: everything comes back as it was, to the bit, in a registry that is the graph's own."""

import dataclasses
import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diffusion import values
from diffusion.codecs import RECIPES, VALUES, Tree, Values, register
from diffusion.values import (
    Area,
    Conditioning,
    ConditioningEntry,
    Control,
    ControlNet,
    Image,
    Latent,
    LatentSpace,
    Mask,
    Model,
    Shown,
    SizeConditioning,
    TextEncoder,
    Vae,
    WeightFile,
)
from graph.codec import Codecs, length_of
from graph.result import Many

SPACE = LatentSpace("SD 1", 4, 8, 0.18215, 0.0, ((0.1, 0.2, 0.3),) * 4, (0.5, 0.5, 0.5))
FILE = WeightFile("/models/a.safetensors", "sampled:abc", "unet")
MODEL = Model("sd1", FILE)
VAE = Vae("sd1", FILE, SPACE)


@pytest.fixture
def codecs() -> Codecs:
    codecs = Codecs()
    register(codecs)
    return codecs


def same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        bits = [item.contiguous().reshape(-1).view(torch.uint8) for item in (one, other)]
        return one.dtype == other.dtype and one.shape == other.shape and torch.equal(*bits)
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, item.name), getattr(other, item.name)) for item in dataclasses.fields(one))
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


def entry(**changes: Any) -> ConditioningEntry:
    return ConditioningEntry(torch.rand(1, 77, 16), **changes)


EXAMPLES = [
    Image(torch.rand(2, 3, 4, 3)),
    Image(torch.rand(1, 3, 8, 8).movedim(1, -1), (0.0, 4095.0), (0.5, 0.25), 16),
    Image(torch.full((1, 2, 2, 1), math.nan)),
    Mask(torch.rand(1, 3, 4)),
    Latent(torch.rand(2, 4, 3, 3), SPACE, torch.rand(1, 24, 24), (3, 7)),
    Latent(torch.zeros(1, 4, 0, 8), empty_size=(64, 512)),
    Conditioning(()),
    Conditioning((
        entry(pooled=torch.rand(1, 8).half(), area=Area(64, 0.5, 0, 0.25, relative=True), strength=0.5),
        entry(mask=torch.rand(1, 4, 4), mask_bounds=True, start=0.25, end=0.75),
        entry(size=SizeConditioning((8, 9), aesthetic=6.5), shown=Shown(torch.rand(1, 4, 2, 2), torch.rand(1, 16, 16))),
        entry(extras=MappingProxyType({"size": (64, 64), "tokens": [torch.arange(3)], "text": "ä", "no": None})),
    )),
    SPACE,
    torch.rand(3, 4),
    torch.rand(()),
    torch.rand(2, 3).bfloat16(),
    {"samples": torch.rand(1, 4, 8, 8), "downscale": 8, 3: (1, [2.5, {"x": torch.zeros(0)}])},
    [torch.arange(4), (torch.rand(1), None, True)],
    [[torch.rand(1, 77, 4), {"pooled_output": torch.rand(1, 4)}]],
    MappingProxyType({"index": 3, "x": torch.rand(2)}),
    MappingProxyType({"a": {"b": ()}}),
    (Image(torch.rand(1, 2, 2, 3)), 10**4000, -math.inf),
]  # fmt: skip


@pytest.mark.parametrize("value", EXAMPLES, ids=lambda value: type(value).__name__)
def test_values_come_back_to_the_bit(codecs: Codecs, value: object):
    encoded = codecs.encode(value)
    assert encoded is not None
    assert encoded.stored
    again = codecs.decode(encoded.codec, encoded.data)
    assert same(again, value)
    assert codecs.encode(again) == encoded


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.lists(st.integers(0, 3), max_size=3).map(lambda shape: torch.full(shape, math.nan)),
    lambda items: st.lists(items) | st.lists(items).map(tuple)
    | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers()), items)
    | st.dictionaries(st.text(), items).map(MappingProxyType),
)  # fmt: skip


@settings(deadline=None)
@given(trees)
def test_any_tree_comes_back(value: object):
    codec = Tree("toy/1", stored=True)
    data = codec.encode(value)
    assert same(codec.decode(b"".join(data) if isinstance(data, tuple) else data), value)


def test_every_value_of_the_library_has_a_codec(codecs: Codecs):
    known = {kind for name, kind in inspect.getmembers(values, dataclasses.is_dataclass)}
    assert known <= {*VALUES, *RECIPES}


@pytest.mark.parametrize(
    "value",
    [
        MODEL,
        VAE,
        TextEncoder("sd1", (FILE,), -2),
        (MODEL, torch.rand(2)),
        {"model": MODEL},
        Conditioning((entry(extras=MappingProxyType({"control": VAE})),)),
        Conditioning((entry(controls=(Control(ControlNet("union", FILE, task=2), torch.rand(1, 3, 2, 2)),)),)),
        Many([MODEL, 1]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_recipes_have_a_digest_and_are_not_stored(codecs: Codecs, value: object):
    encoded = codecs.encode(value)
    assert encoded is not None
    assert not encoded.stored


def test_a_recipe_counts_by_what_is_in_its_files(codecs: Codecs):
    def digest(**changes: str) -> str | None:
        return codecs.digest(dataclasses.replace(MODEL, file=dataclasses.replace(FILE, **changes)))

    assert digest(path="/elsewhere/b.safetensors") == digest()
    assert len({digest(), digest(digest="sampled:def"), digest(part="vae")}) == 3


def test_a_recipe_with_a_patch_that_nobody_knows_has_no_digest(codecs: Codecs):
    assert codecs.digest(dataclasses.replace(MODEL, patches=(object(),))) is None
    assert codecs.digest(Conditioning((entry(extras={"x": object()}),))) is None


def test_what_is_not_plain_data_has_no_codec(codecs: Codecs):
    assert codecs.encode(torch.nn.Parameter(torch.rand(2))) is None
    assert codecs.encode({"x": torch.rand(2, requires_grad=True)}) is None
    assert codecs.encode([b"bytes", torch.rand(1)]) is None
    assert codecs.encode([torch.rand(1), "\ud800"]) is None


def test_a_tensor_that_stands_twice_is_written_once(codecs: Codecs):
    tensor = torch.rand(1000)
    once, twice = codecs.encode([tensor]), codecs.encode([tensor, tensor])
    assert once is not None
    assert twice is not None
    assert length_of(twice.data) < length_of(once.data) + 200
    read = codecs.decode(twice.codec, twice.data)
    assert isinstance(read, list)
    assert read[0] is read[1]


@dataclass(frozen=True, eq=False)
class Depth:
    wire: ClassVar[str] = "DEPTH"
    metres: torch.Tensor
    camera: Area
    model: Model | None = None
    notes: Mapping[str, object] = field(default_factory=dict)


def test_a_pack_adds_its_value_with_one_call():
    codecs = Codecs()
    known = register(codecs)
    depth = Depth(torch.rand(3, 4), Area(1, 2, 3, 4), notes={"a": [1, torch.rand(2)]})
    assert codecs.encode(depth) is None
    known.add(Depth)
    for value in (depth, {"depth": depth}, Conditioning((entry(extras=MappingProxyType({"depth": depth})),))):
        encoded = codecs.encode(value)
        assert encoded is not None
        assert encoded.stored
        assert same(codecs.decode(encoded.codec, encoded.data), value)
    holding = codecs.encode(dataclasses.replace(depth, model=MODEL))
    assert holding is not None
    assert not holding.stored
    encoded = codecs.encode(depth)
    assert encoded is not None
    other = Codecs()
    register(other)
    with pytest.raises(LookupError, match=r"no value class '.*Depth' here; the pack that brings it is missing"):
        other.decode(encoded.codec, encoded.data)


def test_a_pack_may_keep_its_value_off_the_disk():
    codecs = Codecs()
    register(codecs).add(Depth, "acme/depth", stored=False)
    encoded = codecs.encode(Depth(torch.rand(2), Area(1, 2, 3, 4)))
    assert encoded is not None
    assert not encoded.stored


@dataclass
class Changing:
    x: int


@dataclass(frozen=True)
class Computed:
    x: int
    y: int = field(init=False, default=0)


@pytest.mark.parametrize(
    ("kind", "name", "error", "message"),
    [
        (Changing, "", TypeError, "is no frozen dataclass"),
        (int, "", TypeError, "is no frozen dataclass"),
        (Computed, "", TypeError, "has fields that are not given when it is made"),
        (Depth, "Image", ValueError, "two value classes of the name 'Image'"),
        (Depth, "tuple", ValueError, "two value classes of the name 'tuple'"),
    ],
)
def test_a_class_that_cannot_be_added_is_one_sentence(kind: type, name: str, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        Values(Codecs()).add(kind, name)
