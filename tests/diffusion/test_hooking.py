"""Hooks over recipes: text encoders under them against those under LoRA, and sentences where they do not fit."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.header import WeightFileError
from diffusion.hooking import encoders_of, hooks_of, laid, lora_hook, model_hook, require_hooks
from diffusion.hooks import Difference, Hook, HookKeyframes, Keyframe, TextHooks
from diffusion.lora.patch import LoraPatch
from diffusion.memory import Weights
from diffusion.merging.patch import MergePatch, Share
from diffusion.text.encoding import encode
from diffusion.values import Conditioning, ConditioningEntry, TextEncoder, WeightFile
from tests.diffusion.lora.made import LINEAR, TEXT_LORA, noise, plain_lora, saved
from tests.diffusion.tiny import tiny_text_encoder, tiny_unet, write_tiny_checkpoint

WEIGHTS = Weights("cpu", "fp32")


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x")


@pytest.fixture
def ink(tmp_path: Path) -> WeightFile:
    """For both networks."""
    return saved(tmp_path / "ink.safetensors", plain_lora(tiny_unet(), (LINEAR,))[0] | TEXT_LORA)


@pytest.fixture
def picture_only(tmp_path: Path) -> WeightFile:
    return saved(tmp_path / "unet.safetensors", plain_lora(tiny_unet(), (LINEAR,))[0])


def nowhere(name: str) -> Path:
    raise FileNotFoundError(name)


def encoded(clip: TextEncoder) -> tuple[ConditioningEntry, ...]:
    return encode("a red (apple:1.3)", clip, WEIGHTS, nowhere).entries


def under(clip: TextEncoder, file: WeightFile, strength: float) -> tuple[torch.Tensor, ...]:
    (entry,) = encoded(replace(clip, patches=(LoraPatch(file, strength),)))
    assert entry.pooled is not None
    return entry.tokens, entry.pooled


def same(entry: ConditioningEntry, wanted: tuple[torch.Tensor, ...]) -> bool:
    assert entry.pooled is not None
    return torch.equal(entry.tokens, wanted[0]) and torch.equal(entry.pooled, wanted[1])


def schedule(*keyframes: tuple[float, float]) -> HookKeyframes:
    return HookKeyframes().with_more([Keyframe(*each) for each in keyframes])


def test_a_text_encoder_under_hooks_is_one_under_lora(parts, ink):
    hook = lora_hook(ink, 1.0, 0.6)
    (entry,) = encoded(replace(parts.text_encoder, hooks=TextHooks((hook,))))
    assert same(entry, under(parts.text_encoder, ink, 0.6))
    assert not same(entry, under(parts.text_encoder, ink, 1.0))
    assert (entry.start, entry.end, entry.hooks) == (0.0, 1.0, (hook,))


def test_hooks_are_carried_only_where_they_shall_be(parts, ink):
    hooks = TextHooks((lora_hook(ink, 1.0, 0.6),), carried=False)
    (entry,) = encoded(replace(parts.text_encoder, hooks=hooks))
    assert entry.hooks == ()
    assert same(entry, under(parts.text_encoder, ink, 0.6))


def test_a_prompt_is_encoded_for_each_part_of_a_schedule(parts, ink):
    hook = replace(lora_hook(ink, 1.0, 0.6), schedule=schedule((0.0, 0.0), (0.25, 0.5), (0.75, 2.0)))
    clip = replace(parts.text_encoder, hooks=TextHooks((hook,), scheduled=True))
    entries = encoded(clip)
    assert [(entry.start, entry.end) for entry in entries] == [(0.0, 0.25), (0.25, 0.75), (0.75, 1.0)]
    for entry, strength in zip(entries, (0.0, 0.3, 1.2), strict=True):
        assert same(entry, under(parts.text_encoder, ink, strength))
        assert entry.hooks == (hook,)


def test_without_following_the_schedule_it_is_encoded_as_that_begins(parts, ink):
    hook = replace(lora_hook(ink, 1.0, 0.6), schedule=schedule((0.0, 0.5), (0.5, 1.0)))
    (entry,) = encoded(replace(parts.text_encoder, hooks=TextHooks((hook,))))
    assert same(entry, under(parts.text_encoder, ink, 0.3))


def test_an_encoder_without_hooks_is_itself(parts):
    assert [encoder for encoder, _ in encoders_of(parts.text_encoder)] == [parts.text_encoder]


def test_strengths_of_zero_leave_a_network_as_it_is(ink):
    assert lora_hook(ink, 0.0, 0.5) == Hook(None, LoraPatch(ink, 0.5))
    assert lora_hook(ink, 0.5, 0.0) == Hook(LoraPatch(ink, 0.5), None)


def test_a_file_that_is_no_lora_is_told_when_the_hook_is_made(parts):
    with pytest.raises(WeightFileError, match=r"'tiny.safetensors' is no LoRA: it looks like"):
        lora_hook(parts.model.file, 1.0, 1.0)


def test_a_file_about_one_network_is_no_error_for_the_other(parts, picture_only, tmp_path: Path):
    text_only = saved(tmp_path / "text.safetensors", TEXT_LORA)
    require_hooks((lora_hook(picture_only, 1.0, 1.0), lora_hook(text_only, 1.0, 1.0)), parts.model)
    require_hooks((lora_hook(picture_only, 1.0, 1.0), lora_hook(text_only, 1.0, 1.0)), parts.text_encoder)
    (entry,) = encoded(replace(parts.text_encoder, hooks=TextHooks((lora_hook(picture_only, 1.0, 1.0),))))
    assert torch.equal(entry.tokens, encoded(parts.text_encoder)[0].tokens)


def test_a_hook_for_one_network_alone_must_fit_it(parts, picture_only, tmp_path: Path):
    text_only = saved(tmp_path / "text.safetensors", TEXT_LORA)
    with pytest.raises(WeightFileError, match="fits no tensor of the U-Net of 'tiny.safetensors'"):
        require_hooks((lora_hook(text_only, 1.0, 0.0),), parts.model)
    with pytest.raises(WeightFileError, match="fits no tensor of the text encoder of 'tiny.safetensors'"):
        require_hooks((lora_hook(picture_only, 0.0, 1.0),), parts.text_encoder)


def test_a_hook_of_another_family_names_both_sides(parts, tmp_path: Path):
    wide = {"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": noise(4, 768)}
    wide["lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight"] = noise(3072, 4)
    hook = lora_hook(saved(tmp_path / "large.safetensors", wide), 1.0, 1.0)
    with pytest.raises(WeightFileError, match=r"'large.safetensors' fits no tensor of the text encoder of 'tiny"):
        encoded(replace(parts.text_encoder, hooks=TextHooks((hook,))))


def test_hooks_of_conditionings_come_once(ink, picture_only):
    first, second = lora_hook(ink, 1.0, 1.0), lora_hook(picture_only, 1.0, 1.0)
    tokens = torch.zeros(1, 2, 3)
    given = [Conditioning((ConditioningEntry(tokens, hooks=hooks),)) for hooks in ((), (first, second), (second,))]
    assert hooks_of(given) == (first, second)


def test_another_models_text_encoder_half_way(parts, tmp_path: Path):
    hook = model_hook(write_tiny_checkpoint(tmp_path / "other.safetensors", seed=5), "y", 1.0, 0.5)
    (entry,) = encoded(replace(parts.text_encoder, hooks=TextHooks((hook,))))
    encoder, other = tiny_text_encoder(), dict(tiny_text_encoder(5).named_parameters())
    for name, weight in encoder.named_parameters():
        weight.data = weight + 0.5 * (other[name] - weight)
    ids = torch.tensor([[49406, 736, *[49407] * 75]])
    (plain,) = encode("red", replace(parts.text_encoder, hooks=TextHooks((hook,))), WEIGHTS, nowhere).entries
    torch.testing.assert_close(plain.tokens, encoder(ids).last_hidden_state, rtol=1e-4, atol=1e-4)
    assert not torch.equal(entry.tokens, encoded(parts.text_encoder)[0].tokens)


def test_a_strength_of_zero_reads_no_other_model(tmp_path: Path):
    path = write_tiny_checkpoint(tmp_path / "other.safetensors", seed=5)
    assert model_hook(path, "y", 0.0, 0.0) == Hook(None, None)
    hook = model_hook(path, "y", 0.0, 0.5)
    assert hook.model is None
    assert hook.text is not None


def test_differences_come_before_lora_and_do_not_weaken_each_other(parts, ink):
    lora, merge = LoraPatch(ink, 0.5), MergePatch(parts.model, (Share("", 0.5, 0.5),))
    one, two = Difference(parts.model, 0.25), Difference(parts.model, 0.5)
    found = laid((merge, lora), (LoraPatch(ink, 1.0), one, two))
    middle = [MergePatch(parts.model, (Share("", *shares),)) for shares in ((0.25, 0.25), (1.0, 0.5))]
    assert found == (merge, *middle, lora, LoraPatch(ink, 1.0))
