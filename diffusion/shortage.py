"""What a person is told when memory is out and nothing more can leave: what was to be done, and what would fit.

Only what is known to fit is said to: by the estimates a budget goes by. Where an allocator has failed nobody knows how
much there is, and it is said what may help.
"""

import math
from collections.abc import Callable

import torch

from diffusion.budget import said

STEP = 64
"""Pixels by which sides of pictures are proposed."""

SMALLEST = 128
"""A side below which no picture is proposed."""

SPARE = 1.02
"""Times what is needed, which is proposed as a budget."""


class MemoryShortage(torch.OutOfMemoryError):  # noqa: N818 — it is one
    """What is to be computed needs more memory than there is, whatever leaves. Its text is for people.

    needed: bytes, weights included. available: bytes of the budget; 0: memory was out, and nobody knows how much. why:
    what was found, without what would fit.
    """

    def __init__(self, sentence: str, needed: int = 0, available: int = 0, why: str = "") -> None:
        super().__init__(sentence)
        self.needed = needed
        self.available = available
        self.why = why or sentence


def over_budget(what: str, need: int, taken: int, limit: int, *, is_all: bool = True) -> MemoryShortage:
    """More than a budget, known before it was tried. what: the beginning of the sentence, up to the amount. need: its
    bytes. taken: those of what must stay beside it. is_all: nothing that follows needs more.
    """
    beside = f" beside {said(taken)} of weights" if taken else ""
    why = f"{what} {said(need)}{beside}; the budget is {said(limit)}"
    way = f"This would fit: {_budget(need + taken)}" if is_all else f"More than {_budget(need + taken)} is needed"
    return MemoryShortage(f"{why} (--memory). {way}.", need + taken, limit, why)


def out_of_memory(what: str, device: str, reason: str, *, need: int = 0, is_wide: bool = False) -> MemoryShortage:
    """An allocator has failed, and nothing is left that could leave. what: the network, as `called` has it. reason: the
    allocator's. is_wide: a lower precision would take less.
    """
    ways = f"ending other programs that use it{', or a lower precision, such as --precision bf16' if is_wide else ''}"
    return MemoryShortage(
        f"There is too little memory on {device} for {what}, even with all else gone and as few of its layers there as "
        f"can be. What may help: {ways}. ({reason})",
        need,
        why=reason,
    )


def explained(
    shortage: MemoryShortage, what: str, width: int, height: int, need: Callable[[int, int], int]
) -> MemoryShortage:
    """The shortage in words for people. what: was to be done, as "Sampling". width, height: of the picture in pixels.
    need: bytes that a picture of (width, height) takes.
    """
    known = bool(shortage.available)
    ways = [_budget(shortage.needed)] if known else []
    if (size := _fitting(shortage, width, height, need)) is not None:
        ways.append(f"a picture of at most {size[0]} × {size[1]}")
    if not known:
        ways.append("a lower precision, where this is fp32")
    where = f" of {said(shortage.available)} (--memory)" if known else ""
    return MemoryShortage(
        f"{what} a picture of {width} × {height} takes more memory than there is{where}, even with all else gone and "
        f"layer by layer. {'This would fit' if known else 'What may help'}: {', or '.join(ways)}. ({shortage.why})",
        shortage.needed,
        shortage.available,
        shortage.why,
    )


def _budget(needed: int) -> str:
    if needed < 1e9:
        return f"--memory {math.ceil(SPARE * needed / 1e6)}MB"
    return f"--memory {math.ceil(SPARE * needed / 1e8) / 10:g}GB"


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
