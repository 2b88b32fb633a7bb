"""Textual inversions in the forms people have them."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from diffusion.header import WeightFileError
from diffusion.text.embeddings import load_embedding

VECTORS = torch.arange(12.0).reshape(3, 4)


def written(folder: Path, form: str) -> Path:
    forms = {
        "a1111.pt": {"string_to_token": {"*": 265}, "string_to_param": {"*": VECTORS}, "name": "ugly", "step": 100},
        "trained.pt": {"string_to_param": {"*": torch.nn.Parameter(VECTORS)}},
        "diffusers.bin": {"<ugly>": VECTORS},
        "plain.safetensors": {"emb_params": VECTORS},
        "diffusers.safetensors": {"<ugly>": VECTORS.half()},
        "sdxl.safetensors": {"clip_l": VECTORS, "clip_g": torch.ones(3, 8)},
    }
    path = folder / form
    save_file(forms[form], path) if form.endswith("safetensors") else torch.save(forms[form], path)
    return path


@pytest.mark.parametrize(
    "form",
    ["a1111.pt", "trained.pt", "diffusers.bin", "plain.safetensors", "diffusers.safetensors", "sdxl.safetensors"],
)
def test_every_form_gives_the_vectors(tmp_path, form):
    vectors = load_embedding(written(tmp_path, form), width=4)
    assert torch.equal(vectors, VECTORS)
    assert vectors.dtype == torch.float32
    assert not vectors.requires_grad


def test_of_a_pair_the_one_of_the_width_is_taken(tmp_path):
    path = written(tmp_path, "sdxl.safetensors")
    assert torch.equal(load_embedding(path, width=8), torch.ones(3, 8))
    with pytest.raises(WeightFileError, match=r"vectors of width 4 \(SDXL\); this text encoder takes 6"):
        load_embedding(path, width=6)


def test_one_vector_is_a_row(tmp_path):
    torch.save({"<one>": torch.ones(4)}, tmp_path / "one.bin")
    assert load_embedding(tmp_path / "one.bin", width=4).shape == (1, 4)


def test_another_width_is_an_error(tmp_path):
    save_file({"emb_params": torch.ones(2, 1024)}, tmp_path / "sd2.safetensors")
    sentence = "'sd2.safetensors' has vectors of width 1024 (Stable Diffusion 2); this text encoder takes 768"
    with pytest.raises(WeightFileError, match=re.escape(sentence)):
        load_embedding(tmp_path / "sd2.safetensors", width=768)


@pytest.mark.parametrize("content", [{"a": torch.ones(2, 4), "b": torch.ones(2)}, {"a": torch.ones(1, 2, 3, 4)}, {}])
def test_another_file_is_an_error(tmp_path, content):
    save_file(content, tmp_path / "other.safetensors")
    with pytest.raises(WeightFileError, match="'other.safetensors' is no textual inversion embedding"):
        load_embedding(tmp_path / "other.safetensors", width=4)
