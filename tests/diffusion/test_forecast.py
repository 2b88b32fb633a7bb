"""What is said of memory before a run: for files that are headers alone, of the sizes of published models."""

import json
import logging
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.sd15_checkpoint import shapes
from diffusion import forecast, memory
from diffusion.activations import denoising_bytes
from diffusion.checkpoint import Parts, read_checkpoint, read_clip_vision
from diffusion.context import Context
from diffusion.families.controlnet import read_control_net
from diffusion.forecast import LARGEST_LAYER, Drawn, Needed, foreseen
from diffusion.lease import MemoryShortage
from diffusion.memory import Weights
from diffusion.precision import Choice
from diffusion.vae import decode
from diffusion.values import ClipVision, Latent
from tests.diffusion.tiny import TEXT_WIDTH, tiny_unet, write_tiny_checkpoint
from tests.diffusion.tiny_control import tiny_control, write_original
from tests.diffusion.tiny_vision import tiny_vision, write_vision
from tests.diffusion.upscalers.written import esrgan_tensors, written

CPU = Choice("cpu", "fp32", "for a test")
HALF = Choice("cpu", "bf16", "for a test")
PICTURE = Drawn(512, 512, 2)


def model(path: Path) -> Needed:
    """A file whose U-Net is computed with."""
    return Needed("MODEL", ((path, path.name),))


@pytest.fixture(scope="module")
def sd15(tmp_path_factory) -> Path:
    """A checkpoint in float16 whose tensors are holes in the file."""
    path, header, end = tmp_path_factory.mktemp("headers") / "sd15.safetensors", {}, 0
    for name, shape in shapes().items():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": (end, end + size)}
        end += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    return path


def test_what_fits_is_not_spoken_of(sd15):
    assert foreseen(CPU, 6 * 10**9, [model(sd15)], PICTURE) == []
    assert foreseen(HALF, 3 * 10**9, [model(sd15)], PICTURE) == []


def test_layers_that_will_come_and_go(sd15):
    assert foreseen(CPU, 1_500_000_000, [model(sd15)], PICTURE) == [
        "The U-Net of 'sd15.safetensors' takes 3.4 GB, sampling 512 × 512 about 370 MB beside; the budget is 1.5 GB: "
        "its layers will come and go, which is slower."
    ]
    (half,) = foreseen(HALF, 1_500_000_000, [model(sd15)], None)
    assert half.startswith("The U-Net of 'sd15.safetensors' takes 1.7 GB; the budget is 1.5 GB: its layers will")


def test_pictures_one_by_one_and_what_cannot_fit(sd15):
    (one,) = foreseen(CPU, 800_000_000, [model(sd15)], Drawn(512, 512, 8))
    assert one.endswith("its layers will come and go, and its pictures will be computed a few at a time.")
    (none,) = foreseen(CPU, 300_000_000, [model(sd15)], Drawn(2048, 2048, 2))
    assert none.endswith("It cannot fit, even layer by layer and one picture at a time: see --memory.")


def test_weights_that_stay_in_their_file_need_no_memory(tmp_path: Path):
    file = write_tiny_checkpoint(tmp_path / "tiny.safetensors")
    assert foreseen(CPU, 20_000_000, [model(file)], None) == []
    assert foreseen(HALF, 1000, [model(file)], None) != []


def test_what_comes_in_layers_by_itself_is_not_spoken_of(sd15, monkeypatch):
    monkeypatch.setattr("diffusion.budget.room_of", lambda device: (2 * 10**9, 2 * 10**9))
    (said,) = foreseen(CPU, None, [model(sd15)], PICTURE)
    assert said.endswith("what is free is 1.8 GB: its layers will come and go, which is slower.")
    monkeypatch.setattr("diffusion.parts.LARGE_AT_EVERY_STEP", 10**9)
    assert foreseen(CPU, None, [model(sd15)], PICTURE) == []
    (budget,) = foreseen(CPU, 10**9, [model(sd15)], PICTURE)
    assert budget.endswith("its layers will come and go, which is slower.")
    (large,) = foreseen(CPU, None, [model(sd15)], Drawn(2048, 2048, 2))
    assert "It may be too much, even layer by layer" in large


def test_files_that_are_no_denoisers_are_passed_over(tmp_path: Path):
    (tmp_path / "broken.safetensors").write_bytes(b"")
    gone = tmp_path / "gone.safetensors"
    assert foreseen(CPU, 1, [model(tmp_path / "broken.safetensors"), model(gone)], PICTURE) == []


