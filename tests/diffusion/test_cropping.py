"""Crop and stitch: what is outside the feathered mask stays to the bit, whatever is put back."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import Tensor

from diffusion import codecs
from diffusion.cropping import crop, feathered, put_back, repainted
from diffusion.framing import Framing
from diffusion.pictures import padded_for_outpainting
from diffusion.resize import resize
from diffusion.values import Box, Image, Mask, Stitch
from graph.codec import Codecs

KEEP = Framing(width=0, height=0)


def random_image(*shape: int, seed: int = 1, **facts) -> Image:
    return Image(torch.rand(shape, generator=torch.Generator().manual_seed(seed)), **facts)


def rectangle(height: int, width: int, top: int, left: int, bottom: int, right: int, value: float = 1.0) -> Mask:
    values = torch.zeros(1, height, width)
    values[:, top:bottom, left:right] = value
    return Mask(values)


def near(mask: Tensor, pixels: int) -> Tensor:
    """Everything within a square of `pixels` around what the mask covers, by SciPy."""
    side = 2 * pixels + 1
    return torch.from_numpy(ndimage.maximum_filter(mask.numpy(), (1, side, side), mode="constant")) > 0


@pytest.mark.parametrize("framing", [KEEP, Framing(width=96, height=64), Framing(width=48, height=0)])
@pytest.mark.parametrize("method", ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"])
def test_outside_the_feathered_mask_nothing_changes(framing: Framing, method: str) -> None:
    original, mask = random_image(1, 90, 120, 3), rectangle(90, 120, 30, 40, 50, 70)
    framing = Framing(framing.factor, 4, framing.width, framing.height, 8, method)
    stitch, part, _ = crop(original, repainted(mask, original), framing, feather=6)
    result = put_back(stitch, Image(torch.full_like(part.pixels, 2.0))).pixels
    outside = ~near(mask.values, 6)
    assert torch.equal(result[outside], original.pixels[outside])
    inside = mask.values > 0
    torch.testing.assert_close(result[inside], torch.full_like(result[inside], 2.0))
    between = ~outside & ~inside
    assert (result[between] > original.pixels[between]).any()


def test_even_what_is_not_finite_stays_outside() -> None:
    original, mask = random_image(1, 40, 40, 3), rectangle(40, 40, 15, 15, 25, 25)
    original.pixels[0, 14, 12] = -0.0
    stitch, part, _ = crop(original, repainted(mask, original), KEEP, feather=0)
    result = put_back(stitch, Image(torch.full_like(part.pixels, math.nan))).pixels
    assert result[mask.values > 0].isnan().all()
    outside = mask.values == 0
    assert torch.equal(result[outside].view(torch.int32), original.pixels[outside].view(torch.int32))


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(0, 10**6),
    st.integers(0, 9),
    st.tuples(st.integers(0, 70), st.integers(0, 70)),
    st.floats(1, 4),
)
@settings(max_examples=80, deadline=None)
def test_any_mask_of_any_picture(height, width, seed, feather, target, factor) -> None:
    generator = torch.Generator().manual_seed(seed)
    original = random_image(1, height, width, 3, seed=seed)
    mask = Mask((torch.rand(1, height, width, generator=generator) - 0.9).clamp(min=0) * 10)
    mask.values[0, height // 2, width // 3] = 1.0
    repaint = repainted(mask, original)
    stitch, part, part_mask = crop(original, repaint, Framing(factor, 0, *target, 8), feather)
    assert part.pixels.shape == (1, *stitch.size, 3)
    assert part_mask.values.shape == (1, *stitch.size)
    assert part_mask.values.min() >= 0
    assert part_mask.values.max() <= 1
    result = put_back(stitch, Image(part.pixels + 1)).pixels
    assert result.shape == original.pixels.shape
    outside = ~near(repaint.values, feather)
    assert torch.equal(result[outside], original.pixels[outside])
    covered = repaint.values == 1
    assert (result[covered] > original.pixels[covered]).all() or target != (0, 0)


def test_a_crop_of_its_own_size_is_a_slice_and_comes_back_to_the_bit() -> None:
    original, mask = random_image(1, 90, 120, 3), rectangle(90, 120, 30, 40, 46, 72)
    stitch, part, part_mask = crop(original, repainted(mask, original), Framing(2, 0, 0, 0), feather=4)
    assert stitch.boxes == (Box(24, 22, 64, 32),)
    assert torch.equal(part.pixels, original.pixels[:, 22:54, 24:88])
    assert torch.equal(part_mask.values, mask.values[:, 22:54, 24:88])
    assert torch.equal(put_back(stitch, part).pixels, original.pixels)
    fresh = random_image(1, 32, 64, 3, seed=5)
    result = put_back(stitch, fresh).pixels
    assert torch.equal(result[:, 30:46, 40:72], fresh.pixels[:, 8:24, 16:48])


def test_a_resized_crop_is_resize_of_the_slice_there_and_back() -> None:
    original, mask = random_image(1, 90, 120, 3), rectangle(90, 120, 30, 40, 50, 60)
    stitch, part, part_mask = crop(original, repainted(mask, original), Framing(1, 6, 64, 64, 8, "bicubic"), 0)
    planes = original.pixels.movedim(-1, 1)[..., 24:56, 34:66]
    assert torch.equal(part.pixels, resize(planes, 64, 64, "bicubic").movedim(1, -1))
    assert torch.equal(part_mask.values, resize(mask.values[:, None, 24:56, 34:66], 64, 64, "bilinear")[:, 0])
    fresh = random_image(1, 64, 64, 3, seed=5)
    back = resize(fresh.pixels.movedim(-1, 1), 32, 32, "bicubic").movedim(1, -1)
    assert torch.equal(put_back(stitch, fresh).pixels[:, 30:50, 40:60], back[:, 6:26, 6:26])


def test_a_thin_mask_survives_shrinking() -> None:
    original, mask = random_image(1, 200, 200, 3), rectangle(200, 200, 20, 100, 180, 101)
    part_mask = crop(original, repainted(mask, original), Framing(1, 0, 32, 32), 0)[2]
    assert (part_mask.values.amax(dim=2) > 0).all()


def test_a_picture_that_is_too_small_is_extended_by_its_edges() -> None:
    original, mask = random_image(1, 20, 60, 3), rectangle(20, 60, 0, 0, 20, 60)
    stitch, part, part_mask = crop(original, repainted(mask, original), Framing(1, 0, 60, 60, 1), 0)
    assert stitch.boxes == (Box(0, -20, 60, 60),)
    expected = np.pad(original.pixels.numpy(), ((0, 0), (20, 20), (0, 0), (0, 0)), mode="edge")
    assert np.array_equal(part.pixels.numpy(), expected)
    assert part_mask.values.min() == 1
    fresh = random_image(1, 60, 60, 3, seed=2)
    assert torch.equal(put_back(stitch, fresh).pixels, fresh.pixels[:, 20:40])


def test_what_lies_beyond_the_picture_is_repainted_and_thrown_away() -> None:
    original, mask = random_image(1, 8, 60, 3), rectangle(8, 60, 2, 10, 6, 14)
    stitch, _, part_mask = crop(original, repainted(mask, original), Framing(1, 0, 0, 0, 16), 0)
    assert stitch.boxes == (Box(4, -4, 16, 16),)
    assert (part_mask.values[:, :4] == 1).all()
    assert (part_mask.values[:, 12:] == 1).all()
    assert torch.equal(part_mask.values[:, 4:12], mask.values[:, :, 4:20])


def test_every_picture_of_a_batch_has_its_own_crop() -> None:
    original = random_image(2, 100, 100, 3)
    mask = Mask(torch.cat([rectangle(100, 100, 5, 5, 20, 20).values, rectangle(100, 100, 70, 40, 90, 90).values]))
    stitch, part, part_mask = crop(original, repainted(mask, original), Framing(width=64, height=64), 4)
    assert (part.pixels.shape, part_mask.values.shape, len(stitch.boxes)) == ((2, 64, 64, 3), (2, 64, 64), 2)
    result = put_back(stitch, Image(torch.stack([torch.full((64, 64, 3), value) for value in (2.0, 3.0)]))).pixels
    for index, value in enumerate((2.0, 3.0)):
        inside, outside = mask.values[index] > 0, ~near(mask.values, 4)[index]
        torch.testing.assert_close(result[index][inside], torch.full_like(result[index][inside], value))
        assert torch.equal(result[index][outside], original.pixels[index][outside])


def test_one_mask_holds_for_all_pictures_and_several_answers_for_one_crop() -> None:
    original, mask = random_image(2, 40, 40, 3), rectangle(40, 40, 10, 10, 20, 20)
    stitch, part, _ = crop(original, repainted(mask, original), KEEP, 0)
    answers = [torch.full_like(part.pixels, value) for value in (2.0, 3.0)]
    result = put_back(stitch, Image(torch.cat(answers))).pixels
    assert result.shape[0] == 4
    assert result[:, 15, 15, 0].tolist() == [2, 2, 3, 3]
    assert torch.equal(result[:2, :10], original.pixels[:, :10])
    assert torch.equal(result[2:, :10], original.pixels[:, :10])


def test_numbers_and_sizes_that_do_not_fit_are_refused() -> None:
    original = random_image(2, 40, 40, 3)
    stitch, *_ = crop(original, repainted(rectangle(40, 40, 10, 10, 20, 20), original), Framing(1, 0, 64, 64), 0)
    with pytest.raises(ValueError, match="3 pictures cannot be put back into 2 crops. Give one picture for each crop"):
        put_back(stitch, random_image(3, 64, 64, 3))
    message = "The picture has 96×64 pixels, but the crop has 64×64: its proportions are others."
    with pytest.raises(ValueError, match=message):
        put_back(stitch, random_image(2, 64, 96, 3))
    assert put_back(stitch, random_image(2, 256, 256, 3)).pixels.shape == (2, 40, 40, 3)
    message = "There are 3 masks for 2 pictures. Give one mask, or one for each picture of the batch."
    with pytest.raises(ValueError, match=re.escape(message)):
        repainted(Mask(torch.ones(3, 40, 40)), original)


@pytest.mark.parametrize(("count", "whose"), [(1, ""), (2, " of picture 2")])
def test_an_empty_mask_is_refused(count: int, whose: str) -> None:
    original = random_image(count, 16, 16, 3)
    values = torch.ones(count, 16, 16)
    values[-1] = 0.001
    message = f"The mask{whose} is empty: nothing is to be repainted. Paint a mask, or turn it round (invert)."
    with pytest.raises(ValueError, match=re.escape(message)):
        crop(original, repainted(Mask(values), original), KEEP, 0)


def test_the_context_mask_is_in_the_crop_but_not_repainted() -> None:
    original, mask = random_image(1, 100, 100, 3), rectangle(100, 100, 10, 10, 20, 20)
    context = rectangle(100, 100, 80, 70, 90, 90)
    stitch, _, part_mask = crop(original, repainted(mask, original), Framing(1, 0, 0, 0, 1), 0, context)
    assert stitch.boxes == (Box(10, 10, 80, 80),)
    assert part_mask.values.sum() == 100


@pytest.mark.parametrize(("channels", "fresh", "result"), [(4, 3, 4), (1, 3, 3), (2, 3, 4), (1, 1, 1), (3, 4, 3)])
def test_grey_pictures_get_colours_and_alpha_is_kept(channels: int, fresh: int, result: int) -> None:
    original, mask = random_image(1, 24, 24, channels), rectangle(24, 24, 8, 8, 16, 16)
    stitch, part, _ = crop(original, repainted(mask, original), KEEP, 0)
    assert part.pixels.shape[3] == channels
    whole = put_back(stitch, random_image(1, *stitch.size, fresh, seed=2)).pixels
    assert whole.shape[3] == result
    outside = mask.values == 0
    assert torch.equal(whole[outside][:, 0], original.pixels[outside][:, 0])
    if channels in (2, 4):
        assert torch.equal(whole[outside][:, -1], original.pixels[outside][:, -1])
        assert (whole[~outside][:, -1] == 1).all()


def test_measured_pictures_keep_their_range_and_spacing() -> None:
    original = Image(torch.full((1, 24, 24, 1), 50.0), range=(0.0, 200.0), spacing=(0.5, 0.5), source_bits=16)
    stitch, part, _ = crop(original, repainted(rectangle(24, 24, 8, 8, 16, 16), original), KEEP, 0)
    assert (part.range, part.spacing) == ((0.0, 200.0), (0.5, 0.5))
    whole = put_back(stitch, Image(torch.ones(1, *stitch.size, 1)))
    assert (whole.range, whole.spacing, whole.source_bits) == ((0.0, 200.0), (0.5, 0.5), 16)
    assert whole.pixels[0, 12, 12, 0] == 200
    assert crop(original, repainted(rectangle(24, 24, 8, 8, 16, 16), original), Framing(), 0)[1].spacing is None


@pytest.mark.parametrize("pixels", [1, 2, 3, 8, 16, 17])
def test_a_feather_is_a_cosine_that_ends_after_so_many_pixels(pixels: int) -> None:
    values = torch.zeros(1, 9, 60)
    values[..., :20] = 1
    ramp = feathered(values, pixels)[0, 4, 20:]
    assert (ramp[:pixels] > 0).all()
    assert (ramp[pixels:] == 0).all()
    assert (feathered(values, pixels)[..., :20] == 1).all()
    assert (ramp.diff() <= 0).all()
    expected = [(1 + math.cos(math.pi * (place + 0.5) / pixels)) / 2 for place in range(pixels)]
    if pixels % 2 == 0:
        np.testing.assert_allclose(ramp[:pixels].numpy(), expected, atol=0.6 / pixels)


@given(st.integers(0, 12), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_a_feathered_soft_mask_is_nowhere_less_and_soft_all_the_same(pixels: int, seed: int) -> None:
    values = torch.rand(2, 14, 11, generator=torch.Generator().manual_seed(seed)) ** 4
    result = feathered(values, pixels)
    assert (result >= values).all()
    assert result.max() <= values.max() + 1e-6


def test_soft_masks_blend_by_their_values() -> None:
    original, mask = Image(torch.zeros(1, 32, 32, 3)), rectangle(32, 32, 8, 8, 24, 24, value=0.25)
    stitch, part, part_mask = crop(original, repainted(mask, original), KEEP, 0)
    assert part_mask.values.max() == 0.25
    assert put_back(stitch, Image(torch.ones_like(part.pixels))).pixels.unique().tolist() == [0, 0.25]


def minimax(plane: np.ndarray) -> np.ndarray:
    """Holes filled by definition: the lowest pass on any way to the edge, found by letting it rise until it stays."""
    level = np.full_like(plane, np.inf)
    edge = np.zeros(plane.shape, dtype=bool)
    edge[[0, -1]] = edge[:, [0, -1]] = True
    level[edge] = plane[edge]
    while True:
        lowest = ndimage.minimum_filter(level, footprint=ndimage.generate_binary_structure(2, 1), mode="nearest")
        lower = np.minimum(level, np.maximum(plane, lowest))
        if np.array_equal(lower, level):
            return level
        level = lower


def test_holes_are_filled_to_the_level_of_their_rim() -> None:
    """A soft ring, in sixteenths: then it is the textbook's filling to the bit."""
    rows, columns = np.mgrid[:41, :41]
    ring = np.exp(-((np.hypot(rows - 20, columns - 20) - 12) ** 2) / 8) * 0.9
    plane = np.float32(np.floor(ring * 16) / 16)
    filled = repainted(Mask(torch.from_numpy(plane)[None]), random_image(1, 41, 41, 3), fill_holes=True).values[0]
    assert np.array_equal(filled.numpy(), minimax(plane))
    assert filled[20, 20] == plane.max()


