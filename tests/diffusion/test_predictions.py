"""Predictions put in place of a family's, against diffusers' schedulers."""

import math
from dataclasses import replace

import pytest
import torch
from diffusers import EDMEulerScheduler, LCMScheduler
from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr

from diffusion.checkpoint import read_checkpoint
from diffusion.memory import Weights
from diffusion.model_options import ContinuousSampling, DiscreteSampling, RescaledGuidance
from diffusion.prediction import EpsPrediction, VPrediction, discrete_sigmas
from diffusion.predictions import chosen_prediction, ending_in_noise, repredicted
from tests.diffusion.tiny import write_tiny_checkpoint

FAMILY = EpsPrediction(discrete_sigmas())
VELOCITIES = ContinuousSampling("v_prediction", 500.0, 0.03, told="angle")


def latents(seed: int) -> torch.Tensor:
    return torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_without_an_option_the_prediction_stays() -> None:
    assert repredicted(FAMILY, ()) is FAMILY
    assert repredicted(FAMILY, (RescaledGuidance(0.5),)) is FAMILY


def test_the_last_option_counts() -> None:
    options = (DiscreteSampling("x0"), ContinuousSampling("edm", 80.0, 0.002), DiscreteSampling("v_prediction"))
    found = repredicted(FAMILY, options)
    assert isinstance(found, VPrediction)
    assert torch.equal(found.sigmas, FAMILY.sigmas)


def test_a_table_that_ends_in_noise_is_algorithm_1() -> None:
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    kept = torch.cumprod(1 - rescale_zero_terminal_snr(betas), 0)
    found = ending_in_noise(discrete_sigmas())
    torch.testing.assert_close(found[:-1], ((1 - kept) / kept).sqrt().float()[:-1], rtol=1e-4, atol=1e-5)
    assert found[-1] == pytest.approx(4518, rel=1e-3)
    assert torch.equal(repredicted(FAMILY, (DiscreteSampling("eps", zsnr=True),)).sigmas, found)


def test_the_answer_may_be_the_picture() -> None:
    x, out, sigma = latents(1), latents(2), torch.tensor(3.0)
    found, unscaled = (repredicted(FAMILY, (DiscreteSampling(kind),)) for kind in ("x0", "img_to_img"))
    assert torch.equal(found.denoised(x, out, sigma), out)
    assert torch.equal(found.scale_input(x, sigma), FAMILY.scale_input(x, sigma))
    assert torch.equal(unscaled.denoised(x, out, sigma), out)
    assert torch.equal(unscaled.scale_input(x, sigma), x)


def test_lcm_asks_at_the_times_diffusers_asks_at() -> None:
    scheduler = LCMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
    found = repredicted(FAMILY, (DiscreteSampling("lcm"),))
    scheduler.set_timesteps(50, original_inference_steps=50)
    assert found.timestep(found.sigmas.flip(0)).tolist() == scheduler.timesteps.tolist()
    assert torch.equal(found.sigmas, FAMILY.sigmas[19::20])
    torch.testing.assert_close(found.sigma(found.timestep(found.sigmas)), found.sigmas)
    assert found.percent_to_sigma(0.0) == math.inf
    assert found.percent_to_sigma(1.0) == 0.0
    assert found.percent_to_sigma(0.5) == pytest.approx(float(found.sigma(499.5)))


