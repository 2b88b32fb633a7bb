"""Sampling, against Euler loops written by hand over closed forms and over diffusers' U-Net."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from diffusion.checkpoint import read_checkpoint
from diffusion.latents import empty, from_batch
from diffusion.memory import Weights
from diffusion.model_options import ProjectedGuidance
from diffusion.names import SAMPLERS
from diffusion.prediction import FlowPrediction
from diffusion.sampling import SamplingProgress, fitted, sample
from diffusion.schedules import sigmas_for
from diffusion.values import Area, Conditioning, ConditioningEntry, Latent, LatentSpace, Model
from tests.diffusion.fake_network import MODEL, SPACE, FakeNetwork, FakeWeights, blend, prompt
from tests.diffusion.tiny import TEXT_WIDTH, tiny_unet, write_tiny_checkpoint

EMPTY = empty(64, 48, batch=2)
DEFAULTS = {"seed": 7, "steps": 6, "cfg": 3.0, "sampler": "euler", "scheduler": "normal"}


def run(latent: Latent = EMPTY, *, model: Model = MODEL, weights=None, positive=None, negative=None, **options):
    """A run's generator, with the defaults of these tests."""
    return sample(
        model,
        positive or prompt(0.8),
        negative or prompt(-0.4),
        latent,
        weights=weights or FakeWeights(),
        **{**DEFAULTS, **options},
    )


def finished(latent: Latent = EMPTY, **options) -> Latent:
    """A run's result."""
    return walked(run(latent, **options))[1]


def walked(steps) -> tuple[list[SamplingProgress], Latent]:
    """What a run yields, and its result."""
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            return seen, stop.value


def picture(batch: int = 2, *, seed: int = 3, **fields) -> Latent:
    samples = torch.randn(batch, 4, 6, 8, generator=torch.Generator().manual_seed(seed))
    return Latent(samples, SPACE, **fields)


def noise(shape, seed: int = 7) -> Tensor:
    return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed))


def sd1_table() -> np.ndarray:
    """The noise levels of Stable Diffusion 1, from its betas."""
    kept = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
    return np.sqrt((1 - kept) / kept)


def normal_levels(steps: int) -> list[float]:
    """The schedule `normal`: even in time, log-linear between table values, 0 at the end."""
    return [*np.exp(np.interp(np.linspace(999, 0, steps), np.arange(1000), np.log(sd1_table()))).tolist(), 0.0]


def euler_by_hand(network, x: Tensor, levels: list[float], cfg: float, positive: Tensor, negative: Tensor) -> Tensor:
    """Euler's method for eps prediction with guidance, one prompt at a time; `network(x, timestep, tokens)`."""
    table = np.log(sd1_table())
    for sigma, sigma_next in zip(levels, levels[1:], strict=False):
        timestep = torch.full((len(x),), float(np.abs(table - np.log(sigma)).argmin()))
        scaled = x / (sigma**2 + 1) ** 0.5
        wanted, unwanted = (network(scaled, timestep, tokens.expand(len(x), -1, -1)) for tokens in (positive, negative))
        x = x + (unwanted + cfg * (wanted - unwanted)) * (sigma_next - sigma)
    return x


MOODS = (torch.full((1, 2, 3), 0.8), torch.full((1, 2, 3), -0.4))


def test_text_to_image_is_an_euler_loop() -> None:
    levels = normal_levels(6)
    x = noise((2, 4, 6, 8)) * (1 + levels[0] ** 2) ** 0.5
    expected = euler_by_hand(blend, x, levels, 3.0, *MOODS) / SPACE.scale + SPACE.shift
    result = finished()
    torch.testing.assert_close(result.samples, expected, rtol=1e-5, atol=1e-4)
    assert result.space == SPACE
    assert result.empty_size is None


def test_image_to_image_begins_with_the_noisy_picture_in_model_scale() -> None:
    """3 steps of denoise 0.5: the last 3 of a schedule of 6."""
    latent, levels = picture(), normal_levels(6)[-4:]
    x = (latent.samples - SPACE.shift) * SPACE.scale + levels[0] * noise(latent.samples.shape)
    expected = euler_by_hand(blend, x, levels, 3.0, *MOODS) / SPACE.scale + SPACE.shift
    result = finished(latent, steps=3, denoise=0.5)
    torch.testing.assert_close(result.samples, expected, rtol=1e-5, atol=1e-5)


