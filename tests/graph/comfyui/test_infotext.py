"""Infotexts as workflows: the graphs that people draw by hand to repeat such a picture."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nodes
from diffusion.names import SAMPLERS
from diffusion.samplers import sampler
from graph.catalogue import Catalogue
from graph.check import check
from graph.comfyui.infotext import BROWNIAN, parse, to_workflow
from graph.document import Link, Workflow
from graph.overrides import set_inputs
from graph.workflow import dump, load

CATALOGUE = Catalogue.of(nodes.MODULES)
SIMPLE = """a cat
Negative prompt: blur
Steps: 25, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 18446744073709551615, Size: 512x768, Model: v1-5, RNG: CPU"""


def read(text: str, *said: str) -> Workflow:
    """The workflow; every problem must hold one of the words, in order."""
    workflow, problems = to_workflow(parse(text), CATALOGUE)
    assert all(problem.severity == "warning" for problem in problems)
    messages = [problem.message for problem in problems]
    assert len(messages) == len(said), messages
    for message, words in zip(messages, said, strict=True):
        assert words in message
    return workflow


def inputs(workflow: Workflow, name: str) -> dict[str, Any]:
    return dict(workflow.nodes[name].inputs)


def test_a_simple_text():
    workflow = read(SIMPLE)
    assert {name: node.type for name, node in workflow.nodes.items()} == {
        "checkpoint": "CheckpointLoaderSimple",
        "prompt": "CLIPTextEncode",
        "negative": "CLIPTextEncode",
        "size": "EmptyLatentImage",
        "sample": "KSampler",
        "decode": "VAEDecode",
        "save": "SaveImage",
    }
    assert inputs(workflow, "sample") == {
        "model": Link("checkpoint", "MODEL"),
        "seed": 2**64 - 1,
        "steps": 25,
        "cfg": 7.5,
        "sampler_name": "dpmpp_2m",
        "scheduler": "karras",
        "positive": Link("prompt", "CONDITIONING"),
        "negative": Link("negative", "CONDITIONING"),
        "latent_image": Link("size", "LATENT"),
        "denoise": 1.0,
    }
    assert inputs(workflow, "size") == {"width": 512, "height": 768, "batch_size": 1}
    assert inputs(workflow, "checkpoint") == {"ckpt_name": "v1-5.safetensors"}
    assert workflow.extra["x-infotext"] == SIMPLE
    assert check(workflow, CATALOGUE) == []
    assert load(dump(workflow)) == workflow


def test_its_interface_sets_what_a_person_wants_to_set():
    assignments = {
        "prompt": "dog",
        "negative": "x",
        "seed": "3",
        "steps": "4",
        "cfg": "2",
        "width": "64",
        "height": "72",
    }
    workflow = set_inputs(read(SIMPLE), assignments, CATALOGUE)
    assert inputs(workflow, "prompt")["text"] == "dog"
    assert inputs(workflow, "size") == {"width": 64, "height": 72, "batch_size": 1}


def test_vae_clip_skip_loras_and_digests():
    workflow = read(
        "a <lora:detail:0.8> <lora:sub\\light:1:0.5>\nSteps: 20, Model: m.ckpt [6ce0161689], "
        "Model hash: 6ce0161689, RNG: CPU, VAE: ft-mse.safetensors, VAE hash: 735e4c3a44, Clip skip: 2, "
        'Lora hashes: "detail: 7c6b, light: 1234"'
    )
    assert inputs(workflow, "lora_2") == {
        "model": Link("lora", "MODEL"),
        "clip": Link("lora", "CLIP"),
        "lora_name": "sub/light.safetensors",
        "strength_model": 0.5,
        "strength_clip": 1.0,
    }
    assert inputs(workflow, "clip_skip") == {"clip": Link("lora_2", "CLIP"), "stop_at_clip_layer": -2}
    assert inputs(workflow, "prompt")["clip"] == Link("clip_skip", "CLIP")
    assert inputs(workflow, "sample")["model"] == Link("lora_2", "MODEL")
    assert inputs(workflow, "decode")["vae"] == Link("vae", "VAE")
    assert workflow.requires["models"]["m.ckpt"] == {"folder": "checkpoints", "x-hash": "6ce0161689"}
    assert workflow.requires["models"]["detail.safetensors"] == {"folder": "loras", "x-hash": "7c6b"}


def test_hires_in_latents():
    workflow = read(
        "a\nSteps: 20, Sampler: Euler a, Seed: 4, Size: 500x768, Model: m, Denoising strength: 0.6, "
        "Hires upscale: 1.5, Hires steps: 10, Hires upscaler: Latent (bicubic), Hires CFG Scale: 5, "
        "Hires sampler: DPM++ SDE, Hires schedule type: Karras, Hires prompt: b, RNG: CPU"
    )
    assert inputs(workflow, "larger") == {
        "samples": Link("sample", "LATENT"),
        "upscale_method": "bicubic",
        "width": 744,
        "height": 1152,
        "crop": "disabled",
    }
    refine = inputs(workflow, "refine")
    assert refine["positive"] == Link("refine_prompt", "CONDITIONING")
    assert refine["negative"] == Link("negative", "CONDITIONING")
    assert [refine[name] for name in ("seed", "steps", "cfg", "denoise")] == [4, 10, 5.0, 0.6]
    assert [refine[name] for name in ("sampler_name", "scheduler")] == ["dpmpp_sde", "karras"]
    assert inputs(workflow, "decode")["samples"] == Link("refine", "LATENT")
    assert check(workflow, CATALOGUE) == []


def test_hires_in_pictures():
    text = "a\nSteps: 20, Model: m, Denoising strength: 0.4, Hires resize: 768x0, Hires upscaler: {}, RNG: CPU"
    workflow = read(text.format("Lanczos"))
    assert inputs(workflow, "larger_picture")["width"] == 768
    assert inputs(workflow, "larger_picture")["height"] == 768
    assert inputs(workflow, "refine")["steps"] == 20
    assert check(workflow, CATALOGUE) == []
    workflow = read(text.format("4x-UltraSharp"))
    assert inputs(workflow, "upscale_model") == {"model_name": "4x-UltraSharp.pth"}
    assert inputs(workflow, "upscale")["upscale_model"] == Link("upscale_model", "UPSCALE_MODEL")
    assert inputs(workflow, "larger_picture")["image"] == Link("upscale", "IMAGE")
    assert check(workflow, CATALOGUE) == []


def test_a_variation_mixes_the_noise_of_its_seed_into_both_passes():
    """Both passes draw their noise from the same two seeds."""
    text = (
        "a\nSteps: 20, Seed: 4, Variation seed: 18446744073709551615, Variation seed strength: 0.35, Model: m, RNG: CPU"
    )
    workflow = read(text, "column by column")
    assert workflow.nodes["sample"].type == "KSamplerVariation"
    first = inputs(workflow, "sample")
    assert (first["seed"], first["variation_seed"], first["variation_strength"]) == (4, 2**64 - 1, 0.35)
    assert check(workflow, CATALOGUE) == []
    workflow = read(f"{text}, Hires upscale: 2, Denoising strength: 0.5", "column by column")
    second = inputs(workflow, "refine")
    assert workflow.nodes["refine"].type == "KSamplerVariation"
    assert (second["seed"], second["variation_seed"], second["variation_strength"]) == (4, 2**64 - 1, 0.35)


@pytest.mark.parametrize(
    ("said", "kind", "problems"),
    [
        ("Variation seed strength: 0", "KSampler", []),
        ("Variation seed: 7", "KSampler", []),
        ("Variation seed: 7, Variation seed strength: 1", "KSamplerVariation", []),
        (
            "Variation seed: -1, Variation seed strength: 3",
            "KSamplerVariation",
            ["'Variation seed'", "strength' is"],
        ),
        ("Variation seed: x, Variation seed strength: x", "KSampler", ["'Variation seed'", "strength' is"]),
    ],
)
def test_a_variation_that_mixes_nothing_or_nothing_but_its_seed(said: str, kind: str, problems: list[str]):
    workflow = read(f"a\nSteps: 20, Seed: 4, Model: m, RNG: CPU, {said}", *problems)
    assert workflow.nodes["sample"].type == kind


def test_break_and_and_join_conditionings():
    workflow = read("a BREAK b AND c\nSteps: 20, Model: m, RNG: CPU", "AND (weights 1, 1)")
    assert inputs(workflow, "join") == {
        "conditioning_to": Link("prompt", "CONDITIONING"),
        "conditioning_from": Link("prompt_2", "CONDITIONING"),
    }
    assert inputs(workflow, "combine")["conditioning_2"] == Link("prompt_3", "CONDITIONING")
    assert check(workflow, CATALOGUE) == []


@pytest.mark.parametrize("said", ["RNG: NV", "RNG: GPU", "Version: v1.10.1", "RNG: nv, Version: v1.9"])
def test_noise_of_a_card_is_drawn_as_cards_do(said: str):
    """A1111 says nothing of the noise where it is its default, the card's."""
    workflow = read(
        "a <lora:x:1>\nSteps: 20, Sampler: Euler a, Model: m, Denoising strength: 0.5, Hires upscale: 2, " + said
    )
    noise = {"model": Link("lora", "MODEL"), "initial": "cuda", "steps": "cuda"}
    assert (workflow.nodes["noise"].type, inputs(workflow, "noise")) == ("ModelNoiseSource", noise)
    assert inputs(workflow, "sample")["model"] == inputs(workflow, "refine")["model"] == Link("noise", "MODEL")
    assert check(workflow, CATALOGUE) == []


