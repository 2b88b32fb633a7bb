import numpy as np
import pytest
import torch
from scipy import ndimage

from diffusion import morphology
from diffusion.values import Image

SCIPY = {
    "erode": ndimage.grey_erosion,
    "dilate": ndimage.grey_dilation,
    "open": ndimage.grey_opening,
    "close": ndimage.grey_closing,
    "gradient": ndimage.morphological_gradient,
    "bottom_hat": ndimage.black_tophat,
    "top_hat": ndimage.white_tophat,
}


def random_image(*shape: int, **facts) -> Image:
    return Image(torch.rand(shape, generator=torch.Generator().manual_seed(3)), **facts)


@pytest.mark.parametrize("side", [3, 4, 5, 8])
@pytest.mark.parametrize("operation", SCIPY)
def test_operations_are_scipys(operation, side):
    """The middle, which no edge reaches; scipy has something beyond the edges."""
    image = random_image(1, 60, 50, 2)
    found = morphology.morphed(image, operation, side).pixels.numpy()
    for channel in range(2):
        expected = SCIPY[operation](image.pixels[0, ..., channel].numpy(), size=(side, side))
        inside = np.s_[2 * side : -2 * side, 2 * side : -2 * side]
        np.testing.assert_allclose(found[0, ..., channel][inside], expected[inside], atol=1e-6)


@pytest.mark.parametrize("side", [3, 4, 999])
@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (1, 6)])
def test_beyond_the_edges_there_is_nothing(side, shape):
    image = random_image(1, *shape, 1)
    values = image.pixels[0, ..., 0]
    before, after = side // 2, (side - 1) // 2
    least, greatest = torch.empty(shape), torch.empty(shape)
    for y in range(shape[0]):
        for x in range(shape[1]):
            near = values[max(0, y - before) : y + after + 1, max(0, x - before) : x + after + 1]
            least[y, x] = near.min()
            near = values[max(0, y - after) : y + before + 1, max(0, x - after) : x + before + 1]
            greatest[y, x] = near.max()
    assert torch.equal(morphology.morphed(image, "erode", side).pixels[0, ..., 0], least)
    assert torch.equal(morphology.morphed(image, "dilate", side).pixels[0, ..., 0], greatest)


@pytest.mark.parametrize("side", [3, 4, 7])
def test_opening_is_below_and_closing_above_the_picture_and_twice_is_once(side):
    image = random_image(2, 20, 18, 3)
    opened, closed = (morphology.morphed(image, operation, side) for operation in ("open", "close"))
    assert (opened.pixels <= image.pixels).all()
    assert (closed.pixels >= image.pixels).all()
    assert torch.equal(morphology.morphed(opened, "open", side).pixels, opened.pixels)
    assert torch.equal(morphology.morphed(closed, "close", side).pixels, closed.pixels)


def test_differences_begin_at_the_black_of_the_range():
    flat = Image(torch.full((1, 5, 5, 1), 3.0), range=(2.0, 4.0))
    assert (morphology.morphed(flat, "gradient", 3).pixels == 2.0).all()


def test_an_unknown_operation_is_told():
    with pytest.raises(ValueError, match=r"There is no operation of morphology 'opne'\. Did you mean 'open'\?"):
        morphology.morphed(random_image(1, 3, 3, 1), "opne", 3)
