"""LoRA nodes put values into recipes."""

from pathlib import Path

import pytest
from safetensors.torch import save_file

from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.header import WeightFileError
from graph.files import File
from graph.node import node_type_of
from nodes.lora import load_lora, load_lora_of_model, load_loras
from tests.diffusion.lora.made import LINEAR, TEXT_LORA, plain_lora
from tests.diffusion.tiny import tiny_unet, write_tiny_checkpoint


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x")


@pytest.fixture
def file(tmp_path: Path) -> File:
    save_file(plain_lora(tiny_unet(), (LINEAR,))[0] | TEXT_LORA, tmp_path / "ink.safetensors")
    return File("ink.safetensors", tmp_path / "ink.safetensors", "abc")


def strengths(recipe) -> list[float]:
    return [patch.strength for patch in recipe.patches]


def test_a_lora_is_laid_over_both(parts, file):
    model, clip = load_lora(parts.model, parts.text_encoder, file, 0.5, -0.5)
    assert (strengths(model), strengths(clip)) == ([0.5], [-0.5])
    assert model.patches[0].file.digest == "abc"
    again = load_lora(model, clip, file, 1.0, 0.0)
    assert (strengths(again.MODEL), strengths(again.CLIP)) == ([0.5, 1.0], [-0.5])


def test_without_strength_both_come_back_as_they_were(parts, file):
    found = load_lora(parts.model, parts.text_encoder, file, 0.0, 0.0)
    assert found.MODEL is parts.model
    assert found.CLIP is parts.text_encoder
    assert load_lora_of_model(parts.model, file, 0.0) is parts.model


def test_the_model_alone(parts, file):
    assert strengths(load_lora_of_model(parts.model, file, 2.0)) == [2.0]


def test_a_stack_skips_what_is_not_there(parts, file):
    model, clip = load_loras(
        parts.model,
        parts.text_encoder,
        file,
        0.3,
        None,
        1.0,
        lora_name3=file,
        strength3=0.0,
        lora_name8=file,
        strength8=-1.0,
    )
    assert strengths(model) == strengths(clip) == [0.3, -1.0]
    assert load_loras(parts.model, parts.text_encoder) == (parts.model, parts.text_encoder)


def test_a_file_that_is_no_lora_is_a_sentence(parts, tmp_path: Path):
    path = Path(parts.vae.file.path)
    with pytest.raises(WeightFileError, match=r"'tiny.safetensors' is no LoRA: it looks like"):
        load_lora_of_model(parts.model, File(path.name, path, "x"))


def test_they_run_without_a_device():
    assert {node_type_of(function).spec.lane for function in (load_lora, load_lora_of_model, load_loras)} == {"cpu"}