def test_a_flow_model_begins_between_picture_and_noise() -> None:
    weights, latent = FakeWeights(FakeNetwork(prediction=FlowPrediction(3.0))), picture()
    known = (latent.samples - SPACE.shift) * SPACE.scale
    sigmas = sigmas_for("simple", "euler", weights.network.prediction, 2, denoise=0.5).tolist()
    (first, second), result = walked(run(latent, weights=weights, steps=2, denoise=0.5, cfg=1.0, scheduler="simple"))
    x = sigmas[0] * noise(known.shape) + (1 - sigmas[0]) * known
    torch.testing.assert_close(weights.network.calls[0].x, x)
    out = blend(x, torch.full((2,), 1000 * sigmas[0]), MOODS[0])
    torch.testing.assert_close(first.x, x + (sigmas[1] - sigmas[0]) * out, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(result.samples, second.x / SPACE.scale + SPACE.shift)


def test_progress_counts_steps_and_shows_the_guess() -> None:
    steps, result = walked(run())
    assert [(step.done, step.total) for step in steps] == [(done, 6) for done in range(1, 7)]
    assert all(step.space == SPACE for step in steps)
    torch.testing.assert_close(steps[-1].denoised, steps[-1].x)
    torch.testing.assert_close(result.samples, steps[-1].x / SPACE.scale + SPACE.shift)
    assert not any(step.x.requires_grad for step in steps)


def test_the_negative_conditioning_is_left_out_with_cfg_1() -> None:
    weights = FakeWeights()
    finished(weights=weights, cfg=1.0)
    assert weights.network.rows == [2] * 6
    finished(weights=weights, cfg=1.0, sampler="euler_cfg_pp")
    assert weights.network.rows[6:] == [4] * 6


# Latents that fit, and those that do not.


def test_an_empty_latent_is_made_for_the_models_space() -> None:
    small = LatentSpace("small", channels=9, factor=4, scale=1.0)
    weights = FakeWeights(FakeNetwork(space=small))
    assert finished(empty(52, 64), weights=weights).samples.shape == (1, 9, 16, 13)


def test_an_all_zero_latent_gets_the_models_channels_and_is_not_scaled() -> None:
    zeros = Latent(torch.zeros(2, 16, 6, 8))
    assert torch.equal(finished(zeros).samples, finished().samples)
    here = Latent(torch.zeros(2, 4, 6, 8), SPACE)
    assert torch.equal(finished(here).samples, finished().samples)


def test_latents_that_do_not_fit_are_refused_in_a_sentence() -> None:
    other = LatentSpace("other", channels=4, factor=4, scale=1.0)
    with pytest.raises(ValueError, match="latent space 'other'"):
        fitted(Latent(torch.ones(1, 4, 8, 8), other), SPACE)
    with pytest.raises(ValueError, match="16 channels"):
        fitted(Latent(torch.ones(1, 16, 8, 8)), SPACE)
    with pytest.raises(ValueError, match=r"has the shape \[1, 4, 3, 8, 8\]"):
        fitted(Latent(torch.zeros(1, 4, 3, 8, 8)), SPACE)


def test_a_foreign_latent_with_the_right_channels_is_believed() -> None:
    assert fitted(Latent(torch.ones(1, 4, 8, 8)), SPACE).space == SPACE


def test_odd_sizes() -> None:
    area = Area(height=40, width=40, y=16, x=24)
    result = finished(empty(88, 72), positive=prompt(1.0, area=area, strength=2.0))
    assert result.samples.shape == (1, 4, 9, 11)
    assert result.samples.isfinite().all()


def test_the_result_keeps_mask_and_batch_index() -> None:
    latent = picture(noise_mask=torch.ones(1, 48, 64), batch_index=(3, 5))
    result = finished(latent)
    assert result.noise_mask is latent.noise_mask
    assert result.batch_index == (3, 5)


def test_nothing_given_is_changed() -> None:
    latent = picture(noise_mask=torch.rand(2, 48, 64))
    before = latent.samples.clone()
    finished(latent, sampler="euler_ancestral")
    assert torch.equal(latent.samples, before)


# Parts of a run.


@pytest.mark.parametrize("options", [{"denoise": 0.0}, {"start_step": 6}, {"start_step": 9}, {"end_step": 0}])
def test_without_a_step_to_do_the_latent_comes_back_unchanged(options) -> None:
    latent = picture()
    assert finished(latent, **options) is latent


@pytest.mark.parametrize("prediction", [None, FlowPrediction(3.0)], ids=["eps", "flow"])
def test_two_parts_make_the_whole(prediction) -> None:
    weights = FakeWeights(FakeNetwork(prediction=prediction) if prediction else FakeNetwork())
    whole = finished(weights=weights, steps=20)
    first = finished(weights=weights, steps=20, start_step=0, end_step=10, leftover_noise=True)
    second = finished(first, weights=weights, steps=20, start_step=10, end_step=10000, add_noise=False, seed=99)
    torch.testing.assert_close(second.samples, whole.samples, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(first.samples, whole.samples, rtol=0.1, atol=0.1)


def test_a_part_without_leftover_noise_goes_all_the_way() -> None:
    levels = [*normal_levels(6)[:2], 0.0]
    x = noise((2, 4, 6, 8)) * (1 + levels[0] ** 2) ** 0.5
    expected = euler_by_hand(blend, x, levels, 3.0, *MOODS) / SPACE.scale + SPACE.shift
    torch.testing.assert_close(finished(end_step=2).samples, expected, rtol=1e-5, atol=1e-4)


def test_the_items_of_a_batch_are_those_of_runs_of_their_own() -> None:
    whole = finished(picture(3), sampler="dpmpp_2m", denoise=0.8).samples
    indexed = replace(picture(3), batch_index=(0, 1, 2))
    for item in range(3):
        single = from_batch(indexed, item, 1)
        torch.testing.assert_close(finished(single, sampler="dpmpp_2m", denoise=0.8).samples, whole[item : item + 1])


# Inpainting.


def hard_mask() -> Tensor:
    mask = torch.zeros(1, 48, 64)
    mask[..., 32:] = 1.0
    return mask


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_the_mask_keeps_is_kept_to_the_bit(sampler: str) -> None:
    latent = picture(noise_mask=hard_mask())
    result = finished(latent, sampler=sampler, steps=4)
    assert torch.equal(result.samples[..., :4], latent.samples[..., :4])
    assert not torch.isclose(result.samples[..., 4:], latent.samples[..., 4:], rtol=1e-3).any()


@pytest.mark.parametrize(("sampler", "seed"), [("euler", 7), ("ddim", 8)])
def test_the_kept_part_is_shown_with_noise(sampler: str, seed: int) -> None:
    """With the initial noise; ddim takes that of seed + 1."""
    weights, latent = FakeWeights(), picture(noise_mask=hard_mask())
    finished(latent, weights=weights, sampler=sampler)
    known = (latent.samples - SPACE.shift) * SPACE.scale
    for call, sigma in zip(weights.network.calls, normal_levels(6), strict=False):
        shown = (known + sigma * noise(known.shape, seed)) / (1 + sigma**2) ** 0.5
        torch.testing.assert_close(call.x[:2, ..., :4], shown[..., :4], rtol=1e-4, atol=1e-5)


def test_the_kept_part_of_an_empty_latent_is_the_mean_of_the_models_latents() -> None:
    result = finished(replace(EMPTY, noise_mask=hard_mask())).samples
    torch.testing.assert_close(result[..., :4], torch.full((2, 4, 6, 4), SPACE.shift))


def test_each_item_may_have_a_mask_of_its_own() -> None:
    masks = torch.cat([hard_mask(), 1 - hard_mask()])
    latent = picture(noise_mask=masks)
    result = finished(latent).samples
    assert torch.equal(result[0, ..., :4], latent.samples[0, ..., :4])
    assert torch.equal(result[1, ..., 4:], latent.samples[1, ..., 4:])


def test_leftover_noise_stays_in_the_kept_part_too() -> None:
    latent = picture(noise_mask=hard_mask())
    result = finished(latent, end_step=2, leftover_noise=True).samples
    assert not torch.isclose(result[..., :4], latent.samples[..., :4], atol=1e-3).any()


# Resuming.


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_run_resumed_after_any_step_ends_with_the_same_bits(sampler: str) -> None:
    latent = picture(noise_mask=torch.linspace(0, 1, 64).expand(1, 48, 64))
    options = {"sampler": sampler, "steps": 4, "denoise": 0.7}
    steps, whole = walked(run(latent, **options))
    assert steps
    for step in steps:
        assert torch.equal(finished(latent, resume=step.state, **options).samples, whole.samples)


def test_what_guidance_remembers_is_resumed_too() -> None:
    model = replace(MODEL, options=(ProjectedGuidance(0.5, 3.0, -0.75),))
    steps, whole = walked(run(model=model, steps=4))
    assert not torch.equal(whole.samples, finished(steps=4).samples)
    for step in steps:
        assert torch.equal(finished(model=model, steps=4, resume=step.state).samples, whole.samples)
    forgetful = {name: value for name, value in steps[1].state.items() if not name.startswith("guidance.")}
    assert not torch.equal(finished(model=model, steps=4, resume=forgetful).samples, whole.samples)


def test_a_state_is_flat_and_of_tensors_and_numbers() -> None:
    steps, _ = walked(run(sampler="dpmpp_2m_sde"))
    assert {"index", "x", "denoised"} <= set(steps[2].state)
    assert steps[2].state["index"] == 2
    assert all(isinstance(value, Tensor | float | int) for value in steps[2].state.values())


@pytest.mark.parametrize("state", [{}, {"index": 0, "x": torch.zeros(1), "denoised": torch.zeros(1)}])
def test_the_state_of_another_run_is_refused(state) -> None:
    with pytest.raises(ValueError, match="The saved state does not belong to this run"):
        next(run(resume=state))


# What goes wrong.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": "dpmp_2m"}, "Unknown sampler 'dpmp_2m'. Did you mean 'dpmpp_2m'"),
        ({"scheduler": "kerras"}, "Unknown scheduler 'kerras'. Did you mean 'karras'"),
    ],
)
def test_unknown_names_get_the_nearest_ones(options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        next(run(**options))


def test_tokens_of_another_model_are_refused() -> None:
    foreign = Conditioning((ConditioningEntry(torch.zeros(1, 77, 1024)),))
    with pytest.raises(
        ValueError, match=r"its tokens are 1024 wide \(Stable Diffusion 2\), but 'fake.safetensors' is .* width 3"
    ):
        next(run(negative=foreign))


def test_a_network_that_returns_nan_is_reported_and_given_back() -> None:
    weights = FakeWeights(FakeNetwork(lambda x, timestep, tokens: x * torch.nan))
    with pytest.raises(FloatingPointError, match=r"'fake\.safetensors' returned NaN or infinity at step 1\."):
        next(run(weights=weights))
    assert weights.borrowed == 0


def test_closing_a_run_gives_the_weights_back() -> None:
    weights = FakeWeights()
    steps = run(weights=weights)
    next(steps)
    assert weights.borrowed == 1
    steps.close()
    assert weights.borrowed == 0


# A real network: Stable Diffusion 1's structure, tiny.


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Weights]:
    path = write_tiny_checkpoint(tmp_path_factory.mktemp("models") / "tiny.safetensors")
    return read_checkpoint(path, "tiny").model, Weights("cpu", "fp32")


