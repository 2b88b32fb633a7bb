"""SDXL and its refiner against diffusers' own pipelines on the same weights, noise and prompts."""

import json
from dataclasses import replace

import pytest
import torch
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl_img2img import (
    StableDiffusionXLImg2ImgPipeline,
)
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl_inpaint import (
    StableDiffusionXLInpaintPipeline,
)

from diffusion.checkpoint import Parts, read_checkpoint, read_text_encoders, read_unet
from diffusion.conditioning import showing, told_sizes
from diffusion.families import Part
from diffusion.showing import to_repaint
from diffusion.text.encoding import encode
from diffusion.vae import decode
from diffusion.values import Latent, SizeConditioning
from tests.diffusion.families.pipelines import (
    CFG,
    NEGATIVE,
    PROMPT,
    SEED,
    SIDE,
    STEPS,
    WEIGHTS,
    assert_same,
    certain_vae,
    corner,
    ids,
    nowhere,
    picture,
    prompt,
    sampled,
    scheduler,
    start,
)  # fmt: skip
from tests.diffusion.tiny import tiny_vae, write_tiny_checkpoint
from tests.diffusion.tiny_families import G_WIDTH, L_WIDTH, POOLED, tiny_refiner, tiny_sdxl

SDXL, REFINER = tiny_sdxl(), tiny_refiner()


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory) -> Parts:
    return read_checkpoint(SDXL.write(tmp_path_factory.mktemp("sdxl") / "sdxl.safetensors"), "sdxl")


@pytest.fixture(scope="module")
def refiner(tmp_path_factory) -> Parts:
    return read_checkpoint(REFINER.write(tmp_path_factory.mktemp("refiner") / "refiner.safetensors"), "refiner")


