"""Values of packs are written and read like our own, also by a process that has not imported the pack."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from diffusion import added
from graph.catalogue import Catalogue
from graph.result import Many
from noisewright import Image, register_value
from noisewright.codecs import PackCodecs, codecs_of


@dataclass(frozen=True, eq=False)
class Curve:
    wire: ClassVar[str] = "CURVE"
    points: torch.Tensor
    name: str


class Sound:
    wire = "SOUND"

    def __init__(self, text: str) -> None:
        self.text = text


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(added.VALUES, "_things", {})


def nothing() -> None:
    """No pack is missing."""


def declare() -> None:
    """What importing the pack does."""
    register_value(Curve)
    register_value(Sound, encode=lambda sound: sound.text.encode(), decode=lambda data: Sound(data.decode()), version=2)


def test_our_own_values_have_codecs():
    codecs = codecs_of(Catalogue({}))
    encoded = codecs.encode(Image(torch.rand(1, 2, 2, 3)))
    assert encoded is not None
    assert encoded.stored


def test_a_dataclass_is_written_field_by_field_and_another_class_by_its_functions():
    declare()
    codecs = PackCodecs(nothing)
    curve = Curve(torch.rand(4), "a")
    encoded = codecs.encode(curve)
    assert encoded is not None
    assert encoded.digest == codecs.digest(Curve(curve.points.clone(), "a"))
    assert encoded.digest != codecs.digest(Curve(curve.points + 1, "a"))
    read = codecs.decode(encoded.codec, encoded.data)
    assert isinstance(read, Curve)
    assert torch.equal(read.points, curve.points)
    many = codecs.encode(Many([Sound("x"), Sound("y")]))
    assert many is not None
    sounds = codecs.decode(many.codec, many.data)
    assert [sound.text for sound in sounds] == ["x", "y"]  # pyright: ignore[reportGeneralTypeIssues]
    assert codecs.encode(Sound("x")).codec.endswith(".Sound/2")  # pyright: ignore[reportOptionalMemberAccess]


def test_what_is_declared_later_is_taken_up():
    codecs = PackCodecs(nothing)
    assert codecs.encode(Sound("x")) is None
    declare()
    assert codecs.encode(Sound("x")) is not None


@pytest.mark.parametrize("value", [Curve(torch.ones(2), "a"), Sound("x"), Many([Curve(torch.ones(2), "a")])])
def test_a_stored_value_has_its_pack_imported_once(value, monkeypatch):
    declare()
    encoded = PackCodecs(nothing).encode(value)
    assert encoded is not None
    monkeypatch.setattr(added.VALUES, "_things", {})
    brought: list[int] = []

    def bring() -> None:
        brought.append(1)
        declare()

    codecs = PackCodecs(bring)
    for _ in range(2):
        assert type(codecs.decode(encoded.codec, encoded.data)) is type(value)
    assert brought == [1]


def test_a_value_whose_pack_is_gone_cannot_be_read():
    declare()
    encoded = PackCodecs(nothing).encode(Sound("x"))
    assert encoded is not None
    added.VALUES._things.clear()
    with pytest.raises(LookupError):
        PackCodecs(nothing).decode(encoded.codec, encoded.data)
