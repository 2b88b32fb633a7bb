"""Every sampler: the pictures people know, runs that can be resumed, the contract. Orders: test_sampler_orders."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from diffusion import names
from diffusion.noise import initial_noise
from diffusion.prediction import EpsPrediction, FlowPrediction, Prediction, discrete_sigmas
from diffusion.samplers import SAMPLERS, PlainDenoise, Step, noise_for, sampler

VECTORS = load_file(Path(__file__).parents[1] / "data" / "sampler-vectors.safetensors")
PREDICTIONS: dict[str, Prediction] = {"eps": EpsPrediction(discrete_sigmas()), "flow": FlowPrediction(1.0)}
NAMES = pytest.mark.parametrize("name", names.SAMPLERS)
FRAMES = pytest.mark.parametrize("frame", PREDICTIONS)
SHAPE = (1, 4, 8, 8)


def closed_problem(frame: str) -> PlainDenoise:
    """The vectors' model: c = tanh(x / s), negative answer 0.9 c + 0.05, guided with cfg 1.5."""

    def clean(x: Tensor, sigma: Tensor) -> Tensor:
        signal = 1.0 if frame == "eps" else 1 - sigma
        return torch.tanh(x / (signal**2 + sigma**2) ** 0.5)

    def negative(x: Tensor, sigma: Tensor) -> Tensor:
        return 0.9 * clean(x, sigma) + 0.05

    def guided(x: Tensor, sigma: Tensor) -> Tensor:
        return negative(x, sigma) + 1.5 * (clean(x, sigma) - negative(x, sigma))

    return PlainDenoise(guided, PREDICTIONS[frame], negative)


def start(frame: str, shape: tuple[int, ...] = SHAPE) -> tuple[Tensor, Tensor]:
    """The first x of a run from seed 0, and its schedule."""
    sigmas = VECTORS[f"{frame}.sigmas"]
    noise = initial_noise(shape, seed=0)
    return PREDICTIONS[frame].frame.start(torch.zeros(shape), noise, float(sigmas[0]), full=True), sigmas


def run(name: str, frame: str, resume: Step | None = None) -> Iterator[Step]:
    x, sigmas = start(frame)
    return sampler(name)(closed_problem(frame), x, sigmas, noise=noise_for(name, x, sigmas, seed=0), resume=resume)


def last(steps: Iterator[Step]) -> Step:
    *_, step = steps
    return step


@FRAMES
def test_the_alternative_of_cfg_pp_is_guidance_of_twice_the_scale(frame: str) -> None:
    x, sigmas = start(frame)
    asked = closed_problem(frame)

    def doubled(x: Tensor, sigma: Tensor) -> Tensor:
        denoised, negative = asked.both(x, sigma)
        return negative + 2 * (denoised - negative)

    plain = last(sampler("euler")(PlainDenoise(doubled, PREDICTIONS[frame]), x, sigmas))
    found = last(sampler("euler_cfg_pp")(asked, x, sigmas, version="alternative"))
    torch.testing.assert_close(found.x, plain.x, rtol=1e-4, atol=1e-5)


def test_the_names_are_those_of_workflows_in_their_order() -> None:
    assert tuple(SAMPLERS) == names.SAMPLERS
    assert all(name == made.name for name, made in SAMPLERS.items())


@NAMES
@FRAMES
def test_pictures_are_those_people_know(name: str, frame: str) -> None:
    expected = VECTORS[f"{frame}.{name}"]
    error = (last(run(name, frame)).x - expected).abs().max() / expected.abs().max()
    assert error < (1e-3 if name == "dpm_adaptive" else 1e-5)


@NAMES
@FRAMES
def test_a_run_resumed_from_any_step_gives_the_same_bits(name: str, frame: str, tmp_path: Path) -> None:
    whole = list(run(name, frame))
    assert [step.index for step in whole] == list(range(len(whole)))
    for cut in whole[:-1]:
        rest = list(run(name, frame, resume=stored_and_read(cut, tmp_path / "step.safetensors")))
        assert [step.index for step in rest] == list(range(cut.index + 1, len(whole)))
        for again, before in zip(rest, whole[cut.index + 1 :], strict=True):
            assert torch.equal(again.x, before.x)
            assert torch.equal(again.denoised, before.denoised)


