"""Layers that come and go: the bits of the whole network, never more layers there than there is room for."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from diffusion import memory
from diffusion import parts as network_parts
from diffusion.activations import denoising_bytes
from diffusion.checkpoint import Parts, component, read_checkpoint
from diffusion.context import Context
from diffusion.families.controlnet import read_control_net, with_task
from diffusion.held import Held, streamed
from diffusion.lora.clone import clone
from diffusion.lora.patch import LoraPatch
from diffusion.memory import Weights
from diffusion.streaming import FromFile, Layer, Shelf, emptied, layers_of, stream
from diffusion.tensors import Reader, Residence
from diffusion.text.tokens import Chunk
from diffusion.values import ControlNet, Model, WeightFile
from tests.diffusion.lora.made import CONVOLUTION, FEED, LAYERS, answer, kohya, noise, plain_lora, saved
from tests.diffusion.tiny import TEXT_WIDTH, tiny_unet, write_tiny_checkpoint
from tests.diffusion.tiny_control import tiny_control, tiny_union, write
from tests.diffusion.tiny_families import G_WIDTH, L_WIDTH, POOLED, tiny_sdxl

X, TIME, TOKENS = torch.ones(1, 4, 8, 8), torch.tensor([10.0]), torch.ones(1, 77, TEXT_WIDTH)
SMALL = 1_000_000


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    """In half precision, so that a network in another number type has weights of its own."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    return read_checkpoint(write_tiny_checkpoint(path, dtype=torch.float16), "half")


def tight(precision: str = "fp32", budget: int = SMALL) -> Weights:
    """Weights for which the tiny networks are too large."""
    return Weights("cpu", precision, budget=budget, note=lambda sentence: None)


def held(weights: Weights) -> Held:
    (only,) = weights._held.values()
    return only


def test_what_comes_and_goes_is_a_layer():
    layers = layers_of(tiny_unet(), lambda name: 1)
    names = [layer.name for layer in layers]
    assert {"down_blocks.0.resnets.0", "down_blocks.0.attentions.0.transformer_blocks.0", "conv_in"} <= set(names)
    assert "down_blocks.0.attentions.0.proj_in" in names  # outside of the transformer's blocks
    assert not any("resnets.0.conv" in name or ".attn1" in name for name in names)
    weights = [name for layer in layers for name in layer.weights]
    assert sorted(weights) == sorted(name for name, _ in tiny_unet().named_parameters())


