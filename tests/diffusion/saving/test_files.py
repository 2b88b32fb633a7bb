"""Saved models are loaded again to the bit, by us and by diffusers' converters, with all that patches change."""

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
)
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from diffusion.architectures import AutoencoderTiny
from diffusion.checkpoint import (
    Parts,
    prediction_of,
    read_checkpoint,
    read_text_encoders,
    read_unet,
    read_vae,
    states_of,
)
from diffusion.header import WeightFileError
from diffusion.loading import load
from diffusion.lora.adding import with_lora
from diffusion.memory import Weights
from diffusion.merging.applying import networks
from diffusion.merging.mixing import mixed, subtracted
from diffusion.model_options import DiscreteSampling
from diffusion.prediction import VPrediction
from diffusion.saving.files import Draft, checkpoint_draft, model_draft, text_drafts, vae_draft
from diffusion.tensors import Residence
from diffusion.values import Model, TextEncoder, Vae
from tests.diffusion.lora.made import LAYERS, TEXT_LORA, answer, off, plain_lora, saved
from tests.diffusion.tiny import (
    tiny_tensors,
    tiny_unet,
    tiny_vae,
    write_tiny_checkpoint,
    write_tiny_diffusers_folder,
)
from tests.diffusion.tiny_families import Tiny, tiny_refiner, tiny_sd2, tiny_sdxl

