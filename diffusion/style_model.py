"""Style models (T2I-Adapter, Mou et al. 2023): what CLIP sees in a picture becomes tokens beside those of the text."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from diffusion.families import attending_to
from diffusion.families.style_model import component
from diffusion.lease import Lease
from diffusion.services import Weights
from diffusion.tensors import Residence
from diffusion.values import ClipVisionOutput, Conditioning, ConditioningEntry, StyleModel

StrengthType = Literal["multiply", "attn_bias"]


class StyleNetwork(nn.Module):
    """States of patches [N, T, width] → `tokens` tokens [N, tokens, context]: a transformer over both, of which the
    tokens' own states are kept. Weights are named as in the files.
    """

    def __init__(self, width: int, tokens: int, context: int, layers: int, heads: int) -> None:
        super().__init__()
        self.style_embedding = nn.Parameter(torch.empty(1, tokens, width))
        self.proj = nn.Parameter(torch.empty(width, context))
        self.ln_pre = nn.LayerNorm(width)
        self.ln_post = nn.LayerNorm(width)
        self.transformer_layes = nn.ModuleList(StyleLayer(width, heads) for _ in range(layers))

    def forward(self, seen: Tensor) -> Tensor:
        """The tokens."""
        asking = self.style_embedding.expand(len(seen), -1, -1)
        states = self.ln_pre(torch.cat([seen, asking], dim=1))
        for layer in self.transformer_layes:
            states = layer(states)
        return self.ln_post(states[:, -asking.shape[1] :]) @ self.proj


class StyleLayer(nn.Module):
    """A transformer layer as CLIP has them: norms first, and x · sigmoid(1.702 x) for GELU."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = FusedAttention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})

    def forward(self, states: Tensor) -> Tensor:
        """States [N, T, width] behind it."""
        states = states + self.attn(self.ln_1(states))
        inner = self.mlp["c_fc"](self.ln_2(states))
        return states + self.mlp["c_proj"](inner * torch.sigmoid(1.702 * inner))


class FusedAttention(nn.Module):
    """Self-attention whose queries, keys and values come from one matrix."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, states: Tensor) -> Tensor:
        """What states [N, T, width] take up of each other."""
        fused = nn.functional.linear(states, self.in_proj_weight, self.in_proj_bias)
        query, key, value = (each.unflatten(-1, (self.heads, -1)).transpose(1, 2) for each in fused.chunk(3, dim=-1))
        return self.out_proj(scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class Stylist:
    """What `Weights.lend(style_model)` gives."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def __call__(self, states: Tensor) -> Tensor:
        """Tokens float32 [N, tokens, context] on the CPU of states of patches [N, T, width]."""

        def forward(network: nn.Module, residence: Residence) -> Tensor:
            return network(states.to(residence.device, residence.dtype))

        return self._lease.compute(forward).to("cpu", torch.float32)


def styled(
    conditioning: Conditioning,
    style_model: StyleModel,
    seen: ClipVisionOutput,
    weights: Weights,
    strength: float = 1.0,
    strength_type: StrengthType = "multiply",
) -> Conditioning:
    """The conditioning with a style's tokens behind each entry's own, those of several pictures side by side.

    strength: times the tokens. Raises ValueError, naming both sides, where the style model was made for another CLIP or
    another kind of model, and for a strength of another type than "multiply" other than 1.
    """
    name, config = Path(style_model.file.path).name, component(style_model.file).config
    if strength_type == "attn_bias" and strength != 1:
        raise ValueError(
            "A strength of the type 'attn_bias' is for models with joint attention, which style adapters of Stable "
            "Diffusion 1 have not. Use 'multiply', or strength 1."
        )
    width = seen.last_hidden.shape[2]
    if width != config["width"]:
        raise ValueError(
            f"The style model '{name}' takes states of width {config['width']}, but the CLIP vision model gave states "
            f"of width {width}. Encode the picture with CLIP ViT-L."
        )
    wrong = next((entry for entry in conditioning.entries if entry.tokens.shape[2] != config["context"]), None)
    if wrong is not None:
        known = attending_to(wrong.tokens.shape[2])
        raise ValueError(
            f"The style model '{name}' makes tokens of width {config['context']}, but the conditioning has tokens of "
            f"width {wrong.tokens.shape[2]}{known and f' ({known})'}. Use it with a model of Stable Diffusion 1."
        )
    with weights.lend(style_model) as stylist:
        tokens = stylist(seen.last_hidden).flatten(0, 1)[None] * strength

    def with_style(entry: ConditioningEntry) -> ConditioningEntry:
        return replace(entry, tokens=torch.cat([entry.tokens, tokens.expand(len(entry.tokens), -1, -1)], dim=1))

    return Conditioning(tuple(with_style(entry) for entry in conditioning.entries))
