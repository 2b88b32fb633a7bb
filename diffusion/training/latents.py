"""Latent statistics: whitening folded into the autoencoder, all pictures encoded once, and the linear preview."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from diffusion.architectures import AutoencoderKL
from diffusion.training.networks import moments

__all__ = ["Whitening", "encoded", "fold", "preview_map", "whitening"]

SCALE_FACTOR = 0.18215
"""Stable Diffusion 1: latents in model scale are the autoencoder's times this."""


@dataclass(frozen=True)
class Whitening:
    """z -> matrix @ (z - mean) makes channels uncorrelated, of unit variance. matrix [C, C], mean [C], float64."""

    matrix: Tensor
    mean: Tensor


def whitening(latents: Tensor) -> Whitening:
    """The symmetric whitening of channels (ZCA: covariance to the power -1/2) over samples [B, C, H, W]."""
    rows = latents.double().movedim(1, -1).flatten(0, -2)
    mean = rows.mean(0)
    values, vectors = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))
    return Whitening(vectors @ torch.diag(values.rsqrt()) @ vectors.T, mean)


@torch.no_grad()
def fold(model: AutoencoderKL, white: Whitening) -> None:
    """Change `quant_conv` and `post_quant_conv`: latents times `SCALE_FACTOR` become white, pictures stay as they were.

    The posterior's variance cannot follow a mixing of channels and becomes a constant e^-30: encoding is deterministic.
    """
    forward = white.matrix / SCALE_FACTOR
    backward = torch.linalg.inv(forward)
    encode, decode = cast(nn.Conv2d, model.quant_conv), cast(nn.Conv2d, model.post_quant_conv)
    channels = len(white.mean)
    weight, bias = encode.weight[:channels, :, 0, 0].double(), _bias(encode)[:channels].double()
    encode.weight.zero_()
    encode.weight[:channels, :, 0, 0] = (forward @ weight).float()
    _bias(encode)[:channels] = (forward @ (bias - white.mean)).float()
    _bias(encode)[channels:] = -30.0
    weight, bias = decode.weight[:, :, 0, 0].double(), _bias(decode).double()
    decode.weight[:, :, 0, 0] = (weight @ backward).float()
    _bias(decode).copy_((bias + weight @ white.mean).float())


@torch.no_grad()
def encoded(model: AutoencoderKL, pictures: Iterable[Tensor]) -> Tensor:
    """Model-scale latents of batches of pictures in 0..1, joined: [N, C, H/4, W/4] float32."""
    return torch.cat([moments(model, batch * 2 - 1)[0] * SCALE_FACTOR for batch in pictures])


def preview_map(latents: Tensor, pictures: Tensor) -> tuple[list[list[float]], list[float]]:
    """Least squares from model-scale latents [B, C, h, w] to colours 0..1 [B, 3, H, W] averaged down to their size.

    Returns the matrix as C rows of three and the bias of three.
    """
    small = torch.nn.functional.adaptive_avg_pool2d(pictures, (latents.shape[2], latents.shape[3]))
    rows = latents.movedim(1, -1).flatten(0, -2).double()
    rows = torch.cat([rows, torch.ones(len(rows), 1, dtype=torch.float64)], 1)
    solution = torch.linalg.lstsq(rows, small.movedim(1, -1).flatten(0, -2).double()).solution
    return solution[:-1].tolist(), solution[-1].tolist()


def _bias(layer: nn.Conv2d) -> Tensor:
    return cast(Tensor, layer.bias)
