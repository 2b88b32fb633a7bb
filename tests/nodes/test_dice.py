"""What follows from a seed must never change: the numbers here are worked out from SHA-256 itself."""

import hashlib
from collections import Counter

from nodes.dice import fraction, roll, whole


def test_a_roll_is_the_hash_of_the_seed():
    assert roll(0) == int(hashlib.sha256(b"0").hexdigest(), 16)
    assert roll(2**64 - 1) == int(hashlib.sha256(b"18446744073709551615").hexdigest(), 16)


def test_whole_numbers_lie_in_the_range_and_are_spread_evenly():
    counts = Counter(whole(seed, -2, 3) for seed in range(6000))
    assert sorted(counts) == [-2, -1, 0, 1, 2, 3]
    assert all(850 < count < 1150 for count in counts.values())
    assert whole(5, 4, 4) == 4
    assert -(2**70) <= whole(1, -(2**70), 2**70) <= 2**70


def test_fractions_lie_between_0_and_1_and_are_spread_evenly():
    found = [fraction(seed) for seed in range(4000)]
    assert all(0 <= number < 1 for number in found)
    assert abs(sum(found) / len(found) - 0.5) < 0.02
    assert fraction(7) == fraction(7)
