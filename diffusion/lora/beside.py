"""Low-rank changes computed beside a layer: y = W·x + up · (scale ∘ (down · x)). The layer's weight stays as it is.

Several of them on one layer are one: their down matrices stand below each other, their up matrices side by side, and
`scale` has a number for each row between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from diffusion.lora.fitting import Change
from diffusion.lora.kinds import factors, ratio
from diffusion.packing import PackedConv2d
from diffusion.tensors import Reader, Residence


class LowRank(nn.Module):
    """The sum of low-rank changes: what they add to a layer's answer. scale: [R]."""

    def __init__(self, down: nn.Module, up: nn.Module, scale: Tensor) -> None:
        super().__init__()
        self.down = down
        self.up = up
        shape = scale.shape if isinstance(down, _Product) else (-1, 1, 1)
        self.register_buffer("scale", scale.reshape(shape), persistent=False)

    def forward(self, x: Tensor, answer: Tensor) -> Tensor:
        """x: what the layer is given. answer: what it gave, which is changed: adding apart would pass over it twice."""
        inner = self.down(x) * self.scale
        if not isinstance(self.up, _Product):
            return answer.add_(self.up(inner))
        answer.view(-1, answer.shape[-1]).addmm_(inner.flatten(0, -2), self.up.weight.T)
        return answer


class _Product(nn.Module):
    """x·Wᵀ: a linear layer that is made of its weight, without drawing another first."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight)


@dataclass(frozen=True, eq=False)
class Pair:
    """All low-rank changes of one layer, whatever their strengths.

    down: [R, in, *kernel], up: [out, R]: as layers. ratios: float32 [R], α/r of each row. owners: int64 [R], which of
    the LoRAs it belongs to.
    """

    down: nn.Module
    up: nn.Module
    ratios: Tensor
    owners: Tensor

    def of_strengths(self, strengths: Sequence[float], dtype: torch.dtype) -> LowRank:
        """What is computed beside the layer, for one strength of each LoRA."""
        each = torch.tensor(strengths, dtype=torch.float32, device=self.ratios.device)
        return LowRank(self.down, self.up, (self.ratios * each[self.owners]).to(dtype))


def takes(layer: nn.Module) -> bool:
    """Whether low-rank changes can be computed beside a layer."""
    if isinstance(layer, PackedConv2d):
        return layer.geometry[3] == 1
    if type(layer) is nn.Conv2d:
        return layer.groups == 1 and layer.padding_mode == "zeros"
    return type(layer) is nn.Linear


def read_pair(
    layer: nn.Module, members: Sequence[tuple[int, Change]], readers: Sequence[Reader], home: Residence
) -> Pair:
    """Read the changes of one layer, each with the number of its LoRA, and put them into one. readers: of the LoRAs."""
    downs, ups, ratios, owners = [], [], [], []
    for number, change in members:
        parts = change.parts(readers[number].stored)
        down, up = factors({role: part.float() for role, part in parts.items()} if "mid" in parts else parts)
        downs.append(down.reshape(len(down), *change.shape[1:]))
        ups.append(up)
        ratios.append(ratio(parts, len(down)).expand(len(down)))
        owners += [number] * len(down)
    down, up = _beside(layer, _joined(downs, 0), _joined(ups, 1), home)
    return Pair(down, up, torch.cat(ratios).to(home.device), torch.tensor(owners, device=home.device))


def attach(layer: nn.Module, change: LowRank) -> None:
    """Have a layer add what is computed beside it."""
    layer.add_module("beside", change)
    layer.register_forward_hook(_add)


def _add(layer: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> Tensor:
    return layer.get_submodule("beside")(*given, answer)


def _beside(layer: nn.Module, down: Tensor, up: Tensor, home: Residence) -> tuple[nn.Module, nn.Module]:
    """Down and up as layers of the kind of the one they are computed beside."""
    if isinstance(layer, nn.Linear):
        return _product(down.flatten(1), home), _product(up, home)
    if isinstance(layer, PackedConv2d):
        padding, stride, dilation, _ = layer.geometry
    else:
        padding, stride, dilation = layer.padding, layer.stride, layer.dilation
    inner = _convolution(down, home, padding=padding, stride=stride, dilation=dilation)
    outer = _convolution(up[:, :, None, None], home)
    return (PackedConv2d(inner), PackedConv2d(outer)) if isinstance(layer, PackedConv2d) else (inner, outer)


def _joined(tensors: list[Tensor], axis: int) -> Tensor:
    """In one tensor, float32. 8-bit floats, which cannot be joined with others, are widened before."""
    if any(tensor.itemsize == 1 for tensor in tensors):
        tensors = [tensor.float() for tensor in tensors]
    return torch.cat(tensors, axis).float()  # float16 to bfloat16 by way of float32 takes a fifth of the time


def _product(weight: Tensor, home: Residence) -> _Product:
    return _Product(weight.to(home.device, home.dtype)).eval()


def _convolution(weight: Tensor, home: Residence, **geometry: Any) -> nn.Conv2d:
    outputs, inputs, *kernel = weight.shape
    layer = nn.Conv2d(inputs, outputs, tuple(kernel), bias=False, device="meta", **geometry)  # pyright: ignore[reportArgumentType] — two numbers
    layout = torch.channels_last if home.channels_last else torch.contiguous_format
    layer.weight = nn.Parameter(weight.to(home.device, home.dtype, memory_format=layout), requires_grad=False)
    return layer.eval()
