"""Estimates against what was measured: the growth of the process's own memory (RssAnon) in a call, on a processor."""

import pytest

from benchmarks.memory_table import COMPACT, ESRGAN
from benchmarks.sd15_checkpoint import UNET, VAE
from benchmarks.sdxl_memory import UNET as XL
from diffusion.activations import coding_bytes, denoising_bytes, enlarging_bytes

SD15 = {**UNET, "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",)}
OFF = 0.3
"""How far an estimate may be off, as a part of what was measured."""


@pytest.mark.parametrize(
    ("config", "itemsize", "rows", "side", "megabytes"),
    [
        (SD15, 2, 1, 256, 61),
        (SD15, 2, 2, 256, 98),
        (SD15, 2, 2, 384, 196),
        (SD15, 2, 1, 512, 204),
        (SD15, 2, 2, 512, 304),
        (SD15, 4, 1, 256, 167),
        (SD15, 4, 2, 256, 195),
        (SD15, 4, 2, 384, 247),
        (XL, 2, 1, 512, 129),
        (XL, 2, 2, 512, 232),
        (XL, 2, 1, 768, 314),
    ],
)
def test_what_denoising_takes(config, itemsize, rows, side, megabytes):
    """bfloat16 and float32, convolutions packed in bfloat16; SDXL's with a single block in each transformer."""
    estimated = denoising_bytes(config, rows, side // 8, side // 8, itemsize) / 1e6
    assert abs(estimated - megabytes) < OFF * megabytes


@pytest.mark.parametrize(("itemsize", "side", "megabytes"), [(2, 256, 179), (2, 512, 482), (4, 256, 367)])
def test_what_decoding_takes(itemsize, side, megabytes):
    assert abs(coding_bytes(VAE, side * side, itemsize) / 1e6 - megabytes) < OFF * megabytes


@pytest.mark.parametrize(
    ("architecture", "config", "itemsize", "gigabytes"),
    [("esrgan", ESRGAN, 4, 2.1), ("esrgan", ESRGAN, 2, 1.6), ("compact", COMPACT, 4, 0.21)],
)
def test_what_enlarging_takes(architecture, config, itemsize, gigabytes):
    """A tile of 512 × 512, with channels last."""
    estimated = enlarging_bytes({"architecture": architecture, **config}, 512 * 512, itemsize) / 1e9
    assert abs(estimated - gigabytes) < OFF * gigabytes


def test_kinds_that_say_nothing_take_nothing():
    assert enlarging_bytes({"architecture": "spandrel"}, 512 * 512, 4) == 0
