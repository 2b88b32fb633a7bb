"""Control networks: modules that turn pictures into what is added to a U-Net's layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.activations import denoising_bytes
from diffusion.changes import Residuals
from diffusion.context import Context
from diffusion.families import Component
from diffusion.families.adapter import places
from diffusion.lease import Lease
from diffusion.loading import Stored, build, stored
from diffusion.tensors import Residence
from diffusion.values import ControlNet

Made = tuple[Tensor, ...]
"""What a control network makes of pictures once, before the first step: [N, …] each."""


class ControlNetwork:
    """What `Weights.lend(control_net)` gives for a ControlNet. The modules are diffusers'; the way through them is
    ours, so that pictures are looked at but once.
    """

    def __init__(self, lease: Lease, net: ControlNet) -> None:
        self._lease = lease
        self._net = net

    @property
    def _config(self) -> Any:
        module: Any = self._lease.run
        return module.config

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) in pixels of the picture it takes for a latent of this size."""
        factor = 2 ** (len(self._config.conditioning_embedding_out_channels) - 1)
        return height * factor, width * factor

    def look(self, picture: Tensor) -> Made:
        """What stands beside the first convolution's output: [N, C, h, w], with the size of the latent."""
        seen = _with_channels(picture, self._config.conditioning_channels)

        def forward(module: nn.Module, residence: Residence) -> Tensor:
            net: Any = module
            return net.controlnet_cond_embedding(_at(seen, residence))

        return (self._lease.compute(forward),)

    def __call__(self, x: Tensor, timestep: Tensor, context: Context, made: Made) -> Residuals:
        """What is added to each skip and behind the middle (Zhang et al. 2023, §3.1)."""
        (looked,) = made

        def forward(module: nn.Module, residence: Residence) -> Made:
            net: Any = module
            embedding = _embedding(net, timestep, context, residence, self._net.task)
            hidden = net.conv_in(_at(x, residence)) + _seen(net, _at(looked, residence), self._net.task)
            return tuple(_answers(net, hidden, embedding, context.tokens.to(residence.device, residence.dtype)))

        itemsize = self._lease.residence.dtype.itemsize
        # The whole U-Net takes more than its input half, which this is a copy of.
        need = denoising_bytes(self._config, len(x), x.shape[2], x.shape[3], itemsize)
        *skips, middle = self._lease.compute(forward, need)
        if self._net.averaged:
            *skips, middle = (answer.mean((2, 3), keepdim=True).expand_as(answer) for answer in (*skips, middle))
        return Residuals(skips=dict(enumerate(skips)), middle=middle)


class ControlAdapter:
    """What `Weights.lend(control_net)` gives for a T2I-Adapter: its features depend on the picture alone."""

    def __init__(self, lease: Lease, unet: Mapping[str, Any] | None = None) -> None:
        self._lease = lease
        self._unet = unet or {}

    def under(self, unet: Mapping[str, Any]) -> ControlAdapter:
        """The same for a U-Net of this configuration, which says to which layers its features belong."""
        return ControlAdapter(self._lease, unet)

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Latent pixels are 8 pixels; a side is made whole in the squares that the network sees."""
        module: Any = self._lease.run
        square = module.unshuffle.downscale_factor
        return -(-height * 8 // square) * square, -(-width * 8 // square) * square

    def look(self, picture: Tensor) -> Made:
        """Its features (Mou et al. 2023, §3.3), each [N, C, h, w]."""

        def forward(module: nn.Module, residence: Residence) -> Made:
            net: Any = module
            first = net.conv_in if hasattr(net, "conv_in") else net.body[0].in_conv
            channels = first.in_channels // net.unshuffle.downscale_factor**2
            return tuple(net(_at(_with_channels(picture, channels), residence)))

        return self._lease.compute(forward)

    def __call__(self, x: Tensor, timestep: Tensor, context: Context, made: Made) -> Residuals:
        """The features, each for its layer."""
        del x, timestep, context
        at = [place.layer for place in places(self._unet, len(made))]
        entered = {layer: feature for layer, feature in zip(at, made, strict=True) if layer is not None}
        return Residuals(entered=entered, middle=made[at.index(None)] if None in at else None)


@dataclass(frozen=True, eq=False)
class Differences:
    """A file's weights are differences to those of a denoiser's encoder. unet: the denoiser."""

    unet: Component
    shortfalls: tuple[str, ...] = ()

    def __call__(self, name: str, weight: Tensor) -> Tensor:
        """The control network's own weight, float32. Layers that the denoiser has not are no differences."""
        theirs = self._theirs
        return weight + theirs(name).to(weight.device) if name in theirs.places else weight

    @cached_property
    def _theirs(self) -> Stored:
        return stored(self.unet, build(self.unet), Residence(torch.device("cpu"), torch.float32))


