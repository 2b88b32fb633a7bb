"""The parts of a sampling run as values: they are written and read, or at least told apart."""

from dataclasses import is_dataclass, replace
from inspect import getmembers
from types import MappingProxyType

import pytest
import torch

from diffusion import model_options, sampling_values
from diffusion.codecs import RECIPES, VALUES, register
from diffusion.model_options import ContinuousSampling, DiscreteSampling, NoiseSource, RescaledGuidance
from diffusion.sampling_values import (
    BasicGuider,
    CfgGuider,
    Guider,
    NoiseRecipe,
    SamplerRecipe,
    Sigmas,
    Variation,
)
from graph.codec import Codecs
from tests.diffusion.fake_network import MODEL, prompt


@pytest.fixture
def codecs() -> Codecs:
    codecs = Codecs()
    register(codecs)
    return codecs


def test_all_of_them_have_a_codec() -> None:
    declared = {kind for module in (sampling_values, model_options) for _, kind in getmembers(module, is_dataclass)}
    assert declared - {Guider} <= {*VALUES, *RECIPES}


@pytest.mark.parametrize(
    "value",
    [
        SamplerRecipe("dpmpp_sde", MappingProxyType({"eta": 0.5, "solver_type": "heun", "pece": True, "order": 3})),
        NoiseRecipe(2**64 - 1, added=False, variation=Variation(7, 0.25, 1)),
        DiscreteSampling("lcm", zsnr=True),
        ContinuousSampling("edm", 80.0, 0.002),
        RescaledGuidance(0.7),
        NoiseSource("cuda", "cpu"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_parts_come_back(codecs: Codecs, value: object) -> None:
    encoded = codecs.encode(value)
    assert encoded is not None
    assert encoded.stored
    assert codecs.decode(encoded.codec, encoded.data) == value


def test_noise_levels_come_back_to_the_bit(codecs: Codecs) -> None:
    encoded = codecs.encode(Sigmas(torch.rand(7)))
    assert encoded is not None
    again = codecs.decode(encoded.codec, encoded.data)
    assert isinstance(again, Sigmas)
    assert codecs.encode(again) == encoded


def test_guiders_are_told_apart_by_all_they_hold(codecs: Codecs) -> None:
    one = CfgGuider(MODEL, prompt(0.1), prompt(0.2), 7.0)
    others = (
        replace(one, cfg=8.0),
        replace(one, negative=prompt(0.3)),
        replace(one, model=replace(MODEL, options=(RescaledGuidance(0.7),))),
        BasicGuider(MODEL, prompt(0.1)),
    )
    assert len({codecs.digest(guider) for guider in (one, *others)}) == 5
    encoded = codecs.encode(one)
    assert encoded is not None
    assert not encoded.stored


def test_options_belong_to_what_a_model_is(codecs: Codecs) -> None:
    options = ((), (RescaledGuidance(0.7),), (RescaledGuidance(0.5),), (DiscreteSampling("eps"),))
    assert len({codecs.digest(replace(MODEL, options=each)) for each in options}) == 4
    assert codecs.digest(replace(MODEL, options=(object(),))) is None


def test_noise_levels_are_a_row() -> None:
    with pytest.raises(ValueError, match=r"Sigmas.levels must be \[n \+ 1\]; got shape \(2, 3\)"):
        Sigmas(torch.zeros(2, 3))
