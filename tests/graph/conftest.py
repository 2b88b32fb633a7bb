"""Toy node types: enough kinds of inputs to get everything wrong that can be."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar

import pytest
from annotated_types import Ge, Le

from graph.catalogue import Catalogue
from graph.files import File, InFolder, SavedFiles
from graph.node import Hint, node, node_type_of

T = TypeVar("T")


@dataclass(frozen=True)
class Picture:
    wire: ClassVar[str] = "IMAGE"


@dataclass(frozen=True)
class Stencil:
    wire: ClassVar[str] = "MASK"


class Parts(NamedTuple):
    IMAGE: Picture
    MASK: Stencil


@node("Number", category="toy")
def number(value: Annotated[int, Ge(0), Le(2**64 - 1), Hint(control_after_generate=True)] = 0) -> int:
    """A whole number."""
    return value


@node("Add", category="toy")
def add(a: int, b: int = 0) -> int:
    """The sum of two numbers."""
    return a + b


@node("Load", category="toy")
def load_picture(name: Annotated[File, InFolder("pictures")]) -> Picture:
    """A picture from a file."""
    raise NotImplementedError(name)


@node("Scale", category="toy")
def scale(
    image: Picture,
    factor: Annotated[float, Ge(0.0), Le(8.0)] = 1.0,
    steps: Annotated[int, Ge(1), Le(100)] = 20,
    method: Literal["nearest", "area", "bicubic"] = "nearest",
    smooth: bool = False,
    mask: Stencil | None = None,
) -> Picture:
    """Resize a picture."""
    raise NotImplementedError(factor, steps, method, smooth, mask)


@node("Split", category="toy")
def split(image: Picture) -> Parts:
    """A picture and its mask."""
    raise NotImplementedError(image)


@node("Blend", category="toy")
def blend(mask: Stencil, image: Picture, other: Picture, note: str = "") -> Picture:
    """One picture over another."""
    raise NotImplementedError(mask, image, other, note)


@node("Pass", category="toy")
def pass_on(value: T) -> T:
    """Whatever is connected."""
    return value


@node("Collect", category="toy")
def collect(numbers: list[int], labels: str | None = None) -> list[int]:
    """A list of numbers."""
    raise NotImplementedError(numbers, labels)


@node("Save", category="toy", output=True)
def save(images: Picture, prefix: str = "out") -> SavedFiles:
    """Write a picture."""
    raise NotImplementedError(images, prefix)


@node("Print", category="toy", output=True)
def show(value: int) -> SavedFiles:
    """Write a number."""
    raise NotImplementedError(value)


def _to_two(inputs: dict[str, Any], version: int) -> dict[str, Any]:
    assert version == 1
    if inputs.get("strength") == "boom":
        raise KeyError("boom")
    return {"image": inputs["picture"], "amount": inputs.get("strength", 1.0)}


@node("Blur", category="toy", version=2, upgrade=_to_two, replaces=("Soften",))
def blur(image: Picture, amount: float = 1.0) -> Picture:
    """Soften a picture."""
    raise NotImplementedError(image, amount)


FUNCTIONS = (number, add, load_picture, scale, split, blend, pass_on, collect, save, show, blur)


@pytest.fixture
def toys() -> Catalogue:
    found = [node_type_of(function) for function in FUNCTIONS]
    types = {item.spec.type: item for item in found if item is not None}
    errors = {"Broken": "its module 'broken' cannot be imported: ImportError: no module named 'cv'"}
    return Catalogue({name: item.spec for name, item in types.items()}, types=types, errors=errors)
