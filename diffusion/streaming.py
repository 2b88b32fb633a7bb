"""Networks larger than their memory: weights come layer by layer when it is their turn, and leave again.

What comes and goes is a residual block, a transformer block, a layer of attention or of resampling: large enough that
bringing it is one piece of work, small enough that few of them fit anywhere. As many layers as there is room for stay.
A weight that is away is a tensor on torch's meta device, with the shape and type of the true one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Protocol

import torch
from torch import Tensor, nn

from diffusion.loading import put

LAYERS = frozenset({
    "ResnetBlock2D", "BasicTransformerBlock", "Attention", "Downsample2D", "Upsample2D", "TimestepEmbedding",
    "AutoencoderTinyBlock", "CLIPEncoderLayer", "MultiheadAttention",
})  # fmt: skip
"""Kinds of modules that come and go whole. What is outside of them, single convolutions and norms, goes by itself."""

ALIGNED = 64
"""Bytes to a multiple of which a weight begins, as torch has it."""

Change = Callable[[str, Tensor], Tensor]
"""What LoRA makes of a weight of that name in the network."""

Fetch = Callable[[str, Tensor | None], Tensor]
"""A weight of that name in the network, where and as it computes: in the bytes given, or in memory of its own."""


@dataclass(frozen=True)
class Layer:
    """Weights that come and go together. weights: the bytes each takes where it computes, by its name in the network;
    0: it is a part of the mapped file.
    """

    name: str
    weights: Mapping[str, int]

    @property
    def nbytes(self) -> int:
        """The bytes that all of them take."""
        return sum(self.weights.values())


class Carrier(Protocol):
    """Brings layers to where they compute. window: how many layers may be there at once that nobody keeps."""

    window: int

    def bring(self, layer: Layer, *, stays: bool) -> Mapping[str, Tensor]:
        """The layer's weights, ready to compute with. stays: also after other layers have come."""
        ...

    def expect(self, layer: Layer) -> None:
        """Begin to bring a layer that will be asked for next."""
        ...

    def passed(self) -> None:
        """A layer has been computed with, and its weights may leave."""
        ...


