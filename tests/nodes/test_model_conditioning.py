"""Nodes for models that are told or shown more than a text."""

from pathlib import Path

import pytest
import torch

from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.memory import Weights
from diffusion.vae import encode
from diffusion.values import Image, Mask, SizeConditioning
from graph.folders import Folders
from graph.node import node_type_of
from nodes import model_conditioning as nodes
from nodes.conditioning import encode_text
from tests.diffusion.fake_network import prompt
from tests.diffusion.tiny import write_tiny_checkpoint
from tests.diffusion.tiny_families import tiny_refiner, tiny_sdxl

WEIGHTS = Weights("cpu", "fp32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def sdxl(folder) -> Parts:
    return read_checkpoint(tiny_sdxl().write(folder / "sdxl.safetensors"), "sdxl")


@pytest.fixture(scope="module")
def sd1(folder) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(folder / "sd1.safetensors"), "sd1")


def test_sdxl_is_told_sizes_and_reads_two_texts(sdxl, folder):
    services = {"weights": WEIGHTS, "files": Folders((folder,))}
    (entry,) = nodes.encode_for_sdxl(sdxl.text_encoder, 768, 512, 16, 8, 640, 320, "apple", "pear", **services).entries
    (plain,) = encode_text("apple", sdxl.text_encoder, **services).entries
    assert entry.size == SizeConditioning((512, 768), (8, 16), (320, 640))
    assert plain.size is None
    width = 64  # of the smaller encoder's states
    torch.testing.assert_close(entry.tokens[..., width:], plain.tokens[..., width:])
    torch.testing.assert_close(entry.pooled, plain.pooled)
    assert not torch.allclose(entry.tokens[..., :width], plain.tokens[..., :width])


def test_a_model_with_one_encoder_reads_one_text_and_drops_none(sd1, folder):
    services = {"weights": WEIGHTS, "files": Folders((folder,))}
    (entry,) = nodes.encode_for_sdxl(sd1.text_encoder, 64, 64, 0, 0, 64, 64, "pear", "pear", **services).entries
    assert torch.equal(entry.tokens, encode_text("pear", sd1.text_encoder, **services).entries[0].tokens)
    with pytest.raises(ValueError, match="for each of 2 encoders, as SDXL has them, but the CLIP of"):
        nodes.encode_for_sdxl(sd1.text_encoder, 64, 64, 0, 0, 64, 64, "apple", "pear", **services)


def test_the_refiner_is_told_a_score(folder):
    parts = read_checkpoint(tiny_refiner().write(folder / "refiner.safetensors"), "refiner")
    services = {"weights": WEIGHTS, "files": Folders((folder,))}
    (entry,) = nodes.encode_for_sdxl_refiner(2.5, 640, 320, "apple", parts.text_encoder, **services).entries
    assert entry.size == SizeConditioning((320, 640), aesthetic=2.5)


def test_embeddings_of_both_texts_join_the_cache_key(folder):
    (folder / "embeddings").mkdir()
    (folder / "embeddings" / "ink.safetensors").write_bytes(b"0" * 16)
    declared = node_type_of(nodes.encode_for_sdxl)
    assert declared is not None
    assert declared.fingerprint is not None
    prints = {
        declared.fingerprint(files=Folders((folder,)), text_g=one, text_l=other)
        for one, other in [("a", "b"), ("embedding:ink", "b"), ("a", "embedding:ink")]
    }
    assert len(prints) == 3


@pytest.fixture
def picture() -> Image:
    return Image(torch.rand(1, 70, 64, 3, generator=torch.Generator().manual_seed(0)))


def test_what_is_to_be_repainted_is_grey_before_it_is_shown(sd1, picture):
    """By hand: cropped to whole latent pixels around the centre, grey where the mask is over a half."""
    mask = Mask(torch.zeros(1, 70, 64))
    mask.values[:, 20:40, :30] = 0.75
    positive, negative, latent = nodes.condition_inpainting(
        prompt(1.0), prompt(0.0), sd1.vae, picture, mask, weights=WEIGHTS
    )
    cut = picture.pixels[:, 3:67].clone()
    assert torch.equal(latent.samples, encode(Image(cut), sd1.vae, WEIGHTS).samples)
    cut[:, 17:37, :30] = 0.5
    shown = positive.entries[0].shown
    assert shown is not None
    assert shown is negative.entries[0].shown
    torch.testing.assert_close(shown.samples, encode(Image(cut), sd1.vae, WEIGHTS).samples)
    assert torch.equal(shown.mask, mask.values[:, 3:67])
    assert latent.noise_mask is not None
    free = nodes.condition_inpainting(
        prompt(1.0), prompt(0.0), sd1.vae, picture, mask, noise_mask=False, weights=WEIGHTS
    ).latent
    assert free.noise_mask is None


def test_an_instruction_begins_with_nothing_and_sees_the_picture(sd1, picture):
    positive, negative, latent = nodes.condition_instruction(
        prompt(1.0), prompt(0.0), sd1.vae, picture, weights=WEIGHTS
    )
    shown = positive.entries[0].shown
    assert shown is not None
    assert shown is negative.entries[0].shown
    assert shown.mask is None
    assert torch.equal(shown.samples, encode(picture, sd1.vae, WEIGHTS).samples)
    assert not latent.samples.any()
    assert latent.samples.shape == shown.samples.shape


def test_a_picture_to_be_enlarged_is_shown_as_it_is(picture):
    positive, negative, latent = nodes.condition_upscaling(picture, prompt(1.0), prompt(0.0), 2.5, 0.25)
    shown = positive.entries[0].shown
    assert shown is not None
    assert shown is negative.entries[0].shown
    assert torch.equal(shown.samples, picture.pixels.movedim(-1, 1) * 2 - 1)
    assert (shown.noise, latent.empty_size) == (0.25, (175, 160))
    assert nodes.condition_upscaling(picture, prompt(1.0), prompt(0.0), 0.0).latent.empty_size == (1, 1)