def test_only_what_does_not_touch_the_edge_has_holes() -> None:
    image = random_image(1, 60, 60, 3)
    frame = Mask(1 - rectangle(60, 60, 10, 10, 50, 50).values)
    assert torch.equal(repainted(frame, image, fill_holes=True).values, frame.values)
    ring = Mask(rectangle(60, 60, 20, 20, 40, 40).values - rectangle(60, 60, 25, 25, 35, 35).values)
    assert torch.equal(repainted(ring, image, fill_holes=True).values, rectangle(60, 60, 20, 20, 40, 40).values)
    assert torch.equal(repainted(ring, image).values, ring.values)
    both = Mask(torch.maximum(frame.values, ring.values))
    expected = torch.maximum(frame.values, rectangle(60, 60, 20, 20, 40, 40).values)
    assert torch.equal(repainted(both, image, fill_holes=True).values, expected)


def test_masks_are_fitted_turned_round_and_grown() -> None:
    image = random_image(2, 32, 48, 3)
    assert repainted(Mask(torch.ones(1, 8, 8)), image).values.shape == (2, 32, 48)
    mask = rectangle(32, 48, 10, 10, 20, 20)
    assert torch.equal(repainted(mask, image, invert=True).values[0], 1 - mask.values[0])
    grown = repainted(mask, image, grow=3).values[0]
    reach = ndimage.grey_dilation(mask.values[0].numpy(), footprint=np.add.outer(*[abs(np.arange(-3, 4))] * 2) <= 3)
    assert np.array_equal(grown.numpy(), reach)


