"""Sampling under hooks, against whole runs under LoRA, diffusers' U-Net with weights merged by hand, and counts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.conditioning import as_default, carrying, combine, restrict_to_mask
from diffusion.controlling import controlled
from diffusion.equipment import equipped
from diffusion.families.controlnet import read_control_net
from diffusion.guidance import guided
from diffusion.header import WeightFileError
from diffusion.hooking import model_hook
from diffusion.hooks import Hook, HookKeyframes, Hooks, Keyframe, spread
from diffusion.latents import empty
from diffusion.lora.patch import LoraPatch
from diffusion.lora.stack import Stack
from diffusion.memory import Weights
from diffusion.network import Network
from diffusion.prediction import EpsPrediction, discrete_sigmas
from diffusion.sampling import SamplingProgress, sample
from diffusion.values import Conditioning, ConditioningEntry, Control, Latent, Model, WeightFile
from tests.diffusion.lora.made import CONTEXT, FEED, LINEAR, TEXT_LORA, changed_unet, noise, plain_lora, saved
from tests.diffusion.tiny import TEXT_WIDTH, tiny_unet, write_tiny_checkpoint
from tests.diffusion.tiny_control import tiny_control, write_original

SHAPE = (2, 4, 8, 8)
SIGMA = torch.tensor(3.0)
FIRST, SECOND = (LINEAR, FEED), (CONTEXT,)
"""Layers that the two LoRAs of these tests change."""


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x")


@pytest.fixture
def weights() -> Weights:
    return Weights("cpu", "fp32")


@pytest.fixture
def ink(tmp_path: Path) -> WeightFile:
    return saved(tmp_path / "ink.safetensors", plain_lora(tiny_unet(), FIRST)[0])


@pytest.fixture
def oil(tmp_path: Path) -> WeightFile:
    return saved(tmp_path / "oil.safetensors", plain_lora(tiny_unet(), SECOND, seed=40)[0])


def prompt(seed: int, *hooks: Hook, **entry: Any) -> Conditioning:
    given = Conditioning((ConditioningEntry(torch.randn(1, 77, TEXT_WIDTH, generator=seeded(seed)), **entry),))
    return carrying(given, Hooks(hooks))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def hook(file: WeightFile, strength: float = 1.0, *keyframes: tuple[float, float]) -> Hook:
    schedule = HookKeyframes().with_more([Keyframe(*each) for each in keyframes])
    return Hook(LoraPatch(file, strength), None, schedule)


def under(model: Model, file: WeightFile, strength: float) -> Model:
    return replace(model, patches=(*model.patches, LoraPatch(file, strength)))


def run(model: Model, weights: Weights, positive: Conditioning, negative: Conditioning, **options: Any):
    usual = {"seed": 7, "steps": 6, "cfg": 3.0, "sampler": "euler", "scheduler": "normal"}
    return sample(model, positive, negative, empty(64, 64), weights=weights, **usual | options)


def walked(steps) -> tuple[list[SamplingProgress], Latent]:
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            return seen, stop.value


def finished(*given: Any, **options: Any) -> Tensor:
    return walked(run(*given, **options))[1].samples


def test_a_hook_everywhere_is_the_lora_on_the_model(parts, weights, ink):
    hooked = finished(parts.model, weights, prompt(1, hook(ink, 0.7)), prompt(2, hook(ink, 0.7)))
    assert torch.equal(hooked, finished(under(parts.model, ink, 0.7), weights, prompt(1), prompt(2)))
    assert not torch.equal(hooked, finished(parts.model, weights, prompt(1), prompt(2)))


def test_hooks_come_behind_the_models_own_patches(parts, weights, ink, oil):
    model = under(parts.model, oil, 0.5)
    hooked = finished(model, weights, prompt(1, hook(ink)), prompt(2, hook(ink)))
    assert torch.equal(hooked, finished(under(model, ink, 1.0), weights, prompt(1), prompt(2)))


def test_a_schedule_is_two_runs_one_without_and_one_with_the_lora(parts, weights, ink):
    """Steps 0 to 2 of 6 lie before half of the way, steps 3 to 5 behind it."""
    late = hook(ink, 0.8, (0.0, 0.0), (0.5, 1.0))
    whole = finished(parts.model, weights, prompt(1, late), prompt(2, late))
    half = walked(run(parts.model, weights, prompt(1), prompt(2), end_step=3, leftover_noise=True))[1]
    rest = sample(
        under(parts.model, ink, 0.8),
        prompt(1),
        prompt(2),
        half,
        weights=weights,
        seed=7,
        steps=6,
        cfg=3.0,
        sampler="euler",
        scheduler="normal",
        add_noise=False,
        start_step=3,
    )
    torch.testing.assert_close(whole, walked(rest)[1].samples, rtol=1e-5, atol=1e-5)


def denoised(changes: Mapping[str, Tensor], x: Tensor, seed: int) -> Tensor:
    """x − sigma · U-Net(x / sqrt(1 + sigma²)), the U-Net with changes merged into its weights."""
    timestep = EpsPrediction(discrete_sigmas()).timestep(SIGMA)
    tokens = prompt(seed).entries[0].tokens.expand(len(x), -1, -1)
    with torch.no_grad():
        return x - SIGMA * changed_unet(changes)(x / (1 + SIGMA**2) ** 0.5, timestep, tokens).sample


def changes(layers: Sequence[str], seed: int, strength: float) -> dict[str, Tensor]:
    return {layer: strength * change for layer, change in plain_lora(tiny_unet(), tuple(layers), seed=seed)[1].items()}


def asked(model: Model, weights: Weights, positive: Conditioning, negative: Conditioning, x: Tensor) -> Tensor:
    """The guided answer to x at SIGMA, with a scale of 3."""
    with equipped(model, (positive, negative), weights) as network, torch.no_grad():
        return guided(network, positive, negative, 3.0, x.shape)(x, SIGMA)


def test_each_region_has_its_own_lora(parts, weights, ink, oil):
    """Where masks overlap, the answers of both networks are averaged by weight."""
    x, masks = 3 * noise(*SHAPE, scale=1.0), torch.zeros(2, 1, 8, 8)
    masks[0, :, :, :5], masks[1, :, :, 3:] = 1.0, 0.5
    left = restrict_to_mask(prompt(1, hook(ink, 0.7)), masks[0], 1.0)
    right = restrict_to_mask(prompt(2, hook(oil, -1.5)), masks[1], 1.0)
    found = asked(parts.model, weights, combine(left, right), prompt(3), x)
    answers = denoised(changes(FIRST, 0, 0.7), x, 1), denoised(changes(SECOND, 40, -1.5), x, 2)
    wanted = sum(mask * answer for mask, answer in zip(masks, answers, strict=True)) / sum(masks)
    unwanted = denoised({}, x, 3)
    torch.testing.assert_close(found, unwanted + 3.0 * (wanted - unwanted), rtol=1e-5, atol=1e-4)


def test_a_default_prompt_has_a_lora_of_its_own_where_the_others_leave_room(parts, weights, ink, oil):
    x, mask = 3 * noise(*SHAPE, scale=1.0), torch.zeros(1, 8, 8)
    mask[:, :, :4], mask[:, :, 4:6] = 1.0, 0.25
    given = restrict_to_mask(prompt(1, hook(ink, 0.7)), mask, 1.0)
    found = asked(parts.model, weights, combine(given, as_default(prompt(2, hook(oil, -1.5)))), prompt(3), x)
    first, second = denoised(changes(FIRST, 0, 0.7), x, 1), denoised(changes(SECOND, 40, -1.5), x, 2)
    unwanted, wanted = denoised({}, x, 3), mask * first + (1 - mask) * second
    torch.testing.assert_close(found, unwanted + 3.0 * (wanted - unwanted), rtol=1e-5, atol=1e-4)


def test_hooks_of_one_entry_add_up(parts, weights, ink, oil):
    x, both = 3 * noise(*SHAPE, scale=1.0), (hook(ink, 0.7), hook(oil, -1.5))
    found = asked(parts.model, weights, prompt(1, *both), prompt(2, *both), x)
    merged = changes(FIRST, 0, 0.7) | changes(SECOND, 40, -1.5)
    wanted, unwanted = denoised(merged, x, 1), denoised(merged, x, 2)
    torch.testing.assert_close(found, unwanted + 3.0 * (wanted - unwanted), rtol=1e-5, atol=1e-4)


def test_entries_under_the_same_patches_share_a_call(parts, weights, ink, oil, monkeypatch):
    """Without LoRA at high noise: one hook has not begun. At low noise: both are the same."""
    rows: list[int] = []

    def counted(network: Network, x: Tensor, *given: Any) -> Tensor:
        rows.append(len(x))
        return call(network, x, *given)

    call = Network.__call__
    monkeypatch.setattr(Network, "__call__", counted)
    late, always = hook(ink, 1.0, (0.0, 0.0), (0.5, 1.0)), hook(ink, 1.0)
    positive = combine(combine(prompt(1, late), prompt(2, always)), prompt(3, hook(oil)))
    with equipped(parts.model, (positive, prompt(4)), weights) as network, torch.no_grad():
        denoise = guided(network, positive, prompt(4), 3.0, SHAPE)
        denoise(noise(*SHAPE), torch.tensor(10.0))
        denoise(noise(*SHAPE), torch.tensor(0.1))
    assert rows == [2 * 2, 2, 2, 2 * 2, 2, 2]  # late and negative, always, oil; late and always, oil, negative


def test_strengths_that_change_each_step_do_not_pile_up(parts, weights, ink, monkeypatch):
    """20 strengths: each makes one network, once, and the one before it goes."""
    made = count(monkeypatch, Stack, "under")
    fading = Hook(LoraPatch(ink, 1.0), None, HookKeyframes(spread([1 - step / 40 for step in range(20)], 0.0, 0.95)))
    most = 0
    for _ in run(parts.model, weights, prompt(1, fading), prompt(2, fading), steps=20):
        (held,) = weights._held.values()
        most = max(most, len(held.variants))
    assert most == 2  # the model itself, and that under the strength of now
    assert len(made) == 20


def test_two_strengths_of_one_lora_are_made_once(parts, weights, ink, monkeypatch):
    made = count(monkeypatch, Stack, "under")
    finished(parts.model, weights, prompt(1, hook(ink, 1.0)), prompt(2, hook(ink, 0.5)))
    assert len(made) == 2


def count(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[None]:
    """Grows by an item each time a method is called."""
    calls, method = [], getattr(owner, name)

    def counted(*given: Any) -> Any:
        calls.append(None)
        return method(*given)

    monkeypatch.setattr(owner, name, counted)
    return calls


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m_sde"])
def test_a_run_resumed_after_any_step_ends_with_the_same_bits(parts, ink, oil, sampler: str):
    """What hooks do follows from the noise level: a saved state says nothing about them."""
    hooks = hook(ink, 0.8, (0.0, 0.0), (0.4, 1.0), (0.7, 0.5)), hook(oil, 1.0, (0.5, 0.0))
    given = parts.model, Weights("cpu", "fp32"), prompt(1, *hooks), prompt(2, hooks[0])
    steps, whole = walked(run(*given, steps=4, sampler=sampler))
    for step in steps:
        fresh = parts.model, Weights("cpu", "fp32"), *given[2:]
        resumed = walked(run(*fresh, steps=4, sampler=sampler, resume=step.state))[1]
        assert torch.equal(resumed.samples, whole.samples)


def test_networks_are_given_back_when_a_run_ends_or_is_closed(parts, weights, ink):
    steps = run(parts.model, weights, prompt(1, hook(ink)), prompt(2))
    next(steps)
    (held,) = weights._held.values()
    assert held.borrowers == 2
    steps.close()
    assert held.borrowers == 0
    finished(parts.model, weights, prompt(1, hook(ink)), prompt(2))
    assert held.borrowers == 0


def test_a_hook_that_fits_nothing_is_told_before_sampling_begins(parts, weights, tmp_path: Path):
    stem = "lora_unet_" + CONTEXT.replace(".", "_")
    wide = {f"{stem}.lora_down.weight": noise(4, 2048), f"{stem}.lora_up.weight": noise(32, 4)}
    for name, tensors, message in (
        ("xl.safetensors", wide, r"'xl.safetensors' looks like a LoRA for Stable Diffusion XL, but 'tiny"),
        ("text.safetensors", TEXT_LORA, r"'text.safetensors' fits no tensor of the U-Net of 'tiny.safetensors'"),
    ):
        with pytest.raises(WeightFileError, match=message):
            next(run(parts.model, weights, prompt(1, hook(saved(tmp_path / name, tensors))), prompt(2)))
    assert weights.loads == 0


def test_a_network_alone_is_not_asked_under_hooks(parts, weights, ink):
    given = prompt(1, hook(ink))
    with weights.lend(parts.model) as network, pytest.raises(ValueError, match="nothing is there to lend networks"):
        guided(network, given, given, 3.0, SHAPE)(noise(*SHAPE), SIGMA)


def test_another_model_as_lora_is_the_way_to_its_weights(tmp_path: Path, parts, weights, ink):
    """W + s · (W' − W) beside the LoRA that the model has, which stays as strong."""
    other = model_hook(write_tiny_checkpoint(tmp_path / "other.safetensors", seed=5), "y", 0.25, 0.0)
    third = model_hook(write_tiny_checkpoint(tmp_path / "third.safetensors", seed=6), "z", -0.5, 0.0)
    x, model = 3 * noise(*SHAPE, scale=1.0), under(parts.model, ink, 0.7)
    found = asked(model, weights, prompt(1, other, third), prompt(2), x)
    lora = changes(FIRST, 0, 0.7)
    own, first, second = (dict(tiny_unet(seed).named_parameters()) for seed in (0, 5, 6))
    moved = {name: 0.25 * (first[name] - own[name]) - 0.5 * (second[name] - own[name]) for name in own}
    for layer, change in lora.items():
        moved[layer + ".weight"] = moved[layer + ".weight"] + change
    wanted, unwanted = denoised(moved, x, 1), denoised(lora, x, 2)
    torch.testing.assert_close(found, unwanted + 3.0 * (wanted - unwanted), rtol=1e-4, atol=1e-3)


def test_a_model_of_other_sizes_as_lora_is_told_before_sampling_begins(tmp_path: Path, parts, weights):
    wide = write_tiny_checkpoint(tmp_path / "wide.safetensors", in_channels=9)
    with pytest.raises(WeightFileError, match=r"'tiny.safetensors' and 'wide.safetensors' differ in size"):
        next(run(parts.model, weights, prompt(1, model_hook(wide, "w", 1.0, 0.0)), prompt(2)))
    assert weights.loads == 0


def test_control_and_hooks_go_together(tmp_path: Path, parts, weights, ink):
    """What steers the model is added under hooks as under LoRA of the whole model."""
    path = write_original(tiny_control(tiny_unet()), tmp_path / "net.safetensors", heads=8)
    control = Control(read_control_net(path, "net"), torch.rand(1, 3, 64, 64, generator=seeded(9)), strength=0.6)
    plain, hooked = (
        [controlled(prompt(seed, *hooks), control) for seed in (1, 2)] for hooks in ((), (hook(ink, 0.7),))
    )
    x = 3 * noise(*SHAPE, scale=1.0)
    found, wanted = (
        asked(model, weights, sides[0], sides[1], x)
        for model, sides in ((parts.model, hooked), (under(parts.model, ink, 0.7), plain))
    )
    assert torch.equal(found, wanted)
    assert not torch.equal(found, asked(parts.model, weights, prompt(1, hook(ink, 0.7)), prompt(2, hook(ink, 0.7)), x))
