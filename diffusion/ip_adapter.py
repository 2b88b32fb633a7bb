"""IP-Adapters' networks (Ye et al. 2023): what CLIP sees in a picture becomes tokens, and these keys and values of
cross-attention. Modules and their weights are named as in the files.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from diffusion.families.ip_adapter import HEAD_WIDTH
from diffusion.lease import Lease
from diffusion.tensors import Residence

KeysValues = tuple[Tensor, Tensor]
"""Keys and values [N, T, width] of one layer."""


class PlainProjection(nn.Module):
    """A picture's vector [N, seen] → `count` tokens [N, count, tokens] (§3.2.1)."""

    def __init__(self, seen: int, tokens: int, count: int) -> None:
        super().__init__()
        self.proj = nn.Linear(seen, count * tokens)
        self.norm = nn.LayerNorm(tokens)

    def forward(self, seen: Tensor) -> Tensor:
        """The tokens."""
        return self.norm(self.proj(seen).unflatten(1, (-1, self.norm.normalized_shape[0])))


class FullProjection(nn.Module):
    """States of patches [N, T, seen] → a token each [N, T, tokens]."""

    def __init__(self, seen: int, tokens: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Sequential(nn.Linear(seen, inner), nn.GELU(), nn.Linear(inner, tokens), nn.LayerNorm(tokens))

    def forward(self, seen: Tensor) -> Tensor:
        """The tokens."""
        return self.proj(seen)


class Resampler(nn.Module):
    """States of patches [N, T, seen] → `count` tokens [N, count, tokens] that ask them (Alayrac et al. 2022)."""

    def __init__(self, seen: int, tokens: int, count: int, width: int, heads: int, inner: int, depth: int) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.empty(1, count, width))
        self.proj_in = nn.Linear(seen, width)
        self.proj_out = nn.Linear(width, tokens)
        self.norm_out = nn.LayerNorm(tokens)
        self.layers = nn.ModuleList(
            nn.ModuleList([PerceiverAttention(width, heads), _feed_forward(width, inner)]) for _ in range(depth)
        )

    def forward(self, seen: Tensor) -> Tensor:
        """The tokens."""
        states = self.proj_in(seen)
        latents = self.latents.expand(len(seen), -1, -1)
        for layer in self.layers:
            attention, feed_forward = layer.children()
            latents = latents + attention(states, latents)
            latents = latents + feed_forward(latents)
        return self.norm_out(self.proj_out(latents))


class PerceiverAttention(nn.Module):
    """Latents [N, L, width] attend to states [N, T, width] and to themselves."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, heads * HEAD_WIDTH, bias=False)
        self.to_kv = nn.Linear(width, 2 * heads * HEAD_WIDTH, bias=False)
        self.to_out = nn.Linear(heads * HEAD_WIDTH, width, bias=False)

    def forward(self, states: Tensor, latents: Tensor) -> Tensor:
        """What the latents take up, [N, L, width]."""
        states, latents = self.norm1(states), self.norm2(latents)
        key, value = self.to_kv(torch.cat([states, latents], dim=1)).chunk(2, dim=-1)
        query, key, value = (
            each.unflatten(-1, (self.heads, HEAD_WIDTH)).transpose(1, 2) for each in (self.to_q(latents), key, value)
        )
        return self.to_out(scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class Projections(nn.Module):
    """Keys and values of one cross-attention layer."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.to_k_ip = nn.Linear(tokens, width, bias=False)
        self.to_v_ip = nn.Linear(tokens, width, bias=False)


class AdapterNetwork(nn.Module):
    """An IP-Adapter. config: of its `Component`."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        sizes = {name: value for name, value in config.items() if name not in ("kind", "numbers", "widths")}
        self.image_proj = {"plain": PlainProjection, "full": FullProjection, "plus": Resampler}[config["kind"]](**sizes)
        layers = zip(config["numbers"], config["widths"], strict=True)
        self.ip_adapter = nn.ModuleDict({str(number): Projections(config["tokens"], width) for number, width in layers})

    def forward(self, seen: Tensor) -> tuple[Tensor, ...]:
        """Of what CLIP has seen [N, …], keys and values of all layers in turn."""
        tokens = self.image_proj(seen)
        found = list[Tensor]()
        for layer in self.ip_adapter.values():
            found += [linear(tokens) for linear in layer.children()]
        return tuple(found)


def _feed_forward(width: int, inner: int) -> nn.Module:
    return nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, inner, bias=False), nn.GELU(), nn.Linear(inner, width, bias=False)
    )


class PictureKeys:
    """What `Weights.lend(ip_adapter)` gives."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._lease.residence.device

    def __call__(self, seen: Tensor) -> list[KeysValues]:
        """Keys and values [N, T, width] for each of the adapter's layers, where and in the number type in which
        networks compute. seen: what CLIP saw in N pictures, vectors [N, P] or states [N, T, D] as the kind takes.
        """

        def forward(network: nn.Module, residence: Residence) -> tuple[Tensor, ...]:
            return network(seen.to(residence.device, residence.dtype))

        found = self._lease.compute(forward)
        return list(zip(found[::2], found[1::2], strict=True))
