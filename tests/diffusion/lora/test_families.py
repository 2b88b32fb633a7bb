"""LoRA over SDXL in the spelling of its trainers, against a checkpoint into which it was merged by hand."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.lora.adding import with_lora
from diffusion.original_layout import UNET_PREFIX, unet_names
from tests.diffusion.families.pipelines import prompt, sampled
from tests.diffusion.lora.made import low_rank, off, product, saved
from tests.diffusion.tiny_families import L_WIDTH, tiny_sdxl

TEXTS = {
    "lora_te1_": ("text_encoder", "text_model.encoder.layers.0.self_attn.q_proj"),
    "lora_te2_": ("text_encoder_2", "text_model.encoder.layers.0.self_attn.k_proj"),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> tuple[Parts, Parts, dict[str, Tensor]]:
    """SDXL, the same with a LoRA merged into it, and the LoRA's tensors."""
    home, model, tensors = tmp_path_factory.mktemp("sdxl"), tiny_sdxl(), {}
    plain = read_checkpoint(model.write(home / "sdxl.safetensors"), "sdxl")
    original = unet_names(list(model.unet.state_dict()), layers_per_block=1)

    def change(layer: nn.Module, stem: str) -> None:
        down, up = (side / 3 for side in low_rank(layer.weight, len(tensors)))
        tensors[f"{stem}.lora_down.weight"], tensors[f"{stem}.lora_up.weight"] = down, up
        layer.weight.data = layer.weight + product(down, up)

    for name, layer in model.unet.named_modules():
        if isinstance(layer, nn.Linear) and "attentions" in name:
            file = original[f"{name}.weight"].removeprefix(UNET_PREFIX).removesuffix(".weight")
            change(layer, "lora_unet_" + file.replace(".", "_"))
    for prefix, (part, name) in TEXTS.items():
        module = model.texts[part]
        known = dict(module.named_modules())
        change(known.get(name) or known[name.removeprefix("text_model.")], prefix + name.replace(".", "_"))
    return plain, read_checkpoint(model.write(home / "merged.safetensors"), "merged"), tensors


def test_the_unet_and_both_text_encoders(models, tmp_path: Path):
    plain, merged, tensors = models
    file = saved(tmp_path / "xl.safetensors", tensors)
    model, clip = with_lora(file, plain.model, plain.text_encoder)
    assert model is not None
    assert clip is not None
    found, wanted, without = (prompt("red apple", each) for each in (clip, merged.text_encoder, plain.text_encoder))
    for at in ("tokens", "pooled"):
        ours, theirs, before = (getattr(each.entries[0], at) for each in (found, wanted, without))
        assert off(ours, theirs) <= 1e-5
        assert off(before, theirs) > 1e-3
    sides = (wanted, without)
    assert off(sampled(model, sides), sampled(merged.model, sides)) <= 1e-4
    assert off(sampled(plain.model, sides), sampled(merged.model, sides)) > 1e-3


def test_one_text_encoder_alone(models, tmp_path: Path):
    plain, _, tensors = models
    only = {name: tensor for name, tensor in tensors.items() if name.startswith("lora_te2_")}
    model, clip = with_lora(saved(tmp_path / "te2.safetensors", only), plain.model, plain.text_encoder)
    assert model == plain.model
    assert clip is not None
    found, without = (prompt("red apple", each).entries[0].tokens for each in (clip, plain.text_encoder))
    assert torch.equal(found[..., :L_WIDTH], without[..., :L_WIDTH])
    assert off(found[..., L_WIDTH:], without[..., L_WIDTH:]) > 1e-3
