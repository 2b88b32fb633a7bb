"""unCLIP models against diffusers' own pipeline with the same weights, picture and noise."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_unclip_img2img import StableUnCLIPImg2ImgPipeline
from diffusers.pipelines.stable_diffusion.stable_unclip_image_normalizer import StableUnCLIPImageNormalizer
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from safetensors.torch import save_file
from torch import Tensor

from diffusion.architectures import UNet2DConditionModel
from diffusion.checkpoint import Parts, read_checkpoint, read_clip_vision
from diffusion.clip_vision import encode, prepared
from diffusion.header import WeightFileError
from diffusion.unclip import SEED_OFFSET, Statistics, class_vector, settled, telling
from diffusion.values import ClipVisionOutput, Conditioning, ConditioningEntry, ToldPicture
from tests.diffusion.families.pipelines import (
    CFG,
    NEGATIVE,
    PROMPT,
    SEED,
    SIDE,
    STEPS,
    WEIGHTS,
    assert_same,
    picture,
    prompt,
    sampled,
    scheduler,
    start,
)
from tests.diffusion.tiny import seeded, tiny_vae, write_tiny_checkpoint
from tests.diffusion.tiny_families import Tiny, tiny_sd2
from tests.diffusion.tiny_vision import PROJECTION, SAID, open_clip_tensors, tiny_vision
from tests.diffusion.tiny_vision import SIDE as SEEN

MEAN = torch.linspace(-0.4, 0.6, PROJECTION)
STD = torch.linspace(0.5, 1.5, PROJECTION)


def told_unet() -> UNet2DConditionModel:
    config = {name: value for name, value in tiny_sd2().unet.config.items() if not name.startswith("_")}
    config |= {"class_embed_type": "projection", "projection_class_embeddings_input_dim": 2 * PROJECTION}
    return seeded(UNet2DConditionModel.from_config(config), 20)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """An unCLIP checkpoint as it is published, with the tables and texts' tensors that nobody needs."""
    path = tmp_path_factory.mktemp("unclip") / "unclip.safetensors"
    tiny = Tiny("sd2", told_unet(), tiny_sd2().texts)
    tensors = tiny.tensors() | open_clip_tensors(tiny_vision(), "embedder.model.visual.")
    tensors |= {
        "noise_augmentor.data_mean": MEAN[None],
        "noise_augmentor.data_std": STD[None],
        "noise_augmentor.betas": torch.zeros(1000),
        "embedder.model.logit_scale": torch.ones(()),
    }
    said = {"unet": {"attention_heads": [2, 4]}, "text_encoder": {"attention_heads": 2}, "prediction": "v", **SAID}
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(tensors, path, metadata={"noisewright.config": json.dumps(said)})
    return path


@pytest.fixture(scope="module")
def parts(path) -> Parts:
    return read_checkpoint(path, "unclip")


@pytest.fixture(scope="module")
def look(path) -> ClipVisionOutput:
    return encode(picture(), read_clip_vision(path, "unclip"), WEIGHTS)