def stored_and_read(step: Step, path: Path) -> Step:
    """As a file gives it back: memory is flat, and holds tensors and numbers only."""
    numbers = {name: kept for name, kept in step.memory.items() if not isinstance(kept, Tensor)}
    assert all(type(number) in (int, float) for number in numbers.values())
    tensors = {name: kept.clone() for name, kept in step.memory.items() if isinstance(kept, Tensor)}
    save_file({"x": step.x.clone(), "denoised": step.denoised.clone(), **tensors}, path)
    read = load_file(path)
    return Step(step.index, read.pop("x"), read.pop("denoised"), {**read, **numbers})


@NAMES
def test_one_seed_is_one_picture_and_another_seed_another(name: str) -> None:
    x, sigmas = start("eps")
    made = [
        last(sampler(name)(closed_problem("eps"), x, sigmas, noise=noise_for(name, x, sigmas, s))).x for s in (5, 5, 6)
    ]
    draws = not torch.equal(last(run(name, "eps")).x, made[0])
    assert torch.equal(made[0], made[1])
    assert torch.equal(made[0], made[2]) is not draws
    stochastic = re.search(r"ancestral|sde|ddpm|lcm|seeds|sa_solver", name)
    assert draws is bool(stochastic)


@NAMES
@FRAMES
def test_what_is_given_stays_as_it_was(name: str, frame: str) -> None:
    x, sigmas = start(frame)
    before = x.clone(), sigmas.clone()
    cut = next(iter(run(name, frame)))
    memory = {name: kept.clone() if isinstance(kept, Tensor) else kept for name, kept in cut.memory.items()}
    resumed_x = cut.x.clone()
    last(sampler(name)(closed_problem(frame), x, sigmas, noise=noise_for(name, x, sigmas, 0), resume=cut))
    assert torch.equal(x, before[0])
    assert torch.equal(sigmas, before[1])
    assert torch.equal(cut.x, resumed_x)
    assert all(torch.equal(torch.as_tensor(cut.memory[key]), torch.as_tensor(kept)) for key, kept in memory.items())


@NAMES
def test_under_inference_mode_bits_are_the_same(name: str) -> None:
    with torch.inference_mode():
        inside = last(run(name, "eps")).x
        assert inside.is_inference()
    assert torch.equal(inside, last(run(name, "eps")).x)


@NAMES
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_x_keeps_its_dtype_and_shape(name: str, dtype: torch.dtype) -> None:
    """Here a video's latent, [B, C, T, H, W]."""
    asked: set[torch.dtype] = set()
    plain = closed_problem("flow")

    def answer(x: Tensor, sigma: Tensor) -> Tensor:
        asked.add(sigma.dtype)
        assert sigma.ndim == 0
        assert sigma.device.type == "cpu"
        return plain(x, sigma)

    x, sigmas = start("flow", (2, 4, 3, 8, 8))
    x = x.to(dtype)
    step = last(sampler(name)(PlainDenoise(answer, plain.prediction), x, sigmas, noise=noise_for(name, x, sigmas, 0)))
    assert (step.x.dtype, step.x.shape) == (dtype, x.shape)
    assert bool(step.x.isfinite().all())
    assert asked == {torch.float64 if dtype == torch.float64 else torch.float32}


@NAMES
@FRAMES
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_few_steps_give_a_finite_picture(name: str, frame: str, steps: int) -> None:
    x, sigmas = start(frame)
    sigmas = torch.cat([sigmas[:steps], sigmas[-1:]])
    for step in sampler(name)(closed_problem(frame), x, sigmas, noise=noise_for(name, x, sigmas, 0)):
        assert bool(step.x.isfinite().all())


