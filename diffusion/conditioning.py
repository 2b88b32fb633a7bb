"""Operations on conditionings: joining, blending, and restricting where, when and how strongly a prompt holds.

None of them changes what it is given. An operation on a combined conditioning applies to each of its entries.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

from diffusion.families import attending_to, families
from diffusion.hooks import Hooks, joined
from diffusion.values import Area, Conditioning, ConditioningEntry, Model, Shown, SizeConditioning


def combine(first: Conditioning, second: Conditioning) -> Conditioning:
    """Both conditionings side by side: each is asked on its own, and where they overlap the answers are averaged."""
    return Conditioning(first.entries + second.entries)


def concatenate(to: Conditioning, extra: Conditioning) -> Conditioning:
    """`to` with the tokens of `extra`'s first entry behind its own, so that the network attends to both texts at once.

    Everything else (pooled output, area, range, …) stays that of `to`. Raises ValueError when `extra` is empty or the
    tokens' widths differ.
    """
    appended = _first(extra, "appended").tokens

    def joined(entry: ConditioningEntry) -> ConditioningEntry:
        _same_width(entry.tokens, appended)
        return replace(entry, tokens=torch.cat(_same_batch(entry.tokens, appended), dim=1))

    return _each(to, joined)


def average(to: Conditioning, other: Conditioning, strength: float) -> Conditioning:
    """`strength` (0..1) of `to` and the rest of `other`'s first entry, token by token.

    `other` is cut, or filled up with zeros, to the number of tokens of `to`. Pooled outputs are blended alike; one that
    only one side has is taken as it is. Raises ValueError when `other` is empty or the tokens' widths differ.
    """
    source = _first(other, "blended in")

    def blended(entry: ConditioningEntry) -> ConditioningEntry:
        _same_width(entry.tokens, source.tokens)
        length = entry.tokens.shape[1]
        fitted = source.tokens[:, :length]
        fitted = pad(fitted, (0, 0, 0, length - fitted.shape[1]))
        if entry.pooled is None or source.pooled is None:
            pooled = source.pooled if entry.pooled is None else entry.pooled
        else:
            pooled = entry.pooled * strength + source.pooled * (1 - strength)
        return replace(entry, tokens=entry.tokens * strength + fitted * (1 - strength), pooled=pooled)

    return _each(to, blended)


def read_by_controls(conditioning: Conditioning, text: Conditioning) -> Conditioning:
    """With a text of its own for control networks: that of the first entry of `text`. The denoiser reads its own.

    Raises ValueError where that is empty.
    """
    read = _first(text, "read by the ControlNet")
    return _each(conditioning, lambda entry: replace(entry, control_tokens=read.tokens, control_pooled=read.pooled))


def restrict_to_area(conditioning: Conditioning, area: Area, strength: float) -> Conditioning:
    """Valid only in a rectangle of the picture, with `strength` as its weight where entries overlap."""
    return _each(conditioning, lambda entry: replace(entry, area=area, strength=strength, mask_bounds=False))


def enlarged(conditioning: Conditioning, down: float, across: float) -> Conditioning:
    """For a latent so many times as high and as wide: areas in pixels grow with it."""

    def grown(entry: ConditioningEntry) -> ConditioningEntry:
        area = entry.area
        if area is None or area.relative:
            return entry
        return replace(entry, area=Area(area.height * down, area.width * across, area.y * down, area.x * across))

    return _each(conditioning, grown)


def weighted(conditioning: Conditioning, strength: float) -> Conditioning:
    """With `strength` as its weight where entries overlap."""
    return _each(conditioning, lambda entry: replace(entry, strength=strength))


def restrict_to_mask(
    conditioning: Conditioning, mask: Tensor, strength: float, *, bounds: bool = False
) -> Conditioning:
    """Valid only where `mask` (float32 [B, H, W] in 0..1, any resolution) says, with weight mask · `strength`.

    bounds: the network sees only the mask's bounding box, instead of the whole picture.
    """
    return _each(conditioning, lambda entry: replace(entry, mask=mask, mask_strength=strength, mask_bounds=bounds))


def restrict_to_range(conditioning: Conditioning, start: float, end: float) -> Conditioning:
    """Valid only from `start` to `end` of the way from noise (0) to picture (1). Raises ValueError as `check_range`."""
    check_range("prompt", start, end)
    return _each(conditioning, lambda entry: replace(entry, start=start, end=end))


def carrying(conditioning: Conditioning, hooks: Hooks) -> Conditioning:
    """With these hooks, too; those that an entry has already count once."""
    return _each(conditioning, lambda entry: replace(entry, hooks=joined(entry.hooks, hooks.hooks)))


def as_default(conditioning: Conditioning) -> Conditioning:
    """With a say only where the others on its side leave room."""
    return _each(conditioning, lambda entry: replace(entry, is_default=True))


def told_sizes(conditioning: Conditioning, size: SizeConditioning) -> Conditioning:
    """For a model that knows sizes: what it is told of the picture."""
    return _each(conditioning, lambda entry: replace(entry, size=size))


def showing(conditioning: Conditioning, shown: Shown, *, anew: bool = True) -> Conditioning:
    """For a model that is shown a picture beside the noisy latent: that picture. anew: also where there is one."""
    return _each(conditioning, lambda entry: replace(entry, shown=shown) if anew or entry.shown is None else entry)


def zero_out(conditioning: Conditioning) -> Conditioning:
    """The same conditioning with all-zero tokens and pooled output: no text at all, which an empty text is not."""

    def zeroed(entry: ConditioningEntry) -> ConditioningEntry:
        pooled = None if entry.pooled is None else torch.zeros_like(entry.pooled)
        return replace(entry, tokens=torch.zeros_like(entry.tokens), pooled=pooled)

    return _each(conditioning, zeroed)


def check_range(what: str, start: float, end: float) -> None:
    """Raise ValueError where a part of sampling, in 0..1, ends before it begins. what: holds in it."""
    if start > end:
        raise ValueError(
            f"The {what} is to hold from {start:g} to {end:g} of the sampling, which ends before it begins, so that it "
            "would never hold. Exchange the two, or leave it out."
        )


def require_fit(conditionings: Sequence[Conditioning], model: Model, width: int) -> None:
    """Raise ValueError, naming both sides, where a prompt was encoded for another kind of model. width: of the tokens
    that the model attends to.
    """
    entries = (entry for given in conditionings for entry in given.entries)
    wrong = next((entry for entry in entries if entry.tokens.shape[2] != width), None)
    if wrong is not None:
        given = wrong.tokens.shape[2]
        known, family = attending_to(given), families().get(model.family)
        raise ValueError(
            f"The conditioning was made for another model: its tokens are {given} wide{known and f' ({known})'}, but "
            f"'{Path(model.file.path).name}' is a model of {family.title if family else model.family} and attends to "
            f"tokens of width {width}. Encode the text with the CLIP of that model."
        )


def _each(conditioning: Conditioning, change: Callable[[ConditioningEntry], ConditioningEntry]) -> Conditioning:
    return Conditioning(tuple(change(entry) for entry in conditioning.entries))


def _first(conditioning: Conditioning, role: str) -> ConditioningEntry:
    if not conditioning.entries:
        raise ValueError(f"The conditioning to be {role} is empty: it has no entries. Connect an encoded prompt.")
    return conditioning.entries[0]


def _same_width(to: Tensor, other: Tensor) -> None:
    if to.shape[2] != other.shape[2]:
        raise ValueError(
            f"Conditionings of different models do not mix: one has tokens of width {to.shape[2]}, the other of width "
            f"{other.shape[2]}. Encode both texts with the same CLIP."
        )


def _same_batch(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Both with the larger one's number of items; a single item is shared by all."""
    items = max(first.shape[0], second.shape[0])
    return first.expand(items, -1, -1), second.expand(items, -1, -1)
