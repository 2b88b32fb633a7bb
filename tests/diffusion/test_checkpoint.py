"""Checkpoints recognised from their headers, and one readable sentence for each that is something else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from diffusion.checkpoint import component, prediction_of, read_checkpoint, read_unet, read_vae, space_of
from diffusion.header import WeightFileError
from diffusion.prediction import EpsPrediction, VPrediction
from diffusion.values import WeightFile
from tests.diffusion.tiny import tiny_unet, tiny_vae, write_tiny_checkpoint, write_tiny_diffusers_folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors", factor=4, dtype=torch.float16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_tiny_diffusers_folder(tmp_path_factory.mktemp("tiny") / "folder")


def changed(tiny: Path, path: Path, drop: str = "", add: dict[str, torch.Tensor] | None = None, **config) -> Path:
    """A copy of the tiny checkpoint without the names that begin with `drop`, with `add`, and with another config."""
    tensors = {name: tensor for name, tensor in load_file(tiny).items() if not drop or not name.startswith(drop)}
    save_file(tensors | (add or {}), path, metadata={"noisewright.config": json.dumps(config)})
    return path


def test_one_file_gives_three_recipes(tiny):
    parts = read_checkpoint(tiny, "abc")
    file = WeightFile(str(tiny), "abc")
    assert (parts.model.family, parts.model.file) == ("sd1", file)
    assert (parts.text_encoder.files, parts.vae.file) == ((file,), file)
    assert (parts.vae.space.channels, parts.vae.space.factor, parts.vae.space.scale) == (4, 4, 0.18215)
    assert space_of(parts.model) == parts.vae.space


def test_a_diffusers_folder_gives_the_same(folder):
    parts = read_checkpoint(folder, "abc")
    assert parts.model.file == WeightFile(str(folder), "abc", "unet")
    assert parts.text_encoder.files[0].part == "text_encoder"
    assert (parts.vae.file.part, parts.vae.space.factor) == ("vae", 8)


def test_reading_loads_no_torch(tiny):
    code = f"""
