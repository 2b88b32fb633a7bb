"""Custom sampling: put together from its parts, a run gives what a KSampler gives, to the bit; and what none gives."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion.checkpoint import read_checkpoint
from diffusion.latents import empty
from diffusion.memory import Weights
from diffusion.names import SAMPLERS
from diffusion.prediction import EpsPrediction, FlowPrediction, discrete_sigmas
from diffusion.sampling_values import NoiseRecipe, SamplerRecipe, Sigmas
from diffusion.schedules import sigmas_for
from diffusion.values import Conditioning, ConditioningEntry, Latent, Model
from graph.progress import Progress
from nodes.custom_sampling import (
    Sampled,
    add_noise,
    disable_noise,
    guide_by_cfg,
    guide_by_two_scales,
    guide_perpendicularly,
    guide_plainly,
    random_noise,
    sample_advanced,
    sample_custom,
)
from nodes.custom_sampling_samplers import select_sampler
from nodes.custom_sampling_sigmas import basic_schedule, flip_sigmas, split_sigmas
from nodes.guidance import repaint_by_degrees, rescale_guidance, sample_discretely, set_noise_source
from nodes.sampling import sample_latent, sample_part
from tests.diffusion.fake_network import MODEL, SPACE, FakeNetwork, FakeWeights, prompt
from tests.diffusion.tiny import TEXT_WIDTH, write_tiny_checkpoint

SPROUT = Path(__file__).parents[2] / "models" / "checkpoints" / "sprout.safetensors"
PREDICTION = EpsPrediction(discrete_sigmas())
"""That of the tests' fake network."""


def drained(steps: Any) -> tuple[list[Progress], Any]:
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            return seen, stop.value


def noise(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def encoded(seed: int, width: int) -> Conditioning:
    return Conditioning((ConditioningEntry(noise((1, 77, width), seed)),))


def levels(steps: int, scheduler: str = "simple") -> Sigmas:
    """What a KSampler would walk through over the fake network."""
    return Sigmas(sigmas_for(scheduler, "", PREDICTION, steps))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Weights]:
    path = write_tiny_checkpoint(tmp_path_factory.mktemp("models") / "tiny.safetensors")
    return read_checkpoint(path, "custom sampling").model, Weights("cpu", "fp32")


def both(
    model: Model, weights: Any, width: int, latent: Latent, *, sampler: str, steps: int = 3, denoise: float = 1.0
) -> tuple[Tensor, Sampled]:
    """What a KSampler makes, and what its parts make."""
    positive, negative = encoded(1, width), encoded(2, width)
    _, whole = drained(
        sample_latent(
            model, 7, steps, 5.0, sampler, "karras", positive, negative, latent, denoise=denoise, weights=weights
        )
    )
    guider = guide_by_cfg(model, positive, negative, 5.0)
    sigmas = basic_schedule(model, "karras", steps, denoise)
    _, parts = drained(
        sample_advanced(random_noise(7), guider, select_sampler(sampler), sigmas, latent, weights=weights)
    )
    return whole.samples, parts


@pytest.mark.parametrize("sampler", ["euler", "euler_ancestral", "dpmpp_2m_sde", "heun", "ddim"])
def test_the_parts_of_a_ksampler_give_its_picture(tiny: tuple[Model, Weights], sampler: str) -> None:
    whole, parts = both(*tiny, TEXT_WIDTH, empty(64, 72, 2), sampler=sampler)
    assert torch.equal(parts.output.samples, whole)
    mask = (torch.arange(64) >= 32).float().expand(1, 64, 64)
    latent = Latent(noise((1, 4, 8, 8), 3), noise_mask=mask)
    whole, parts = both(*tiny, TEXT_WIDTH, latent, sampler=sampler, denoise=0.6)
    assert torch.equal(parts.output.samples, whole)
    assert torch.equal(parts.output.samples[..., :4], latent.samples[..., :4])
    assert torch.equal(parts.denoised_output.samples[..., :4], latent.samples[..., :4])


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "euler_ancestral"])
def test_the_parts_give_sprouts_pictures(sampler: str) -> None:
    model, weights = read_checkpoint(SPROUT, "sprout of custom sampling").model, Weights("cpu", "fp32")
    with weights.lend(model) as network:
        width = network.inputs.tokens
    whole, parts = both(model, weights, width, empty(128, 128), sampler=sampler, steps=2)
    assert torch.equal(parts.output.samples, whole)


