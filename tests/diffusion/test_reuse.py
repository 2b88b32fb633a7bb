"""Answers foreseen from earlier ones: which are, what they are taken to be, and that nothing else changes."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion.changes import Residuals
from diffusion.codecs import register
from diffusion.conditioning import combine
from diffusion.context import Context
from diffusion.control_networks import Made
from diffusion.equipment import Equipment
from diffusion.guiders import denoiser_of
from diffusion.hooks import Hook, HookKeyframes, Keyframe
from diffusion.latents import empty
from diffusion.lora.patch import LoraPatch
from diffusion.model_options import ForeseenAnswers, PerturbedAttention
from diffusion.prediction import EpsPrediction, discrete_sigmas
from diffusion.reuse import Reuse, reuses, said
from diffusion.sampling import SamplingProgress, sample
from diffusion.sampling_values import CfgGuider
from diffusion.values import Area, Control, ControlNet, Latent, WeightFile
from graph.codec import Codecs
from tests.diffusion.fake_network import MODEL, FakeNetwork, FakeWeights, prompt

PREDICTION = EpsPrediction(discrete_sigmas())
EASY = ForeseenAnswers("network", 0.2, 0.0, 1.0)
LAZY = ForeseenAnswers("guidance", 0.2, 0.0, 1.0)
SAMPLERS = ("euler", "heun", "dpmpp_2m", "dpmpp_sde", "euler_cfg_pp", "dpm_adaptive")


def latents(seed: int, batch: int = 2) -> Tensor:
    return torch.randn(batch, 4, 6, 8, generator=torch.Generator().manual_seed(seed))


def level(sigma: float) -> Tensor:
    return torch.tensor(sigma)


def part(x: Tensor) -> Tensor:
    return x


class Questions:
    """A reuse and who is asked behind it: the noise in x is `noise(x, sigma)`."""

    def __init__(self, noise: Callable[[Tensor, Tensor], Tensor], option: ForeseenAnswers = EASY) -> None:
        self.reuse = reuses((option,), PREDICTION)[option.level]
        self.noise = noise
        self.memory: dict[str, Tensor] = {}
        self.asked = 0

    def __call__(self, x: Tensor, sigma: float, *, alike: bool = True) -> Tensor:
        def ask() -> list[Tensor]:
            self.asked += 1
            return [x - sigma * self.noise(x, level(sigma))]

        (answer,) = self.reuse(x, level(sigma), (part,), ask, lambda before: alike, self.memory)
        return answer


class Silent:
    """A control network that adds nothing."""

    def size(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def look(self, picture: Tensor) -> Made:
        return (picture,)

    def __call__(self, x: Tensor, timestep: Tensor, context: Context, made: Made) -> Residuals:
        return Residuals()


# The criterion, by hand.


def test_the_shares_of_change_add_up_to_the_threshold() -> None:
    """The noise found is a tenth of what the network is shown: the rate is 0.1, each question moves it as far."""
    questions = Questions(lambda x, sigma: 0.1 * PREDICTION.scale_input(x, sigma) + 1.0, replace(EASY, threshold=0.05))
    unit = torch.ones(1, 4, 6, 8)
    shown = [0.0, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0]
    sigma = 2.0
    asked = []
    for height in shown:
        before = questions.asked
        questions(unit * height * math.sqrt(1 + sigma**2), sigma)
        asked.append(questions.asked > before)
    # |v| is 1.1 at 1.0: each 0.2 is a share of 0.02 / 1.1 = 0.018, and the third one passes 0.05.
    assert asked == [True, True, False, False, True, False, False]


def test_a_foreseen_answer_takes_out_the_noise_that_was_found_last() -> None:
    questions = Questions(lambda x, sigma: 0.1 * PREDICTION.scale_input(x, sigma) + 1.0)
    one, other = latents(1), latents(2)
    questions(one, 3.0)
    questions(other, 2.9)
    x = other + 0.01
    noise = 0.1 * PREDICTION.scale_input(other, level(2.9)) + 1.0
    torch.testing.assert_close(questions(x, 2.8), x - 2.8 * noise)
    assert questions.asked == 2


def test_the_first_two_questions_are_always_asked() -> None:
    questions = Questions(lambda x, sigma: torch.ones_like(x))
    for asked, x in enumerate((latents(1), latents(2)), start=1):
        questions(x, 3.0)
        assert questions.asked == asked
    questions(latents(3), 3.0)
    assert questions.asked == 2  # a noise that never changes


def test_the_picture_that_changes_most_decides_for_all() -> None:
    """The second of the two changes ten times as much with its latent."""
    factors = torch.tensor([0.1, 1.0])[:, None, None, None]
    option = replace(EASY, threshold=0.1)
    questions = Questions(lambda x, sigma: factors * PREDICTION.scale_input(x, sigma) + 1.0, option)
    start, step = torch.ones(2, 4, 6, 8), torch.full((2, 4, 6, 8), 0.5)
    for place in range(3):
        questions(start + place * step, 1.0)
    assert questions.asked == 3
    alone = Questions(lambda x, sigma: factors[:1] * PREDICTION.scale_input(x, sigma) + 1.0, option)
    for place in range(3):
        alone((start + place * step)[:1], 1.0)
    assert alone.asked == 2


@pytest.mark.parametrize("changed", ["alike", "shape"])
def test_another_question_begins_anew(changed: str) -> None:
    questions = Questions(lambda x, sigma: torch.ones_like(x))
    for seed in (1, 2):
        questions(latents(seed), 3.0)
    if changed == "alike":
        questions(latents(3), 2.0, alike=False)
    else:
        questions(latents(3, batch=3), 2.0)
    assert questions.asked == 3
    questions(latents(4, batch=2 if changed == "alike" else 3), 1.9)
    assert questions.asked == 4  # one answer tells no rate
    questions(latents(5, batch=2 if changed == "alike" else 3), 1.8)
    assert questions.asked == 4


def test_asking_twice_about_one_latent_leaves_the_rate_as_it_was() -> None:
    questions = Questions(lambda x, sigma: torch.ones_like(x), replace(EASY, start=0.5))
    high, low = PREDICTION.percent_to_sigma(0.2), PREDICTION.percent_to_sigma(0.6)
    for seed in (1, 2, 2):
        questions(latents(seed), high)
    assert questions.asked == 3  # before its part of sampling
    questions(latents(3), low)
    assert questions.asked == 3


def test_it_holds_in_its_part_of_sampling_alone() -> None:
    questions = Questions(lambda x, sigma: torch.ones_like(x), replace(EASY, start=0.4, end=0.6))
    for seed, percent in enumerate((0.1, 0.2, 0.39, 0.41, 0.59, 0.61)):
        questions(latents(seed), PREDICTION.percent_to_sigma(percent))
    assert questions.asked == 4


# In runs.


def run(options: tuple[object, ...] = (), *, weights: FakeWeights | None = None, **others: Any) -> Any:
    settings = {"seed": 7, "steps": 12, "cfg": 3.0, "sampler": "euler", "scheduler": "normal"} | others
    positive, negative = settings.pop("positive", prompt(0.8)), settings.pop("negative", prompt(-0.4))
    return sample(
        replace(MODEL, options=options),
        positive,
        negative,
        settings.pop("latent", empty(64, 48, batch=2)),
        weights=weights or FakeWeights(),
        **settings,
    )


def walked(steps: Any) -> tuple[list[SamplingProgress], Latent]:
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            return seen, stop.value


def finished(options: tuple[object, ...] = (), **others: Any) -> Tensor:
    return walked(run(options, **others))[1].samples


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("option", [EASY, LAZY], ids=lambda option: option.level)
def test_with_threshold_0_the_bits_are_those_without(option: ForeseenAnswers, sampler: str) -> None:
    assert torch.equal(finished((replace(option, threshold=0.0),), sampler=sampler), finished(sampler=sampler))


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("option", [EASY, LAZY], ids=lambda option: option.level)
def test_questions_are_spared_and_the_picture_stays_near(option: ForeseenAnswers, sampler: str) -> None:
    plain, spared = FakeWeights(), FakeWeights()
    truth = finished(sampler=sampler, weights=plain)
    made = finished((replace(option, threshold=0.1),), sampler=sampler, weights=spared)
    assert len(spared.network.calls) < len(plain.network.calls)
    assert not torch.equal(made, truth)
    assert float((made - truth).abs().mean()) < 0.1 * float(truth.std())


def regional() -> Any:
    """A prompt for a part of the picture, one for a part of the run, one behind all others."""
    corner = prompt(1.5, area=Area(height=32, width=32, y=0, x=0))
    return combine(combine(prompt(0.8), corner), combine(prompt(0.1, start=0.5), prompt(0.4, is_default=True)))


def saved(state: Any) -> Any:
    """What comes back of a state that was written down."""
    codecs = Codecs()
    register(codecs)
    written = codecs.encode(state)
    assert written is not None
    return codecs.decode(written.codec, written.data)


@pytest.mark.parametrize("option", [EASY, LAZY], ids=lambda option: option.level)
@pytest.mark.parametrize("sampler", ["euler", "heun"])
@pytest.mark.parametrize("index", [0, 3, 7])
def test_a_resumed_run_gives_the_same_bits(option: ForeseenAnswers, sampler: str, index: int) -> None:
    weights, resumed = FakeWeights(), FakeWeights()
    steps, whole = walked(run((option,), sampler=sampler, positive=regional(), weights=weights))
    rest, end = walked(
        run((option,), sampler=sampler, positive=regional(), weights=resumed, resume=saved(steps[index].state))
    )
    assert torch.equal(end.samples, whole.samples)
    assert len(rest) == len(steps) - index - 1
    counts = [walk[-1].state[f"guidance.{option.level}.foreseen"] for walk in (steps, rest)]
    assert int(counts[0]) == int(counts[1]) > 0


@pytest.mark.parametrize("option", [EASY, LAZY], ids=lambda option: option.level)
def test_a_run_knows_nothing_of_another(option: ForeseenAnswers) -> None:
    weights = FakeWeights()
    first = finished((option,), weights=weights)
    asked = len(weights.network.calls)
    assert torch.equal(finished((option,), weights=weights), first)
    assert len(weights.network.calls) == 2 * asked


@pytest.mark.parametrize("option", [EASY, LAZY], ids=lambda option: option.level)
def test_where_prompts_change_the_network_is_asked(option: ForeseenAnswers) -> None:
    """A noise that never changes is asked about twice for each composition of prompts: 0.5 and 0.75 begin another."""
    weights = FakeWeights(FakeNetwork(answer=lambda x, timestep, tokens: torch.ones_like(x)))
    positive = combine(combine(prompt(0.8, end=0.5), prompt(0.2, start=0.5)), prompt(0.1, start=0.75))
    steps, _ = walked(run((option,), weights=weights, positive=positive, steps=40))
    assert len(steps) == 40
    assert int(steps[-1].state[f"guidance.{option.level}.foreseen"]) == 40 - 3 * 2


@pytest.mark.parametrize("option", [EASY, LAZY], ids=lambda option: option.level)
def test_each_side_and_region_keeps_its_own_answer(option: ForeseenAnswers) -> None:
    """Noise of as many kinds as there are prompts, none of which changes: nothing is lost by foreseeing them."""

    def noise(x: Tensor, timestep: Tensor, tokens: Tensor) -> Tensor:
        return tokens.mean((1, 2))[:, None, None, None].expand_as(x)

    corner = combine(prompt(0.8), prompt(1.5, area=Area(height=32, width=32, y=0, x=0)))
    results = []
    for options in ((), (option,)):
        weights = FakeWeights(FakeNetwork(answer=noise))
        results.append((finished(options, positive=corner, weights=weights), len(weights.network.calls)))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=1e-4, atol=1e-3)
    assert results[1][1] == results[0][1] // 6


def test_lazily_what_guidance_asks_besides_is_spared_too() -> None:
    rows = []
    for options in ((), (EASY,), (LAZY,)):
        weights = FakeWeights()
        finished((*options, PerturbedAttention(2.0)), weights=weights)
        rows.append(sum(weights.network.rows))
    plain, easy, lazy = rows
    assert plain == 12 * 6
    assert easy == plain - 4 * round((plain - easy) / 4)  # two sides of two pictures each time
    assert easy > 12 * 2  # perturbed attention is asked in every step
    assert lazy % 6 == 0
    assert lazy < plain


def test_of_each_level_the_last_option_counts() -> None:
    found = reuses((EASY, LAZY, replace(EASY, threshold=0.7)), PREDICTION)
    assert {name: each.option.threshold for name, each in found.items()} == {"network": 0.7, "guidance": 0.2}
    assert isinstance(found["network"], Reuse)
    assert not reuses((), PREDICTION)


def test_how_much_was_spared_is_told_where_it_is_wanted() -> None:
    weights = FakeWeights()
    finished((EASY,), weights=weights)
    assert not weights.network.notes
    finished((replace(EASY, verbose=True),), weights=weights)
    (note,) = weights.network.notes
    asked = len(weights.network.calls) // 2
    spared = f"{12 - asked} of its answers were foreseen."
    assert note == f"EasyCache: the model was asked {asked} times instead of 12; {spared}"
    assert next(said((replace(LAZY, verbose=True),), {})).startswith("LazyCache: the model was asked 0 times")


def test_hooks_and_controls_tell_questions_apart() -> None:
    hook = Hook(LoraPatch(WeightFile("/models/l.safetensors", "l"), 1.0), None, HookKeyframes((Keyframe(0.5, 0.2),)))
    control = Control(ControlNet("controlnet", WeightFile("/models/c.safetensors", "c")), torch.ones(1, 3, 8, 8))
    entries: list[Any] = [{"hooks": (hook,)}, {"controls": (replace(control, end=0.5),)}, {"end": 0.5}]
    for entry in entries:
        network = FakeNetwork()
        network.equipment = Equipment({control.net: Silent()})
        guider = CfgGuider(MODEL, prompt(0.8, **entry), prompt(0.1), 2.0)
        guided = denoiser_of(guider, network, (1, 4, 8, 8))
        middle = guided.percent_to_sigma(0.5)
        assert guided._holding(middle + 1) == guided._holding(middle + 2)
        assert guided._holding(middle + 1) != guided._holding(middle - 0.1)
