import math

import numpy as np
import pytest
import torch
from PIL import Image as PilImage
from torch.nn import functional

from diffusion import pictures
from diffusion.resize import resize
from diffusion.values import Image, Mask


def random_image(*shape: int, seed: int = 1, **facts) -> Image:
    return Image(torch.rand(shape, generator=torch.Generator().manual_seed(seed)), **facts)


def test_empty_is_pillows_colour():
    image = pictures.empty(3, 2, 4, 0x123456)
    assert image.pixels.shape == (4, 2, 3, 3)
    levels = (image.pixels[1] * 255).round().byte().numpy()
    assert np.array_equal(levels, np.asarray(PilImage.new("RGB", (3, 2), "#123456")))


@pytest.mark.parametrize(
    ("width", "height", "expected"), [(20, 30, (30, 20)), (20, 0, (10, 20)), (0, 5, (5, 10)), (1, 0, (1, 1))]
)
def test_scaled_sizes(width, height, expected):
    scaled = pictures.scaled(random_image(2, 8, 16, 3), width, height, "bicubic", "disabled")
    assert scaled.pixels.shape == (2, *expected, 3)


def test_scaled_to_nothing_is_the_picture_itself():
    image = random_image(1, 4, 4, 3)
    assert pictures.scaled(image, 0, 0, "area", "center") is image


