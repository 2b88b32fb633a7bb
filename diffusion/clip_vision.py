"""CLIP's view of pictures (Radford et al. 2021): a vector for the whole, and states of its patches."""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from diffusion.lease import Lease
from diffusion.services import Weights
from diffusion.tensors import Residence
from diffusion.vae import in_colour
from diffusion.values import ClipVision, ClipVisionOutput, Image

Crop = Literal["center", "none"]
"""What becomes of a picture that is not square: its middle is cut out, or it is squeezed."""

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Of red, green and blue in the pictures that CLIP was trained on."""


class ClipSight:
    """What `Weights.lend(clip_vision)` gives."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    @property
    def side(self) -> int:
        """Of the squares it looks at, in pixels."""
        config: Any = self._lease.run.config
        return config.image_size

    def __call__(self, pixels: Tensor) -> ClipVisionOutput:
        """What it sees in normalised pixels, float32 [B, 3, side, side]: see `prepared`."""

        def forward(network: nn.Module, residence: Residence) -> tuple[Tensor, ...]:
            out = network(pixels.to(residence.device, residence.dtype), output_hidden_states=True)
            return out.image_embeds, out.last_hidden_state, out.hidden_states[-2]

        embeds, last, penultimate = (each.to("cpu", torch.float32) for each in self._lease.compute(forward))
        return ClipVisionOutput(embeds, last, penultimate)

    def look(self, image: Image, crop: Crop) -> ClipVisionOutput:
        """What it sees in pictures."""
        return self(prepared(image, self.side, crop))

    def nothing(self) -> ClipVisionOutput:
        """What it sees where every pixel is CLIP's mean colour: [1, …] of each, for the side of guidance that is to see
        no picture.
        """
        return self(torch.zeros(1, 3, self.side, self.side))


def encode(image: Image, clip_vision: ClipVision, weights: Weights, crop: Crop = "center") -> ClipVisionOutput:
    """What CLIP sees in pictures [B, H, W, C] of any size; alpha is left out, grey is colour."""
    with weights.lend(clip_vision) as sight:
        return sight.look(image, crop)


def prepared(image: Image, side: int, crop: Crop) -> Tensor:
    """Pictures as CLIP was trained on them: float32 [B, 3, side, side], normalised.

    The shorter side becomes `side` (bicubic, antialiased), the middle is cut out; without crop both sides do. Levels
    are rounded to 8 bits, as those of the pictures in training were.
    """
    pixels = in_colour(image).float()
    height, width = pixels.shape[-2:]
    short = min(height, width)
    size = (side, side) if crop == "none" else (side * height // short, side * width // short)
    if size != (height, width):
        pixels = interpolate(pixels, size=size, mode="bicubic", antialias=True)
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    pixels = (pixels[..., top : top + side, left : left + side].clamp(0, 1) * 255).round() / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (pixels - mean) / std
