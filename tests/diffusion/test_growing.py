"""Runs whose latent grows on the way, against loops written by hand."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from diffusion.growing import growing
from diffusion.latents import empty
from diffusion.model_options import NoiseSource, ProjectedGuidance
from diffusion.noise import normal
from diffusion.samplers import noise_for, sampler
from diffusion.samplers.growing import shapes
from diffusion.sampling import sample_custom
from diffusion.sampling_values import BasicGuider, CfgGuider, NoiseRecipe, SamplerRecipe, Sigmas
from diffusion.values import Area, Conditioning, Control, Latent, Model
from tests.diffusion.fake_network import MODEL, SPACE, FakeNetwork, FakeWeights, prompt
from tests.diffusion.test_sampling import walked

LEVELS = torch.tensor([10.0, 5.0, 2.5, 1.0, 0.0])
START = (1, 4, 6, 8)
SIZES = [(9, 12), (12, 16), (12, 16), (12, 16)]
"""Behind each step, from 6 × 8 to twice that over two steps: times 1.5, times 2."""


def recipe(scale: float = 2.0, scale_steps: int = 2, method: str = "bilinear") -> SamplerRecipe:
    return SamplerRecipe("lcm_upscale", {"scale": scale, "scale_steps": scale_steps, "method": method})


def run(sampler: SamplerRecipe, *, latent: Latent | None = None, positive=None, model: Model = MODEL, **rest):
    """A run's generator, from a latent of 6 × 8."""
    guider = CfgGuider(model, positive or prompt(0.8), prompt(-0.4), 3.0)
    given = latent or empty(64, 48)
    weights = rest.pop("weights", None) or FakeWeights()
    return sample_custom(guider, NoiseRecipe(7), sampler, Sigmas(LEVELS), given, weights=weights, **rest)


@pytest.mark.parametrize(
    ("scale", "scale_steps", "steps", "expected"),
    [
        (2.0, 2, 4, [(9, 12), (12, 16), (12, 16), (12, 16)]),
        (2.0, -1, 3, [(9, 12), (12, 16), (12, 16)]),  # half of three steps: two
        (3.0, 9, 2, [(12, 16), (18, 24)]),  # no more than there are
        (0.5, 1, 2, [(3, 4), (3, 4)]),
        (2.0, 0, 2, [(6, 8), (6, 8)]),
        (1.25, 1, 1, [(8, 10)]),  # 7.5 is rounded to even
        (0.1, 1, 1, [(1, 1)]),
    ],
)
def test_it_grows_evenly_over_its_steps(scale, scale_steps, steps, expected):
    assert shapes(START, steps, scale=scale, scale_steps=scale_steps) == [(1, 4, *size) for size in expected]


def test_it_is_a_loop_that_resizes_each_answer_and_noises_it_again():
    weights = FakeWeights()
    seen, result = walked(run(recipe(), weights=weights))
    prediction = weights.network.prediction

    def answer(x: Tensor, sigma: float) -> Tensor:
        time = prediction.timestep(sigma).expand(1)
        shown = prediction.scale_input(x, sigma)
        wanted, unwanted = (weights.network.answer(shown, time, torch.full((1, 2, 3), mood)) for mood in (0.8, -0.4))
        return x - sigma * (unwanted + 3 * (wanted - unwanted))

    x = torch.randn(START, generator=torch.Generator().manual_seed(7)) * float(LEVELS[0])
    later = torch.Generator().manual_seed(8)
    for step, size in enumerate(SIZES):
        x = denoised = interpolate(answer(x, float(LEVELS[step])), size=size, mode="bilinear")
        if LEVELS[step + 1] > 0:
            x = denoised + LEVELS[step + 1] * torch.randn(1, 4, *size, generator=later)
        torch.testing.assert_close(seen[step].x, x, rtol=1e-4, atol=1e-4)
        assert seen[step].denoised.shape == x.shape
    assert result.output.samples.shape == (1, 4, 12, 16)
    torch.testing.assert_close(result.output.samples, x / SPACE.scale + SPACE.shift, rtol=1e-4, atol=1e-4)


def test_without_growing_it_is_lcm():
    plain = walked(run(SamplerRecipe("lcm")))[1].output.samples
    for same in (recipe(scale_steps=0), recipe(scale=1.0)):
        assert torch.equal(walked(run(same))[1].output.samples, plain)


