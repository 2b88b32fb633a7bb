"""Tiny control networks with seeded random weights, written as the files people have."""

import json
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from diffusion.architectures import ControlNetModel, ControlNetUnionModel, T2IAdapter, UNet2DConditionModel
from diffusion.original_layout import adapter_names, control_names
from tests.diffusion.tiny import seeded

HINTS = (16, 32, 96, 256)
"""Widths of what looks at pictures: it makes their sides eight times shorter."""

N = TypeVar("N", bound=nn.Module)


def tiny_control(unet: UNet2DConditionModel, seed: int = 21) -> ControlNetModel:
    """A ControlNet for this U-Net."""
    return seeded(ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=HINTS), seed)


def tiny_union(unet: UNet2DConditionModel, tasks: int = 6, seed: int = 22) -> ControlNetUnionModel:
    """One that knows several tasks."""
    widths = unet.config["block_out_channels"]
    shared = (
        "block_out_channels", "layers_per_block", "down_block_types", "cross_attention_dim", "attention_head_dim",
        "transformer_layers_per_block", "use_linear_projection", "addition_embed_type", "addition_time_embed_dim",
        "projection_class_embeddings_input_dim",
    )  # fmt: skip
    sizes = {"num_trans_channel": widths[0], "num_proj_channel": widths[0], "num_control_type": tasks}
    net = ControlNetUnionModel(**{name: unet.config[name] for name in shared}, **sizes)
    return seeded(net, seed)


def tiny_adapter(kind: str, channels: list[int], in_channels: int = 3, seed: int = 23) -> T2IAdapter:
    """A T2I-Adapter of a kind that diffusers knows."""
    factor = 16 if kind == "full_adapter_xl" else 8
    resnets = 4 if kind == "light_adapter" else 2
    return seeded(T2IAdapter(in_channels, channels, resnets, factor, kind), seed)


def write(module: nn.Module, path: Path, heads: object = None, dtype: torch.dtype = torch.float32) -> Path:
    """Write a network under diffusers' own names. heads: of attention, where they are not those of published models."""
    return _written(module.state_dict(), path, heads, dtype)


def write_original(
    module: nn.Module, path: Path, heads: object = None, prefix: str = "", dtype: torch.dtype = torch.float32
) -> Path:
    """Write a ControlNet under the first ControlNets' names, with one layer a block."""
    return _written(original(module, prefix), path, heads, dtype)


def original(module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """A ControlNet's tensors by the first ControlNets' names."""
    state = module.state_dict()
    names = control_names(list(state), layers_per_block=1)
    return {prefix + names[name].removeprefix("control_model."): tensor for name, tensor in state.items()}


def write_original_adapter(adapter: T2IAdapter, path: Path, resnets: int) -> Path:
    """Write an adapter under the first adapters' names. resnets: of a block; 0 for the light kind."""
    state = {name.removeprefix("adapter."): tensor for name, tensor in adapter.state_dict().items()}
    names = adapter_names(list(state), resnets)
    return _written({names[name]: tensor for name, tensor in state.items()}, path, None, torch.float32)


def _written(tensors: dict[str, Tensor], path: Path, heads: object, dtype: torch.dtype) -> Path:
    metadata = None if heads is None else {"noisewright.config": json.dumps({"unet": {"attention_heads": heads}})}
    save_file({name: tensor.to(dtype).contiguous() for name, tensor in tensors.items()}, path, metadata=metadata)
    return path
