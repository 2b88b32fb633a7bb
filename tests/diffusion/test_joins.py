"""What options make of guidance, against diffusers and closed forms."""

import numpy as np
import pytest
import torch
from diffusers.guiders.adaptive_projected_guidance import MomentumBuffer
from diffusers.guiders.adaptive_projected_guidance import normalized_guidance as projected_guidance
from diffusers.guiders.classifier_free_zero_star_guidance import cfg_zero_star_scale
from diffusers.guiders.tangential_classifier_free_guidance import normalized_guidance
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg
from torch import Tensor

from diffusion.joins import Answers, joined
from diffusion.latent_operations import operated
from diffusion.model_options import (
    DiscreteSampling,
    FrequencyGuidance,
    MahiroGuidance,
    NormedGuidance,
    OperatedGuidance,
    ProjectedGuidance,
    RenormedGuidance,
    RescaledGuidance,
    ScaledNoise,
    TangentialGuidance,
    ZeroStarGuidance,
)
from diffusion.prediction import VPrediction, discrete_sigmas
from diffusion.values import TonemapReinhard


def latents(seed: int) -> Tensor:
    return torch.randn(3, 4, 6, 8, generator=torch.Generator().manual_seed(seed))


def answers(cfg: float = 7.5, sigma: float = 2.0) -> Answers:
    return Answers(3 * latents(1), torch.tensor(sigma), latents(2), 0.5 * latents(3) + 0.1, cfg)


def velocity(at: Answers, denoised: Tensor) -> Tensor:
    """The v that `VPrediction` would have taken the answer from."""
    return (at.x / (at.sigma**2 + 1) - denoised) * (at.sigma**2 + 1) ** 0.5 / at.sigma


def test_without_options_it_is_guidance() -> None:
    at = answers()
    expected = at.unwanted + 7.5 * (at.wanted - at.unwanted)
    assert torch.equal(joined(at), expected)
    assert torch.equal(joined(at, (DiscreteSampling("eps"),)), expected)


