"""What makes a network that has its weights ready to compute: the way through a U-Net is ours, and may be compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from diffusion.compiling import coded, require_backend
from diffusion.families import Component

if TYPE_CHECKING:
    import torch
    from torch import nn


def finishing(component: Component) -> Callable[[nn.Module], nn.Module]:
    """What is made of a network of this kind."""
    if component.compiler:
        return partial(coded, backend=component.compiler)
    if component.part == "unet":
        from diffusion.unet import Denoiser

        return Denoiser
    return _unchanged


def compiled(module: nn.Module, device: torch.device) -> nn.Module:
    """A U-Net is asked many times: what makes each time faster is done once, here. Raises UnavailableError where
    nothing can compile for the device.
    """
    require_backend("inductor", str(device), "--compile", "run without --compile")
    return coded(module, "inductor")


def _unchanged(module: nn.Module) -> nn.Module:
    return module
