"""Control networks against diffusers' own pipelines on the same weights, noise, prompts and pictures."""

import json
from dataclasses import replace

import pytest
import torch
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel
from diffusers.pipelines.controlnet.pipeline_controlnet import StableDiffusionControlNetPipeline
from diffusers.pipelines.controlnet.pipeline_controlnet_sd_xl import StableDiffusionXLControlNetPipeline
from diffusers.pipelines.controlnet.pipeline_controlnet_union_sd_xl import StableDiffusionXLControlNetUnionPipeline
from safetensors.torch import save_file
from torch import Tensor

from diffusion.architectures import ControlNetModel
from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.controlling import controlled
from diffusion.families.controlnet import TASKS, component, read_control_net, with_task
from diffusion.header import WeightFileError
from diffusion.values import Conditioning, Control, ControlNet
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
    sampled,
    scheduler,
    start,
)  # fmt: skip
from tests.diffusion.tiny import seeded, tiny_tensors, tiny_text_encoder, tiny_unet, tiny_vae, write_tiny_checkpoint
from tests.diffusion.tiny_control import tiny_control, tiny_union, write, write_original
from tests.diffusion.tiny_families import tiny_sd2, tiny_sdxl

SDXL = tiny_sdxl()
XL_HEADS = [2, 4]
PICTURE = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(4))
OTHER = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("control")


@pytest.fixture(scope="module")
def sd1(folder) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(folder / "sd1.safetensors"), "sd1")


@pytest.fixture(scope="module")
def sdxl(folder) -> Parts:
    return read_checkpoint(SDXL.write(folder / "sdxl.safetensors"), "sdxl")


@pytest.fixture(scope="module")
def net(folder) -> ControlNet:
    """A ControlNet for the first family, with the first ControlNets' names."""
    path = write_original(tiny_control(tiny_unet()), folder / "net.safetensors", heads=8, prefix="control_model.")
    return read_control_net(path, "net")


@pytest.fixture(scope="module")
def union(folder) -> ControlNet:
    return read_control_net(write(tiny_union(SDXL.unet), folder / "union.safetensors", XL_HEADS), "union")


def steered(parts: Parts, *controls: Control) -> Tensor:
    """Our result in model scale, with both prompts steered."""
    sides = (prompt(text, parts.text_encoder) for text in (PROMPT, NEGATIVE))
    return sampled(parts.model, [with_all(side, *controls) for side in sides])


def with_all(side: Conditioning, *controls: Control) -> Conditioning:
    for control in controls:
        side = controlled(side, control)
    return side


