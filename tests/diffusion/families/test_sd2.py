"""Stable Diffusion 2 against diffusers' own pipeline on the same weights, noise and prompts, predicting noise and
velocity.
"""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

from diffusion.checkpoint import Parts, prediction_of, read_checkpoint, read_text_encoders
from diffusion.families.sd2 import PROBE, SPREAD
from diffusion.header import WeightFileError
from diffusion.prediction import EpsPrediction, VPrediction
from tests.diffusion.families.pipelines import (
    CFG,
    NEGATIVE,
    PROMPT,
    SIDE,
    STEPS,
    assert_same,
    ids,
    prompt,
    sampled,
    scheduler,
    start,
)
from tests.diffusion.tiny import tiny_vae
from tests.diffusion.tiny_families import Tiny, tiny_sd2

SD2 = tiny_sd2()


def written(folder: Path, **config) -> Parts:
    return read_checkpoint(SD2.write(folder / "sd2.safetensors", **config), f"sd2 {config}")


@torch.no_grad()
def states(text: str) -> torch.Tensor:
    """The last layer but one, through the final norm: what diffusers has after taking away the last layer."""
    clip = SD2.texts["text_encoder"]
    return clip.final_layer_norm(clip(ids(text, 0), output_hidden_states=True).hidden_states[-2])


def pipeline_result(kind: str) -> torch.Tensor:
    pipe = StableDiffusionPipeline(
        *(tiny_vae(), None, None, SD2.unet, scheduler(prediction_type=kind), None, None),
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler.set_timesteps(STEPS)
    return pipe(
        prompt_embeds=states(PROMPT),
        negative_prompt_embeds=states(NEGATIVE),
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        height=SIDE,
        width=SIDE,
        latents=start(float(pipe.scheduler.init_noise_sigma)),
        output_type="latent",
    ).images


@pytest.mark.parametrize(("said", "kind"), [("eps", "epsilon"), ("v", "v_prediction")])
def test_text_to_image_is_that_of_the_pipeline(tmp_path, said, kind):
    parts = written(tmp_path, prediction=said)
    assert (parts.model.family, parts.vae.space.name, parts.vae.space.scale) == ("sd2", "sd1", 0.18215)
    (entry,) = prompt(PROMPT, parts.text_encoder).entries
    torch.testing.assert_close(entry.tokens, states(PROMPT), rtol=1e-4, atol=1e-5)
    ours = sampled(parts.model, [prompt(text, parts.text_encoder) for text in (PROMPT, NEGATIVE)])
    assert_same(ours, pipeline_result(kind))


def test_a_folder_has_lost_the_last_layer_and_says_what_it_predicts(tmp_path):
    cut = SD2.texts["text_encoder"]
    names = {name: weight for name, weight in cut.state_dict().items() if not name.startswith("encoder.layers.2.")}
    shorter = type(cut)(type(cut.config).from_dict(cut.config.to_dict() | {"num_hidden_layers": 2}))
    shorter.load_state_dict(names)
    twin = Tiny("sd2", SD2.unet, {"text_encoder": shorter})
    parts = read_checkpoint(twin.write_folder(tmp_path / "folder", prediction_type="v_prediction"), "sd2 folder")
    ours = sampled(parts.model, [prompt(text, parts.text_encoder) for text in (PROMPT, NEGATIVE)])
    assert_same(ours, pipeline_result("v_prediction"))


@pytest.mark.parametrize(("spread", "expected"), [(0.5, EpsPrediction), (2.0, VPrediction)])
def test_where_the_file_does_not_say_a_tensors_spread_decides(tmp_path, monkeypatch, spread, expected):
    probe = "output_blocks.3.1.transformer_blocks.0.norm1.bias"  # this small model has no block 11
    monkeypatch.setattr("diffusion.families.sd2.PROBE", probe)
    bias = SD2.unet.get_submodule("up_blocks.1.attentions.1.transformer_blocks.0.norm1").bias
    kept = bias.clone()
    try:
        bias.copy_(torch.linspace(-1, 1, len(bias)))
        bias.mul_(spread * SPREAD / bias.std(correction=0))
        model = written(tmp_path).model
    finally:
        bias.copy_(kept)
    assert PROBE.startswith("output_blocks.11.1.")
    assert isinstance(prediction_of(replace(model, file=replace(model.file, digest=str(spread)))), expected)


def test_what_nobody_samples_is_refused(tmp_path):
    with pytest.raises(WeightFileError, match="predicts 'sample'; this version samples 'eps' and 'v' models"):
        written(tmp_path, prediction="sample")


def test_its_text_encoder_alone(tmp_path):
    """In OpenCLIP's layout it is told by its names."""
    from safetensors.torch import save_file

    from tests.diffusion.tiny_families import text_tensors

    prefix = "cond_stage_model.model."
    tensors = text_tensors(SD2.texts["text_encoder"], prefix)
    path = tmp_path / "clip_h.safetensors"
    metadata = {"noisewright.config": '{"text_encoder": {"attention_heads": 2}}'}
    save_file({name.removeprefix(prefix): weight.contiguous() for name, weight in tensors.items()}, path, metadata)
    clip = read_text_encoders([(path, "alone")])
    assert clip.family == "sd2"
    torch.testing.assert_close(prompt(PROMPT, clip).entries[0].tokens, states(PROMPT), rtol=1e-4, atol=1e-5)
