"""T2I-Adapters against diffusers' own pipelines on the same weights, noise, prompts and pictures."""

from dataclasses import replace

import pytest
import torch
from diffusers.pipelines.t2i_adapter.pipeline_stable_diffusion_adapter import StableDiffusionAdapterPipeline
from diffusers.pipelines.t2i_adapter.pipeline_stable_diffusion_xl_adapter import StableDiffusionXLAdapterPipeline
from torch import Tensor

from diffusion.architectures import UNet2DConditionModel
from diffusion.checkpoint import Parts, read_checkpoint, read_unet
from diffusion.families import looks_like
from diffusion.families.adapter import Feature, features, places
from diffusion.families.controlnet import component, read_control_net
from diffusion.header import WeightFileError, read_header
from diffusion.values import Control
from tests.diffusion.families.pipelines import (
    CFG,
    NEGATIVE,
    PROMPT,
    SIDE,
    STEPS,
    WEIGHTS,
    assert_same,
    ids,
    prompt,
    scheduler,
    start,
)  # fmt: skip
from tests.diffusion.families.test_controlnet import OTHER, PICTURE, SDXL, steered, xl_pipeline_result
from tests.diffusion.tiny import TEXT_WIDTH, seeded, tiny_text_encoder, tiny_vae, write_tiny_checkpoint
from tests.diffusion.tiny_control import tiny_adapter, tiny_control, write, write_original, write_original_adapter

