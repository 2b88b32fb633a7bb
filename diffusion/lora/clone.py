"""A module of its own with the same weights, so that its layers can be changed and the first one stays as it is."""

from collections import OrderedDict
from typing import Any

from torch import Tensor, nn


def clone(module: nn.Module) -> nn.Module:
    """A copy of a module's structure. Its tensors take no memory: they are those of the first, each known by itself.

    Putting another tensor, layer, hook or device into the copy changes nothing in the first. Modules, tensors and the
    plain lists, sets and dicts of modules are the copy's own; what else they hold, such as a configuration, is shared.
    """
    return _own(module, {})


def _own(value: Any, known: dict[int, Any]) -> Any:
    """The copy's own of what an attribute holds. known: those there are, by what they are of."""
    if isinstance(value, nn.Module | Tensor):
        if id(value) not in known:
            known[id(value)] = _twin(value, known) if isinstance(value, nn.Module) else _same(value)
        return known[id(value)]
    if type(value) in (dict, OrderedDict):
        return type(value)((key, _own(each, known)) for key, each in value.items())
    if type(value) in (list, tuple, set):
        return type(value)(_own(each, known) for each in value)
    return value


def _twin(module: nn.Module, known: dict[int, Any]) -> nn.Module:
    """deepcopy would look at every number and name in it: a quarter of a second for a large U-Net."""
    twin = known[id(module)] = type(module).__new__(type(module))
    vars(twin).update((name, _own(value, known)) for name, value in vars(module).items())
    return twin


def _same(tensor: Tensor) -> Tensor:
    own = tensor.detach()
    return nn.Parameter(own, requires_grad=False) if isinstance(tensor, nn.Parameter) else own
