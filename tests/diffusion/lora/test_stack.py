"""LoRA over a network: beside its layers or merged, the answers are those of diffusers' U-Net with merged weights."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.held import Held
from diffusion.lora.patch import LoraPatch
from diffusion.memory import Weights
from diffusion.values import Model, WeightFile
from tests.diffusion.lora.made import (
    CONVOLUTION,
    FEED,
    LAYERS,
    LINEAR,
    PROJECTION,
    RANK,
    answer,
    answer_of,
    changed_unet,
    kohya,
    low_rank,
    noise,
    off,
    plain_lora,
    product,
    saved,
)
from tests.diffusion.tiny import tiny_unet, write_tiny_checkpoint


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x")


def under(model: Model, *patches: tuple[WeightFile, float]) -> Model:
    return replace(model, patches=tuple(LoraPatch(file, strength) for file, strength in patches))


def held(weights: Weights) -> Held:
    (only,) = weights._held.values()
    return only


@pytest.mark.parametrize("strength", [1.0, 0.4, -1.5])
def test_beside_every_kind_of_layer_it_is_what_merging_gives(parts, tmp_path: Path, strength):
    tensors, changes = plain_lora(tiny_unet(), LAYERS)
    file = saved(tmp_path / "a.safetensors", tensors)
    weights = Weights("cpu", "fp32")
    found = answer(weights, under(parts.model, (file, strength)))
    assert off(found, answer_of(changed_unet(changes, strength))) <= 1e-5
    assert off(found, answer_of(tiny_unet())) > 1e-2
    assert not held(weights).variants[("a.safetensors", strength),].nbytes  # nothing was merged


def test_the_model_without_it_answers_to_the_bit_as_before(parts, tmp_path: Path):
    weights = Weights("cpu", "fp32")
    before = answer(weights, parts.model)
    mixed = {kohya(FEED) + ".diff": noise(*tiny_unet().get_submodule(FEED).weight.shape)}
    file = saved(tmp_path / "a.safetensors", plain_lora(tiny_unet(), LAYERS[:3])[0] | mixed)
    with weights.lend(parts.model):
        assert off(answer(weights, under(parts.model, (file, 1.0))), before) > 1e-2
        assert torch.equal(answer(weights, parts.model), before)
    assert torch.equal(answer(weights, parts.model), before)
    assert weights.loads == 1


def test_several_add_up_and_are_one_beside_a_layer(parts, tmp_path: Path):
    files, total = [], {}
    for number in range(5):
        tensors, changes = plain_lora(tiny_unet(), LAYERS[number % 2 :], seed=50 * number)
        files.append((saved(tmp_path / f"{number}.safetensors", tensors), 0.2 * number - 0.3))
        for layer, change in changes.items():
            total[layer] = total.get(layer, 0) + (0.2 * number - 0.3) * change
    weights = Weights("cpu", "fp32")
    found = answer(weights, under(parts.model, *files))
    assert off(found, answer_of(changed_unet(total))) <= 1e-5
    (variant,) = [variant for strengths, variant in held(weights).variants.items() if strengths]
    assert variant.run.get_submodule(f"unet.{CONVOLUTION}.beside.down").weight.shape[0] == 5 * RANK


def test_files_of_other_number_types_stand_beside_each_other(parts, tmp_path: Path):
    files, total = [], {}
    for number, dtype in enumerate((torch.float8_e4m3fn, torch.float16, torch.bfloat16, torch.float32)):
        kept = {name: each.to(dtype) for name, each in plain_lora(tiny_unet(), LAYERS, seed=70 * number)[0].items()}
        files.append((saved(tmp_path / f"{number}.safetensors", kept), 0.5))
        for layer in LAYERS:
            down, up, alpha = (
                kept[kohya(layer) + end].float() for end in (".lora_down.weight", ".lora_up.weight", ".alpha")
            )
            total[layer] = total.get(layer, 0) + 0.5 * alpha / RANK * product(down, up)
    found = answer(Weights("cpu", "fp32"), under(parts.model, *files))
    assert off(found, answer_of(changed_unet(total))) <= 1e-5


def test_a_tucker_core_goes_beside_the_layer_too(parts, tmp_path: Path):
    weight = tiny_unet().get_submodule(CONVOLUTION).weight
    down, mid, up = (
        noise(RANK, weight.shape[1], 1, 1),
        noise(RANK, RANK, 3, 3, seed=1),
        noise(len(weight), RANK, 1, 1, seed=2),
    )
    stem = kohya(CONVOLUTION)
    tensors = {".lora_down.weight": down, ".lora_mid.weight": mid, ".lora_up.weight": up, ".alpha": torch.tensor(1.0)}
    file = saved(tmp_path / "cp.safetensors", {stem + ending: tensor for ending, tensor in tensors.items()})
    change = torch.zeros_like(weight)
    for out in range(RANK):
        for inner in range(RANK):
            change += torch.einsum("o,i,hw->oihw", up[:, out, 0, 0], down[inner, :, 0, 0], mid[out, inner])
    found = answer(Weights("cpu", "fp32"), under(parts.model, (file, 1.0)))
    assert off(found, answer_of(changed_unet({CONVOLUTION: change / RANK}))) <= 1e-5


def test_what_depends_on_the_weight_follows_what_stands_before_it(parts, tmp_path: Path):
    """A LoRA, then DoRA, on one layer: the second's lengths are those of the weight with the first in it."""
    unet = tiny_unet()
    first, changes = plain_lora(unet, (LINEAR, FEED))
    down, up = low_rank(unet.get_submodule(LINEAR).weight, 90)
    lengths = 1 + noise(len(up), 1, seed=91).abs()
    stem = kohya(LINEAR)
    second = {".lora_down.weight": down, ".lora_up.weight": up, ".dora_scale": lengths}
    third, more = plain_lora(unet, (LINEAR,), seed=30)
    files = [
        (saved(tmp_path / "1.safetensors", first), 0.5),
        (saved(tmp_path / "2.safetensors", {stem + ending: tensor for ending, tensor in second.items()}), 1.0),
        (saved(tmp_path / "3.safetensors", third), -0.7),
    ]
    moved = unet.get_submodule(LINEAR).weight + 0.5 * changes[LINEAR] + product(down, up)
    after = lengths * moved / moved.norm(dim=1, keepdim=True) - 0.7 * more[LINEAR]
    wanted = changed_unet({FEED: 0.5 * changes[FEED], LINEAR: after - unet.get_submodule(LINEAR).weight})
    weights = Weights("cpu", "fp32")
    assert off(answer(weights, under(parts.model, *files)), answer_of(wanted)) <= 1e-5
    (variant,) = [variant for strengths, variant in held(weights).variants.items() if strengths]
    assert variant.nbytes == after.nbytes  # only this layer was merged
    assert variant.run.get_submodule(f"unet.{LINEAR}.beside.down").weight.shape[0] == RANK  # the last stays beside


