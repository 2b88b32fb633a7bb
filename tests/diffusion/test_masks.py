import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage
from scipy import ndimage

from diffusion import masks
from diffusion.values import Image, Mask


def random_mask(*shape: int, seed: int = 1) -> Mask:
    return Mask(torch.rand(shape, generator=torch.Generator().manual_seed(seed)))


def random_image(*shape: int) -> Image:
    return Image(torch.rand(shape, generator=torch.Generator().manual_seed(2)))


def test_solid_and_inverted():
    mask = masks.solid(0.25, 5, 3)
    assert mask.values.shape == (1, 3, 5)
    assert masks.inverted(mask).values.unique().tolist() == [0.75]


def test_cropped_is_a_slice_cut_at_the_edge():
    mask = random_mask(2, 6, 8)
    assert torch.equal(masks.cropped(mask, 1, 2, 3, 4).values, mask.values[:, 2:6, 1:4])
    assert torch.equal(masks.cropped(mask, 5, 4, 512, 512).values, mask.values[:, 4:, 5:])


def test_a_crop_beside_the_mask_is_refused():
    message = "A crop of 4×4 at (8, 0) holds nothing of a mask of 8×6 pixels. Choose a smaller x and y."
    with pytest.raises(ValueError, match=re.escape(message)):
        masks.cropped(random_mask(1, 6, 8), 8, 0, 4, 4)


NUMPY = {
    "multiply": np.multiply,
    "add": np.add,
    "subtract": np.subtract,
    "and": lambda a, b: np.logical_and(a.round(), b.round()),
    "or": lambda a, b: np.logical_or(a.round(), b.round()),
    "xor": lambda a, b: np.logical_xor(a.round(), b.round()),
}


@pytest.mark.parametrize("operation", NUMPY)
@pytest.mark.parametrize(("x", "y"), [(0, 0), (2, 1), (6, 5), (20, 20)])
def test_combined_is_numpys_operation_where_the_source_lies(operation, x, y):
    under, over = random_mask(2, 7, 9), random_mask(2, 4, 5, seed=7)
    expected = under.values.numpy().copy()
    there = expected[:, y : y + 4, x : x + 5]
    there[...] = NUMPY[operation](there, over.values.numpy()[:, : there.shape[1], : there.shape[2]])
    combined = masks.combined(under, over, x, y, operation).values
    np.testing.assert_allclose(combined.numpy(), expected.clip(0, 1), atol=1e-7)


def test_combined_repeats_the_source_over_the_batch():
    combined = masks.combined(random_mask(3, 4, 4), masks.solid(1.0, 4, 4), 0, 0, "multiply")
    assert torch.equal(combined.values, random_mask(3, 4, 4).values)
    assert masks.combined(random_mask(1, 4, 4), random_mask(3, 4, 4), 0, 0, "add").values.shape == (1, 4, 4)


def test_an_unknown_operation_is_named():
    with pytest.raises(ValueError, match="There is no mask operation 'substract'. Did you mean 'subtract'?"):
        masks.combined(random_mask(1, 2, 2), random_mask(1, 2, 2), 0, 0, "substract")


def test_feathered_multiplies_by_linear_ramps():
    feathered = masks.feathered(masks.solid(1.0, 8, 6), left=4, top=0, right=2, bottom=3).values[0]
    across = torch.tensor([0.25, 0.5, 0.75, 1, 1, 1, 1, 0.5])
    down = torch.tensor([1, 1, 1, 1, 2 / 3, 1 / 3])
    torch.testing.assert_close(feathered, down[:, None] * across)


def test_a_ramp_longer_than_the_mask_spans_it():
    feathered = masks.feathered(masks.solid(1.0, 4, 1), left=100, top=0, right=0, bottom=0).values
    assert feathered[0, 0].tolist() == [0.25, 0.5, 0.75, 1]


