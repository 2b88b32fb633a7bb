"""Convolutions whose weights are laid out once for the processor's matrix units, instead of anew in every call.

oneDNN brings weights into blocks before it multiplies. For a U-Net's deep levels, where pictures are small and weights
large, that takes longer than multiplying. The numbers that come out are the same to the bit.
"""

from typing import Any

import torch
from torch import Tensor, nn


class PackedConv2d(nn.Module):
    """Computes what a `Conv2d` on the host computes. Its weight is in oneDNN's own layout, which nothing else reads.

    geometry: padding, stride, dilation, groups.
    """

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        self.geometry: tuple[Any, ...] = (plain.padding, plain.stride, plain.dilation, plain.groups)
        weight = plain.weight.detach().to_mkldnn()
        self._weight = torch._C._nn.mkldnn_reorder_conv2d_weight(weight, *self.geometry)  # pyright: ignore[reportAttributeAccessIssue] — not in torch's stubs
        self._bias = plain.bias

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, C, H, W] of the weight's type."""
        return torch.ops.mkldnn._convolution_pointwise(x, self._weight, self._bias, *self.geometry, "none", [], "")

    def unpacked(self) -> nn.Conv2d:
        """A plain layer with the same weight, laid out anew with its channels last."""
        padding, stride, dilation, groups = self.geometry
        weight = self._weight.to_dense().to(memory_format=torch.channels_last)
        with torch.device("meta"):
            plain = nn.Conv2d(
                weight.shape[1] * groups,
                weight.shape[0],
                tuple(weight.shape[2:]),
                stride,
                padding,
                dilation,
                groups,
                bias=self._bias is not None,
            )
        plain.weight = nn.Parameter(weight, requires_grad=False)
        plain.bias = self._bias
        return plain.eval()


def possible() -> bool:
    """Whether torch packs layers in bfloat16 on this processor; on x86 it takes AVX-512 or AVX-NE-CONVERT."""
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def packed(layer: nn.Module) -> nn.Module:
    """A plain `Conv2d` in its packed form, any other layer as it is. Where it is not `possible`, torch raises."""
    if type(layer) is not nn.Conv2d or layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        return layer
    return PackedConv2d(layer)
