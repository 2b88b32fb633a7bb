"""What computing takes beside the weights, in bytes, known from a network's configuration and a picture's size.

Counted is what lives at once at the widest place: in a U-Net the last layers of the output stage, where the skips of
the input stage, a joined pair of hidden states, its norm and a feed-forward layer's two halves stand side by side; in
an autoencoder its last level, at the picture's own size. In 16 bits a processor's kernels keep much of that in float32.
The numbers are fitted, within 30 %, to what U-Nets of the sizes of Stable Diffusion 1.5 and XL took on a processor at
256×256 to 768×768, one picture and two: see `tests/diffusion/test_activations.py`. Loads no torch.
"""

from collections.abc import Mapping
from typing import Any

DENOISING = 24
"""Times the width of the U-Net's first level, for each latent pixel, in float32."""

NARROW_ATTENDING, NARROW = 56, 44
"""The same in 16 bits, where the first level attends, and where it does not, as in SDXL."""

FLOAT32 = 4
"""Bytes."""

ATTENDING = "CrossAttnDownBlock2D"
"""diffusers' kind of a level that attends."""

CODING = 8
"""Times the width of the autoencoder's first level, for each pixel of the picture."""


def denoising_bytes(config: Mapping[str, Any], rows: int, height: int, width: int, itemsize: int) -> int:
    """What a U-Net takes for `rows` latents of height × width at once. itemsize: bytes of a number."""
    widths, is_narrow = config["block_out_channels"], itemsize < FLOAT32
    attends = config.get("down_block_types", (ATTENDING,))[0] == ATTENDING
    times = (NARROW_ATTENDING if attends else NARROW) if is_narrow else DENOISING
    # A processor's convolutions lay the weights out anew: the largest joins a skip at the deepest level. In 16 bits
    # they are laid out when they are loaded.
    laid_out = 9 * (1 if is_narrow else 2) * widths[-1] * widths[-1]
    return (times * rows * height * width * widths[0] + laid_out) * itemsize


def enlarging_bytes(config: Mapping[str, Any], pixels: int, itemsize: int) -> int:
    """What an upscaling network takes for a tile of so many pixels; 0 where its kind does not say.

    ESRGAN: its last features, at the result's own size, and what is made of them, which is float32 at the end; where
    that is little, a dense block's findings. The compact kind: a layer's input, output and activation.
    """
    match config:
        case {"architecture": "esrgan", "width": width, "growth": growth, "doublings": doublings}:
            folded = config.get("unshuffle", 1) ** 2
            large = width * 4**doublings * max(2 * itemsize, itemsize + 4)
            return pixels * max(large, (3 * width + 8 * growth) * itemsize) // folded
        case {"architecture": "compact", "width": width}:
            return pixels * 3 * width * itemsize
    return 0


def coding_bytes(config: Mapping[str, Any], pixels: int, itemsize: int) -> int:
    """What an autoencoder takes to encode or decode a picture of so many pixels."""
    widths = config.get("block_out_channels") or config["decoder_block_out_channels"]
    return CODING * pixels * widths[0] * itemsize