import sys
from pathlib import Path
from diffusion.checkpoint import read_checkpoint
read_checkpoint(Path({str(tiny)!r}), "abc")
assert not {{"torch", "numpy", "diffusers"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_widths_depths_and_heads_are_read(tiny):
    parts = read_checkpoint(tiny, "abc")
    truth = tiny_unet().config
    config = component(parts.model.file, "unet").config
    for key in ("block_out_channels", "layers_per_block", "down_block_types", "up_block_types", "cross_attention_dim"):
        assert tuple(config[key]) == tuple(truth[key]) if isinstance(config[key], tuple) else config[key] == truth[key]
    assert config["attention_head_dim"] == 8
    assert component(parts.text_encoder.files[0], "text_encoder").config["num_hidden_layers"] == 3


def test_metadata_says_what_shapes_cannot(tiny, tmp_path):
    rgb = [[0.1, 0.2, 0.3]] * 4
    path = changed(
        tiny,
        tmp_path / "a.safetensors",
        unet={"attention_heads": 4},
        text_encoder={"attention_heads": 2},
        latent={"factor": 4, "scale_factor": 0.5, "rgb": rgb, "rgb_bias": [0.4, 0.5, 0.6]},
    )
    parts = read_checkpoint(path, "x")
    assert component(parts.model.file, "unet").config["attention_head_dim"] == 4
    assert component(parts.text_encoder.files[0], "text_encoder").config["num_attention_heads"] == 2
    assert parts.vae.space.scale == 0.5
    assert parts.vae.space.rgb == tuple(tuple(row) for row in rgb)
    assert parts.vae.space.rgb_bias == (0.4, 0.5, 0.6)


def test_a_factor_that_the_shapes_deny_is_an_error(tiny, tmp_path):
    path = changed(tiny, tmp_path / "a.safetensors", latent={"factor": 8})
    with pytest.raises(WeightFileError, match="says factor 8, but its autoencoder halves 2 times, which is 4"):
        read_checkpoint(path, "x")


def test_an_unknown_family_in_the_metadata_is_an_error(tiny, tmp_path):
    with pytest.raises(WeightFileError, match="says it is of the family 'sd9'; known are sd1"):
        read_checkpoint(changed(tiny, tmp_path / "a.safetensors", family="sd9"), "x")


def test_a_ckpt_is_read_too(tiny, tmp_path):
    path = tmp_path / "tiny.ckpt"
    torch.save({"state_dict": load_file(tiny), "global_step": 1}, path)
    assert read_checkpoint(path, "x").vae.space.factor == 4


def test_what_training_leaves_behind_is_known(tiny, tmp_path):
    extra = {
        "model_ema.decay": torch.ones(()),
        "model_ema.diffusion_modelinput_blocks00weight": torch.ones(2),
        "alphas_cumprod": torch.ones(1000),
        "sqrt_one_minus_alphas_cumprod": torch.ones(1000),
        "posterior_mean_coef1": torch.ones(1000),
        "first_stage_model.loss.logvar": torch.ones(()),
        "cond_stage_model.transformer.text_model.embeddings.position_ids": torch.arange(77)[None],
        "cond_stage_model.transformer.vision_model.post_layernorm.bias": torch.ones(2),
        "cond_stage_model.transformer.text_projection.weight": torch.ones(2, 2),
        "cond_stage_model.logit_scale": torch.ones(()),
    }
    parts = read_checkpoint(changed(tiny, tmp_path / "a.safetensors", add=extra), "x")
    for file, part in (
        (parts.model.file, "unet"),
        (parts.text_encoder.files[0], "text_encoder"),
        (parts.vae.file, "vae"),
    ):
        assert not set(component(file, part).names) & extra.keys()


STRANGE = [
    ({"conditioner.embedders.1.model.x": 1, "model.diffusion_model.label_emb.0.0.weight": 1}, "an SDXL checkpoint"),
    ({"cond_stage_model.model.transformer.resblocks.0.ln_1.bias": 1}, "a Stable Diffusion 2 checkpoint"),
    ({"model.diffusion_model.joint_blocks.0.x": 1}, "a Stable Diffusion 3 model"),
    ({"double_blocks.0.img_attn.norm.key_norm.scale": 1}, "a Flux model"),
    ({"lora_unet_down_blocks_0_attentions_0.lora_up.weight": 1}, "a LoRA"),
    ({"unet.down_blocks.0.attn.to_q.lora_A.weight": 1}, "a LoRA"),
    ({"control_model.input_blocks.0.0.weight": 1}, "a ControlNet"),
    ({"first_stage_model.decoder.conv_in.weight": 1}, r"an autoencoder \(VAE\) alone"),
    ({"encoder.down.0.block.0.conv1.weight": 1}, r"an autoencoder \(VAE\) alone"),
    ({"text_model.encoder.layers.0.mlp.fc1.weight": 1}, "a CLIP text encoder alone"),
    ({"emb_params": 1}, "a textual inversion"),
    ({"wonder.weight": 1}, "something unknown: 1 tensors such as 'wonder.weight'"),
    ({}, "a file without tensors"),
]


@pytest.mark.parametrize(("names", "sentence"), STRANGE)
def test_another_kind_of_file_is_named(tmp_path, names, sentence):
    path = tmp_path / "other.safetensors"
    save_file({name: torch.ones(2) for name in names}, path)
    with pytest.raises(WeightFileError, match=rf"'other.safetensors' is not a checkpoint of .* looks like {sentence}"):
        read_checkpoint(path, "x")


@pytest.mark.parametrize(
    ("drop", "sentence"),
    [
        ("cond_stage_model.", "has a Stable Diffusion 1 U-Net but no text encoder"),
        ("first_stage_model.", r"but no autoencoder \(VAE\)\. A checkpoint needs .* with 'Load CLIP' and 'Load VAE'"),
    ],
)
def test_a_missing_part_is_named(tiny, tmp_path, drop, sentence):
    with pytest.raises(WeightFileError, match=sentence):
        read_checkpoint(changed(tiny, tmp_path / "a.safetensors", drop=drop), "x")


def test_strangers_among_the_tensors_are_named(tiny, tmp_path):
    path = changed(tiny, tmp_path / "a.safetensors", add={"surprise.weight": torch.ones(2)})
    with pytest.raises(WeightFileError, match="1 of its tensors belong to none of its networks: surprise.weight"):
        read_checkpoint(path, "x")


@pytest.mark.parametrize(
    ("marks", "kind", "highest"), [(["v_pred"], VPrediction, 14.6146), (["v_pred", "ztsnr"], VPrediction, 4518.8)]
)
def test_marks_tell_the_prediction(tiny, tmp_path, marks, kind, highest):
    add = {mark: torch.ones(1) for mark in marks}
    model = read_checkpoint(changed(tiny, tmp_path / "a.safetensors", add=add), "x".join(marks)).model
    prediction = prediction_of(model)
    assert isinstance(prediction, kind)
    assert prediction.sigma_max == pytest.approx(highest, rel=1e-3)


def test_the_metadata_tells_the_prediction_before_marks(tiny, tmp_path):
    add = {"v_pred": torch.ones(1)}
    model = read_checkpoint(changed(tiny, tmp_path / "a.safetensors", add=add, prediction="eps"), "eps").model
    assert isinstance(prediction_of(model), EpsPrediction)


def test_models_that_would_be_sampled_wrongly_are_refused(tiny, tmp_path):
    with pytest.raises(WeightFileError, match="with the noise levels of EDM .*, as 'edm_mean' says"):
        read_checkpoint(changed(tiny, tmp_path / "a.safetensors", add={"edm_mean": torch.ones(4)}), "x")


@pytest.mark.parametrize("name", ["scaled_fp8", "input_blocks.1.0.in_layers.2.scale_weight", "out.2.weight.absmax"])
def test_quantised_weights_are_refused(tiny, tmp_path, name):
    add = {f"model.diffusion_model.{name}": torch.ones(1)}
    path = changed(tiny, tmp_path / "a.safetensors", add=add)
    for read in (read_checkpoint, read_unet):
        with pytest.raises(
            WeightFileError, match=f"holds quantised weights .*, whose .* such as '.*{name}'; .* Use the same"
        ):
            read(path, "x")


@pytest.mark.parametrize("channels", [8, 9])
def test_models_that_are_shown_a_picture_are_of_the_family(tiny, tmp_path, channels):
    add = {"model.diffusion_model.input_blocks.0.0.weight": torch.ones(32, channels, 3, 3)}
    model = read_checkpoint(changed(tiny, tmp_path / "a.safetensors", add=add), f"x{channels}").model
    assert component(model.file, "unet").config["in_channels"] == channels


def test_a_folder_without_its_parts_is_an_error(folder, tmp_path):
    with pytest.raises(WeightFileError, match=r"no diffusers model: it has no model_index.json"):
        read_checkpoint(tmp_path, "x")
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(WeightFileError, match="of no family that is known here"):
        read_checkpoint(tmp_path, "x")
    (tmp_path / "unet").mkdir()
    with pytest.raises(WeightFileError, match=r"it has no config.json"):
        read_checkpoint(tmp_path, "x")
    (tmp_path / "unet" / "config.json").write_text("{")
    with pytest.raises(WeightFileError, match="none of the files that hold weights"):
        read_checkpoint(tmp_path, "x")


@pytest.mark.parametrize(
    ("scheduler", "sentence"),
    [
        ({"prediction_type": "sample"}, "predicts 'sample'; this version samples 'eps' and 'v' models"),
        ({"_class_name": "EDMEulerScheduler"}, "as 'EDMEulerScheduler' says; this version does not read such models"),
    ],
)
def test_a_folder_that_would_be_sampled_wrongly_is_refused(folder, tmp_path, scheduler, sentence):
    copy = tmp_path / "folder"
    shutil.copytree(folder, copy)
    (copy / "scheduler").mkdir()
    (copy / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler))
    with pytest.raises(WeightFileError, match=sentence):
        read_checkpoint(copy, "x")


def test_a_folder_tells_the_prediction_by_its_scheduler(folder, tmp_path):
    copy = tmp_path / "folder"
    shutil.copytree(folder, copy)
    (copy / "scheduler").mkdir()
    (copy / "scheduler" / "scheduler_config.json").write_text('{"prediction_type": "v_prediction"}')
    assert isinstance(prediction_of(read_checkpoint(copy, "v").model), VPrediction)


def test_an_autoencoder_alone(tiny, folder, tmp_path):
    """With and without prefix, with diffusers' keys, as a folder, and the one in a checkpoint: the same space."""
    prefix = "first_stage_model."
    prefixed = {name: tensor for name, tensor in load_file(tiny).items() if name.startswith(prefix)}
    save_file(prefixed, tmp_path / "prefixed.safetensors")
    save_file({name.removeprefix(prefix): tensor for name, tensor in prefixed.items()}, tmp_path / "bare.safetensors")
    save_file(tiny_vae(factor=4).state_dict(), tmp_path / "diffusers.safetensors")
    for path in (tiny, *sorted(tmp_path.glob("*.safetensors"))):
        assert read_vae(path, "x").space.factor == 4, path
    assert read_vae(folder, "x").space.factor == 8
    assert read_vae(folder / "vae", "x").space.factor == 8


def test_another_autoencoder_is_named(tmp_path):
    shapes = {"encoder.conv_in.weight": (32, 3, 3, 3), "decoder.conv_in.weight": (32, 16, 3, 3)}
    save_file({name: torch.ones(shape) for name, shape in shapes.items()}, tmp_path / "flux.safetensors")
    with pytest.raises(WeightFileError, match="with 16 latent channels; Stable Diffusion 1, 2 and XL have 4"):
        read_vae(tmp_path / "flux.safetensors", "x")


def test_no_autoencoder_is_an_error(tmp_path):
    save_file({"lora_unet_x.lora_up.weight": torch.ones(2)}, tmp_path / "a.safetensors")
    with pytest.raises(WeightFileError, match=r"holds no autoencoder \(VAE\) of .*: it looks like a LoRA"):
        read_vae(tmp_path / "a.safetensors", "x")
