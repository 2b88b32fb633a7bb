"""LoRA files with seeded random tensors for the tiny models, and the weights that they stand for, by hand."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from diffusion.context import Context
from diffusion.memory import Weights
from diffusion.values import Model, WeightFile
from tests.diffusion.tiny import TEXT_WIDTH, tiny_unet

RANK = 4

ATTENTION = "down_blocks.0.attentions.0.transformer_blocks.0"
LINEAR = f"{ATTENTION}.attn1.to_q"
CONTEXT = f"{ATTENTION}.attn2.to_k"
SECOND = f"{ATTENTION}.attn1.to_out.0"
FEED = f"{ATTENTION}.ff.net.0.proj"
PROJECTION = "down_blocks.0.attentions.0.proj_in"
CONVOLUTION = "down_blocks.0.resnets.0.conv1"
STRIDED = "down_blocks.0.downsamplers.0.conv"
LAYERS = (LINEAR, CONTEXT, SECOND, FEED, PROJECTION, CONVOLUTION, STRIDED)

X = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(7))
TIME = torch.tensor([321.0])
TOKENS = torch.randn(2, 77, TEXT_WIDTH, generator=torch.Generator().manual_seed(8))


def noise(*shape: int, seed: int = 0, scale: float = 0.3) -> Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def low_rank(weight: Tensor, seed: int, rank: int = RANK) -> tuple[Tensor, Tensor]:
    """Down and up for a weight, as trainers write them."""
    down = noise(rank, *weight.shape[1:], seed=seed)
    up = noise(weight.shape[0], rank, *[1] * (weight.ndim - 2), seed=seed + 1000)
    return down, up


def product(down: Tensor, up: Tensor) -> Tensor:
    """up · down in the shape of the weight."""
    return torch.einsum("or,ri->oi", up.flatten(1), down.flatten(1)).reshape(up.shape[0], *down.shape[1:])


_TEXT = "lora_te_text_model_encoder_layers_0_mlp_fc1"
TEXT_LORA = {f"{_TEXT}.lora_down.weight": noise(2, TEXT_WIDTH), f"{_TEXT}.lora_up.weight": noise(4 * TEXT_WIDTH, 2)}
"""A LoRA of one layer of the tiny text encoder."""


def kohya(layer: str) -> str:
    return "lora_unet_" + layer.replace(".", "_")


def plain_lora(
    module: nn.Module, layers: tuple[str, ...], seed: int = 0, alpha: float | None = 2.0
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The tensors of a file in kohya's spelling, and ΔW by layer."""
    tensors, changes = {}, {}
    for number, layer in enumerate(layers):
        down, up = low_rank(module.get_submodule(layer).weight, seed + number)
        tensors[kohya(layer) + ".lora_down.weight"] = down
        tensors[kohya(layer) + ".lora_up.weight"] = up
        if alpha is not None:
            tensors[kohya(layer) + ".alpha"] = torch.tensor(alpha)
        changes[layer] = product(down, up) * (1 if alpha is None else alpha / RANK)
    return tensors, changes


def saved(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> WeightFile:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata=metadata)
    return WeightFile(str(path), path.name)


def changed_unet(changes: Mapping[str, Tensor], strength: float = 1.0) -> nn.Module:
    """The tiny U-Net with changes of its weights, by name of layer or tensor."""
    unet = tiny_unet()
    for name, change in changes.items():
        weight = unet.get_parameter(name if name.endswith((".weight", ".bias")) else name + ".weight")
        weight.data = weight.data + strength * change
    return unet


@torch.inference_mode()
def answer_of(unet: nn.Module) -> Tensor:
    return unet(X, TIME, TOKENS).sample


@torch.inference_mode()
def answer(weights: Weights, model: Model) -> Tensor:
    with weights.lend(model) as network:
        return network(X, TIME, Context(TOKENS))


def off(found: Tensor, wanted: Tensor) -> float:
    """The largest relative error of a picture: as a part of its largest number."""
    return float((found - wanted).abs().max() / wanted.abs().max())
