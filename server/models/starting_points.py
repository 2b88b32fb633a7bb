"""Models to begin with, as data: where they are, what they need, under which licence they are given."""

from functools import cache
from importlib.resources import files

from pydantic import Field, TypeAdapter

from graph.spec import Frozen

RUN_NOW: tuple[str, ...] = ("sd1", "sd2", "sdxl", "sdxl-refiner", "sd-x4-upscaler")
"""Families this program runs: those of `diffusion.names`, which is out of reach here."""


class StartingPoint(Frozen):
    """A well-known model. source: as `models get` takes it. family: of its base model. licence: as its source names it.

    size_gb: of the file, and memory_gb: to make a picture, both in 10⁹ bytes, about. good_for: a sentence.
    """

    title: str
    source: str
    folder: str
    family: str
    size_gb: float = Field(gt=0)
    memory_gb: float = Field(gt=0)
    licence: str
    good_for: str


class Suggestion(StartingPoint):
    """A starting point, seen from here. runs: whether this program can run it now."""

    runs: bool


@cache
def starting_points() -> tuple[StartingPoint, ...]:
    """All there are, the one with the smallest need of memory first."""
    data = (files("server.models") / "starting_points.json").read_bytes()
    read = TypeAdapter(dict[str, tuple[StartingPoint, ...]]).validate_json(data)["models"]
    return tuple(sorted(read, key=lambda point: point.memory_gb))


def suggestions(memory_gb: float | None = None) -> tuple[Suggestion, ...]:
    """The starting points that fit in so much memory, in 10⁹ bytes; None: all."""
    return tuple(
        Suggestion(**point.model_dump(), runs=point.family in RUN_NOW)
        for point in starting_points()
        if memory_gb is None or point.memory_gb <= memory_gb
    )


def point_of(source: str) -> StartingPoint | None:
    """The starting point with that source, if it is one."""
    return next((point for point in starting_points() if point.source == source), None)
