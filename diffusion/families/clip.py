"""CLIP's text encoders in a file: those of OpenAI's CLIP and of OpenCLIP, sizes read from shapes. Loads no torch."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from diffusion.families.family import Component, Layout, Part, TextStates
from diffusion.families.shapes import count
from diffusion.header import Header

HEAD_WIDTH = 64
"""Of all CLIP text models in use: 12 heads of 64, 16 of 64, 20 of 64."""

_UNUSED = re.compile(
    r"(text_model\.)?embeddings\.position_ids|logit_scale|attn_mask|visual_projection\.weight|vision_model\..*|visual\..*"
)
_PROJECTION = re.compile(r"text_projection(\.weight)?")


@dataclass(frozen=True)
class TextKind:
    """One text encoder of a family.

    prefix: of its names in checkpoints. width: of the published model's states. layouts: in which it may be stored.
    activation: OpenAI's models have quick_gelu, OpenCLIP's gelu. states: what is taken of it. projected: its pooled
    state goes through a projection, which the file holds. whole: how many layers the published model has, where files
    with transformers' names leave out the last one, since nothing is taken of it. name: what it is called alone in a
    file.
    """

    part: Part
    prefix: str
    width: int
    layouts: tuple[Layout, ...] = ("modules",)
    activation: Literal["quick_gelu", "gelu"] = "quick_gelu"
    states: TextStates = TextStates()
    projected: bool = False
    whole: int | None = None
    name: str = "clip_l"


def text_encoder(
    header: Header, kind: TextKind, prefix: str = "", ignored: frozenset[str] = frozenset()
) -> Component | None:
    """The text encoder of this kind below a prefix; None where there is none. ignored: names without weights."""
    found = sizes(header, prefix)
    if found is None or found[0] not in kind.layouts:
        return None
    layout, config = found
    heads = header.config.get(kind.part, {}).get("attention_heads", max(1, config["hidden_size"] // HEAD_WIDTH))
    config = config | {"num_attention_heads": heads, "hidden_act": kind.activation}
    if kind.projected:
        name = f"{prefix}text_projection" + (".weight" if layout == "modules" else "")
        config["projection_dim"] = header.shape(name)[0 if layout == "modules" else 1]
    unused = ignored | unused_names(header, prefix, kind)
    return Component(kind.part, header, prefix, layout, config, unused, states_of(kind, layout, config))


def text_folder(header: Header, config: Mapping[str, Any], kind: TextKind) -> Component | None:
    """The text encoder of this kind in a diffusers folder with this config.json; None where it is another."""
    if config.get("hidden_act") != kind.activation:
        return None
    if not kind.projected:  # configurations name a projection also where there is none
        config = {name: value for name, value in config.items() if name != "projection_dim"}
    states = states_of(kind, "modules", config)
    return Component(kind.part, header, "", "modules", config, unused_names(header, "", kind), states)


def sizes(header: Header, prefix: str) -> tuple[Layout, dict[str, Any]] | None:
    """The layout and sizes of the CLIP text model below a prefix; None where there is none."""
    for inner in ("text_model.", ""):
        if f"{prefix}{inner}embeddings.token_embedding.weight" in header.tensors:
            return "modules", _sizes(header, prefix + inner)
    if all(f"{prefix}{name}.weight" in header.tensors for name in ("token_embedding", "ln_final")):
        return "open_clip", _open_clip_sizes(header, prefix)
    return None


def states_of(kind: TextKind, layout: Layout, config: Mapping[str, Any]) -> TextStates:
    """What is taken of a text encoder of this kind with so many layers."""
    if kind.whole is None or layout != "modules" or config["num_hidden_layers"] == kind.whole:
        return kind.states
    return replace(kind.states, layer=kind.states.layer + 1)


def unused_names(header: Header, prefix: str, kind: TextKind) -> frozenset[str]:
    """Names below a prefix of which a text encoder of this kind makes no use."""
    rests = {name: name.removeprefix(prefix) for name in header.tensors if name.startswith(prefix)}
    return frozenset(
        name
        for name, rest in rests.items()
        if _UNUSED.fullmatch(rest) or (not kind.projected and _PROJECTION.fullmatch(rest))
    )


def _sizes(header: Header, stem: str) -> dict[str, Any]:
    vocabulary, width = header.shape(f"{stem}embeddings.token_embedding.weight")
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": header.shape(f"{stem}encoder.layers.0.mlp.fc1.weight")[0],
        "num_hidden_layers": count(header.tensors, re.escape(stem) + r"encoder\.layers\.(\d+)\."),
        "max_position_embeddings": header.shape(f"{stem}embeddings.position_embedding.weight")[0],
    }


def _open_clip_sizes(header: Header, stem: str) -> dict[str, Any]:
    vocabulary, width = header.shape(f"{stem}token_embedding.weight")
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": header.shape(f"{stem}transformer.resblocks.0.mlp.c_fc.weight")[0],
        "num_hidden_layers": count(header.tensors, re.escape(stem) + r"transformer\.resblocks\.(\d+)\."),
        "max_position_embeddings": header.shape(f"{stem}positional_embedding")[0],
    }