@given(st.integers(-5, 5), st.booleans(), st.tuples(st.integers(1, 12), st.integers(1, 12)), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_grown_is_scipys_grey_morphology(expand, tapered, size, seed):
    mask = random_mask(2, *size, seed=seed)
    footprint = ndimage.generate_binary_structure(2, 1 if tapered else 2)
    change = ndimage.grey_erosion if expand < 0 else ndimage.grey_dilation
    expected = mask.values.numpy()
    for _ in range(abs(expand)):
        expected = np.stack([change(one, footprint=footprint) for one in expected])
    assert np.array_equal(masks.grown(mask, expand, tapered_corners=tapered).values.numpy(), expected)


def test_a_grown_point_is_a_diamond_or_a_square():
    point = Mask(torch.zeros(1, 9, 9))
    point.values[0, 4, 4] = 1
    rows, columns = torch.meshgrid(torch.arange(9) - 4, torch.arange(9) - 4, indexing="ij")
    diamond, square = rows.abs() + columns.abs() <= 3, torch.maximum(rows.abs(), columns.abs()) <= 3
    assert torch.equal(masks.grown(point, 3, tapered_corners=True).values[0].bool(), diamond)
    assert torch.equal(masks.grown(point, 3, tapered_corners=False).values[0].bool(), square)
    assert masks.grown(point, 16384, tapered_corners=True).values.min() == 1


def test_thresholded_is_strict():
    assert masks.thresholded(Mask(torch.tensor([[[0.4, 0.5, 0.51]]])), 0.5).values.flatten().tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("channels", "channel", "index"),
    [(3, "red", 0), (3, "blue", 2), (4, "alpha", 3), (1, "green", 0), (2, "blue", 0), (2, "alpha", 1)],
)
def test_from_channel(channels, channel, index):
    image = random_image(2, 4, 5, channels)
    assert torch.equal(masks.from_channel(image, channel).values, image.pixels[..., index])


@pytest.mark.parametrize("channels", [1, 3])
def test_a_channel_that_is_not_there_is_said(channels):
    with pytest.raises(ValueError, match=f"The picture has {channels} channels and none of them is alpha"):
        masks.from_channel(random_image(1, 2, 2, channels), "alpha")


def test_from_colour_finds_what_pillow_painted():
    canvas = PilImage.new("RGB", (6, 5), "#336699")
    canvas.paste((0x33, 0x66, 0x9A), (2, 1, 4, 3))
    image = Image(torch.from_numpy(np.asarray(canvas).astype(np.float32) / 255)[None])
    expected = np.ones((1, 5, 6), np.float32)
    expected[0, 1:3, 2:4] = 0
    assert np.array_equal(masks.from_colour(image, 0x336699).values.numpy(), expected)
    assert masks.from_colour(Image(torch.ones(1, 2, 2, 1)), 0xFFFFFF).values.min() == 1


def test_to_image_is_grey_and_shares_nothing():
    mask = random_mask(2, 3, 4)
    image = masks.to_image(mask)
    assert image.pixels.shape == (2, 3, 4, 3)
    assert all(torch.equal(image.pixels[..., channel], mask.values) for channel in range(3))
    assert image.pixels.data_ptr() != mask.values.data_ptr()


def test_fitted_and_cycled():
    mask = random_mask(2, 4, 4)
    assert masks.fitted(mask, 4, 4, 2) is mask.values
    resized = masks.fitted(mask, 8, 6, 5)
    expected = torch.nn.functional.interpolate(mask.values[:, None], (8, 6), mode="bilinear")[:, 0]
    assert torch.equal(resized, expected[[0, 1, 0, 1, 0]])
    assert torch.equal(masks.cycled(mask.values, 1), mask.values[:1])


def test_no_mask_is_changed():
    mask, other = random_mask(2, 6, 6), random_mask(1, 3, 3)
    before = mask.values.clone()
    masks.combined(mask, other, 1, 1, "add")
    masks.feathered(mask, 2, 2, 2, 2)
    masks.grown(mask, 2, tapered_corners=True)
    masks.cropped(mask, 0, 0, 6, 6).values.zero_()
    assert torch.equal(mask.values, before)
