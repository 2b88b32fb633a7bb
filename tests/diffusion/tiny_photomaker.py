"""Tiny PhotoMaker networks with seeded random weights, written with the published names."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.diffusion.tiny_vision import SAID, WIDTH, tiny_vision


def fusing(first: int, second: int) -> dict[str, Tensor]:
    """What stands beside the vision model whose projection has the width `first`: the second projection, the MLPs."""
    generator, full = torch.Generator().manual_seed(0), first + second
    sizes = {"mlp1.layernorm": (2 * full,), "mlp1.fc1": (full, 2 * full), "mlp1.fc2": (full, full)}
    sizes |= {"mlp2.layernorm": (full,), "mlp2.fc1": (full, full), "mlp2.fc2": (full, full), "layer_norm": (full,)}
    found = {"visual_projection_2.weight": torch.randn(second, WIDTH, generator=generator) / 8}
    for name, size in sizes.items():
        found[f"fuse_module.{name}.weight"] = torch.randn(size, generator=generator) / size[-1] ** 0.5
        found[f"fuse_module.{name}.bias"] = torch.randn(size[:1], generator=generator) / 4
    return found


def photomaker_tensors(first: int, second: int) -> dict[str, Tensor]:
    """The network's tensors as a file names them."""
    own = tiny_vision(projection=first).state_dict() | fusing(first, second)
    return {f"id_encoder.{name}": weight for name, weight in own.items()}


def write_photomaker(path: Path, first: int, second: int) -> Path:
    """Write one for text states of the width first + second."""
    save_file(photomaker_tensors(first, second), path, metadata={"noisewright.config": json.dumps(SAID)})
    return path
