"""Maps of depth, against transformers' own model, processor and post-processing."""

import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from diffusion.architectures import transformers_class as kind
from diffusion.memory import Weights
from diffusion.preprocessors.depth import depth
from diffusion.values import Image
from diffusion.vision_models import read_depth_model
from tests.diffusion.preprocessors.written import write_depth_anything, write_dpt

WEIGHTS = Weights("cpu", "fp32")


def pictures(*shape: int) -> Image:
    return Image(torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0)) / 255)


def by_transformers(folder, network: str, levels: np.ndarray) -> np.ndarray:
    """What is near, of one picture uint8 [H, W, 3], before it is brought to 0..1."""
    model = kind(network).from_pretrained(folder, local_files_only=True).eval()
    prepared = kind("DPTImageProcessorPil").from_pretrained(folder)(PilImage.fromarray(levels), return_tensors="pt")
    with torch.no_grad():
        seen = model(**prepared).predicted_depth
    size = levels.shape[:2]
    return torch.nn.functional.interpolate(seen[None], size=size, mode="bicubic", align_corners=False)[0, 0].numpy()


def levelled(near: np.ndarray) -> np.ndarray:
    return (near - near.min()) / (near.max() - near.min())


@pytest.mark.parametrize(
    ("write", "network"),
    [(write_depth_anything, "DepthAnythingForDepthEstimation"), (write_dpt, "DPTForDepthEstimation")],
)
def test_maps_are_transformers_own(tmp_path, write, network):
    path, image = write(tmp_path / "net"), pictures(2, 60, 90, 3)
    found = depth(image, read_depth_model(path, network), WEIGHTS).pixels
    assert found.shape == (2, 60, 90, 3)
    for pixels, result in zip(image.pixels, found, strict=True):
        near = by_transformers(path.parent, network, (pixels * 255).round().byte().numpy())
        assert near.std() > 1e-3
        np.testing.assert_allclose(result[..., 0], levelled(near), atol=2e-4)
        assert torch.equal(result[..., 0], result[..., 2])


def test_metres_are_turned_round(tmp_path):
    path = write_depth_anything(tmp_path / "metric", depth_estimation_type="metric", max_depth=20)
    image = pictures(1, 40, 40, 3)
    far = by_transformers(path.parent, "DepthAnythingForDepthEstimation", (image.pixels[0] * 255).byte().numpy())
    found = depth(image, read_depth_model(path, "metric"), WEIGHTS).pixels[0, ..., 0]
    np.testing.assert_allclose(found, levelled(1 / far.clip(1e-3)), atol=5e-3)
    assert np.corrcoef(found.flatten(), far.flatten())[0, 1] < -0.5


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_grey_is_colour_and_alpha_is_left_out(tmp_path, channels):
    model = read_depth_model(write_depth_anything(tmp_path / "net"), "channels")
    image = pictures(1, 30, 44, channels)
    colours = image.pixels[..., :3] if channels == 4 else image.pixels[..., :1].expand(-1, -1, -1, 3)
    assert torch.equal(depth(image, model, WEIGHTS).pixels, depth(Image(colours), model, WEIGHTS).pixels)
