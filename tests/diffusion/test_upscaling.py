"""Upscaling in tiles: as if the picture had been whole; what goes in, what comes out, and in which steps."""

import logging
from collections.abc import Generator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from diffusion import upscaling
from diffusion.codecs import Tree
from diffusion.memory import Weights
from diffusion.upscaling import FEATHER, Tiles, UpscalingProgress, upscale
from diffusion.values import Image, UpscaleModel, WeightFile
from tests.diffusion.upscalers.written import compact_tensors, esrgan_tensors, written

WEIGHTS = Weights("cpu", "fp32")


def pixels(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def through(steps: Generator[Any, None, Image]) -> tuple[Image, list[UpscalingProgress]]:
    said = []
    while True:
        try:
            said.append(next(steps))
        except StopIteration as stop:
            return stop.value, said


def enlarged(image: Image, model: UpscaleModel, tiles: Tiles | None = None) -> Tensor:
    return through(upscale(image, model, WEIGHTS, tiles))[0].pixels


def repeated(picture: Tensor, scale: int) -> Tensor:
    """[B, H, W, C] with each pixel `scale` times `scale` times."""
    return picture.repeat_interleave(scale, 1).repeat_interleave(scale, 2)


@pytest.fixture(scope="module")
def compact(tmp_path_factory) -> UpscaleModel:
    """×4; three convolutions between the first and the last one, so its reach is 5."""
    return written(tmp_path_factory.mktemp("compact") / "net.safetensors", compact_tensors())


@pytest.fixture(scope="module")
def repeating(tmp_path_factory) -> UpscaleModel:
    """×4; finds nothing, so each pixel is repeated."""
    tensors = {name: torch.zeros_like(tensor) for name, tensor in compact_tensors().items()}
    return written(tmp_path_factory.mktemp("repeating") / "net.safetensors", tensors)


# ── tiles ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [(64, 64), (50, 33), (33, 20), (90, 41), (32, 33)])
@pytest.mark.parametrize(("side", "overlap"), [(32, 0), (32, 1), (32, 9), (16, 1000)])
def test_a_network_that_sees_one_pixel_comes_out_whole(repeating, size, side, overlap):
    image = Image(pixels(1, *size, 3))
    tiled = enlarged(image, repeating, Tiles(side, overlap))
    torch.testing.assert_close(tiled, repeated(image.pixels, 4), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("side", "overlap"), [(5, 2), (2, 1), (1, 0), (1, 9)])
def test_tiles_of_a_few_pixels(repeating, side, overlap):
    image = Image(pixels(1, 7, 6, 3))
    tiled = enlarged(image, repeating, Tiles(side, overlap))
    torch.testing.assert_close(tiled, repeated(image.pixels, 4), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(64, 64), (50, 33), (33, 20), (77, 41), (32, 33)])
def test_with_enough_overlap_the_result_is_that_of_the_whole_picture(compact, size):
    image = Image(pixels(1, *size, 3))
    overlap = 2 * 5 + FEATHER
    tiled = enlarged(image, compact, Tiles(40, overlap))
    torch.testing.assert_close(tiled, enlarged(image, compact), rtol=0, atol=1e-5)


def test_with_less_overlap_it_is_not(compact):
    image = Image(pixels(1, 64, 64, 3))
    gap = (enlarged(image, compact, Tiles(40, 2)) - enlarged(image, compact)).abs()
    assert gap.max() > 1e-3


@pytest.mark.parametrize("unshuffle", [2, 4])
@pytest.mark.parametrize("size", [(96, 96), (83, 70)])
def test_a_network_that_folds_pixels_is_cut_between_them(tmp_path, unshuffle, size):
    """ESRGAN with one block reaches 19 of its pixels; each of them is `unshuffle` of the picture's."""
    tensors = esrgan_tensors(blocks=1, unshuffle=unshuffle, width=4, growth=2)
    model = written(tmp_path / "net.safetensors", tensors)
    image = Image(pixels(1, *size, 3))
    overlap = 2 * 19 * unshuffle + FEATHER
    tiled = enlarged(image, model, Tiles(2 * overlap + 1, overlap))
    torch.testing.assert_close(tiled, enlarged(image, model), rtol=0, atol=1e-5)


