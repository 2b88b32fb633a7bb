"""How often an address may guess a token."""

import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

MOST = 4096
"""Addresses remembered at once."""


class Attempts:
    """Failed attempts per address: `allowed` at once, and as many again in each `seconds`.

    IPv6 addresses count by their /64, which one household has to itself. Of more than `MOST` addresses the one that
    failed longest ago is forgotten, so that no number of them fills the memory.
    """

    def __init__(self, allowed: int = 10, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.allowed = allowed
        self.pause = seconds / allowed
        self._clock = clock
        # When each address will have nothing held against it: a bucket that leaks one failure every `pause`.
        self._clean: dict[str, float] = {}

    def failed(self, address: str) -> None:
        """Count a failure."""
        key, now = _key(address), self._clock()
        clean = max(self._clean.pop(key, now), now)
        # Never more than one failure beyond what is allowed: an address that goes on guessing is not shut out longer.
        self._clean[key] = min(clean + self.pause, now + (self.allowed + 1) * self.pause)
        if len(self._clean) > MOST:
            del self._clean[next(iter(self._clean))]

    def wait(self, address: str) -> float:
        """Seconds until the address may try again; 0: now."""
        clean = self._clean.get(_key(address), 0.0)
        return max(0.0, clean - self._clock() - (self.allowed - 1) * self.pause)


def _key(address: str) -> str:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or int(parsed) >> 64)
    return str(parsed)
