"""Low-rank changes computed beside a layer: y = W·x + up · (scale ∘ (down · x)). The layer's weight stays as it is.

Several of them on one layer are one: their down matrices stand below each other, their up matrices side by side, and
`scale` has a number for each row between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

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
        shape = scale.shape if isinstance(down, nn.Linear) else (-1, 1, 1)
        self.register_buffer("scale", scale.reshape(shape), persistent=False)

    def forward(self, x: Tensor, answer: Tensor) -> Tensor:
        """x: what the layer is given. answer: what it gave, which is changed: adding apart would pass over it twice."""
        inner = self.down(x) * self.scale
        if not isinstance(self.up, nn.Linear):
            return answer.add_(self.up(inner))
        answer.view(-1, answer.shape[-1]).addmm_(inner.flatten(0, -2), self.up.weight.T)
        return answer


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
        parts = change.parts(readers[number])
        down, up = factors(parts)
        downs.append(down.reshape(len(down), *change.shape[1:]))
        ups.append(up)
        ratios.append(ratio(parts, len(down)).to(home.device).expand(len(down)))
        owners += [number] * len(down)
    down, up = _beside(layer, torch.cat(downs), torch.cat(ups, dim=1), home)
    return Pair(down, up, torch.cat(ratios), torch.tensor(owners, device=home.device))


def attach(layer: nn.Module, change: LowRank) -> None:
    """Have a layer add what is computed beside it."""
    layer.add_module("beside", change)
    layer.register_forward_hook(_add)


def _add(layer: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> Tensor:
    return layer.get_submodule("beside")(*given, answer)


def _beside(layer: nn.Module, down: Tensor, up: Tensor, home: Residence) -> tuple[nn.Module, nn.Module]:
    """Down and up as layers of the kind of the one they are computed beside."""
    if isinstance(layer, nn.Linear):
        return _linear(down.flatten(1), home), _linear(up, home)
    if isinstance(layer, PackedConv2d):
        padding, stride, dilation, _ = layer.geometry
    else:
        padding, stride, dilation = layer.padding, layer.stride, layer.dilation
    inner = _convolution(down, home, padding=padding, stride=stride, dilation=dilation)
    outer = _convolution(up[:, :, None, None], home)
    return (PackedConv2d(inner), PackedConv2d(outer)) if isinstance(layer, PackedConv2d) else (inner, outer)


def _linear(weight: Tensor, home: Residence) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    layer.weight = nn.Parameter(weight.to(home.device, home.dtype), requires_grad=False)
    return layer.eval()


def _convolution(weight: Tensor, home: Residence, **geometry: Any) -> nn.Conv2d:
    outputs, inputs, *kernel = weight.shape
    layer = nn.Conv2d(inputs, outputs, tuple(kernel), bias=False, device="meta", **geometry)  # pyright: ignore[reportArgumentType] — two numbers
    layout = torch.channels_last if home.channels_last else torch.contiguous_format
    layer.weight = nn.Parameter(weight.to(home.device, home.dtype, memory_format=layout), requires_grad=False)
    return layer.eval()
