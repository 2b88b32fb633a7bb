"""Where and how tensors come to live, beside what torch's own cast gives."""

import torch
from torch import Tensor

from diffusion.tensors import PIECE, Residence

BF16 = Residence(torch.device("cpu"), torch.bfloat16)


def bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().view(torch.int16)


def test_every_float16_becomes_the_bfloat16_that_torch_makes_of_it():
    every = torch.arange(-(2**15), 2**15, dtype=torch.int16).view(torch.float16)
    ours, theirs, is_number = BF16.settled(every), every.to(torch.bfloat16), ~every.isnan()
    assert torch.equal(bits(ours)[is_number], bits(theirs)[is_number])
    assert torch.equal(ours.isnan(), ~is_number)


def test_any_shape_and_layout_keeps_its_numbers():
    whole = torch.randn(3, PIECE // 2 + 7, generator=torch.Generator().manual_seed(0)).half()
    for given in (whole, whole.T, whole[:, ::2], whole[:0], whole[0, 0]):
        settled = BF16.settled(given)
        assert settled.shape == given.shape
        assert torch.equal(settled, given.to(torch.bfloat16))


def test_it_is_a_tensor_of_its_own():
    given = torch.ones(4).half()
    settled = BF16.settled(given, copy=True)
    given.zero_()
    assert bool((settled == 1).all())
