"""Stable Diffusion's x4 upscaler against diffusers' own pipeline on the same weights, noise, prompts and picture."""

from pathlib import Path

import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_upscale import StableDiffusionUpscalePipeline
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from torch import Tensor

from diffusion import vae
from diffusion.checkpoint import Parts, prediction_of, read_checkpoint
from diffusion.conditioning import showing
from diffusion.enlarging import HIGHEST_LEVEL, to_enlarge
from diffusion.families.sd_x4_upscaler import BETAS
from diffusion.header import WeightFileError
from diffusion.prediction import VPrediction
from diffusion.unclip import SEED_OFFSET
from diffusion.values import Image, Latent
from tests.diffusion.families.pipelines import (
    CFG,
    NEGATIVE,
    PROMPT,
    SEED,
    STEPS,
    WEIGHTS,
    assert_same,
    ids,
    prompt,
    sampled,
)
from tests.diffusion.tiny import tiny_vae
from tests.diffusion.tiny_families import Tiny, tiny_sd2, tiny_x4_upscaler

TINY = tiny_x4_upscaler()
HEIGHT, WIDTH = 12, 16
"""Of the small picture, and of the latent."""


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    return read_checkpoint(TINY.write(tmp_path_factory.mktemp("x4") / "x4.safetensors"), "x4")


def small() -> Image:
    return Image(torch.rand(1, HEIGHT, WIDTH, 3, generator=torch.Generator().manual_seed(5)))


def schedule() -> dict:
    return {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "scaled_linear"}


@torch.no_grad()
def states(text: str) -> Tensor:
    clip = TINY.texts["text_encoder"]
    return clip.final_layer_norm(clip(ids(text, 0), output_hidden_states=True).hidden_states[-2])


def pipeline_result(level: int) -> Tensor:
    scheduler = EulerDiscreteScheduler(**schedule(), prediction_type="v_prediction")
    low = DDPMScheduler(**schedule())
    pipe = StableDiffusionUpscalePipeline(tiny_vae(factor=4), None, None, TINY.unet, low, scheduler)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler.set_timesteps(STEPS)
    noise = torch.randn(1, 4, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(SEED))
    noise *= (1 + float(pipe.scheduler.init_noise_sigma) ** -2) ** 0.5  # we begin with the variance of x there
    return pipe(
        image=small().pixels.permute(0, 3, 1, 2),
        prompt_embeds=states(PROMPT),
        negative_prompt_embeds=states(NEGATIVE),
        noise_level=level,
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        generator=torch.Generator().manual_seed(SEED + SEED_OFFSET),
        latents=noise,
        output_type="latent",
    ).images


def our_result(parts: Parts, noise: float, scale: float = 4.0) -> Tensor:
    shown, latent = to_enlarge(small(), scale, noise)
    sides = [showing(prompt(text, parts.text_encoder), shown) for text in (PROMPT, NEGATIVE)]
    return sampled(parts.model, sides, latent)


@pytest.mark.parametrize("level", [0, 20, 350])
def test_enlarging_is_that_of_the_pipeline(parts, level):
    theirs = pipeline_result(level)
    assert theirs.shape == (1, 4, HEIGHT, WIDTH)
    assert_same(our_result(parts, level / HIGHEST_LEVEL), theirs)


def test_a_folder_gives_the_same(tmp_path):
    """Published folders have lost the text encoder's last layer, of which nothing is taken."""
    whole = TINY.texts["text_encoder"]
    names = {name: weight for name, weight in whole.state_dict().items() if not name.startswith("encoder.layers.2.")}
    cut = type(whole)(type(whole.config).from_dict(whole.config.to_dict() | {"num_hidden_layers": 2}))
    cut.load_state_dict(names)
    twin = Tiny(TINY.name, TINY.unet, {"text_encoder": cut}, TINY.factor)
    folder = twin.write_folder(tmp_path / "folder", prediction_type="v_prediction")
    assert_same(our_result(read_checkpoint(folder, "x4 folder"), 0.0), pipeline_result(0))


