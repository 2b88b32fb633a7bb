"""Tiny autoencoders against diffusers' own module on the same weights."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from diffusion.architectures import AutoencoderTiny
from diffusion.checkpoint import read_vae
from diffusion.header import WeightFileError
from diffusion.vae import decode, encode
from diffusion.values import Latent
from tests.diffusion.families.pipelines import SIDE, WEIGHTS, picture
from tests.diffusion.tiny import seeded


def tiny(channels: int = 4) -> AutoencoderTiny:
    width = (8,) * 4
    return seeded(
        AutoencoderTiny(encoder_block_out_channels=width, decoder_block_out_channels=width, latent_channels=channels),
        20,
    )


def written(folder: Path, name: str, channels: int = 4) -> Path:
    save_file(tiny(channels).state_dict(), folder / name)
    return folder / name


@pytest.mark.parametrize(("name", "space", "scale"), [("taesd", "sd1", 0.18215), ("taesdxl", "sdxl", 0.13025)])
def test_it_is_the_module_in_the_scale_of_the_family_its_name_says(tmp_path, name, space, scale):
    vae = read_vae(written(tmp_path, f"{name}.safetensors"), name)
    assert (vae.space.name, vae.space.scale, vae.space.factor) == (space, scale, 8)
    pixels = picture().pixels.permute(0, 3, 1, 2) * 2 - 1
    with torch.no_grad():
        truth = tiny().encode(pixels).latents
        shown = tiny().decode(truth).sample
    latent = encode(picture(), vae, WEIGHTS)
    torch.testing.assert_close(latent.samples, truth / scale, rtol=1e-4, atol=1e-5)
    drawn = decode(Latent(truth / scale, vae.space), vae, WEIGHTS).pixels
    assert drawn.shape == (1, SIDE, SIDE, 3)
    torch.testing.assert_close(drawn, (shown / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1), rtol=1e-4, atol=1e-5)


def test_one_for_other_latents_is_refused(tmp_path):
    with pytest.raises(WeightFileError, match="a tiny autoencoder with 16 latent channels; Stable Diffusion 1, 2 and"):
        read_vae(written(tmp_path, "taef1.safetensors", channels=16), "x")
