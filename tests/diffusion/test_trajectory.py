"""Levels fitted to trajectories, against every way there is, and for what they are for: small errors in few steps."""

from itertools import combinations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from diffusion.levels import align_your_steps
from diffusion.prediction import discrete_sigmas
from diffusion.samplers import PlainDenoise, sampler
from diffusion.schedules import normal, sgm_uniform
from diffusion.training.teacher import CHECKPOINT, read_teacher
from diffusion.training.trajectory import PREDICTION, costs, guided, start, trained_levels
from diffusion.trajectory import FILE, cheapest, trajectory_fitted

COEFFS = (0.8, 0.95, 1.0, 1.2, 1.5)


def price(table: np.ndarray, path: tuple[int, ...], coeff: float) -> float:
    """What a way costs: its steps, each weighed by a further `coeff`."""
    return sum(coeff**step * table[here, there] for step, (here, there) in enumerate(zip(path, path[1:], strict=False)))


@pytest.mark.parametrize("coeff", COEFFS)
@pytest.mark.parametrize("steps", [1, 2, 4, 7])
def test_no_other_way_is_cheaper(steps: int, coeff: float) -> None:
    table = np.random.default_rng(steps).normal(1.0, 1.0, (8, 8))
    ways = [(0, *inside, 7) for inside in combinations(range(1, 7), steps - 1)]
    found = tuple(cheapest(table, steps, coeff))
    assert found in ways
    assert price(table, found, coeff) == pytest.approx(min(price(table, way, coeff) for way in ways))


def test_more_steps_than_places_are_refused() -> None:
    with pytest.raises(ValueError, match="no way in 8 steps through 8 places"):
        cheapest(np.ones((8, 8)), 8, 1.0)


@pytest.mark.parametrize("coeff", COEFFS)
@pytest.mark.parametrize("steps", [2, 3, 10, 20, 21, 50, 1000])
def test_levels_fall_through_the_trained_range_to_zero(steps: int, coeff: float) -> None:
    found = trajectory_fitted(steps, coeff)
    assert found.shape == (steps + 1,)
    assert bool((found.diff() < 0).all())
    assert float(found[0]) == pytest.approx(float(discrete_sigmas()[-1]))
    assert float(found[-1]) == 0


def test_the_coefficient_moves_them_to_one_end() -> None:
    middles = [float(trajectory_fitted(10, coeff)[5]) for coeff in COEFFS]
    assert middles == sorted(middles, reverse=True)


def test_less_denoise_takes_the_last_steps() -> None:
    assert torch.equal(trajectory_fitted(10, 1.2, 0.4), trajectory_fitted(10)[-5:])
    assert len(trajectory_fitted(10, 1.2, 0.0)) == 0


def test_straight_trajectories_cost_nothing() -> None:
    """All that a point-like distribution's trajectories do is go straight to the point."""
    x = torch.randn(3, 4, 5, 5, generator=torch.Generator().manual_seed(0)) * 14
    found = costs(PlainDenoise(lambda x, sigma: torch.full_like(x, 0.3), PREDICTION), x, [14.0, 5.0, 1.0, 0.1])
    assert float(found.abs().max()) < 1e-4


def test_costs_of_a_bent_trajectory_are_those_of_its_closed_form() -> None:
    """Data N(0, diag(s²)): x(σ) is x(σ₀)·sqrt((σ² + s²) / (σ₀² + s²)) in each axis, its slope x·σ / (σ² + s²)."""
    spread = torch.tensor([0.05, 3.0]).view(1, 2, 1, 1)
    levels = np.geomspace(14.0, 0.1, 81).tolist()
    x = torch.tensor([9.0, -12.0]).view(1, 2, 1, 1)
    denoise = PlainDenoise(lambda x, sigma: x * spread**2 / (spread**2 + sigma**2), PREDICTION)
    found = costs(denoise, x, levels)

    scale = [((level**2 + spread**2) / (levels[0] ** 2 + spread**2)).sqrt() for level in levels]
    first, last = (x * scale[0]).flatten(), (x * scale[-1]).flatten()
    line = (last - first) / (last - first).norm()
    for here, there in ((0, 40), (20, 60), (40, 80)):
        point, level = x * scale[here], levels[here]
        end = point + (levels[there] - level) * point * level / (level**2 + spread**2)
        off = [float((last - at.flatten()) @ torch.stack([-line[1], line[0]])) for at in (end, x * scale[there])]
        assert float(found[here, there]) == pytest.approx(abs(off[0]) - abs(off[1]), rel=0.02, abs=0.01)


def test_what_is_stored_belongs_to_the_trained_levels() -> None:
    stored = load_file(FILE)
    torch.testing.assert_close(stored["levels"], trained_levels())
    assert stored["costs"].shape == (61, 61)
    assert not stored["costs"].tril().any()


def test_ten_steps_of_them_stray_less_than_those_of_other_schedules() -> None:
    """On sprout, with noise that they were not fitted to; the truth is a walk of 30 steps of Heun's."""
    captions, x = start(4, torch.Generator().manual_seed(77))
    denoise = guided(read_teacher(CHECKPOINT), captions)

    def walked(name: str, levels: list[float]) -> torch.Tensor:
        *_, last = sampler(name)(denoise, x, levels)
        return last.x

    truth = walked("heun", normal(PREDICTION, 30).tolist())

    def error(name: str, levels: torch.Tensor) -> float:
        return float((walked(name, levels.tolist()) - truth).norm() / truth.norm())

    others = (sgm_uniform(PREDICTION, 10), align_your_steps("SD1", 10))
    for name in ("euler", "dpmpp_2m"):
        assert error(name, trajectory_fitted(10)) < min(error(name, levels) for levels in others), name
