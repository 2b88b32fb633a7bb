"""A module of its own with the same weights, so that its layers can be changed and the first one stays as it is."""

import copy
from collections.abc import Iterator

from torch import Tensor, nn


def clone(module: nn.Module) -> nn.Module:
    """A copy of a module's structure. Its tensors take no memory: they are those of the first, each known by itself.

    Putting another tensor, layer, hook or device into the copy changes nothing in the first.
    """
    shared: dict[int, object] = {}
    for tensor in _tensors(module):
        own = tensor.detach()
        shared[id(tensor)] = nn.Parameter(own, requires_grad=False) if isinstance(tensor, nn.Parameter) else own
    return copy.deepcopy(module, shared)


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()
    for each in module.modules():
        yield from (value for value in vars(each).values() if isinstance(value, Tensor))
