"""Loading against the modules the files were made from: bit for bit, every key accounted for."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from benchmarks import sd15_checkpoint
from diffusion.checkpoint import component, read_checkpoint, read_vae
from diffusion.families.sd1 import SD1
from diffusion.header import Header, TensorInfo, WeightFileError
from diffusion.loading import build, load, weights_in_bytes
from diffusion.tensors import Residence
from tests.diffusion.tiny import (
    tiny_text_encoder,
    tiny_unet,
    tiny_vae,
    write_tiny_checkpoint,
    write_tiny_diffusers_folder,
)

HOST = torch.device("cpu")
FP32 = Residence(HOST, torch.float32)
MADE_FROM = {"unet": tiny_unet, "text_encoder": tiny_text_encoder, "vae": tiny_vae}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """The same model in all the forms it may come in."""
    place = tmp_path_factory.mktemp("files")
    single = write_tiny_checkpoint(place / "tiny.safetensors")
    torch.save({"state_dict": load_file(single)}, place / "tiny.ckpt")
    folder = write_tiny_diffusers_folder(place / "folder")
    return {"safetensors": single, "ckpt": place / "tiny.ckpt", "folder": folder}


@pytest.mark.parametrize("part", MADE_FROM)
@pytest.mark.parametrize("form", ["safetensors", "ckpt", "folder"])
def test_every_weight_arrives(files, form, part):
    parts = read_checkpoint(files[form], form)
    file = {"unet": parts.model.file, "text_encoder": parts.text_encoder.files[0], "vae": parts.vae.file}[part]
    loaded, truth = load(component(file, part), FP32), MADE_FROM[part]()
    assert loaded.state_dict().keys() == truth.state_dict().keys()
    assert all(torch.equal(loaded.state_dict()[name], weight) for name, weight in truth.state_dict().items())
    assert not loaded.training
    assert not any(weight.requires_grad for weight in loaded.parameters())
    assert weights_in_bytes(component(file, part), torch.float32) == sum(p.nbytes for p in truth.parameters())


def test_weights_are_cast_and_laid_out(files):
    parts = read_checkpoint(files["safetensors"], "x")
    loaded = load(component(parts.model.file, "unet"), Residence(HOST, torch.bfloat16, channels_last=True))
    truth = tiny_unet().to(torch.bfloat16).to(memory_format=torch.channels_last)
    for name, weight in truth.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)
        assert loaded.state_dict()[name].stride() == weight.stride()


def test_a_file_in_the_computing_type_is_mapped_not_copied(files):
    parts = read_checkpoint(files["safetensors"], "x")
    storages = {
        weight.untyped_storage().data_ptr() for weight in load(component(parts.model.file, "unet"), FP32).parameters()
    }
    assert len(storages) == 1


def test_each_layer_is_settled_once_with_its_weights(files):
    """Packing them while they come, not afterwards, leaves no holes in memory."""
    seen: list[nn.Module] = []

    def settle(layer: nn.Module) -> nn.Module:
        assert not any(weight.is_meta for weight in layer.parameters(recurse=False))
        seen.append(layer)
        return nn.Identity() if type(layer) is nn.Conv2d else layer

    network = load(component(read_checkpoint(files["safetensors"], "x").vae.file, "vae"), FP32, settle)
    assert len(set(seen)) == len(seen)
    assert {type(layer) for layer in seen} == {nn.Conv2d, nn.Linear, nn.GroupNorm}
    assert not any(type(layer) is nn.Conv2d for layer in network.modules())
    assert sum(type(layer) is nn.Identity for layer in network.modules()) >= sum(type(it) is nn.Conv2d for it in seen)


def test_writing_to_a_mapped_weight_leaves_the_file(files):
    before = files["safetensors"].read_bytes()
    parts = read_checkpoint(files["safetensors"], "x")
    for weight in load(component(parts.vae.file, "vae"), FP32).parameters():
        weight.zero_()
    assert files["safetensors"].read_bytes() == before


def spoilt(files, path: Path, **changes) -> Path:
    tensors = load_file(files["safetensors"])
    for name in changes.get("drop", ()):
        del tensors[name]
    tensors |= changes.get("add", {})
    save_file(tensors, path)
    return path


def test_missing_keys_are_named(files, tmp_path):
    name = "model.diffusion_model.out.2.bias"
    parts = read_checkpoint(spoilt(files, tmp_path / "a.safetensors", drop=[name]), "x")
    with pytest.raises(WeightFileError, match=r"'a.safetensors': its unet lacks 1 tensors \(conv_out.bias\)"):
        load(component(parts.model.file, "unet"), FP32)


def test_left_over_keys_are_named(files, tmp_path):
    add = {"first_stage_model.decoder.surprise": torch.ones(1)}
    parts = read_checkpoint(spoilt(files, tmp_path / "a.safetensors", add=add), "x")
    with pytest.raises(
        WeightFileError, match=r"its vae has left over 1 tensors \(first_stage_model.decoder.surprise\)"
    ):
        load(component(parts.vae.file, "vae"), FP32)


def test_another_shape_is_named(files, tmp_path):
    name = "model.diffusion_model.time_embed.0.weight"
    transposed = load_file(files["safetensors"])[name].T.contiguous()
    parts = read_checkpoint(spoilt(files, tmp_path / "a.safetensors", add={name: transposed}), "x")
    with pytest.raises(
        WeightFileError, match=r"has in another shape 1 tensors \(model.diffusion_model.time_embed.0.weight\)"
    ):
        load(component(parts.model.file, "unet"), FP32)


def test_autoencoders_of_early_diffusers(tmp_path):
    """Their attention layers have other names."""
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    truth = tiny_vae().state_dict()
    names = {name: name for name in truth}
    for new, former in old.items():
        names = {name: file.replace(new, former) for name, file in names.items()}
    save_file({names[name]: weight for name, weight in truth.items()}, tmp_path / "old.safetensors")
    vae = read_vae(tmp_path / "old.safetensors", "x")
    loaded = load(component(vae.file, "vae"), FP32).state_dict()
    assert all(torch.equal(loaded[name], weight) for name, weight in truth.items())


def test_stable_diffusion_1_5_is_built_from_its_shapes():
    shapes = {name: TensorInfo("F16", shape) for name, shape in sd15_checkpoint.shapes().items()}
    checkpoint = SD1.recognise(Header(Path("sd15.safetensors"), "safetensors", shapes, {}))
    assert checkpoint is not None
    assert (checkpoint.space.factor, checkpoint.space.scale) == (8, 0.18215)
    unet = build(checkpoint.components["unet"])
    for key, value in sd15_checkpoint.UNET.items():
        assert unet.config[key] == value, key
    assert unet.config["down_block_types"] == ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",)
    vae = build(checkpoint.components["vae"])
    assert (vae.config["block_out_channels"], vae.config["layers_per_block"]) == ((128, 256, 512, 512), 2)
    text = checkpoint.components["text_encoder"].config
    assert {key: text[key] for key in sd15_checkpoint.TEXT} == sd15_checkpoint.TEXT
    assert weights_in_bytes(checkpoint.components["unet"], torch.bfloat16) == 859_520_964 * 2
