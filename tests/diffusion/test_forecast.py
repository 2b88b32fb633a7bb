"""What is said of memory before a run: for files that are headers alone, of the sizes of published models."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.sd15_checkpoint import shapes
from diffusion.forecast import Drawn, foreseen
from diffusion.precision import Choice

CPU = Choice("cpu", "fp32", "for a test")
HALF = Choice("cpu", "bf16", "for a test")
PICTURE = Drawn(512, 512, 2)


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
    assert foreseen(CPU, 6 * 10**9, [(sd15, "a")], PICTURE) == []
    assert foreseen(HALF, 3 * 10**9, [(sd15, "a")], PICTURE) == []


def test_layers_that_will_come_and_go(sd15):
    assert foreseen(CPU, 1_500_000_000, [(sd15, "a")], PICTURE) == [
        "The U-Net of 'sd15.safetensors' takes 3.4 GB, sampling 512 × 512 about 370 MB beside; the budget is 1.5 GB: "
        "its layers will come and go, which is slower."
    ]
    (half,) = foreseen(HALF, 1_500_000_000, [(sd15, "a")], None)
    assert half.startswith("The U-Net of 'sd15.safetensors' takes 1.7 GB; the budget is 1.5 GB: its layers will")


def test_pictures_one_by_one_and_what_cannot_fit(sd15):
    (one,) = foreseen(CPU, 800_000_000, [(sd15, "a")], Drawn(512, 512, 8))
    assert one.endswith("its layers will come and go, and its pictures will be computed one by one.")
    (none,) = foreseen(CPU, 300_000_000, [(sd15, "a")], Drawn(2048, 2048, 2))
    assert none.endswith("It cannot fit, even layer by layer and one picture at a time: see --memory.")


def test_weights_that_stay_in_their_file_need_no_memory(tmp_path: Path):
    from tests.diffusion.tiny import write_tiny_checkpoint

    file = write_tiny_checkpoint(tmp_path / "tiny.safetensors")
    assert foreseen(CPU, 20_000_000, [(file, "mapped")], None) == []
    assert foreseen(HALF, 1000, [(file, "mapped")], None) != []


def test_files_that_are_no_denoisers_are_passed_over(tmp_path: Path):
    (tmp_path / "broken.safetensors").write_bytes(b"")
    gone = tmp_path / "gone.safetensors"
    assert foreseen(CPU, 1, [(tmp_path / "broken.safetensors", "b"), (gone, "c")], PICTURE) == []


def test_it_loads_no_torch():
    code = "import sys, diffusion.forecast; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
