"""Initial noise, step noise, Brownian noise: seeds, independence, places in a batch, statistics."""

import math

import pytest
import torch

from diffusion.noise import BrownianNoise, StepNoise, initial_noise, slerp

SHAPE = (2, 4, 8, 8)


def test_initial_noise_is_one_draw_over_the_batch() -> None:
    torch.manual_seed(7)
    expected = torch.randn(SHAPE)
    assert torch.equal(initial_noise(SHAPE, 7), expected)
    assert initial_noise(SHAPE, 7).dtype == torch.float32


def test_a_batch_index_picks_items_drawn_one_by_one() -> None:
    torch.manual_seed(7)
    items = [torch.randn(1, 4, 8, 8) for _ in range(4)]
    assert torch.equal(initial_noise(SHAPE, 7, [3, 1]), torch.cat([items[3], items[1]]))
    assert torch.equal(initial_noise(SHAPE, 7, [2, 2]), torch.cat([items[2], items[2]]))


def test_a_batch_index_must_fit_the_batch() -> None:
    for wrong in ([0], [0, 1, 2], [0, -1]):
        with pytest.raises(ValueError, match="does not fit a batch of 2"):
            initial_noise(SHAPE, 7, wrong)


def test_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(1)
    expected = torch.randn(3)
    torch.manual_seed(1)
    initial_noise(SHAPE, 7, [1, 0])
    StepNoise(torch.zeros(SHAPE), 7)(1.0, 0.5)
    BrownianNoise(torch.zeros(SHAPE), 0.1, 10.0, 7)(5.0, 2.0)
    assert torch.equal(torch.randn(3), expected)


def test_every_seed_of_64_bits_is_a_seed() -> None:
    top = 2**64 - 1
    assert not torch.equal(initial_noise(SHAPE, top), initial_noise(SHAPE, 0))
    assert torch.equal(StepNoise(torch.zeros(SHAPE), top)(1.0, 0.5), initial_noise(SHAPE, 0))
    assert bool(BrownianNoise(torch.zeros(SHAPE), 0.1, 10.0, top)(5.0, 2.0).isfinite().all())


def test_slerp_goes_along_the_circle_through_both() -> None:
    start, end = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[0.0, 1.0], [4.0, 0.0]])
    for weight in (0.25, 0.5, 0.9):
        turn = weight * math.pi / 2
        length = 2 + 2 * weight
        expected = [[math.cos(turn), math.sin(turn)], [length * math.sin(turn), length * math.cos(turn)]]
        torch.testing.assert_close(slerp(start, end, weight), torch.tensor(expected))


def test_slerp_of_noise_is_as_strong_as_noise() -> None:
    start, end = initial_noise(SHAPE, 7), initial_noise(SHAPE, 8)
    assert torch.equal(slerp(start, end, 0.0), start)
    assert torch.equal(slerp(start, end, 1.0), end)
    norms = start.flatten(1).norm(dim=1), end.flatten(1).norm(dim=1)
    for weight in (0.01, 0.3, 0.99):
        found = slerp(start, end, weight)
        torch.testing.assert_close(found.flatten(1).norm(dim=1), norms[0] + weight * (norms[1] - norms[0]))
        one = slerp(start[1:], end[1:], weight)
        torch.testing.assert_close(found[1:], one)  # item by item


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, 0.0])
def test_slerp_without_a_circle_is_linear(factor: float) -> None:
    start = initial_noise(SHAPE, 7)
    torch.testing.assert_close(slerp(start, factor * start, 0.25), (0.75 + 0.25 * factor) * start)


def test_step_noise_is_drawn_in_order_from_the_next_seed() -> None:
    torch.manual_seed(8)
    expected = [torch.randn(SHAPE) for _ in range(3)]
    noise = StepNoise(torch.zeros(SHAPE), 7)
    assert noise.draws == 0
    for draw in expected:
        assert torch.equal(noise(1.0, 0.5), draw)
    assert noise.draws == 3


def test_step_noise_goes_on_after_skipped_draws() -> None:
    whole, rest = (StepNoise(torch.zeros(SHAPE), 7) for _ in range(2))
    draws = [whole(1.0, 0.5) for _ in range(5)]
    rest(1.0, 0.5)
    rest.skip(3)
    assert rest.draws == 3
    assert torch.equal(rest(1.0, 0.5), draws[3])
    assert torch.equal(rest(1.0, 0.5), draws[4])


def test_brownian_noise_depends_on_seed_and_levels_alone() -> None:
    x = torch.zeros(SHAPE)
    one, other = BrownianNoise(x, 0.03, 14.6, 7), BrownianNoise(x, 0.03, 14.6, 7)
    other(9.0, 4.0)
    other(0.5, 0.03)
    assert torch.equal(one(5.0, 2.0), other(5.0, 2.0))
    assert not torch.equal(one(5.0, 2.0), BrownianNoise(x, 0.03, 14.6, 8)(5.0, 2.0))


def test_brownian_increments_add_up() -> None:
    noise = BrownianNoise(torch.zeros(SHAPE), 0.03, 14.6, 7)
    whole = noise(9.0, 1.0) * math.sqrt(8.0)
    parts = noise(9.0, 4.0) * math.sqrt(5.0) + noise(4.0, 1.0) * math.sqrt(3.0)
    torch.testing.assert_close(whole, parts, rtol=1e-4, atol=1e-5)
    assert torch.equal(noise(1.0, 9.0), -noise(9.0, 1.0))


def test_brownian_noise_is_unit_gaussian_and_independent_over_disjoint_ways() -> None:
    noise = BrownianNoise(torch.zeros(1, 4, 64, 64), 0.03, 14.6, 7)
    first, second = noise(14.6, 5.0), noise(5.0, 0.03)
    for draw in (first, second):
        assert float(draw.mean()) == pytest.approx(0, abs=0.03)
        assert float(draw.std()) == pytest.approx(1, abs=0.03)
    assert float((first * second).mean()) == pytest.approx(0, abs=0.03)


def test_noise_has_the_dtype_of_x_but_the_bits_of_float32() -> None:
    for make in (StepNoise, lambda x, seed: BrownianNoise(x, 0.03, 14.6, seed)):
        single, double = (
            make(torch.zeros(SHAPE, dtype=dtype), 7)(5.0, 2.0) for dtype in (torch.float32, torch.float64)
        )
        assert double.dtype == torch.float64
        torch.testing.assert_close(double.float(), single, rtol=1e-6, atol=0)