def theirs(parts: Parts, noise_level: int) -> Tensor:
    normalizer = StableUnCLIPImageNormalizer(PROJECTION)
    normalizer.mean.data, normalizer.std.data = MEAN[None], STD[None]
    pipe = StableUnCLIPImg2ImgPipeline(
        feature_extractor=None,
        image_encoder=tiny_vision(),
        image_normalizer=normalizer,
        image_noising_scheduler=DDPMScheduler(beta_schedule="squaredcos_cap_v2"),
        tokenizer=None,
        text_encoder=None,
        unet=told_unet(),
        scheduler=scheduler(prediction_type="v_prediction"),
        vae=tiny_vae(),
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler.set_timesteps(STEPS)
    sigma_max = float(pipe.scheduler.init_noise_sigma)  # this pipeline takes latents that are scaled already
    (wanted,), (unwanted,) = (prompt(text, parts.text_encoder).entries for text in (PROMPT, NEGATIVE))
    return pipe(
        image=prepared(picture(), SEEN, "center"),
        prompt_embeds=wanted.tokens,
        negative_prompt_embeds=unwanted.tokens,
        noise_level=noise_level,
        generator=torch.Generator().manual_seed(SEED + SEED_OFFSET),
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        height=SIDE,
        width=SIDE,
        latents=start(sigma_max) * sigma_max,
        output_type="latent",
    ).images


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_a_picture_is_told_as_in_the_pipeline(noise, parts, look):
    sides = [prompt(text, parts.text_encoder) for text in (PROMPT, NEGATIVE)]
    ours = sampled(parts.model, (telling(sides[0], look, 1.0, noise), sides[1]))
    assert_same(ours, theirs(parts, round(999 * noise)))
    plain = sampled(parts.model, sides)
    assert float((ours - plain).norm() / plain.norm()) > 1e-3


def test_the_parts_are_those_of_stable_diffusion_2(parts):
    assert parts.model.family == "sd2"
    with WEIGHTS.lend(parts.model) as network:
        assert (network.inputs.classes, network.inputs.pooled) == (2 * PROJECTION, 0)


def test_several_pictures_are_added_up_and_noised_once_more():
    one, other = (torch.rand(1, PROJECTION, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    statistics = Statistics(MEAN, STD)
    given = (ToldPicture(one, 0.7, 0.0), ToldPicture(other, -0.4, 0.2))
    found = class_vector(given, statistics, 5)
    betas = DDPMScheduler(beta_schedule="squaredcos_cap_v2")
    noise = torch.randn(1, PROJECTION, generator=torch.Generator().manual_seed(5 + SEED_OFFSET))

    def noised(vector: Tensor, level: int) -> Tensor:
        return betas.add_noise((vector - MEAN) / STD, noise, torch.tensor([level])) * STD + MEAN

    merged = noised(0.7 * noised(one, 0) - 0.4 * noised(other, 200), 50)
    torch.testing.assert_close(found[:, :PROJECTION], merged, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[:, PROJECTION], torch.tensor(50.0).cos()[None])


def test_one_picture_s_strength_is_that_of_all_it_is_told():
    vector, statistics = torch.rand(1, PROJECTION), Statistics(MEAN, STD)
    weak, whole = (class_vector((ToldPicture(vector, strength),), statistics, 0) for strength in (0.5, 1.0))
    torch.testing.assert_close(weak, whole / 2)


def test_pictures_are_told_beside_those_before():
    entry = ConditioningEntry(torch.zeros(1, 2, 3))
    view = ClipVisionOutput(torch.rand(2, 5), torch.zeros(2, 1, 1), torch.zeros(2, 1, 1))
    twice = telling(telling(Conditioning((entry, entry)), view, 1.0, 0.0), view, 0.5, 0.1)
    assert [[(each.strength, each.noise) for each in entry.told] for entry in twice.entries] == [
        [(1.0, 0.0), (1.0, 0.0), (0.5, 0.1), (0.5, 0.1)]
    ] * 2
    assert entry.told == ()
    assert telling(twice, view, 0.0, 0.5) is twice


def test_what_cannot_be_told_is_an_error(parts, look, tmp_path):
    told = telling(prompt(PROMPT, parts.text_encoder), look, 1.0, 0.0)
    with pytest.raises(ValueError, match=r"but the model 'unclip.safetensors' is no unCLIP model"):
        settled(told, 0, parts.model, 0)
    narrow = telling(told, replace(look, image_embeds=look.image_embeds[:, :8]), 1.0, 0.0)
    with pytest.raises(ValueError, match="gave a vector of width 8, but this unCLIP model is told ones of width 48"):
        settled(narrow, 2 * PROJECTION, parts.model, 0)
    plain = read_checkpoint(write_tiny_checkpoint(tmp_path / "plain.safetensors"), "one that is told nothing")
    other = plain.model
    with pytest.raises(WeightFileError, match=r"'plain.safetensors' does not say how CLIP's vectors are normed"):
        settled(told, 2 * PROJECTION, other, 0)
    with pytest.raises(ValueError, match="is no unCLIP model"):
        sampled(other, [telling(prompt(PROMPT, plain.text_encoder), look, 1.0, 0.0)] * 2)