def test_a_text_that_does_not_say_where_it_is_from_is_taken_for_one_of_a_card():
    workflow = read("a\nSteps: 20, Model: m", "does not say how its noise was drawn")
    assert inputs(workflow, "sample")["model"] == Link("noise", "MODEL")


@pytest.mark.parametrize(
    ("said", "problems"),
    [("RNG: CPU", []), ("RNG: cpu, Version: v1.10.1", []), ("Version: ComfyUI", []), ("RNG: TPU", ["not known here"])],
)
def test_noise_of_the_processor_needs_no_node(said: str, problems: list[str]):
    workflow = read("a\nSteps: 20, Model: m, " + said, *problems)
    assert inputs(workflow, "sample")["model"] == Link("checkpoint", "MODEL")


def test_a_brownian_path_is_never_that_of_a_card():
    read("a\nSteps: 20, Model: m, Sampler: DPM++ 2M SDE, RNG: NV", "'dpmpp_2m_sde' adds the processor's noise")
    read("a\nSteps: 20, Model: m, Sampler: DPM++ 2M SDE, RNG: CPU")
    assert {name for name in SAMPLERS if sampler(name).noise == "brownian"} == BROWNIAN


def test_everything_without_a_counterpart_is_listed():
    read(
        "a [b|c]\nNegative prompt: <lora:x:1>\nSteps: many, Sampler: Restart, CFG scale: 1000, Seed: -1, Size: big, "
        "Model: m, Denoising strength: 0.3, RNG: NV, ENSD: 31337, ADetailer model: face.pt, "
        'ControlNet 0: "Module: canny"',
        "'Steps' is \"many\"; 20",
        "[b|c]",
        "only the LoRAs of the prompt",
        "'Size' is \"big\"; 512x512",
        "'CFG scale' is \"1000\"; 100",
        "sampler 'Restart'",
        "'Seed' is \"-1\"; 0",
        "made from another one",
        "'ENSD' (\"31337\")",
        "'ADetailer model' (\"face.pt\")",
        "'ControlNet 0' (\"Module: canny\")",
    )


