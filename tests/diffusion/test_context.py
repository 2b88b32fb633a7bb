"""What a network is told besides the noisy latent, and how parts of it go through."""

import pytest
import torch

from diffusion.context import Context, Inputs
from diffusion.guidance import guided
from diffusion.values import Shown, SizeConditioning
from tests.diffusion.fake_network import SPACE, FakeNetwork, prompt


def test_parts_are_those_of_every_tensor():
    whole = Context(torch.rand(5, 2, 3), torch.rand(5, 4), None, torch.rand(5, 1, 2, 2))
    parts = list(whole.split(2))
    assert [len(part.tokens) for part in parts] == [2, 2, 1]
    assert torch.equal(torch.cat([part.tokens for part in parts]), whole.tokens)
    assert all(part.sizes is None for part in parts)
    assert parts[2].pooled is not None
    assert parts[2].beside is not None
    assert torch.equal(parts[2].beside, torch.cat([part.beside for part in parts if part.beside is not None])[4:])


def asked(network: FakeNetwork, positive, negative=None):
    """One question about a latent of 12 × 8."""
    x = torch.ones(2, 4, 12, 8)
    guided(network, positive, negative or prompt(0.0, pooled=torch.zeros(1, 5)), 3.0, x.shape)(x, torch.tensor(2.0))
    (call,) = network.calls
    return call


POOLED = {"pooled": torch.ones(1, 5)}


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (None, [96, 64, 0, 0, 96, 64]),
        (SizeConditioning((10, 20)), [10, 20, 0, 0, 10, 20]),
        (SizeConditioning((10, 20), (1, 2), (30, 40)), [10, 20, 1, 2, 30, 40]),
        (SizeConditioning(crop=(1, 2), target=(30, 40)), [96, 64, 1, 2, 30, 40]),
    ],
)
def test_sizes_are_those_of_the_picture_unless_others_are_told(size, told):
    call = asked(FakeNetwork(inputs=Inputs(3, pooled=5, sizes=6)), prompt(1.0, size=size, **POOLED))
    assert call.sizes is not None
    assert call.sizes.tolist() == [told] * 2 + [[96, 64, 0, 0, 96, 64]] * 2


@pytest.mark.parametrize(("size", "score"), [(None, 6.0), (SizeConditioning((96, 64), aesthetic=8.0), 8.0)])
def test_a_refiner_is_told_a_score_in_the_targets_place(size, score):
    call = asked(FakeNetwork(inputs=Inputs(3, pooled=5, sizes=5)), prompt(1.0, size=size, **POOLED))
    assert call.sizes is not None
    assert call.sizes[::2].tolist() == [[96, 64, 0, 0, score], [96, 64, 0, 0, 2.5]]


def test_a_picture_goes_beside_the_latent_as_the_model_was_trained():
    shown = Shown(torch.rand(1, 4, 12, 8), torch.rand(1, 96, 64))
    sides = (prompt(1.0, shown=shown), prompt(0.0, shown=shown))
    by_instruction = asked(FakeNetwork(inputs=Inputs(3, beside=4)), *sides).beside
    repainting = asked(FakeNetwork(inputs=Inputs(3, beside=5)), *sides).beside
    assert by_instruction is not None
    assert repainting is not None
    assert torch.equal(by_instruction, shown.samples.expand(4, -1, -1, -1))
    assert torch.equal(repainting[:, 1:], (by_instruction - SPACE.shift) * SPACE.scale)
    assert set(repainting[:, 0].unique().tolist()) <= {0.0, 1.0}


def test_a_model_for_instructions_that_is_shown_nothing_sees_zeros():
    beside = asked(FakeNetwork(inputs=Inputs(3, beside=4)), prompt(1.0), prompt(0.0)).beside
    assert beside is not None
    assert not beside.any()