def custom(latent: Latent, *, weights: FakeWeights | None = None, **options: Any) -> tuple[list[Progress], Sampled]:
    """A run over the network of the tests."""
    settings: dict[str, Any] = {"sampler": SamplerRecipe("euler"), "sigmas": levels(4)}
    settings |= {"noise": random_noise(5), "guider": guide_by_cfg(MODEL, prompt(0.8), prompt(0.2), 3.0)}
    return drained(sample_advanced(**{**settings, **options}, latent_image=latent, weights=weights or FakeWeights()))


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if not name.startswith(("uni_pc", "dpm_2"))])
def test_every_sampler_gives_the_picture_of_a_ksampler(sampler: str) -> None:
    _, whole = drained(
        sample_latent(
            MODEL, 5, 4, 3.0, sampler, "simple", prompt(0.8), prompt(0.2), empty(64, 64), weights=FakeWeights()
        )
    )
    _, parts = custom(empty(64, 64), sampler=select_sampler(sampler))
    assert torch.equal(parts.output.samples, whole.samples)


def test_the_simple_custom_sampler_has_the_same_parts() -> None:
    sigmas, recipe = levels(4), SamplerRecipe("euler_ancestral")
    given = (3.0, prompt(0.8), prompt(0.2), recipe, sigmas)
    _, simple = drained(sample_custom(MODEL, True, 5, *given, empty(64, 64), weights=FakeWeights()))
    _, parts = custom(empty(64, 64), sampler=recipe)
    assert torch.equal(simple.output.samples, parts.output.samples)
    latent = Latent(noise((1, 4, 8, 8), 3), SPACE)
    _, quiet = drained(sample_custom(MODEL, False, 5, *given, latent, weights=FakeWeights()))
    _, parts = custom(latent, sampler=recipe, noise=NoiseRecipe(5, added=False))
    assert torch.equal(quiet.output.samples, parts.output.samples)


