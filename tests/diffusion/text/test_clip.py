"""The text model against transformers' `CLIPTextModel` on the same weights."""

import pytest
import torch

from diffusion.checkpoint import read_checkpoint
from diffusion.memory import Weights
from diffusion.text.tokens import BEGIN, END, Chunk
from tests.diffusion.tiny import TEXT_WIDTH, tiny_text_encoder, write_tiny_checkpoint


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return read_checkpoint(
        write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x"
    ).text_encoder


def padded(items: tuple[int, ...]) -> list[int]:
    return [BEGIN, *items, *[END] * (76 - len(items))]


ITEMS = [(320, 1125, 539), (), tuple(range(1000, 1075))]
CHUNKS = [Chunk(items, (1.0,) * len(items)) for items in ITEMS]


@pytest.mark.parametrize("layer", [None, -1, -2, -3])
def test_states_are_those_of_the_module(recipe, layer):
    clip = tiny_text_encoder()
    truth = clip(torch.tensor([padded(items) for items in ITEMS]), output_hidden_states=True)
    expected = clip.final_layer_norm(truth.hidden_states[layer or -1])
    with Weights("cpu", "fp32").lend(type(recipe)(recipe.family, recipe.files, layer)) as encoder:
        states, pooled = encoder.states(CHUNKS)
    assert torch.equal(states, expected)
    assert torch.equal(pooled, truth.pooler_output)


def test_a_vector_in_place_of_a_token(recipe):
    """The vector of token 320, given as a vector, gives what token 320 gives."""
    clip = tiny_text_encoder()
    vector = clip.embeddings.token_embedding.weight[320]
    with Weights("cpu", "fp32").lend(recipe) as encoder:
        assert (encoder.width, encoder.layers) == (TEXT_WIDTH, 3)
        by_vector = encoder.states([Chunk((1125, vector, 539), (1.0,) * 3)])
        by_token = encoder.states([Chunk((1125, 320, 539), (1.0,) * 3)])
    assert torch.equal(by_vector[0], by_token[0])
    assert torch.equal(by_vector[1], by_token[1])


@pytest.mark.parametrize("layer", [-4, 0, 1])
def test_a_layer_that_is_not_there_is_an_error(recipe, layer):
    recipe = type(recipe)(recipe.family, recipe.files, layer)
    sentence = f"has 3 layers; the last layer must be in -3..-1, not {layer}"
    with pytest.raises(ValueError, match=sentence), Weights("cpu", "fp32").lend(recipe):
        pass