def test_a_weight_between_layers_stays():
    class Between(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(4, 4), nn.Linear(4, 4)
            self.token = nn.Parameter(torch.ones(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.first(x) + self.token)

    true = Between().requires_grad_(False)
    weights = dict(true.named_parameters())
    layers = layers_of(true, lambda name: weights[name].nbytes)
    assert [layer.name for layer in layers] == ["first", "last"]
    shelf = Shelf(layers, FromFile(lambda name, memory: weights[name], X.device), 0)
    x = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    wanted = true(x)
    coming = stream(emptied(clone(true), layers, torch.float32), shelf)
    assert coming.get_parameter("first.weight").is_meta
    assert torch.equal(coming(x), wanted)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("budget", [1, SMALL, 1_500_000])
def test_every_network_gives_the_same_bits(parts, precision, budget):
    wide, narrow = Weights("cpu", precision), tight(precision, budget)
    for _ in range(2):
        assert torch.equal(answer(narrow, parts.model), answer(wide, parts.model))
        with wide.lend(parts.text_encoder) as whole, narrow.lend(parts.text_encoder) as coming:
            chunk = [Chunk((320, 5), (1.0, 1.0))]
            assert torch.equal(coming.states(chunk)[0], whole.states(chunk)[0])
        with wide.lend(parts.vae) as whole, narrow.lend(parts.vae) as coming:
            assert torch.equal(coming.decode(X), whole.decode(X))
            assert torch.equal(coming.encode(torch.zeros(1, 3, 64, 64)), whole.encode(torch.zeros(1, 3, 64, 64)))
    assert narrow.loads >= 3


def test_the_tiny_networks_do_stream(parts):
    told: list[str] = []
    weights = Weights("cpu", "fp32", budget=SMALL, note=told.append)
    answer(weights, parts.model)
    assert held(weights).is_streamed
    assert told == [
        "tiny.safetensors: its U-Net takes 3 MB, more than is left of the memory of cpu. "
        "Its layers come and go as they are needed, which is slower."
    ]
    assert weights.bytes_held <= SMALL


def test_a_large_network_that_is_wider_than_its_file_is_cast_layer_by_layer(parts, tmp_path: Path, monkeypatch):
    """Without a budget, and without a word: nothing is short."""
    told: list[str] = []
    wanted = answer(Weights("cpu", "fp32"), parts.model)
    monkeypatch.setattr(network_parts, "LARGE_AT_EVERY_STEP", 0)
    weights = Weights("cpu", "fp32", note=told.append)
    assert torch.equal(answer(weights, parts.model), wanted)
    shelf = held(weights).shelf
    assert shelf is not None
    assert (shelf.kept, weights.bytes_held) == (0, max(layer.nbytes for layer in shelf.layers))
    assert told == []

    mapped = read_checkpoint(write_tiny_checkpoint(tmp_path / "tiny.safetensors"), "plain")
    for kept, model in (
        (Weights("cpu", "fp32", budget=100 * SMALL), parts.model),  # asked for
        (Weights("cpu", "bf16"), parts.model),  # no wider than its file
        (Weights("cpu", "fp32"), mapped.model),  # a part of it
    ):
        answer(kept, model)
        assert not held(kept).is_streamed


def test_one_that_becomes_wider_than_its_file_is_cast_layer_by_layer(parts, monkeypatch):
    monkeypatch.setattr(network_parts, "LARGE_AT_EVERY_STEP", 0)
    weights = Weights("cpu", "bf16", note=lambda sentence: None)
    with torch.inference_mode(), weights.lend(parts.model) as network:
        assert not held(weights).is_streamed
        with monkeypatch.context() as broken:
            broken.setattr(nn.Conv2d, "forward", _overflowing)
            asked(network)
        assert (held(weights).precision, held(weights).most, held(weights).kept) == ("fp32", 0, 0)
        assert torch.equal(asked(network), wanted_of(weights, parts.model))


def _overflowing(layer: nn.Conv2d, given: torch.Tensor) -> torch.Tensor:
    found = layer._conv_forward(given, layer.weight, layer.bias)
    return found if found.dtype == torch.float32 else found * torch.inf


def two_layers() -> tuple[nn.Module, Shelf, list[int]]:
    """Two linear layers, a shelf for them, and where each weight was put that came."""
    true = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8)).requires_grad_(False)
    weights, places = dict(true.named_parameters()), list[int]()

    def fetch(name: str, given: torch.Tensor | None) -> torch.Tensor:
        settled = Residence(X.device, torch.float32).settled(weights[name], copy=True, memory=given)
        places.append(settled.data_ptr())
        return settled

    layers = layers_of(true, lambda name: weights[name].nbytes)
    return true, Shelf(layers, FromFile(fetch, X.device), 0), places


def test_layers_that_do_not_stay_have_the_same_memory():
    true, shelf, places = two_layers()
    coming, x = stream(emptied(clone(true), shelf.layers, torch.float32), shelf), torch.randn(3, 8)
    with torch.inference_mode():
        for _ in range(2):
            assert torch.equal(coming(x), true(x))
    assert places == places[:2] * 4
    shelf.keep(shelf.layers[0].nbytes)
    with torch.inference_mode():
        for _ in range(2):
            assert torch.equal(coming(x), true(x))
    assert len(places) == 8 + 2 + 2 + 2  # the first stays, the other comes each time
    assert set(places[8:10]).isdisjoint(places[:8])
    assert places[10:] == places[:2] * 2


def test_what_a_gradient_will_be_computed_with_does_not_change():
    true, shelf, _ = two_layers()
    coming = stream(emptied(clone(true), shelf.layers, torch.float32), shelf)
    given, wanted = (torch.randn(3, 8, generator=torch.Generator().manual_seed(0)).requires_grad_() for _ in range(2))
    coming(given).sum().backward()
    true(wanted).sum().backward()
    assert torch.equal(given.grad, wanted.grad)