WIDTHS = (32, 64, 64)
TOLD = (
    "cross_attention_dim", "addition_embed_type", "addition_time_embed_dim", "projection_class_embeddings_input_dim"
)  # fmt: skip
KINDS = {"full_adapter": [32, 64, 64], "light_adapter": [32, 64]}
"""Widths that fit the U-Net of the first family; the light kind has its last one twice."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("adapter")


def three_levels(**config) -> UNet2DConditionModel:
    """A U-Net of three levels. config: what sets its family apart."""
    return seeded(
        UNet2DConditionModel(
            sample_size=16,
            block_out_channels=WIDTHS,
            layers_per_block=1,
            **{
                "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
                "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
                "cross_attention_dim": TEXT_WIDTH,
                "attention_head_dim": 8,
                **config,
            },
        ),
        24,
    )


UNET = three_levels()
XL = replace(
    SDXL,
    unet=three_levels(
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4, 4),
        use_linear_projection=True,
        **{name: SDXL.unet.config[name] for name in TOLD},
    ),
)


@pytest.fixture(scope="module")
def sd1(folder) -> Parts:
    whole = read_checkpoint(write_tiny_checkpoint(folder / "sd1.safetensors"), "adapted")
    return replace(whole, model=read_unet(write(UNET, folder / "three.safetensors"), "three levels"))


@torch.no_grad()
def pipeline_result(adapter, picture: Tensor, scale: float) -> Tensor:
    """What diffusers' pipeline makes, in model scale."""
    clip = tiny_text_encoder()
    pipe = StableDiffusionAdapterPipeline(
        *(tiny_vae(), None, None, UNET, adapter, scheduler(), None, None), requires_safety_checker=False
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler.set_timesteps(STEPS)
    return pipe(
        image=picture,
        adapter_conditioning_scale=scale,
        height=SIDE,
        width=SIDE,
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        prompt_embeds=clip(ids(PROMPT, 49407)).last_hidden_state,
        negative_prompt_embeds=clip(ids(NEGATIVE, 49407)).last_hidden_state,
        latents=start(float(pipe.scheduler.init_noise_sigma)),
        output_type="latent",
    ).images


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_first_family_is_that_of_the_pipeline(sd1, folder, kind):
    module = tiny_adapter(kind, KINDS[kind])
    found = read_control_net(write(module, folder / f"{kind}.safetensors"), kind)
    ours = steered(sd1, Control(found, PICTURE, 0.8))
    assert_same(ours, pipeline_result(module, PICTURE, 0.8))
    assert found.kind == "adapter"
    assert not torch.allclose(ours, steered(sd1), rtol=0.1)


@pytest.mark.parametrize(("kind", "resnets"), [("full_adapter", 2), ("light_adapter", 0)])
def test_both_layouts_give_the_same_bits(sd1, folder, kind, resnets):
    module = tiny_adapter(kind, KINDS[kind])
    own = read_control_net(write(module, folder / f"{kind}-own.safetensors"), f"{kind}-own")
    first = read_control_net(
        write_original_adapter(module, folder / f"{kind}-first.safetensors", resnets), f"{kind}-first"
    )
    assert component(first).layout == "original"
    assert torch.equal(steered(sd1, Control(own, PICTURE)), steered(sd1, Control(first, PICTURE)))


def test_grey_pictures_are_the_mean_of_the_colours(sd1, folder):
    module = tiny_adapter("full_adapter", KINDS["full_adapter"], in_channels=1)
    found = read_control_net(write(module, folder / "grey.safetensors"), "grey")
    ours = steered(sd1, Control(found, PICTURE))
    assert_same(ours, pipeline_result(module, PICTURE.mean(1, keepdim=True), 1.0))


def test_sdxl_is_that_of_the_pipeline(folder):
    path = XL.write(folder / "sdxl.safetensors", unet={"attention_heads": [2, 4, 4]})
    sdxl = read_checkpoint(path, "adapted xl")
    module = tiny_adapter("full_adapter_xl", [32, 64, 64, 64])
    found = read_control_net(write(module, folder / "xl.safetensors"), "xl adapter")
    theirs = xl_pipeline_result(
        lambda *parts, add_watermarker: StableDiffusionXLAdapterPipeline(*parts),
        module,
        unet=XL.unet,
        image=PICTURE,
        adapter_conditioning_scale=0.8,
    )
    ours = steered(sdxl, Control(found, PICTURE, 0.8))
    assert_same(ours, theirs)
    assert not torch.allclose(ours, steered(sdxl), rtol=0.1)


def test_an_adapter_and_a_control_net_add_up(sd1, folder):
    adapter = read_control_net(
        write(tiny_adapter("full_adapter", KINDS["full_adapter"]), folder / "one.safetensors"), "one"
    )
    net = read_control_net(write_original(tiny_control(UNET), folder / "two.safetensors", heads=8), "two")
    both = steered(sd1, Control(adapter, PICTURE), Control(net, OTHER))
    assert torch.equal(both, steered(sd1, Control(net, OTHER), Control(adapter, PICTURE)))
    for alone in (Control(adapter, PICTURE), Control(net, OTHER)):
        assert not torch.allclose(both, steered(sd1, alone), rtol=0.1)


def test_features_belong_to_the_ends_of_levels():
    first = {
        "block_out_channels": (320, 640, 1280, 1280),
        "layers_per_block": 2,
        "down_block_types": (*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"),
    }
    assert places(first, 4) == [Feature(2, 0, 320), Feature(5, 1, 640), Feature(8, 2, 1280), Feature(11, 3, 1280)]
    xl = {
        "block_out_channels": (320, 640, 1280),
        "layers_per_block": 2,
        "down_block_types": ("DownBlock2D", *["CrossAttnDownBlock2D"] * 2),
    }
    assert places(xl, 4) == [Feature(3, 1, 320), Feature(5, 1, 640), Feature(8, 2, 1280), Feature(None, 2, 1280)]


@pytest.mark.parametrize("kind", ["full_adapter", "full_adapter_xl", "light_adapter"])
def test_published_sizes_are_read_from_shapes(tmp_path, kind):
    """Features of published structure at an eighth of the width."""
    channels = [40, 80, 160, 160][: 3 if kind == "light_adapter" else 4]
    module = tiny_adapter(kind, channels)
    found = component(read_control_net(write(module, tmp_path / "net.safetensors"), f"sizes {kind}"))
    assert found.config["adapter_type"] == kind
    with torch.no_grad():
        made = module(torch.rand(1, 3, 256, 256))
    assert [(32 // each.shape[2], each.shape[1]) for each in made] == [
        (2**halvings, width) for halvings, width in features(found)
    ]


def test_an_adapter_for_another_model_is_refused_before_weights_are_read(sd1, folder):
    for name, kind, channels in (("wide", "full_adapter", [64, 64, 64]), ("big", "full_adapter_xl", [32, 64, 64])):
        found = read_control_net(write(tiny_adapter(kind, channels), folder / f"{name}.safetensors"), name)
        prompt(PROMPT, sd1.text_encoder)
        before = WEIGHTS.loads
        with pytest.raises(WeightFileError, match=f"'{name}.safetensors' makes features of .* takes 32 channels"):
            steered(sd1, Control(found, PICTURE))
        assert WEIGHTS.loads == before


@pytest.mark.parametrize("kind", list(KINDS))
def test_elsewhere_an_adapter_is_named_for_what_it_is(folder, kind):
    module = tiny_adapter(kind, KINDS[kind])
    paths = (
        write(module, folder / f"{kind}-lost.safetensors"),
        write_original_adapter(module, folder / f"{kind}-lost-too.safetensors", 2 if kind == "full_adapter" else 0),
    )
    assert [looks_like(read_header(path)) for path in paths] == ["a T2I-Adapter"] * 2
