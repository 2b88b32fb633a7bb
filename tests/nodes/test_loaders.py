"""Loader nodes name models by their headers alone."""

from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from diffusion.header import WeightFileError
from diffusion.values import Model, TextEncoder, Vae
from graph.files import File
from graph.folders import Folders
from graph.node import node_type_of
from nodes.loaders import load_checkpoint, load_text_encoder, load_text_encoders, load_unet, load_vae
from tests.diffusion.families.test_tiny_autoencoder import halves
from tests.diffusion.tiny import tiny_text_encoder, write_tiny_checkpoint


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> File:
    path = write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors", dtype=torch.float16)
    return File("tiny.safetensors", path, "abc")


def test_a_checkpoint_gives_three_recipes(file):
    model, clip, vae = load_checkpoint(file)
    assert isinstance(model, Model)
    assert isinstance(clip, TextEncoder)
    assert isinstance(vae, Vae)
    assert model.file.digest == clip.files[0].digest == vae.file.digest == "abc"


def test_a_checkpoint_has_an_autoencoder_to_load(file):
    assert load_vae(file) == load_checkpoint(file).VAE


def test_a_tiny_autoencoder_in_two_files_is_named_as_one(tmp_path: Path):
    (tmp_path / "vae_approx").mkdir()
    encoder, decoder = halves(tmp_path / "vae_approx", "taesdxl")
    found = load_vae(Folders((tmp_path,)).find("vae", "taesdxl"))
    assert (found.family, found.file.path) == ("sdxl", str(decoder))
    assert found.encoder is not None
    assert found.encoder.path == str(encoder)
    assert found.encoder.digest != found.file.digest


def test_a_denoiser_alone_may_be_rounded(file):
    assert load_unet(file, "default") == load_checkpoint(file).MODEL
    assert load_unet(file, "fp8_e4m3fn_fast").file.rounding == "fp8_e4m3fn"


def test_text_encoders_alone(tmp_path: Path):
    path = tmp_path / "clip.safetensors"
    save_file(tiny_text_encoder().state_dict() | {"text_projection.weight": torch.eye(64)}, path)
    file = File(path.name, path, "clip")
    assert load_text_encoder(file, "stable_diffusion").family == "sd1"
    both = load_text_encoders(file, file, "sdxl")
    assert (both.family, [each.part for each in both.files]) == ("sdxl", ["text_encoder", "text_encoder_2"])


def test_another_file_is_a_sentence(tmp_path: Path):
    path = tmp_path / "page.safetensors"
    path.write_text("<html>Please log in</html>")
    for load in (load_checkpoint, load_vae, partial(load_unet, weight_dtype="default")):
        with pytest.raises(WeightFileError, match="'page.safetensors' is no file of weights: it looks like a web page"):
            load(File(path.name, path, "x"))


def test_they_run_without_a_device():
    assert [node_type_of(function).spec.lane for function in (load_checkpoint, load_vae)] == ["cpu", "cpu"]
