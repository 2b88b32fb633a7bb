"""Token merging: pixels that are like others do not ask self-attention themselves, but take the others' answer.

Bolya & Hoffman 2023, "Token Merging for Fast Stable Diffusion". Merged are those who ask; what can be looked at, keys
and values, stays whole, so that detail is not lost. Only layers at the latent's own size are changed: there are most
pixels, and there attention costs most.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from diffusion.changes import Call, Change, Place, States
from diffusion.drawing import drawn
from diffusion.model_options import TokenMerging
from diffusion.tiled_attention import halvings

CELL = 2
"""Of each square of so many pixels a side one stays; others may be merged into any of those that stay."""


class Merged(Change):
    """Self-attention asked by fewer pixels.

    In each cell of 2 × 2 pixels one is drawn that stays. Which one follows from the noise level and the layer alone,
    and is the same for all items of a batch, so that a run gives the same bits each time.
    """

    def __init__(self, option: TokenMerging) -> None:
        self._option = option

    def attended(self, states: States, place: Place, call: Call, attend: Callable[[States], Tensor]) -> Tensor:
        """The answers of those that asked, each handed to all that it stands for."""
        if place.attends != "self" or states.size is None or halvings(states.size, call.size) > 0:
            return super().attended(states, place, call, attend)
        batch, heads, count, width = states.query.shape
        stays = staying(states.size, drawn(call.context.sigma, place)).to(states.query.device)
        merging = Merging.of(states.query.transpose(1, 2).flatten(2), stays, int(count * self._option.ratio))
        asked = merging.merged(states.query.transpose(1, 2).flatten(2))
        asked = asked.view(batch, -1, heads, width).transpose(1, 2)
        answer = attend(replace(states, query=asked, size=None))
        whole = merging.unmerged(answer.transpose(1, 2).flatten(2))
        return whole.view(batch, count, heads, width).transpose(1, 2)


def staying(size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Which pixels of a picture stay: bool [H·W], one drawn in each whole cell. A margin less than a cell may merge."""
    height, width = size
    rows, columns = height // CELL, width // CELL
    chosen = torch.randint(CELL**2, (rows, columns), generator=generator)
    stays = torch.zeros(height, width, dtype=torch.bool)
    row = torch.arange(rows)[:, None] * CELL + chosen // CELL
    column = torch.arange(columns)[None, :] * CELL + chosen % CELL
    stays[row, column] = True
    return stays.flatten()


class Merging:
    """Which tokens of [B, N, C] are merged into which.

    stays, others: int64 [S], [O], places of tokens that stay, and of all others. leaving: int64 [B, R], places among
    `others` of those that are merged; going: int64 [B, R], places among `stays` into which. keeping: [B, O − R], the
    rest of `others`.
    """

    def __init__(self, stays: Tensor, others: Tensor, leaving: Tensor, going: Tensor, keeping: Tensor) -> None:
        self._stays, self._others = stays, others
        self._leaving, self._going, self._keeping = leaving, going, keeping

    @classmethod
    def of(cls, tokens: Tensor, stays: Tensor, count: int) -> "Merging":
        """The `count` (or all) of those that do not stay which are most like one that does, by the cosine.

        tokens: [B, N, C]. stays: bool [N].
        """
        kept, others = stays.nonzero().flatten(), (~stays).nonzero().flatten()
        if not len(kept):
            count = 0
        direction = torch.nn.functional.normalize(tokens.float(), dim=-1)
        batch = tokens.shape[0]
        if count <= 0 or not len(others):
            none = torch.zeros(batch, 0, dtype=torch.int64, device=tokens.device)
            return cls(kept, others, none, none, torch.arange(len(others), device=tokens.device).expand(batch, -1))
        likeness, nearest = (direction[:, others] @ direction[:, kept].transpose(1, 2)).max(dim=-1)
        order = likeness.argsort(dim=-1, descending=True, stable=True)
        leaving, keeping = order[:, :count], order[:, count:]
        return cls(kept, others, leaving, nearest.gather(1, leaving), keeping)

    def merged(self, tokens: Tensor) -> Tensor:
        """[B, N, C] as [B, N − R, C]: the rest of the others, then those that stay, as means of what they stand for."""
        others, stays = tokens[:, self._others], tokens[:, self._stays]
        leaving = _taken(others, self._leaving)
        width = tokens.shape[-1]
        means = stays.scatter_reduce(1, self._going[..., None].expand(-1, -1, width), leaving, "mean")
        return torch.cat([_taken(others, self._keeping), means], dim=1)

    def unmerged(self, tokens: Tensor) -> Tensor:
        """[B, N − R, C] as [B, N, C]: who was merged has what it was merged into."""
        batch, _, width = tokens.shape
        kept = self._keeping.shape[1]
        rest, stays = tokens[:, :kept], tokens[:, kept:]
        others = tokens.new_empty(batch, len(self._others), width)
        others.scatter_(1, self._keeping[..., None].expand(-1, -1, width), rest)
        others.scatter_(1, self._leaving[..., None].expand(-1, -1, width), _taken(stays, self._going))
        whole = tokens.new_empty(batch, len(self._stays) + len(self._others), width)
        whole[:, self._stays], whole[:, self._others] = stays, others
        return whole


def _taken(tokens: Tensor, places: Tensor) -> Tensor:
    """Tokens [B, N, C] at places [B, M] of each item: [B, M, C]."""
    return tokens.gather(1, places[..., None].expand(-1, -1, tokens.shape[-1]))
