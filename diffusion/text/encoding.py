"""A prompt as a conditioning: the weighted states of a text encoder."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from diffusion.services import Weights
from diffusion.text.clip import ClipText
from diffusion.text.embeddings import load_embedding
from diffusion.text.tokens import Chunk, chunks, words
from diffusion.values import Conditioning, ConditioningEntry, TextEncoder

__all__ = ["FindEmbedding", "encode"]

FindEmbedding = Callable[[str], Path]
"""Where the file of `embedding:name` is. Raises, with what was searched, where there is none."""


def encode(text: str, clip: TextEncoder, weights: Weights, find_embedding: FindEmbedding) -> Conditioning:
    """Encode a prompt: one entry with tokens float32 [1, 77·chunks, D] and pooled float32 [1, D].

    A token of weight w is moved away from what an empty prompt has in its place: z = z_empty + w · (z − z_empty).
    Chunks stand one after another; the pooled state is that of the first, and knows no weights.
    """
    with weights.lend(clip) as encoder:
        parts = chunks(words(text, lambda name: load_embedding(find_embedding(name), encoder.width)))
        tokens, pooled = _weighted(encoder, parts)
    return Conditioning((ConditioningEntry(tokens, pooled),))


def _weighted(encoder: ClipText, parts: tuple[Chunk, ...]) -> tuple[Tensor, Tensor]:
    if not any(chunk.is_weighted for chunk in parts):
        states, pooled = encoder.states(parts)
    else:
        states, pooled = encoder.states((*parts, Chunk()))
        states, empty, pooled = states[:-1], states[-1:], pooled[:-1]
        factors = torch.ones(states.shape[:2])
        for row, chunk in enumerate(parts):
            factors[row, 1 : 1 + len(chunk.weights)] = torch.tensor(chunk.weights)
        changed = (factors != 1)[:, :, None]
        states = torch.where(changed, empty + factors[:, :, None] * (states - empty), states)
    return states.reshape(1, -1, states.shape[-1]), pooled[:1]
