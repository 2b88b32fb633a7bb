"""Stable Diffusion 1 for inpainting and for instructions against diffusers' own pipelines, and its parts in files of
their own.
"""

from pathlib import Path

import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_inpaint import StableDiffusionInpaintPipeline
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_instruct_pix2pix import (
    StableDiffusionInstructPix2PixPipeline,
)
from safetensors.torch import save_file

from diffusion.checkpoint import read_checkpoint, read_text_encoders, read_unet, read_vae
from diffusion.conditioning import restrict_to_area, showing
from diffusion.header import WeightFileError
from diffusion.prediction import VPrediction
from diffusion.showing import to_instruct, to_repaint
from diffusion.vae import encode_for_inpainting
from diffusion.values import Area, Shown
from tests.diffusion.families.pipelines import (
    CFG,
    NEGATIVE,
    PROMPT,
    SIDE,
    STEPS,
    WEIGHTS,
    assert_same,
    certain_vae,
    corner,
    ids,
    picture,
    prompt,
    sampled,
    scheduler,
    start,
)
from tests.diffusion.tiny import tiny_tensors, tiny_text_encoder, tiny_unet, tiny_vae, write_tiny_checkpoint


@torch.no_grad()
def texts() -> dict[str, torch.Tensor]:
    clip = tiny_text_encoder()
    return {
        "prompt_embeds": clip(ids(PROMPT, 49407)).last_hidden_state,
        "negative_prompt_embeds": clip(ids(NEGATIVE, 49407)).last_hidden_state,
    }


