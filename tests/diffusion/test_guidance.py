"""Guidance, against the formula on networks in closed form, and averages computed pixel by pixel in numpy."""

import numpy as np
import pytest
import torch
from torch import Tensor

from diffusion import asking
from diffusion.asking import batches
from diffusion.conditioning import combine, concatenate
from diffusion.guidance import guided
from diffusion.prediction import FlowPrediction
from diffusion.regions import feather
from diffusion.values import Area, Conditioning, ConditioningEntry
from tests.diffusion.fake_network import FakeNetwork, blend, prompt

SHAPE = (2, 4, 16, 24)
SIGMA = torch.tensor(3.0)
LEFT = Area(height=128, width=96, y=0, x=0)
MIDDLE = Area(height=64, width=64, y=32, x=64)


def noisy(shape=SHAPE, seed: int = 0) -> Tensor:
    return 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def by_hand(network: FakeNetwork, x: Tensor, mood: float, sigma: Tensor = SIGMA) -> np.ndarray:
    """The denoised answer of eps prediction for one prompt: x − sigma · network(x / sqrt(1 + sigma²))."""
    timestep = network.prediction.timestep(sigma).expand(len(x))
    return (x - sigma * blend(x / (1 + sigma**2) ** 0.5, timestep, torch.full((len(x), 1, 1), mood))).numpy()


@pytest.mark.parametrize("cfg", [0.0, 0.5, 1.0, 7.5])
def test_guidance_goes_from_negative_past_positive(cfg: float) -> None:
    network, x = FakeNetwork(), noisy()
    positive, negative = by_hand(network, x, 1.0), by_hand(network, x, -0.5)
    denoise = guided(network, prompt(1.0), prompt(-0.5), cfg, SHAPE)
    expected = negative + cfg * (positive - negative)
    np.testing.assert_allclose(denoise(x, SIGMA).numpy(), expected, rtol=1e-5, atol=1e-5)
    for answer, truth in zip(denoise.both(x, SIGMA), (expected, negative), strict=True):
        np.testing.assert_allclose(answer.numpy(), truth, rtol=1e-5, atol=1e-5)


def test_positive_and_negative_go_through_the_network_together_in_this_order() -> None:
    network = FakeNetwork()
    guided(network, prompt(1.0), prompt(-0.5), 7.0, SHAPE)(noisy(), SIGMA)
    (call,) = network.calls
    assert call.x.shape == (4, 4, 16, 24)
    assert call.timestep.tolist() == [int(network.prediction.timestep(SIGMA))] * 4
    assert call.tokens[:, 0, 0].tolist() == [1.0, 1.0, -0.5, -0.5]
    assert call.pooled is None


def test_with_cfg_1_the_negative_side_is_not_computed() -> None:
    network = FakeNetwork()
    denoise = guided(network, prompt(1.0), prompt(-0.5), 1.0, SHAPE)
    denoise(noisy(), SIGMA)
    assert network.rows == [2]
    denoise.both(noisy(), SIGMA)
    assert network.rows == [2, 4]


def test_a_flow_network_is_asked_without_scaling() -> None:
    network, x, sigma = FakeNetwork(prediction=FlowPrediction(3.0)), noisy(), torch.tensor(0.6)
    answer = guided(network, prompt(1.0), prompt(0.0), 1.0, SHAPE)(x, sigma)
    expected = x - 0.6 * blend(x, torch.full((2,), 600.0), torch.ones(2, 1, 1))
    torch.testing.assert_close(answer, expected)


def test_prompts_of_different_length_share_a_call_by_repeating() -> None:
    network, x = FakeNetwork(), noisy()
    long = concatenate(prompt(2.0, tokens=4), prompt(5.0, tokens=2))
    guided(network, long, prompt(-0.5, tokens=4), 7.0, SHAPE)(x, SIGMA)
    (call,) = network.calls
    assert call.tokens[0, :, 0].tolist() == [2, 2, 2, 2, 5, 5] * 2
    assert call.tokens[2, :, 0].tolist() == [-0.5] * 12


