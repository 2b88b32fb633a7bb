"""Denoisers that a recipe wants compiled: torch.compile makes code for one network, which is faster each time it is
asked. Loads no torch before it does.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from diffusion.model_options import CompiledNetwork
from diffusion.precision import UnavailableError
from diffusion.values import Model

if TYPE_CHECKING:
    from torch import nn

CPP_COMPILERS = ("g++", "clang++", "cl")
"""What is looked for where the environment variable CXX names none."""


def backend_of(recipe: object) -> str:
    """The backend of torch.compile that a recipe asks for by the last of its options of that kind; "": none."""
    options = recipe.options if isinstance(recipe, Model) else ()
    return next((option.backend for option in reversed(options) if isinstance(option, CompiledNetwork)), "")


def require_backend(
    backend: str, device: str, by: str = "TorchCompileModel", or_else: str = "leave the node out"
) -> None:
    """Raise UnavailableError, saying what is missing, where a backend ("": none) cannot make code for a device.

    by: what asks for it. or_else: what can be done without it.

    "cudagraphs" needs a CUDA device. "inductor" writes C++ for a processor and Triton for a CUDA device, and needs what
    compiles these.
    """
    kind = device.partition(":")[0]
    if backend == "cudagraphs" and kind != "cuda":
        raise UnavailableError(
            f"{by}: the backend 'cudagraphs' records what a CUDA device does, but networks compute on {device}. Choose "
            f"'inductor', or {or_else}."
        )
    if backend == "inductor" and (missing := _missing(kind)):
        raise UnavailableError(
            f"{by}: the backend 'inductor' needs {missing} to make code for {device}, and there is none. Install it, "
            f"or {or_else}."
        )


def coded(module: nn.Module, backend: str) -> nn.Module:
    """A U-Net that computes with code of its own, made when it is first asked. The numbers are those of the plain one
    but for rounding.
    """
    import torch

    from diffusion.unet import Denoiser

    return torch.compile(Denoiser(module), backend=backend)  # pyright: ignore[reportReturnType] — a module, though declared as a function


def _missing(kind: str) -> str:
    """What inductor lacks on this machine, in words; "": nothing."""
    if kind == "cuda":
        return "" if find_spec("triton") else "the package 'triton'"
    if kind != "cpu":
        return ""
    if not any(shutil.which(name) for name in (os.environ.get("CXX", CPP_COMPILERS[0]), *CPP_COMPILERS)):
        return "a C++ compiler (g++ or clang++)"
    has_headers = Path(sysconfig.get_path("include"), "Python.h").exists()
    return "" if has_headers else "the C headers of Python (the package 'python3-dev' of most systems)"
