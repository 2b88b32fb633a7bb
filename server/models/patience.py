"""How often, and how long apart, something is tried that may go well another time."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Patience:
    """tries: in a row without getting on; to_begin: with a host that has not answered once. enough: bytes that count
    as getting on. first: seconds before the second try; each wait is twice the one before, at most `longest`, and
    shortened by chance by up to a half, so that many who wait do not come at once.
    """

    tries: int = 6
    to_begin: int = 3
    first: float = 1.0
    longest: float = 60.0
    enough: int = 2**20
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    chance: random.Random = field(default_factory=random.Random)

    def seconds(self, failures: int, asked: float = 0.0) -> float:
        """How long to wait after so many failures in a row. asked: by the server, at least."""
        wait = min(self.first * 2 ** (failures - 1), self.longest)
        return max(asked, wait * (1 - self.chance.random() / 2))
