"""Draws inside the network, where there is no seed: from the noise level and the place alone."""

import struct
from zlib import crc32

import torch

from diffusion.changes import Place


def drawn(sigma: float, place: Place, number: int = 0) -> torch.Generator:
    """A generator that is the same at the same noise level, place and number, in whatever run, and on any device.

    What is drawn so differs from step to step and from layer to layer, and comes back when a run is resumed.
    """
    text = f"{place.stage} {place.number} {place.depth} {number}".encode()
    return torch.Generator().manual_seed(crc32(struct.pack("<d", sigma) + text))