def test_what_it_is(parts):
    assert (parts.model.family, parts.vae.space.factor, parts.vae.space.scale) == ("sd-x4-upscaler", 4, 0.08333)
    prediction = prediction_of(parts.model)
    assert isinstance(prediction, VPrediction)
    kept = DDPMScheduler(**schedule()).alphas_cumprod
    torch.testing.assert_close(prediction.sigmas, ((1 - kept) / kept).sqrt(), rtol=2e-4, atol=0)
    assert BETAS == (0.0001, 0.02)


def test_a_file_without_words_is_told_by_its_tensors(tmp_path, parts):
    """Eight heads, and names of tables that carry no weights."""
    from safetensors.torch import save_file

    tensors = TINY.tensors() | {"low_scale_model.betas": torch.zeros(4)}
    path = tmp_path / "plain.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    found = read_checkpoint(path, "plain")
    assert found.model.family == "sd-x4-upscaler"
    with WEIGHTS.lend(found.model) as network:
        assert network.inputs.levels == 1000
        unet = network._lease.run.unet
        assert unet.down_blocks[0].attentions[0].transformer_blocks[0].attn1.heads == 8
        assert unet.config.only_cross_attention == (True, False)


def test_the_picture_is_four_times_as_large(parts):
    shown, latent = to_enlarge(small(), 4.0, 0.0)
    assert latent.empty_size == (4 * HEIGHT, 4 * WIDTH)
    assert (shown.samples.amin() >= -1, shown.samples.shape) == (True, (1, 3, HEIGHT, WIDTH))
    samples = our_result(parts, 0.0) / parts.vae.space.scale
    made = vae.decode(Latent(samples, parts.vae.space), parts.vae, WEIGHTS)
    with torch.no_grad():
        theirs = tiny_vae(factor=4).decode(samples).sample
    assert made.pixels.shape == (1, 4 * HEIGHT, 4 * WIDTH, 3)
    torch.testing.assert_close(made.pixels, (theirs / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1), rtol=1e-4, atol=1e-5)
    coded = vae.encode(made, parts.vae, WEIGHTS).samples
    with torch.no_grad():
        theirs = tiny_vae(factor=4).encode(made.pixels.permute(0, 3, 1, 2) * 2 - 1).latent_dist.mean
    torch.testing.assert_close(coded, theirs, rtol=1e-4, atol=1e-5)


def test_another_size_resizes_the_picture_it_sees(parts):
    assert our_result(parts, 0.0, scale=6.0).shape == (1, 4, HEIGHT * 3 // 2, WIDTH * 3 // 2)


def test_what_does_not_fit_is_told_before_sampling(tmp_path: Path, parts):
    bare = [prompt(text, parts.text_encoder) for text in (PROMPT, NEGATIVE)]
    with pytest.raises(ValueError, match=r"'x4\.safetensors' enlarges pictures: it must be shown one\. Connect"):
        sampled(parts.model, bare)
    shown, _ = to_enlarge(small(), 4.0, 0.0)
    eight = tiny_sd2()
    odd = type(eight.unet).from_config({**eight.unet.config, "in_channels": 8})
    other = read_checkpoint(Tiny("sd2", odd.eval(), eight.texts).write(tmp_path / "pix.safetensors"), "pix")
    sides = [showing(prompt(text, other.text_encoder), shown) for text in (PROMPT, NEGATIVE)]
    with pytest.raises(ValueError, match=r"the model 'pix\.safetensors' does not enlarge pictures"):
        sampled(other.model, sides)


def test_another_number_of_channels_is_refused(tmp_path):
    odd = type(TINY.unet).from_config({**TINY.unet.config, "in_channels": 8})
    with pytest.raises(WeightFileError, match="takes 8 channels and gives 4"):
        read_checkpoint(Tiny(TINY.name, odd, TINY.texts, 4).write(tmp_path / "odd.safetensors"), "odd")
