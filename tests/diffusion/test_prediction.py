"""Predictions and frames against diffusers' schedulers and closed forms."""

import math

import numpy as np
import pytest
import torch
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

from diffusion.prediction import (
    FLOW,
    VARIANCE_EXPLODING,
    EpsPrediction,
    FlowPrediction,
    Frame,
    VPrediction,
    discrete_sigmas,
    flux_prediction,
)

SD1 = EpsPrediction(discrete_sigmas())
SD2 = VPrediction(discrete_sigmas())
SD3 = FlowPrediction(3.0)
FRAMES = pytest.mark.parametrize("frame", [VARIANCE_EXPLODING, FLOW])


def diffusers_euler(kind: str) -> EulerDiscreteScheduler:
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type=kind,
        timestep_spacing="trailing",
    )
    scheduler.set_timesteps(10)
    return scheduler


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_the_table_is_that_of_stable_diffusion() -> None:
    training = EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    expected = ((1 - training.alphas_cumprod) / training.alphas_cumprod).sqrt()
    torch.testing.assert_close(discrete_sigmas(), expected, rtol=2e-5, atol=0)
    assert SD1.sigma_max == pytest.approx(14.6146, abs=1e-4)
    assert SD1.sigma_min == pytest.approx(0.0292, abs=1e-4)


@pytest.mark.parametrize(("kind", "prediction"), [("epsilon", SD1), ("v_prediction", SD2)])
def test_input_and_answer_are_those_of_diffusers(kind: str, prediction: EpsPrediction | VPrediction) -> None:
    scheduler = diffusers_euler(kind)
    x, out = normal(1, 1, 4, 8, 8) * 5, normal(2, 1, 4, 8, 8)
    timestep, sigma = scheduler.timesteps[3], scheduler.sigmas[3]
    torch.testing.assert_close(prediction.scale_input(x, sigma), scheduler.scale_model_input(x, timestep))
    step = scheduler.step(out, timestep, x)
    torch.testing.assert_close(prediction.denoised(x, out, sigma), step.pred_original_sample, rtol=1e-5, atol=1e-5)
    assert float(prediction.timestep(sigma)) == float(timestep)


def test_timesteps_are_the_nearest_of_the_table() -> None:
    table = discrete_sigmas()
    assert torch.equal(SD1.timestep(table), torch.arange(1000.0))
    between = (table[10] * table[11]).sqrt()
    assert float(SD1.timestep(between * 0.999)) == 10
    assert float(SD1.timestep(between * 1.001)) == 11
    assert float(SD1.timestep(1e-6)) == 0
    assert float(SD1.timestep(1e6)) == 999
    assert float(SD1.timestep(0.0)) == 0


def test_fractional_timesteps_are_linear_in_log_sigma() -> None:
    table = discrete_sigmas().double().numpy()
    times = np.array([0.0, 0.25, 499.9, 998.5, 999.0])
    expected = np.exp(np.interp(times, np.arange(1000), np.log(table)))
    np.testing.assert_allclose(SD1.sigma(torch.tensor(times)).numpy(), expected, rtol=1e-5)
    assert float(SD1.sigma(2000.0)) == pytest.approx(SD1.sigma_max)


def test_percents_run_from_noise_to_picture() -> None:
    assert SD1.percent_to_sigma(0.0) == math.inf
    assert SD1.percent_to_sigma(-1.0) == math.inf
    assert SD1.percent_to_sigma(1.0) == 0.0
    assert SD1.percent_to_sigma(0.5) == pytest.approx(float(SD1.sigma(499.5)))
    assert SD3.percent_to_sigma(0.0) == 1.0
    assert SD3.percent_to_sigma(1.0) == 0.0
    assert SD3.percent_to_sigma(0.5) == pytest.approx(0.75)
    assert FlowPrediction(1.0).percent_to_sigma(1e-4) == pytest.approx(0.9999)


def test_the_shift_is_that_of_diffusers() -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    torch.testing.assert_close(SD3.sigmas.flip(0), scheduler.sigmas, rtol=1e-6, atol=0)
    torch.testing.assert_close(SD3.timestep(SD3.sigmas.flip(0)), scheduler.timesteps, rtol=1e-6, atol=0)


@pytest.mark.parametrize("mu", [0.5, 1.15])
def test_the_shift_of_flux_is_that_of_diffusers(mu: float) -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    flux = flux_prediction(mu)
    times = torch.linspace(0.01, 1, 50)
    torch.testing.assert_close(flux.sigma(times), scheduler.time_shift(mu, 1.0, times), rtol=1e-5, atol=0)
    assert float(flux.timestep(0.25)) == 0.25


def test_a_flow_answers_with_the_velocity() -> None:
    latent, noise = normal(1, 1, 4, 8, 8), normal(2, 1, 4, 8, 8)
    x = FLOW.renoise(latent, noise, 0.3)
    assert torch.equal(SD3.scale_input(x, 0.3), x)
    torch.testing.assert_close(SD3.denoised(x, noise - latent, 0.3), latent, rtol=1e-5, atol=1e-6)


def test_eps_and_v_answers_find_the_latent() -> None:
    latent, noise, sigma = normal(1, 1, 4, 8, 8), normal(2, 1, 4, 8, 8), torch.tensor(2.5)
    x = VARIANCE_EXPLODING.renoise(latent, noise, sigma)
    alpha = 1 / (1 + sigma**2) ** 0.5
    velocity = alpha * noise - sigma * alpha * latent
    torch.testing.assert_close(SD1.denoised(x, noise, sigma), latent, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(SD2.denoised(x, velocity, sigma), latent, rtol=1e-5, atol=1e-5)


@FRAMES
def test_lambda_is_half_the_log_snr_and_invertible(frame: Frame) -> None:
    for sigma in (1e-3, 0.3, 0.9):
        assert frame.lambda_(sigma) == pytest.approx(math.log(frame.alpha(sigma) / sigma))
        assert frame.sigma_of(frame.lambda_(sigma)) == pytest.approx(sigma, rel=1e-9)
    assert frame.lambda_(0.0) == math.inf
    assert FLOW.lambda_(1.0) == -math.inf


@FRAMES
def test_a_start_has_the_variance_of_its_level(frame: Frame) -> None:
    latent, noise = normal(1, 1, 4, 64, 64), normal(2, 1, 4, 64, 64)
    sigma = 0.6
    partial = frame.start(latent, noise, sigma, full=False)
    assert torch.equal(partial, frame.renoise(latent, noise, sigma))
    assert float(partial.var()) == pytest.approx(frame.alpha(sigma) ** 2 + sigma**2, rel=0.03)


def test_a_full_start_has_the_variance_of_latent_and_noise() -> None:
    zeros, noise = torch.zeros(1, 4, 8, 8), normal(2, 1, 4, 8, 8)
    torch.testing.assert_close(VARIANCE_EXPLODING.start(zeros, noise, 14.6, full=True), noise * math.sqrt(1 + 14.6**2))
    assert torch.equal(FLOW.start(normal(1, 1, 4, 8, 8), noise, 1.0, full=True), noise)


def test_a_flow_that_ends_early_gets_its_latent_back_in_full_size() -> None:
    latent = normal(1, 1, 4, 8, 8)
    torch.testing.assert_close(FLOW.finish(FLOW.renoise(latent, torch.zeros_like(latent), 0.4), 0.4), latent)
    for frame, sigma in ((FLOW, 0.0), (FLOW, 1.0), (VARIANCE_EXPLODING, 3.0)):
        assert torch.equal(frame.finish(latent, sigma), latent)