@pytest.mark.parametrize("method", ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"])
def test_scaled_pixels_are_those_of_resize(method):
    image = random_image(2, 8, 16, 4)
    expected = resize(image.pixels.permute(0, 3, 1, 2), 6, 7, method, "center").permute(0, 2, 3, 1)
    assert torch.equal(pictures.scaled(image, 7, 6, method, "center").pixels, expected)


def test_scaling_keeps_what_is_known_of_the_picture():
    image = random_image(1, 8, 16, 1, range=(0.0, 4000.0), spacing=(0.5, 0.25), source_bits=16)
    scaled = pictures.scaled(image, 8, 8, "area", "disabled")
    assert (scaled.range, scaled.spacing, scaled.source_bits) == ((0.0, 4000.0), (0.5, 0.5), 16)
    assert pictures.scaled(image, 4, 4, "area", "center").spacing == (1.0, 0.5)


@pytest.mark.parametrize(("factor", "size"), [(1.5, (6, 15)), (0.01, (1, 1)), (8.0, (32, 80))])
def test_scaled_by(factor, size):
    assert pictures.scaled_by(random_image(1, 4, 10, 3), factor, "bilinear").pixels.shape == (1, *size, 3)


def test_inverted():
    image = random_image(1, 3, 3, 3)
    assert torch.equal(pictures.inverted(image).pixels, 1 - image.pixels)
    measured = Image(torch.tensor([10.0, 30.0]).reshape(1, 1, 2, 1), range=(10.0, 30.0))
    assert pictures.inverted(measured).pixels.flatten().tolist() == [30, 10]


def test_levelled():
    image = random_image(1, 3, 3, 3)
    assert pictures.levelled(image) is image.pixels
    measured = Image(torch.tensor([-5.0, 0.0, 15.0]).reshape(1, 1, 3, 1), range=(-5.0, 15.0))
    assert pictures.levelled(measured).flatten().tolist() == [0, 0.25, 1]


def test_batched_resizes_the_second_with_its_middle_cut_out():
    first, second = random_image(2, 6, 6, 3), random_image(1, 6, 12, 3, seed=2)
    batch = pictures.batched(first, second).pixels
    assert torch.equal(batch[:2], first.pixels)
    assert torch.equal(batch[2], second.pixels[0, :, 3:9])


@pytest.mark.parametrize(("first", "second"), [(3, 4), (4, 3), (1, 3), (2, 3), (1, 2), (2, 4), (1, 4)])
def test_batched_gives_both_the_channels_of_the_richer(first, second):
    pixels = pictures.batched(random_image(1, 2, 2, first), random_image(1, 2, 2, second)).pixels
    assert pixels.shape == (2, 2, 2, max(first, second))
    poorer, index = min((first, 0), (second, 1))
    if max(first, second) == 4 and poorer in (1, 3):
        assert (pixels[index, ..., 3] == 1).all()
    if poorer == 1:
        assert torch.equal(pixels[index, ..., 0], random_image(1, 2, 2, 1).pixels[0, ..., 0])


def test_joined_makes_one_batch_of_any_number_of_pictures():
    first, second, third = random_image(2, 4, 4, 3), random_image(1, 4, 4, 4), random_image(1, 8, 8, 3)
    pixels = pictures.joined((first, second, third)).pixels
    assert torch.equal(pixels, pictures.batched(pictures.batched(first, second), third).pixels)
    assert torch.equal(pictures.joined((first,)).pixels, first.pixels)
    with pytest.raises(ValueError, match="There is no picture to make a batch of"):
        pictures.joined(())


def test_batched_brings_the_second_to_the_range_of_the_first():
    scan = Image(torch.full((1, 2, 2, 1), 100.0), range=(0.0, 200.0))
    assert pictures.batched(scan, Image(torch.full((1, 2, 2, 1), 0.25))).pixels[:, 0, 0, 0].tolist() == [100, 50]


def test_many_channels_cannot_be_joined_with_few():
    with pytest.raises(ValueError, match="A picture of 3 channels cannot be joined with one of 7"):
        pictures.batched(random_image(1, 2, 2, 7), random_image(1, 2, 2, 3))


def test_padding_is_grey_around_the_same_pixels():
    image = random_image(2, 5, 7, 3)
    padded, mask = pictures.padded_for_outpainting(image, 8, 16, 24, 0, 0)
    assert padded.pixels.shape == (2, 21, 39, 3)
    assert torch.equal(padded.pixels[:, 16:, 8:15], image.pixels)
    outside = mask.values[0].bool()
    assert mask.values.shape == (1, 21, 39)
    assert (padded.pixels[:, outside] == 0.5).all()
    assert outside.sum() == 21 * 39 - 5 * 7


def test_feathering_falls_with_the_square_of_the_distance_from_padded_sides_only():
    _, mask = pictures.padded_for_outpainting(random_image(1, 30, 40, 3), 8, 0, 0, 4, 10)
    inside = mask.values[0, :30, 8:]
    for y, x in [(0, 0), (3, 4), (12, 9), (12, 10), (29, 39), (25, 3), (21, 20)]:
        distance = min(x, 30 - y)
        expected = max(0.0, (10 - distance) / 10) ** 2
        assert math.isclose(inside[y, x], expected, abs_tol=1e-6), (y, x)
    assert inside[:20, 10:].max() == 0


@pytest.mark.parametrize("feathering", [0, 4, 40])
def test_no_feathering_in_a_picture_too_small_for_it(feathering):
    _, mask = pictures.padded_for_outpainting(random_image(1, 8, 20, 3), 8, 8, 8, 8, feathering)
    assert mask.values[0, 8:16, 8:28].max() == 0


def test_the_margin_of_a_measured_picture_is_the_middle_of_its_range():
    padded, _ = pictures.padded_for_outpainting(random_image(1, 2, 2, 1, range=(100.0, 300.0)), 1, 0, 0, 0, 0)
    assert padded.pixels[0, 0, 0, 0] == 200


@pytest.mark.parametrize(("x", "y"), [(0, 0), (3, 2), (8, 5), (30, 30)])
def test_composited_is_pillows_paste(x, y):
    under, over = random_image(1, 7, 10, 3), random_image(1, 4, 5, 3, seed=2)
    levels = [PilImage.fromarray((image.pixels[0] * 255).round().byte().numpy()) for image in (under, over)]
    levels[0].paste(levels[1], (x, y))
    composited = pictures.composited(under, over, x, y, resize_source=False)
    assert np.array_equal((composited.pixels[0] * 255).round().byte().numpy(), np.asarray(levels[0]))


def test_a_mask_of_another_size_blends_linearly():
    under, over = random_image(2, 8, 8, 3), random_image(1, 4, 4, 3, seed=2)
    mask = Mask(torch.rand((1, 9, 3), generator=torch.Generator().manual_seed(3)))
    weight = functional.interpolate(mask.values[:, None], (4, 4), mode="bilinear")[0, 0, ..., None]
    expected = under.pixels.clone()
    expected[:, 1:5, 2:6] = weight * over.pixels + (1 - weight) * expected[:, 1:5, 2:6]
    composited = pictures.composited(under, over, 2, 1, resize_source=False, mask=mask)
    torch.testing.assert_close(composited.pixels, expected)


def test_a_resized_source_covers_the_destination():
    under, over = random_image(1, 8, 6, 3), random_image(1, 4, 5, 3, seed=2)
    composited = pictures.composited(under, over, 0, 0, resize_source=True)
    assert torch.equal(composited.pixels, pictures.scaled(over, 6, 8, "bilinear", "disabled").pixels)


@pytest.mark.parametrize(("under", "over"), [(3, 4), (4, 3), (3, 1), (1, 2), (3, 2)])
def test_the_destination_decides_batch_and_channels(under, over):
    destination, source = random_image(3, 4, 4, under), random_image(2, 2, 2, over, seed=2)
    composited = pictures.composited(destination, source, 1, 1, resize_source=False).pixels
    assert composited.shape == (3, 4, 4, under)
    assert torch.equal(composited[2, 1:3, 1:3, 0], source.pixels[0, ..., 0])
    if under == 4:
        assert (composited[:, 1:3, 1:3, 3] == 1).all()


def test_colours_do_not_fit_on_grey():
    with pytest.raises(ValueError, match="A picture of 3 channels cannot be laid on a grey one"):
        pictures.composited(random_image(1, 2, 2, 1), random_image(1, 2, 2, 3), 0, 0, resize_source=False)


def test_no_picture_is_changed():
    image, other = random_image(2, 6, 6, 3), random_image(1, 3, 3, 4, seed=2)
    before = image.pixels.clone(), other.pixels.clone()
    pictures.composited(image, other, 1, 1, resize_source=False)
    pictures.batched(image, other)
    pictures.padded_for_outpainting(image, 1, 1, 1, 1, 1)
    pictures.inverted(image)
    assert torch.equal(image.pixels, before[0])
    assert torch.equal(other.pixels, before[1])
