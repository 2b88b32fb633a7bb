"""The gradient of planes [B, C, H, W]: how they change from left to right and from top to bottom."""

from torch import Tensor
from torch.nn import functional


def sobel(planes: Tensor) -> tuple[Tensor, Tensor]:
    """Sobel's derivatives along rows and along columns, each eight times the change per pixel. Beyond the edges the
    edge holds.
    """
    padded = functional.pad(planes, (1, 1, 1, 1), mode="replicate")
    down = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    across = padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]
    return down[..., 2:] - down[..., :-2], across[:, :, 2:] - across[:, :, :-2]