@pytest.mark.parametrize("step", [0, 1, 3])
def test_lcm_answers_as_diffusers_does(step: int) -> None:
    """In the variance-preserving frame of the scheduler x is x / sqrt(1 + sigma²)."""
    scheduler = LCMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
    scheduler.set_timesteps(4)
    found, time = repredicted(FAMILY, (DiscreteSampling("lcm"),)), int(scheduler.timesteps[step])
    sigma = FAMILY.sigmas[time]
    x, out = sigma * latents(1), latents(2)
    result = scheduler.step(out, time, x / (1 + sigma**2) ** 0.5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(found.denoised(x, out, sigma), result.denoised, rtol=1e-4, atol=1e-4)
    assert int(found.timestep(sigma)) == time


@pytest.mark.parametrize(("kind", "predicts"), [("edm", "epsilon"), ("edm v", "v_prediction")])
def test_continuous_answers_are_those_of_edm(kind: str, predicts: str) -> None:
    """diffusers' "epsilon" is Karras et al.'s F."""
    data = 0.5 if kind == "edm" else 1.0
    scheduler = EDMEulerScheduler(sigma_data=data, prediction_type=predicts)
    option = ContinuousSampling("edm" if kind == "edm" else "v_prediction", 80.0, 0.002)
    found, x, out = repredicted(FAMILY, (option,)), latents(1), latents(2)
    for level in (0.01, 0.7, 30.0):
        sigma = torch.tensor(level)
        torch.testing.assert_close(found.denoised(x, out, sigma), scheduler.precondition_outputs(x, out, sigma))
        torch.testing.assert_close(found.scale_input(x, sigma), scheduler.precondition_inputs(x, sigma))
        torch.testing.assert_close(found.timestep(sigma), scheduler.precondition_noise(sigma))


def test_continuous_levels_are_even_in_log_sigma() -> None:
    found = repredicted(FAMILY, (ContinuousSampling("eps", 100.0, 0.01),))
    assert (found.sigma_min, found.sigma_max) == pytest.approx((0.01, 100.0), rel=1e-5)
    assert found.percent_to_sigma(0.5) == pytest.approx(1.0)
    assert found.percent_to_sigma(0.25) == pytest.approx(10.0)
    assert (found.percent_to_sigma(0.0), found.percent_to_sigma(1.0)) == (math.inf, 0.0)
    torch.testing.assert_close(found.sigma(found.timestep(found.sigmas)), found.sigmas)
    x, out = latents(1), latents(2)
    torch.testing.assert_close(found.denoised(x, out, torch.tensor(2.0)), x - 2 * out)


def test_a_velocity_told_as_an_angle_turns_back_into_the_picture() -> None:
    """x_φ = cos φ · picture + sin φ · noise, v = its derivative by φ; the sampler's x is x_φ / cos φ."""
    found, picture, noise = repredicted(FAMILY, (VELOCITIES,)), latents(1), latents(2)
    for share in (0.03, 0.4, 0.5, 0.97):
        angle = torch.tensor(share * math.pi / 2)
        turned = angle.cos() * picture + angle.sin() * noise
        velocity = angle.cos() * noise - angle.sin() * picture
        x, sigma = turned / angle.cos(), angle.tan()
        assert float(found.timestep(sigma)) == pytest.approx(share, rel=1e-5)
        torch.testing.assert_close(found.scale_input(x, sigma), turned, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(found.denoised(x, velocity, sigma), picture, rtol=1e-4, atol=1e-4)


def test_its_levels_are_even_in_log_sigma_too() -> None:
    found = repredicted(FAMILY, (VELOCITIES,))
    assert (found.sigma_min, found.sigma_max) == pytest.approx((0.03, 500.0), rel=1e-5)
    assert found.percent_to_sigma(0.5) == pytest.approx(15**0.5)
    torch.testing.assert_close(found.sigma(found.timestep(found.sigmas)), found.sigmas, rtol=1e-3, atol=0.0)


def test_weights_lend_a_network_with_the_chosen_prediction(tmp_path) -> None:
    """Its weights are the same ones."""
    plain = read_checkpoint(write_tiny_checkpoint(tmp_path / "tiny.safetensors"), "predictions").model
    model = replace(plain, options=(DiscreteSampling("v_prediction"),))
    assert isinstance(chosen_prediction(plain), EpsPrediction)
    assert isinstance(chosen_prediction(model), VPrediction)
    weights = Weights("cpu", "fp32")
    with weights.lend(plain) as one, weights.lend(model) as other:
        assert isinstance(one.prediction, EpsPrediction)
        assert isinstance(other.prediction, VPrediction)
    assert weights.loads == 1