@NAMES
@FRAMES
def test_a_run_may_end_above_zero(name: str, frame: str) -> None:
    """And what is left of the noise has about the size it should have there."""
    x, sigmas = start(frame)
    sigmas = sigmas[:5]
    step = last(sampler(name)(closed_problem(frame), x, sigmas, noise=noise_for(name, x, sigmas, 0)))
    assert float((step.x - step.denoised).std()) == pytest.approx(float(sigmas[-1]), rel=0.9)


@NAMES
def test_nothing_to_do_is_no_step(name: str) -> None:
    x, sigmas = start("eps")
    for none in (sigmas[:0], sigmas[:1]):
        assert list(sampler(name)(closed_problem("eps"), x, none, noise=noise_for(name, x, none, 0))) == []


@NAMES
def test_every_sampler_names_its_paper_and_its_order(name: str) -> None:
    text = SAMPLERS[name].run.__doc__ or ""
    assert re.search(r"\b(19|20)\d\d\b", text)
    assert name == "lcm" or re.search(r"(first|second|third|fourth)[ -]order", text, re.IGNORECASE)


def test_gpu_names_are_aliases() -> None:
    for name in names.SAMPLERS:
        if name.endswith("_gpu"):
            assert SAMPLERS[name].run is SAMPLERS[name.removesuffix("_gpu")].run


def test_step_noise_is_not_the_initial_noise() -> None:
    """A generator seeded with the seed itself would add the initial noise again at the first ancestral step."""
    x, sigmas = start("eps")
    first = noise_for("euler_ancestral", x, sigmas, seed=0)
    assert first is not None
    draw = first(1.0, 0.5)
    assert torch.equal(draw, initial_noise(SHAPE, seed=1))
    assert not torch.equal(draw, initial_noise(SHAPE, seed=0))


def test_cutting_a_run_off_asks_the_denoiser_no_further() -> None:
    asked = []
    plain = closed_problem("eps")

    def answer(x: Tensor, sigma: Tensor) -> Tensor:
        asked.append(float(sigma))
        return plain(x, sigma)

    x, sigmas = start("eps")
    steps = sampler("euler")(PlainDenoise(answer, plain.prediction), x, sigmas)
    assert len(list(islice(steps, 3))) == 3
    assert asked == sigmas[:3].tolist()


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"Unknown sampler 'euler_ancestrel'\. Did you mean 'euler_ancestral'"):
        sampler("euler_ancestrel")
    with pytest.raises(ValueError, match=r"Unknown sampler '!'\. Known samplers: euler, euler_cfg_pp,"):
        sampler("!")


def test_sigmas_that_do_not_fall_are_refused_before_anything_is_asked() -> None:
    x, _ = start("eps")
    for wrong in ([1.0, 2.0, 0.0], [1.0, 1.0, 0.0], [1.0, -0.5]):
        with pytest.raises(ValueError, match="euler: sigmas must fall from step to step and not below 0"):
            sampler("euler")(closed_problem("eps"), x, wrong)


def test_wanted_noise_that_was_not_given_is_an_error() -> None:
    x, sigmas = start("eps")
    with pytest.raises(
        ValueError, match=r"euler_ancestral: noise is wanted .* pass noise=noise_for\('euler_ancestral'"
    ):
        next(sampler("euler_ancestral")(closed_problem("eps"), x, sigmas))


def test_a_step_of_another_size_is_not_resumed() -> None:
    cut = next(run("euler", "eps"))
    x, sigmas = start("eps", (2, 4, 8, 8))
    with pytest.raises(
        ValueError, match=r"euler: the step to resume has shape \[1, 4, 8, 8\], this run's x has \[2, 4, 8, 8\]"
    ):
        sampler("euler")(closed_problem("eps"), x, sigmas, resume=cut)


def test_an_option_of_the_caller_comes_on_top() -> None:
    x, sigmas = start("eps")
    still = last(sampler("euler_ancestral")(closed_problem("eps"), x, sigmas, eta=0.0)).x
    assert torch.allclose(still, last(run("euler", "eps")).x, atol=1e-6)
