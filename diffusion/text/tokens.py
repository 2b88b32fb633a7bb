"""From a prompt to chunks of 75 CLIP tokens, each with its weight. Loads no torch."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from instant_clip_tokenizer import Tokenizer  # pyright: ignore[reportAttributeAccessIssue] — compiled, without stubs

from diffusion.text.prompt import parse

if TYPE_CHECKING:
    from torch import Tensor

BEGIN, END = 49406, 49407
"""CLIP's begin-of-text and end-of-text; OpenAI's models fill up with the latter, OpenCLIP's with 0."""

LENGTH = 75
"""Tokens of a chunk, without begin and end."""

LONG_WORD = 8
"""Words of so many tokens are split at the end of a chunk; shorter ones move to the next chunk whole."""

Item: TypeAlias = "int | Tensor"
"""A token's number in CLIP's vocabulary, or a learnt vector, float32 [D], in its place."""

_EMBEDDING = re.compile(r"embedding:([^\s,]+)")


@dataclass(frozen=True, eq=False)
class Word:
    """What must not be torn apart without need: a word, or a textual inversion, and its weight."""

    items: tuple[Item, ...]
    weight: float


@dataclass(frozen=True, eq=False)
class Chunk:
    """At most 75 items with their weights, without begin, end and filling."""

    items: tuple[Item, ...] = ()
    weights: tuple[float, ...] = ()

    @property
    def is_weighted(self) -> bool:
        """Whether any weight is not 1."""
        return any(weight != 1 for weight in self.weights)


def words(prompt: str, embedding: Callable[[str], Iterable[Any]]) -> Iterable[Word]:
    """The words of a prompt. embedding: the vectors [n, D] of what the prompt names as `embedding:name`."""
    for piece in parse(prompt):
        for text in piece.text.split():
            named = _EMBEDDING.match(text)
            if named is None:
                yield Word(tuple(_tokenizer().encode(text)), piece.weight)
                continue
            name = named[1].rstrip(".;:!?") or named[1]
            yield Word(tuple(embedding(name)), piece.weight)
            rest = text[named.start(1) + len(name) :]
            if rest:
                yield Word(tuple(_tokenizer().encode(rest)), piece.weight)


def chunks(parts: Iterable[Word]) -> tuple[Chunk, ...]:
    """Fill chunks of 75 in order; at least one, which is empty for an empty prompt."""
    filled: list[list[tuple[Item, float]]] = [[]]
    for word in parts:
        pending = [(item, word.weight) for item in word.items]
        while pending:
            free = LENGTH - len(filled[-1])
            if len(pending) <= free:
                filled[-1] += pending
                break
            if len(word.items) >= LONG_WORD:
                filled[-1] += pending[:free]
                pending = pending[free:]
            filled.append([])
    return tuple(Chunk(tuple(item for item, _ in chunk), tuple(weight for _, weight in chunk)) for chunk in filled)


@cache
def _tokenizer() -> Tokenizer:
    return Tokenizer()
