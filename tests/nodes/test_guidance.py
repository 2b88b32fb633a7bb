"""Nodes that change how a model is asked: they add an option to it, and change nothing that is in memory."""

from dataclasses import replace
from typing import Any

import pytest

from diffusion.model_options import (
    ContinuousSampling,
    DifferentialMask,
    DiscreteSampling,
    FrequencyGuidance,
    MahiroGuidance,
    NoiseSource,
    NormedGuidance,
    PerpendicularGuidance,
    PerturbedAttention,
    ProjectedGuidance,
    RenormedGuidance,
    RescaledGuidance,
    ScaledNoise,
    SelfAttentionGuidance,
    TangentialGuidance,
    ZeroStarGuidance,
)
from nodes.guidance import (
    guide_by_perturbation,
    guide_by_self_attention,
    guide_perpendicularly,
    lean_guidance,
    normed_guidance,
    project_guidance,
    renorm_guidance,
    repaint_by_degrees,
    rescale_guidance,
    sample_continuous_velocities,
    sample_continuously,
    sample_discretely,
    scale_guidance_by_frequency,
    scale_noise,
    set_noise_source,
    tangential_guidance,
    zero_star_guidance,
)
from tests.diffusion.fake_network import MODEL, prompt


@pytest.mark.parametrize(
    ("made", "option"),
    [
        (rescale_guidance(MODEL), RescaledGuidance(0.7)),
        (zero_star_guidance(MODEL).patched_model, ZeroStarGuidance()),
        (normed_guidance(MODEL, 0.5).patched_model, NormedGuidance(0.5)),
        (sample_discretely(MODEL, "lcm"), DiscreteSampling("lcm")),
        (sample_discretely(MODEL, "v_prediction", zsnr=True), DiscreteSampling("v_prediction", zsnr=True)),
        (sample_continuously(MODEL, "edm", 80.0, 0.002), ContinuousSampling("edm", 80.0, 0.002)),
        (
            sample_continuous_velocities(MODEL, "v_prediction", 500.0, 0.03),
            ContinuousSampling("v_prediction", 500.0, 0.03, told="angle"),
        ),
        (tangential_guidance(MODEL).patched_model, TangentialGuidance()),
        (scale_noise(MODEL), ScaledNoise(1.005)),
        (repaint_by_degrees(MODEL), DifferentialMask(1.0)),
        (repaint_by_degrees(MODEL, None), DifferentialMask(1.0)),
        (repaint_by_degrees(MODEL, 0.5), DifferentialMask(0.5)),
        (set_noise_source(MODEL), NoiseSource("cpu", "cuda")),
        (guide_by_perturbation(MODEL), PerturbedAttention(3.0)),
        (guide_by_self_attention(MODEL), SelfAttentionGuidance(0.5, 2.0)),
        (project_guidance(MODEL), ProjectedGuidance(1.0, 5.0, 0.0)),
        (scale_guidance_by_frequency(MODEL), FrequencyGuidance(1.0, 1.25, 20)),
        (renorm_guidance(MODEL), RenormedGuidance(100, 1.0)),
        (lean_guidance(MODEL).patched_model, MahiroGuidance()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_node_adds_one_option(made: Any, option: object) -> None:
    assert made == replace(MODEL, options=(option,))
    assert MODEL.options == ()


def test_the_empty_prompt_of_perpendicular_guidance_goes_with_the_model() -> None:
    empty = prompt(0.05)
    (option,) = guide_perpendicularly(MODEL, empty, 0.8).options
    assert isinstance(option, PerpendicularGuidance)
    assert (option.empty, option.neg_scale) == (empty, 0.8)


def test_options_stand_in_the_order_they_were_set() -> None:
    assert rescale_guidance(sample_discretely(MODEL, "x0"), 0.5).options == (
        DiscreteSampling("x0"),
        RescaledGuidance(0.5),
    )


@pytest.mark.parametrize("sampling", ["edm_playground_v2.5", "cosmos_rflow"])
def test_predictions_of_other_families_are_refused(sampling: Any) -> None:
    with pytest.raises(ValueError, match=f"'{sampling}' is for models of a family that is not known here"):
        sample_continuously(MODEL, sampling, 80.0, 0.002)


def test_noise_levels_that_do_not_fall_are_refused() -> None:
    with pytest.raises(ValueError, match="sigma_min 0 must be above 0 and below sigma_max 80"):
        sample_continuously(MODEL, "edm", 80.0, 0.0)
    with pytest.raises(ValueError, match=r"ModelSamplingContinuousV: sigma_min 9 .* below sigma_max 9"):
        sample_continuous_velocities(MODEL, "v_prediction", 9.0, 9.0)
