"""ESRGAN against the paper's formulas, computed anew with torch's functions, and against networks that copy."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from diffusion.header import WeightFileError
from diffusion.memory import Weights
from tests.diffusion.upscalers.written import esrgan_tensors, first_release, second_release, written

PICTURE = torch.rand(1, 3, 12, 8, generator=torch.Generator().manual_seed(0))


def paper(tensors: dict[str, Tensor], picture: Tensor, unshuffle: int = 1) -> Tensor:
    """Wang et al. 2018, figures 3 and 4: what the network makes of a picture."""

    def conv(name: str, x: Tensor) -> Tensor:
        return functional.conv2d(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=1)

    def leaky(x: Tensor) -> Tensor:
        return torch.where(x > 0, x, 0.2 * x)

    def dense(name: str, x: Tensor) -> Tensor:
        a = leaky(conv(f"{name}.conv1", x))
        b = leaky(conv(f"{name}.conv2", torch.cat([x, a], 1)))
        short = tensors.get(f"{name}.conv1x1.weight")
        if short is not None:
            b = b + torch.einsum("oi,bihw->bohw", short[:, :, 0, 0], x)
        c = leaky(conv(f"{name}.conv3", torch.cat([x, a, b], 1)))
        d = leaky(conv(f"{name}.conv4", torch.cat([x, a, b, c], 1)))
        if short is not None:
            d = d + b
        return 0.2 * conv(f"{name}.conv5", torch.cat([x, a, b, c, d], 1)) + x

    batch, channels, height, width = picture.shape
    rows = picture.reshape(batch, channels, height // unshuffle, unshuffle, width // unshuffle, unshuffle)
    first = conv("conv_first", rows.permute(0, 1, 3, 5, 2, 4).flatten(1, 3))
    x = first
    for block in range(2):
        y = x
        for index in (1, 2, 3):
            y = dense(f"body.{block}.rdb{index}", y)
        x = 0.2 * y + x
    x = conv("conv_body", x) + first
    index = 1
    while f"conv_up{index}.weight" in tensors:
        x = leaky(conv(f"conv_up{index}", x.repeat_interleave(2, 2).repeat_interleave(2, 3)))
        index += 1
    return conv("conv_last", leaky(conv("conv_hr", x)))


def made(tmp_path, tensors: dict[str, Tensor], picture: Tensor, style=dict) -> tuple[int, Tensor]:
    """The scale that is read from a file, and what its network makes of a picture."""
    recipe = written(tmp_path / "net.safetensors", style(tensors))
    assert recipe.architecture == "esrgan"
    with Weights("cpu", "fp32").lend(recipe) as upscaler:
        return recipe.scale, upscaler(picture)


@pytest.mark.parametrize("style", [dict, second_release, first_release])
@pytest.mark.parametrize(
    ("doublings", "unshuffle", "scale"), [(2, 1, 4), (2, 2, 2), (2, 4, 1), (3, 1, 8), (1, 1, 2), (0, 1, 1)]
)
def test_it_computes_what_the_paper_says(tmp_path, style, doublings, unshuffle, scale):
    tensors = esrgan_tensors(doublings=doublings, unshuffle=unshuffle)
    found, large = made(tmp_path, tensors, PICTURE, style)
    assert found == scale
    assert large.shape == (1, 3, 12 * scale, 8 * scale)
    torch.testing.assert_close(large, paper(tensors, PICTURE, unshuffle), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("style", [dict, first_release])
def test_residuals_inside_dense_blocks(tmp_path, style):
    tensors = esrgan_tensors(own=True)
    torch.testing.assert_close(
        made(tmp_path, tensors, PICTURE, style)[1], paper(tensors, PICTURE), rtol=1e-5, atol=1e-5
    )


def test_a_network_for_brightness(tmp_path):
    tensors = esrgan_tensors(channels=1)
    grey = PICTURE[:, :1]
    torch.testing.assert_close(made(tmp_path, tensors, grey)[1], paper(tensors, grey), rtol=1e-5, atol=1e-5)


def copying(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights with which every convolution hands on its first channels, and the blocks find nothing."""
    weights = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
    for name in weights:
        if name.startswith("conv_") and name.endswith(".weight") and not name.startswith("conv_body"):
            for channel in range(3):
                weights[name][channel, channel, 1, 1] = 1
    return weights


def test_a_network_that_copies_repeats_pixels(tmp_path):
    scale, large = made(tmp_path, copying(esrgan_tensors()), PICTURE)
    assert torch.equal(large, PICTURE.repeat_interleave(scale, 2).repeat_interleave(scale, 3))


@pytest.mark.parametrize("side", [1, 2, 3, 5, 6])
def test_sides_that_do_not_fit_are_mirrored(tmp_path, side):
    """×1 folds 4×4 pixels; a picture of another size is continued by its own pixels, and cut again."""
    tensors = esrgan_tensors(unshuffle=4)
    picture = PICTURE[:, :, :side, :8]
    places = [0] * 4 if side == 1 else [min(row % (2 * side - 2), -row % (2 * side - 2)) for row in range(8)]
    continued = picture[:, :, places[: -(-side // 4) * 4]]
    large = made(tmp_path, tensors, picture)[1]
    torch.testing.assert_close(large, paper(tensors, continued, 4)[:, :, :side], rtol=1e-5, atol=1e-5)


def test_what_is_missing_left_over_or_of_another_shape_is_named(tmp_path):
    tensors = esrgan_tensors()
    del tensors["body.1.rdb2.conv3.bias"]
    tensors["conv_more.weight"] = torch.zeros(1)
    tensors["conv_hr.bias"] = torch.zeros(9)
    with pytest.raises(WeightFileError) as told:
        made(tmp_path, tensors, PICTURE)
    assert str(told.value) == (
        "'net.safetensors': its upscaler lacks 1 tensors (body.1.rdb2.conv3.bias); it has left over 1 tensors "
        "(conv_more.weight); it has in another shape 1 tensors (conv_hr.bias)."
    )


def test_channels_that_make_no_whole_number(tmp_path):
    tensors = esrgan_tensors(doublings=1, unshuffle=4)
    told = "is an ESRGAN network that makes 3 channels of 48 and doubles 1 times, which does not enlarge"
    with pytest.raises(WeightFileError, match=told):
        written(tmp_path / "net.safetensors", tensors)


@pytest.mark.parametrize("name", ["model.999999999.weight", "body.999999999.rdb1.conv1.weight", "conv_up999999.weight"])
def test_a_name_with_a_huge_number_builds_nothing(tmp_path, name):
    style = first_release if name.startswith("model") else dict
    tensors = style(esrgan_tensors()) | {name: torch.zeros(8, 8, 3, 3)}
    with pytest.raises(WeightFileError, match="it looks like an upscaling model"):
        written(tmp_path / "net.safetensors", tensors)
