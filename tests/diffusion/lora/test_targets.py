"""Layers under all their names: those of the modules themselves, and where diffusers' own converter puts tensors."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers.loaders import StableDiffusionLoraLoaderMixin, StableDiffusionXLLoraLoaderMixin
from torch import Tensor, nn

from diffusion.architectures import UNet2DConditionModel
from diffusion.checkpoint import component, read_checkpoint
from diffusion.families import Component
from diffusion.header import Header, TensorInfo
from diffusion.lora.file import read_lora
from diffusion.lora.fitting import Change, fit
from diffusion.lora.targets import layers
from diffusion.original_layout import UNET_PREFIX, unet_names
from diffusion.tensors import Reader, Residence
from tests.diffusion.lora.made import noise, saved
from tests.diffusion.tiny import tiny_text_encoder, tiny_unet, write_tiny_checkpoint, write_tiny_diffusers_folder

SIZES = {
    "sd1": {"block_out_channels": (32, 64, 64, 64), "layers_per_block": 2, "cross_attention_dim": 64},
    "sdxl": {
        "block_out_channels": (32, 64, 64),
        "layers_per_block": 2,
        "cross_attention_dim": 64,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 3),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 64,
    },
}


def unet_of(size: str) -> nn.Module:
    with torch.device("meta"):
        return UNet2DConditionModel(**SIZES[size])


def as_component(unet: nn.Module, per_block: int, layout: str) -> Component:
    """The U-Net as a header has it."""
    shapes = {name: tuple(tensor.shape) for name, tensor in unet.state_dict().items()}
    names = unet_names(list(shapes), per_block) if layout == "original" else {name: name for name in shapes}
    infos = {names[name]: TensorInfo("F32", shape) for name, shape in shapes.items()}
    header = Header(Path("a.safetensors"), "safetensors", infos, {})
    prefix = UNET_PREFIX if layout == "original" else ""
    return Component("unet", header, prefix, layout, {"layers_per_block": per_block})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layout", ["original", "modules"])
def test_every_layer_of_a_unet_has_its_own_and_its_original_name(size, layout):
    unet = unet_of(size)
    found = layers(as_component(unet, 2, layout))
    original = unet_names(list(unet.state_dict()), 2)
    for name, tensor in unet.state_dict().items():
        layer, _, leaf = name.rpartition(".")
        file = original[name].removeprefix(UNET_PREFIX).rpartition(".")[0]
        for spelling in (layer, file):
            assert found[spelling.replace(".", "_")].place == layer.replace(".", "_")
            assert found[spelling.replace(".", "_")].shapes[leaf] == tuple(tensor.shape)


def test_every_layer_of_a_text_encoder(tmp_path: Path):
    file = read_checkpoint(write_tiny_checkpoint(tmp_path / "tiny.safetensors"), "x").text_encoder.files[0]
    found = layers(component(file, "text_encoder", "sd1"))
    for name, tensor in tiny_text_encoder().state_dict().items():
        layer, _, leaf = name.removeprefix("text_model.").rpartition(".")
        assert found[layer.replace(".", "_")].shapes[leaf] == tuple(tensor.shape)


def original_of(layer: str) -> str:
    names = unet_names(list(tiny_unet().state_dict()), 1)
    return names[f"{layer}.weight"].removeprefix(UNET_PREFIX).removesuffix(".weight")


def low(layer: str) -> str:
    return layer.replace(".", "_")


def old_processor(layer: str) -> str:
    stem = re.sub(r"\.(attn[12])\.(to_q|to_k|to_v|to_out)(\.0)?$", r".\1.processor.\2_lora", layer)
    return stem if stem != layer else f"{layer}.lora"


def linear(unet: nn.Module) -> list[str]:
    return [name for name, layer in unet.named_modules() if isinstance(layer, nn.Linear) and "attentions" in name]


def attention(unet: nn.Module) -> list[str]:
    return [name for name in linear(unet) if ".attn" in name]


def every(unet: nn.Module) -> list[str]:
    return [name for name, layer in unet.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)]


def in_blocks(unet: nn.Module) -> list[str]:
    """diffusers' converter of original names knows no layers outside blocks, and takes upsamplers for attention."""
    return [name for name in every(unet) if "blocks" in name and "upsamplers" not in name]


STYLES = {
    "kohya": (every, lambda layer: f"lora_unet_{low(layer)}", "lora_down.weight", "lora_up.weight"),
    "original": (in_blocks, lambda layer: f"lora_unet_{low(original_of(layer))}", "lora_down.weight", "lora_up.weight"),
    "processors": (attention, lambda layer: f"unet.{old_processor(layer)}", "down.weight", "up.weight"),
    "diffusers": (linear, lambda layer: f"unet.{layer}", "lora.down.weight", "lora.up.weight"),
    "peft": (linear, lambda layer: f"unet.{layer}", "lora_A.weight", "lora_B.weight"),
}


@pytest.fixture(scope="module")
def networks(tmp_path_factory) -> list[Component]:
    home = tmp_path_factory.mktemp("models")
    whole = read_checkpoint(write_tiny_checkpoint(home / "tiny.safetensors"), "x")
    folder = read_checkpoint(write_tiny_diffusers_folder(home / "tiny"), "y")
    return [component(one.model.file, "unet", "sd1") for one in (whole, folder)]


