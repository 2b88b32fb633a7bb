import pytest
import torch

from diffusion import latent_parts as parts
from diffusion.latents import empty, picture_size
from diffusion.masks import to_image
from diffusion.pictures import composited
from diffusion.resize import resize
from diffusion.values import Image, Latent, LatentSpace, Mask

SPACE = LatentSpace("small", channels=4, factor=4, scale=1.0)


def latent(*shape: int, seed: int = 1, **facts) -> Latent:
    return Latent(torch.randn(shape, generator=torch.Generator().manual_seed(seed)), **({"space": SPACE} | facts))


@pytest.mark.parametrize(("direction", "axis", "order"), [("x", 3, 1), ("-x", 3, -1), ("y", 2, 1), ("-y", 2, -1)])
def test_beside_is_torchs_cat(direction, axis, order):
    first, second = latent(2, 4, 5, 5), latent(2, 4, 5, 5, seed=2)
    expected = torch.cat([first.samples, second.samples][::order], dim=axis)
    assert torch.equal(parts.beside(first, second, direction).samples, expected)


def test_beside_repeats_a_single_picture_and_takes_masks_along():
    first, second = latent(2, 4, 3, 5, noise_mask=torch.zeros(1, 12, 20)), latent(1, 4, 3, 2, seed=2)
    made = parts.beside(first, second, "x")
    assert torch.equal(made.samples[1, :, :, 5:], second.samples[0])
    assert made.noise_mask is not None
    assert made.noise_mask.tolist() == [[[0.0] * 5 + [1.0] * 2] * 3]
    made = parts.beside(first, second, "-x")
    assert made.noise_mask is not None
    assert made.noise_mask.tolist() == [[[1.0] * 2 + [0.0] * 5] * 3]


def test_sides_that_would_meet_must_be_equally_long():
    with pytest.raises(ValueError, match="20×12 and 16×16 picture pixels cannot be joined along x"):
        parts.beside(latent(1, 4, 3, 5), latent(1, 4, 4, 4), "-x")
    assert parts.beside(latent(1, 4, 3, 5), latent(1, 4, 9, 5), "y").samples.shape[2] == 12


def test_time_and_unknown_directions_are_told():
    for call in (
        lambda way: parts.beside(latent(1, 4, 2, 2), latent(1, 4, 2, 2), way),
        lambda way: parts.cut(latent(1, 4, 2, 2), way, 0, 1),
    ):
        with pytest.raises(ValueError, match="no time"):
            call("t")
        with pytest.raises(ValueError, match="There is no direction 'z'"):
            call("z")


@pytest.mark.parametrize(
    ("index", "amount", "kept"),
    [(0, 2, (0, 2)), (3, 99, (3, 6)), (99, 1, (5, 6)), (-2, 1, (4, 5)), (-2, 99, (4, 6)), (-99, 3, (0, 3))],
)
@pytest.mark.parametrize("direction", ["x", "y"])
def test_cut_is_a_slice_of_latent_and_mask(index, amount, kept, direction):
    mask = torch.rand(1, 24, 24, generator=torch.Generator().manual_seed(3))
    made = parts.cut(latent(2, 4, 6, 6, noise_mask=mask), direction, index, amount)
    place, mask_place = slice(*kept), slice(kept[0] * 4, kept[1] * 4)
    samples = latent(2, 4, 6, 6).samples
    assert made.noise_mask is not None
    if direction == "x":
        assert torch.equal(made.samples, samples[..., place])
        assert torch.equal(made.noise_mask, mask[..., mask_place])
    else:
        assert torch.equal(made.samples, samples[..., place, :])
        assert torch.equal(made.noise_mask, mask[:, mask_place])


def test_empty_latents_stay_empty():
    assert parts.beside(empty(64, 32), empty(16, 32), "x").empty_size == (32, 80)
    assert parts.beside(empty(64, 32), empty(64, 8), "-y").empty_size == (40, 64)
    assert parts.cut(empty(64, 32), "x", 2, 3).empty_size == (32, 24)
    batched = parts.batched(empty(64, 32, 2), empty(16, 16))
    assert (batched.empty_size, len(batched.samples)) == ((32, 64), 3)
    below = empty(64, 32)
    assert parts.composited(below, empty(8, 8), 0, 0, resize_source=False) is below


def test_an_empty_latent_beside_another_is_zeros():
    made = parts.beside(latent(1, 4, 4, 4), empty(8, 16), "x")
    assert made.samples.shape == (1, 4, 4, 6)
    assert (made.samples[..., 4:] == 0).all()


def test_batched_keeps_places_and_resizes_the_second():
    first, second = latent(2, 4, 4, 6, batch_index=(7, 9)), latent(3, 4, 8, 8, seed=2)
    made = parts.batched(first, second)
    assert torch.equal(made.samples[:2], first.samples)
    assert torch.equal(made.samples[2:], resize(second.samples, 4, 6, "bilinear", "center"))
    assert (made.batch_index, made.noise_mask) == ((7, 9, 0, 1, 2), None)


@pytest.mark.parametrize("masked", [0, 1])
def test_batched_pictures_without_a_mask_are_repainted_wholly(masked):
    pair = [latent(2, 4, 4, 4), latent(1, 4, 4, 4)]
    pair[masked] = latent(*pair[masked].samples.shape, noise_mask=torch.full((1, 16, 16), 0.25))
    made = parts.batched(*pair)
    assert made.noise_mask is not None
    values = made.noise_mask.flatten(1).unique(dim=1).flatten().tolist()
    assert values == ([0.25, 0.25, 1.0] if masked == 0 else [1.0, 1.0, 0.25])


def test_seeds_are_those_of_the_first_or_of_each():
    assert parts.with_seeds(latent(3, 4, 2, 2), fixed=True).batch_index == (0, 0, 0)
    placed = latent(3, 4, 2, 2, batch_index=(5, 6, 7))
    assert parts.with_seeds(placed, fixed=True).batch_index == (5, 5, 5)
    assert parts.with_seeds(placed, fixed=False).batch_index is None


@pytest.mark.parametrize("resized", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_composited_is_what_pictures_do(resized, masked):
    """The same as laying pictures, whose places are in pixels, on each other."""
    below, above = latent(2, 4, 8, 6), latent(2, 4, 5, 7, seed=2)
    mask = Mask(torch.rand(1, 9, 9, generator=torch.Generator().manual_seed(3))) if masked else None
    made = parts.composited(below, above, 10, 7, resize_source=resized, mask=mask)
    pictures = [Image(item.samples.movedim(1, -1)) for item in (below, above)]
    expected = composited(*pictures, 2, 1, resize_source=resized, mask=mask).pixels.movedim(-1, 1)
    assert torch.allclose(made.samples, expected, atol=1e-6)


def test_composited_outside_is_told():
    with pytest.raises(ValueError, match=r"At x = 24, y = 0 the source lies outside the destination, which is 24×32"):
        parts.composited(latent(1, 4, 8, 6), latent(1, 4, 2, 2), 24, 0, resize_source=False)


def test_parts_put_together_are_the_whole():
    whole = latent(1, 4, 6, 8, noise_mask=to_image(Mask(torch.rand(1, 6, 8))).pixels[..., 0])
    halves = parts.cut(whole, "x", 0, 4), parts.cut(whole, "x", 4, 4)
    again = parts.beside(*halves, "x")
    assert torch.equal(again.samples, whole.samples)
    assert torch.equal(again.noise_mask, whole.noise_mask)
    assert picture_size(again) == picture_size(whole)