def encoded(seed: int, chunks: int = 1) -> Conditioning:
    return Conditioning((ConditioningEntry(noise((1, 77 * chunks, TEXT_WIDTH), seed)),))


def test_a_checkpoint_is_sampled_as_by_an_euler_loop_over_diffusers_unet(tiny) -> None:
    """The small twin of benchmarks/final_latent.py."""
    model, weights = tiny
    unet, prompts, levels = tiny_unet(), (encoded(1), encoded(2)), normal_levels(6)

    @torch.no_grad()
    def network(x: Tensor, timestep: Tensor, tokens: Tensor) -> Tensor:
        return unet(x, timestep, tokens).sample

    x = noise((2, 4, 9, 11)) * (1 + levels[0] ** 2) ** 0.5
    expected = euler_by_hand(network, x, levels, 7.0, *(each.entries[0].tokens for each in prompts)) / 0.18215
    result = finished(
        empty(88, 72, batch=2), model=model, weights=weights, positive=prompts[0], negative=prompts[1], steps=6, cfg=7.0
    )
    assert (result.samples - expected).norm() <= 1e-5 * expected.norm()


def test_longer_prompts_share_a_call_without_changing_the_picture(tiny) -> None:
    model, weights = tiny
    options = {"model": model, "weights": weights, "positive": encoded(1, chunks=2), "steps": 2}
    once, twice = encoded(2), Conditioning((ConditioningEntry(encoded(2).entries[0].tokens.repeat(1, 2, 1)),))
    short, long = (finished(negative=negative, **options).samples for negative in (once, twice))
    torch.testing.assert_close(short, long)


@pytest.mark.parametrize("sampler", ["euler", "euler_ancestral", "dpmpp_2m_sde", "lms", "uni_pc"])
def test_a_real_run_resumes_with_the_same_bits(tiny, sampler: str) -> None:
    model, weights = tiny
    options = {
        "model": model,
        "weights": weights,
        "positive": encoded(1, chunks=2),
        "negative": encoded(2),
        "sampler": sampler,
        "steps": 3,
    }
    latent = Latent(noise((1, 4, 8, 8), 3), noise_mask=torch.linspace(0, 1, 64).expand(1, 64, 64))
    steps, whole = walked(run(latent, **options))
    for step in steps:
        assert torch.equal(finished(latent, resume=step.state, **options).samples, whole.samples)
