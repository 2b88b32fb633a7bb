"""Packed convolutions against plain ones: the same bits."""

import pytest
import torch
from torch import nn

from diffusion.packing import PackedConv2d, packed, possible
from tests.diffusion.tiny import TEXT_WIDTH, all_packed, tiny_unet

SHAPES = [
    {"in_channels": 4, "out_channels": 32, "kernel_size": 3, "padding": 1},
    {"in_channels": 64, "out_channels": 64, "kernel_size": 3, "padding": 1, "stride": 2},
    {"in_channels": 96, "out_channels": 32, "kernel_size": 1},
    {"in_channels": 32, "out_channels": 4, "kernel_size": 3, "padding": 1, "bias": False},
]


NEEDS_PACKING = pytest.mark.skipif(not possible(), reason="torch does not pack bfloat16 on this processor")


def noise(*shape: int) -> torch.Tensor:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).bfloat16()
    return x.to(memory_format=torch.channels_last) if len(shape) == 4 else x


@NEEDS_PACKING
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [(1, 8, 8), (2, 9, 11), (3, 1, 1)])
@torch.inference_mode()
def test_a_layer_gives_the_same_bits(shape, size):
    plain = nn.Conv2d(**shape).bfloat16().to(memory_format=torch.channels_last).requires_grad_(False)
    x = noise(size[0], shape["in_channels"], *size[1:])
    assert torch.equal(PackedConv2d(plain)(x), plain(x))


@NEEDS_PACKING
@pytest.mark.parametrize("size", [(1, 8, 8), (2, 9, 11)])
@torch.inference_mode()
def test_a_network_gives_the_same_bits(size):
    plain = tiny_unet().bfloat16().to(memory_format=torch.channels_last)
    other = all_packed(tiny_unet().bfloat16().to(memory_format=torch.channels_last))
    assert not any(type(layer) is nn.Conv2d for layer in other.modules())
    question = noise(size[0], 4, *size[1:]), torch.tensor([500.0]), noise(size[0], 77, TEXT_WIDTH)
    assert torch.equal(other(*question).sample, plain(*question).sample)


def test_layers_of_other_kinds_stay():
    for layer in (nn.Conv2d(4, 4, 3, padding="same"), nn.Conv1d(4, 4, 3), nn.Linear(4, 4)):
        assert packed(layer) is layer
