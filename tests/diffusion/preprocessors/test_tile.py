import pytest
import torch

from diffusion.preprocessors.tile import tile
from diffusion.values import Image


def random_image(*shape: int) -> Image:
    return Image(torch.rand(shape, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("factor", [1.0, 2.5, 8.0, 64.0])
def test_batch_size_and_range_stay(factor: float) -> None:
    made = tile(random_image(2, 33, 50, 4), factor).pixels
    assert made.shape == (2, 33, 50, 3)
    assert made.min() >= 0
    assert made.max() <= 1


def test_a_factor_of_one_changes_nothing() -> None:
    image = random_image(1, 9, 7, 3)
    assert torch.equal(tile(image, 1.0).pixels, image.pixels)


def test_detail_below_the_factor_is_gone_and_what_is_larger_stays() -> None:
    """A checkerboard of single pixels becomes its mean; half black and half white stay so, away from the border."""
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    checks = ((rows + columns) % 2).float().expand(3, -1, -1).movedim(0, -1)[None]
    assert torch.allclose(tile(Image(checks), 8.0).pixels, torch.tensor(0.5), atol=1e-6)
    halves = (columns >= 32).float().expand(3, -1, -1).movedim(0, -1)[None]
    made = tile(Image(halves), 8.0).pixels
    assert made[:, :, :16].max() < 0.01
    assert made[:, :, 48:].min() > 0.99
