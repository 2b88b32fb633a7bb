"""How long prompts are: the same as what is encoded, without torch."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from diffusion.text.tokens import LENGTH, chunks, words
from graph.folders import Folders
from noisewright.prompt_length import prompt_length

ROOT = Path(__file__).parents[2]


@pytest.fixture
def files(tmp_path: Path) -> Folders:
    """Three embeddings."""
    folder = tmp_path / "embeddings"
    folder.mkdir()
    save_file({"emb_params": torch.zeros(3, 8)}, folder / "three.safetensors")
    save_file({"a": torch.zeros(8)}, folder / "one.safetensors")
    save_file({"a": torch.zeros(8), "b": torch.zeros(8)}, folder / "odd.safetensors")
    torch.save({"emb_params": torch.zeros(5, 8)}, folder / "old.pt")
    return Folders(models=(tmp_path,))


@pytest.mark.parametrize(
    ("text", "tokens", "parts"),
    [
        ("", 0, 1),
        ("apple", 1, 1),
        ("a (red:1.3) ((apple))", 3, 1),
        (r"a \(red\) apple", 5, 1),
        ("apple " * LENGTH, LENGTH, 1),
        ("apple " * (LENGTH + 1), LENGTH + 1, 2),
        ("apple, " * LENGTH, 2 * LENGTH, 3),  # a word and its comma stay together, so that a place stays empty
    ],
)
def test_words_are_counted_and_weights_are_not(text: str, tokens: int, parts: int) -> None:
    found = prompt_length(text, Folders())
    assert (found.tokens, found.chunks, found.uncounted) == (tokens, parts, [])


def test_embeddings_count_as_many_as_they_have_vectors(files: Folders) -> None:
    found = prompt_length("an embedding:three, (embedding:one:1.2)", files)
    assert (found.tokens, found.uncounted) == (1 + 3 + 1 + 1, [])


def test_embeddings_of_unknown_length_are_named(files: Folders) -> None:
    found = prompt_length("embedding:none embedding:old embedding:odd embedding:none", files)
    assert (found.tokens, found.uncounted) == (4, ["none", "old", "odd"])


def test_it_is_what_is_encoded(files: Folders) -> None:
    text = "a photograph of (an astronaut:1.2), embedding:three " * 20
    made = chunks(words(text, lambda name: torch.zeros(3, 8)))
    found = prompt_length(text, files)
    assert (found.tokens, found.chunks) == (sum(len(chunk.items) for chunk in made), len(made))


def test_counting_loads_no_torch() -> None:
    code = """
import sys
from graph.folders import Folders
from noisewright.prompt_length import prompt_length
assert prompt_length("apple", Folders()).tokens == 1
assert not {"torch", "nodes"} & sys.modules.keys(), "too much"
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
