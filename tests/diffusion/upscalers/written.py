"""Files of upscaling networks as people have them, filled with seeded noise; names as their authors wrote them."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion.upscalers import read_upscaler
from diffusion.values import UpscaleModel


def esrgan_tensors(
    *,
    doublings: int = 2,
    unshuffle: int = 1,
    channels: int = 3,
    width: int = 8,
    growth: int = 4,
    blocks: int = 2,
    own=False,
) -> dict[str, Tensor]:
    """Named as in Real-ESRGAN. own: the 1×1 convolutions of ESRGAN+."""
    convolutions = {"conv_first": (channels * unshuffle**2, width)}
    for block in range(blocks):
        for dense in (1, 2, 3):
            start = f"body.{block}.rdb{dense}.conv"
            convolutions |= {f"{start}{index + 1}": (width + index * growth, growth) for index in range(4)}
            convolutions[f"{start}5"] = (width + 4 * growth, width)
    convolutions |= {"conv_body": (width, width)}
    convolutions |= {f"conv_up{index}": (width, width) for index in range(1, doublings + 1)}
    convolutions |= {"conv_hr": (width, width), "conv_last": (width, channels)}
    tensors = filled(convolutions)
    if own:
        places = [(block, dense) for block in range(blocks) for dense in (1, 2, 3)]
        noise = torch.Generator().manual_seed(9)
        for block, dense in places:
            kernel = torch.randn(growth, width, 1, 1, generator=noise) / width**0.5
            tensors[f"body.{block}.rdb{dense}.conv1x1.weight"] = kernel
    return tensors


def compact_tensors(*, channels: int = 3, width: int = 8, layers: int = 3, scale: int = 4) -> dict[str, Tensor]:
    """Named as in Real-ESRGAN: convolutions at even places, slopes of PReLU at odd ones."""
    last = 2 * layers + 2
    convolutions = {f"body.{index}": (channels if index == 0 else width, width) for index in range(0, last, 2)}
    convolutions[f"body.{last}"] = (width, channels * scale**2)
    noise = torch.Generator().manual_seed(3)
    slopes = {f"body.{index}.weight": torch.rand(width, generator=noise) for index in range(1, last, 2)}
    return filled(convolutions) | slopes


def filled(convolutions: Mapping[str, tuple[int, int]]) -> dict[str, Tensor]:
    """Weights and biases of 3×3 convolutions (inputs, outputs)."""
    noise = torch.Generator().manual_seed(1)
    tensors = {}
    for name, (inputs, outputs) in convolutions.items():
        tensors[f"{name}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=noise) / (9 * inputs) ** 0.5
        tensors[f"{name}.bias"] = 0.1 * torch.randn(outputs, generator=noise)
    return tensors


def second_release(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The names of ESRGAN's second release."""
    renamed = {}
    for name, tensor in tensors.items():
        name = re.sub(r"^body\.(\d+)\.rdb", r"RRDB_trunk.\1.RDB", name).replace("conv_body", "trunk_conv")
        renamed[re.sub(r"^conv_up", "upconv", name).replace("conv_hr", "HRconv")] = tensor
    return renamed


def first_release(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The names of ESRGAN's first release: places in rows of layers."""
    blocks = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("body."))
    doublings = sum(bool(re.fullmatch(r"conv_up\d\.weight", name)) for name in tensors)
    places = {"conv_first": "model.0", "conv_body": f"model.1.sub.{blocks}"}
    places |= {f"conv_up{index}": f"model.{3 * index}" for index in range(1, doublings + 1)}
    places |= {"conv_hr": f"model.{3 * doublings + 2}", "conv_last": f"model.{3 * doublings + 4}"}
    renamed = {}
    for name, tensor in tensors.items():
        module, _, leaf = name.rpartition(".")
        inner = re.sub(r"^body\.(\d+)\.rdb(\d)\.(conv\d)$", r"model.1.sub.\1.RDB\2.\3.0", module)
        inner = re.sub(r"^body\.(\d+)\.rdb(\d)\.conv1x1$", r"model.1.sub.\1.RDB\2.conv1x1", inner)
        renamed[f"{places.get(module, inner)}.{leaf}"] = tensor
    return renamed


def written(path: Path, tensors: Mapping[str, Tensor]) -> UpscaleModel:
    """A safetensors file and its recipe. Every file needs a name of its own, which is its digest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return read_upscaler(path, str(path))
