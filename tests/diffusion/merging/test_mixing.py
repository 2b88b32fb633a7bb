"""Merged models: their weights are those of plain arithmetic on the tensors of the files."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion.checkpoint import Parts, read_checkpoint, read_text_encoders, read_unet
from diffusion.header import WeightFileError
from diffusion.loading import load
from diffusion.lora.adding import with_lora
from diffusion.memory import Weights
from diffusion.merging.applying import networks
from diffusion.merging.mixing import (
    added,
    combined,
    mixed,
    mixed_by_blocks,
    subtracted,
    with_scaled_attention,
)
from diffusion.merging.patch import AttentionScale, Share
from diffusion.original_layout import UNET_PREFIX, unet_names
from diffusion.tensors import Residence
from diffusion.values import Model, TextEncoder
from tests.diffusion.lora.made import LAYERS, answer, answer_of, off, plain_lora, saved
from tests.diffusion.tiny import tiny_text_encoder, tiny_unet, write_tiny_checkpoint
from tests.diffusion.tiny_families import tiny_sd2, tiny_sdxl

NAMES = unet_names(list(tiny_unet().state_dict()), 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("merging")


@pytest.fixture(scope="module")
def first(folder) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(folder / "one.safetensors", 0), "one")


@pytest.fixture(scope="module")
def second(folder) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(folder / "two.safetensors", 100), "two")


def weights_of(recipe: Model | TextEncoder) -> Mapping[str, Tensor]:
    """The weights of a recipe's only network, by the module's names."""
    (network,) = networks(recipe)
    return load(network, Residence(torch.device("cpu"), torch.float32)).state_dict()


def files(*seeds: int) -> list[Mapping[str, Tensor]]:
    return [tiny_unet(seed).state_dict() for seed in seeds]


def check(recipe: Model, formula: Callable[[str, Tensor, Tensor], Tensor]) -> None:
    """formula: the original name, and the tensors of both files."""
    one, two = files(0, 100)
    found = weights_of(recipe)
    assert found.keys() == one.keys()
    for name, weight in found.items():
        original = NAMES[name].removeprefix(UNET_PREFIX)
        assert torch.equal(weight, formula(original, one[name], two[name])), name


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
def test_a_simple_merge_lies_between_both(first, second, ratio):
    check(mixed(first.model, second.model, ratio), lambda name, one, two: ratio * one + (1 - ratio) * two)


def test_sums_and_differences(first, second):
    check(added(first.model, second.model), lambda name, one, two: one + two)
    check(subtracted(first.model, second.model, -0.7), lambda name, one, two: -0.7 * one + 0.7 * two)


def test_a_difference_is_laid_on_another_model(first, second):
    """(1 + (2 − 1)) = 2: recipes of recipes."""
    model = added(first.model, subtracted(second.model, first.model, 1.0))
    check(model, lambda name, one, two: one + (two - one))


def test_each_block_has_its_ratio(first, second):
    ratios = {"input": 0.2, "middle": 0.5, "out": 0.9}

    def formula(name: str, one: Tensor, two: Tensor) -> Tensor:
        ratio = 0.2 if name.startswith(("input", "time")) else 0.5 if name.startswith("middle") else 0.9
        return ratio * one + (1 - ratio) * two

    check(mixed_by_blocks(first.model, second.model, ratios), formula)


def test_the_longest_name_counts(first, second):
    ratios = {"time_embed.": 0.1, "input_blocks.1.": 1.0, "input_blocks.1.1.proj_in": 0.4, "out.": 0.0}

    def formula(name: str, one: Tensor, two: Tensor) -> Tensor:
        if name.startswith("input_blocks.1."):
            return 0.4 * one + 0.6 * two if "proj_in" in name else one
        return two if name.startswith("out.") else 0.1 * one + 0.9 * two

    check(mixed_by_blocks(first.model, second.model, ratios), formula)


def test_what_no_share_names_stays(first, second):
    model = combined(first.model, second.model, (Share("middle_block.", 0.0, 1.0),))
    check(model, lambda name, one, two: two if name.startswith("middle_block.") else one)


def test_lora_inside_and_over_a_merge(first, second, tmp_path: Path):
    """(1 with a) · 0.5 + (2 with b) · 0.5, with c over it."""
    unet = tiny_unet()
    loras = [plain_lora(unet, LAYERS[at:], seed=100 * at) for at in range(3)]
    stored = [saved(tmp_path / f"{at}.safetensors", tensors) for at, (tensors, _) in enumerate(loras)]
    strengths = (0.8, -0.4, 1.5)
    one = with_lora(stored[0], first.model, None, strengths[0]).model
    two = with_lora(stored[1], second.model, None, strengths[1]).model
    assert one is not None
    assert two is not None
    model = with_lora(stored[2], mixed(one, two, 0.5), None, strengths[2]).model
    assert model is not None
    weights = Weights("cpu", "fp32")
    found, wanted = answer(weights, model), tiny_unet()
    tensors = dict(wanted.named_parameters())
    others = tiny_unet(100).state_dict()
    for name, tensor in tensors.items():
        changes = [change.get(name.removesuffix(".weight"), torch.zeros(())) for _, change in loras]
        sides = [tensor + strengths[0] * changes[0], others[name] + strengths[1] * changes[1]]
        tensor.data = 0.5 * sides[0] + 0.5 * sides[1] + strengths[2] * changes[2]
    assert off(found, answer_of(wanted)) <= 1e-5
    (held,) = weights._held.values()
    assert [names for names in held.variants if names] == [(("2.safetensors", 1.5),)]  # the last lies beside


def test_what_is_worked_in_is_not_shared_with_the_model_alone(first, second, tmp_path: Path):
    weights = Weights("cpu", "fp32")
    plain, model = answer(weights, first.model), mixed(first.model, second.model, 0.5)
    assert not torch.equal(answer(weights, model), plain)
    assert torch.equal(answer(weights, first.model), plain)
    assert weights.loads == 2
    copied = Path(shutil.copy(second.model.file.path, tmp_path / "copied.safetensors"))
    answer(weights, mixed(first.model, read_checkpoint(copied, "two").model, 0.5))
    assert weights.loads == 2  # the same content elsewhere


def test_text_encoders_merge_alike(first, second):
    one, two = (weights_of(parts.text_encoder) for parts in (first, second))
    for recipe, keep, take in [
        (mixed(first.text_encoder, second.text_encoder, 0.25), 0.25, 0.75),
        (added(first.text_encoder, second.text_encoder), 1, 1),
        (subtracted(first.text_encoder, second.text_encoder, 2.0), 2.0, -2.0),
    ]:
        found = weights_of(recipe)
        assert all(torch.equal(found[name], keep * one[name] + take * two[name]) for name in one)


def test_both_text_encoders_of_sdxl(folder):
    parts = read_checkpoint(tiny_sdxl().write(folder / "xl.safetensors"), "xl")
    doubled = added(parts.text_encoder, parts.text_encoder)
    for one, two in zip(parts.text_encoder.encoders, doubled.encoders, strict=True):
        before, after = weights_of(one), weights_of(two)
        assert all(torch.equal(after[name], 2 * before[name]) for name in before)


def test_attention_is_scaled(first, tmp_path: Path):
    lora = saved(tmp_path / "a.safetensors", plain_lora(tiny_unet(), LAYERS)[0])
    patched = with_lora(lora, first.model, None, 0.5).model
    assert patched is not None
    before = weights_of(patched)
    after = weights_of(with_scaled_attention(patched, AttentionScale("cross", 0.5, 2.0, 3.0, 0.25)))
    factors = {"attn2.to_q.": 0.5, "attn2.to_k.": 2.0, "attn2.to_v.": 3.0, "attn2.to_out.": 0.25}
    for name, weight in after.items():
        factor = next((factor for layer, factor in factors.items() if layer in name), 1.0)
        assert torch.equal(weight, factor * before[name]), name
    assert sum(any(layer in name for layer in factors) for name in after) == 4 * 5  # a bias of `to_out` each
    assert with_scaled_attention(first.model, AttentionScale("self", 1, 1, 1, 1)) is first.model


def test_attention_of_a_text_encoder_is_scaled(first):
    recipe = with_scaled_attention(first.text_encoder, AttentionScale("self", 2.0, 3.0, 4.0, 5.0))
    before, after = weights_of(first.text_encoder), weights_of(recipe)
    factors = {"q_proj.": 2.0, "k_proj.": 3.0, "v_proj.": 4.0, "out_proj.": 5.0}
    for name, weight in after.items():
        factor = next((factor for layer, factor in factors.items() if layer in name), 1.0)
        assert torch.equal(weight, factor * before[name]), name


def test_a_model_that_is_shown_a_picture_keeps_its_further_channels(first, second, folder):
    """The way a model for inpainting gets the style of another: + (style − plain)."""
    path = write_tiny_checkpoint(folder / "inpaint.safetensors", in_channels=9)
    model = read_checkpoint(path, "inpaint").model
    found = weights_of(added(model, subtracted(second.model, first.model, 1.0)))
    own, (one, two) = tiny_unet(in_channels=9).state_dict(), files(0, 100)
    assert torch.equal(found["conv_in.weight"][:, 4:], own["conv_in.weight"][:, 4:])
    change = two["conv_in.weight"] - one["conv_in.weight"]
    assert torch.equal(found["conv_in.weight"][:, :4], own["conv_in.weight"][:, :4] + change)
    assert torch.equal(found["conv_out.bias"], own["conv_out.bias"] + (two["conv_out.bias"] - one["conv_out.bias"]))
    message = r"'one.safetensors' and 'inpaint.safetensors' differ in size: 'conv_in.weight' is \[32, 4, 3, 3\] in the "
    with pytest.raises(WeightFileError, match=message + r".* Connect the one that takes more channels as the first\."):
        mixed(first.model, model, 0.5)


def test_other_families_and_sizes_are_sentences(first, folder):
    other = read_checkpoint(tiny_sd2().write(folder / "v2.safetensors"), "v2")
    message = (
        "'one.safetensors' is of the family Stable Diffusion 1, 'v2.safetensors' is of the family Stable Diffusion 2"
    )
    with pytest.raises(WeightFileError, match=message + r".* Merge models of one family\."):
        mixed(first.model, other.model, 0.5)
    with pytest.raises(WeightFileError, match=r"Merge text encoders of one family\."):
        mixed(first.text_encoder, other.text_encoder, 0.5)
    tensors = {
        name: tensor.repeat_interleave(2, 1) if "attn2.to_k" in name or "attn2.to_v" in name else tensor
        for name, tensor in tiny_unet().state_dict().items()
    }
    save_file(tensors, folder / "wide.safetensors")
    with pytest.raises(
        WeightFileError,
        match=r"'one.safetensors' and 'wide.safetensors' differ in size: '.*attn2_to_."
        r".weight' is \[32, 64\] in the first and \[32, 128\] in the second. Merge models of the same",
    ):
        mixed(first.model, read_unet(folder / "wide.safetensors", "wide"), 0.5)
    save_file(tiny_text_encoder(layers=2).state_dict(), folder / "short.safetensors")
    short = read_text_encoders([(folder / "short.safetensors", "short")])
    with pytest.raises(
        WeightFileError,
        match=r"have other layers in their text encoder: 16, such as 'encoder_layers_2"
        r".*', are in 'one.safetensors' alone. Merge models of the same structure.",
    ):
        mixed(first.text_encoder, short, 0.5)
