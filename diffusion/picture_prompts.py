"""Pictures as prompts: a network attends to what CLIP sees in them beside the text (Ye et al. 2023, IP-Adapter).

What CLIP sees is a part of the model's recipe (`PicturePrompt`). When a run begins, the adapter makes keys and values
of it for every layer, once; `PictureAttention` adds what attention makes of them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate, scaled_dot_product_attention

from diffusion.changes import Call, Change, Place, States
from diffusion.checkpoint import vision_component
from diffusion.context import View
from diffusion.families.ip_adapter import Layer, component, fitting
from diffusion.ip_adapter import KeysValues
from diffusion.model_options import PicturePrompt
from diffusion.services import Weights
from diffusion.values import ClipVision, ClipVisionOutput, Image, IpAdapter, Model

Join = Literal["concat", "add", "subtract", "average"]
"""How several pictures are one prompt: side by side, or as one that is their sum, the first less the mean of the
others, or the mean.
"""

STYLE, COMPOSITION = ("output", 1), ("input", 8)
"""Layers of SDXL that attend to the style and to the arrangement of a picture (Wang et al. 2024, InstantStyle)."""

WEAK = 0.2
"""What is left of the weight in the stages that a kind of weight weakens."""

SHARES: Mapping[str, Callable[[Layer], float]] = MappingProxyType(
    {
        "linear": lambda layer: 1.0,
        "weak input": lambda layer: WEAK if layer.stage == "input" else 1.0,
        "weak output": lambda layer: WEAK if layer.stage == "output" else 1.0,
        "weak middle": lambda layer: WEAK if layer.stage == "middle" else 1.0,
        "strong middle": lambda layer: 1.0 if layer.stage == "middle" else WEAK,
        "style transfer": lambda layer: float(_place(layer) == STYLE),
        "composition": lambda layer: float(_place(layer) == COMPOSITION),
        "style and composition": lambda layer: float(_place(layer) in (STYLE, COMPOSITION)),
        "strong style transfer": lambda layer: float(_place(layer) != COMPOSITION),
    }
)
"""What share of the weight each layer has, by the kind of weight."""

OF_SDXL = frozenset({"style transfer", "composition", "style and composition", "strong style transfer"})
"""Kinds of weight that name layers of SDXL."""


@dataclass(frozen=True, eq=False)
class LayerKeys:
    """Keys and values [2, T, width] of one layer: of the unwanted pictures, then of the wanted ones. weight: times what
    attention makes of them.
    """

    key: Tensor
    value: Tensor
    weight: float


@dataclass(frozen=True, eq=False)
class PictureAttention(Change):
    """Attention(Q, K, V) + weight · Attention(Q, K', V') in cross-attention layers (Ye et al. 2023, eq. 5).

    layers: by their place. begin, end: it holds at noise levels begin ≥ sigma ≥ end. mask: float32 [N, H, W] at any
    resolution, times what is added; None: everywhere.
    """

    layers: Mapping[Place, LayerKeys]
    begin: float = math.inf
    end: float = 0.0
    mask: Tensor | None = None
    _fitted: dict[tuple[View, int], Tensor] = field(default_factory=dict, init=False, repr=False)

    def attended(self, states: States, place: Place, call: Call, attend: Callable[[States], Tensor]) -> Tensor:
        """What attention makes of the text, and what it makes of the pictures of each row's side."""
        out, layer = attend(states), self.layers.get(place)
        if layer is None or not self.end <= call.context.sigma <= self.begin:
            return out
        query, views = states.query, call.context.views
        rows = torch.tensor([int(view.is_wanted) for view in views], device=query.device)
        key, value = (self._heads(each[rows], query) for each in (layer.key, layer.value))
        seen = scaled_dot_product_attention(query, key, value)
        if self.mask is not None:
            shares = torch.stack([self._shares(self.mask, view, query.shape[2], call.size) for view in views])
            seen = seen * shares[:, None, :, None].to(seen)
        return out + layer.weight * seen

    @staticmethod
    def _heads(states: Tensor, query: Tensor) -> Tensor:
        """[B, T, width] as [B, heads, T, D], like the query."""
        return states.to(query).unflatten(2, (query.shape[1], query.shape[3])).transpose(1, 2)

    def _shares(self, mask: Tensor, view: View, count: int, size: tuple[int, int]) -> Tensor:
        """What the mask says of each of a row's queries, [count]. size: (height, width) of its part of the latent."""
        if (view, count) not in self._fitted:
            part = _part(mask[view.item % len(mask)], view).float()
            self._fitted[view, count] = interpolate(part[None, None], size=_grid(count, size), mode="bicubic").flatten()
        return self._fitted[view, count]


def check_fit(adapter: IpAdapter, model: Model, weight_type: str) -> None:
    """Raise, naming both sides, where an adapter was made for another model, or a kind of weight names layers that the
    model has not: WeightFileError, ValueError.
    """
    fitting(adapter, model)
    if weight_type in OF_SDXL and model.family != "sdxl":
        raise ValueError(
            f"The weight type '{weight_type}' names layers of SDXL, but this model is of the family '{model.family}'. "
            f"Use one of: {', '.join(kind for kind in SHARES if kind not in OF_SDXL)}."
        )


