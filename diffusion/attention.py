"""Attention in a U-Net, layer by layer: scaled dot products, and what changes them."""

from functools import partial
from typing import Any, cast

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from diffusion.architectures import Attention
from diffusion.changes import Call, Place, States, attending
from diffusion.keys_values import KeyValue


class Attending:
    """How one attention layer attends, as diffusers asks its "processors". name: of the layer in its network.

    The arithmetic is softmax(q · kᵀ / √d) · v (Vaswani et al. 2017, eq. 1), in the order of diffusers' own processor,
    so that the bits are the same.
    """

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.place = place

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        call: Call | None = None,
        size: tuple[int, int] | None = None,
    ) -> Tensor:
        """The layer's output [B, N, C]. hidden_states: [B, N, C]. encoder_hidden_states: the tokens [B, T, D], in
        cross-attention. call: what is known of the way through the network. size: (height, width) of the N pixels.
        """
        del attention_mask, temb  # no network here masks tokens, and none tells attention the time
        query = self._heads(attn, attn.to_q(hidden_states))
        seen = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        compute = partial(self._keys_values, attn, seen, call)
        if call is None or call.known is None or encoder_hidden_states is None:
            key, value = compute()
        else:
            key, value = call.known.of(self.name, compute)
        changes, states = () if call is None else call.context.changes, States(query, key, value, size)
        attended = _attend(states) if call is None else attending(states, self.place, call, changes, _attend)
        linear, dropout = cast("Any", attn.to_out)
        return dropout(linear(attended.transpose(1, 2).flatten(2).to(query.dtype)))

    def _keys_values(self, attn: Any, seen: Tensor, call: Call | None) -> KeyValue:
        """Keys and values [B, heads, M, D] of the tokens [B, M, C], or of the picture itself."""
        keyed = valued = seen
        if call is not None:
            for change in call.context.changes:
                keyed, valued = change.projecting(keyed, valued, self.place, call)
        return self._heads(attn, attn.to_k(keyed)), self._heads(attn, attn.to_v(valued))

    @staticmethod
    def _heads(attn: Attention, states: Tensor) -> Tensor:
        batch, count, width = states.shape
        return states.view(batch, count, attn.heads, width // attn.heads).transpose(1, 2)


def _attend(states: States) -> Tensor:
    return scaled_dot_product_attention(states.query, states.key, states.value, dropout_p=0.0, is_causal=False)
