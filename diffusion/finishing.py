"""What makes a network that has its weights ready to compute: the way through a U-Net is ours, and may be compiled."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from diffusion.compiling import coded
from diffusion.families import Component
from diffusion.precision import UnavailableError

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
    import torch

    from diffusion.unet import Denoiser

    require_compiler(device)
    return torch.compile(Denoiser(module))  # pyright: ignore[reportReturnType] — a module, though declared as a function


def require_compiler(device: torch.device) -> None:
    """What torch compiles for a processor is C++. Raises UnavailableError where nothing can compile that."""
    compilers = (os.environ.get("CXX", "g++"), "g++", "clang++", "cl")
    if device.type == "cpu" and not any(shutil.which(name) for name in compilers):
        raise UnavailableError(
            "Compiling the denoiser needs a C++ compiler, and neither g++ nor clang++ is found. "
            "Install one, or run without --compile."
        )


def _unchanged(module: nn.Module) -> nn.Module:
    return module