FP32 = Residence(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors", dtype=torch.float16)


def write(draft: Draft, path: Path, **texts: str) -> Path:
    with path.open("wb") as file:
        assert list(draft.write(file, path.stem, texts))[-1] == draft.nbytes
    return path


def whole(parts: Parts) -> Draft:
    return checkpoint_draft(parts.model, parts.text_encoder, parts.vae)


def weights_of(recipe: Model | TextEncoder) -> list[Mapping[str, Tensor]]:
    return [load(network, FP32).state_dict() for network in networks(recipe)]


def equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_a_checkpoint_comes_back_to_the_bit(tmp_path: Path, dtype):
    source = write_tiny_checkpoint(tmp_path / "tiny.safetensors", dtype=dtype)
    path = write(whole(read_checkpoint(source, "a")), tmp_path / "again.safetensors")
    before, after = load_file(source), load_file(path)
    assert equal({name: each.view(torch.uint8) for name, each in before.items()},
                 {name: each.view(torch.uint8) for name, each in after.items()})  # fmt: skip
    found, wanted = read_checkpoint(path, "b"), read_checkpoint(source, "a")
    assert (found.model.family, found.vae.space) == ("sd1", wanted.vae.space)


@pytest.mark.parametrize("made", [tiny_sdxl, tiny_refiner, tiny_sd2])
def test_those_of_other_families_come_back(made, tmp_path: Path):
    tiny: Tiny = made()
    source = tiny.write(tmp_path / "tiny.safetensors")
    parts = read_checkpoint(source, "a")
    path = write(whole(parts), tmp_path / "again.safetensors")
    before, after = load_file(source), load_file(path)
    assert equal({name: tensor for name, tensor in before.items() if not name.endswith("logit_scale")}, after)
    again = read_checkpoint(path, "b")
    assert again.model.family == tiny.name
    assert [states_of(each) for each in again.text_encoder.encoders] == [
        states_of(each) for each in parts.text_encoder.encoders
    ]


@pytest.mark.parametrize("made", [tiny_sdxl, tiny_refiner, tiny_sd2])
def test_diffusers_reads_what_was_a_folder(made, tmp_path: Path):
    tiny: Tiny = made()
    parts = read_checkpoint(tiny.write_folder(tmp_path / "folder"), "a")
    found = load_file(write(whole(parts), tmp_path / "one.safetensors"))
    unet = convert_ldm_unet_checkpoint(dict(found), tiny.unet.config)
    assert equal(unet, tiny.unet.state_dict())
    vae = tiny_vae()
    assert equal(convert_ldm_vae_checkpoint(dict(found), vae.config), vae.state_dict())
    for part, module in tiny.texts.items():
        wanted = module.state_dict()
        prefix = {"sdxl": "conditioner.embedders.1.model.", "sdxl-refiner": "conditioner.embedders.0.model."}.get(
            tiny.name, "cond_stage_model.model."
        )
        if (tiny.name, part) == ("sdxl", "text_encoder"):
            prefix = "conditioner.embedders.0.transformer."
            text = {name.removeprefix(prefix): tensor for name, tensor in found.items() if name.startswith(prefix)}
            assert all(
                torch.equal(text[f"text_model.{name.removeprefix('text_model.')}"], wanted[name]) for name in wanted
            )
        else:
            back = convert_open_clip_checkpoint(module, dict(found), prefix)
            bare = {name.removeprefix("text_model."): tensor for name, tensor in back.items()}
            assert all(torch.equal(bare[name.removeprefix("text_model.")], wanted[name]) for name in wanted)


def test_a_left_out_layer_is_written_as_one_that_adds_nothing(tmp_path: Path):
    """As a folder, Stable Diffusion 2 has one layer less, and its last state is taken."""
    parts = read_checkpoint(tiny_sd2().write_folder(tmp_path / "folder"), "a")
    again = read_checkpoint(write(whole(parts), tmp_path / "one.safetensors"), "b")
    assert [states_of(each).layer for each in (parts.text_encoder, again.text_encoder)] == [-1, -2]
    (before,), (after,) = weights_of(parts.text_encoder), weights_of(again.text_encoder)
    assert equal(before, {name: after[name] for name in before})
    rest = after.keys() - before.keys()
    assert len(rest) == 16
    assert not any(after[name].any() for name in rest)


def test_a_pickle_becomes_safetensors(tmp_path: Path):
    torch.save({"state_dict": tiny_tensors(dtype=torch.float16)}, tmp_path / "old.ckpt")
    path = write(whole(read_checkpoint(tmp_path / "old.ckpt", "a")), tmp_path / "new.safetensors")
    assert equal(load_file(path), tiny_tensors(dtype=torch.float16))


def test_a_folder_of_stable_diffusion_1(tmp_path: Path):
    parts = read_checkpoint(write_tiny_diffusers_folder(tmp_path / "folder"), "a")
    found = load_file(write(whole(parts), tmp_path / "one.safetensors"))
    assert equal(found, tiny_tensors())


def test_lora_is_in_what_is_saved(tiny, tmp_path: Path):
    parts = read_checkpoint(tiny, "a")
    tensors, changes = plain_lora(tiny_unet(), LAYERS)
    lora = saved(tmp_path / "a.safetensors", tensors | TEXT_LORA)
    model, text = with_lora(lora, parts.model, parts.text_encoder, 0.5, -0.7)
    assert model is not None
    assert text is not None
    path = write(checkpoint_draft(model, text, parts.vae), tmp_path / "fused.safetensors")
    fused = read_checkpoint(path, "b")
    (found,), (before,) = weights_of(fused.model), weights_of(parts.model)
    for name, weight in found.items():
        change = changes.get(name.removesuffix(".weight"), torch.zeros(()))
        assert torch.equal(weight, (before[name] + 0.5 * change).half().float()), name
    down, up = (TEXT_LORA[name] for name in sorted(TEXT_LORA))
    (found,), (before,) = weights_of(fused.text_encoder), weights_of(parts.text_encoder)
    name = next(name for name in found if name.endswith("layers.0.mlp.fc1.weight"))
    assert torch.allclose(found[name], (before[name] - 0.7 * up @ down).half().float(), atol=2e-3)


def test_what_is_saved_answers_as_the_lora_did(tmp_path: Path):
    parts = read_checkpoint(write_tiny_checkpoint(tmp_path / "tiny.safetensors"), "a")
    model = with_lora(saved(tmp_path / "a.safetensors", plain_lora(tiny_unet(), LAYERS)[0]), parts.model, None).model
    assert model is not None
    fused = read_unet(write(model_draft(model), tmp_path / "fused.safetensors"), "b")
    weights = Weights("cpu", "fp32")
    assert off(answer(weights, fused), answer(weights, model)) <= 1e-5
    assert off(answer(weights, fused), answer(weights, parts.model)) > 1e-2


def test_a_merge_is_in_what_is_saved(tiny, tmp_path: Path):
    parts = read_checkpoint(tiny, "a")
    other = read_checkpoint(write_tiny_checkpoint(tmp_path / "other.safetensors", seed=100), "b")
    model = mixed(parts.model, other.model, 0.3)
    path = write(checkpoint_draft(model, parts.text_encoder, other.vae), tmp_path / "merged.safetensors")
    tensors, (merged,), (vae,) = load_file(path), weights_of(model), [load_file(other.vae.file.path)]
    assert equal(
        weights_of(read_checkpoint(path, "c").model)[0], {name: each.half().float() for name, each in merged.items()}
    )
    assert {tensor.dtype for name, tensor in tensors.items() if name.startswith("first_stage")} == {torch.float32}
    assert all(torch.equal(tensors[name], vae[name]) for name in tensors if name.startswith("first_stage"))
    with safe_open(path, "pt") as file:
        assert file.metadata()["modelspec.merged_from"] == "tiny.safetensors, other.safetensors"


def test_metadata_tell_where_it_is_from(tiny, tmp_path: Path):
    path = write(whole(read_checkpoint(tiny, "a")), tmp_path / "oak.safetensors", prompt="{}")
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    config = json.loads(metadata.pop("noisewright.config"))
    assert metadata == {
        "format": "pt",
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": "stable-diffusion-v1",
        "modelspec.prediction_type": "epsilon",
        "modelspec.predict_key": "epsilon",
        "modelspec.title": "oak",
        "prompt": "{}",
    }
    assert (config["default_size"], config["unet"], config["prediction"]) == (64, {"attention_heads": 8}, "eps")


@pytest.mark.parametrize("zsnr", [False, True])
def test_a_chosen_prediction_is_kept(tmp_path: Path, zsnr):
    parts = read_checkpoint(tiny_sdxl().write(tmp_path / "xl.safetensors"), "a")
    model = replace(parts.model, options=(DiscreteSampling("v_prediction", zsnr=zsnr),))
    path = write(checkpoint_draft(model, parts.text_encoder, parts.vae), tmp_path / "v.safetensors")
    found = prediction_of(read_checkpoint(path, "b").model)
    assert isinstance(found, VPrediction)
    assert (found.sigma_max > 1000) == zsnr
    tensors = load_file(path)
    assert ("v_pred" in tensors, "ztsnr" in tensors) == (True, zsnr)


def test_parts_alone(tmp_path: Path):
    parts = read_checkpoint(tiny_sdxl().write(tmp_path / "xl.safetensors"), "a")
    unet = read_unet(write(model_draft(parts.model), tmp_path / "unet.safetensors"), "u")
    assert unet.family == "sdxl"
    assert equal(weights_of(unet)[0], weights_of(parts.model)[0])
    assert all(name.startswith("model.diffusion_model.") for name in load_file(unet.file.path))
    drafts = text_drafts(parts.text_encoder)
    assert [draft.suffix for draft in drafts] == ["_clip_l", "_clip_g"]
    files = [write(draft, tmp_path / f"text{draft.suffix}.safetensors") for draft in drafts]
    texts = read_text_encoders([(path, path.name) for path in reversed(files)])
    assert texts.family == "sdxl"
    assert all(equal(*pair) for pair in zip(weights_of(texts), weights_of(parts.text_encoder), strict=True))
    assert "text_model.final_layer_norm.bias" in load_file(files[0])
    vae = read_vae(write(vae_draft(parts.vae), tmp_path / "vae.safetensors"), "v")
    assert vae.space.scale == parts.vae.space.scale
    assert (
        convert_ldm_vae_checkpoint(dict(load_file(vae.file.path)), tiny_vae().config).keys()
        == tiny_vae().state_dict().keys()
    )


def test_numbers_that_the_type_cannot_hold_are_a_sentence(tiny, tmp_path: Path):
    parts = read_checkpoint(tiny, "a")
    other = {name: torch.full_like(tensor, 6e4) for name, tensor in tiny_tensors().items()}
    save_file(other, tmp_path / "huge.safetensors", metadata={"noisewright.config": json.dumps({"family": "sd1"})})
    huge = read_checkpoint(tmp_path / "huge.safetensors", "h")
    draft = model_draft(subtracted(parts.model, huge.model, 10.0))
    with pytest.raises(
        OverflowError, match=r"'.*' of 'tiny.safetensors' reaches 6e\+05, which float16 cannot hold\. Use"
    ):
        list(draft.write(io.BytesIO(), "x", {}))


def test_parts_that_make_no_model_are_sentences(tiny, tmp_path: Path):
    one = read_checkpoint(tiny, "a")
    two = read_checkpoint(tiny_sd2().write(tmp_path / "v2.safetensors"), "b")
    message = "The model 'tiny.safetensors' is Stable Diffusion 1, the text encoder 'v2.safetensors' belongs to Stable "
    with pytest.raises(WeightFileError, match=message + "Diffusion 2: they make no checkpoint. Connect a text encoder"):
        checkpoint_draft(one.model, two.text_encoder, one.vae)
    near = read_checkpoint(write_tiny_checkpoint(tmp_path / "near.safetensors", factor=4), "n")
    message = "latents of 4 channels with factor 8, the autoencoder 'near.safetensors' makes 4 with factor 4: they make"
    with pytest.raises(WeightFileError, match=message + " no checkpoint. Connect an autoencoder"):
        checkpoint_draft(one.model, one.text_encoder, near.vae)


def test_a_tiny_autoencoder_is_saved_alone(tiny, tmp_path: Path):
    one, module = read_checkpoint(tiny, "a"), AutoencoderTiny()
    save_file(module.state_dict(), tmp_path / "taesd.safetensors")
    vae: Vae = read_vae(tmp_path / "taesd.safetensors", "t")
    with pytest.raises(WeightFileError, match=r"'taesd.safetensors' is a tiny autoencoder, which has no place"):
        checkpoint_draft(one.model, one.text_encoder, vae)
    assert equal(load_file(write(vae_draft(vae), tmp_path / "again.safetensors")), module.state_dict())
