"""What a LoRA can change in a network: its layers, by every spelling that files have for them. Loads no torch.

Layers are known from the header of the network's own file, so that a LoRA can be told to fit, or not, before any weight
is read and any module is built.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from diffusion.families import TEXT_PARTS, Component
from diffusion.original_layout import UNET_PREFIX, unet_names

Shape = tuple[int, ...]

_UNET_STEMS: tuple[tuple[str, str], ...] = (
    (r"input_blocks\.0\.0\.", "conv_in."),
    (r"time_embed\.0\.", "time_embedding.linear_1."),
    (r"time_embed\.2\.", "time_embedding.linear_2."),
    (r"label_emb\.0\.0\.", "add_embedding.linear_1."),
    (r"label_emb\.0\.2\.", "add_embedding.linear_2."),
    (r"out\.0\.", "conv_norm_out."),
    (r"out\.2\.", "conv_out."),
    (r"middle_block\.0\.", "mid_block.resnets.0."),
    (r"middle_block\.1\.", "mid_block.attentions.0."),
    (r"middle_block\.2\.", "mid_block.resnets.1."),
)
_RESNET: Mapping[str, str] = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
_FIRST_SPELLINGS: tuple[tuple[str, str], ...] = (
    ("_attn1_to_out_0", "_attn1_to_out"),
    ("_attn2_to_out_0", "_attn2_to_out"),
    ("_self_attn_q_proj", "_self_attn_to_q"),
    ("_self_attn_k_proj", "_self_attn_to_k"),
    ("_self_attn_v_proj", "_self_attn_to_v"),
    ("_self_attn_out_proj", "_self_attn_to_out"),
)
"""How the first attention processors of diffusers called the layers of attention."""


@dataclass(frozen=True)
class Layer:
    """A layer that can be changed. place: its name in the module, with `_` for `.`. shapes: of its weight and bias."""

    place: str
    shapes: Mapping[str, Shape]


@lru_cache(maxsize=16)
def layers(component: Component) -> Mapping[str, Layer]:
    """The layers of a network by all their spellings, each with `_` for `.`."""
    if component.part in TEXT_PARTS:
        return _by_place(_text_shapes(component.config))
    shapes = component.header.tensors
    given = {name.removeprefix(component.prefix): shapes[name].shape for name in component.names}
    if component.part != "unet":
        return _by_place(given)
    per_block = component.config["layers_per_block"]
    if component.layout == "original":
        original = {_own_name(name, per_block): name for name in given}
        own = {name: given[file] for name, file in original.items()}
    else:
        own = given
        original = {name: file.removeprefix(UNET_PREFIX) for name, file in unet_names(list(given), per_block).items()}
    found = _by_place(own)
    found |= {_place(file): found[_place(name)] for name, file in original.items()}
    return found


def _by_place(shapes: Mapping[str, Shape]) -> dict[str, Layer]:
    stems: dict[str, dict[str, Shape]] = {}
    for name, shape in shapes.items():
        stems.setdefault(_place(name), {})[name.rpartition(".")[2]] = shape
    found = {place: Layer(place, leaves) for place, leaves in stems.items()}
    return found | {
        place.removesuffix(ending) + other: layer
        for place, layer in found.items()
        for ending, other in _FIRST_SPELLINGS
        if place.endswith(ending)
    }


def place_of(module: str) -> str:
    """How a module's name is spelt here."""
    return module.replace(".", "_")


def _place(tensor: str) -> str:
    return place_of(tensor.rpartition(".")[0])


def _own_name(original: str, per_block: int) -> str:
    """The name that diffusers' `UNet2DConditionModel` has for a tensor of the original layout."""
    for stem, own in _UNET_STEMS:
        found = re.match(stem, original)
        if found is not None:
            rest = original[found.end() :]
            return own + (_within_resnet(rest) if "resnets" in own else rest)
    found = re.fullmatch(r"(input|output)_blocks\.(\d+)\.(\d)\.(.+)", original)
    if found is None:
        return original
    side, number, place, rest = found[1], int(found[2]), int(found[3]), found[4]
    block, index = divmod(number - (side == "input"), per_block + 1)
    stem = f"{'down' if side == 'input' else 'up'}_blocks.{block}"
    if rest.startswith("op."):
        return f"{stem}.downsamplers.0.conv.{rest.removeprefix('op.')}"
    if rest.startswith("conv."):
        return f"{stem}.upsamplers.0.{rest}"
    return f"{stem}.attentions.{index}.{rest}" if place else f"{stem}.resnets.{index}.{_within_resnet(rest)}"


def _within_resnet(rest: str) -> str:
    part, _, leaf = rest.rpartition(".")
    return f"{_RESNET.get(part, part)}.{leaf}"


def _text_shapes(config: Mapping[str, Any]) -> dict[str, Shape]:
    """Tensors of transformers' `CLIPTextModel`, whose files may have query, key and value in one."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    shapes: dict[str, Shape] = {
        "embeddings.token_embedding.weight": (config["vocab_size"], width),
        "embeddings.position_embedding.weight": (config["max_position_embeddings"], width),
    }
    for number in range(config["num_hidden_layers"]):
        stem = f"encoder.layers.{number}"
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= _with_bias(f"{stem}.self_attn.{name}", (width, width))
        shapes |= _with_bias(f"{stem}.mlp.fc1", (inner, width)) | _with_bias(f"{stem}.mlp.fc2", (width, inner))
        shapes |= _with_bias(f"{stem}.layer_norm1", (width,)) | _with_bias(f"{stem}.layer_norm2", (width,))
    shapes |= _with_bias("final_layer_norm", (width,))
    if "projection_dim" in config:
        shapes["text_projection.weight"] = (config["projection_dim"], width)
    return shapes


def _with_bias(name: str, shape: Shape) -> dict[str, Shape]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def context_width(found: Iterable[Layer]) -> int | None:
    """The width of the text states that a U-Net attends to."""
    return next((layer.shapes["weight"][1] for layer in found if layer.place.endswith("attn2_to_k")), None)
