"""Nodes that change how a model is asked: they add an option to it, and change nothing that is in memory."""

from dataclasses import replace
from typing import Any

import pytest

from diffusion.model_options import (
    ContinuousSampling,
    DifferentialMask,
    DiscreteSampling,
    NoiseSource,
    NormedGuidance,
    RescaledGuidance,
    ScaledNoise,
    TangentialGuidance,
    ZeroStarGuidance,
)
from nodes.guidance import (
    normed_guidance,
    repaint_by_degrees,
    rescale_guidance,
    sample_continuously,
    sample_discretely,
    scale_noise,
    set_noise_source,
    tangential_guidance,
    zero_star_guidance,
)
from tests.diffusion.fake_network import MODEL


@pytest.mark.parametrize(
    ("made", "option"),
    [
        (rescale_guidance(MODEL), RescaledGuidance(0.7)),
        (zero_star_guidance(MODEL).patched_model, ZeroStarGuidance()),
        (normed_guidance(MODEL, 0.5).patched_model, NormedGuidance(0.5)),
        (sample_discretely(MODEL, "lcm"), DiscreteSampling("lcm")),
        (sample_discretely(MODEL, "v_prediction", zsnr=True), DiscreteSampling("v_prediction", zsnr=True)),
        (sample_continuously(MODEL, "edm", 80.0, 0.002), ContinuousSampling("edm", 80.0, 0.002)),
        (tangential_guidance(MODEL).patched_model, TangentialGuidance()),
        (scale_noise(MODEL), ScaledNoise(1.005)),
        (repaint_by_degrees(MODEL), DifferentialMask(1.0)),
        (repaint_by_degrees(MODEL, None), DifferentialMask(1.0)),
        (repaint_by_degrees(MODEL, 0.5), DifferentialMask(0.5)),
        (set_noise_source(MODEL), NoiseSource("cpu", "cuda")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_node_adds_one_option(made: Any, option: object) -> None:
    assert made == replace(MODEL, options=(option,))
    assert MODEL.options == ()


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
