"""The conditioning nodes: settings become values, prompts become tokens, and embeddings join the cache key."""

from pathlib import Path

import pytest
import torch
from instant_clip_tokenizer import Tokenizer
from safetensors.torch import save_file

from diffusion.checkpoint import read_checkpoint
from diffusion.memory import Weights
from diffusion.values import Area, Conditioning, Mask, TextEncoder
from graph.errors import FileMissing
from graph.folders import Folders
from graph.node import node_type_of
from nodes import conditioning as nodes
from tests.diffusion.fake_network import prompt
from tests.diffusion.tiny import tiny_text_encoder, write_tiny_checkpoint


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with a tiny checkpoint and an embedding that says the same as the word "apple"."""
    folder = tmp_path_factory.mktemp("models")
    write_tiny_checkpoint(folder / "checkpoints" / "tiny.safetensors")
    (token,) = Tokenizer().encode("apple")
    vectors = tiny_text_encoder().get_submodule("embeddings.token_embedding").weight[[token]].clone()
    (folder / "embeddings" / "fruit").mkdir(parents=True)
    save_file({"emb_params": vectors}, folder / "embeddings" / "fruit" / "pomme.safetensors")
    return folder


@pytest.fixture(scope="module")
def clip(models: Path) -> TextEncoder:
    return read_checkpoint(models / "checkpoints" / "tiny.safetensors", "tiny").text_encoder


WEIGHTS = Weights("cpu", "fp32")


def encoded(text: str, clip: TextEncoder, models: Path) -> Conditioning:
    return nodes.encode_text(text, clip, weights=WEIGHTS, files=Folders((models,)))


def test_controls_are_given_a_text_of_their_own(clip: TextEncoder, models: Path) -> None:
    given, services = encoded("red apple", clip, models), {"weights": WEIGHTS, "files": Folders((models,))}
    (entry,) = nodes.encode_text_for_controls(clip, given, "hello world", **services).entries
    (read,) = encoded("hello world", clip, models).entries
    assert entry.tokens is given.entries[0].tokens
    assert entry.control_tokens is not None
    assert torch.equal(entry.control_tokens, read.tokens)


@pytest.mark.parametrize("name", ["pomme", "fruit/pomme", "fruit/pomme.safetensors"])
def test_an_embedding_stands_for_its_vectors(name: str, clip: TextEncoder, models: Path) -> None:
    word, embedding = encoded("red apple", clip, models), encoded(f"red embedding:{name}", clip, models)
    torch.testing.assert_close(embedding.entries[0].tokens, word.entries[0].tokens)


def test_a_missing_embedding_is_named_with_the_nearest_one(clip: TextEncoder, models: Path) -> None:
    with pytest.raises(FileMissing, match="no file 'pome' in the folder 'embeddings'"):
        encoded("red embedding:pome", clip, models)


def test_clip_skip_takes_an_earlier_layer(clip: TextEncoder, models: Path) -> None:
    skipped = nodes.set_last_layer(clip, -2)
    assert skipped.last_layer == -2
    plain, earlier = encoded("apple", clip, models).entries[0], encoded("apple", skipped, models).entries[0]
    assert not torch.allclose(plain.tokens, earlier.tokens, atol=1e-3)


def fingerprint(folder: Path, **settings: str) -> str:
    """The fingerprint of CLIPTextEncode, asked as the engine asks."""
    declared = node_type_of(nodes.encode_text)
    assert declared is not None
    assert declared.fingerprint is not None
    return declared.fingerprint(files=Folders((folder,)), **settings)


def test_the_content_of_embeddings_joins_the_cache_key(tmp_path: Path) -> None:
    folder = tmp_path / "embeddings"
    folder.mkdir()
    (tmp_path / "checkpoints").mkdir()
    named, linked, plain = {"text": "(embedding:pomme:1.2)"}, {}, {"text": "pomme"}

    def prints() -> tuple[str, str, str]:
        return fingerprint(tmp_path, **named), fingerprint(tmp_path, **linked), fingerprint(tmp_path, **plain)

    missing = prints()
    save_file({"emb_params": torch.zeros(1, 4)}, folder / "pomme.safetensors")
    there = prints()
    save_file({"emb_params": torch.ones(2, 4)}, folder / "pomme.safetensors")
    changed = prints()
    save_file({"emb_params": torch.ones(3, 4)}, folder / "other.safetensors")
    other = prints()
    assert len({missing[0], there[0], changed[0]}) == 3
    assert other[0] == changed[0]
    assert len({missing[1], there[1], changed[1], other[1]}) == 4
    assert {missing[2], there[2], changed[2], other[2]} == {""}


def test_areas_in_pixels_and_fractions() -> None:
    (entry,) = nodes.set_area(prompt(1.0), 128, 64, 8, 16, 0.5).entries
    assert (entry.area, entry.strength) == (Area(height=64, width=128, y=16, x=8), 0.5)
    (entry,) = nodes.set_area_percentage(prompt(1.0), 0.5, 0.25, 0.125, 0.75, 2.0).entries
    assert entry.area == Area(height=0.25, width=0.5, y=0.75, x=0.125, relative=True)
    assert entry.strength == 2.0
    (entry,) = nodes.set_area_strength(prompt(1.0, area=entry.area), 0.25).entries
    assert entry.strength == 0.25


@pytest.mark.parametrize(("choice", "bounds"), [("default", False), ("mask bounds", True)])
def test_masks(choice, bounds: bool) -> None:
    mask = Mask(torch.rand(1, 8, 8))
    (entry,) = nodes.set_mask(prompt(1.0), mask, 0.7, choice).entries
    assert entry.mask is mask.values
    assert (entry.mask_strength, entry.mask_bounds, entry.strength) == (0.7, bounds, 1.0)


def test_ranges() -> None:
    (entry,) = nodes.set_timestep_range(prompt(1.0), 0.1, 0.6).entries
    assert (entry.start, entry.end) == (0.1, 0.6)


def test_joining_and_blending() -> None:
    first, second = prompt(1.0), prompt(3.0)
    assert nodes.combine_conditionings(first, second).entries == first.entries + second.entries
    joined = nodes.concatenate_conditionings(first, second).entries[0].tokens
    assert joined[0, :, 0].tolist() == [1, 1, 3, 3]
    assert nodes.average_conditionings(first, second, 0.25).entries[0].tokens[0, :, 0].tolist() == [2.5, 2.5]
    assert not nodes.zero_out_conditioning(first).entries[0].tokens.any()