def test_it_reports_and_resumes_with_the_same_bits() -> None:
    recipe = SamplerRecipe("dpmpp_sde", {"eta": 0.5, "r": 0.3})
    seen, whole = custom(empty(64, 64), sampler=recipe)
    assert [(progress.done, progress.total) for progress in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for progress in seen:
        _, again = custom(empty(64, 64), sampler=recipe, resume=progress.state)
        assert torch.equal(again.output.samples, whole.output.samples)
        assert torch.equal(again.denoised_output.samples, whole.denoised_output.samples)


def test_a_run_that_ends_in_noise_gives_its_guess_beside() -> None:
    high, low = split_sigmas(levels(8), 4)
    seen, noisy = custom(empty(64, 64), sigmas=high)
    assert len(seen) == 4
    assert noisy.output.samples.std() > noisy.denoised_output.samples.std()
    _, advanced = drained(
        sample_part(
            MODEL, "enable", 5, 8, 3.0, "euler", "simple", prompt(0.8), prompt(0.2), empty(64, 64), 0, 4, "enable",
            weights=FakeWeights(),
        )
    )  # fmt: skip
    assert torch.equal(noisy.output.samples, advanced.samples)
    _, finished = custom(noisy.output, sigmas=low, noise=disable_noise())
    _, whole = custom(empty(64, 64), sigmas=levels(8))
    torch.testing.assert_close(finished.output.samples, whole.output.samples, rtol=1e-5, atol=1e-5)
    assert torch.equal(finished.output.samples, finished.denoised_output.samples)


@pytest.mark.parametrize("count", [0, 1])
def test_without_a_step_the_latent_comes_back(count: int) -> None:
    latent = Latent(noise((1, 4, 8, 8), 3), SPACE)
    seen, result = custom(latent, sigmas=Sigmas(torch.ones(count)))
    assert not seen
    assert result.output is latent
    assert result.denoised_output is latent


def test_closing_a_run_gives_the_weights_back() -> None:
    weights = FakeWeights()
    steps = sample_advanced(
        random_noise(5), guide_plainly(MODEL, prompt(0.8)), SamplerRecipe("euler"), levels(4),
        empty(64, 64), weights=weights,
    )  # fmt: skip
    next(steps)
    assert weights.borrowed == 1
    steps.close()
    assert weights.borrowed == 0


def test_other_guiders_sample() -> None:
    weights = FakeWeights()
    _, plain = custom(empty(64, 64), guider=guide_plainly(MODEL, prompt(0.8)), weights=weights)
    assert weights.network.rows == [1] * 4
    _, cfg = custom(empty(64, 64), guider=guide_by_cfg(MODEL, prompt(0.8), prompt(0.2), 1.0))
    assert torch.equal(plain.output.samples, cfg.output.samples)
    _, dual = custom(
        empty(64, 64),
        guider=guide_by_two_scales(MODEL, prompt(0.8), prompt(0.2), prompt(0.2), 3.0, 1.0, "regular"),
    )
    _, guided = custom(empty(64, 64))
    torch.testing.assert_close(dual.output.samples, guided.output.samples, rtol=1e-4, atol=1e-4)
    _, perpendicular = custom(
        empty(64, 64), guider=guide_perpendicularly(MODEL, prompt(0.8), prompt(0.1), prompt(0.2), 3.0, 0.0)
    )
    torch.testing.assert_close(perpendicular.output.samples, guided.output.samples, rtol=1e-4, atol=1e-4)


def test_a_models_options_count_in_a_ksampler_too() -> None:
    def made(model: Model) -> Tensor:
        return drained(
            sample_latent(
                model, 5, 4, 8.0, "euler", "simple", prompt(0.8), prompt(0.2), empty(64, 64), weights=FakeWeights()
            )
        )[1].samples

    assert torch.equal(made(MODEL), made(MODEL))
    assert made(rescale_guidance(MODEL, 1.0)).std() < 0.9 * made(MODEL).std()


def test_differential_diffusion_repaints_by_degrees() -> None:
    """A pixel whose mask is half is kept, with noise, while more than half of the time is left."""
    weights = FakeWeights()
    mask = torch.full((1, 64, 64), 0.5)
    latent = Latent(noise((1, 4, 8, 8), 3), SPACE, noise_mask=mask)
    guider = guide_plainly(repaint_by_degrees(MODEL), prompt(0.8))
    seen, _ = custom(latent, guider=guider, sigmas=levels(8), weights=weights)
    known = (latent.samples - SPACE.shift) * SPACE.scale
    for step, (call, sigma) in enumerate(zip(weights.network.calls, levels(8).levels, strict=False)):
        kept = (known + sigma * noise((1, 4, 8, 8), 5)) / (1 + sigma**2) ** 0.5
        assert torch.allclose(call.x, kept, rtol=1e-4, atol=1e-4) == (step < 4), step
    assert len(seen) == 8


def test_noise_can_be_that_of_a_card() -> None:
    def made(model: Model, sampler: str, seed: int = 5) -> Tensor:
        guider = guide_by_cfg(model, prompt(0.8), prompt(0.2), 3.0)
        return custom(empty(64, 64), guider=guider, sampler=SamplerRecipe(sampler), noise=random_noise(seed))[1][
            0
        ].samples

    steps, initial = set_noise_source(MODEL, "cpu", "cuda"), set_noise_source(MODEL, "cuda", "cpu")
    assert torch.equal(made(steps, "euler"), made(MODEL, "euler"))
    assert not torch.equal(made(steps, "euler_ancestral"), made(MODEL, "euler_ancestral"))
    assert not torch.equal(made(initial, "euler"), made(MODEL, "euler"))
    whole = set_noise_source(MODEL, "cuda", "cuda")
    assert torch.equal(made(whole, "euler"), made(initial, "euler"))
    assert len({made(model, "euler_ancestral").sum().item() for model in (MODEL, steps, initial, whole)}) == 4


# Noise put on beforehand.


def test_noise_added_beforehand_is_the_noise_of_a_run(tiny: tuple[Model, Weights]) -> None:
    model, weights = tiny
    latent, sigmas = Latent(noise((1, 4, 8, 8), 3)), basic_schedule(model, "karras", 3, 0.6)
    guider = guide_by_cfg(model, encoded(1, TEXT_WIDTH), encoded(2, TEXT_WIDTH), 5.0)
    noisy = add_noise(model, random_noise(7), sigmas, latent)
    expected = latent.samples + float(sigmas.levels[0]) * noise((1, 4, 8, 8), 7) / 0.18215
    torch.testing.assert_close(noisy.samples, expected)
    run = (select_sampler("euler"), sigmas)
    _, before = drained(sample_advanced(disable_noise(), guider, *run, noisy, weights=weights))
    _, within = drained(sample_advanced(random_noise(7), guider, *run, latent, weights=weights))
    torch.testing.assert_close(before.output.samples, within.output.samples, rtol=1e-4, atol=1e-4)


def test_the_way_between_the_levels_says_how_much_noise_is_added(tiny: tuple[Model, Weights]) -> None:
    model, latent = tiny[0], Latent(noise((1, 4, 8, 8), 3))
    for given, strength in (([5.0, 3.0, 1.0], 4.0), ([5.0], 5.0), ([1.0, 6.0], 5.0)):
        noisy = add_noise(model, random_noise(7), Sigmas(torch.tensor(given)), latent)
        expected = latent.samples + strength * noise((1, 4, 8, 8), 7) / 0.18215
        torch.testing.assert_close(noisy.samples, expected)
    assert add_noise(model, random_noise(7), Sigmas(torch.empty(0)), latent) is latent
    assert add_noise(model, disable_noise(), Sigmas(torch.ones(2)), latent) is latent
    unscaled = add_noise(model, random_noise(7), Sigmas(torch.ones(1)), empty(64, 64))
    torch.testing.assert_close(unscaled.samples, noise((1, 4, 8, 8), 7) / 0.18215)


# Up and down again.


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp_2m"])
def test_turned_levels_lead_to_the_noise_a_picture_comes_from(sampler: str) -> None:
    """A network that knows the data's variance: going up and down again gives the picture back."""

    def knowing(x: Tensor, timestep: Tensor, tokens: Tensor) -> Tensor:
        sigma = PREDICTION.sigma(timestep)[:, None, None, None]
        return x * (1 + sigma**2) ** 0.5 * sigma / (0.25 + sigma**2)

    weights = FakeWeights(FakeNetwork(knowing, PREDICTION))
    latent = Latent(0.5 / SPACE.scale * noise((1, 4, 8, 8), 3) + SPACE.shift, SPACE)
    down = levels(60, "karras")
    options: dict[str, Any] = {"guider": guide_plainly(MODEL, prompt(0.0)), "sampler": SamplerRecipe(sampler)}
    _, up = custom(latent, sigmas=flip_sigmas(down), noise=disable_noise(), weights=weights, **options)
    assert float(up.output.samples.std()) == pytest.approx(14.6 / SPACE.scale, rel=0.1)
    _, back = custom(up.output, sigmas=down, noise=disable_noise(), weights=weights, **options)
    error = (back.output.samples - latent.samples).norm() / (latent.samples - SPACE.shift).norm()
    assert error < (0.25 if sampler == "euler" else 0.05)


# What goes wrong.


def test_levels_that_rise_are_refused_where_noise_is_drawn() -> None:
    with pytest.raises(
        ValueError, match="euler_ancestral: sigmas must fall from step to step.* Only ddim, deis, dpmpp_2m"
    ):
        custom(empty(64, 64), sampler=SamplerRecipe("euler_ancestral"), sigmas=flip_sigmas(levels(4)))


def test_an_unknown_sampler_is_refused_before_weights_are_lent() -> None:
    class Unlent:
        def lend(self, recipe: object) -> Any:
            raise AssertionError

    with pytest.raises(ValueError, match="Unknown sampler 'eular'. Did you mean 'euler'"):
        custom(empty(64, 64), sampler=SamplerRecipe("eular"), weights=Unlent())  # pyright: ignore[reportArgumentType] — must not be asked


def test_another_prediction_makes_another_picture(tiny: tuple[Model, Weights]) -> None:
    model, weights = tiny
    changed = sample_discretely(model, "v_prediction")
    eps, _ = both(model, weights, TEXT_WIDTH, empty(64, 64), sampler="euler", steps=2)
    v, parts = both(changed, weights, TEXT_WIDTH, empty(64, 64), sampler="euler", steps=2)
    assert torch.equal(parts.output.samples, v)
    assert not torch.allclose(v, eps, rtol=0.1)
    assert weights.loads == 1


def test_a_flow_model_keeps_its_frame() -> None:
    weights = FakeWeights(FakeNetwork(prediction=FlowPrediction(3.0)))
    sigmas = Sigmas(torch.tensor([1.0, 0.6, 0.2]))
    _, result = custom(empty(64, 64), sigmas=sigmas, weights=weights)
    _, whole = custom(empty(64, 64), sigmas=Sigmas(torch.tensor([1.0, 0.6, 0.2, 0.0])), weights=weights)
    assert result.output.samples.isfinite().all()
    torch.testing.assert_close(
        result.denoised_output.samples.isfinite(), torch.ones_like(whole.output.samples, dtype=torch.bool)
    )