@pytest.mark.parametrize("options", [(), (ProjectedGuidance(0.0, 0.0, -0.5),), (NoiseSource("cuda", "cuda"),)])
def test_a_run_resumed_after_any_step_ends_with_the_same_bits(options):
    model = Model(MODEL.family, MODEL.file, options=options)
    seen, whole = walked(run(recipe(), model=model))
    assert [tuple(step.x.shape[2:]) for step in seen] == SIZES
    for step in seen:
        rest, again = walked(run(recipe(), model=model, resume=step.state))
        assert len(rest) == len(seen) - step.done
        assert torch.equal(again.output.samples, whole.output.samples)


def test_the_state_of_a_run_of_another_size_is_refused():
    seen, _ = walked(run(recipe()))
    with pytest.raises(ValueError, match=r"needs a step of a latent of shape \[1, 4, 12, 16\]"):
        walked(run(recipe(scale_steps=1), resume=seen[0].state))


@pytest.mark.parametrize("source", ["cpu", "cuda"])
def test_each_draw_has_the_size_of_its_step(source):
    x, options = torch.zeros(START), recipe().options
    noise = noise_for("lcm_upscale", x, LEVELS, 7, source, 1, options)
    assert noise is not None
    plain = normal(8 if source == "cpu" else 7, source)
    plain.draw(START)
    draws = [noise(2.0, 1.0) for _ in range(3)]
    for drawn, size in zip(draws, SIZES, strict=False):
        assert torch.equal(drawn, plain.draw((1, 4, *size)))
    noise.skip(2)
    assert torch.equal(noise(2.0, 1.0), draws[2])


def test_areas_in_pixels_grow_with_the_latent():
    """The right half stays the right half: its answers are those of its fraction."""
    pixels = prompt(0.5, area=Area(48, 32, 0, 32))
    fraction = prompt(0.5, area=Area(1.0, 0.5, 0.0, 0.5, relative=True))
    found = [
        walked(run(recipe(), positive=Conditioning((*prompt(0.8).entries, *each.entries))))[1].output.samples
        for each in (pixels, fraction)
    ]
    assert torch.equal(*found)


def test_controls_are_laid_anew_for_each_size():
    """The picture is brought to the size that goes with each latent."""

    class Net:
        def size(self, height: int, width: int) -> tuple[int, int]:
            return 8 * height, 8 * width

    from diffusion.equipment import Equipment
    from diffusion.values import ControlNet

    net = ControlNet("controlnet", MODEL.file)
    network = FakeNetwork(equipment=Equipment({net: Net()}))
    control = Control(net, torch.rand(1, 3, 48, 64))
    guider = BasicGuider(MODEL, prompt(0.8, controls=(control,)))
    laid = growing(guider, network, START, [(1, 4, *size) for size in SIZES])
    found = [each.sides[0][0].controls[0].picture.shape[2:] for each in laid.guided.values()]
    assert [tuple(size) for size in found] == [(48, 64), (72, 96), (96, 128)]


def test_what_guidance_remembers_does_not_outlast_a_size():
    guider = CfgGuider(MODEL, prompt(0.8), prompt(-0.4), 3.0)
    laid = growing(guider, FakeNetwork(), START, [(1, 4, *size) for size in SIZES])
    laid.memory["momentum"] = torch.ones(START)
    laid(torch.zeros(START), torch.tensor(2.0))
    assert list(laid.memory) == ["momentum"]
    laid(torch.zeros(1, 4, 9, 12), torch.tensor(2.0))
    assert not laid.memory


def test_a_noise_mask_is_refused_before_sampling():
    weights = FakeWeights()
    masked = Latent(torch.rand(START), SPACE, noise_mask=torch.ones(1, 6, 8))
    with pytest.raises(
        ValueError, match="SamplerLCMUpscale changes the size of the latent on the way, but what a noise"
    ):
        walked(run(recipe(), latent=masked, weights=weights))
    assert not weights.network.calls
    assert walked(run(recipe(scale=1.0), latent=masked))[1].output.samples.shape == START


def test_it_has_its_name_and_is_not_offered_in_lists():
    from diffusion.names import SAMPLERS

    assert sampler("lcm_upscale").name == "lcm_upscale"
    assert "lcm_upscale" not in SAMPLERS
