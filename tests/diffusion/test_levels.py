"""Noise levels against closed forms, and against what their authors and diffusers publish."""

import math

import numpy as np
import pytest
import torch
from diffusers.schedulers import AysSchedules

from diffusion.levels import (
    align_your_steps,
    exponential,
    filled,
    karras,
    laplace,
    polyexponential,
    split,
    split_share,
    turned,
    variance_preserving,
    with_first,
)
from diffusion.prediction import discrete_sigmas

LEVELS = torch.tensor([8.0, 4.0, 2.0, 1.0, 0.0])


def test_karras_is_even_in_a_root_of_sigma() -> None:
    found = karras(7, 80.0, 0.002, 5.0)
    roots = found[:-1].double() ** (1 / 5)
    np.testing.assert_allclose(roots.numpy(), np.linspace(80 ** (1 / 5), 0.002 ** (1 / 5), 7), rtol=1e-5)
    assert found[-1] == 0


def test_exponential_falls_by_one_factor() -> None:
    np.testing.assert_allclose(exponential(5, 16.0, 1.0).numpy(), [16, 8, 4, 2, 1, 0], rtol=1e-6)


def test_polyexponential_is_a_power_in_log_sigma() -> None:
    np.testing.assert_allclose(polyexponential(5, 16.0, 1.0, 1.0).numpy(), [16, 8, 4, 2, 1, 0], rtol=1e-6)
    expected = [2 ** (4 * share**2) for share in (1, 0.75, 0.5, 0.25, 0)]
    np.testing.assert_allclose(polyexponential(5, 16.0, 1.0, 2.0).numpy(), [*expected, 0], rtol=1e-6)


def test_laplace_gives_quantiles_of_its_distribution() -> None:
    """Inside the limits the share of levels above sigma is the upper tail of a Laplace distribution in log sigma."""
    found = laplace(9, 1000.0, 1e-4, mu=0.3, beta=0.7).double().log().numpy()
    assert found[0] > found[-1]
    for place, value in zip(np.linspace(0, 1, 9)[1:-1], found[1:-1], strict=True):
        distance = abs(value - 0.3) / 0.7
        tail = math.exp(-distance) / 2
        assert (tail if value > 0.3 else 1 - tail) == pytest.approx(place, abs=1e-4)
    clamped = laplace(2000, 2.0, 0.5)
    assert (float(clamped[0]), float(clamped[-1])) == (2.0, 0.5)
    assert bool((clamped.diff() < 0).all())


def test_variance_preserving_levels_are_those_of_the_process() -> None:
    """sigma² = (1 − ᾱ) / ᾱ with ᾱ = exp(−∫ beta), beta = beta_min + beta_d · t."""
    times = np.linspace(1, 0.01, 6)
    kept = np.exp(-(0.1 * times + 19.9 * times**2 / 2))
    found = variance_preserving(6, 19.9, 0.1, 0.01)
    np.testing.assert_allclose(found[:-1].numpy(), np.sqrt((1 - kept) / kept), rtol=1e-4)
    assert found[-1] == 0


@pytest.mark.parametrize(
    ("kind", "times", "sigmas"),
    [
        ("SD1", AysSchedules["StableDiffusionTimesteps"], AysSchedules["StableDiffusionSigmas"]),
        ("SDXL", AysSchedules["StableDiffusionXLTimesteps"], AysSchedules["StableDiffusionXLSigmas"]),
        ("SVD", None, AysSchedules["StableDiffusionVideoSigmas"]),
    ],
)
def test_ten_aligned_steps_are_those_published(kind, times, sigmas) -> None:
    found = align_your_steps(kind, 10)
    assert found[-1] == 0
    np.testing.assert_allclose(found[:-1].numpy(), sigmas[:10], rtol=2e-2)  # published to three digits
    if times is not None:
        np.testing.assert_allclose(found[:-1].numpy(), discrete_sigmas()[times].numpy(), rtol=1e-5)


def test_other_numbers_of_aligned_steps_lie_between_in_log_sigma() -> None:
    ten, twenty = align_your_steps("SDXL", 10), align_your_steps("SDXL", 20)
    assert len(twenty) == 21
    np.testing.assert_allclose(twenty[:-1:2].numpy(), ten[:-1].numpy(), rtol=1e-5)
    np.testing.assert_allclose(twenty[1:-2:2].numpy(), (ten[:-2] * ten[1:-1]).sqrt().numpy(), rtol=1e-5)


def test_less_denoise_takes_the_last_aligned_steps() -> None:
    assert torch.equal(align_your_steps("SD1", 10, 0.4), align_your_steps("SD1", 10)[-5:])
    assert len(align_your_steps("SD1", 10, 0.0)) == 0


def test_splitting_shares_one_level() -> None:
    high, low = split(LEVELS, 1)
    assert (high.tolist(), low.tolist()) == ([8, 4], [4, 2, 1, 0])
    assert [part.tolist() for part in split(LEVELS, 99)] == [[8, 4, 2, 1, 0], []]
    high, low = split_share(LEVELS, 0.5)
    assert (high.tolist(), low.tolist()) == ([8, 4, 2], [2, 1, 0])
    assert [part.tolist() for part in split_share(LEVELS, 1.0)] == [[8], [8, 4, 2, 1, 0]]
    assert [part.tolist() for part in split_share(LEVELS, 0.0)] == [[8, 4, 2, 1, 0], [0]]


def test_turning_begins_almost_at_zero() -> None:
    assert turned(LEVELS).tolist() == pytest.approx([1e-4, 1, 2, 4, 8])
    assert turned(LEVELS[:2]).tolist() == [4, 8]
    assert len(turned(torch.empty(0))) == 0


def test_the_first_level_can_be_another() -> None:
    assert with_first(LEVELS, 9.5).tolist() == [9.5, 4, 2, 1, 0]
    assert len(with_first(torch.empty(0), 9.5)) == 0


@pytest.mark.parametrize(
    ("spacing", "shares"),
    [
        ("linear", [1 / 3, 2 / 3]),
        ("cosine", [math.sin(math.pi / 6), math.sin(math.pi / 3)]),
        ("sine", [1 - math.cos(math.pi / 6), 1 - math.cos(math.pi / 3)]),
    ],
)
def test_steps_between_two_levels_become_several(spacing, shares: list[float]) -> None:
    found = filled(LEVELS, 3, 4.0, 2.0, spacing)
    first, second = ([a + share * (b - a) for share in shares] for a, b in ((4, 2), (2, 1)))
    assert found.tolist() == pytest.approx([8, 4, *first, 2, *second, 1, 0])
    assert len(filled(LEVELS, 3, -1.0, 0.0, spacing)) == 13
    assert torch.equal(filled(LEVELS, 1, -1.0, 0.0, spacing), LEVELS)


def test_nothing_given_is_changed() -> None:
    before = LEVELS.clone()
    turned(LEVELS)
    with_first(LEVELS, 3.0)
    filled(LEVELS, 2, -1.0, 0.0, "sine")
    assert torch.equal(LEVELS, before)


def test_impossible_numbers_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="must be above 0; got 5.0, 0.0"):
        exponential(3, 5.0, 0.0)
    with pytest.raises(ValueError, match="must be above 0; got 0.0, 1.0"):
        polyexponential(3, 0.0, 1.0)
    with pytest.raises(ValueError, match="rho must be above 0; got 0"):
        karras(3, 5.0, 1.0, 0.0)
