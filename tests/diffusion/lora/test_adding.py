"""LoRA added to recipes: values that name files, and sentences where a file does not fit."""

from pathlib import Path

import pytest

from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.header import WeightFileError
from diffusion.lora.adding import with_lora
from diffusion.lora.patch import LoraPatch
from diffusion.memory import Weights
from diffusion.tensors import Reader
from tests.diffusion.lora.made import (
    CONTEXT,
    LAYERS,
    LINEAR,
    TEXT_LORA,
    answer,
    answer_of,
    changed_unet,
    noise,
    off,
    plain_lora,
    saved,
)
from tests.diffusion.tiny import tiny_unet, write_tiny_checkpoint


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x")


def test_patches_are_values_in_order(parts, tmp_path: Path):
    both = saved(tmp_path / "both.safetensors", plain_lora(tiny_unet(), LAYERS)[0] | TEXT_LORA)
    first = with_lora(both, parts.model, parts.text_encoder, 0.5, -1.0)
    second = with_lora(both, first.model, first.text_encoder, 2.0, 3.0)
    assert second.model.patches == (LoraPatch(both, 0.5), LoraPatch(both, 2.0))
    assert second.text_encoder.patches == (LoraPatch(both, -1.0), LoraPatch(both, 3.0))
    assert parts.model.patches == parts.text_encoder.patches == ()


def test_a_file_for_one_network_leaves_the_other_as_it_is(parts, tmp_path: Path):
    unet_only = saved(tmp_path / "unet.safetensors", plain_lora(tiny_unet(), LAYERS)[0])
    text_only = saved(tmp_path / "text.safetensors", TEXT_LORA)
    assert with_lora(unet_only, parts.model, parts.text_encoder).text_encoder == parts.text_encoder
    assert with_lora(text_only, parts.model, parts.text_encoder).model == parts.model
    with pytest.raises(WeightFileError, match="it looks like a LoRA for a text encoder alone"):
        with_lora(text_only, parts.model, None)


def test_without_strength_nothing_is_read(parts, tmp_path: Path):
    missing = saved(tmp_path / "gone.safetensors", TEXT_LORA)
    Path(missing.path).unlink()
    assert with_lora(missing, parts.model, parts.text_encoder, 0.0, 0.0) == (parts.model, parts.text_encoder)


def test_a_lora_of_another_family_names_both_sides(parts, tmp_path: Path):
    """Layers of equal names and shapes do not make it fit: it was trained beside other text states."""
    tensors, _ = plain_lora(tiny_unet(), (LINEAR,))
    stem = "lora_unet_" + CONTEXT.replace(".", "_")
    tensors |= {f"{stem}.lora_down.weight": noise(4, 2048), f"{stem}.lora_up.weight": noise(32, 4)}
    file = saved(tmp_path / "xl.safetensors", tensors)
    with pytest.raises(WeightFileError) as caught:
        with_lora(file, parts.model, parts.text_encoder)
    assert str(caught.value) == (
        "'xl.safetensors' looks like a LoRA for Stable Diffusion XL, but 'tiny.safetensors' is a "
        "Stable Diffusion 1 model, whose U-Net attends to text states of width 64. Use a LoRA made for "
        "the same family of models."
    )


@pytest.mark.parametrize(
    ("stem", "like"),
    [
        ("lora_te2_text_model_encoder_layers_31_mlp_fc1", "a LoRA for Stable Diffusion XL"),
        ("lora_unet_double_blocks_0_img_attn_qkv", "a LoRA for Flux"),
        ("diffusion_model.joint_blocks.0.x_block.attn.qkv", "a LoRA for Stable Diffusion 3"),
        (
            "lora_unet_blocks_0_x",
            "a LoRA for a model that is not known here, with layers such as 'lora_unet_blocks_0_x'",
        ),
    ],
)
def test_a_lora_that_fits_nothing_names_both_sides(parts, tmp_path: Path, stem, like):
    file = saved(
        tmp_path / "a.safetensors", {f"{stem}.lora_down.weight": noise(2, 8), f"{stem}.lora_up.weight": noise(8, 2)}
    )
    with pytest.raises(WeightFileError) as caught:
        with_lora(file, parts.model, parts.text_encoder)
    assert str(caught.value) == (
        "'a.safetensors' fits no tensor of the U-Net of 'tiny.safetensors' (Stable Diffusion 1) and the text encoder "
        f"of 'tiny.safetensors' (Stable Diffusion 1): it looks like {like}. Use a LoRA made for the same family of "
        "models."
    )


def test_what_fits_partly_is_applied_and_counted(parts, tmp_path: Path, caplog):
    tensors, changes = plain_lora(tiny_unet(), LAYERS)
    wrong = {"unet.conv_in.lora_A.weight": noise(2, 9, 3, 3), "unet.conv_in.lora_B.weight": noise(32, 2, 1, 1)}
    half = {"unet.conv_out.lora_A.weight": noise(2, 32, 3, 3)}
    absent = {"unet.down_blocks.7.conv.diff": noise(3, 3)}
    other = {"unet.conv_in.a1.weight": noise(3, 3)}
    file = saved(tmp_path / "part.safetensors", tensors | wrong | half | absent | other)
    weights = Weights("cpu", "fp32")
    model = with_lora(file, parts.model, None, 1.0).model
    for _ in range(2):
        assert off(answer(weights, model), answer_of(changed_unet(changes))) <= 1e-5
    assert caplog.messages == [
        "part.safetensors: 3 of the 10 layers that it changes in the U-Net fit none of 'tiny.safetensors' (such as "
        "'unet.conv_in', 'unet.conv_out') and are left out; the others are applied.",
        "part.safetensors: 1 of its 26 tensors are of no kind of change that is known here (such as "
        "'unet.conv_in.a1.weight') and are left out.",
    ]


def test_sizes_are_told_without_numbers(parts, tmp_path: Path, monkeypatch):
    """Nothing of the weights is read: that a file fits is known from headers."""
    monkeypatch.setattr(Reader, "_in_place", None)
    file = saved(tmp_path / "a.safetensors", plain_lora(tiny_unet(), LAYERS)[0])
    assert with_lora(file, parts.model, parts.text_encoder).model.patches