@torch.no_grad()
def states(text: str, text_l: str | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Both encoders' states side by side, and the pooled state, as diffusers takes them (`encode_prompt`)."""
    small = SDXL.texts["text_encoder"](ids(text if text_l is None else text_l, 49407), output_hidden_states=True)
    big = SDXL.texts["text_encoder_2"](ids(text, 0), output_hidden_states=True)
    return torch.cat([small.hidden_states[-2], big.hidden_states[-2]], dim=2), big.text_embeds


def pipeline_result(**options) -> torch.Tensor:
    """What diffusers' pipeline makes, in model scale."""
    config = options.pop("config", {})
    pipe = StableDiffusionXLPipeline(
        tiny_vae(), None, None, None, None, options.pop("unet", SDXL.unet), scheduler(**config), add_watermarker=False
    )
    pipe.set_progress_bar_config(disable=True)
    (wanted, pooled), (unwanted, negative_pooled) = states(PROMPT), states(NEGATIVE)
    pipe.scheduler.set_timesteps(STEPS)
    return pipe(
        prompt_embeds=wanted,
        pooled_prompt_embeds=pooled,
        negative_prompt_embeds=unwanted,
        negative_pooled_prompt_embeds=negative_pooled,
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        height=SIDE,
        width=SIDE,
        latents=start(float(pipe.scheduler.init_noise_sigma)),
        output_type="latent",
        **options,
    ).images


def test_the_parts_are_told_by_names_and_shapes(sdxl):
    assert (sdxl.model.family, len(sdxl.text_encoder.files)) == ("sdxl", 2)
    assert (sdxl.vae.space.name, sdxl.vae.space.scale) == ("sdxl", 0.13025)
    with WEIGHTS.lend(sdxl.model) as network:
        inputs = network.inputs
    assert (inputs.tokens, inputs.pooled, inputs.sizes, inputs.beside) == (L_WIDTH + G_WIDTH, POOLED, 6, 0)


def test_a_prompt_is_read_by_both_encoders(sdxl):
    (entry,) = prompt(PROMPT, sdxl.text_encoder).entries
    tokens, pooled = states(PROMPT)
    torch.testing.assert_close(entry.tokens, tokens, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(entry.pooled, pooled, rtol=1e-4, atol=1e-5)


def test_each_encoder_may_have_a_text_of_its_own(sdxl):
    (entry,) = encode({"text_encoder": NEGATIVE, "text_encoder_2": PROMPT}, sdxl.text_encoder, WEIGHTS, nowhere).entries
    tokens, pooled = states(PROMPT, NEGATIVE)
    torch.testing.assert_close(entry.tokens, tokens, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(entry.pooled, pooled, rtol=1e-4, atol=1e-5)


def test_the_shorter_text_gets_empty_chunks(sdxl):
    texts: dict[Part, str] = {"text_encoder": "cat " * 80, "text_encoder_2": PROMPT}
    (entry,) = encode(texts, sdxl.text_encoder, WEIGHTS, nowhere).entries
    tokens = torch.cat([states(PROMPT)[0], states("")[0]], dim=1)
    assert entry.tokens.shape == (1, 154, L_WIDTH + G_WIDTH)
    torch.testing.assert_close(entry.tokens[..., L_WIDTH:], tokens[..., L_WIDTH:], rtol=1e-4, atol=1e-5)


def test_text_to_image_is_that_of_the_pipeline(sdxl):
    ours = sampled(sdxl.model, [prompt(text, sdxl.text_encoder) for text in (PROMPT, NEGATIVE)])
    assert_same(ours, pipeline_result())


def test_sizes_are_told_as_the_pipeline_does(sdxl):
    size = SizeConditioning((512, 768), (16, 32), (640, 320))
    sides = (told_sizes(prompt(text, sdxl.text_encoder), size) for text in (PROMPT, NEGATIVE))
    told = {"original_size": (512, 768), "crops_coords_top_left": (16, 32), "target_size": (640, 320)}
    told |= {f"negative_{name}": value for name, value in told.items()}
    ours = sampled(sdxl.model, sides)
    assert_same(ours, pipeline_result(**told))
    assert (ours - pipeline_result()).norm() > 1e-3 * ours.norm()


@pytest.mark.parametrize("marks", [("v_pred",), ("v_pred", "ztsnr")])
def test_marks_in_the_file_tell_the_prediction(tmp_path, marks):
    from safetensors.torch import load_file, save_file

    tensors = load_file(SDXL.write(tmp_path / "plain.safetensors"))
    metadata = {"noisewright.config": '{"unet": {"attention_heads": [2, 4]}, "text_encoder": {"attention_heads": 2}, '
                '"text_encoder_2": {"attention_heads": 2}}'}  # fmt: skip
    save_file(tensors | {mark: torch.zeros(0) for mark in marks}, tmp_path / "v.safetensors", metadata=metadata)
    parts = read_checkpoint(tmp_path / "v.safetensors", "-".join(marks))
    ours = sampled(parts.model, [prompt(text, parts.text_encoder) for text in (PROMPT, NEGATIVE)])
    config = {"prediction_type": "v_prediction"}
    if "ztsnr" in marks:
        assert float(ours.norm()) > 0.1
        with WEIGHTS.lend(parts.model) as network:
            table = network.prediction.sigmas
        truth = scheduler(**config, rescale_betas_zero_snr=True)
        kept = truth.alphas_cumprod[:-1]
        torch.testing.assert_close(table[:-1], ((1 - kept) / kept).sqrt(), rtol=2e-4, atol=0)
        assert float(table[-1]) > 4000
    else:
        assert_same(ours, pipeline_result(config=config))


def test_a_diffusers_folder_gives_the_same(tmp_path, sdxl):
    parts = read_checkpoint(SDXL.write_folder(tmp_path / "folder"), "sdxl folder")
    assert [file.part for file in parts.text_encoder.files] == ["text_encoder", "text_encoder_2"]
    sides = [[prompt(text, one.text_encoder) for text in (PROMPT, NEGATIVE)] for one in (parts, sdxl)]
    assert_same(sampled(parts.model, sides[0]), sampled(sdxl.model, sides[1]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_files_of_fewer_bits_are_read(tmp_path, dtype):
    parts = read_checkpoint(SDXL.write(tmp_path / "small.safetensors", dtype), str(dtype))
    with WEIGHTS.lend(parts.model) as network:
        loaded = network._lease.run.unet.state_dict()
    for name, weight in SDXL.unet.state_dict().items():
        assert torch.equal(loaded[name], weight.to(dtype).float()), name


def test_the_refiner_is_that_of_the_pipeline(refiner):
    """From a latent, three of four steps, told a score of 6 and for what shall not be seen 2.5."""
    truth = REFINER.texts["text_encoder_2"]
    with torch.no_grad():
        wanted, unwanted = (truth(ids(text, 0), output_hidden_states=True) for text in (PROMPT, NEGATIVE))
    pipe = StableDiffusionXLImg2ImgPipeline(
        *(tiny_vae(), None, None, None, None, REFINER.unet, scheduler()),
        requires_aesthetics_score=True,
        add_watermarker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    latent = torch.randn(1, 4, SIDE // 8, SIDE // 8, generator=torch.Generator().manual_seed(3))
    theirs = pipe(
        image=latent,
        strength=0.75,
        prompt_embeds=wanted.hidden_states[-2],
        pooled_prompt_embeds=wanted.text_embeds,
        negative_prompt_embeds=unwanted.hidden_states[-2],
        negative_pooled_prompt_embeds=unwanted.text_embeds,
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        generator=torch.Generator().manual_seed(SEED),
        output_type="latent",
    ).images
    given = Latent(latent / refiner.vae.space.scale, refiner.vae.space)
    sides = (prompt(text, refiner.text_encoder) for text in (PROMPT, NEGATIVE))
    assert refiner.model.family == "sdxl-refiner"
    assert_same(sampled(refiner.model, sides, given, steps=3, denoise=0.75), theirs)


def test_inpainting_is_that_of_the_pipeline(tmp_path):
    nine = tiny_sdxl(in_channels=9)
    parts = read_checkpoint(nine.write(tmp_path / "nine.safetensors"), "sdxl nine")
    shown, _ = to_repaint(picture(), corner(), parts.vae, WEIGHTS)
    sides = [showing(prompt(text, parts.text_encoder), shown) for text in (PROMPT, NEGATIVE)]
    vae = certain_vae()
    vae.register_to_config(scaling_factor=parts.vae.space.scale)
    pipe = StableDiffusionXLInpaintPipeline(
        *(vae, None, None, None, None, nine.unet, scheduler()), add_watermarker=False
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler.set_timesteps(STEPS)
    (wanted, pooled), (unwanted, negative_pooled) = states(PROMPT), states(NEGATIVE)
    theirs = pipe(
        prompt_embeds=wanted,
        pooled_prompt_embeds=pooled,
        negative_prompt_embeds=unwanted,
        negative_pooled_prompt_embeds=negative_pooled,
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
    ).images
    assert_same(sampled(parts.model, sides), theirs)


def test_its_parts_in_files_of_their_own(tmp_path, sdxl):
    """The two text encoders in either order, as DualCLIPLoader takes them."""
    from safetensors.torch import save_file

    config = {"unet": {"attention_heads": [2, 4]}, "text_encoder": {"attention_heads": 2}}
    metadata = {"noisewright.config": json.dumps(config | {"text_encoder_2": {"attention_heads": 2}})}
    tensors = {
        "l": {f"text_model.{name}": value for name, value in SDXL.texts["text_encoder"].state_dict().items()},
        "g": SDXL.texts["text_encoder_2"].state_dict(),
        "unet": SDXL.unet.state_dict(),
    }
    paths = {name: tmp_path / f"{name}.safetensors" for name in tensors}
    for name, path in paths.items():
        save_file(tensors[name], path, metadata)
    model = read_unet(paths["unet"], "sdxl alone")
    clips = [read_text_encoders([(paths[name], name) for name in order]) for order in ("lg", "gl")]
    assert clips[0] == clips[1]
    assert (model.family, clips[0].family) == ("sdxl", "sdxl")
    sides = [[prompt(text, clip) for text in (PROMPT, NEGATIVE)] for clip in (clips[0], sdxl.text_encoder)]
    assert torch.equal(sampled(model, sides[0]), sampled(sdxl.model, sides[1]))


def test_the_latents_of_another_family_are_refused(sdxl, tmp_path):
    """The numbers of both are alike, but mean other colours."""
    other = read_checkpoint(write_tiny_checkpoint(tmp_path / "sd1.safetensors"), "sd1 beside sdxl")
    latent = Latent(torch.ones(1, 4, 8, 8), other.vae.space)
    with pytest.raises(ValueError, match="one of 'sd1', the autoencoder one of 'sdxl': their numbers mean other"):
        decode(latent, sdxl.vae, WEIGHTS)
    side = prompt(PROMPT, sdxl.text_encoder)
    with pytest.raises(ValueError, match="latent space 'sd1' .* does not go with the latent space 'sdxl'"):
        sampled(sdxl.model, (side, side), latent)
    unnamed = Latent(latent.samples, replace(other.vae.space, name=""))
    assert sampled(sdxl.model, (side, side), unnamed).isfinite().all()


def test_conditionings_of_another_model_are_refused_with_both_sides_named(sdxl, refiner):
    (entry,) = prompt(PROMPT, refiner.text_encoder).entries
    foreign = prompt(PROMPT, refiner.text_encoder)
    with pytest.raises(
        ValueError,
        match=f"its tokens are {G_WIDTH} wide, but .* a model of Stable Diffusion XL and attends to tokens of",
    ):
        sampled(sdxl.model, (foreign, foreign))
    own = prompt(PROMPT, sdxl.text_encoder)
    bare = replace(own, entries=(replace(own.entries[0], pooled=entry.pooled),))
    with pytest.raises(
        ValueError, match=f"its pooled state is {G_WIDTH} wide, but this model takes one of width {POOLED}"
    ):
        sampled(sdxl.model, (bare, own))
    bare = replace(own, entries=(replace(own.entries[0], pooled=None),))
    with pytest.raises(ValueError, match="its pooled state is missing"):
        sampled(sdxl.model, (own, bare))


def test_previews_have_the_published_colours():
    """`latents_to_rgb` of diffusers' documentation, written out."""
    from diffusion.families.sdxl import SPACE

    latent = torch.randn(4, 5, 6, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor(((60.0, -60.0, 25.0, -70.0), (60.0, -5.0, 15.0, -50.0), (60.0, 10.0, -5.0, -35.0)))
    truth = torch.einsum("lxy,lr->rxy", latent, weights.T) + torch.tensor((150.0, 140.0, 130.0))[:, None, None]
    assert SPACE.rgb is not None
    ours = torch.einsum("chw,cr->rhw", latent, torch.tensor(SPACE.rgb)) + torch.tensor(SPACE.rgb_bias)[:, None, None]
    torch.testing.assert_close(255 * ours, truth, rtol=1e-5, atol=1e-3)
