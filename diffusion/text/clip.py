"""CLIP's text model (Radford et al. 2021), ready to be asked: chunks of tokens in, states out."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from diffusion.families import TextStates
from diffusion.lease import Lease
from diffusion.tensors import Residence
from diffusion.text.tokens import BEGIN, END, LENGTH, Chunk


class ClipText:
    """What `Weights.lend(text_encoder)` gives.

    taken: what of it its family uses. last_layer: whose states are taken instead, −1 the last; None: the family's own.
    """

    def __init__(self, lease: Lease, taken: TextStates, last_layer: int | None) -> None:
        self._lease = lease
        self._taken = taken
        self._last_layer = taken.layer if last_layer is None else last_layer
        if not -self.layers <= self._last_layer <= -1:
            raise ValueError(
                f"This text encoder has {self.layers} layers; the last layer must be in "
                f"-{self.layers}..-1, not {last_layer}."
            )

    @property
    def layers(self) -> int:
        """How many layers it has."""
        return len(self._lease.run.get_submodule("encoder.layers"))  # pyright: ignore[reportArgumentType] — a ModuleList

    @property
    def width(self) -> int:
        """The width D of its token vectors and of its states."""
        return self._lease.run.get_parameter("final_layer_norm.weight").shape[0]

    def states(self, chunks: Sequence[Chunk]) -> tuple[Tensor, Tensor]:
        """States of each chunk's 77 positions, float32 [N, 77, D], and each chunk's pooled state, float32 [N, P]; on
        the CPU.

        The states are those of the chosen layer, through the final norm where the family wants that; the pooled state
        is the last layer's at the first end token, through the final norm and the projection, if there is one.
        """
        ids = torch.tensor([_ids(chunk, self._taken.padding) for chunk in chunks])
        ends = torch.tensor([1 + len(chunk.items) for chunk in chunks])

        def forward(clip: nn.Module, residence: Residence) -> tuple[Tensor, ...]:
            vectors = clip.get_submodule("embeddings.token_embedding")(ids.to(residence.device))
            for row, chunk in enumerate(chunks):
                for column, item in enumerate(chunk.items, start=1):
                    if isinstance(item, Tensor):
                        vectors[row, column] = item.to(vectors)
            hidden = clip.get_submodule("embeddings")(inputs_embeds=vectors)
            outputs = []
            for layer in clip.get_submodule("encoder.layers").children():
                hidden = layer(hidden, None, is_causal=True)
                outputs.append(hidden)
            norm = clip.get_submodule("final_layer_norm")
            last = norm(outputs[-1])
            chosen = outputs[self._last_layer]
            if self._taken.normed:
                chosen = last if self._last_layer == -1 else norm(chosen)
            pooled = last[torch.arange(len(chunks)), ends.to(residence.device)]
            if hasattr(clip, "text_projection"):
                pooled = clip.get_submodule("text_projection")(pooled)
            return chosen, pooled

        states, pooled = self._lease.compute(forward)
        return states.float().cpu(), pooled.float().cpu()


def _ids(chunk: Chunk, padding: int) -> list[int]:
    """The 77 token numbers of a chunk; where a vector stands, any."""
    items = [item if isinstance(item, int) else 0 for item in chunk.items]
    return [BEGIN, *items, END, *[padding] * (LENGTH - len(items))]
