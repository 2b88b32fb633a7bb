"""What is held on one device under one budget, and what leaves when something else comes. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from diffusion.budget import Budget, give_back
from diffusion.families import Part

if TYPE_CHECKING:
    from diffusion.held import Held, Strengths

Key = tuple[Part, str, str]
"""What makes two recipes use the same weights, whatever their patches: part, content digest, folder."""


@dataclass(eq=False)
class Holdings:
    """The weights in memory, by what tells them apart."""

    budget: Budget
    held: dict[Key, Held] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes of weights, mapped pages included."""
        return sum(held.all_nbytes for held in self.held.values())

    @property
    def left(self) -> int:
        """Bytes of memory that are still to be had."""
        return self.budget.left(sum(held.taken for held in self.held.values()))

    def fits(self, nbytes: int) -> bool:
        """Whether so many bytes are still to be had."""
        return nbytes <= self.left

    def release(self) -> bool:
        """Drop all weights that nobody borrows. Returns whether there were any."""
        before = len(self.held)
        self.held = {key: held for key, held in self.held.items() if held.borrowers}
        return len(self.held) < before

    def make_room(self, own: int, *, whole: int = 0, beside: Held | None = None) -> bool:
        """Drop weights nobody borrows, least recently lent first, until `own` bytes more fit; then let fewer layers of
        networks stay whose layers come and go. Returns whether they fit.

        What a network has besides the weights it shares leaves before them. whole: what comes, mapped pages included:
        under a given budget idle weights make way for these, too. beside: weights that stay.
        """
        limit = self.budget.limit
        for _, is_whole, key, strengths in sorted(self._idle(beside)):
            if self.fits(own) and (limit is None or self.nbytes + max(own, whole) <= limit):
                break
            if is_whole:
                del self.held[key]
                give_back(self.budget.device)  # a network knows itself in circles: it would stay until they are found
            else:
                del self.held[key].variants[strengths]
        for held in self.held.values():
            if held is not beside and held.shelf is not None and not self.fits(own):
                held.shelf.keep(held.shelf.kept - (own - self.left))
        return self.fits(own)

    def keep_layers(self, held: Held, need: int) -> None:
        """Let so many layers of a network stay as there is room for beside computing that takes `need` bytes."""
        if held.shelf is not None:
            is_counted = any(other is held for other in self.held.values())
            room = self.left - need + (held.shelf.kept if is_counted else -held.shelf.least)
            held.shelf.keep(room if held.most is None else min(room, held.most))

    def _idle(self, beside: Held | None) -> list[tuple[int, bool, Key, Strengths]]:
        """What could leave: when it was last lent, whether it is a network with all it shares, which it is."""
        idle: list[tuple[int, bool, Key, Strengths]] = []
        for key, held in self.held.items():
            if not held.borrowers and held is not beside:
                idle.append((held.used, True, key, ()))
            idle += [
                (variant.used, False, key, strengths)
                for strengths, variant in held.variants.items()
                if strengths and not variant.borrowers
            ]
        return idle
