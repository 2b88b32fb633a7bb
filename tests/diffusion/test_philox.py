"""Philox against Random123's known answers, and normal numbers against those that torch is known to draw on CUDA."""

import math

import pytest
import torch
from torch import Tensor

from diffusion.noise import StepNoise, initial_noise
from diffusion.philox import CudaNormal, normal4, philox4x32

KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
"""Random123's kat_vectors for philox4x32-10: zeros, ones, digits of pi."""

SEED_0 = [-0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564]
"""The first numbers of torch.randn(…, device="cuda") after torch.manual_seed(0), as published."""


def words(values: tuple[int, ...]) -> tuple[Tensor, ...]:
    return tuple(torch.tensor([value]) for value in values)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_the_known_answers(counter: tuple[int, ...], key: tuple[int, int], expected: tuple[int, ...]) -> None:
    assert tuple(int(word) for word in philox4x32(words(counter), key)) == expected


def test_the_first_numbers_of_a_card() -> None:
    found = CudaNormal(0).draw((2, 3))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.flatten(), torch.tensor(SEED_0), rtol=1e-6, atol=1e-6)


def by_threads(seed: int, counts: list[int], threads: int) -> list[list[float]]:
    """What a card with so many threads draws, one thread after the other, as CUDA's grid-stride loop writes it."""
    offset, draws = 0, []
    for count in counts:
        blocks = min(threads // 256, math.ceil(count / 256))
        width = 256 * blocks
        drawn, turns = [0.0] * count, math.ceil(count / (4 * width))
        for thread in range(width):
            for turn in range(turns):
                counter = (offset + turn, 0, thread, 0)
                four = normal4(philox4x32(words(counter), (seed & 0xFFFFFFFF, seed >> 32)))
                for place, number in enumerate(four):
                    index = thread + width * (4 * turn + place)
                    if index < count:
                        drawn[index] = float(number)
        offset += turns
        draws.append(drawn)
    return draws


def test_large_draws_go_around_and_later_ones_go_on() -> None:
    counts, seed = [300, 1500, 7], 5 + 3 * 2**32
    normal = CudaNormal(seed, threads=256)
    for count, expected in zip(counts, by_threads(seed, counts, 256), strict=True):
        assert normal.draw((count,)).tolist() == pytest.approx(expected, rel=1e-6)


def test_draws_can_be_skipped() -> None:
    whole, rest = CudaNormal(7, threads=512), CudaNormal(7, threads=512)
    shape = (3, 4, 16, 16)
    draws = [whole.draw(shape) for _ in range(3)]
    rest.skip(shape, 2)
    assert torch.equal(rest.draw(shape), draws[2])
    assert not torch.equal(draws[0], draws[1])


def test_numbers_are_normal_and_seeds_differ() -> None:
    found = CudaNormal(1).draw((100_000,)).double()
    assert abs(float(found.mean())) < 0.02
    assert float(found.std()) == pytest.approx(1, abs=0.02)
    share = float((found.abs() < 1).double().mean())
    assert share == pytest.approx(math.erf(1 / math.sqrt(2)), abs=0.01)
    assert not torch.equal(CudaNormal(1).draw((9,)), CudaNormal(1 + 2**32).draw((9,)))
    assert CudaNormal(1).draw((0, 4)).shape == (0, 4)


def test_initial_noise_can_be_that_of_a_card() -> None:
    shape = (2, 4, 8, 8)
    assert torch.equal(initial_noise(shape, 0, source="cuda"), CudaNormal(0).draw(shape))
    items = CudaNormal(0)
    first, second = items.draw((1, 4, 8, 8)), items.draw((1, 4, 8, 8))
    assert torch.equal(initial_noise(shape, 0, [1, 0], "cuda"), torch.cat([second, first]))


def test_step_noise_of_a_card_has_the_seed_itself_and_goes_on_behind_the_initial_noise() -> None:
    x = torch.zeros(1, 4, 8, 8)
    card = CudaNormal(3)
    draws = [card.draw(x.shape) for _ in range(4)]
    steps = StepNoise(x, 3, "cuda")
    assert torch.equal(steps(2.0, 1.0), draws[0])
    behind = StepNoise(x, 3, "cuda", used=1)
    assert torch.equal(behind(2.0, 1.0), draws[1])
    behind.skip(2)
    assert behind.draws == 2
    assert torch.equal(behind(2.0, 1.0), draws[3])
