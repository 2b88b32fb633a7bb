"""VAE nodes: each hands its settings to the function that computes."""

import pytest
import torch

from diffusion import vae as computing
from diffusion.checkpoint import read_checkpoint
from diffusion.memory import Weights
from diffusion.values import Image, Latent, Mask
from nodes.vae import (
    decode_latent,
    decode_latent_in_tiles,
    encode_image,
    encode_image_for_inpainting,
    encode_image_in_tiles,
)
from tests.diffusion.tiny import write_tiny_checkpoint

WEIGHTS = Weights("cpu", "fp32")


@pytest.fixture(scope="module")
def vae(tmp_path_factory):
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x").vae


LATENT = Latent(torch.randn(1, 4, 24, 16, generator=torch.Generator().manual_seed(0)))
IMAGE = Image(torch.rand(1, 192, 128, 3, generator=torch.Generator().manual_seed(0)))


def test_decode(vae):
    assert torch.equal(
        decode_latent(LATENT, vae, weights=WEIGHTS).pixels, computing.decode(LATENT, vae, WEIGHTS).pixels
    )


def test_decode_in_tiles(vae):
    tiled = decode_latent_in_tiles(LATENT, vae, 64, 4096, weights=WEIGHTS)
    assert torch.equal(tiled.pixels, computing.decode(LATENT, vae, WEIGHTS, computing.Tiles(64, 16)).pixels)
    assert not torch.equal(tiled.pixels, decode_latent(LATENT, vae, weights=WEIGHTS).pixels)


def test_encode(vae):
    assert torch.equal(encode_image(IMAGE, vae, weights=WEIGHTS).samples, computing.encode(IMAGE, vae, WEIGHTS).samples)


def test_encode_in_tiles(vae):
    tiled = encode_image_in_tiles(IMAGE, vae, 64, 32, weights=WEIGHTS)
    assert tiled.samples.shape == (1, 4, 24, 16)
    assert torch.equal(tiled.samples, computing.encode(IMAGE, vae, WEIGHTS, computing.Tiles(64, 32)).samples)


def test_encode_for_inpainting(vae):
    mask = torch.zeros(1, 192, 128)
    mask[:, 50:100, 50:100] = 1
    latent = encode_image_for_inpainting(IMAGE, vae, Mask(mask), 8, weights=WEIGHTS)
    assert latent.noise_mask.sum() == 57 * 57  # eight pixels in all: a square of 8 reaches 7 further
    assert latent.samples.shape == (1, 4, 24, 16)
