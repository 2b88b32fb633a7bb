"""Random numbers that follow from a seed, the same on every machine and in every release."""

import hashlib

BITS = 256
EXACT = 53
"""Bits of a fraction between 0 and 1 that a double holds."""


def roll(seed: int) -> int:
    """A whole number of `BITS` random bits: SHA-256 of the seed's decimal digits."""
    return int.from_bytes(hashlib.sha256(f"{seed}".encode()).digest())


def whole(seed: int, lowest: int, highest: int) -> int:
    """A whole number from lowest to highest, both included, each equally likely (to one part in 2^190)."""
    return lowest + roll(seed) % (highest - lowest + 1)


def fraction(seed: int) -> float:
    """A number from 0 up to, but without, 1, in steps of 2^-53."""
    return (roll(seed) >> (BITS - EXACT)) / 2**EXACT