def test_outpainting_keeps_the_picture_inside() -> None:
    original = random_image(1, 60, 80, 3)
    padded, mask = padded_for_outpainting(original, 16, 0, 24, 8, feathering=10)
    stitch, part, part_mask = crop(padded, repainted(mask, padded, fill_holes=True), Framing(width=96, height=96), 6)
    assert part_mask.values.min() < 0.01
    result = put_back(stitch, Image(torch.full_like(part.pixels, 0.9))).pixels
    assert result.shape == padded.pixels.shape
    untouched = result[:, 0:60, 16:96][:, : 60 - 17, 17 : 80 - 17]
    assert torch.equal(untouched, original.pixels[:, : 60 - 17, 17 : 80 - 17])
    margin = mask.values == 1
    torch.testing.assert_close(result[margin], torch.full_like(result[margin], 0.9))


def test_a_stitch_is_kept_and_comes_back_as_it_was() -> None:
    original = random_image(1, 32, 32, 3)
    stitch, part, _ = crop(original, repainted(rectangle(32, 32, 8, 8, 16, 16), original), Framing(), 3)
    kept = Codecs()
    codecs.register(kept)
    encoded = kept.encode(stitch)
    assert encoded is not None
    assert encoded.stored
    data = encoded.data if isinstance(encoded.data, bytes) else b"".join(encoded.data)
    found = kept.decode(encoded.codec, data)
    assert isinstance(found, Stitch)
    assert (found.boxes, found.size, found.method) == (stitch.boxes, stitch.size, stitch.method)
    assert torch.equal(put_back(found, part).pixels, put_back(stitch, part).pixels)