def test_norms_and_biases_are_changed(parts, tmp_path: Path):
    unet, norm = tiny_unet(), "down_blocks.0.resnets.0.norm1"
    size = len(unet.get_submodule(norm).weight)
    changes = {
        f"{norm}.weight": noise(size),
        f"{norm}.bias": noise(size, seed=1),
        f"{PROJECTION}.bias": noise(32, seed=2),
    }
    tensors = {
        kohya(norm) + ".w_norm": changes[f"{norm}.weight"],
        kohya(norm) + ".b_norm": changes[f"{norm}.bias"],
        kohya(PROJECTION) + ".diff_b": changes[f"{PROJECTION}.bias"],
    }
    beside, low_rank_changes = plain_lora(unet, (PROJECTION,))
    file = saved(tmp_path / "norm.safetensors", beside | tensors)
    found = answer(Weights("cpu", "fp32"), under(parts.model, (file, 0.8)))
    assert off(found, answer_of(changed_unet(changes | low_rank_changes, 0.8))) <= 1e-5


def test_in_bf16_convolutions_have_it_beside_and_merged(parts, tmp_path: Path):
    tensors, changes = plain_lora(tiny_unet(), LAYERS)
    merged = noise(*tiny_unet().get_submodule("conv_in").weight.shape, seed=5)
    file = saved(tmp_path / "a.safetensors", tensors | {kohya("conv_in") + ".diff": merged})
    weights = Weights("cpu", "bf16")
    plain = answer(weights, parts.model)
    found = answer(weights, under(parts.model, (file, 1.0)))
    wanted = answer_of(changed_unet(changes | {"conv_in": merged}))
    rounding = off(plain, answer_of(tiny_unet()))
    assert off(found, wanted) <= 2 * rounding + 1e-2
    assert torch.equal(answer(weights, parts.model), plain)


def test_the_text_encoder_has_its_own_part(parts, tmp_path: Path):
    from diffusion.text.encoding import encode
    from tests.diffusion.tiny import tiny_text_encoder

    module = tiny_text_encoder()
    layer = "encoder.layers.1.self_attn.q_proj"
    name = layer if dict(module.named_modules()).get(layer) is not None else f"text_model.{layer}"
    weight = module.get_submodule(name).weight
    down, up = low_rank(weight, 3)
    stem = "lora_te_text_model_" + layer.replace(".", "_")
    file = saved(tmp_path / "te.safetensors", {stem + ".lora_down.weight": down, stem + ".lora_up.weight": up})
    weights = Weights("cpu", "fp32")

    def states(clip) -> torch.Tensor:
        return encode("red apple", clip, weights, lambda name: Path(name)).entries[0].tokens

    plain = states(parts.text_encoder)
    changed = states(replace(parts.text_encoder, patches=(LoraPatch(file, 1.5),)))
    weight.data = weight.data + 1.5 * product(down, up)
    ids = torch.tensor([[49406, 736, 3055, 49407, *[49407] * 73]])
    wanted = module(ids).last_hidden_state
    assert off(changed, wanted) <= 1e-5
    assert off(changed, plain) > 1e-3


def test_layers_that_stream_have_it_too(parts, tmp_path: Path, monkeypatch):
    """A model larger than the device, with the host as the device."""
    tensors, changes = plain_lora(tiny_unet(), LAYERS)
    merged = noise(*tiny_unet().get_submodule("conv_in").weight.shape, seed=5)
    file = saved(tmp_path / "a.safetensors", tensors | {kohya("conv_in") + ".diff": merged})
    weights = Weights("cpu", "fp32")
    streamed = as_streamed(weights, monkeypatch)
    plain = answer(weights, parts.model)
    assert streamed
    assert torch.equal(plain, answer_of(tiny_unet()))
    found = answer(weights, under(parts.model, (file, 1.0)))
    assert off(found, answer_of(changed_unet(changes | {"conv_in": merged}))) <= 1e-5
    assert torch.equal(answer(weights, parts.model), plain)


def as_streamed(weights: Weights, monkeypatch) -> list[str]:
    from diffusion.held import streamed
    from diffusion.tensors import Residence
    from diffusion.unet import Denoiser

    order: list[str] = []

    def loaded(component, precision):
        home = Residence(torch.device("cpu"), torch.float32)
        order.append(component.part)
        return streamed(component, home, precision, Denoiser)

    monkeypatch.setattr(weights, "_loaded", loaded)
    return order