def test_a_text_without_a_model_is_checked_by_check():
    workflow = read("a\nSteps: 20, RNG: CPU", "names no model")
    (problem,) = check(workflow, CATALOGUE)
    assert (problem.node, problem.input) == ("checkpoint", "ckpt_name")


KEYS = st.sampled_from(
    ["Steps", "Sampler", "Seed", "Size", "CFG scale", "Model", "VAE", "Clip skip", "Hires upscale", "Hires resize",
     "Hires upscaler", "Hires steps", "Denoising strength", "Lora hashes", "TI hashes", "Hires prompt", "Eta"]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(["nan", "inf", "-1", "1e400", "0x0", "99999x1", "Latent", "None", "64x64", "2", "a: b", "9" * 400]),
    st.text(alphabet="0123456789.x-eE :,", max_size=12),
)


@given(st.dictionaries(KEYS, VALUES), st.text(alphabet="ab()[]:|<lora>1. AND", max_size=40))
def test_any_settings_give_a_workflow_that_can_be_written(settings: dict[str, str], prompt: str):
    text = f"{prompt}\nNegative prompt: {prompt}\n" + ", ".join(f'{key}: "{value}"' for key, value in settings.items())
    workflow, _ = to_workflow(parse(text), CATALOGUE)
    assert load(dump(workflow)) == workflow
    wrong = {problem.code for problem in check(workflow, CATALOGUE)}
    assert wrong <= {"unknown_type", "missing_input", "missing_file"}


@pytest.mark.parametrize("piece", ["a AND ", "a BREAK ", "<lora:x:1>"])
def test_thousands_of_parts(piece: str):
    to_workflow(parse(piece * 3000 + "\nSteps: 20"), CATALOGUE)
