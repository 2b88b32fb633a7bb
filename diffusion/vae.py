"""Pictures ⇄ latents, whole or in feathered tiles. Latents keep the autoencoder's own scale.

The encoder gives a distribution; its mean is taken, so that encoding is a function of the picture alone.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from diffusion.activations import coding_bytes
from diffusion.families.autoencoder import TINY
from diffusion.lease import Lease
from diffusion.services import Weights
from diffusion.tensors import Residence
from diffusion.tiling import in_tiles
from diffusion.values import Image, Latent, LatentSpace, Mask, Vae

log = logging.getLogger(__name__)

LARGEST_WHOLE = 1536 * 1536
"""Pixels of a picture that is still coded in one piece: about 9 GB in float32. Fixed, so that results depend on the
workflow alone.
"""


@dataclass(frozen=True)
class Tiles:
    """How a picture is cut, in picture pixels. overlap: what neighbours share; at most a quarter of a side is used."""

    side: int = 512
    overlap: int = 64


SMALLER = (Tiles(256, 64), Tiles(128, 32))
"""What is tried where memory is too small for tiles of the usual size."""


class Autoencoder:
    """What `Weights.lend(vae)` gives. space: the latents it speaks."""

    def __init__(self, lease: Lease, space: LatentSpace) -> None:
        self._lease = lease
        self.space = space
        config: Any = lease.run.config
        self._is_tiny = config.get("_class_name") == TINY  # these speak the model's scale
        self._half = config.get("half")

    def encode(self, picture: Tensor) -> Tensor:
        """The mean of the posterior, float32 [1, C, H/f, W/f] on the CPU. picture: float32 [1, 3, H, W] in -1..1,
        sides multiples of f. Raises ValueError for half an autoencoder, which decodes.
        """
        if self._half == "decoder":
            raise ValueError(
                "This tiny autoencoder has only its decoder. Put its encoder beside it, under the same name with "
                "'encoder' for 'decoder', or encode with the model's own autoencoder."
            )

        def forward(vae: nn.Module, residence: Residence) -> Tensor:
            coded = vae.encode(_placed(picture, residence))  # pyright: ignore[reportCallIssue] — an autoencoder
            return coded.latents if self._is_tiny else coded.latent_dist.mode()

        latent = self._lease.compute(forward, self.need(picture.shape[-2] * picture.shape[-1])).float().cpu()
        return latent / self.space.scale + self.space.shift if self._is_tiny else latent

    def decode(self, latent: Tensor) -> Tensor:
        """The picture, float32 [1, 3, f·H, f·W] about -1..1 on the CPU. latent: float32 [1, C, H, W] in the
        autoencoder's scale.
        """
        if self._is_tiny:
            latent = (latent - self.space.shift) * self.space.scale

        def forward(vae: nn.Module, residence: Residence) -> Tensor:
            return vae.decode(_placed(latent, residence), return_dict=False)[0]  # pyright: ignore[reportCallIssue] — AutoencoderKL

        pixels = latent.shape[-2] * latent.shape[-1] * self.space.factor**2
        return self._lease.compute(forward, self.need(pixels)).float().cpu()

    def need(self, pixels: int) -> int:
        """Bytes that coding a picture of so many pixels at once takes beside the weights."""
        config: Any = self._lease.run.config
        return coding_bytes(config, pixels, self._lease.residence.dtype.itemsize)


def decode(latent: Latent, vae: Vae, weights: Weights, tiles: Tiles | None = None) -> Image:
    """Turn latents into pictures, float32 [B, f·H, f·W, 3] in 0..1, one after another.

    tiles: None cuts only pictures above 1536×1536 pixels. Raises ValueError where the latents are of another space.
    """
    samples = _of_space(latent, vae.space)
    factor = vae.space.factor
    with weights.lend(vae) as autoencoder:

        def run(item: Tensor, cut: Tiles | None) -> Tensor:
            if cut is None:
                return autoencoder.decode(item)
            side, overlap = _in_latent_pixels(cut, factor)
            return in_tiles(autoencoder.decode, item, side, overlap, scale=factor, channels=3)

        pictures = [_coded(run, item, item.shape[-2] * item.shape[-1] * factor**2, tiles) for item in samples.split(1)]
    pixels = (torch.cat(pictures) / 2 + 0.5).clamp(0, 1)
    return Image(pixels.permute(0, 2, 3, 1).contiguous())


def encode(image: Image, vae: Vae, weights: Weights, tiles: Tiles | None = None) -> Latent:
    """Turn pictures into latents, float32 [B, C, H/f, W/f]. Sides that are no multiples of f are cropped around the
    centre.

    Grey pictures are taken as colour pictures, alpha is left out. tiles: as for `decode`. Raises ValueError where a
    picture is smaller than one latent pixel.
    """
    factor = vae.space.factor
    pixels = cropped(in_colour(image), factor)
    with weights.lend(vae.encoding) as autoencoder:

        def run(item: Tensor, cut: Tiles | None) -> Tensor:
            if cut is None:
                return autoencoder.encode(item)
            side, overlap = _in_latent_pixels(cut, factor)
            channels = vae.space.channels
            return in_tiles(
                autoencoder.encode, item, side * factor, overlap * factor, scale=1 / factor, channels=channels
            )

        latents = [_coded(run, item, item.shape[-2] * item.shape[-1], tiles) for item in (pixels * 2 - 1).split(1)]
    return Latent(torch.cat(latents), vae.space)


def encode_for_inpainting(image: Image, mask: Mask, vae: Vae, weights: Weights, grow: int = 6) -> Latent:
    """Encode with what is to be repainted made grey, and the mask, grown by about grow/2 pixels to each side, as
    noise mask.

    Where the mask is 0.5 or more the picture is replaced by 0.5 grey, so that nothing of it shows through at full
    denoise. The grown mask covers what the autoencoder smears across the border. mask: any size; it is resized to the
    picture.
    """
    factor = vae.space.factor
    pixels = in_colour(image)
    resized = functional.interpolate(mask.values[:, None].float(), size=pixels.shape[-2:], mode="bilinear")
    pixels, resized = cropped(pixels, factor), cropped(resized, factor)
    repaint = (resized >= 0.5).float()
    grown = repaint if grow == 0 else _grown(repaint, grow)
    grey = (pixels - 0.5) * (1 - _for_batch(repaint, pixels.shape[0])) + 0.5
    latent = encode(Image(grey.permute(0, 2, 3, 1)), vae, weights)
    return Latent(latent.samples, latent.space, noise_mask=grown[:, 0])


def cropped(picture: Tensor, factor: int) -> Tensor:
    """The middle of [B, C, H, W] whose sides are multiples of `factor`."""
    height, width = picture.shape[-2:]
    if height < factor or width < factor:
        raise ValueError(
            f"A picture of {width}×{height} pixels is too small to encode: the least is {factor}×{factor}."
        )
    top, left = height % factor // 2, width % factor // 2
    return picture[:, :, top : top + height // factor * factor, left : left + width // factor * factor]


def _coded(run: Callable[[Tensor, Tiles | None], Tensor], item: Tensor, pixels: int, tiles: Tiles | None) -> Tensor:
    """One picture or latent, cut where asked for, where it is large, or where there is too little memory: then ever
    smaller. Raises MemoryShortage where the smallest tiles are too large.
    """
    first = tiles or Tiles()
    cuts: list[Tiles | None] = [first, *(cut for cut in SMALLER if cut.side < first.side)]
    if tiles is None and pixels <= LARGEST_WHOLE:
        cuts.insert(0, None)
    for cut in cuts[:-1]:
        try:
            return run(item, cut)
        except torch.OutOfMemoryError as error:
            reason = str(error)
        log.warning(
            "The device has too little memory for %s pixels at once; they are coded in %stiles. (%s)",
            f"{pixels:,}" if cut is None else f"{cut.side}×{cut.side}",
            "" if cut is None else "smaller ",
            reason,
        )
    return run(item, cuts[-1])


def _in_latent_pixels(tiles: Tiles, factor: int) -> tuple[int, int]:
    side = max(1, tiles.side // factor)
    return side, min(tiles.overlap // factor, side // 4)


def _placed(picture: Tensor, residence: Residence) -> Tensor:
    layout = torch.channels_last if residence.channels_last else torch.contiguous_format
    return picture.to(residence.device, residence.dtype, memory_format=layout)


def _of_space(latent: Latent, space: LatentSpace) -> Tensor:
    samples, other = latent.samples, latent.space
    if samples.ndim != 4:
        raise ValueError(
            f"This autoencoder decodes pictures; the latent has the shape {list(samples.shape)}, not [B, C, H, W]."
        )
    if samples.shape[1] != space.channels:
        raise ValueError(
            f"The latent has {samples.shape[1]} channels{f' ({other.name})' if other else ''}; "
            f"the autoencoder ({space.name}) decodes {space.channels}. "
            "Use the autoencoder of the model that made the latent."
        )
    if other is not None and other.factor != space.factor:
        raise ValueError(
            f"A pixel of the latent ({other.name}) stands for {other.factor}×{other.factor} pixels; "
            f"the autoencoder ({space.name}) makes {space.factor}×{space.factor} of it. "
            "Use the autoencoder of the model that made the latent."
        )
    if other is not None and other.name != space.name and other.name and space.name:
        raise ValueError(
            f"The latent is one of '{other.name}', the autoencoder one of '{space.name}': their numbers mean other "
            "colours. Use the autoencoder of the model that made the latent."
        )
    return samples


def in_colour(image: Image) -> Tensor:
    """Pictures as [B, 3, H, W] in 0..1."""
    pixels = (
        image.pixels[..., :3]
        if image.pixels.shape[-1] >= 3
        else image.pixels[..., :1].expand(*image.pixels.shape[:3], 3)
    )
    if image.range is not None:
        lowest, highest = image.range
        pixels = (pixels - lowest) / (highest - lowest)
    return pixels.permute(0, 3, 1, 2)


def _grown(mask: Tensor, pixels: int) -> Tensor:
    """A mask [B, 1, H, W] of 0 and 1, spread by a square of `pixels` (which is off-centre where that is even)."""
    kernel = torch.ones(1, 1, pixels, pixels)
    spread = functional.conv2d(mask, kernel, padding=ceil((pixels - 1) / 2)).clamp(0, 1)
    return spread[:, :, : mask.shape[-2], : mask.shape[-1]].round()


def _for_batch(mask: Tensor, count: int) -> Tensor:
    """As many masks as pictures, repeated in turn."""
    return mask.repeat(ceil(count / mask.shape[0]), 1, 1, 1)[:count]