@torch.no_grad()
def pipeline_result(control, image, scale, **options) -> Tensor:
    """What diffusers' pipeline makes of the first family, in model scale."""
    clip = tiny_text_encoder()
    pipe = StableDiffusionControlNetPipeline(
        *(tiny_vae(), None, None, tiny_unet(), control, scheduler(), None, None), requires_safety_checker=False
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler.set_timesteps(STEPS)
    return pipe(
        image=image,
        controlnet_conditioning_scale=scale,
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        prompt_embeds=clip(ids(PROMPT, 49407)).last_hidden_state,
        negative_prompt_embeds=clip(ids(NEGATIVE, 49407)).last_hidden_state,
        latents=start(float(pipe.scheduler.init_noise_sigma)),
        output_type="latent",
        **options,
    ).images


@torch.no_grad()
def xl_pipeline_result(kind, control, unet=SDXL.unet, **options) -> Tensor:
    """The same of SDXL. kind: of pipeline."""
    texts = {}
    for side, text in (("", PROMPT), ("negative_", NEGATIVE)):
        small = SDXL.texts["text_encoder"](ids(text, 49407), output_hidden_states=True)
        big = SDXL.texts["text_encoder_2"](ids(text, 0), output_hidden_states=True)
        texts[f"{side}prompt_embeds"] = torch.cat([small.hidden_states[-2], big.hidden_states[-2]], dim=2)
        texts[f"{side}pooled_prompt_embeds"] = big.text_embeds
    pipe = kind(*(tiny_vae(), None, None, None, None, unet, control, scheduler()), add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler.set_timesteps(STEPS)
    return pipe(
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        height=SIDE,
        width=SIDE,
        latents=start(float(pipe.scheduler.init_noise_sigma)),
        output_type="latent",
        **texts,
        **options,
    ).images


def test_one_control_is_that_of_the_pipeline(sd1, net):
    theirs = pipeline_result(tiny_control(tiny_unet()), PICTURE, 0.8)
    ours = steered(sd1, Control(net, PICTURE, 0.8))
    assert_same(ours, theirs)
    assert not torch.allclose(ours, steered(sd1), rtol=0.1)


def test_two_controls_add_up_as_in_the_pipeline(sd1, net, folder):
    second = tiny_control(tiny_unet(), seed=31)
    another = read_control_net(write(second, folder / "another.safetensors"), "another")
    both = MultiControlNetModel([tiny_control(tiny_unet()), second])
    theirs = pipeline_result(both, [PICTURE, OTHER], [0.8, 0.5])
    assert_same(steered(sd1, Control(net, PICTURE, 0.8), Control(another, OTHER, 0.5)), theirs)


def test_a_control_steers_in_its_range_as_in_the_pipeline(sd1, net):
    ranged = pipeline_result(
        tiny_control(tiny_unet()), PICTURE, 1.0, control_guidance_start=0.25, control_guidance_end=0.75
    )
    # Of four steps, at the timesteps 999, 666, 333 and 0, those in the middle.
    assert_same(steered(sd1, Control(net, PICTURE, 1.0, 0.2, 0.8)), ranged)


def test_both_layouts_give_the_same_bits(sd1, net, folder):
    own = read_control_net(write(tiny_control(tiny_unet()), folder / "own.safetensors"), "own")
    bare = read_control_net(write_original(tiny_control(tiny_unet()), folder / "bare.safetensors", heads=8), "bare")
    first = steered(sd1, Control(net, PICTURE))
    assert torch.equal(first, steered(sd1, Control(own, PICTURE)))
    assert torch.equal(first, steered(sd1, Control(bare, PICTURE)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_files_of_other_number_types_are_read(sd1, folder, dtype):
    name = str(dtype).removeprefix("torch.")
    found = read_control_net(
        write(tiny_control(tiny_unet()), folder / f"{name}.safetensors", dtype=dtype), f"{name} control"
    )
    rounded = tiny_control(tiny_unet())
    rounded.load_state_dict({name: weight.to(dtype).float() for name, weight in rounded.state_dict().items()})
    whole = read_control_net(write(rounded, folder / f"{name}-rounded.safetensors"), f"{name} rounded")
    assert torch.equal(steered(sd1, Control(found, PICTURE)), steered(sd1, Control(whole, PICTURE)))


def test_sdxl_is_that_of_the_pipeline(sdxl, folder):
    module = tiny_control(SDXL.unet)
    found = read_control_net(write(module, folder / "xl.safetensors", XL_HEADS), "xl")
    theirs = xl_pipeline_result(
        StableDiffusionXLControlNetPipeline, module, image=PICTURE, controlnet_conditioning_scale=0.7
    )
    ours = steered(sdxl, Control(found, PICTURE, 0.7))
    assert_same(ours, theirs)
    assert not torch.allclose(ours, steered(sdxl), rtol=0.1)


def test_a_union_told_its_task_is_that_of_the_pipeline(sdxl, union):
    theirs = xl_pipeline_result(
        StableDiffusionXLControlNetUnionPipeline,
        tiny_union(SDXL.unet),
        control_image=[PICTURE],
        control_mode=[3],
        controlnet_conditioning_scale=0.7,
    )
    canny = with_task(union, TASKS[3])
    ours = steered(sdxl, Control(canny, PICTURE, 0.7))
    assert_same(ours, theirs)
    for task in ("auto", "depth"):
        assert not torch.allclose(ours, steered(sdxl, Control(with_task(union, task), PICTURE, 0.7)), rtol=1e-3)


def test_a_union_is_told_only_what_it_knows(union, net):
    assert (union.kind, with_task(union, "segment").task, with_task(union, "auto").task) == ("union", 5, None)
    with pytest.raises(ValueError, match="'union.safetensors' knows the tasks openpose, .* not trained for tile"):
        with_task(union, "tile")
    with pytest.raises(ValueError, match="'net.safetensors' knows a single task"):
        with_task(net, "depth")


def test_sd2_has_linear_layers_around_attention(folder):
    sd2 = tiny_sd2()
    parts = read_checkpoint(sd2.write(folder / "sd2.safetensors"), "sd2")
    path = write_original(tiny_control(sd2.unet), folder / "sd2-net.safetensors", heads=XL_HEADS)
    found = read_control_net(path, "sd2-net")
    assert component(found).config["use_linear_projection"]
    assert not torch.allclose(steered(parts, Control(found, PICTURE)), steered(parts), rtol=0.1)


def test_differences_are_added_to_the_model(sd1, net, folder):
    whole, unet = tiny_control(tiny_unet()).state_dict(), tiny_unet().state_dict()
    module = tiny_control(tiny_unet())
    module.load_state_dict({name: weight - unet.get(name, torch.zeros(())) for name, weight in whole.items()})
    tensors = {name.removeprefix("x"): tensor for name, tensor in module.state_dict().items()}
    path = folder / "differences.safetensors"
    save_file({**tensors, "difference": torch.zeros(())}, path)
    found = read_control_net(path, "differences", sd1.model)
    assert found.base == sd1.model.file
    theirs = steered(sd1, Control(net, PICTURE))
    torch.testing.assert_close(steered(sd1, Control(found, PICTURE)), theirs, rtol=1e-3, atol=1e-4)
    with pytest.raises(WeightFileError, match=r"holds differences .* Load it with 'Load ControlNet Model \(diff\)'"):
        read_control_net(path, "differences")


def test_answers_of_shuffled_pictures_are_averaged(sd1, net, folder):
    module = tiny_control(tiny_unet())
    found = read_control_net(write(module, folder / "control_v11e_sd15_shuffle.safetensors"), "shuffle")
    assert found.averaged
    module.register_to_config(global_pool_conditions=True)  # which the pipeline takes to steer the positive prompt only
    positive, negative = (prompt(text, sd1.text_encoder) for text in (PROMPT, NEGATIVE))
    ours = sampled(sd1.model, (controlled(positive, Control(found, PICTURE)), negative))
    assert_same(ours, pipeline_result(module, PICTURE, 1.0))
    assert not net.averaged


def test_a_network_for_another_family_is_refused_before_weights_are_read(sd1, sdxl, net, folder):
    xl = read_control_net(write(tiny_control(SDXL.unet), folder / "other.safetensors", XL_HEADS), "other")
    for parts, wrong in ((sd1, xl), (sdxl, net)):
        before = WEIGHTS.loads
        with pytest.raises(
            WeightFileError, match="steers a model that attends to tokens of width .* Load a ControlNet"
        ):
            steered(parts, Control(wrong, PICTURE))
        assert before <= WEIGHTS.loads <= before + 2  # the text encoders at most


def test_what_is_no_control_network_is_named(folder):
    lora, mark = {"lora_unet_mid_block.lora_down.weight": torch.zeros(1, 1)}, {"lora_controlnet": torch.zeros(())}
    for name, tensors, told in (
        ("checkpoint", tiny_tensors(in_channels=9), "'checkpoint.safetensors' is no ControlNet and no T2I-Adapter"),
        ("lora", lora, "it looks like a LoRA, which changes a model but is none"),
        ("control-lora", mark, "is a Control-LoRA, which changes a model's own encoder"),
        ("lllite", {"lllite_unet_mid.conditioning1.0.weight": torch.zeros(1)}, "it looks like a ControlNet-LLLite"),
    ):
        save_file(tensors, folder / f"{name}.safetensors")
        with pytest.raises(WeightFileError, match=told):
            read_control_net(folder / f"{name}.safetensors", name)


def test_a_file_with_a_tensor_too_few_or_too_many_is_refused(sd1, folder):
    whole = tiny_control(tiny_unet()).state_dict()
    lacking = {name: tensor for name, tensor in whole.items() if name != "controlnet_mid_block.bias"}
    for name, tensors, told in (("few", lacking, "lacks 1"), ("many", whole | {"x.y": torch.zeros(1)}, "not known")):
        save_file(tensors, folder / f"{name}.safetensors")
        with pytest.raises(WeightFileError, match=told):
            steered(sd1, Control(read_control_net(folder / f"{name}.safetensors", name), PICTURE))


def test_a_recipe_is_told_by_its_parts(net, union):
    assert json.dumps(component(net).config)  # plain data
    assert replace(net, averaged=True) != net
    assert {net.kind, union.kind} == {"controlnet", "union"}


def test_a_network_says_how_much_larger_than_the_latent_its_pictures_are(folder):
    """As sprout's does, whose autoencoder halves twice."""
    parts = read_checkpoint(write_tiny_checkpoint(folder / "quarter.safetensors", factor=4), "quarter")
    module = ControlNetModel.from_unet(tiny_unet(), conditioning_embedding_out_channels=(16, 32, 64))
    path = write_original(seeded(module, 41), folder / "quarter-net.safetensors", heads=8, prefix="control_model.")
    found = read_control_net(path, "quarter net")
    with WEIGHTS.lend(found) as network:
        assert network.size(10, 12) == (40, 48)
    assert not torch.allclose(steered(parts, Control(found, PICTURE)), steered(parts), rtol=0.1)
