"""The sampling nodes, over a network that sees the finished picture at once."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion.latents import empty
from diffusion.prediction import EpsPrediction, discrete_sigmas
from diffusion.values import Latent
from graph.progress import Progress
from nodes.sampling import sample_latent, sample_part, sample_variation
from tests.diffusion.fake_network import MODEL, SPACE, FakeNetwork, FakeWeights, prompt

PREDICTION = EpsPrediction(discrete_sigmas())


def seeing(x: Tensor, timestep: Tensor, tokens: Tensor) -> Tensor:
    """The noise in x when every pixel of the picture is the mean of the tokens."""
    sigma = PREDICTION.sigma(timestep)[:, None, None, None]
    return (x * (1 + sigma**2) ** 0.5 - tokens.mean((1, 2))[:, None, None, None]) / sigma


def weights() -> FakeWeights:
    return FakeWeights(FakeNetwork(seeing, PREDICTION))


def drained(steps) -> tuple[list[Progress], Latent]:
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            return seen, stop.value


def ksampler(latent: Latent, **options: Any) -> tuple[list[Progress], Latent]:
    settings = {"seed": 5, "steps": 4, "cfg": 3.0, "sampler_name": "euler", "scheduler": "simple", "denoise": 1.0}
    return drained(
        sample_latent(
            MODEL,
            positive=prompt(0.8),
            negative=prompt(0.2),
            latent_image=latent,
            **{"weights": weights(), **settings, **options},
        )
    )


def varied(latent: Latent, **options: Any) -> Latent:
    settings = {"seed": 5, "steps": 4, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple", "weights": shy()}
    settings |= {"positive": prompt(0.8), "negative": prompt(0.2), "latent_image": latent}
    settings |= {"variation_seed": 9, "variation_strength": 0.3}
    return drained(sample_variation(MODEL, **{**settings, **options}))[1]


def shy() -> FakeWeights:
    """Over a network that leaves in the picture what the noise was."""
    return FakeWeights(FakeNetwork(lambda x, timestep, tokens: 0.5 * x, PREDICTION))


def advanced(latent: Latent, **options: Any) -> Latent:
    settings = {
        "add_noise": "enable",
        "noise_seed": 5,
        "steps": 8,
        "cfg": 3.0,
        "sampler_name": "euler",
        "scheduler": "simple",
        "start_at_step": 0,
        "end_at_step": 10000,
        "return_with_leftover_noise": "disable",
    }
    steps = sample_part(
        MODEL,
        positive=prompt(0.8),
        negative=prompt(0.2),
        latent_image=latent,
        weights=weights(),
        **{**settings, **options},
    )
    return drained(steps)[1]


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "heun"])
def test_ksampler_ends_at_the_guided_answer_in_the_vaes_scale(sampler: str) -> None:
    seen, result = ksampler(empty(64, 64, 2), sampler_name=sampler)
    assert [(progress.done, progress.total) for progress in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    guided = 0.2 + 3.0 * (0.8 - 0.2)
    expected = torch.full((2, 4, 8, 8), guided / SPACE.scale + SPACE.shift)
    torch.testing.assert_close(result.samples, expected, rtol=1e-4, atol=1e-4)


def test_a_preview_is_drawn_when_somebody_looks() -> None:
    seen, _ = ksampler(empty(64, 64))
    drawn = [progress.preview() for progress in seen if progress.preview is not None]
    assert [preview.mime for preview in drawn] == ["image/jpeg"] * 4
    assert all(preview.data.startswith(b"\xff\xd8") for preview in drawn)


def test_ksampler_resumes_from_what_it_yielded() -> None:
    options = {"sampler_name": "euler_ancestral"}
    seen, whole = ksampler(empty(64, 64), **options)
    rest, resumed = ksampler(empty(64, 64), **options, resume=seen[1].state)
    assert [progress.done for progress in rest] == [3, 4]
    assert torch.equal(resumed.samples, whole.samples)


def test_closing_ksampler_gives_the_weights_back() -> None:
    lent = weights()
    steps = sample_latent(
        MODEL, 0, 4, 3.0, "euler", "simple", prompt(0.8), prompt(0.2), empty(64, 64), 1.0, weights=lent
    )
    next(steps)
    assert lent.borrowed == 1
    steps.close()
    assert lent.borrowed == 0


def test_ksampler_with_denoise_0_hands_the_latent_back() -> None:
    latent = Latent(torch.ones(1, 4, 8, 8), SPACE)
    assert ksampler(latent, denoise=0.0) == ([], latent)


def test_two_advanced_samplers_share_a_picture() -> None:
    whole = advanced(empty(64, 64))
    noisy = advanced(empty(64, 64), end_at_step=4, return_with_leftover_noise="enable")
    assert noisy.samples.std() > whole.samples.std() + 0.1
    finished = advanced(noisy, start_at_step=4, add_noise="disable", noise_seed=77)
    torch.testing.assert_close(finished.samples, whole.samples, rtol=1e-5, atol=1e-5)


def test_a_variation_of_strength_0_is_ksamplers_and_of_1_the_other_seeds() -> None:
    latent = replace(empty(64, 64, 3), batch_index=(4, 0, 2))
    for picture in (empty(64, 64, 3), latent, replace(latent, samples=torch.ones(3, 4, 8, 8), empty_size=None)):
        for strength, seed in ((0.0, 5), (1.0, 9)):
            found = varied(picture, variation_strength=strength, denoise=0.75)
            expected = ksampler(picture, seed=seed, cfg=1.0, denoise=0.75, weights=shy())[1]
            assert torch.equal(found.samples, expected.samples)


def test_a_variation_lies_between_the_two_as_the_angle_says() -> None:
    # The network scales what it gets, so that the result is linear in the noise.
    def made(strength: float) -> torch.Tensor:
        return varied(empty(64, 64, 2), variation_strength=strength).samples - SPACE.shift

    ends = [made(0.0), made(1.0)]
    for strength in (0.2, 0.5, 0.8):
        found = made(strength)
        for item, start, end in zip(found, *ends, strict=True):
            angle = torch.acos(torch.cosine_similarity(start.flatten(), end.flatten(), dim=0))
            turned = torch.acos(torch.cosine_similarity(start.flatten(), item.flatten(), dim=0))
            assert float(turned) == pytest.approx(strength * float(angle), rel=1e-3)
            assert float(item.norm()) == pytest.approx(float(start.norm().lerp(end.norm(), strength)), rel=1e-4)


def test_all_pictures_of_a_batch_can_vary_one() -> None:
    plain = ksampler(empty(64, 64, 3), cfg=1.0, weights=shy())[1].samples
    same = varied(empty(64, 64, 3), variation_strength=0.0, variation_of=1).samples
    assert torch.equal(same, plain[1].expand(3, -1, -1, -1))
    found = varied(empty(64, 64, 3), variation_strength=0.1, variation_of=1).samples
    near = [float(torch.cosine_similarity(item.flatten(), plain[1].flatten(), dim=0)) for item in found]
    assert all(0.97 < value < 0.999 for value in near)
    assert not torch.equal(found[0], found[2])
    with pytest.raises(ValueError, match="no picture 3 to vary in a batch of 3"):
        varied(empty(64, 64, 3), variation_of=3)
