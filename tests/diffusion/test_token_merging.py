"""Token merging, against a reference that goes token by token in numpy."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from diffusion.changes import Call, Place, States
from diffusion.context import Context
from diffusion.drawing import drawn
from diffusion.model_options import TokenMerging
from diffusion.token_merging import Merged, staying
from tests.diffusion.small_unet import TOKEN, draw, ours, small_unet

PLACE = Place("input", 1, 0, "self")
HEIGHT, WIDTH, HEADS, DEPTH = 6, 8, 2, 3


def attend(states: States) -> Tensor:
    return scaled_dot_product_attention(states.query, states.key, states.value)


def states() -> States:
    query, key, value = (draw(2, HEADS, HEIGHT * WIDTH, DEPTH, seed=seed) for seed in range(3))
    return States(query, key, value, (HEIGHT, WIDTH))


def call(sigma: float = 3.0) -> Call:
    return Call((HEIGHT, WIDTH), Context(draw(2, 7, TOKEN), sigma=sigma))


def by_hand(given: States, stays: np.ndarray, count: int) -> np.ndarray:
    """Merge the `count` tokens most like one that stays into it, ask with the means, and hand the answers back."""
    query, key, value = (each.double().numpy() for each in (given.query, given.key, given.value))
    result = np.zeros_like(query)
    for item in range(len(query)):
        tokens = query[item].transpose(1, 0, 2).reshape(HEIGHT * WIDTH, -1)
        unit = tokens / np.linalg.norm(tokens, axis=1, keepdims=True)
        kept = np.flatnonzero(stays)
        nearest = {other: max(kept, key=lambda stay: unit[other] @ unit[stay]) for other in np.flatnonzero(~stays)}
        order = sorted(nearest, key=lambda other: -(unit[other] @ unit[nearest[other]]))
        into = {int(other): int(nearest[other]) for other in order[:count]}
        for place in range(HEIGHT * WIDTH):
            stands = into.get(place, place)
            group = [stands, *(other for other, target in into.items() if target == stands)]
            for head in range(HEADS):
                asked = query[item, head, group].mean(0)
                shares = np.exp(key[item, head] @ asked / DEPTH**0.5)
                result[item, head, place] = shares / shares.sum() @ value[item, head]
    return result


@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.6, 1.0])
def test_alike_pixels_share_an_answer(ratio: float) -> None:
    given = states()
    made = Merged(TokenMerging(ratio)).attended(given, PLACE, call(), attend)
    stays = staying((HEIGHT, WIDTH), drawn(3.0, PLACE)).numpy()
    expected = by_hand(given, stays, int(HEIGHT * WIDTH * ratio))
    np.testing.assert_allclose(made.numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(6, 8), (7, 9), (1, 5), (2, 2)])
def test_one_of_each_whole_cell_stays(size: tuple[int, int]) -> None:
    stays = staying(size, torch.Generator().manual_seed(0)).view(size)
    rows, columns = size[0] // 2, size[1] // 2
    cells = stays[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2)
    assert (cells.sum((1, 3)) == 1).all()
    assert int(stays.sum()) == rows * columns


def test_which_stay_changes_from_level_to_level_and_from_layer_to_layer() -> None:
    size = (16, 16)
    first = staying(size, drawn(3.0, PLACE))
    assert torch.equal(first, staying(size, drawn(3.0, PLACE)))
    assert not torch.equal(first, staying(size, drawn(2.9, PLACE)))
    assert not torch.equal(first, staying(size, drawn(3.0, Place("input", 2, 0, "self"))))


def test_items_of_a_batch_do_not_know_each_other() -> None:
    given, change = states(), Merged(TokenMerging(0.5))
    whole = change.attended(given, PLACE, call(), attend)
    second = States(given.query[1:], given.key[1:], given.value[1:], given.size)
    torch.testing.assert_close(change.attended(second, PLACE, call(), attend), whole[1:])


@pytest.mark.parametrize(
    ("place", "whole"), [(Place("input", 1, 0, "cross"), (HEIGHT, WIDTH)), (PLACE, (2 * HEIGHT, 2 * WIDTH))]
)
def test_only_self_attention_of_the_latents_own_size_is_changed(place: Place, whole: tuple[int, int]) -> None:
    given = states()
    asked = Call(whole, Context(draw(2, 7, TOKEN)))
    assert torch.equal(Merged(TokenMerging(0.5)).attended(given, place, asked, attend), attend(given))


@pytest.mark.parametrize("size", [(16, 16), (9, 11)])
def test_a_network_is_asked_by_fewer(size: tuple[int, int]) -> None:
    unet, x, tokens = small_unet(), draw(2, 4, *size), draw(2, 7, TOKEN)
    made, plain = ours(unet, x, tokens, Merged(TokenMerging(0.5))), ours(unet, x, tokens)
    assert not torch.allclose(made, plain, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(ours(unet, x, tokens, Merged(TokenMerging(0.0))), plain, rtol=1e-4, atol=1e-5)
