"""Prompts to conditionings, against transformers' `CLIPTextModel` and the formula of weighted prompts."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from diffusion.checkpoint import read_checkpoint
from diffusion.memory import Weights
from diffusion.text.encoding import encode
from diffusion.text.tokens import BEGIN, END
from tests.diffusion.tiny import TEXT_WIDTH, tiny_text_encoder, write_tiny_checkpoint

PHOTO = [320, 1125, 539, 320, 2368]  # "a photo of a cat"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return read_checkpoint(
        write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x"
    ).text_encoder


@pytest.fixture(scope="module")
def weights() -> Weights:
    return Weights("cpu", "fp32")


def nowhere(name: str) -> Path:
    raise FileNotFoundError(name)


def truth(*rows: list[int]):
    ids = torch.tensor([[BEGIN, *row, *[END] * (76 - len(row))] for row in rows])
    return tiny_text_encoder()(ids, output_hidden_states=True)


def test_a_plain_prompt(clip, weights):
    (entry,) = encode("a photo of a cat", clip, weights, nowhere).entries
    assert torch.equal(entry.tokens, truth(PHOTO).last_hidden_state)
    assert torch.equal(entry.pooled, truth(PHOTO).pooler_output)
    assert entry.tokens.dtype == torch.float32


def test_an_empty_prompt(clip, weights):
    (entry,) = encode("", clip, weights, nowhere).entries
    assert torch.equal(entry.tokens, truth([]).last_hidden_state)


def test_weights_move_tokens_away_from_the_empty_prompt(clip, weights):
    (entry,) = encode("a (photo of:1.5) a cat", clip, weights, nowhere).entries
    full, empty = truth(PHOTO).last_hidden_state, truth([]).last_hidden_state
    expected = full.clone()
    expected[:, 2:4] = empty[:, 2:4] + 1.5 * (full[:, 2:4] - empty[:, 2:4])
    torch.testing.assert_close(entry.tokens, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(entry.pooled, truth(PHOTO).pooler_output, rtol=1e-5, atol=1e-5)


def test_a_long_prompt_is_chunks_side_by_side(clip, weights):
    (entry,) = encode("cat " * 80, clip, weights, nowhere).entries
    expected = truth([2368] * 75, [2368] * 5)
    torch.testing.assert_close(
        entry.tokens, expected.last_hidden_state.reshape(1, 154, TEXT_WIDTH), rtol=1e-5, atol=1e-5
    )
    torch.testing.assert_close(entry.pooled, expected.pooler_output[:1], rtol=1e-5, atol=1e-5)


def test_clip_skip_takes_an_earlier_layer(clip, weights):
    (entry,) = encode("a photo of a cat", replace(clip, last_layer=-2), weights, nowhere).entries
    norm = tiny_text_encoder().final_layer_norm
    assert torch.equal(entry.tokens, norm(truth(PHOTO).hidden_states[-2]))
    assert torch.equal(entry.pooled, truth(PHOTO).pooler_output)


def test_an_embedding_takes_part(clip, weights, tmp_path):
    """The vectors of 'photo of', saved as an embedding, give what the words give."""
    table = tiny_text_encoder().embeddings.token_embedding.weight
    save_file({"emb_params": table[[1125, 539]].clone()}, tmp_path / "photo.safetensors")
    (entry,) = encode("a embedding:photo a cat", clip, weights, lambda name: tmp_path / f"{name}.safetensors").entries
    assert torch.equal(entry.tokens, truth(PHOTO).last_hidden_state)


def test_a_missing_embedding_is_an_error(clip, weights):
    with pytest.raises(FileNotFoundError, match="ugly"):
        encode("a embedding:ugly cat", clip, weights, nowhere)