@pytest.mark.parametrize("multiplier", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("sigma", [0.05, 1.0, 14.6])
def test_rescaled_guidance_is_that_of_diffusers_on_velocities(multiplier: float, sigma: float) -> None:
    at = answers(sigma=sigma)
    wanted, unwanted = velocity(at, at.wanted), velocity(at, at.unwanted)
    out = rescale_noise_cfg(unwanted + at.cfg * (wanted - unwanted), wanted, guidance_rescale=multiplier)
    expected = VPrediction(discrete_sigmas()).denoised(at.x, out, at.sigma)
    torch.testing.assert_close(joined(at, (RescaledGuidance(multiplier),)), expected, rtol=1e-4, atol=1e-4)


def test_rescaled_guidance_of_scale_1_is_the_wanted_answer() -> None:
    at = answers(cfg=1.0)
    torch.testing.assert_close(joined(at, (RescaledGuidance(1.0),)), at.wanted, rtol=1e-4, atol=1e-4)


def test_the_last_formula_counts() -> None:
    at = answers()
    options = (RescaledGuidance(1.0), RescaledGuidance(0.2))
    assert torch.equal(joined(at, options), joined(at, options[1:]))


def test_zero_star_guides_from_the_scaled_unwanted_answer() -> None:
    at = answers()
    scale = cfg_zero_star_scale((at.x - at.wanted).flatten(1), (at.x - at.unwanted).flatten(1)).view(-1, 1, 1, 1)
    expected = scale * at.unwanted + at.cfg * (at.wanted - scale * at.unwanted)
    torch.testing.assert_close(joined(at, (ZeroStarGuidance(),)), expected, rtol=1e-4, atol=1e-4)


def test_zero_star_changes_nothing_where_both_answers_are_one() -> None:
    at = answers()
    same = Answers(at.x, at.sigma, at.wanted, at.wanted, at.cfg)
    torch.testing.assert_close(joined(same, (ZeroStarGuidance(),)), at.wanted, rtol=1e-5, atol=1e-5)


def test_normed_guidance_turns_but_does_not_lengthen() -> None:
    at = answers()
    plain, found = joined(at), joined(at, (NormedGuidance(1.0),))
    length, most = found.norm(dim=1), at.wanted.norm(dim=1)
    assert bool((length <= most * (1 + 1e-5)).all())
    torch.testing.assert_close(torch.cosine_similarity(found, plain, dim=1), torch.ones(3, 6, 8))
    torch.testing.assert_close(length, torch.minimum(plain.norm(dim=1), most))
    torch.testing.assert_close(joined(at, (NormedGuidance(0.5),)), 0.5 * found)


@pytest.mark.parametrize("cfg", [1.0, 7.5])
def test_tangential_guidance_is_that_of_diffusers(cfg: float) -> None:
    """On the directions x − D, whose guided one is x − D too."""
    at = answers(cfg=cfg)
    expected = at.x - normalized_guidance(at.x - at.wanted, at.x - at.unwanted, cfg)
    torch.testing.assert_close(joined(at, (TangentialGuidance(),)), expected, rtol=1e-4, atol=1e-4)


def test_scaled_noise_is_taken_out_in_part() -> None:
    at = answers()
    expected = at.x - (at.x - joined(at)) / 1.25
    torch.testing.assert_close(joined(at, (ScaledNoise(1.25),)), expected)


def test_answers_are_changed_before_the_formula() -> None:
    at = answers()
    one, other = (RescaledGuidance(0.7), TangentialGuidance()), (TangentialGuidance(), RescaledGuidance(0.7))
    assert torch.equal(joined(at, one), joined(at, other))
    assert not torch.equal(joined(at, one), joined(at, one[:1]))


def test_changes_follow_the_formula_in_their_order() -> None:
    at = answers()
    rescaled = joined(at, (RescaledGuidance(0.7),))
    both = joined(at, (NormedGuidance(2.0), RescaledGuidance(0.7)))
    ratio = (at.wanted.norm(dim=1, keepdim=True) / rescaled.norm(dim=1, keepdim=True)).clamp(max=1)
    torch.testing.assert_close(both, 2 * ratio * rescaled)


@pytest.mark.parametrize(
    "option",
    [
        RescaledGuidance(0.7),
        ZeroStarGuidance(),
        NormedGuidance(1.0),
        TangentialGuidance(),
        ProjectedGuidance(0.5, 5.0, 0.0),
        FrequencyGuidance(0.5, 2.0, 2),
        RenormedGuidance(100.0, 1.0),
        MahiroGuidance(),
        OperatedGuidance(TonemapReinhard(1.0)),
    ],
)
def test_the_items_of_a_batch_do_not_know_each_other(option: object) -> None:
    at = answers()
    whole = joined(at, (option,))
    for item in range(3):
        one = slice(item, item + 1)
        alone = Answers(at.x[one], at.sigma, at.wanted[one], at.unwanted[one], at.cfg)
        torch.testing.assert_close(joined(alone, (option,)), whole[one])


@pytest.mark.parametrize("momentum", [0.0, -0.5])
@pytest.mark.parametrize(("eta", "threshold"), [(1.0, 0.0), (0.0, 5.0), (0.3, 2.5)])
def test_projected_guidance_is_that_of_diffusers(eta: float, threshold: float, momentum: float) -> None:
    """In the paper's form, whose scale is one less than cfg; over three noise levels, so that momentum gathers."""
    buffer, memory = MomentumBuffer(momentum), {}
    for seed in range(3):
        at = Answers(3 * latents(1), torch.tensor(2.0), latents(seed + 2), latents(seed + 9), 7.5, memory=memory)
        expected = projected_guidance(
            at.wanted, at.unwanted, 6.5, buffer, eta, threshold, use_original_formulation=True
        )
        torch.testing.assert_close(
            joined(at, (ProjectedGuidance(eta, threshold, momentum),)), expected, rtol=1e-4, atol=1e-4
        )


def test_projected_guidance_of_a_latent_that_grew_begins_anew() -> None:
    small, option = answers(), ProjectedGuidance(0.0, 0.0, 0.9)
    memory = {"momentum": torch.ones(3, 4, 12, 16)}
    again = Answers(small.x, small.sigma, small.wanted, small.unwanted, small.cfg, memory=memory)
    assert torch.equal(joined(again, (option,)), joined(small, (option,)))
    assert memory["momentum"].shape == small.x.shape


def test_guidance_by_frequency_scales_what_is_slow_apart() -> None:
    at = answers()
    way = at.wanted - at.unwanted
    all_slow = joined(at, (FrequencyGuidance(0.5, 2.0, 100),))
    torch.testing.assert_close(all_slow, at.unwanted + at.cfg * 0.5 * way, rtol=1e-4, atol=1e-4)
    mean = way.mean((2, 3), keepdim=True).expand_as(way)
    slow = Answers(at.x, at.sigma, at.unwanted + mean, at.unwanted, at.cfg)
    found = joined(slow, (FrequencyGuidance(0.5, 2.0, 1),))
    torch.testing.assert_close(found, at.unwanted + at.cfg * 0.5 * mean, rtol=1e-4, atol=1e-4)
    columns = torch.tensor([1.0, -1.0] * 4).expand_as(way)
    fast = Answers(at.x, at.sigma, at.unwanted + columns, at.unwanted, at.cfg)
    found = joined(fast, (FrequencyGuidance(0.5, 2.0, 1),))
    torch.testing.assert_close(found, at.unwanted + at.cfg * 2.0 * columns, rtol=1e-4, atol=1e-4)


def test_renormed_guidance_is_no_longer_than_the_positive_answer() -> None:
    at = answers()
    plain, found = joined(at), joined(at, (RenormedGuidance(100.0, 1.0),))
    lengths, most, was = (each.flatten(1).norm(dim=1) for each in (found, at.wanted, plain))
    torch.testing.assert_close(lengths, torch.minimum(was, most))
    torch.testing.assert_close(found / lengths.view(-1, 1, 1, 1), plain / was.view(-1, 1, 1, 1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(joined(at, (RenormedGuidance(100.0, 0.0),)), plain)


@pytest.mark.parametrize(("below", "guided"), [(2.0, False), (2.1, True)])
def test_high_noise_levels_can_be_left_without_guidance(below: float, guided: bool) -> None:
    at = answers(sigma=2.0)
    found = joined(at, (RenormedGuidance(below, 0.0),))
    assert torch.equal(found, joined(at) if guided else at.wanted)


def test_mahiro_leans_the_less_the_more_both_answers_are_alike() -> None:
    at = answers()
    found = joined(at, (MahiroGuidance(),)).numpy()
    guided = (at.unwanted + at.cfg * (at.wanted - at.unwanted)).numpy()
    for item in range(3):
        leap, other = at.cfg * at.wanted[item].numpy(), at.cfg * at.unwanted[item].numpy()
        middle = (guided[item] + leap) / 2
        one, two = (np.sqrt(np.abs(each)) * np.sign(each) for each in (other, middle))
        cosines = (one * two).sum(0) / np.linalg.norm(one, axis=0) / np.linalg.norm(two, axis=0)
        share = (1 + cosines.mean()) / 2
        assert 0.2 < share < 0.8
        np.testing.assert_allclose(found[item], share * guided[item] + (1 - share) * leap, rtol=1e-4, atol=1e-4)


def test_an_operation_changes_the_way_of_guidance() -> None:
    at, operation = answers(), TonemapReinhard(1.0)
    expected = at.unwanted + at.cfg * operated(operation, at.wanted - at.unwanted)
    torch.testing.assert_close(joined(at, (OperatedGuidance(operation),)), expected)
    alone = Answers(at.x, at.sigma, at.wanted, at.wanted, 1.0)
    torch.testing.assert_close(joined(alone, (OperatedGuidance(operation),)), operated(operation, at.wanted))
