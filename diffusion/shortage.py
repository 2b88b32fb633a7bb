"""What a person is told when memory is out and nothing more can leave: what was to be done, and what would fit."""

import math
from collections.abc import Callable

from diffusion.budget import said
from diffusion.lease import MemoryShortage

STEP = 64
"""Pixels by which sides of pictures are proposed."""

SMALLEST = 128
"""A side below which no picture is proposed."""


def explained(
    shortage: MemoryShortage, what: str, width: int, height: int, need: Callable[[int, int], int]
) -> MemoryShortage:
    """The shortage in words for people. what: was to be done, as "Sampling". width, height: of the picture in pixels.
    need: bytes that a picture of (width, height) takes.
    """
    where = f" of {said(shortage.available)} (--memory)" if shortage.available else ""
    ways = []
    if shortage.available:
        ways.append(f"--memory {math.ceil(1.02 * shortage.needed / 1e8) / 10:g}GB")
    if (size := _fitting(shortage, width, height, need)) is not None:
        ways.append(f"a picture of at most {size[0]} × {size[1]}")
    ways.append("a lower precision, where this is fp32")
    return MemoryShortage(
        f"{what} a picture of {width} × {height} takes more memory than there is{where}, even with all else gone and "
        f"layer by layer. This would fit: {', or '.join(ways)}. ({shortage})",
        shortage.needed,
        shortage.available,
    )


def _fitting(
    shortage: MemoryShortage, width: int, height: int, need: Callable[[int, int], int]
) -> tuple[int, int] | None:
    """The largest picture of about the same shape that fits; half the sides, where nobody knows."""
    weights = shortage.needed - need(width, height)
    for percent in range(95, 5, -5):
        wide, high = (max(STEP, side * percent // 100 // STEP * STEP) for side in (width, height))
        if min(wide, high) < SMALLEST:
            return None
        fits = weights + need(wide, high) <= shortage.available if shortage.available else percent <= 50
        if fits and (wide, high) != (width, height):
            return wide, high
    return None