class FromFile:
    """Reads weights when they are needed. Those that do not stay have the same memory one after another: to ask the
    system for new memory takes several times as long as to read from its cache into memory that was there.
    """

    window = 1

    def __init__(self, fetch: Fetch, device: torch.device) -> None:
        self._fetch = fetch
        self._device = device
        self._memory = self._new(0)

    def bring(self, layer: Layer, *, stays: bool) -> Mapping[str, Tensor]:
        """Read now: the processor that reads is the one that computes."""
        # What gradients will be computed with must not change until then.
        places = {} if stays or torch.is_grad_enabled() else self._places(layer)
        return {name: self._fetch(name, places.get(name)) for name in layer.weights}

    def _places(self, layer: Layer) -> Mapping[str, Tensor]:
        """Where its weights lie in the memory of all."""
        sizes = layer.weights.items()
        *begins, end = accumulate((-(-size // ALIGNED) * ALIGNED for _, size in sizes), initial=0)
        if end > len(self._memory):
            self._memory = self._new(0)  # so that the old has left before more comes
            self._memory = self._new(end)
        return {name: self._memory[begin:] for (name, size), begin in zip(sizes, begins, strict=True) if size}

    def _new(self, nbytes: int) -> Tensor:
        with torch.inference_mode(False):  # else it could only be written to in that mode
            return torch.empty(nbytes, dtype=torch.uint8, device=self._device)

    def expect(self, layer: Layer) -> None:
        """Nothing is read ahead."""

    def passed(self) -> None:
        """Nothing is still at work."""


class FromHost:
    """Copies weights from the host's pinned memory to a CUDA device on a stream of its own, while another layer
    computes. host: by name.
    """

    window = 3  # one computes, one comes, and one may still be at work when the next but one is asked for

    def __init__(self, host: Mapping[str, Tensor], device: torch.device) -> None:
        self._host = host
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._coming: dict[str, tuple[dict[str, Tensor], torch.Event]] = {}
        self._at_work: list[torch.Event] = []

    def bring(self, layer: Layer, *, stays: bool) -> Mapping[str, Tensor]:
        """What was expected, or a copy made now. The device's work waits for it; this thread does not."""
        del stays  # the device's allocator hands memory out again by itself
        self.expect(layer)
        tensors, arrived = self._coming.pop(layer.name)
        current = torch.cuda.current_stream(self._device)
        current.wait_event(arrived)
        for tensor in tensors.values():
            tensor.record_stream(current)
        self._coming.clear()  # what was expected in vain
        return tensors

    def expect(self, layer: Layer) -> None:
        """Begin to copy."""
        if layer.name in self._coming:
            return
        with torch.cuda.stream(self._stream):
            tensors = {name: self._host[name].to(self._device, non_blocking=True) for name in layer.weights}
            self._coming[layer.name] = tensors, self._stream.record_event()

    def passed(self) -> None:
        """Wait for the layer before: else this thread would run ahead, and more layers than the window be there."""
        self._at_work.append(torch.cuda.current_stream(self._device).record_event())
        if len(self._at_work) > 1:
            self._at_work.pop(0).synchronize()


class Shelf:
    """The layers of one network, for all that compute with its weights. room: bytes of layers that may stay."""

    def __init__(self, layers: Sequence[Layer], carrier: Carrier, room: int) -> None:
        self.layers = tuple(layers)
        self._carrier = carrier
        self._kept: dict[str, Mapping[str, Tensor]] = {}
        self._sizes = {layer.name: layer.nbytes for layer in layers}
        self._next: dict[str, Layer] = {}
        self._taken: Mapping[str, Tensor] = {}
        self.room = room

    @property
    def least(self) -> int:
        """Bytes without which it cannot compute."""
        return self._carrier.window * max(self._sizes.values(), default=0)

    @property
    def kept(self) -> int:
        """Bytes of the layers that stay."""
        return sum(self._sizes[name] for name in tuple(self._kept))

    @property
    def nbytes(self) -> int:
        """Bytes of the layers that stay, and of those that come and go."""
        return self.kept + self.least

    def keep(self, room: int) -> None:
        """Let layers of so many bytes stay, and no more."""
        self.room = max(0, room)
        while self._kept and self.kept > self.room:
            self._kept.popitem()

    def fill(self, weights: Mapping[str, Tensor]) -> None:
        """Have the layers there whose weights all are among these, by name: `keep` says how many of them stay."""
        for layer in self.layers:
            if all(name in weights for name in layer.weights):
                self._kept[layer.name] = {name: weights[name] for name in layer.weights}

    def take(self, layer: Layer, before: Layer | None) -> Mapping[str, Tensor]:
        """The weights of the layer whose turn it is. before: the one whose turn was before."""
        if before is not None:
            self._next[before.name] = layer
            self._carrier.passed()
        weights = self._kept.get(layer.name)
        if weights is None:
            stays = self.kept + layer.nbytes <= self.room
            weights = self._carrier.bring(layer, stays=stays)
            if stays:
                self._kept[layer.name] = weights
        self._taken = weights
        coming = self._next.get(layer.name)
        if coming is not None and coming.name not in self._kept:
            self._carrier.expect(coming)
        return weights

    def has_taken(self, weights: Mapping[str, Tensor]) -> bool:
        """Whether nothing was taken since these weights were."""
        return self._taken is weights


def layers_of(module: nn.Module, nbytes: Callable[[str], int]) -> tuple[Layer, ...]:
    """The layers of a network, in its order. nbytes: what a weight takes where it computes, by its name.

    A weight that lies beside layers, not in one, belongs to none: its owner uses it between them.
    """
    found: list[Layer] = []

    def walk(name: str, part: nn.Module) -> None:
        children = dict(part.named_children())
        if children and type(part).__name__ not in LAYERS:
            for leaf, child in children.items():
                walk(f"{name}.{leaf}" if name else leaf, child)
            return
        names = [f"{name}.{leaf}" if name else leaf for leaf, _ in part.named_parameters()]
        if names:
            found.append(Layer(name, {each: nbytes(each) for each in names}))

    walk("", module)
    return tuple(found)


def emptied(module: nn.Module, layers: Sequence[Layer], dtype: torch.dtype) -> nn.Module:
    """The module with the weights of these layers away, which are of this type when they come."""
    for layer in layers:
        for name in layer.weights:
            put(module, name, _away(module.get_parameter(name), dtype))
    return module


def stream(module: nn.Module, shelf: Shelf, change: Change | None = None) -> nn.Module:
    """Have a network whose weights are away fetch them from a shelf, layer by layer, as it computes.

    change: what is made of each weight that comes. The results are those of the whole network, to the bit. One call of
    it at a time; `turn` of the one who lends it sees to that.
    """
    turns = _Turns(module, shelf, change)
    for layer in shelf.layers:
        owners = dict.fromkeys(name.rpartition(".")[0] for name in layer.weights)
        for owner in owners:
            module.get_submodule(owner).register_forward_pre_hook(partial(turns.come, layer))
    return module


class _Turns:
    """Whose turn it is in one network."""

    def __init__(self, module: nn.Module, shelf: Shelf, change: Change | None) -> None:
        self._shelf = shelf
        self._change = change
        self._owners = {
            name: (module.get_submodule(name.rpartition(".")[0])._parameters, name.rpartition(".")[2])
            for layer in shelf.layers
            for name in layer.weights
        }
        self._places = {name: parameters[leaf] for name, (parameters, leaf) in self._owners.items()}
        self._present: Layer | None = None
        self._weights: Mapping[str, Tensor] = {}

    def come(self, layer: Layer, owner: nn.Module, given: object) -> None:
        """Before a part of a layer computes: have the layer there."""
        del owner, given
        before = self._present
        if layer is before:
            if self._shelf.has_taken(self._weights):
                return
            before = None  # others have computed meanwhile
        self._leave()
        self._weights = self._shelf.take(layer, before)
        for name, weight in self._weights.items():
            parameters, leaf = self._owners[name]
            changed = weight if self._change is None else self._change(name, weight)
            parameters[leaf] = nn.Parameter(changed, requires_grad=False)
        self._present = layer

    def _leave(self) -> None:
        if self._present is not None:
            for name in self._present.weights:
                parameters, leaf = self._owners[name]
                parameters[leaf] = self._places[name]
            self._present, self._weights = None, {}


def _away(weight: Tensor, dtype: torch.dtype) -> nn.Parameter:
    return nn.Parameter(torch.empty(weight.shape, dtype=dtype, device="meta"), requires_grad=False)