def seen(
    adapter: IpAdapter,
    clip_vision: ClipVision,
    image: Image,
    weights: Weights,
    join: Join = "concat",
    negative: Image | None = None,
) -> tuple[Tensor, Tensor]:
    """What an adapter takes of pictures [B, H, W, C], and of those that the negative side of guidance sees: vectors
    [N, P] or states of patches [N, T, D].

    negative: None: the vector 0 for a plain adapter, else the states of CLIP's mean colour. Raises ValueError, naming
    both, where the adapter was trained with another CLIP.
    """
    config, vision = component(adapter.file).config, vision_component(clip_vision.file).config
    width = vision["projection_dim" if adapter.kind == "plain" else "hidden_size"]
    if config["seen"] != width:
        raise ValueError(
            f"The IP-Adapter '{Path(adapter.file.path).name}' takes {_what(adapter)} of width {config['seen']}, but "
            f"the CLIP vision model '{Path(clip_vision.file.path).name}' gives {_what(adapter)} of width {width}. Load "
            f"{_SIGHTS.get((adapter.kind == 'plain', config['seen']), 'the one it was trained with')}."
        )
    with weights.lend(clip_vision) as sight:
        wanted = _joined(_taken(adapter, sight.look(image, "center")), join)
        if negative is not None:
            return wanted, _joined(_taken(adapter, sight.look(negative, "center")), join)
        return wanted, torch.zeros_like(wanted[:1]) if adapter.kind == "plain" else _taken(adapter, sight.nothing())


def attentions(model: Model, weights: Weights, percent_to_sigma: Callable[[float], float]) -> tuple[Change, ...]:
    """What a model's picture prompts change in its network, in their order: keys and values are computed here."""
    return tuple(
        _attention(option, model, weights, percent_to_sigma)
        for option in model.options
        if isinstance(option, PicturePrompt)
    )


def _attention(
    option: PicturePrompt, model: Model, weights: Weights, percent_to_sigma: Callable[[float], float]
) -> PictureAttention:
    places, shares = fitting(option.adapter, model), SHARES[option.weight_type]
    layers = dict[Place, LayerKeys]()
    with weights.lend(option.adapter) as keys:
        for layer, unwanted, wanted in zip(places, keys(option.unwanted), keys(option.wanted), strict=True):
            weight = option.weight * shares(layer)
            if weight:
                place = Place(layer.stage, layer.number, layer.depth, "cross")
                layers[place] = _layer(option, weight, (unwanted, wanted))
    mask = None if option.mask is None else option.mask.to(keys.device)
    begin, end = (percent_to_sigma(percent) for percent in (option.start, option.end))
    return PictureAttention(layers, begin, end, mask)


def _layer(option: PicturePrompt, weight: float, sides: Sequence[KeysValues]) -> LayerKeys:
    """The keys and values of both sides; the shorter ones repeated to one length, which changes no answer."""
    length = math.lcm(*(key.shape[:2].numel() for key, _ in sides))
    keys, values = ([each.flatten(0, 1) for each in both] for both in zip(*sides, strict=True))
    key, value = (torch.stack([each.repeat(length // len(each), 1) for each in both]) for both in (keys, values))
    return LayerKeys(key * weight, value * weight, 1.0) if option.scales_keys else LayerKeys(key, value, weight)


_SIGHTS: Mapping[tuple[bool, int], str] = MappingProxyType({
    (True, 768): "CLIP ViT-L", (True, 1024): "CLIP ViT-H", (True, 1280): "CLIP ViT-bigG",
    (False, 1024): "CLIP ViT-L", (False, 1280): "CLIP ViT-H", (False, 1664): "CLIP ViT-bigG",
})  # fmt: skip
"""Published CLIP models by what is taken of them, a vector or states, and its width."""


def _what(adapter: IpAdapter) -> str:
    return "a picture's vector" if adapter.kind == "plain" else "states of a picture's patches"


def _taken(adapter: IpAdapter, view: ClipVisionOutput) -> Tensor:
    return view.image_embeds if adapter.kind == "plain" else view.penultimate


def _joined(pictures: Tensor, join: Join) -> Tensor:
    """Several pictures [N, …] as one prompt, [N or 1, …]."""
    match join:
        case "concat":
            return pictures
        case "add":
            return pictures.sum(0, keepdim=True)
        case "average":
            return pictures.mean(0, keepdim=True)
        case "subtract":
            first, others = pictures[:1], pictures[1:]
            return first - others.mean(0, keepdim=True) if len(others) else first


def _place(layer: Layer) -> tuple[str, int]:
    return layer.stage, layer.number


def _part(mask: Tensor, view: View) -> Tensor:
    """The part of a mask [H, W] of a whole picture that a row sees, as near as its pixels allow."""
    box = view.box
    spans = ((box.top, box.height), (box.left, box.width))
    cuts = []
    for (start, length), whole, pixels in zip(spans, view.canvas, mask.shape, strict=True):
        first = min(round(start * pixels / whole), pixels - 1)
        cuts.append(slice(first, max(first + 1, round((start + length) * pixels / whole))))
    return mask[tuple(cuts)]


def _grid(count: int, size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of `count` queries that a layer has of a latent of this size: the factors nearest its shape."""
    pairs = [(height, count // height) for height in range(1, count + 1) if count % height == 0]
    ratio = size[0] / size[1]
    return min(pairs, key=lambda pair: abs(math.log(pair[0] / pair[1] / ratio)))
