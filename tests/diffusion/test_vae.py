"""Pictures and latents against diffusers' `AutoencoderKL` on the same weights."""

import contextlib
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from diffusion import vae as vae_module
from diffusion.checkpoint import read_checkpoint
from diffusion.memory import Weights
from diffusion.vae import Tiles, decode, encode, encode_for_inpainting
from diffusion.values import Image, Latent, LatentSpace, Mask
from tests.diffusion.tiny import tiny_vae, write_tiny_checkpoint

FP32 = Weights("cpu", "fp32")


@pytest.fixture(scope="module", params=[8, 4])
def recipe(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    return read_checkpoint(write_tiny_checkpoint(path, factor=request.param), f"factor {request.param}").vae


@pytest.fixture(scope="module")
def truth(recipe):
    return tiny_vae(factor=recipe.space.factor)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(4))


def mean(truth, pixels: torch.Tensor) -> torch.Tensor:
    """The mean of the posterior, one picture at a time. pixels: [B, H, W, 3] in 0..1."""
    items = (pixels.permute(0, 3, 1, 2) * 2 - 1).contiguous().split(1)
    return torch.cat([truth.encode(item).latent_dist.mean for item in items])


@pytest.mark.parametrize("size", [(8, 8), (5, 9)])
def test_decoding_is_the_module_bit_for_bit(recipe, truth, size):
    samples = noise(2, 4, *size)
    image = decode(Latent(samples, recipe.space), recipe, FP32)
    expected = torch.cat([truth.decode(item).sample for item in samples.split(1)])
    expected = (expected / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1)
    assert torch.equal(image.pixels, expected)
    assert image.pixels.is_contiguous()
    assert image.pixels.shape == (2, size[0] * recipe.space.factor, size[1] * recipe.space.factor, 3)


def test_encoding_is_the_mean_bit_for_bit(recipe, truth):
    pixels = picture(2, 32, 48, 3)
    latent = encode(Image(pixels), recipe, FP32)
    assert torch.equal(latent.samples, mean(truth, pixels))
    assert latent.space == recipe.space
    assert latent.noise_mask is None


def test_an_empty_latent_decodes(recipe, truth):
    image = decode(Latent(torch.zeros(1, 4, 8, 8)), recipe, FP32)
    assert image.pixels.shape[1] == 8 * recipe.space.factor


def test_sides_that_do_not_fit_are_cropped_around_the_centre(recipe, truth):
    pixels = picture(1, 39, 36, 3)
    factor = recipe.space.factor
    rows, columns = {8: (slice(3, 35), slice(2, 34)), 4: (slice(1, 37), slice(0, 36))}[factor]
    assert torch.equal(encode(Image(pixels), recipe, FP32).samples, mean(truth, pixels[:, rows, columns]))


def test_grey_and_alpha(recipe):
    pixels = picture(1, 32, 32, 4)
    colour = encode(Image(pixels[..., :3]), recipe, FP32).samples
    assert torch.equal(encode(Image(pixels), recipe, FP32).samples, colour)
    grey = encode(Image(pixels[..., :1].expand(-1, -1, -1, 3)), recipe, FP32).samples
    assert torch.equal(encode(Image(pixels[..., :1]), recipe, FP32).samples, grey)
    assert torch.equal(encode(Image(pixels[..., :2]), recipe, FP32).samples, grey)


def test_a_range_is_brought_to_0_and_1(recipe):
    pixels = picture(1, 32, 32, 3)
    ranged = Image(pixels * 6 - 2, range=(-2.0, 4.0))
    torch.testing.assert_close(encode(ranged, recipe, FP32).samples, encode(Image(pixels), recipe, FP32).samples)


def test_a_picture_smaller_than_a_latent_pixel_is_an_error(recipe):
    with pytest.raises(ValueError, match="3×40 pixels is too small to encode"):
        encode(Image(picture(1, 40, 3, 3)), recipe, FP32)


def test_latents_of_another_space_are_errors(recipe):
    with pytest.raises(ValueError, match=r"The latent has 16 channels; the autoencoder \(sd1\) decodes 4"):
        decode(Latent(torch.zeros(1, 16, 8, 8)), recipe, FP32)
    with pytest.raises(ValueError, match=r"The latent has 16 channels \(flux\)"):
        decode(Latent(torch.zeros(1, 16, 8, 8), LatentSpace("flux", 16, 8, 0.36)), recipe, FP32)
    with pytest.raises(ValueError, match=r"of the latent \(big\) stands for 32×32 pixels"):
        decode(Latent(torch.zeros(1, 4, 8, 8), LatentSpace("big", 4, 32, 1.0)), recipe, FP32)
    with pytest.raises(ValueError, match=r"\[1, 4, 3, 8, 8\], not \[B, C, H, W\]"):
        decode(Latent(torch.zeros(1, 4, 3, 8, 8)), recipe, FP32)


def test_one_tile_is_the_whole(recipe):
    latent = Latent(noise(1, 4, 8, 8), recipe.space)
    assert torch.equal(decode(latent, recipe, FP32, Tiles(512, 64)).pixels, decode(latent, recipe, FP32).pixels)


