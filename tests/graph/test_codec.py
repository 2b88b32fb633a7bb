import hashlib
import json
import math
import struct
import subprocess
import sys
from collections import OrderedDict
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.codec import BLOCKED, MANY, PLAIN, Codecs, content_digest
from graph.result import Blocked, Many

ROOT = Path(__file__).parent.parent.parent

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()))
plain = st.recursive(
    scalars,
    lambda items: st.lists(items) | st.lists(items).map(tuple) | st.dictionaries(st.text() | st.just("#tuple"), items),
)


def again(codecs: Codecs, value: object) -> object:
    encoded = codecs.encode(value)
    assert encoded is not None
    return codecs.decode(encoded.codec, encoded.data)


def same(one: object, other: object) -> bool:
    """Equal in classes, in the order of items, and in the bits of floats (NaN has one of them in JSON)."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@given(plain)
@settings(max_examples=300, deadline=None)
def test_plain_values_come_back_as_what_they_were(value: object):
    assert same(again(Codecs(), value), value)


@given(st.lists(plain | st.builds(Blocked, st.text())).map(Many))
@settings(deadline=None)
def test_many_values_come_back(values: Many):
    assert same(again(Codecs(), values), values)


@pytest.mark.parametrize(
    "value",
    [
        10**10_000,
        -(10**10_000),
        [2**64, {"n": -(2**5000)}],
        {"#tuple": [1]},
        {"#int": "0x1"},
        {"##": 1},
        {"#": ()},
        {"#tuple": {"#tuple": ({"#x": 0},)}},
        "\ud83d\ude00",
        "\ud800",
        "😀",
        -0.0,
        [math.inf, -math.inf, math.nan],
        Blocked("not today"),
        Many(),
        Many([Many([1]), Blocked(), "\n"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_that_json_lacks(value: object):
    assert same(again(Codecs(), value), value)


def test_values_that_differ_for_a_node_have_other_digests():
    values = [0, 0.0, -0.0, False, "0", None, "", [], (), {}, [0], (0,), {"a": 0}, {"#tuple": [0]}, Many([0]), Many(),
              Blocked(), Blocked("0"), {"a": 0, "b": 0}, {"b": 0, "a": 0}]  # fmt: skip
    digests = [Codecs().digest(value) for value in values]
    assert None not in digests
    assert len(set(digests)) == len(values)


def test_a_digest_is_sha_256_over_codec_and_data():
    encoded = Codecs().encode([1, "a"])
    assert encoded is not None
    assert (encoded.codec, json.loads(encoded.data), encoded.stored) == (PLAIN, [1, "a"], True)
    assert (
        encoded.digest == hashlib.sha256(b"plain/1\0" + encoded.data).hexdigest() == content_digest(PLAIN, encoded.data)
    )


def test_digests_are_the_same_in_another_process():
    program = "from graph.codec import Codecs; print(Codecs().digest({'a': (1, [2.5, 'ü']), 'b': None}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == Codecs().digest({"a": (1, [2.5, "ü"]), "b": None})


class Colour(IntEnum):
    RED = 1


class Pair(NamedTuple):
    a: int
    b: int


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [object(), {1: 2}, [object()], Colour.RED, Pair(1, 2), Text("a"), OrderedDict(a=1), b"x", {1}, Many([b"x"])],
)
def test_what_would_come_back_as_something_else_has_no_codec(value: object):
    assert Codecs().encode(value) is None
    assert Codecs().digest(value) is None


def test_what_is_nested_too_deeply_or_in_itself_has_no_codec():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    around: list[object] = []
    around.append(around)
    assert Codecs().encode(deep) is None
    assert Codecs().encode(around) is None
    while deep:  # or the interpreter takes it apart by recursion
        deep = deep.pop()  # pyright: ignore[reportAssignmentType]


@dataclass(frozen=True)
class Depth:
    metres: float


class DepthCodec:
    def __init__(self, name: str = "toy/depth/1", *, stored: bool = True, of: type = Depth) -> None:
        self.name, self.stored, self.of = name, stored, of

    def encode(self, value: Depth) -> bytes:
        if value.metres < 0:
            raise TypeError("below")
        if value.metres > 100:
            raise ZeroDivisionError("above")
        return struct.pack("d", value.metres)

    def decode(self, data: bytes | bytearray) -> Depth:
        return self.of(*struct.unpack("d", data))


def test_a_class_is_written_by_the_codec_registered_for_it():
    codecs = Codecs()
    assert codecs.encode(Depth(1.5)) is None
    codecs.register(Depth, DepthCodec())
    assert again(codecs, Depth(1.5)) == Depth(1.5)
    assert again(codecs, Many([1, Depth(2.0), "x"])) == Many([1, Depth(2.0), "x"])


def test_a_class_may_be_registered_by_its_name():
    codecs = Codecs()
    assert codecs.encode(Depth(1.5)) is None
    codecs.register(f"{Depth.__module__}.{Depth.__qualname__}", DepthCodec())
    assert again(codecs, Depth(1.5)) == Depth(1.5)


def test_a_subclass_is_another_class():
    codecs = Codecs()
    codecs.register(Depth, DepthCodec())

    @dataclass(frozen=True)
    class Wider(Depth):
        width: float = 0.0

    assert codecs.encode(Wider(1.0)) is None


def test_several_codecs_are_asked_in_turn():
    codecs = Codecs()
    codecs.register(Depth, DepthCodec())

    class Below:
        name, stored = "toy/below/1", False

        def encode(self, value: Depth) -> bytes:
            return b"%d" % value.metres

        def decode(self, data: bytes | bytearray) -> Depth:
            return Depth(float(data))

    codecs.register(Depth, Below())
    first, second = codecs.encode(Depth(3.0)), codecs.encode(Depth(-3.0))
    assert first is not None
    assert second is not None
    assert (first.codec, first.stored, second.codec, second.stored) == ("toy/depth/1", True, "toy/below/1", False)
    mixed = codecs.encode(Many([Depth(3.0), Depth(-3.0)]))
    assert mixed is not None
    assert not mixed.stored


def test_a_codec_that_fails_is_named_in_the_log_and_no_more(caplog: pytest.LogCaptureFixture):
    codecs = Codecs()
    codecs.register(Depth, DepthCodec())
    assert codecs.encode(Depth(200.0)) is None
    assert "Depth" in caplog.text
    assert "ZeroDivisionError: above" in caplog.text


def test_a_name_belongs_to_one_codec():
    codecs = Codecs()
    codec = DepthCodec()
    codecs.register(Depth, codec)
    codecs.register(Depth, codec)
    for name in ("toy/depth/1", PLAIN, MANY, BLOCKED):
        with pytest.raises(ValueError, match=f"two codecs of the name '{name}'"):
            codecs.register(Colour, DepthCodec(name))


def test_a_codec_that_is_not_there_is_named():
    with pytest.raises(LookupError, match="no codec 'acme/depth/1'"):
        Codecs().decode("acme/depth/1", b"")
