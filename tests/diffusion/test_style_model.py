"""Style models against the same network put together from torch's own layers."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear

from diffusion.families.style_model import component, read_style_model
from diffusion.header import WeightFileError
from diffusion.memory import Weights
from diffusion.style_model import StyleNetwork, styled
from diffusion.values import ClipVisionOutput, Conditioning, ConditioningEntry
from tests.diffusion.tiny import seeded, write_tiny_checkpoint

WEIGHTS = Weights("cpu", "fp32")
WIDTH, CONTEXT, TOKENS, LAYERS, HEADS = 64, 32, 3, 2, 4
SEEN = ClipVisionOutput(
    torch.zeros(2, 8),
    torch.rand(2, 5, WIDTH, generator=torch.Generator().manual_seed(1)),
    torch.zeros(2, 5, WIDTH),
)


def tensors() -> dict[str, Tensor]:
    return seeded(StyleNetwork(WIDTH, TOKENS, CONTEXT, LAYERS, HEADS), 60).state_dict()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    said = {"noisewright.config": json.dumps({"style_model": {"attention_heads": HEADS}})}
    save_file(tensors(), tmp_path / "style.safetensors", metadata=said)
    return tmp_path / "style.safetensors"


@torch.no_grad()
def truth(states: Tensor) -> Tensor:
    """The published network, sequence first, with torch's multi-head attention."""
    weights = tensors()

    def norm(values: Tensor, name: str) -> Tensor:
        return layer_norm(values, (WIDTH,), weights[f"{name}.weight"], weights[f"{name}.bias"])

    asking = weights["style_embedding"].expand(len(states), -1, -1)
    x = norm(torch.cat([states, asking], dim=1), "ln_pre").permute(1, 0, 2)
    for number in range(LAYERS):
        stem = f"transformer_layes.{number}."
        attention = nn.MultiheadAttention(WIDTH, HEADS)
        attention.load_state_dict(
            {
                name.removeprefix(f"{stem}attn."): each
                for name, each in weights.items()
                if name.startswith(f"{stem}attn.")
            }
        )
        normed = norm(x, f"{stem}ln_1")
        x = x + attention(normed, normed, normed, need_weights=False)[0]
        inner = linear(norm(x, f"{stem}ln_2"), weights[f"{stem}mlp.c_fc.weight"], weights[f"{stem}mlp.c_fc.bias"])
        gated = inner * torch.sigmoid(1.702 * inner)
        x = x + linear(gated, weights[f"{stem}mlp.c_proj.weight"], weights[f"{stem}mlp.c_proj.bias"])
    return norm(x.permute(1, 0, 2)[:, -TOKENS:], "ln_post") @ weights["proj"]


def text(batch: int = 1, width: int = CONTEXT) -> Conditioning:
    return Conditioning((ConditioningEntry(torch.ones(batch, 4, width)),))


def test_a_style_s_tokens_stand_behind_the_text(path):
    (entry,) = styled(text(2), read_style_model(path, "s"), SEEN, WEIGHTS, strength=0.5).entries
    assert entry.tokens.shape == (2, 4 + 2 * TOKENS, CONTEXT)
    assert torch.equal(entry.tokens[:, :4], torch.ones(2, 4, CONTEXT))
    wanted = 0.5 * truth(SEEN.last_hidden).flatten(0, 1)
    for item in entry.tokens[:, 4:]:
        torch.testing.assert_close(item, wanted, rtol=1e-4, atol=1e-5)


def test_sizes_are_read_from_shapes(path, tmp_path):
    config = dict(component(read_style_model(path, "s").file).config)
    assert config == {"width": WIDTH, "tokens": TOKENS, "context": CONTEXT, "layers": LAYERS, "heads": HEADS}
    torch.save(tensors(), tmp_path / "style.pth")
    assert component(read_style_model(tmp_path / "style.pth", "t").file).config["heads"] == 8


def test_what_does_not_fit_is_an_error(path, tmp_path):
    style = read_style_model(path, "s")
    with pytest.raises(ValueError, match="takes states of width 64, but the CLIP vision model gave states of width 7"):
        styled(text(), style, replace(SEEN, last_hidden=torch.zeros(1, 5, 7)), WEIGHTS)
    with pytest.raises(ValueError, match="makes tokens of width 32, but the conditioning has tokens of width 9"):
        styled(text(width=9), style, SEEN, WEIGHTS)
    with pytest.raises(ValueError, match="Use 'multiply', or strength 1"):
        styled(text(), style, SEEN, WEIGHTS, 0.5, "attn_bias")
    whole = styled(text(), style, SEEN, WEIGHTS, 1.0, "attn_bias")
    assert torch.equal(whole.entries[0].tokens, styled(text(), style, SEEN, WEIGHTS).entries[0].tokens)
    with pytest.raises(WeightFileError, match=r"'model.safetensors' is no style model of T2I-Adapter: it looks like"):
        read_style_model(write_tiny_checkpoint(tmp_path / "model.safetensors"), "m")
