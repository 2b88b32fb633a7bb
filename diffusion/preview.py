"""Quick looks at a latent: by a tiny autoencoder where there is one for its space, else by one matrix product."""

import io
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import torch
from PIL import Image as Pillow
from torch import Tensor

from diffusion.checkpoint import component, read_vae
from diffusion.families.autoencoder import TINY
from diffusion.header import WeightFileError
from diffusion.services import Weights
from diffusion.values import LatentSpace, Vae

__all__ = ["Look", "decoded", "draw", "looking", "tiny_for"]

LONGEST_SIDE = 256
"""Pixels up to which a preview is enlarged, and down to which one of the linear map is reduced."""
LONGEST_DECODED = 512
"""Pixels down to which a decoded preview is reduced: it shows more."""
LARGEST_FILE = 64 * 2**20
"""Bytes of a file beyond which it is no tiny autoencoder."""

Look = Callable[[Tensor, LatentSpace], tuple[str, bytes]]
"""Draws the first latent of a batch [B, C, H, W] in model scale: its MIME type and its bytes."""


def looking(weights: Weights, files: Callable[[], Iterable[tuple[Path, str]]]) -> Look:
    """How a run's previews are drawn. files: gives those that may be tiny autoencoders, with their digests; it is
    asked once, when the first preview is drawn.
    """

    @cache
    def tiny(space: LatentSpace) -> Vae | None:
        return tiny_for(space, files())

    def look(latent: Tensor, space: LatentSpace) -> tuple[str, bytes]:
        vae = tiny(space)
        return draw(latent, space) if vae is None else decoded(latent, vae, weights)

    return look


def tiny_for(space: LatentSpace, files: Iterable[tuple[Path, str]]) -> Vae | None:
    """The first tiny autoencoder for a latent space. Files that are something else are passed over."""
    for path, digest in files:
        if not path.is_file() or path.stat().st_size > LARGEST_FILE:
            continue
        try:
            vae = read_vae(path, digest)
        except WeightFileError:
            continue
        is_tiny = component(vae.file, "vae").config.get("_class_name") == TINY
        told = (vae.space.name, vae.space.channels, vae.space.factor)
        if is_tiny and told == (space.name, space.channels, space.factor):
            return vae
    return None


@torch.no_grad()
def decoded(latent: Tensor, vae: Vae, weights: Weights) -> tuple[str, bytes]:
    """A JPEG picture of the first latent of a batch [B, C, H, W] in model scale, as an autoencoder decodes it."""
    one = latent[:1].float().cpu().nan_to_num() / vae.space.scale + vae.space.shift
    with weights.lend(vae) as autoencoder:
        picture = autoencoder.decode(one)
    return _jpeg(picture[0] / 2 + 0.5, LONGEST_DECODED)


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
    return _jpeg(colours, LONGEST_SIDE)


def _jpeg(colours: Tensor, longest: int) -> tuple[str, bytes]:
    """Colours [3, H, W] in 0..1 as a file, enlarged up to 256 pixels or reduced to `longest`."""
    pixels = (colours.nan_to_num().clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    picture = Pillow.fromarray(pixels, "RGB")
    enlarge = max(1, LONGEST_SIDE // max(picture.size))
    picture = picture.resize((picture.width * enlarge, picture.height * enlarge), Pillow.Resampling.NEAREST)
    picture.thumbnail((longest, longest))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return "image/jpeg", out.getvalue()