@pytest.mark.parametrize("style", STYLES)
def test_tensors_go_where_diffusers_puts_them(style, networks, tmp_path: Path):
    unet = tiny_unet()
    chosen, stem, down, up = STYLES[style]
    tensors: dict[str, Tensor] = {}
    for seed, layer in enumerate(chosen(unet)):
        weight = unet.get_submodule(layer).weight
        tensors[f"{stem(layer)}.{down}"] = noise(2, *weight.shape[1:], seed=seed)
        tensors[f"{stem(layer)}.{up}"] = noise(len(weight), 2, *[1] * (weight.ndim - 2), seed=seed + 500)
    theirs, _ = StableDiffusionLoraLoaderMixin.lora_state_dict(dict(tensors), unet_config=unet.config)
    wanted = {place_of(name): tensor for name, tensor in theirs.items() if re.search(r"(down|lora_A)\.weight$", name)}
    lora = read_lora(Path(saved(tmp_path / "a.safetensors", tensors).path), style)
    for network in networks:
        found = fit(lora, network)
        assert not found.strangers
        assert len(found.changes) == len(chosen(unet)) == len(wanted)
        for change in found.changes:
            assert torch.equal(down_of(change), wanted[change.place])


def down_of(change: Change) -> Tensor:
    reader = Reader(change.lora.header, Residence(torch.device("cpu"), torch.float32))
    return change.parts(reader.read)["down"]


def place_of(name: str) -> str:
    """The layer of a tensor in diffusers' result."""
    name = re.sub(r"(_lora|\.lora)?\.(down|lora_A)\.weight$", "", name.removeprefix("unet."))
    return low(re.sub(r"\.to_out$", ".to_out.0", name.replace(".processor", "")))


TEXT_STYLES = {
    "lora_te_text_model_encoder_layers_1_mlp_fc1.lora_down.weight": "encoder_layers_1_mlp_fc1",
    "lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight": "encoder_layers_0_self_attn_q_proj",
    "text_encoder.text_model.encoder.layers.1.self_attn.to_q_lora.down.weight": "encoder_layers_1_self_attn_q_proj",
    "text_encoder.text_model.encoder.layers.1.self_attn.q_proj.lora_linear_layer.down.weight": (
        "encoder_layers_1_self_attn_q_proj"
    ),
    "base_model.model.text_model.encoder.layers.2.mlp.fc2.lora_A.weight": "encoder_layers_2_mlp_fc2",
    "text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1.lora_down.weight": "encoder_layers_0_mlp_fc1",
}


@pytest.mark.parametrize(("name", "place"), TEXT_STYLES.items())
def test_text_encoders_are_named_in_many_ways(name, place, tmp_path: Path):
    file = read_checkpoint(write_tiny_checkpoint(tmp_path / "tiny.safetensors"), "x").text_encoder.files[0]
    network = component(file, "text_encoder", "sd1")
    out, inner = layers(network)[place].shapes["weight"]
    other = name.replace("down", "up").replace("lora_A", "lora_B")
    lora = saved(tmp_path / "a.safetensors", {name: noise(2, inner), other: noise(out, 2)})
    (change,) = fit(read_lora(Path(lora.path), name), network).changes
    assert change.place == place


def test_the_second_text_encoder_has_names_of_its_own(tmp_path: Path):
    file = read_checkpoint(write_tiny_checkpoint(tmp_path / "tiny.safetensors"), "x").text_encoder.files[0]
    first = component(file, "text_encoder", "sd1")
    second = replace(first, part="text_encoder_2")
    stem = "text_model_encoder_layers_0_mlp_fc1.lora_"
    tensors = {f"lora_te{n}_{stem}down.weight": noise(2, 64) for n in (1, 2)}
    tensors |= {f"lora_te{n}_{stem}up.weight": noise(256, 2) for n in (1, 2)}
    theirs, _ = StableDiffusionXLLoraLoaderMixin.lora_state_dict(dict(tensors), unet_config=tiny_unet().config)
    lora = read_lora(Path(saved(tmp_path / "a.safetensors", tensors).path), "te")
    for network, prefix in ((first, "text_encoder."), (second, "text_encoder_2.")):
        (change,) = fit(lora, network).changes
        (wanted,) = [tensor for name, tensor in theirs.items() if name.startswith(prefix) and "down" in name]
        assert torch.equal(down_of(change), wanted)


@pytest.mark.parametrize(
    "stem", ["diffusion_model.input_blocks.1.1.proj_in", "base_model.model.down_blocks.0.attentions.0.proj_in",
             "model.diffusion_model.input_blocks.1.1.proj_in", "lycoris_down_blocks_0_attentions_0_proj_in"]
)  # fmt: skip
def test_spellings_that_diffusers_does_not_read(stem, networks, tmp_path: Path):
    tensors = {f"{stem}.lora_A.weight": noise(2, 32, 1, 1), f"{stem}.lora_B.weight": noise(32, 2, 1, 1)}
    (change,) = fit(read_lora(Path(saved(tmp_path / "a.safetensors", tensors).path), stem), networks[0]).changes
    assert change.place == "down_blocks_0_attentions_0_proj_in"
