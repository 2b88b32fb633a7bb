"""Tiny IP-Adapters with seeded random weights, written as the files people have."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from diffusion.ip_adapter import AdapterNetwork
from diffusion.unet import attention_places
from tests.diffusion.tiny import seeded
from tests.diffusion.tiny_vision import PROJECTION, WIDTH


def adapter_tensors(kind: str, unet: nn.Module, seed: int = 50) -> dict[str, Tensor]:
    """An adapter's tensors, for this U-Net and the tiny vision model."""
    network: Any = unet
    tokens = network.config.cross_attention_dim
    places = attention_places(unet)
    cross = [name for name, place in places.items() if place.attends == "cross"]
    ordered = sorted(cross, key=lambda name: ("down_blocks", "up_blocks", "mid_block").index(name.partition(".")[0]))
    widths = tuple(network.get_submodule(name).to_k.weight.shape[0] for name in ordered)
    numbers = tuple(range(1, 2 * len(widths), 2))
    sizes: Mapping[str, Mapping[str, int]] = {
        "plain": {"seen": PROJECTION, "count": 4},
        "full": {"seen": WIDTH, "inner": WIDTH},
        "plus": {"seen": WIDTH, "count": 5, "width": 48, "heads": 2, "inner": 192, "depth": 4},
    }
    config = {"kind": kind, "tokens": tokens, "numbers": numbers, "widths": widths, **sizes[kind]}
    module = seeded(AdapterNetwork(config), seed)
    return {name: weight.clone() for name, weight in module.state_dict().items()}


def grouped(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """As files of torch's own kind have them, and as diffusers takes them."""
    groups: dict[str, dict[str, Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for name, tensor in tensors.items():
        group, _, rest = name.partition(".")
        groups[group][rest] = tensor
    return groups


def write_adapter(path: Path, kind: str, unet: nn.Module, seed: int = 50) -> Path:
    """Write one: a `.bin` in groups, a `.safetensors` with whole names."""
    tensors = adapter_tensors(kind, unet, seed)
    if path.suffix == ".bin":
        torch.save(grouped(tensors), path)
    else:
        save_file(tensors, path)
    return path