def test_it_loads_no_torch():
    code = "import sys, diffusion.forecast; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ── what is said, the run then does ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Parts:
    """In half precision, so that weights in another number type are memory of their own."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    return read_checkpoint(write_tiny_checkpoint(path, dtype=torch.float16), "forecast")


@pytest.fixture
def exact(monkeypatch) -> None:
    """Every byte is considered."""
    monkeypatch.setattr(memory, "NEGLIGIBLE", 0)
    monkeypatch.setattr(forecast, "NEGLIGIBLE", 0)


def needed(wire: str, recipe: Any, **more: Any) -> Needed:
    file = recipe.files[0] if wire == "CLIP" else recipe.file
    return Needed(wire, ((Path(file.path), file.digest),), **more)


def vision(folder: Path) -> ClipVision:
    return read_clip_vision(write_vision(folder / "vision.safetensors", tiny_vision().half()), "vision")


def streams(recipe: Any, budget: int) -> bool:
    """Whether a network has layers that come and go once it is lent."""
    weights = Weights("cpu", "fp32", budget=budget, note=lambda sentence: None)
    with weights.lend(recipe):
        return next(iter(weights._held.values())).is_streamed


@pytest.mark.parametrize("wire", ["CLIP", "CLIP_VISION", "VAE"])
def test_layers_come_and_go_where_it_is_said(tiny, exact, tmp_path, wire):
    recipe = {"CLIP": tiny.text_encoder, "VAE": tiny.vae}.get(wire) or vision(tmp_path)
    alone = Weights("cpu", "fp32")
    with alone.lend(recipe):
        own = alone.bytes_held
    assert foreseen(CPU, own, [needed(wire, recipe)], None) == []
    assert not streams(recipe, own)
    (said,) = foreseen(CPU, own - 1, [needed(wire, recipe)], None)
    assert said.endswith("its layers will come and go, which is slower.")
    assert streams(recipe, own - 1)
    if wire != "VAE":
        (said,) = foreseen(CPU, 1000, [needed(wire, recipe)], None)
        assert "It cannot fit, even layer by layer" in said
        with pytest.raises(MemoryShortage, match="The largest layer of the"):
            streams(recipe, 1000)


def test_pictures_are_decoded_in_the_tiles_that_are_said(tiny, caplog):
    latent = Latent(torch.zeros(1, 4, 40, 40), tiny.vae.space)
    for budget, side in ((120_000_000, None), (100_000_000, 256)):
        said = foreseen(CPU, budget, [needed("VAE", tiny.vae, decoded=(320, 320))], None)
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="diffusion.vae"):
            decode(latent, tiny.vae, Weights("cpu", "fp32", budget=budget, note=lambda sentence: None))
        if side is None:
            assert (said, caplog.records) == ([], [])
            continue
        assert "decoding 320 × 320 about 105 MB beside" in said[0]
        assert said[0].endswith(f"pictures will be decoded in tiles of {side} × {side}, which fade into each other.")
        assert len(caplog.records) == 2  # for the whole picture, and for a tile larger than that


def test_pictures_are_computed_a_few_at_a_time_where_it_is_said(tiny, exact):
    config = {"block_out_channels": (32, 64)}
    one, four = (denoising_bytes(config, rows, 8, 8, 4) for rows in (1, 4))
    budget = LARGEST_LAYER * 64**2 * 4 + (one + four) // 2
    (said,) = foreseen(CPU, budget, [needed("MODEL", tiny.model)], Drawn(64, 64, 4))
    assert said.endswith("its layers will come and go, and its pictures will be computed a few at a time.")
    told: list[str] = []
    weights = Weights("cpu", "fp32", budget=budget, note=told.append)
    with torch.inference_mode(), weights.lend(tiny.model) as network:
        network(torch.zeros(4, 4, 8, 8), torch.tensor([10.0]), Context(torch.zeros(4, 77, TEXT_WIDTH)))
        assert next(iter(weights._held.values())).is_streamed
    assert any("latents at once" in sentence for sentence in told)


def test_layers_of_a_model_or_its_control_network_come_and_go_where_it_is_said(tiny, tmp_path):
    path = write_original(tiny_control(tiny_unet()), tmp_path / "net.safetensors", heads=8, dtype=torch.float16)
    net = read_control_net(path, "net")
    wide = Weights("cpu", "fp32")
    with wide.lend(tiny.model), wide.lend(net):
        both = wide.bytes_held
    asked = [needed("MODEL", tiny.model), needed("CONTROL_NET", net)]
    assert foreseen(CPU, both, asked, None) == []
    (said,) = foreseen(CPU, both - 1, asked, None)
    assert said.endswith("layers of them will come and go, which is slower.")
    assert "and the ControlNet of 'net.safetensors' take" in said
    weights = Weights("cpu", "fp32", budget=both - 1, note=lambda sentence: None)
    with weights.lend(tiny.model), weights.lend(net):
        assert any(held.is_streamed for held in weights._held.values())


def test_what_comes_whole_is_refused_where_it_is_said(exact, tmp_path):
    enlarger = written(tmp_path / "up.safetensors", esrgan_tensors())
    (said,) = foreseen(HALF, 1000, [needed("UPSCALE_MODEL", enlarger)], None)
    assert said.startswith("The upscaling model of 'up.safetensors' takes")
    assert said.endswith("It cannot fit: see --memory.")
    weights = Weights("cpu", "bf16", budget=1000)
    with pytest.raises(MemoryShortage, match="come whole"):
        weights.lend(enlarger).__enter__()
    assert foreseen(HALF, None, [needed("UPSCALE_MODEL", enlarger)], None) == []


def test_nothing_of_it_loads_torch(tiny, tmp_path):
    seen = vision(tmp_path)
    net = write_original(tiny_control(tiny_unet()), tmp_path / "net.safetensors", heads=8)
    enlarger = written(tmp_path / "up.safetensors", esrgan_tensors())
    files = [(wire, tiny.model.file.path) for wire in ("MODEL", "CLIP", "VAE")]
    files += [("CLIP_VISION", seen.file.path), ("CONTROL_NET", str(net)), ("UPSCALE_MODEL", enlarger.file.path)]
    code = (
        "import sys\nfrom pathlib import Path\nfrom diffusion.forecast import Drawn, Needed, foreseen\n"
        "from diffusion.precision import Choice\n"
        f"needed = [Needed(wire, ((Path(path), path),), (64, 64)) for wire, path in {files!r}]\n"
        "said = foreseen(Choice('cpu', 'bf16', ''), 1000, needed, Drawn(64, 64, 2))\n"
        "assert said, said\nraise SystemExit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
