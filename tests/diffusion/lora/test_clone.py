"""Copies of a module's structure over the same tensors."""

import pytest
import torch
from torch import nn

from diffusion.lora.clone import clone
from tests.diffusion.test_packing import NEEDS_PACKING
from tests.diffusion.tiny import all_packed, tiny_text_encoder, tiny_unet, tiny_vae

MODULES = {
    "unet": tiny_unet,
    "packed unet": lambda: all_packed(tiny_unet().to(torch.bfloat16)),
    "text encoder": tiny_text_encoder,
    "autoencoder": tiny_vae,
}


@pytest.fixture(
    params=[pytest.param(name, marks=NEEDS_PACKING) if name.startswith("packed") else name for name in MODULES]
)
def module(request) -> nn.Module:
    return MODULES[request.param]()


def test_it_has_the_same_names_and_memory_and_nothing_else_of_the_first(module: nn.Module):
    twin = clone(module)
    assert str(twin) == str(module)
    assert [name for name, _ in twin.named_modules()] == [name for name, _ in module.named_modules()]
    assert not {id(each) for each in twin.modules()} & {id(each) for each in module.modules()}
    ours, theirs = dict(twin.named_parameters()), dict(module.named_parameters())
    assert list(ours) == list(theirs)
    for name, weight in theirs.items():
        assert ours[name].data_ptr() == weight.data_ptr()
        assert ours[name] is not weight
    assert [name for name, _ in twin.named_buffers()] == [name for name, _ in module.named_buffers()]


def test_what_is_done_to_it_does_not_reach_the_first(module: nn.Module):
    before = {name: weight.clone() for name, weight in module.state_dict().items()}
    layers = [name for name, _ in module.named_modules()]
    twin = clone(module)
    for _, each in list(twin.named_modules()):
        each.register_forward_hook(lambda *_: pytest.fail("a hook of the copy ran in the first"))
        each.add_module("beside", nn.Identity())
        for name in list(each._parameters):
            setattr(each, name, None)
    twin.to("meta")
    assert [name for name, _ in module.named_modules()] == layers
    after = module.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    assert not any(each._forward_hooks for each in module.modules())


def test_a_layer_or_tensor_in_two_places_is_one_in_the_copy_too():
    layer, tied = nn.Linear(2, 2), nn.Embedding(2, 2)
    tied.weight = layer.weight
    twin = clone(nn.ModuleDict({"first": layer, "second": layer, "tied": tied}))
    assert twin.get_submodule("first") is twin.get_submodule("second")
    assert twin.get_submodule("tied").weight is twin.get_submodule("first").weight
