"""Guiders against their formulas, on a network in closed form asked one prompt at a time."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from diffusion.guidance import Guided
from diffusion.guiders import denoiser_of
from diffusion.joins import Answers, joined
from diffusion.model_options import NormedGuidance, PerpendicularGuidance, RescaledGuidance, ScaledNoise
from diffusion.sampling_values import BasicGuider, CfgGuider, DualCfgGuider, Guider, PerpNegGuider
from diffusion.values import Area, Conditioning
from tests.diffusion.fake_network import MODEL, FakeNetwork, blend, prompt

SHAPE = (2, 4, 16, 24)
SIGMA = torch.tensor(3.0)
ONE, TWO, NOT, EMPTY = prompt(1.0), prompt(0.3), prompt(-0.5), prompt(0.05)


def noisy(seed: int = 0) -> Tensor:
    return 3 * torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def alone(x: Tensor, conditioning: Conditioning) -> Tensor:
    """The denoised answer of eps prediction for one prompt: x − sigma · network(x / sqrt(1 + sigma²))."""
    timestep = FakeNetwork().prediction.timestep(SIGMA).expand(len(x))
    tokens = conditioning.entries[0].tokens.expand(len(x), -1, -1)
    return x - SIGMA * blend(x / (1 + SIGMA**2) ** 0.5, timestep, tokens)


def laid(guider: Guider, network: FakeNetwork | None = None) -> Guided:
    return denoiser_of(guider, network or FakeNetwork(), SHAPE)


def test_a_basic_guider_gives_the_answer_as_it_is() -> None:
    network, x = FakeNetwork(), noisy()
    denoise = laid(BasicGuider(MODEL, ONE), network)
    torch.testing.assert_close(denoise(x, SIGMA), alone(x, ONE))
    assert network.rows == [2]
    assert all(torch.equal(answer, denoise(x, SIGMA)) for answer in denoise.both(x, SIGMA))


def test_a_basic_guider_answers_0_where_nothing_is_asked() -> None:
    x = noisy()
    left = prompt(1.0, area=Area(height=128, width=96, y=0, x=0))
    found = laid(BasicGuider(MODEL, left))(x, SIGMA)
    assert found[..., 12:].abs().max() == 0
    torch.testing.assert_close(found[..., :6], alone(x, ONE)[..., :6])


def test_a_cfg_guider_guides() -> None:
    x = noisy()
    wanted, unwanted = alone(x, ONE), alone(x, NOT)
    denoise = laid(CfgGuider(MODEL, ONE, NOT, 4.0))
    torch.testing.assert_close(denoise(x, SIGMA), unwanted + 4 * (wanted - unwanted), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(denoise.both(x, SIGMA)[1], unwanted)


@pytest.mark.parametrize("option", [RescaledGuidance(0.7), NormedGuidance(1.0)])
def test_a_models_options_change_guidance(option: object) -> None:
    x, model = noisy(), replace(MODEL, options=(option,))
    expected = joined(Answers(x, SIGMA, alone(x, ONE), alone(x, NOT), 4.0), (option,))
    found = laid(CfgGuider(model, ONE, NOT, 4.0))(x, SIGMA)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_options_count_without_a_negative_side_too() -> None:
    x, model = noisy(), replace(MODEL, options=(ScaledNoise(1.25),))
    expected = x - (x - alone(x, ONE)) / 1.25
    for guider in (BasicGuider(model, ONE), CfgGuider(model, ONE, NOT, 1.0)):
        network = FakeNetwork()
        torch.testing.assert_close(laid(guider, network)(x, SIGMA), expected)
        assert network.rows == [2]


def test_two_scales_add_up() -> None:
    """InstructPix2Pix, eq. 3."""
    network, x = FakeNetwork(), noisy()
    first, second, negative = (alone(x, each) for each in (ONE, TWO, NOT))
    denoise = laid(DualCfgGuider(MODEL, ONE, TWO, NOT, 6.0, 1.5), network)
    expected = negative + 1.5 * (second - negative) + 6.0 * (first - second)
    torch.testing.assert_close(denoise(x, SIGMA), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(denoise.both(x, SIGMA)[1], negative)
    assert network.rows == [6, 6]


def test_nested_scales_multiply() -> None:
    x = noisy()
    first, second, negative = (alone(x, each) for each in (ONE, TWO, NOT))
    found = laid(DualCfgGuider(MODEL, ONE, TWO, NOT, 6.0, 1.5, "nested"))(x, SIGMA)
    expected = negative + 1.5 * (second + 6.0 * (first - second) - negative)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_with_the_first_scale_0_two_scales_are_guidance_by_the_second_prompt() -> None:
    x = noisy()
    plain = laid(CfgGuider(MODEL, TWO, NOT, 3.0))(x, SIGMA)
    torch.testing.assert_close(laid(DualCfgGuider(MODEL, ONE, TWO, NOT, 0.0, 3.0))(x, SIGMA), plain)


def test_perp_neg_takes_away_only_what_is_perpendicular() -> None:
    x = noisy()
    positive, negative, empty = (alone(x, each) for each in (ONE, NOT, EMPTY))
    found = laid(PerpNegGuider(MODEL, ONE, NOT, EMPTY, 5.0, 0.8))(x, SIGMA)
    for item in range(2):
        wanted, unwanted = ((each - empty)[item].flatten().double() for each in (positive, negative))
        taken = (5.0 * wanted - (found - empty)[item].flatten().double()) / (5.0 * 0.8)
        assert float(taken @ wanted) == pytest.approx(0, abs=1e-3 * float(taken.norm() * wanted.norm()))
        share = float((unwanted - taken) @ wanted / (wanted @ wanted))
        torch.testing.assert_close(unwanted - taken, share * wanted, rtol=1e-3, atol=1e-3)


def test_perp_neg_without_a_way_to_the_positive_side_is_finite() -> None:
    found = laid(PerpNegGuider(MODEL, ONE, NOT, ONE, 5.0, 1.0))(noisy(), SIGMA)
    assert bool(found.isfinite().all())


def test_a_model_can_bring_perpendicular_guidance_with_it() -> None:
    x, model = noisy(), replace(MODEL, options=(PerpendicularGuidance(EMPTY, 0.8),))
    found = laid(CfgGuider(model, ONE, NOT, 5.0))(x, SIGMA)
    assert torch.equal(found, laid(PerpNegGuider(MODEL, ONE, NOT, EMPTY, 5.0, 0.8))(x, SIGMA))


def test_options_that_change_the_result_count_in_perpendicular_guidance_too() -> None:
    x, model = noisy(), replace(MODEL, options=(RescaledGuidance(0.7), ScaledNoise(1.25)))
    plain = laid(PerpNegGuider(MODEL, ONE, NOT, EMPTY, 5.0, 0.8))(x, SIGMA)
    found = laid(PerpNegGuider(model, ONE, NOT, EMPTY, 5.0, 0.8))(x, SIGMA)
    torch.testing.assert_close(found, x - (x - plain) / 1.25)


def test_gaps_of_one_side_are_filled_by_the_others() -> None:
    x = noisy()
    left = prompt(1.0, area=Area(height=128, width=96, y=0, x=0))
    found = laid(DualCfgGuider(MODEL, left, TWO, NOT, 6.0, 1.5))(x, SIGMA)
    second, negative = alone(x, TWO), alone(x, NOT)
    plain = negative + 1.5 * (second - negative)
    torch.testing.assert_close(found[..., 12:], plain[..., 12:], rtol=1e-5, atol=1e-5)


def test_an_unknown_guider_is_refused() -> None:
    with pytest.raises(TypeError, match="no guider of the class Guider"):
        laid(Guider(MODEL))
