"""LoRA files read by their headers: names, alphas from metadata, files of torch's own kind, and files that are none."""

import json
import math
from pathlib import Path

import pytest
import torch

from diffusion.header import WeightFileError
from diffusion.lora.file import ADAPTER_METADATA, LoraFile, read_lora
from diffusion.lora.fitting import Change
from diffusion.lora.kinds import LOW_RANK, kinds, ratio
from diffusion.tensors import Reader, Residence
from tests.diffusion.lora.made import noise, saved


def test_tensors_of_one_layer_belong_together(tmp_path: Path):
    stem = "lora_unet_mid_block_attentions_0_proj_in"
    tensors = {f"{stem}.lora_down.weight": noise(2, 4), f"{stem}.lora_up.weight": noise(4, 2), f"{stem}.alpha": noise()}
    file = read_lora(Path(saved(tmp_path / "a.safetensors", tensors | {"position_ids": noise(1)}).path), "1")
    (entry,) = file.entries
    assert (entry.stem, entry.part, entry.place) == (stem, "unet", "mid_block_attentions_0_proj_in")
    assert set(entry.tensors) == {"up", "down", "alpha"}
    assert file.strangers == ("position_ids",)


def test_a_torch_file_is_read_as_data(tmp_path: Path):
    tensors = {"unet.conv_in.lora_A.weight": noise(2, 4, 3, 3), "unet.conv_in.lora_B.weight": noise(32, 2, 1, 1)}
    torch.save(tensors, tmp_path / "a.pt")
    file = read_lora(tmp_path / "a.pt", "1")
    (entry,) = file.entries
    change = Change(file, entry, LOW_RANK, entry.place, "weight", (32, 4, 3, 3))
    assert torch.equal(change.parts(reader(file).read)["down"], tensors["unet.conv_in.lora_A.weight"])


def test_alphas_of_peft_stand_in_the_metadata(tmp_path: Path):
    adapter = {"unet.lora_alpha": 3, "unet.r": 2, "unet.alpha_pattern": {"conv_out": 7}, "text_encoder.lora_alpha": 5,
               "text_encoder.use_rslora": True}  # fmt: skip
    places = {"unet.conv_in": 3 / 2, "unet.conv_out": 7 / 2, "text_encoder.text_model.fc1": 5 / math.sqrt(2)}
    tensors = {f"{place}.lora_{side}.weight": noise(2, 2) for place in places for side in "AB"}
    path = saved(tmp_path / "a.safetensors", tensors, {ADAPTER_METADATA: json.dumps(adapter)}).path
    file = read_lora(Path(path), "1")
    for entry in file.entries:
        parts = Change(file, entry, LOW_RANK, entry.place, "weight", (2, 2)).parts(reader(file).read)
        assert float(ratio(parts, 2)) == pytest.approx(places[entry.stem])


def test_a_file_that_is_no_lora_says_what_it_looks_like(tmp_path: Path):
    path = saved(tmp_path / "a.safetensors", {"first_stage_model.decoder.conv_in.weight": noise(2)}).path
    with pytest.raises(
        WeightFileError, match=r"'a.safetensors' is no LoRA: it looks like an autoencoder \(VAE\) alone\."
    ):
        read_lora(Path(path), "1")


def reader(file: LoraFile) -> Reader:
    return Reader(file.header, Residence(torch.device("cpu"), torch.float32))


def test_doras_are_of_the_kind_they_decompose():
    (found,) = kinds({"up", "down", "dora_scale"})
    assert (found[1].title, found[1].adds) == ("DoRA (LoRA)", False)
