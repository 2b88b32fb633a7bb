"""A LoRA that is extracted from the difference of two models, laid over the one, gives the other."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.loading import load
from diffusion.lora.adding import with_lora
from diffusion.lora.extract import extracted, factors
from diffusion.merging.applying import networks
from diffusion.merging.mixing import subtracted
from diffusion.tensors import Residence
from diffusion.values import Model, TextEncoder, WeightFile
from tests.diffusion.tiny import tiny_unet, write_tiny_checkpoint
from tests.diffusion.tiny_families import tiny_sdxl

ALL = 4096


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> tuple[Parts, Parts]:
    folder = tmp_path_factory.mktemp("pair")
    paths = (write_tiny_checkpoint(folder / f"{seed}.safetensors", seed) for seed in (0, 100))
    one, two = (read_checkpoint(path, path.name) for path in paths)
    return one, two


def write(path: Path, *given, **options) -> WeightFile:
    draft = extracted(*given, **options)
    with path.open("wb") as file:
        list(draft.write(file, path.stem, {}))
    return WeightFile(str(path), path.name)


def weights_of(recipe: Model | TextEncoder) -> dict[str, Tensor]:
    (network,) = networks(recipe)
    return load(network, Residence(torch.device("cpu"), torch.float32)).state_dict()


def apart(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    return max(float((one[name] - other[name]).abs().max() / other[name].abs().max()) for name in other)


def test_of_full_rank_it_gives_the_other_model(pair, tmp_path: Path):
    one, two = pair
    difference = subtracted(two.model, one.model, 1.0), subtracted(two.text_encoder, one.text_encoder, 1.0)
    file = write(tmp_path / "a.safetensors", *difference, ALL)
    model, text = with_lora(file, one.model, one.text_encoder)
    assert model is not None
    assert text is not None
    assert apart(weights_of(model), weights_of(two.model)) <= 1e-5
    assert apart(weights_of(text), weights_of(two.text_encoder)) <= 1e-5


def test_of_low_rank_it_is_the_cut_off_decomposition(pair, tmp_path: Path):
    one, two = pair
    file = write(tmp_path / "a.safetensors", subtracted(two.model, one.model, 1.0), None, 3)
    before, after = tiny_unet(0).state_dict(), tiny_unet(100).state_dict()
    model = with_lora(file, one.model, None).model
    assert model is not None
    found = weights_of(model)
    for name in (
        "mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight",
        "down_blocks.0.resnets.0.conv1.weight",
    ):
        change = (after[name] - before[name]).flatten(1)
        u, s, v = torch.linalg.svd(change, full_matrices=False)
        wanted = before[name] + (u[:, :3] @ torch.diag(s[:3]) @ v[:3]).reshape(before[name].shape)
        assert torch.allclose(found[name], wanted, atol=1e-5)
        assert not torch.allclose(found[name], after[name], atol=1e-2)
    norm = "down_blocks.0.resnets.0.norm1.weight"
    assert torch.allclose(found[norm], after[norm], atol=1e-6)


def test_every_difference_as_it_is(pair, tmp_path: Path):
    one, two = pair
    file = write(tmp_path / "a.safetensors", subtracted(two.model, one.model, 1.0), None, 3, form="full_diff")
    model = with_lora(file, one.model, None).model
    assert model is not None
    assert apart(weights_of(model), weights_of(two.model)) <= 1e-6


def test_biases_can_be_left_out_and_zeros_are(pair, tmp_path: Path):
    one, two = pair
    write(tmp_path / "a.safetensors", subtracted(two.model, one.model, 1.0), None, 3, biases=False)
    names = load_file(tmp_path / "a.safetensors")
    assert {name.partition(".")[2] for name in names} == {"alpha", "lora_down.weight", "lora_up.weight"}
    with pytest.raises(ValueError, match=r"There is no difference to extract a LoRA from\. Connect what"):
        extracted(subtracted(one.model, one.model, 1.0), None, 3)


def test_both_text_encoders_have_their_names(tmp_path: Path):
    parts = read_checkpoint(tiny_sdxl().write(tmp_path / "xl.safetensors"), "xl")
    doubled = subtracted(parts.text_encoder, subtracted(parts.text_encoder, parts.text_encoder, 1.0), 1.0)
    write(tmp_path / "a.safetensors", None, doubled, 2)
    names = list(load_file(tmp_path / "a.safetensors"))
    assert {name.partition("_text_")[0] for name in names} == {"lora_te1", "lora_te2"}
    assert "lora_te2_text_projection.lora_up.weight" in names
    assert "lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_up.weight" in names


def test_a_whole_model_is_no_difference(pair):
    with pytest.raises(
        ValueError, match=r"is a whole model, not a difference of two\. Subtract the one .*ModelMergeSubt"
    ):
        extracted(pair[0].model, None, 8)
    with pytest.raises(
        ValueError, match=r"is a whole CLIP, not a difference of two\. Subtract the one .*CLIPMergeSubtr"
    ):
        extracted(None, pair[0].text_encoder, 8)


def test_factors_of_a_convolution_have_its_kernel():
    change = torch.randn(6, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    down, up = factors(change, 6)
    assert (down.shape, up.shape) == ((6, 4, 3, 3), (6, 6, 1, 1))
    assert torch.allclose(torch.einsum("or,rihw->oihw", up[:, :, 0, 0], down), change, atol=1e-5)
