"""A network larger than the device: its layers come one after another, and leave again."""

import torch
from torch import nn


def stream(module: nn.Module, device: torch.device) -> nn.Module:
    """Make a module on the host compute on `device`, holding there only the layer at work and the one that comes next.

    On CUDA the next layer is copied while this one computes. The results are those of the whole module on the device.
    """
    from diffusers.hooks.group_offloading import apply_group_offloading

    apply_group_offloading(
        module,
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type="leaf_level",
        use_stream=device.type == "cuda",
    )
    return module


def pin(module: nn.Module, device: torch.device) -> nn.Module:
    """Bring a module's weights into the host's pinned memory, if this device copies from there while it computes.

    Streams of several networks over the same weights then have nothing of their own on the host.
    """
    if device.type == "cuda":
        for weight in module.parameters():
            weight.data = weight.data.pin_memory()
    return module
