"""What computing takes beside the weights, in bytes, known from a network's configuration and a picture's size.

Counted is what lives at once at the widest place: in a U-Net the last layers of the output stage, where the skips of
the input stage, a joined pair of hidden states, its norm and a feed-forward layer's two halves stand side by side; in
an autoencoder its last level, at the picture's own size. They were fitted to Stable Diffusion 1.5 in float32 at 256×256
on a processor, above what it used; other sizes are told by the formula alone. Loads no torch.
"""

from collections.abc import Mapping
from typing import Any

DENOISING = 24
"""Times the width of the U-Net's first level, for each latent pixel."""

CODING = 8
"""Times the width of the autoencoder's first level, for each pixel of the picture."""


def denoising_bytes(config: Mapping[str, Any], rows: int, height: int, width: int, itemsize: int) -> int:
    """What a U-Net takes for `rows` latents of height × width at once. itemsize: bytes of a number."""
    widths = config["block_out_channels"]
    # A processor's convolutions lay the weights out anew: the largest joins a skip at the deepest level.
    laid_out = 9 * 2 * widths[-1] * widths[-1]
    return (DENOISING * rows * height * width * widths[0] + laid_out) * itemsize


def coding_bytes(config: Mapping[str, Any], pixels: int, itemsize: int) -> int:
    """What an autoencoder takes to encode or decode a picture of so many pixels."""
    widths = config.get("block_out_channels") or config["decoder_block_out_channels"]
    return CODING * pixels * widths[0] * itemsize
