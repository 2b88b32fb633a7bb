"""The compact kind against formulas computed anew, and with weights whose result can be written down."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from diffusion.header import WeightFileError
from diffusion.memory import Weights
from tests.diffusion.upscalers.written import compact_tensors, written

PICTURE = torch.rand(2, 3, 7, 9, generator=torch.Generator().manual_seed(0))


def formula(tensors: dict[str, Tensor], picture: Tensor, layers: int, scale: int) -> Tensor:
    """Convolutions and PReLUs in a row; the last one's channels are pixels, added to the repeated picture."""
    x = picture
    for index in range(0, 2 * layers + 4, 2):
        x = functional.conv2d(x, tensors[f"body.{index}.weight"], tensors[f"body.{index}.bias"], padding=1)
        if f"body.{index + 1}.weight" in tensors:
            x = torch.maximum(x, torch.zeros(())) + tensors[f"body.{index + 1}.weight"][:, None, None] * x.clamp(max=0)
    batch, _, height, width = x.shape
    pixels = x.reshape(batch, -1, scale, scale, height, width).permute(0, 1, 4, 2, 5, 3)
    return pixels.reshape(batch, -1, scale * height, scale * width) + repeated(picture, scale)


def repeated(picture: Tensor, scale: int) -> Tensor:
    return picture.repeat_interleave(scale, 2).repeat_interleave(scale, 3)


def made(tmp_path, tensors: dict[str, Tensor], picture: Tensor) -> Tensor:
    recipe = written(tmp_path / "net.safetensors", tensors)
    assert recipe.architecture == "compact"
    with Weights("cpu", "fp32").lend(recipe) as upscaler:
        assert upscaler.network.scale == recipe.scale
        return upscaler(picture)


@pytest.mark.parametrize(("layers", "scale", "channels"), [(3, 4, 3), (0, 2, 3), (1, 1, 3), (2, 3, 1)])
def test_it_computes_the_formula(tmp_path, layers, scale, channels):
    tensors, picture = compact_tensors(layers=layers, scale=scale, channels=channels), PICTURE[:, :channels]
    large = made(tmp_path, tensors, picture)
    torch.testing.assert_close(large, formula(tensors, picture, layers, scale), rtol=1e-5, atol=1e-5)


def test_a_network_that_finds_nothing_repeats_pixels(tmp_path):
    tensors = {name: torch.zeros_like(tensor) for name, tensor in compact_tensors().items()}
    assert torch.equal(made(tmp_path, tensors, PICTURE), repeated(PICTURE, 4))


def test_channels_of_the_last_layer_are_pixels_row_by_row(tmp_path):
    """With a last layer that is its bias alone, 4×4 pixels of each colour are raised by 16 numbers."""
    tensors = {name: torch.zeros_like(tensor) for name, tensor in compact_tensors().items()}
    numbers = torch.arange(48.0)
    tensors["body.8.bias"] = numbers
    raised = made(tmp_path, tensors, PICTURE) - repeated(PICTURE, 4)
    cell = numbers.reshape(3, 4, 4)
    torch.testing.assert_close(raised, cell.repeat(2, 1, 7, 9).reshape(2, 3, 28, 36), rtol=0, atol=1e-5)


def test_bfloat16_keeps_the_picture(tmp_path):
    """A network that finds nothing changes no bit of the picture, in whichever type it computes."""
    tensors = {name: torch.zeros_like(tensor) for name, tensor in compact_tensors().items()}
    recipe = written(tmp_path / "net.safetensors", tensors)
    with Weights("cpu", "bf16").lend(recipe) as upscaler:
        assert torch.equal(upscaler(PICTURE), repeated(PICTURE, 4))


def test_the_precision_is_that_of_the_weights(tmp_path):
    """In bfloat16 the answer is another one, near that of float32."""
    recipe = written(tmp_path / "net.safetensors", compact_tensors())
    with Weights("cpu", "fp32").lend(recipe) as exact, Weights("cpu", "bf16").lend(recipe) as rough:
        gap = (exact(PICTURE) - rough(PICTURE)).abs()
    assert 0 < gap.max() < 0.05


def test_channels_that_make_no_whole_number(tmp_path):
    tensors = compact_tensors()
    tensors |= {"body.8.weight": torch.zeros(47, 8, 3, 3), "body.8.bias": torch.zeros(47)}
    with pytest.raises(WeightFileError, match="makes 47 channels of 3, which does not enlarge a picture by a whole"):
        written(tmp_path / "net.safetensors", tensors)


def test_what_is_missing_is_named(tmp_path):
    tensors = compact_tensors()
    del tensors["body.2.bias"]
    with pytest.raises(WeightFileError, match=r"its upscaler lacks 1 tensors \(body\.2\.bias\)\.$"):
        made(tmp_path, tensors, PICTURE)
