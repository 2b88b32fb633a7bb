"""Inpainting, against the two formulas it is made of."""

import pytest
import torch
from torch import Tensor

from diffusion.inpainting import Differential, Inpainted
from diffusion.prediction import EpsPrediction, FlowPrediction, discrete_sigmas
from diffusion.samplers import PlainDenoise, noise_for, sampler


def inpainted(prediction, mask: Tensor, seen: list[Tensor]) -> Inpainted:
    def answer(x: Tensor, sigma: Tensor) -> Tensor:
        seen.append(x)
        return torch.tanh(x)

    generator = torch.Generator().manual_seed(0)
    latent, noise = torch.randn(2, 2, 3, 4, 6, generator=generator)
    return Inpainted(PlainDenoise(answer, prediction, lambda x, sigma: x / 2), latent, noise, mask)


@pytest.mark.parametrize("prediction", [EpsPrediction(discrete_sigmas()), FlowPrediction(3.0)], ids=["eps", "flow"])
def test_the_network_is_shown_the_kept_part_with_noise_and_its_answer_there_is_replaced(prediction) -> None:
    generator, seen = torch.Generator().manual_seed(1), []
    mask, x = torch.rand(1, 1, 4, 6, generator=generator), torch.randn(2, 3, 4, 6, generator=generator)
    denoiser, sigma = inpainted(prediction, mask, seen), torch.tensor(0.7)
    if isinstance(prediction, FlowPrediction):
        noisy = 0.3 * denoiser.latent + 0.7 * denoiser.noise
    else:
        noisy = denoiser.latent + 0.7 * denoiser.noise
    shown = x * mask + noisy * (1 - mask)
    expected = torch.tanh(shown) * mask + denoiser.latent * (1 - mask)
    torch.testing.assert_close(denoiser(x, sigma), expected)
    torch.testing.assert_close(seen[0], shown)
    guided, negative = denoiser.both(x, sigma)
    torch.testing.assert_close(guided, expected)
    torch.testing.assert_close(negative, shown / 2 * mask + denoiser.latent * (1 - mask))
    assert denoiser.frame is prediction.frame
    assert denoiser.percent_to_sigma(0.3) == prediction.percent_to_sigma(0.3)


@pytest.mark.parametrize("name", ["euler", "euler_ancestral", "dpmpp_2m"])
def test_what_is_kept_comes_out_as_it_was(name: str) -> None:
    mask = torch.zeros(1, 1, 4, 6)
    mask[..., 2:] = 1.0
    denoiser, sigmas = inpainted(EpsPrediction(discrete_sigmas()), mask, []), [10.0, 3.0, 1.0, 0.0]
    x = denoiser.latent + 10 * denoiser.noise
    *_, last = sampler(name)(denoiser, x, sigmas, noise=noise_for(name, x, sigmas, 0))
    torch.testing.assert_close(last.x[..., :2], denoiser.latent[..., :2])
    assert not torch.allclose(last.x[..., 2:], denoiser.latent[..., 2:], atol=0.1)


RAMP = torch.linspace(0, 1, 6).expand(1, 1, 4, 6)


def test_a_differential_mask_lets_pixels_in_by_the_time_that_is_left() -> None:
    """Algorithm 1: at time t of T, what the mask has above t / T."""
    prediction = EpsPrediction(discrete_sigmas())
    masks = Differential(prediction, first=float(prediction.sigmas[999]), last=0.0)
    for time in (999, 600, 500, 399, 100, 0):
        found = masks(RAMP, prediction.sigmas[time])
        assert found[0, 0, 0].tolist() == [float(value >= time / 999) for value in RAMP[0, 0, 0].tolist()]


def test_a_differential_mask_counts_from_the_runs_own_levels() -> None:
    prediction = EpsPrediction(discrete_sigmas())
    masks = Differential(prediction, first=float(prediction.sigmas[600]), last=float(prediction.sigmas[200]))
    found = masks(RAMP, prediction.sigmas[400])
    assert found[0, 0, 0].tolist() == [0, 0, 0, 1, 1, 1]


def test_a_weak_differential_mask_is_mixed_with_the_mask_itself() -> None:
    prediction = EpsPrediction(discrete_sigmas())
    whole = Differential(prediction, 14.6, 0.0)(RAMP, torch.tensor(1.0))
    found = Differential(prediction, 14.6, 0.0, strength=0.25)(RAMP, torch.tensor(1.0))
    torch.testing.assert_close(found, 0.25 * whole + 0.75 * RAMP)
    assert torch.equal(Differential(prediction, 14.6, 0.0, strength=0.0)(RAMP, torch.tensor(1.0)), RAMP)


def test_the_network_is_shown_what_the_mask_is_at_the_level() -> None:
    prediction, seen = EpsPrediction(discrete_sigmas()), []
    plain = inpainted(prediction, RAMP, seen)
    masks = Differential(prediction, 10.0, 0.0)
    denoiser = Inpainted(plain.denoise, plain.latent, plain.noise, RAMP, masks)
    x, sigma = torch.zeros(2, 3, 4, 6), torch.tensor(2.0)
    hard = masks(RAMP, sigma)
    assert 0 < float(hard.mean()) < 1
    shown = (plain.latent + 2 * plain.noise) * (1 - hard)
    expected = torch.tanh(shown) * hard + plain.latent * (1 - hard)
    torch.testing.assert_close(denoiser(x, sigma), expected)
    torch.testing.assert_close(denoiser.both(x, sigma)[0], expected)
    torch.testing.assert_close(seen[0], shown)
