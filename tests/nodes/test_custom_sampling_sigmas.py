"""Nodes for noise levels: each gives what its schedule gives, over a model's own levels where it has one."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from diffusion.checkpoint import read_checkpoint
from diffusion.prediction import EpsPrediction, discrete_sigmas
from diffusion.sampling_values import Sigmas
from diffusion.schedules import sigmas_for
from diffusion.trajectory import trajectory_fitted
from diffusion.values import Model
from nodes.custom_sampling_sigmas import (
    aligned_schedule,
    basic_schedule,
    beta_schedule,
    exponential_schedule,
    extend_sigmas,
    flip_sigmas,
    karras_schedule,
    laplace_schedule,
    polyexponential_schedule,
    set_first_sigma,
    sigma_at_percent,
    split_sigmas,
    split_sigmas_by_share,
    trajectory_schedule,
    turbo_schedule,
    variance_preserving_schedule,
)
from nodes.guidance import sample_continuously, sample_discretely

SPROUT = Path(__file__).parents[2] / "models" / "checkpoints" / "sprout.safetensors"
PREDICTION = EpsPrediction(discrete_sigmas())
LEVELS = Sigmas(torch.tensor([8.0, 4.0, 2.0, 1.0, 0.0]))


@pytest.fixture(scope="module")
def model() -> Model:
    """Its header is read, its weights are not."""
    return read_checkpoint(SPROUT, "sprout of noise levels").model


@pytest.mark.parametrize(("steps", "denoise"), [(20, 1.0), (5, 0.5), (7, 0.33), (4, 0.0)])
@pytest.mark.parametrize("scheduler", ["karras", "normal", "ddim_uniform", "beta"])
def test_basic_levels_are_those_of_a_ksampler(model: Model, scheduler: str, steps: int, denoise: float) -> None:
    expected = sigmas_for(scheduler, "euler", PREDICTION, steps, denoise=denoise)
    assert torch.equal(basic_schedule(model, scheduler, steps, denoise).levels, expected)


def test_basic_levels_follow_a_models_prediction(model: Model) -> None:
    found = basic_schedule(sample_continuously(model, "edm", 80.0, 0.002), "karras", 5).levels
    np.testing.assert_allclose(found[[0, -2]].numpy(), [80.0, 0.002], rtol=1e-4)
    found = basic_schedule(sample_discretely(model, "v_prediction", zsnr=True), "sgm_uniform", 5).levels
    assert float(found[0]) > 4000


def test_karras_levels_are_those_of_the_model_by_default(model: Model) -> None:
    found = karras_schedule(9, 14.614642, 0.0291675).levels
    np.testing.assert_allclose(found.numpy(), basic_schedule(model, "karras", 9).levels.numpy(), rtol=1e-4)


def test_levels_from_numbers_are_those_of_their_formulas() -> None:
    np.testing.assert_allclose(exponential_schedule(5, 16.0, 1.0).levels.numpy(), [16, 8, 4, 2, 1, 0], rtol=1e-5)
    np.testing.assert_allclose(polyexponential_schedule(5, 16.0, 1.0).levels.numpy(), [16, 8, 4, 2, 1, 0], rtol=1e-5)
    assert float(laplace_schedule(3, 100.0, 0.01, 0.0, 0.5).levels[1]) == pytest.approx(1.0)
    first = float(variance_preserving_schedule(4).levels[0])
    assert first == pytest.approx(math.sqrt(math.exp(19.9 / 2 + 0.1) - 1), rel=1e-4)
    assert float(aligned_schedule("SVD", 10).levels[0]) == 700
    assert torch.equal(trajectory_schedule(1.2, 10).levels, trajectory_fitted(10))
    assert torch.equal(trajectory_schedule(0.9, 8, 0.5).levels, trajectory_fitted(8, 0.9)[-5:])


def test_beta_levels_are_the_schedulers_at_its_own_numbers(model: Model) -> None:
    assert torch.equal(beta_schedule(model, 8).levels, basic_schedule(model, "beta", 8).levels)
    assert len(beta_schedule(model, 8, 1.0, 1.0).levels) == 9
    with pytest.raises(ValueError, match="two numbers above 0; got alpha 0 and beta 0.6"):
        beta_schedule(model, 8, 0.0, 0.6)


def test_turbo_levels_are_those_of_ten_times(model: Model) -> None:
    times = PREDICTION.sigmas[[999, 899, 799, 699, 599, 499, 399, 299, 199, 99]]
    torch.testing.assert_close(turbo_schedule(model, 10).levels, torch.cat([times, torch.zeros(1)]))
    torch.testing.assert_close(turbo_schedule(model, 1).levels[:1], times[:1])
    torch.testing.assert_close(turbo_schedule(model, 2, 0.5).levels[:-1], times[5:7])
    assert turbo_schedule(model, 3, 0.0).levels.tolist() == [0]


def test_levels_are_split_turned_and_filled() -> None:
    high, low = split_sigmas(LEVELS, 3)
    assert (high.levels.tolist(), low.levels.tolist()) == ([8, 4, 2, 1], [1, 0])
    high, low = split_sigmas_by_share(LEVELS, 0.25)
    assert (high.levels.tolist(), low.levels.tolist()) == ([8, 4, 2, 1], [1, 0])
    assert flip_sigmas(split_sigmas(LEVELS, 2)[0]).levels.tolist() == [2, 4, 8]
    assert set_first_sigma(LEVELS).levels.tolist() == [136, 4, 2, 1, 0]
    assert extend_sigmas(LEVELS, 2, -1.0, 4.0, "linear").levels.tolist() == [8, 6, 4, 3, 2, 1, 0]


def test_the_level_at_a_percent(model: Model) -> None:
    assert sigma_at_percent(model, 0.0).sigma_value == 999999999.9
    assert sigma_at_percent(model, 1.0).sigma_value == 0.0
    assert sigma_at_percent(model, 0.0, True).sigma_value == pytest.approx(14.6146, rel=1e-4)
    assert sigma_at_percent(model, 1.0, True).sigma_value == pytest.approx(0.02917, rel=1e-3)
    expected = math.exp(float(PREDICTION.sigmas[499:501].log().mean()))
    assert sigma_at_percent(model, 0.5, True).sigma_value == pytest.approx(expected, rel=1e-5)