def test_repeating_tokens_changes_no_answer_of_attention() -> None:
    """The reason why lengths may be made equal: softmax over repeated keys gives the same mean."""
    query, keys = torch.randn(2, 1, 4, 8, generator=torch.Generator().manual_seed(0)).unbind()
    attend = torch.nn.functional.scaled_dot_product_attention
    repeated = keys.repeat(1, 3, 1)
    torch.testing.assert_close(attend(query, repeated, repeated), attend(query, keys, keys))


def entry_region(tokens: int, area: Area | None = None, *, pooled: bool = False):
    network = FakeNetwork()
    entry = ConditioningEntry(torch.zeros(1, tokens, 3), torch.zeros(1, 5) if pooled else None, area=area)
    return guided(network, Conditioning((entry,)), Conditioning(()), 1.0, SHAPE).sides[0][0]


def test_what_shares_a_call_depends_on_the_conditionings_alone() -> None:
    small = [entry_region(77, MIDDLE), entry_region(77, Area(64, 64, 0, 0))]
    assert batches([entry_region(77), small[0], entry_region(154), small[1]]) == [[0, 2], [1, 3]]
    assert batches([entry_region(77), entry_region(77, pooled=True)]) == [[0], [1]]
    assert batches([entry_region(77 * length) for length in (2, 3, 5)]) == [[0, 1], [2]]
    assert batches([entry_region(77), entry_region(77 * 5)]) == [[0], [1]]


def test_large_batches_go_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    network, x = FakeNetwork(), noisy()
    denoise = guided(network, prompt(1.0), prompt(-0.5), 7.0, SHAPE)
    whole = denoise(x, SIGMA)
    monkeypatch.setattr(asking, "LARGEST_CALL", 3 * 16 * 24)
    assert torch.equal(denoise(x, SIGMA), whole)
    monkeypatch.setattr(asking, "LARGEST_CALL", 1)
    assert torch.equal(denoise(x, SIGMA), whole)
    assert network.rows == [4, 3, 1, 1, 1, 1, 1]


def test_items_get_their_own_tokens_and_pooled_output() -> None:
    network = FakeNetwork()
    each = ConditioningEntry(torch.tensor([1.0, 2.0])[:, None, None].expand(2, 2, 3), torch.tensor([[1.0], [2.0]]))
    shared = ConditioningEntry(torch.zeros(1, 2, 3), torch.zeros(1, 1))
    guided(network, Conditioning((each,)), Conditioning((shared,)), 7.0, SHAPE)(noisy(), SIGMA)
    assert network.calls[0].tokens[:, 0, 0].tolist() == [1, 2, 0, 0]
    assert network.calls[0].pooled is not None
    assert network.calls[0].pooled[:, 0].tolist() == [1, 2, 0, 0]


