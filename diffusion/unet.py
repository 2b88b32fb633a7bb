"""The way through a U-Net, layer by layer, so that layers can be changed as they are passed.

The modules are diffusers'; the way is ours. Without changes and residuals it gives the bits of calling the module.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from diffusion.architectures import Attention
from diffusion.attention import Attending
from diffusion.changes import Call, Place

ATTENTIONS: Mapping[str, Literal["self", "cross"]] = {"attn1": "self", "attn2": "cross"}
"""The attention layers of a transformer block, and what they attend to."""


class Denoiser(nn.Module):
    """A U-Net that is asked with a `Call`. unet: a `UNet2DConditionModel`, whose attention layers it takes over."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.unet: Any = unet
        for name, place in attention_places(unet).items():
            unet.get_submodule(name).set_processor(Attending(name, place))  # pyright: ignore[reportCallIssue] — a method

    @property
    def config(self) -> Any:
        """The U-Net's configuration."""
        return self.unet.config

    def forward(self, x: Tensor, timestep: Tensor, tokens: Tensor, added: Mapping[str, Tensor], call: Call) -> Tensor:
        """The answer [B, C, H, W] to x [B, C + C', H, W] at timestep [B]. tokens: [B, T, D]. added: pooled states,
        sizes and classes of networks that take them, as diffusers names them.
        """
        unet, changes, residuals = self.unet, call.context.changes, call.context.residuals
        embedding = self._embedding(x, timestep, tokens, added)
        skips: list[Tensor] = []

        def attend(transformer: nn.Module, hidden: Tensor) -> Tensor:
            """What a layer's transformer blocks make of it."""
            told = {"call": call, "size": (hidden.shape[2], hidden.shape[3])}
            return transformer(hidden, tokens, cross_attention_kwargs=told, return_dict=False)[0]

        def keep(hidden: Tensor) -> Tensor:
            """An input layer's output, kept as a skip; what goes on from it."""
            number = len(skips)
            place = Place("input", number)
            if residuals is not None and number in residuals.entered:
                hidden = hidden + residuals.entered[number].to(hidden.dtype)
            for change in changes:
                hidden = change.entered(hidden, place, call)
            skip = None if residuals is None else residuals.skips.get(number)
            skips.append(hidden if skip is None else hidden + skip.to(hidden.dtype))
            for change in changes:
                hidden = change.passed(hidden, place, call)
            return hidden

        hidden = keep(unet.conv_in(x))
        for block in unet.down_blocks:
            for resnet, transformer in _layers(block):
                hidden = resnet(hidden, embedding)
                if transformer is not None:
                    hidden = attend(transformer, hidden)
                hidden = keep(hidden)
            for downsampler in block.downsamplers or ():
                hidden = keep(downsampler(hidden))

        hidden = unet.mid_block.resnets[0](hidden, embedding)
        for transformer, resnet in zip(unet.mid_block.attentions, unet.mid_block.resnets[1:], strict=True):
            hidden = resnet(attend(transformer, hidden), embedding)
        if residuals is not None and residuals.middle is not None:
            hidden = hidden + residuals.middle.to(hidden.dtype)
        for change in changes:
            hidden = change.entered(hidden, Place("middle", 0), call)

        number = 0
        for block in unet.up_blocks:
            for resnet, transformer in _layers(block):
                skip = skips.pop()
                for change in changes:
                    hidden, skip = change.joining(hidden, skip, Place("output", number), call)
                if hidden.shape[2:] != skip.shape[2:]:  # only where a change has made the way smaller in between
                    hidden = nn.functional.interpolate(hidden, size=skip.shape[2:], mode="bilinear")
                hidden = resnet(torch.cat([hidden, skip], dim=1), embedding)
                if transformer is not None:
                    hidden = attend(transformer, hidden)
                number += 1
            for upsampler in block.upsamplers or ():
                hidden = upsampler(hidden, skips[-1].shape[2:])
        return unet.conv_out(unet.conv_act(unet.conv_norm_out(hidden)))

    def _embedding(self, x: Tensor, timestep: Tensor, tokens: Tensor, added: Mapping[str, Tensor]) -> Tensor:
        """What every resnet is told: the time, and what else the network knows."""
        embedding = self.unet.time_embedding(self.unet.get_time_embed(sample=x, timestep=timestep))
        told = self.unet.get_class_embed(sample=x, class_labels=added.get("class_labels"))
        embedding = embedding if told is None else embedding + told
        more = self.unet.get_aug_embed(emb=embedding, encoder_hidden_states=tokens, added_cond_kwargs=added)
        return embedding if more is None else embedding + more


def attention_places(unet: nn.Module) -> dict[str, Place]:
    """Where the attention layers of a U-Net are, by their names in it."""
    places = dict[str, Place]()
    network: Any = unet
    count = 1  # the first convolution is input layer 0
    for number, block in enumerate(network.down_blocks):
        for layer, (_, transformer) in enumerate(_layers(block)):
            _note(places, transformer, f"down_blocks.{number}.attentions.{layer}", "input", count)
            count += 1
        count += len(block.downsamplers or ())
    for layer, transformer in enumerate(network.mid_block.attentions):
        _note(places, transformer, f"mid_block.attentions.{layer}", "middle", 0)
    count = 0
    for number, block in enumerate(network.up_blocks):
        for layer, (_, transformer) in enumerate(_layers(block)):
            _note(places, transformer, f"up_blocks.{number}.attentions.{layer}", "output", count)
            count += 1
    return places


def _note(places: dict[str, Place], transformer: Any, name: str, stage: Any, number: int) -> None:
    if transformer is None:
        return
    for depth, block in enumerate(transformer.transformer_blocks):
        for leaf, attends in ATTENTIONS.items():
            if isinstance(getattr(block, leaf), Attention):
                seen = "cross" if block.only_cross_attention else attends
                places[f"{name}.transformer_blocks.{depth}.{leaf}"] = Place(stage, number, depth, seen)


def _layers(block: Any) -> list[tuple[nn.Module, nn.Module | None]]:
    """The resnets of a block, each with the transformer behind it, if there is one."""
    transformers = getattr(block, "attentions", None) or [None] * len(block.resnets)
    return list(zip(block.resnets, transformers, strict=True))
