"""Perturbed-attention guidance: the perturbed network is diffusers', the formula is the paper's."""

from dataclasses import replace

import pytest
import torch
from diffusers.models.attention_processor import PAGIdentitySelfAttnProcessor2_0
from torch import Tensor

from diffusion.context import Context
from diffusion.guiders import denoiser_of
from diffusion.model_options import PerturbedAttention, ScaledNoise
from diffusion.perturbed import Unattended
from diffusion.sampling_values import BasicGuider, CfgGuider, Guider, PerpNegGuider
from diffusion.values import Area
from tests.diffusion.fake_network import MODEL, FakeNetwork, blend, prompt
from tests.diffusion.small_unet import TOKEN, draw, ours, small_unet, theirs

SHAPE, SIGMA = (2, 4, 16, 24), torch.tensor(3.0)
LEFT = Area(height=128, width=96, y=0, x=0)


def test_the_perturbed_network_is_that_of_diffusers() -> None:
    unet, x, tokens = small_unet(), draw(2, 4, 16, 16), draw(2, 7, TOKEN)
    made, plain = ours(unet, x, tokens, Unattended()), theirs(unet, x, tokens)
    identity = PAGIdentitySelfAttnProcessor2_0()
    both = theirs(
        unet,
        x.repeat(2, 1, 1, 1),
        tokens.repeat(2, 1, 1),
        lambda name: identity if "mid" in name and "attn1" in name else None,
    )
    torch.testing.assert_close(made, both[2:], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(made, plain, rtol=1e-2, atol=1e-2)


class Perturbable(FakeNetwork):
    """Answers a little more than half as much where its attention is perturbed."""

    def __call__(self, x: Tensor, timestep: Tensor, context: Context) -> Tensor:
        answer = super().__call__(x, timestep, context)
        return 0.6 * answer if any(isinstance(change, Unattended) for change in context.changes) else answer


def alone(x: Tensor, mood: float, share: float = 1.0) -> Tensor:
    """The denoised answer to one prompt."""
    time = FakeNetwork().prediction.timestep(SIGMA).expand(len(x))
    return x - SIGMA * share * blend(x / (1 + SIGMA**2) ** 0.5, time, torch.full((len(x), 1, 1), mood))


def guided(guider: Guider, *options: object) -> tuple[Tensor, FakeNetwork]:
    network = Perturbable()
    denoise = denoiser_of(replace(guider, model=replace(MODEL, options=options)), network, SHAPE)
    return denoise(3 * draw(*SHAPE), SIGMA), network


ONE, NOT, EMPTY = prompt(1.0), prompt(-0.5), prompt(0.05)


def test_guidance_goes_away_from_the_perturbed_answer_besides() -> None:
    x = 3 * draw(*SHAPE)
    found, network = guided(CfgGuider(MODEL, ONE, NOT, 4.0), PerturbedAttention(2.5))
    wanted, unwanted = alone(x, 1.0), alone(x, -0.5)
    expected = unwanted + 4 * (wanted - unwanted) + 2.5 * (wanted - alone(x, 1.0, 0.6))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert network.rows == [4, 2]


@pytest.mark.parametrize("guider", [BasicGuider(MODEL, ONE), CfgGuider(MODEL, ONE, NOT, 1.0)])
def test_it_needs_no_negative_side(guider: Guider) -> None:
    x = 3 * draw(*SHAPE)
    found, network = guided(guider, PerturbedAttention(2.5))
    torch.testing.assert_close(found, alone(x, 1.0) + 2.5 * (alone(x, 1.0) - alone(x, 1.0, 0.6)), rtol=1e-5, atol=1e-5)
    assert network.rows == [2, 2]


def test_where_the_positive_side_has_no_say_nothing_is_added() -> None:
    left = prompt(1.0, area=LEFT)
    plain, _ = guided(CfgGuider(MODEL, left, NOT, 4.0))
    found, _ = guided(CfgGuider(MODEL, left, NOT, 4.0), PerturbedAttention(2.5))
    assert torch.equal(found[..., 12:], plain[..., 12:])
    assert not torch.allclose(found[..., :12], plain[..., :12])


def test_options_that_change_the_result_act_in_their_order() -> None:
    x = 3 * draw(*SHAPE)
    wanted, added = alone(x, 1.0), 2.5 * (alone(x, 1.0) - alone(x, 1.0, 0.6))
    first, _ = guided(BasicGuider(MODEL, ONE), PerturbedAttention(2.5), ScaledNoise(1.25))
    last, _ = guided(BasicGuider(MODEL, ONE), ScaledNoise(1.25), PerturbedAttention(2.5))
    torch.testing.assert_close(first, x - (x - wanted - added) / 1.25, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(last, x - (x - wanted) / 1.25 + added, rtol=1e-5, atol=1e-5)


def test_scale_0_asks_nothing_more() -> None:
    _, network = guided(CfgGuider(MODEL, ONE, NOT, 4.0), PerturbedAttention(0.0))
    assert network.rows == [4]


def test_it_goes_with_perpendicular_guidance() -> None:
    guider = PerpNegGuider(MODEL, ONE, NOT, EMPTY, 5.0, 0.8)
    x, (plain, _), (found, network) = 3 * draw(*SHAPE), guided(guider), guided(guider, PerturbedAttention(2.0))
    torch.testing.assert_close(found - plain, 2 * (alone(x, 1.0) - alone(x, 1.0, 0.6)), rtol=1e-3, atol=1e-4)
    assert network.rows == [6, 2]
