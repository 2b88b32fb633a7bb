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
