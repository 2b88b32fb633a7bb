"""Tiny autoencoders against diffusers' own module on the same weights."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from diffusion.architectures import AutoencoderTiny
from diffusion.checkpoint import read_vae
from diffusion.families.sd1 import SPACE as SD1_SPACE
from diffusion.header import WeightFileError, read_header
from diffusion.preview import tiny_for
from diffusion.saving.files import vae_draft
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


def halves(folder: Path, name: str, channels: int = 4) -> tuple[Path, Path]:
    """Encoder and decoder as their author has them: layers by number, a decoder's from 1."""
    found = dict[str, dict[str, torch.Tensor]](encoder={}, decoder={})
    for key, weight in tiny(channels).state_dict().items():
        half, _, number, rest = key.split(".", 3)
        found[half][f"{int(number) + (half == 'decoder')}.{rest}"] = weight
    paths = [folder / f"{name}_{half}.safetensors" for half in found]
    for path, tensors in zip(paths, found.values(), strict=True):
        save_file(tensors, path)
    return paths[0], paths[1]


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


@pytest.mark.parametrize(("name", "space", "scale"), [("taesd", "sd1", 0.18215), ("taesdxl", "sdxl", 0.13025)])
def test_two_files_are_the_module(tmp_path, name, space, scale):
    _, decoder = halves(tmp_path, name)
    assert {"1.weight", "3.conv.0.weight"} <= read_header(decoder).tensors.keys()
    vae = read_vae(decoder, f"halves of {name}")
    assert (vae.space.name, vae.space.scale, vae.space.factor) == (space, scale, 8)
    pixels = picture().pixels.permute(0, 3, 1, 2) * 2 - 1
    with torch.no_grad():
        truth = tiny().encode(pixels).latents
        shown = tiny().decode(truth).sample
    latent = encode(picture(), vae, WEIGHTS)
    torch.testing.assert_close(latent.samples, truth / scale, rtol=1e-4, atol=1e-5)
    drawn = decode(latent, vae, WEIGHTS).pixels
    torch.testing.assert_close(drawn, (shown / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1), rtol=1e-4, atol=1e-5)


def test_a_decoder_alone_decodes(tmp_path):
    encoder, decoder = halves(tmp_path, "taesd")
    encoder.unlink()
    vae = read_vae(decoder, "a decoder")
    assert vae.encoder is None
    latent = Latent(torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)), vae.space)
    with torch.no_grad():
        shown = tiny().decode(latent.samples * vae.space.scale).sample
    drawn = decode(latent, vae, WEIGHTS).pixels
    torch.testing.assert_close(drawn, (shown / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="This tiny autoencoder has only its decoder"):
        encode(picture(), vae, WEIGHTS)


def test_an_encoder_alone_is_refused(tmp_path):
    encoder, decoder = halves(tmp_path, "taesd")
    decoder.unlink()
    with pytest.raises(WeightFileError, match=r"'taesd_encoder\.safetensors' holds only the encoder"):
        read_vae(encoder, "an encoder")


@pytest.mark.parametrize("half", [0, 1])
def test_halves_for_other_latents_are_refused(tmp_path, half):
    with pytest.raises(WeightFileError, match="a tiny autoencoder with 16 latent channels"):
        read_vae(halves(tmp_path, "taesd3", channels=16)[half], f"other {half}")


def test_two_files_are_saved_as_one(tmp_path):
    _, decoder = halves(tmp_path, "taesd")
    draft = vae_draft(read_vae(decoder, "to save"))
    truth = tiny().state_dict()
    assert {entry.name for entry in draft.entries} == truth.keys()
    assert all(torch.equal(entry.read(), truth[entry.name]) for entry in draft.entries)


def test_previews_are_drawn_by_a_decoder(tmp_path):
    paths = halves(tmp_path, "taesd")
    found = tiny_for(SD1_SPACE, [(path, f"preview {path.name}") for path in paths])
    assert found is not None
    assert found.file.path == str(paths[1])
