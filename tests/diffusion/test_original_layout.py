"""Names for writing against diffusers' converters for reading: one undoes the other."""

import pytest
import torch
from diffusers.loaders.single_file_utils import (
    convert_controlnet_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
)
from transformers import CLIPTextModelWithProjection

from benchmarks import sd15_checkpoint
from diffusion.architectures import AutoencoderKL, CLIPTextConfig, ControlNetModel, UNet2DConditionModel
from diffusion.original_layout import (
    CONTROL_PREFIX,
    UNET_PREFIX,
    adapter_names,
    control_names,
    open_clip_places,
    text_names,
    unet_names,
    vae_names,
)
from tests.diffusion.tiny import tiny_text_encoder
from tests.diffusion.tiny_families import text_tensors

SHAPES = [
    {"block_out_channels": (32, 64), "layers_per_block": 1, "attends": (True, False)},
    {"block_out_channels": (32, 64, 96), "layers_per_block": 2, "attends": (False, True, True)},
    {"block_out_channels": (64, 64, 64), "layers_per_block": 1, "attends": (False, False, True)},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_unet_comes_back(shape):
    attends = shape["attends"]
    with torch.device("meta"):
        module = UNet2DConditionModel(
            block_out_channels=shape["block_out_channels"],
            layers_per_block=shape["layers_per_block"],
            down_block_types=tuple("CrossAttnDownBlock2D" if at else "DownBlock2D" for at in attends),
            up_block_types=tuple("CrossAttnUpBlock2D" if at else "UpBlock2D" for at in reversed(attends)),
            cross_attention_dim=64,
        )
    weights = module.state_dict()
    names = unet_names(list(weights), shape["layers_per_block"])
    back = convert_ldm_unet_checkpoint({file: weights[name] for name, file in names.items()}, module.config)
    assert {name: id(tensor) for name, tensor in back.items()} == {name: id(tensor) for name, tensor in weights.items()}


def test_unet_of_sdxl_comes_back():
    with torch.device("meta"):
        module = UNet2DConditionModel(
            block_out_channels=(32, 64, 64),
            layers_per_block=2,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 2, 3),  # pyright: ignore[reportArgumentType] — one for each level
            cross_attention_dim=64,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=80,
        )
    weights = module.state_dict()
    names = unet_names(list(weights), layers_per_block=2)
    assert {"label_emb.0.0.weight", "label_emb.0.2.bias"} <= {name.removeprefix(UNET_PREFIX) for name in names.values()}
    back = convert_ldm_unet_checkpoint({file: weights[name] for name, file in names.items()}, module.config)
    assert {name: id(tensor) for name, tensor in back.items()} == {name: id(tensor) for name, tensor in weights.items()}


def test_open_clip_comes_back():
    """diffusers' converter finds each tensor where the places say that it is."""
    config = CLIPTextConfig(hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2)
    config.projection_dim, config.vocab_size = 8, 10
    truth = CLIPTextModelWithProjection(config)
    weights, prefix = truth.state_dict(), "conditioner.embedders.1.model."
    back = convert_open_clip_checkpoint(truth, text_tensors(truth, prefix), prefix)
    assert back.keys() == weights.keys()
    assert all(torch.equal(back[name], weight) for name, weight in weights.items())


@pytest.mark.parametrize("name", ["encoder.layers.0.mlp.fc3", "visual.proj"])
def test_a_stranger_is_an_error(name):
    with pytest.raises(ValueError, match=f"'{name}' is no tensor of a CLIP model"):
        open_clip_places([name], "")


@pytest.mark.parametrize("levels", [3, 4])
def test_vae_comes_back(levels):
    with torch.device("meta"):
        module = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=(32,) * levels,
            layers_per_block=2,
        )
    weights = module.state_dict()
    back = convert_ldm_vae_checkpoint(
        {file: weights[name] for name, file in vae_names(list(weights)).items()}, module.config
    )
    assert {name: id(tensor) for name, tensor in back.items()} == {name: id(tensor) for name, tensor in weights.items()}


def test_text_encoder_has_the_names_of_both_spellings():
    names = list(tiny_text_encoder().state_dict())
    assert list(text_names(names).values()) == list(text_names([f"text_model.{name}" for name in names]).values())
    assert "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight" in text_names(names).values()


def test_names_of_stable_diffusion_1_5():
    """A few names and shapes that everyone's files have, and their number."""
    shapes = sd15_checkpoint.shapes()
    assert len(shapes) == 686 + 196 + 248
    assert shapes[UNET_PREFIX + "input_blocks.3.0.op.weight"] == (320, 320, 3, 3)
    assert shapes[UNET_PREFIX + "output_blocks.2.1.conv.weight"] == (1280, 1280, 3, 3)
    assert shapes[UNET_PREFIX + "output_blocks.8.2.conv.weight"] == (640, 640, 3, 3)
    assert shapes[UNET_PREFIX + "middle_block.1.transformer_blocks.0.attn2.to_k.weight"] == (1280, 768)
    assert shapes["first_stage_model.decoder.up.3.upsample.conv.weight"] == (512, 512, 3, 3)
    assert shapes["first_stage_model.encoder.mid.attn_1.q.weight"] == (512, 512, 1, 1)
    assert shapes["cond_stage_model.transformer.text_model.encoder.layers.11.mlp.fc1.weight"] == (3072, 768)


def test_controlnet_comes_back():
    with torch.device("meta"):
        module = ControlNetModel(
            block_out_channels=(32, 64, 64),
            layers_per_block=2,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            cross_attention_dim=64,
        )
    weights = module.state_dict()
    names = control_names(list(weights), 2)
    assert all(name.startswith(CONTROL_PREFIX) for name in names.values())
    back = convert_controlnet_checkpoint({file: weights[name] for name, file in names.items()}, module.config)
    assert {name: id(tensor) for name, tensor in back.items()} == {name: id(tensor) for name, tensor in weights.items()}


def test_a_controlnet_has_the_published_names():
    last = {f"controlnet_cond_embedding.blocks.{number}.bias": "" for number in range(6)}
    names = control_names([*last, "controlnet_cond_embedding.conv_out.bias", "controlnet_mid_block.weight"], 2)
    assert names["controlnet_cond_embedding.blocks.5.bias"] == "control_model.input_hint_block.12.bias"
    assert names["controlnet_cond_embedding.conv_out.bias"] == "control_model.input_hint_block.14.bias"
    assert names["controlnet_mid_block.weight"] == "control_model.middle_block_out.0.weight"
    with pytest.raises(ValueError, match=r"'controlnet_x_embedder\.weight' is no tensor of a ControlNet"):
        control_names(["controlnet_x_embedder.weight"], 2)


def test_adapters_have_the_published_names():
    full = {
        "conv_in.weight": "conv_in.weight",
        "body.0.resnets.1.block2.bias": "body.1.block2.bias",
        "body.1.in_conv.weight": "body.2.in_conv.weight",
        "body.3.resnets.1.block1.weight": "body.7.block1.weight",
    }
    assert adapter_names(list(full), 2) == full
    light = {
        "body.0.in_conv.weight": "body.0.in_conv.weight",
        "body.3.resnets.2.block1.weight": "body.3.body.2.block1.weight",
        "body.1.out_conv.bias": "body.1.out_conv.bias",
    }
    assert adapter_names(list(light), 0) == light