def test_a_step_between_tiles_becomes_a_slope(compact, monkeypatch):
    """Tiles that disagree by 1: of 16 shared pixels the outer four of each count nothing, eight are the slope."""
    answers = iter([0.0, 1.0])
    monkeypatch.setattr(
        upscaling.Upscaler, "__call__", lambda self, tile: torch.full((1, 3, 4 * 32, 4 * 32), next(answers))
    )
    row = enlarged(Image(pixels(1, 32, 48, 3)), compact, Tiles(32, 16))[0, 0, :, 0]
    slope = (torch.arange(32) + 0.5) / 32
    torch.testing.assert_close(row, torch.cat([torch.zeros(80), slope, torch.ones(80)]))


def test_no_tile_is_larger_than_asked(repeating, monkeypatch):
    shapes = []
    true = upscaling.Upscaler.__call__
    monkeypatch.setattr(
        upscaling.Upscaler, "__call__", lambda self, tile: shapes.append(tuple(tile.shape)) or true(self, tile)
    )
    enlarged(Image(pixels(2, 50, 20, 3)), repeating, Tiles(32, 8))
    assert shapes == [(1, 3, 32, 20)] * 4


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2)])
def test_pictures_of_a_pixel_or_a_few(repeating, tmp_path, size):
    image = Image(pixels(1, *size, 3))
    assert torch.equal(enlarged(image, repeating), repeated(image.pixels, 4))
    folding = written(tmp_path / "net.safetensors", esrgan_tensors(unshuffle=4))
    assert enlarged(image, folding).shape == (1, *size, 3)


def test_alpha_is_enlarged_by_itself(repeating):
    image = Image(pixels(2, 9, 6, 4))
    alpha = functional.interpolate(image.pixels[..., 3][:, None], scale_factor=4, mode="bicubic")[:, 0].clamp(0, 1)
    wanted = torch.cat([repeated(image.pixels[..., :3], 4), alpha[..., None]], dim=-1)
    torch.testing.assert_close(enlarged(image, repeating), wanted)
    torch.testing.assert_close(enlarged(image, repeating, Tiles(5, 2)), wanted)


@pytest.mark.parametrize("channels", [1, 2])
def test_grey_stays_grey(compact, channels):
    """A network for colours is given grey as such, and the mean of its colours is taken."""
    image = Image(pixels(1, 9, 6, channels))
    coloured = enlarged(Image(image.pixels[..., :1].expand(-1, -1, -1, 3)), compact)
    result = enlarged(image, compact)
    assert result.shape == (1, 36, 24, channels)
    assert (result[..., 0] - coloured.mean(-1)).abs().max() < 0.5  # clipping comes after the mean
    soft = enlarged(Image(image.pixels[..., :1] * 0.2 + 0.4), compact)[..., 0]
    with WEIGHTS.lend(compact) as upscaler:
        grey = (image.pixels[..., :1] * 0.2 + 0.4).movedim(-1, 1).expand(-1, 3, -1, -1)
        torch.testing.assert_close(soft, upscaler(grey).mean(1).clamp(0, 1))


def test_a_network_for_brightness_enlarges_each_colour(tmp_path):
    model = written(tmp_path / "net.safetensors", compact_tensors(channels=1))
    image = Image(pixels(1, 9, 6, 3))
    apart = [enlarged(Image(image.pixels[..., index : index + 1]), model) for index in range(3)]
    torch.testing.assert_close(enlarged(image, model), torch.cat(apart, dim=-1))


def test_five_channels_are_refused(repeating):
    with pytest.raises(ValueError, match=r"^A picture of 5 channels cannot be enlarged .* Give it pictures of 1 to 4"):
        enlarged(Image(pixels(1, 4, 4, 5)), repeating)


