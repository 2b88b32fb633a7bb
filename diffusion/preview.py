"""A quick look at a latent: one matrix product in place of the autoencoder."""

import io

import torch
from PIL import Image as Pillow
from torch import Tensor

from diffusion.values import LatentSpace

LONGEST_SIDE = 256
"""Pixels up to which a preview is enlarged."""


def draw(latent: Tensor, space: LatentSpace) -> tuple[str, bytes]:
    """A JPEG picture of the first latent of a batch: its MIME type and its bytes.

    latent: [B, C, H, W] in model scale. Each latent pixel becomes a square; the longer side is at most 256 pixels.
    Where the space has no known map to colours, the first three channels stand for red, green and blue.
    """
    channels = latent[0].float().cpu()
    if space.rgb is None:
        colours = channels[[0, 1 % len(channels), 2 % len(channels)]] / 4 + 0.5  # model scale has a deviation near 1
    else:
        bias = torch.tensor(space.rgb_bias)[:, None, None]
        colours = torch.einsum("chw,cr->rhw", channels, torch.tensor(space.rgb)) + bias
    bytes_ = (colours.nan_to_num().clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    picture = Pillow.fromarray(bytes_, "RGB")
    enlarge = max(1, LONGEST_SIDE // max(picture.size))
    picture = picture.resize((picture.width * enlarge, picture.height * enlarge), Pillow.Resampling.NEAREST)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return "image/jpeg", out.getvalue()