def test_one_that_was_broken_off_has_its_layer_brought_again():
    true, shelf, _ = two_layers()
    first, other = (stream(emptied(clone(true), shelf.layers, torch.float32), shelf) for _ in range(2))
    x = torch.randn(3, 8)
    with torch.inference_mode():
        with pytest.raises(RuntimeError, match="mat1 and mat2"):
            first(torch.randn(3, 5))  # its first layer is there
        assert torch.equal(other(x), true(x))
        assert torch.equal(first(x), true(x))


def test_what_is_there_when_streaming_begins_is_not_read_again(parts, monkeypatch):
    """The whole network fits, computing with it does not: only layers that had to leave are read a second time."""
    monkeypatch.setattr(memory, "NEGLIGIBLE", 0)
    read, true = Counter[str](), Reader.read

    def counted(reader: Reader, name: str, *given: Any, **more: Any) -> torch.Tensor:
        tensor = true(reader, name, *given, **more)
        read[name] += tensor.numel() * reader.header.tensors[name].nbytes // reader.header.tensors[name].count
        return tensor

    wide = Weights("cpu", "fp32")
    wanted = answer(wide, parts.model)
    own = wide.bytes_held
    need = denoising_bytes({"block_out_channels": (32, 64)}, len(X), X.shape[2], X.shape[3], 4)
    monkeypatch.setattr(Reader, "read", counted)
    weights = tight(budget=own + need // 2)
    with weights.lend(parts.model):
        pass
    once = dict(read)
    assert sum(once.values()) == own // 2  # the file is in half precision
    assert not held(weights).is_streamed
    assert torch.equal(answer(weights, parts.model), wanted)
    shelf = held(weights).shelf
    assert shelf is not None
    left = sum(layer.nbytes for layer in shelf.layers) - shelf.kept
    assert 0 < left < own // 2
    # Layers leave from the end until there is room: one that then fits again has been read again, too.
    assert sum(read.values()) <= own // 2 + (left + shelf.least) // 2


def test_a_mapped_file_takes_nothing_and_stays_whole(tmp_path: Path):
    plain = read_checkpoint(write_tiny_checkpoint(tmp_path / "tiny.safetensors"), "plain").model
    weights = tight(budget=1)
    answer(weights, plain)
    assert not held(weights).is_streamed
    assert held(weights).taken == 0


def test_rounded_weights_are_rounded_when_they_come(parts):
    rounded = replace(parts.model, file=replace(parts.model.file, rounding="fp8_e4m3fn"))
    whole = answer(Weights("cpu", "fp32"), rounded)
    assert torch.equal(answer(tight(), rounded), whole)
    assert not torch.equal(answer(tight(), parts.model), whole)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_patches_give_the_same_bits(parts, tmp_path: Path, precision):
    """Beside the layer, and merged into the weight as it comes."""
    mixed = {
        kohya(FEED) + ".diff": noise(*tiny_unet().get_parameter(FEED + ".weight").shape),
        kohya(CONVOLUTION) + ".diff_b": noise(*tiny_unet().get_parameter(CONVOLUTION + ".bias").shape),
    }
    file = saved(tmp_path / "a.safetensors", plain_lora(tiny_unet(), LAYERS[:3])[0] | mixed)
    other = saved(tmp_path / "b.safetensors", {kohya("conv_in") + ".diff": noise(32, 4, 3, 3, seed=3)})

    def under(*patches: tuple[WeightFile, float]) -> Model:
        return replace(parts.model, patches=tuple(LoraPatch(*patch) for patch in patches))

    wide, narrow = Weights("cpu", precision), tight(precision)
    models = [parts.model, under((file, 1.0)), under((file, 0.5), (other, -1.0)), under((file, 0.4), (other, -1.0))]
    answers = [answer(wide, model) for model in models]
    assert not torch.equal(answers[0], answers[1])
    for model, wanted in zip(models, answers, strict=True):
        assert torch.equal(answer(narrow, model), wanted)
    assert narrow.loads == 1
    assert held(narrow).is_streamed


def test_several_are_lent_at_once(parts, tmp_path: Path):
    """Each has a network of its own, and they share the layers that stay."""
    file = saved(tmp_path / "a.safetensors", plain_lora(tiny_unet(), LAYERS)[0])
    changed = replace(parts.model, patches=(LoraPatch(file, 1.0),))
    wanted = [answer(Weights("cpu", "fp32"), model) for model in (parts.model, changed)]
    weights = tight(budget=2_000_000)
    with weights.lend(parts.model) as plain, weights.lend(changed) as other:
        for _ in range(2):
            assert torch.equal(asked(plain), wanted_of(weights, parts.model))
            assert torch.equal(asked(other), wanted_of(weights, changed))
    assert torch.equal(answer(weights, changed), wanted[1])


def asked(network) -> torch.Tensor:
    with torch.inference_mode():
        return network(X, TIME, Context(TOKENS))


def wanted_of(weights: Weights, model: Model) -> torch.Tensor:
    with Weights("cpu", "fp32").lend(model) as network:
        return asked(network)


class Recorded:
    """A carrier that says what it brings."""

    window = 1

    def __init__(self) -> None:
        self.brought: list[str] = []
        self.expected: list[str] = []
        self.staying: list[str] = []

    def bring(self, layer: Layer, *, stays: bool) -> dict[str, torch.Tensor]:
        self.brought.append(layer.name)
        self.staying += [layer.name] * stays
        return {name: torch.zeros(1) for name in layer.weights}

    def expect(self, layer: Layer) -> None:
        self.expected.append(layer.name)

    def passed(self) -> None:
        pass


def test_as_many_layers_stay_as_there_is_room_for():
    carrier = Recorded()
    layers = [Layer(name, {name: 10}) for name in "abcd"]
    shelf = Shelf(layers, carrier, room=25)
    for _ in range(2):
        before = None
        for layer in layers:
            shelf.take(layer, before)
            before = layer
    assert carrier.brought == ["a", "b", "c", "d", "c", "d"]
    assert carrier.staying == ["a", "b"]
    assert shelf.kept == 20
    assert shelf.nbytes == 30
    shelf.keep(10)
    assert shelf.kept == 10
    shelf.take(layers[1], layers[0])
    assert carrier.brought[-1] == "b"


def test_the_next_layer_is_expected_once_it_is_known():
    carrier = Recorded()
    layers = [Layer(name, {name: 10}) for name in "abc"]
    shelf = Shelf(layers, carrier, room=0)
    for _ in range(2):
        before = None
        for layer in layers:
            shelf.take(layer, before)
            before = layer
    assert carrier.expected == ["b", "c"]


def test_weights_that_are_away_know_their_shape_and_type(parts):
    found = streamed(
        component(parts.model.file, "unet"), Residence(torch.device("cpu"), torch.bfloat16), "bf16", nn.Identity
    )
    assert {weight.dtype for weight in found.module.parameters()} == {torch.bfloat16}
    assert all(weight.is_meta for weight in found.module.parameters())
    assert found.module.get_parameter("conv_in.weight").shape == (32, 4, 3, 3)


@pytest.mark.parametrize("kind", ["plain", "union"])
def test_a_control_net_gives_the_same_bits(tmp_path: Path, kind):
    """Its weights between layers, such as the union kind's, are used where its own way passes."""
    unet = tiny_sdxl().unet
    module = tiny_control(unet) if kind == "plain" else tiny_union(unet)
    net = read_control_net(write(module, tmp_path / "net.safetensors", [2, 4], torch.float16), kind)
    net = with_task(net, "depth") if kind == "union" else net
    wide, narrow = Weights("cpu", "fp32"), tight()
    wanted, found = controlled(wide, net), controlled(narrow, net)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(found, wanted, strict=True))
    assert held(narrow).is_streamed


def controlled(weights: Weights, net: ControlNet) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    picture, x = torch.rand(1, 3, 64, 64, generator=generator), torch.randn(1, 4, 8, 8, generator=generator)
    tokens = torch.randn(1, 5, L_WIDTH + G_WIDTH, generator=generator)
    told = Context(tokens, torch.ones(1, POOLED), torch.tensor([[64.0, 64, 0, 0, 64, 64]]))
    with torch.inference_mode(), weights.lend(net) as network:
        found = network(x, TIME, told, network.look(picture))
    assert found.middle is not None
    return [*found.skips.values(), found.middle]
