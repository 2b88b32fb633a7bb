import pytest
import torch

from diffusion import latent_arithmetic as arithmetic
from diffusion.latents import empty
from diffusion.resize import resize
from diffusion.values import Latent, LatentSpace

SPACE = LatentSpace("small", channels=4, factor=4, scale=1.0)
OTHER = LatentSpace("other", channels=4, factor=8, scale=1.0)


def latent(*shape: int, seed: int = 1, **facts) -> Latent:
    return Latent(torch.randn(shape, generator=torch.Generator().manual_seed(seed)), **({"space": SPACE} | facts))


def test_sums_differences_and_multiples():
    first, second = latent(2, 4, 5, 6, noise_mask=torch.ones(1, 5, 6), batch_index=(3, 4)), latent(2, 4, 5, 6, seed=2)
    assert torch.equal(arithmetic.added(first, second).samples, first.samples + second.samples)
    assert torch.equal(arithmetic.subtracted(first, second).samples, first.samples - second.samples)
    assert torch.equal(arithmetic.multiplied(first, -2.5).samples, first.samples * -2.5)
    kept = arithmetic.added(first, second)
    assert kept.noise_mask is first.noise_mask
    assert (kept.batch_index, kept.space) == ((3, 4), SPACE)


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
def test_interpolated_is_direction_and_length_apart(ratio):
    first, second = latent(1, 4, 2, 3), latent(1, 4, 2, 3, seed=2)
    found = arithmetic.interpolated(first, second, ratio).samples
    for y in range(2):
        for x in range(3):
            one, other = (item.samples[0, :, y, x].double() for item in (first, second))
            way = one / one.norm() * ratio + other / other.norm() * (1 - ratio)
            expected = way / way.norm() * (one.norm() * ratio + other.norm() * (1 - ratio))
            assert torch.allclose(found[0, :, y, x].double(), expected, atol=1e-6)


def test_interpolated_goes_through_nought_without_nan():
    nothing, something = Latent(torch.zeros(1, 4, 2, 2), SPACE), latent(1, 4, 2, 2)
    found = arithmetic.interpolated(nothing, something, 0.5).samples
    assert torch.allclose(found, something.samples / 2, atol=1e-6)
    assert torch.equal(arithmetic.interpolated(nothing, nothing, 0.5).samples, nothing.samples)


def test_another_size_is_resized_and_a_single_picture_repeated():
    first, second = latent(3, 4, 4, 6), latent(1, 4, 8, 8, seed=2)
    expected = first.samples + resize(second.samples, 4, 6, "bilinear", "center")
    assert torch.equal(arithmetic.added(first, second).samples, expected)
    assert len(arithmetic.added(second, first).samples) == 3


def test_what_does_not_fit_is_told():
    with pytest.raises(ValueError, match="hold 2 and 3 pictures"):
        arithmetic.added(latent(2, 4, 2, 2), latent(3, 4, 2, 2))
    with pytest.raises(ValueError, match="'other'"):
        arithmetic.subtracted(latent(1, 4, 2, 2), latent(1, 4, 2, 2, space=OTHER))


def test_empty_latents_are_zeros_and_stay_empty_among_themselves():
    second = latent(1, 4, 4, 4)
    assert torch.equal(arithmetic.subtracted(empty(16, 16), second).samples, -second.samples)
    both = arithmetic.added(empty(16, 24), empty(64, 64))
    assert both.empty_size == (24, 16)
    assert arithmetic.multiplied(empty(16, 24), 3.0).empty_size == (24, 16)