def test_tiles_are_coded_alone_and_joined(recipe, truth):
    """Away from its neighbours, each corner is what the autoencoder makes of that corner's tile."""
    factor = recipe.space.factor
    side, free = 16 * factor, 12 * factor
    tiles = Tiles(side, 4 * factor)
    samples = noise(1, 4, 28, 16)
    pixels = decode(Latent(samples, recipe.space), recipe, FP32, tiles).pixels
    first, last = (truth.decode(samples[:, :, rows]).sample.permute(0, 2, 3, 1) for rows in (slice(16), slice(12, 28)))
    torch.testing.assert_close(pixels[:, :free], (first / 2 + 0.5).clamp(0, 1)[:, :free], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(pixels[:, -free:], (last / 2 + 0.5).clamp(0, 1)[:, -free:], rtol=1e-4, atol=1e-4)
    latent = encode(Image(pixels), recipe, FP32, tiles).samples
    torch.testing.assert_close(latent[:, :, :12], mean(truth, pixels[:, :side])[:, :, :12], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(latent[:, :, -12:], mean(truth, pixels[:, -side:])[:, :, -12:], rtol=1e-4, atol=1e-4)


def test_large_pictures_are_cut_unasked(recipe, monkeypatch):
    cut = []
    monkeypatch.setattr(vae_module, "LARGEST_WHOLE", (8 * recipe.space.factor) ** 2)
    monkeypatch.setattr(
        vae_module, "in_tiles", lambda compute, item, *rest, **more: cut.append(item.shape) or compute(item)
    )
    decode(Latent(noise(1, 4, 8, 8), recipe.space), recipe, FP32)
    assert cut == []
    decode(Latent(noise(1, 4, 8, 9), recipe.space), recipe, FP32)
    encode(Image(picture(1, 8 * recipe.space.factor, 9 * recipe.space.factor, 3)), recipe, FP32)
    assert len(cut) == 2


def test_too_little_memory_means_tiles(recipe, caplog):
    """As a GPU says so; played by an autoencoder that refuses more than a tile."""

    class Small:
        def lend(self, vae):
            return contextlib.nullcontext(self)

        def decode(self, latent):
            if latent.shape[-1] * recipe.space.factor > 512:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return torch.zeros(1, 3, *(side * recipe.space.factor for side in latent.shape[-2:]))

    side = 600 // recipe.space.factor
    image = decode(Latent(torch.zeros(1, 4, side, side)), recipe, Small())
    assert image.pixels.shape == (1, 600, 600, 3)
    assert "too little memory for 360,000 pixels at once" in caplog.text


def test_repainted_parts_are_grey_and_the_mask_grows(recipe, truth):
    pixels = picture(1, 32, 32, 3)
    mask = torch.zeros(1, 32, 32)
    mask[:, 10:20, 10:20] = 1.0
    latent = encode_for_inpainting(Image(pixels), Mask(mask), recipe, FP32, grow=0)
    grey = pixels.clone()
    grey[:, 10:20, 10:20] = 0.5
    torch.testing.assert_close(latent.samples, mean(truth, grey), rtol=1e-4, atol=1e-4)
    assert torch.equal(latent.noise_mask, mask)
    grown = encode_for_inpainting(Image(pixels), Mask(mask), recipe, FP32, grow=5)
    expected = functional.max_pool2d(mask, 5, stride=1, padding=2)
    assert torch.equal(grown.noise_mask, expected)
    assert torch.equal(grown.samples, latent.samples)


def test_a_mask_of_another_size_is_fitted_and_cropped_like_the_picture(recipe):
    pixels = picture(2, 34, 32, 3)
    latent = encode_for_inpainting(Image(pixels), Mask(torch.ones(1, 7, 7)), recipe, FP32, grow=6)
    height = 34 // recipe.space.factor * recipe.space.factor
    assert latent.noise_mask.shape == (1, height, 32)
    assert torch.equal(latent.noise_mask, torch.ones(1, height, 32))
    assert torch.equal(latent.samples[0], latent.samples[1])  # both all grey


def test_nothing_is_mutated(recipe):
    pixels, mask = picture(1, 32, 32, 3), torch.ones(1, 32, 32)
    before = pixels.clone(), mask.clone()
    encode_for_inpainting(Image(pixels), Mask(mask), recipe, FP32)
    assert torch.equal(pixels, before[0])
    assert torch.equal(mask, before[1])


def test_bf16_is_near_the_reference(recipe):
    latent = Latent(noise(1, 4, 8, 8), recipe.space)
    reference = decode(latent, recipe, FP32).pixels
    half = decode(latent, recipe, Weights("cpu", "bf16")).pixels
    error = (half - reference).square().mean()
    assert 10 * torch.log10(1 / error) > 30


def test_recipes_say_their_own_space(recipe):
    other = replace(recipe, space=replace(recipe.space, name="mine"))
    assert encode(Image(picture(1, 32, 32, 3)), other, FP32).space.name == "mine"