def _with_channels(picture: Tensor, channels: int) -> Tensor:
    """Colours, or their mean for a network that takes grey pictures."""
    return picture.mean(1, keepdim=True) if channels == 1 else picture


def _at(tensor: Tensor, residence: Residence) -> Tensor:
    layout = torch.channels_last if residence.channels_last else torch.contiguous_format
    return tensor.to(residence.device, residence.dtype, memory_format=layout)


def _embedding(net: Any, timestep: Tensor, context: Context, residence: Residence, task: int | None) -> Tensor:
    """What every resnet is told: the time, its task, and what SDXL's networks are told of a picture."""
    items, dtype = len(timestep), residence.dtype
    embedding = net.time_embedding(net.time_proj(timestep.to(residence.device)).to(dtype))
    if hasattr(net, "control_add_embedding"):
        told = torch.zeros(items, net.config.num_control_type, device=residence.device)
        if task is not None:
            told[:, task] = 1
        tasks = net.control_type_proj(told.flatten()).reshape(items, -1)
        embedding = embedding + net.control_add_embedding(tasks.to(dtype))
    if context.pooled is not None and context.sizes is not None and net.config.addition_embed_type is not None:
        sizes = net.add_time_proj(context.sizes.to(residence.device).flatten()).reshape(items, -1)
        told = torch.cat([context.pooled.to(residence.device, dtype), sizes], dim=-1)
        embedding = embedding + net.add_embedding(told.to(dtype))
    return embedding


def _seen(net: Any, looked: Tensor, task: int | None) -> Tensor:
    """What the first convolution's output is added, [B, C, h, w]. A network that knows several tasks moves it, channel
    by channel, as its task and the mean of the picture say.
    """
    if not hasattr(net, "tasks"):
        return looked
    gist = looked.mean((2, 3))
    if task is not None:
        gist = gist + net.tasks(torch.tensor(task, device=gist.device))
    # These layers were trained, by an oversight, to attend along the batch. Alone there, an item attends to itself, as
    # it does among its like; and no picture of a batch changes another.
    for layer in net.transformer_layes:
        gist = layer(gist[None])[0]
    return looked + net.spatial_ch_projs(gist)[..., None, None]


def _answers(net: Any, hidden: Tensor, embedding: Tensor, tokens: Tensor) -> Iterator[Tensor]:
    """What comes out of every input layer and of the middle, each through a convolution of its own."""
    kept = [hidden]
    for block in net.down_blocks:
        told = {"encoder_hidden_states": tokens} if getattr(block, "has_cross_attention", False) else {}
        hidden, outputs = block(hidden, embedding, **told)
        kept += outputs
    for convolution, output in zip(net.controlnet_down_blocks, kept, strict=True):
        yield convolution(output)
    told = {"encoder_hidden_states": tokens} if getattr(net.mid_block, "has_cross_attention", False) else {}
    yield net.controlnet_mid_block(net.mid_block(hidden, embedding, **told))
