"""Captions as CLIP tokens, padded as Stable Diffusion 1 pads: begin, text, end, and end again up to 77."""

from collections.abc import Sequence

import torch
from instant_clip_tokenizer import Tokenizer  # pyright: ignore[reportAttributeAccessIssue] — compiled, without stubs
from torch import Tensor

from diffusion.training.networks import BEGIN, END, POSITIONS

__all__ = ["tokens"]


def tokens(captions: Sequence[str]) -> Tensor:
    """Token ids int64 [N, 77]; what does not fit is cut."""
    tokenizer = Tokenizer()
    rows = []
    for text in captions:
        ids = [BEGIN, *tokenizer.encode(text.lower())[: POSITIONS - 2], END]
        rows.append(ids + [END] * (POSITIONS - len(ids)))
    return torch.tensor(rows)
