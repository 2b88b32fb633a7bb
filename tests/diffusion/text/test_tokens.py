"""Chunks of 75 tokens; the tokens themselves are CLIP's published ones."""

import pytest
import torch

from diffusion.text.tokens import BEGIN, END, LENGTH, Word, chunks, words


def no_embedding(name: str) -> torch.Tensor:
    raise AssertionError(f"'{name}' was looked for")


def ids(prompt: str) -> list[int]:
    return [item for word in words(prompt, no_embedding) for item in word.items]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        # from CLIP's own tokeniser (github.com/openai/CLIP, simple_tokenizer.py with its vocabulary)
        ("a photo of a cat", [320, 1125, 539, 320, 2368]),
        ("hello world", [3306, 1002]),
        ("A  Photo\nof\ta CAT", [320, 1125, 539, 320, 2368]),
        ("", []),
        ("   ", []),
    ],
)
def test_tokens_are_those_of_clip(prompt, expected):
    assert ids(prompt) == expected


def test_begin_and_end_are_those_of_clip():
    assert (BEGIN, END) == (49406, 49407)


def test_brackets_make_weights_not_tokens():
    read = list(words("a (photo of:1.5) a ((cat))", no_embedding))
    assert [item for word in read for item in word.items] == ids("a photo of a cat")
    assert [word.weight for word in read] == pytest.approx([1, 1.5, 1.5, 1, 1.21])


def word(length: int, weight: float = 1.0) -> Word:
    return Word(tuple(range(length)), weight)


def lengths(*parts: Word) -> list[int]:
    return [len(chunk.items) for chunk in chunks(parts)]


def test_an_empty_prompt_is_one_empty_chunk():
    assert lengths() == [0]


def test_75_tokens_fill_a_chunk():
    assert lengths(*[word(1)] * 75) == [75]
    assert lengths(*[word(1)] * 76) == [75, 1]
    assert lengths(*[word(1)] * 151) == [75, 75, 1]


def test_a_short_word_moves_to_the_next_chunk_whole():
    assert lengths(*[word(1)] * 73, word(3)) == [73, 3]
    assert lengths(*[word(1)] * 73, word(7)) == [73, 7]


def test_a_long_word_is_split():
    assert lengths(*[word(1)] * 73, word(8)) == [75, 6]
    assert lengths(word(200)) == [75, 75, 50]


def test_weights_follow_their_tokens():
    first, second = chunks([*[word(1)] * 74, word(10, 1.5)])
    assert first.weights == (1.0,) * 74 + (1.5,)
    assert second.weights == (1.5,) * 9
    assert second.items == tuple(range(1, 10))
    assert first.is_weighted
    assert not chunks([word(LENGTH)])[0].is_weighted


@pytest.mark.parametrize(
    ("prompt", "name", "rest"),
    [
        ("a embedding:ugly cat", "ugly", [320, 2368]),
        ("a (embedding:sub/ugly.pt:1.2) cat", "sub/ugly.pt", [320, 2368]),
        ("a embedding:ugly, cat", "ugly", [320, 267, 2368]),
        ("a cat embedding:ugly.", "ugly", [320, 2368, 269]),
    ],
)
def test_an_embedding_stands_like_a_word(prompt, name, rest):
    vectors = torch.arange(6.0).reshape(2, 3)
    asked = []
    read = list(words(prompt, lambda wanted: asked.append(wanted) or vectors))
    items = [item for word in read for item in word.items]
    assert asked == [name]
    assert [item for item in items if isinstance(item, int)] == rest
    assert torch.equal(torch.stack([item for item in items if not isinstance(item, int)]), vectors)
