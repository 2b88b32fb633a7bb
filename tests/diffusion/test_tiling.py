"""Tiles, with a computation whose whole answer is known."""

import pytest
import torch
from torch.nn import functional

from diffusion.tiling import in_tiles, spans, starts


def enlarged(tile: torch.Tensor) -> torch.Tensor:
    """Local: each pixel depends on one pixel, so tiles must give the whole exactly."""
    return functional.interpolate(tile[:, :3], scale_factor=8, mode="nearest") * 2 + 1


def reduced(tile: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(tile, 8)


@pytest.mark.parametrize("size", [(64, 64), (65, 70), (20, 90), (16, 16), (17, 16)])
@pytest.mark.parametrize(("side", "overlap"), [(16, 4), (16, 0), (24, 1)])
def test_a_local_computation_comes_out_whole(size, side, overlap):
    picture = torch.rand(1, 4, *size, generator=torch.Generator().manual_seed(0))
    tiled = in_tiles(enlarged, picture, side, overlap, scale=8, channels=3)
    torch.testing.assert_close(tiled, enlarged(picture), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("size", [(512, 320), (96, 1000)])
def test_making_smaller(size):
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(in_tiles(reduced, picture, 128, 32, scale=1 / 8, channels=3), reduced(picture))


def test_neighbours_fade_into_each_other():
    """Two tiles that disagree by 1 give a line from one to the other, without a step larger than the fade's."""
    answers = iter([0.0, 1.0])
    picture = torch.zeros(1, 1, 16, 28)
    row = in_tiles(lambda tile: torch.full_like(tile, next(answers)), picture, 16, 4, scale=1, channels=1)[0, 0, 0]
    torch.testing.assert_close(row, torch.cat([torch.zeros(12), torch.tensor([0.2, 0.4, 0.6, 0.8]), torch.ones(12)]))


def test_no_tile_is_larger_than_asked():
    shapes = []
    in_tiles(lambda tile: shapes.append(tile.shape[-2:]) or tile, torch.zeros(1, 1, 50, 33), 16, 4, scale=1, channels=1)
    assert set(shapes) == {(16, 16)}
    assert len(shapes) == 4 * 3


@pytest.mark.parametrize("scale", [1, 4])
@pytest.mark.parametrize("length", [1, 15, 16, 17, 28, 29, 100])
def test_spans_cover_an_axis_and_their_weights_add_up(length, scale):
    total = torch.zeros(length * scale)
    for span, start in zip(spans(length, 16, 4, torch.tensor([0.0, 0.5]), scale), starts(length, 16, 4), strict=True):
        assert (span.start, span.stop - span.start) == (start, min(16, length))
        total[span.start * scale : span.stop * scale] += span.weight
    torch.testing.assert_close(total, torch.ones(length * scale))


def test_spans_rise_from_cuts_and_not_from_the_ends():
    """Two tiles of 16 on 28: they share 4 pixels, of which the outermost of each counts nothing and the next a half."""
    first, second = spans(28, 16, 4, torch.tensor([0.0, 0.5]))
    assert first.weight[:13].tolist() == [1.0] * 12 + [1.0]
    torch.testing.assert_close(first.weight[12:], torch.tensor([1.0, 1 / 1.5, 0.5 / 1.5, 0.0]))
    torch.testing.assert_close(second.weight, first.weight.flip(0))
