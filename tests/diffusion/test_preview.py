"""Previews, decoded by Pillow and compared with the linear map, and with what diffusers decodes."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from safetensors.torch import save_file
from torch.nn import functional

from diffusion.architectures import AutoencoderTiny
from diffusion.memory import Weights
from diffusion.preview import draw, looking, tiny_for
from diffusion.values import LatentSpace

RGB = ((0.2, 0.0, 0.0), (0.0, 0.2, 0.0), (0.0, 0.0, 0.2), (0.0, 0.0, 0.0))
SPACE = LatentSpace("test", 4, 8, 1.0, rgb=RGB, rgb_bias=(0.5, 0.5, 0.5))

SPACES = {
    "sd1": LatentSpace("sd1", 4, 8, 0.18215),
    "sdxl": LatentSpace("sdxl", 4, 8, 0.13025),
    "small": LatentSpace("sd1", 4, 4, 0.18215, rgb=RGB),
    "unknown": LatentSpace("sd1", 4, 2, 0.18215),
}


def opened(latent: torch.Tensor, space: LatentSpace = SPACE) -> Pillow.Image:
    mime, data = draw(latent, space)
    assert mime == "image/jpeg"
    return Pillow.open(io.BytesIO(data))


def test_colours_follow_the_map():
    latent = torch.zeros(2, 4, 8, 8)
    latent[0, 0] = 1.0
    latent[0, 1] = -1.0
    latent[0, 2] = 2.0
    colour = opened(latent).convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert colour == pytest.approx((0.7 * 255, 0.3 * 255, 0.9 * 255), abs=4)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((64, 64), (256, 256)), ((16, 16), (256, 256)), ((48, 96), (192, 96)), ((512, 300), (150, 256))],
)
def test_the_longer_side_is_at_most_256(size, expected):
    assert opened(torch.zeros(1, 4, *size)).size == expected


def test_a_space_without_a_map_is_drawn_too():
    space = LatentSpace("unknown", 16, 8, 1.0)
    assert opened(torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(0)), space).size == (256, 256)
    assert opened(torch.zeros(1, 1, 8, 8), LatentSpace("grey", 1, 8, 1.0)).size == (256, 256)


def test_numbers_that_are_none_are_drawn_too():
    assert opened(torch.full((1, 4, 8, 8), torch.nan)).size == (256, 256)


# ── by a tiny autoencoder ────────────────────────────────────────────────────────────────────────────────────────────


def tiny(factor: int) -> AutoencoderTiny:
    """Random weights, as many doublings as the factor has."""
    levels = factor.bit_length()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        widths, blocks = (8,) * levels, (1,) * levels
        return AutoencoderTiny(
            encoder_block_out_channels=widths,
            decoder_block_out_channels=widths,
            num_encoder_blocks=blocks,
            num_decoder_blocks=blocks,
        )


def written(path: Path, module: AutoencoderTiny, config: dict[str, Any] | None = None) -> tuple[Path, str]:
    metadata = {} if config is None else {"noisewright.config": json.dumps(config)}
    save_file(module.state_dict(), path, metadata)
    return path, path.name


def test_the_tiny_autoencoder_of_a_space_is_found_by_family_and_factor(tmp_path: Path):
    other = tmp_path / "notes.safetensors"
    save_file({"x": torch.zeros(2)}, other)
    files = [
        (other, "other"),
        written(tmp_path / "taesdxl.safetensors", tiny(8)),
        written(tmp_path / "small.safetensors", tiny(4), {"family": "sd1", "latent": {"factor": 4}}),
        written(tmp_path / "taesd.safetensors", tiny(8)),
        (tmp_path / "gone.safetensors", "gone"),
    ]
    found = {name: tiny_for(space, files) for name, space in SPACES.items()}
    assert {name: vae and Path(vae.file.path).name for name, vae in found.items()} == {
        "sd1": "taesd.safetensors",
        "sdxl": "taesdxl.safetensors",
        "small": "small.safetensors",
        "unknown": None,
    }


def test_a_tiny_autoencoder_decodes_the_preview(tmp_path: Path):
    module = tiny(4)
    file = written(tmp_path / "small.safetensors", module, {"family": "sd1", "latent": {"factor": 4}})
    latent = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(2))
    _, data = looking(Weights(device="cpu", precision="fp32"), lambda: [file])(latent, SPACES["small"])
    picture = Pillow.open(io.BytesIO(data))
    assert picture.size == (256, 256)
    with torch.no_grad():
        wanted = (module.eval().decode(latent[:1]).sample[0] / 2 + 0.5).clamp(0, 1)  # pyright: ignore[reportAttributeAccessIssue] — not the tuple
    seen = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1) / 255
    assert functional.avg_pool2d(seen, 4).sub(wanted).abs().mean() < 0.03


def test_without_a_fitting_file_the_linear_map_draws_and_files_are_asked_once(tmp_path: Path):
    asked = []

    def files() -> list[tuple[Path, str]]:
        asked.append(1)
        return [written(tmp_path / "taesd.safetensors", tiny(8))]

    look = looking(Weights(device="cpu", precision="fp32"), files)
    latent = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(2))
    assert [look(latent, SPACE), look(latent, SPACE)] == [draw(latent, SPACE)] * 2
    assert len(asked) == 1