def test_range_and_spacing(repeating):
    plain = pixels(1, 5, 5, 3) * 1.5
    image = Image(plain * 200 - 100, range=(-100.0, 100.0), spacing=(2.0, 1.0), source_bits=16)
    result, _ = through(upscale(image, repeating, WEIGHTS))
    torch.testing.assert_close(result.pixels, repeated(plain, 4).clamp(0, 1) * 200 - 100)
    assert (result.range, result.spacing, result.source_bits) == ((-100.0, 100.0), (0.5, 0.25), 16)


def test_a_given_picture_is_left_as_it_was(compact):
    given = pixels(1, 20, 20, 4)
    kept = given.clone()
    enlarged(Image(given), compact, Tiles(8, 4))
    assert torch.equal(given, kept)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_tile_is_a_step(repeating):
    _, said = through(upscale(Image(pixels(2, 20, 12, 3)), repeating, WEIGHTS, Tiles(10, 2)))
    assert said == [UpscalingProgress(done, 12) for done in range(1, 13)]


def test_closing_between_tiles_gives_the_weights_back(repeating):
    weights = Weights("cpu", "fp32")
    steps = upscale(Image(pixels(1, 20, 20, 3)), repeating, weights, Tiles(10, 2))
    next(steps)
    weights.release()
    assert weights.bytes_held > 0
    steps.close()
    weights.release()
    assert weights.bytes_held == 0


def test_too_little_memory_makes_tiles_smaller(repeating, monkeypatch, caplog):
    true = upscaling.Upscaler.__call__

    def short(self, tile):
        if tile.shape[2] > 100:
            raise torch.OutOfMemoryError("no")
        return true(self, tile)

    monkeypatch.setattr(upscaling.Upscaler, "__call__", short)
    image = Image(pixels(1, 300, 90, 3))
    with caplog.at_level(logging.WARNING, logger="diffusion.upscaling"):
        torch.testing.assert_close(enlarged(image, repeating), repeated(image.pixels, 4), rtol=0, atol=1e-6)
    assert [record.getMessage().rpartition("; ")[2] for record in caplog.records] == [
        f"they are {side} pixels a side now." for side in (256, 128, 64)
    ]


def test_too_little_memory_for_the_smallest_tile_is_an_error(repeating, monkeypatch):
    def never(self, tile):
        raise torch.OutOfMemoryError("no")

    monkeypatch.setattr(upscaling.Upscaler, "__call__", never)
    with pytest.raises(torch.OutOfMemoryError):
        enlarged(Image(pixels(1, 300, 90, 3)), repeating)


# ── lending ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_weights_are_held_once_and_counted(compact):
    weights = Weights("cpu", "bf16")
    with weights.lend(compact), weights.lend(compact):
        assert weights.loads == 1
        assert weights.bytes_held == 2 * sum(tensor.numel() for tensor in compact_tensors().values())


def test_half_precision_that_overflows_is_repeated_in_a_wider_one(tmp_path):
    """Features of 10⁶ are infinite in fp16; in fp32 they are scaled back to what they were."""
    tensors = {name: torch.zeros_like(tensor) for name, tensor in compact_tensors(layers=0, width=3, scale=1).items()}
    for channel in range(3):
        tensors["body.0.weight"][channel, channel, 1, 1] = 1e3
        tensors["body.0.bias"][channel] = 6e4
        tensors["body.2.weight"][channel, channel, 1, 1] = 1e-3
        tensors["body.2.bias"][channel] = -60
    model = written(tmp_path / "net.safetensors", tensors)
    notes = []
    weights = Weights("cpu", "fp16", note=notes.append)
    picture = torch.full((1, 3, 4, 4), 8.0)
    with weights.lend(model) as upscaler:
        large = upscaler(picture)
    assert torch.isfinite(large).all()
    assert len(notes) == 1
    assert "the upscaler gave numbers too large for fp16" in notes[0]


def test_the_recipe_has_a_digest_that_knows_nothing_of_places():
    tree = Tree("test", stored=False)
    tree.add(WeightFile, "WeightFile")
    tree.add(UpscaleModel, "UpscaleModel")
    here, there = (UpscaleModel("compact", WeightFile(f"/{place}/net.pth", "abc"), 4) for place in ("here", "there"))
    assert tree.encode(here) == tree.encode(there)
