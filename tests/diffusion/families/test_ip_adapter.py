"""IP-Adapters are known by the names and shapes in their files."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from diffusion.checkpoint import component as component_of
from diffusion.checkpoint import read_checkpoint, read_unet
from diffusion.families.ip_adapter import component, layers, read_ip_adapter
from diffusion.header import WeightFileError
from diffusion.memory import Weights
from tests.diffusion.tiny import tiny_unet, write_tiny_checkpoint
from tests.diffusion.tiny_adapters import adapter_tensors, write_adapter
from tests.diffusion.tiny_families import tiny_sdxl

WEIGHTS = Weights("cpu", "fp32")


@pytest.mark.parametrize("kind", ["plain", "plus", "full"])
def test_files_of_both_kinds_hold_the_same(kind, tmp_path: Path):
    found = []
    for suffix in (".bin", ".safetensors"):
        adapter = read_ip_adapter(write_adapter(tmp_path / f"a{suffix}", kind, tiny_unet()), f"{kind}{suffix}")
        assert adapter.kind == kind
        seen = torch.rand((2, 48) if kind == "plain" else (2, 17, 64), generator=torch.Generator().manual_seed(2))
        with WEIGHTS.lend(adapter) as keys:
            found.append([each for pair in keys(seen) for each in pair])
    assert len(found[0]) == 8
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_sizes_are_read_from_shapes(tmp_path: Path):
    """Those of the published ip-adapter-plus_sd15, cut to two layers."""
    stem = "image_proj.layers.{}."
    tensors = {
        "image_proj.latents": torch.zeros(1, 16, 768),
        "image_proj.proj_in.weight": torch.zeros(768, 1280),
        "image_proj.proj_out.weight": torch.zeros(768, 768),
        "image_proj.layers.0.0.to_q.weight": torch.zeros(768, 768),
        "image_proj.layers.0.1.1.weight": torch.zeros(3072, 768),
        f"{stem.format(3)}1.1.weight": torch.zeros(3072, 768),
        "ip_adapter.1.to_k_ip.weight": torch.zeros(320, 768),
        "ip_adapter.11.to_k_ip.weight": torch.zeros(1280, 768),
        "ip_adapter.3.to_k_ip.weight": torch.zeros(640, 768),
    }
    save_file(tensors, tmp_path / "plus.safetensors")
    config = component(read_ip_adapter(tmp_path / "plus.safetensors", "p").file).config
    assert (config["seen"], config["tokens"], config["count"], config["width"]) == (1280, 768, 16, 768)
    assert (config["heads"], config["inner"], config["depth"]) == (12, 3072, 4)
    assert (config["numbers"], config["widths"]) == ((1, 3, 11), (320, 640, 1280))


@pytest.mark.parametrize("name", ["image_proj.norm.weight", "image_proj.perceiver_resampler.proj_in.weight"])
def test_those_that_are_told_a_face_are_refused(name, tmp_path: Path):
    tensors = {
        name: torch.zeros(3, 3),
        "image_proj.proj.0.weight": torch.zeros(3, 3),
        "ip_adapter.1.to_k_ip.weight": torch.zeros(3, 3),
    }
    save_file(tensors, tmp_path / "face.safetensors")
    with pytest.raises(WeightFileError, match="IP-Adapter FaceID: it is told a face by InsightFace"):
        read_ip_adapter(tmp_path / "face.safetensors", name)


def test_what_is_no_adapter_is_named(tmp_path: Path):
    path = write_tiny_checkpoint(tmp_path / "model.safetensors")
    with pytest.raises(WeightFileError, match=r"'model.safetensors' is no IP-Adapter: it looks like"):
        read_ip_adapter(path, "m")
    tensors = adapter_tensors("plain", tiny_unet())
    save_file({"image_proj.strange": torch.zeros(1), "ip_adapter.1.to_k_ip.weight": torch.zeros(3, 3)}, path)
    with pytest.raises(WeightFileError, match="an IP-Adapter of a kind that is not known here"):
        read_ip_adapter(path, "s")
    del tensors["ip_adapter.3.to_v_ip.weight"]
    save_file(tensors, path)
    with (
        pytest.raises(WeightFileError, match=r"its ip adapter lacks 1 tensors \(ip_adapter.3.to_v_ip.weight\)"),
        WEIGHTS.lend(read_ip_adapter(path, "cut")),
    ):
        pass


def test_layers_are_counted_down_up_middle_in_any_layout(tmp_path: Path):
    """As diffusers' own list of attention processors has them."""
    tiny = tiny_sdxl()
    own = read_unet(tiny.write(tmp_path / "xl.safetensors"), "original").file
    save_file(tiny.unet.state_dict(), tmp_path / "alone.safetensors", {"noisewright.config": HEADS})
    alone = read_unet(tmp_path / "alone.safetensors", "alone").file
    found = layers(component_of(own, "unet"))
    assert found == layers(component_of(alone, "unet"))
    names = [name for name in tiny.unet.attn_processors if "attn2" in name]
    stages = {"down_blocks": "input", "up_blocks": "output", "mid_block": "middle"}
    assert [layer.stage for layer in found] == [stages[name.partition(".")[0]] for name in names]
    widths = [tiny.unet.get_submodule(name.removesuffix(".processor")).to_k.weight.shape for name in names]
    assert [(layer.width, layer.tokens) for layer in found] == [tuple(width) for width in widths]
    assert {(layer.stage, layer.number) for layer in found} == {
        ("input", 3),
        ("output", 0),
        ("output", 1),
        ("middle", 0),
    }


HEADS = '{"unet": {"attention_heads": [2, 4]}}'
"""What shapes do not say of the tiny SDXL."""


def test_a_checkpoint_s_layers_are_those_of_its_unet(tmp_path: Path):
    parts = read_checkpoint(write_tiny_checkpoint(tmp_path / "sd1.safetensors"), "layers")
    found = layers(component_of(parts.model.file, "unet"))
    assert [(layer.stage, layer.number, layer.depth, layer.width) for layer in found] == [
        ("input", 1, 0, 32),
        ("output", 2, 0, 32),
        ("output", 3, 0, 32),
        ("middle", 0, 0, 64),
    ]
