"""Maps of depth: the nearer, the brighter, as networks for depth see it (Ranftl et al. 2021; Yang et al. 2024)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from diffusion.lease import Lease
from diffusion.picture_files import eight_bit
from diffusion.services import Weights
from diffusion.tensors import Residence
from diffusion.values import DepthModel, Image


class DepthSight:
    """What `Weights.lend(depth_model)` gives."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def __call__(self, picture: Any) -> Tensor:
        """How near each pixel is, float32 [H, W] on the CPU, in a measure of its own. picture: Pillow's, in colour.

        Networks that answer in metres are turned round: what is at infinity is 0.
        """
        module: Any = self._lease.run
        pixels = module.image_processor([picture], return_tensors="pt")["pixel_values"]

        def forward(network: nn.Module, residence: Residence) -> Tensor:
            return network(pixels.to(residence.device, residence.dtype)).predicted_depth

        seen = self._lease.compute(forward).to("cpu", torch.float32)
        size = picture.height, picture.width
        near = interpolate(seen[:, None], size=size, mode="bicubic", align_corners=False)[0, 0]
        return 1 / near.clamp(min=1e-3) if getattr(module.config, "depth_estimation_type", "") == "metric" else near


def depth(image: Image, model: DepthModel, weights: Weights) -> Image:
    """Grey pictures of three channels in 0..1, each from the farthest (0) to the nearest pixel (1); alpha is left out.

    A picture in which all is equally far becomes black.
    """
    with weights.lend(model) as sight:
        maps = [_levelled(sight(picture.convert("RGB"))) for picture in eight_bit(image)]
    return Image(torch.stack(maps)[..., None].repeat(1, 1, 1, 3))


def _levelled(near: Tensor) -> Tensor:
    lowest, highest = near.min(), near.max()
    return torch.zeros_like(near) if highest == lowest else (near - lowest) / (highest - lowest)