def test_inpainting_is_that_of_the_pipeline(tmp_path):
    parts = read_checkpoint(write_tiny_checkpoint(tmp_path / "nine.safetensors", in_channels=9), "nine")
    shown, latent = to_repaint(picture(), corner(), parts.vae, WEIGHTS)
    sides = (showing(prompt(text, parts.text_encoder), shown) for text in (PROMPT, NEGATIVE))
    pipe = StableDiffusionInpaintPipeline(
        *(certain_vae(), None, None, tiny_unet(in_channels=9), scheduler(), None, None),
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler.set_timesteps(STEPS)
    theirs = pipe(
        image=picture().pixels.permute(0, 3, 1, 2) * 2 - 1,
        mask_image=corner().values[:, None],
        height=SIDE,
        width=SIDE,
        strength=1.0,
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        latents=start(float(pipe.scheduler.init_noise_sigma)),
        generator=torch.Generator().manual_seed(0),
        output_type="latent",
        **texts(),
    ).images
    assert_same(sampled(parts.model, sides), theirs)
    assert latent.noise_mask is not None
    assert latent.samples.shape == (1, 4, SIDE // 8, SIDE // 8)


def test_instructions_are_those_of_the_pipeline(tmp_path):
    parts = read_checkpoint(write_tiny_checkpoint(tmp_path / "eight.safetensors", in_channels=8), "eight")
    shown, latent = to_instruct(picture(), parts.vae, WEIGHTS)
    sides = [showing(prompt(text, parts.text_encoder), shown) for text in (PROMPT, NEGATIVE)]
    pipe = StableDiffusionInstructPix2PixPipeline(
        *(tiny_vae(), None, None, tiny_unet(in_channels=8), scheduler(), None, None),
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler.set_timesteps(STEPS)
    theirs = pipe(
        image=picture().pixels.permute(0, 3, 1, 2) * 2 - 1,
        image_guidance_scale=1.0,
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        latents=start(float(pipe.scheduler.init_noise_sigma)),
        output_type="latent",
        **texts(),
    ).images
    assert_same(sampled(parts.model, sides, latent), theirs)
    assert not torch.allclose(
        sampled(parts.model, [prompt(text, parts.text_encoder) for text in (PROMPT, NEGATIVE)]), theirs
    )


def test_a_region_is_shown_its_part_of_the_picture(tmp_path, monkeypatch):
    parts = read_checkpoint(write_tiny_checkpoint(tmp_path / "nine.safetensors", in_channels=9), "regions")
    shown, _ = to_repaint(picture(), corner(), parts.vae, WEIGHTS)
    side = showing(prompt(PROMPT, parts.text_encoder), shown)
    seen = []
    true = type(WEIGHTS.lend(parts.model).__enter__()).__call__
    monkeypatch.setattr(
        "diffusion.network.Network.__call__",
        lambda self, x, timestep, context: seen.append(context.beside) or true(self, x, timestep, context),
    )
    part = restrict_to_area(side, Area(height=32, width=24, y=16, x=8), 1.0)
    sampled(parts.model, (side, part), steps=1)
    whole = next(each for each in seen if each.shape[-1] == SIDE // 8)[:1]
    cut = next(each for each in seen if each.shape[-1] == 3)
    assert torch.equal(cut[-1:], whole[..., 2:6, 1:4])


def test_a_latent_with_a_noise_mask_is_shown_where_nothing_else_is(tmp_path):
    """As VAEEncodeForInpaint makes it."""
    parts = read_checkpoint(write_tiny_checkpoint(tmp_path / "nine.safetensors", in_channels=9), "masked")
    latent = encode_for_inpainting(picture(), corner(), parts.vae, WEIGHTS, grow=0)
    plain = [prompt(text, parts.text_encoder) for text in (PROMPT, NEGATIVE)]
    by_hand = [showing(side, Shown(latent.samples, latent.noise_mask)) for side in plain]
    assert torch.equal(sampled(parts.model, plain, latent), sampled(parts.model, by_hand, latent))


def test_an_inpainting_model_that_is_shown_nothing_is_an_error(tmp_path):
    parts = read_checkpoint(write_tiny_checkpoint(tmp_path / "nine.safetensors", in_channels=9), "nothing")
    plain = prompt(PROMPT, parts.text_encoder)
    with pytest.raises(ValueError, match="must be shown one, with a mask. Connect its conditionings through Inpaint"):
        sampled(parts.model, (plain, plain))


def test_another_number_of_channels_is_an_error(tmp_path):
    path = write_tiny_checkpoint(tmp_path / "seven.safetensors", in_channels=7)
    with pytest.raises(WeightFileError, match="its U-Net takes 7 channels and gives 4; the latents of .* have 4"):
        read_checkpoint(path, "seven")


@pytest.fixture(scope="module")
def parts_alone(tmp_path_factory) -> dict[str, Path]:
    """Each part in a file of its own, as people have them."""
    folder, tensors = tmp_path_factory.mktemp("alone"), tiny_tensors()
    metadata = {"noisewright.config": '{"unet": {"attention_heads": 8}, "text_encoder": {"attention_heads": 1}}'}
    prefixes = {"unet": "model.diffusion_model.", "clip": "cond_stage_model.transformer.", "vae": "first_stage_model."}
    files = {name: folder / f"{name}.safetensors" for name in prefixes}
    for name, prefix in prefixes.items():
        mine = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        save_file(mine, files[name], metadata)
    files["diffusers"] = folder / "diffusers.safetensors"
    save_file(tiny_unet().state_dict(), files["diffusers"], metadata)
    return files


@pytest.mark.parametrize("form", ["unet", "diffusers"])
def test_parts_in_files_of_their_own_make_the_same_picture(tmp_path, parts_alone, form):
    whole = read_checkpoint(write_tiny_checkpoint(tmp_path / "tiny.safetensors"), "whole")
    model, clip = read_unet(parts_alone[form], form), read_text_encoders([(parts_alone["clip"], "clip")])
    assert (model.family, clip.family) == ("sd1", "sd1")
    results = [
        sampled(denoiser, [prompt(text, encoder) for text in (PROMPT, NEGATIVE)])
        for denoiser, encoder in ((whole.model, whole.text_encoder), (model, clip))
    ]
    assert torch.equal(*results)


def test_an_autoencoder_alone_may_be_that_of_any_family(parts_alone):
    vae = read_vae(parts_alone["vae"], "vae")
    assert (vae.space.name, vae.space.channels, vae.space.factor) == ("", 4, 8)


def test_weights_may_be_rounded(parts_alone):
    model = read_unet(parts_alone["unet"], "unet", "fp8_e4m3fn")
    with WEIGHTS.lend(model) as network, WEIGHTS.lend(read_unet(parts_alone["unet"], "unet")) as exact:
        rounded, plain = network._lease.run.unet.state_dict(), exact._lease.run.unet.state_dict()
    for name, weight in tiny_unet().state_dict().items():
        assert torch.equal(rounded[name], weight.to(torch.float8_e4m3fn).float()), name
        assert torch.equal(plain[name], weight), name


def test_a_part_that_is_not_there_is_named(parts_alone):
    with pytest.raises(WeightFileError, match=r"holds no denoiser \(U-Net\) of .*: it looks like an autoencoder"):
        read_unet(parts_alone["vae"], "x")
    with pytest.raises(WeightFileError, match="is no CLIP text encoder: it looks like an autoencoder"):
        read_text_encoders([(parts_alone["vae"], "x")])
    files = [(parts_alone["clip"], "clip")] * 3
    with pytest.raises(WeightFileError, match=r"\(states of width 64\): these are not the text encoders of one model"):
        read_text_encoders(files)


def test_marks_in_the_file_tell_the_prediction(tmp_path):
    path = tmp_path / "v.safetensors"
    save_file(tiny_tensors() | {"v_pred": torch.zeros(0)}, path)
    with WEIGHTS.lend(read_checkpoint(path, "v").model) as network:
        assert isinstance(network.prediction, VPrediction)