def test_overlapping_answers_are_averaged_by_weight() -> None:
    network, x = FakeNetwork(), noisy()
    mask = torch.rand(1, 16, 24, generator=torch.Generator().manual_seed(1))
    prompts = [
        prompt(1.0, strength=0.5),
        prompt(2.0, area=MIDDLE, strength=1.5),
        prompt(3.0, mask=mask, mask_strength=0.8),
        prompt(4.0, area=LEFT),
    ]
    positive = prompts[0]
    for other in prompts[1:]:
        positive = combine(positive, other)
    weights = np.zeros((4, 16, 24))
    weights[0] = 0.5
    denoise = guided(network, positive, prompt(0.0), 1.0, SHAPE)
    weights[1, 4:12, 8:16] = 1.5 * feather(denoise.sides[0][1].box, 16, 24).numpy()
    weights[2] = 0.8 * mask.numpy()
    weights[3, :, :12] = feather(denoise.sides[0][3].box, 16, 24).numpy()
    answers = np.stack([by_hand(network, x, mood) for mood in (1.0, 2.0, 3.0, 4.0)])
    expected = np.einsum("nbchw,nhw->bchw", answers, weights) / weights.sum(axis=0)
    np.testing.assert_allclose(denoise(x, SIGMA).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_a_network_is_shown_only_the_area_and_its_opposite_sees_the_same() -> None:
    def contextual(x: Tensor, timestep: Tensor, tokens: Tensor) -> Tensor:
        return blend(x, timestep, tokens) + x.mean((1, 2, 3), keepdim=True)

    network, x = FakeNetwork(contextual), noisy()
    guided(network, combine(prompt(1.0), prompt(2.0, area=MIDDLE)), prompt(-0.5), 7.0, SHAPE)(x, SIGMA)
    whole, part = network.calls
    assert whole.tokens[::2, 0, 0].tolist() == [1.0, -0.5]
    assert part.tokens[::2, 0, 0].tolist() == [2.0, -0.5]
    scaled = x[..., 4:12, 8:16] / 10**0.5
    torch.testing.assert_close(part.x, torch.cat([scaled, scaled]))


def test_where_one_side_has_no_say_the_other_answers() -> None:
    network, x = FakeNetwork(), noisy()
    positive, negative = by_hand(network, x, 2.0), by_hand(network, x, -0.5)
    only_left = guided(network, prompt(2.0, mask=half_mask()), prompt(-0.5), 7.0, SHAPE)(x, SIGMA).numpy()
    np.testing.assert_allclose(only_left[..., 12:], negative[..., 12:], rtol=1e-5, atol=1e-5)
    expected = negative + 7 * (positive - negative)
    np.testing.assert_allclose(only_left[..., :12], expected[..., :12], rtol=1e-5, atol=1e-5)
    no_negative = guided(network, prompt(2.0), Conditioning(()), 7.0, SHAPE)(x, SIGMA).numpy()
    np.testing.assert_allclose(no_negative, positive, rtol=1e-5, atol=1e-5)


def test_with_cfg_1_the_negative_side_still_fills_gaps() -> None:
    network, x = FakeNetwork(), noisy()
    answer = guided(network, prompt(2.0, mask=half_mask()), prompt(-0.5), 1.0, SHAPE)(x, SIGMA).numpy()
    np.testing.assert_allclose(answer[..., :12], by_hand(network, x, 2.0)[..., :12], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(answer[..., 12:], by_hand(network, x, -0.5)[..., 12:], rtol=1e-5, atol=1e-5)


def test_where_nothing_has_a_say_the_answer_is_the_mean_of_a_latent() -> None:
    network, x = FakeNetwork(), noisy()
    sides = prompt(2.0, mask=half_mask()), prompt(-0.5, mask=half_mask())
    assert not guided(network, *sides, 7.0, SHAPE)(x, SIGMA)[..., 12:].any()


def half_mask() -> Tensor:
    mask = torch.zeros(1, 16, 24)
    mask[..., :12] = 1.0
    return mask


def test_entries_hold_in_their_range_only() -> None:
    network, x = FakeNetwork(), noisy()
    first, second = prompt(1.0, end=0.5), prompt(2.0, start=0.5)
    denoise = guided(network, combine(first, second), prompt(-0.5), 1.0, SHAPE)
    middle = denoise.percent_to_sigma(0.5)
    for sigma, mood in ((middle * 1.1, 1.0), (middle * 0.9, 2.0)):
        expected = by_hand(network, x, mood, torch.tensor(sigma))
        np.testing.assert_allclose(denoise(x, torch.tensor(sigma)).numpy(), expected, rtol=1e-5, atol=1e-5)
    assert network.rows == [2, 2]


def test_a_range_that_leaves_nothing_is_refused_in_a_sentence() -> None:
    network = FakeNetwork()
    denoise = guided(network, prompt(1.0, start=0.5), prompt(0.0, start=0.5), 7.0, SHAPE)
    with pytest.raises(
        ValueError, match=r"at noise level 14\.6: no entry of the positive or the negative conditioning"
    ):
        denoise(noisy(), torch.tensor(14.6))


def test_odd_sizes_and_single_items() -> None:
    network, x = FakeNetwork(), noisy((1, 4, 9, 11))
    area = Area(height=0.5, width=0.3, y=0.4, x=0.55, relative=True)
    denoise = guided(network, combine(prompt(1.0), prompt(2.0, area=area)), prompt(0.0), 2.0, x.shape)
    assert denoise(x, SIGMA).shape == x.shape
    assert [tuple(call.x.shape[2:]) for call in network.calls] == [(9, 11), (4, 3)]
