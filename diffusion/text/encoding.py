"""A prompt as a conditioning: the weighted states of a text encoder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from diffusion.checkpoint import text_part
from diffusion.families import Part, family_named
from diffusion.hooking import encoders_of
from diffusion.services import Weights
from diffusion.text.clip import ClipText
from diffusion.text.embeddings import load_embedding
from diffusion.text.tokens import Chunk, Word, chunks, words
from diffusion.values import Conditioning, ConditioningEntry, TextEncoder

__all__ = ["FindEmbedding", "encode"]

FindEmbedding = Callable[[str], Path]
"""Where the file of `embedding:name` is. Raises, with what was searched, where there is none."""


Rewrite = Callable[[Sequence[Word]], Sequence[Word]]
"""What becomes of a prompt's words before they are encoded."""


def encode(
    text: str | Mapping[Part, str],
    clip: TextEncoder,
    weights: Weights,
    find_embedding: FindEmbedding,
    rewrite: Rewrite | None = None,
) -> Conditioning:
    """Encode a prompt: one entry with tokens float32 [1, 77·chunks, D] and pooled float32 [1, P].

    A token of weight w is moved away from what an empty prompt has in its place: z = z_empty + w · (z − z_empty).
    Chunks stand one after another; the pooled state is that of the first, and knows no weights. Of several encoders
    the states stand side by side, the shorter ones with empty chunks behind them; the pooled state is the last one's.
    text: one for all encoders, or one for each. An encoder with hooks on a schedule gives an entry for each part of
    sampling in which they stay the same. rewrite: is asked for each encoder. Raises WeightFileError, naming both sides,
    for a hook of another family; ValueError where a text would be read by no encoder.
    """
    if not isinstance(text, str):
        _check_encoders(text, clip)
    carried = clip.hooks.hooks if clip.hooks is not None and clip.hooks.carried else ()
    return Conditioning(
        tuple(
            replace(
                _entry(text, encoder, weights, find_embedding, rewrite), start=span.start, end=span.end, hooks=carried
            )
            for encoder, span in encoders_of(clip)
        )
    )


def _check_encoders(texts: Mapping[Part, str], clip: TextEncoder) -> None:
    """Of texts that are the same, one may have no encoder."""
    parts = {text_part(file) for file in clip.files}
    read = {text for part, text in texts.items() if part in parts}
    if not parts <= set(texts) or not set(texts.values()) <= read:
        name = Path(clip.files[0].path).name
        raise ValueError(
            f"A text was given for each of {len(texts)} encoders, as SDXL has them, but the CLIP of '{name}' is that "
            f"of {family_named(clip.family).title}, which has {'others' if len(clip.files) > 1 else 'one'}. Encode one "
            "text with 'CLIP Text Encode (Prompt)', or connect the CLIP of an SDXL checkpoint."
        )


def _entry(
    text: str | Mapping[Part, str],
    clip: TextEncoder,
    weights: Weights,
    find_embedding: FindEmbedding,
    rewrite: Rewrite | None,
) -> ConditioningEntry:
    encoders = clip.encoders
    encoded = []
    for recipe in encoders:
        one = text if isinstance(text, str) else text[text_part(recipe.files[0])]
        with weights.lend(recipe) as encoder:
            width = encoder.width
            read = tuple(words(one, lambda name, width=width: load_embedding(find_embedding(name), width)))
            parts = chunks(read if rewrite is None else rewrite(read))
            encoded.append(_weighted(encoder, parts, filled=len(encoders) > 1))
    length = max(len(item.states) for item in encoded)
    states = [torch.cat([item.states, *[item.empty] * (length - len(item.states))]) for item in encoded]
    tokens = torch.cat(states, dim=2).flatten(0, 1)[None]
    return ConditioningEntry(tokens, encoded[-1].pooled)


class _Encoded(NamedTuple):
    """Chunks in one encoder: their states [n, 77, D], those of an empty chunk [1, 77, D], the first's pooled state."""

    states: Tensor
    empty: Tensor
    pooled: Tensor


def _weighted(encoder: ClipText, parts: tuple[Chunk, ...], *, filled: bool) -> _Encoded:
    """filled: an empty chunk may be wanted behind these."""
    weighted = any(chunk.is_weighted for chunk in parts)
    if not weighted and not filled:
        states, pooled = encoder.states(parts)
        return _Encoded(states, states[:0], pooled[:1])
    states, pooled = encoder.states((*parts, Chunk()))
    states, empty = states[:-1], states[-1:]
    if weighted:
        factors = torch.ones(states.shape[:2])
        for row, chunk in enumerate(parts):
            factors[row, 1 : 1 + len(chunk.weights)] = torch.tensor(chunk.weights)
        changed = (factors != 1)[:, :, None]
        states = torch.where(changed, empty + factors[:, :, None] * (states - empty), states)
    return _Encoded(states, empty, pooled[:1])
