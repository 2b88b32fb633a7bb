"""Options become changes of the way through a network, in their order; what has no place in it is told beforehand."""

import re
from dataclasses import replace

import pytest
import torch

from diffusion.changing import Layout, changes_of
from diffusion.deep_shrink import Shrinking
from diffusion.free_u import FreeLunch
from diffusion.guiders import denoiser_of
from diffusion.model_options import (
    DeepShrink,
    FreeU,
    HyperTile,
    OperatedGuidance,
    RescaledGuidance,
    TokenMerging,
)
from diffusion.sampling_values import CfgGuider
from diffusion.tiled_attention import Tiled
from diffusion.token_merging import Merged
from diffusion.values import Sharpen
from tests.diffusion.fake_network import MODEL, FakeNetwork, prompt
from tests.diffusion.small_unet import small_unet

SHRINK = DeepShrink(3, 2.0, 0.0, 0.35, after_skip=True, down="bicubic", up="bicubic")


def test_a_layout_is_read_from_a_configuration() -> None:
    assert Layout.of(small_unet().config) == Layout(widths=(16, 32, 64), inputs=9, attends=(0, 1))


def test_changes_come_in_the_order_of_their_options() -> None:
    options = (
        TokenMerging(0.5),
        RescaledGuidance(0.7),
        FreeU(1.1, 1.2, 0.9, 0.2),
        SHRINK,
        HyperTile(256, 2, 0, scaled=False),
    )
    network = FakeNetwork()
    kinds = [type(change) for change in changes_of(options, network)]
    assert kinds == [Merged, FreeLunch, Shrinking, Tiled]
    assert not network.notes


def test_every_question_is_asked_under_the_changes() -> None:
    network = FakeNetwork()
    model = replace(MODEL, options=(FreeU(1.1, 1.2, 0.9, 0.2), SHRINK))
    denoise = denoiser_of(CfgGuider(model, prompt(1.0), prompt(0.0), 4.0), network, (1, 4, 8, 8))
    denoise(torch.ones(1, 4, 8, 8), torch.tensor(3.0))
    (call,) = network.calls
    assert [type(change) for change in call.changes] == [FreeLunch, Shrinking]
    assert call.sigma == 3.0


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (FreeU(1.1, 1.2, 0.9, 0.2), "FreeU changes nothing in this model: .* widths are 64, 96, 96"),
        (HyperTile(256, 2, 0, scaled=False), "HyperTile changes nothing in this model: .* Set max_depth to 1"),
        (TokenMerging(0.3), "TomePatchModel changes nothing in this model"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_changes_nothing_in_a_network_is_noted(option: object, sentence: str) -> None:
    network = FakeNetwork(layout=Layout(widths=(64, 96, 96), inputs=6, attends=(1, 2)))
    assert len(changes_of((option,), network)) == 1
    (note,) = network.notes
    assert re.match(sentence, note)


def test_a_layer_that_the_network_does_not_have_is_told_before_sampling() -> None:
    model = replace(MODEL, options=(replace(SHRINK, layer=12),))
    with pytest.raises(ValueError, match="block_number is 12, but the input layers of this model are numbered 0 to 11"):
        denoiser_of(CfgGuider(model, prompt(1.0), prompt(0.0), 4.0), FakeNetwork(), (1, 4, 8, 8))


def test_an_operation_too_wide_for_the_latent_is_told_before_sampling() -> None:
    model = replace(MODEL, options=(OperatedGuidance(Sharpen(9, 1.0, 0.1)),))
    with pytest.raises(ValueError, match="Choose at most 7"):
        denoiser_of(CfgGuider(model, prompt(1.0), prompt(0.0), 4.0), FakeNetwork(), (1, 4, 8, 8))
