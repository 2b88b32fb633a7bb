"""Networks that steer a denoiser by a picture, in files of their own: ControlNets (Zhang et al. 2023), those that know
several tasks (ControlNet++), T2I-Adapters. Configured by shapes; loads no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from diffusion import checkpoint
from diffusion.families import attending_to, family_named, seems
from diffusion.families.accounting import refuse_quantised
from diffusion.families.adapter import adapter, check_adapter
from diffusion.families.family import Component, Layout
from diffusion.families.shapes import count
from diffusion.families.unet import FIRST, OWN_FIRST, Shapes, encoder
from diffusion.header import Header, WeightFileError, read_header
from diffusion.original_layout import CONTROL_PREFIX, control_names
from diffusion.values import ControlNet, Model, WeightFile

UNION = "ControlNetUnionModel"
"""diffusers' class of ControlNets that know several tasks."""

HINT, OWN_HINT = "input_hint_block.0.weight", "controlnet_cond_embedding.conv_in.weight"
DIFFERENCE, LORA = "difference", "lora_controlnet"
"""Names of empty tensors that mark a file of differences to a denoiser's weights, and one of LoRA over them."""

UNION_ONLY = ("task_embedding", "transformer_layes.", "spatial_ch_projs.", "control_add_embedding.")
"""How the names of tensors begin that a ControlNet of one task has not."""

TASKS: tuple[str, ...] = (
    "openpose",
    "depth",
    "hed/pidi/scribble/ted",
    "canny/lineart/anime_lineart/mlsd",
    "normal",
    "segment",
    "tile",
    "repaint",
)
"""Of networks that know several, in the order in which they count them."""

SHUFFLED = "_shuffle"
"""Part of the names of files whose answers are averaged over the picture (ControlNet 1.1); nothing in them says so."""


def read_control_net(path: Path, digest: str, base: Model | None = None) -> ControlNet:
    """Recognise a ControlNet or T2I-Adapter. Reads the header, no weights.

    base: the denoiser to whose weights those of a file of differences are added; other files need none. Raises
    WeightFileError, in a sentence that names what the file looks like, where it is none that can be used.
    """
    found = _recognise(path, digest)
    file = WeightFile(str(path.resolve()), digest)
    if found.part == "adapter":
        return ControlNet("adapter", file)
    kind = "union" if found.config.get("_class_name") == UNION else "controlnet"
    net = ControlNet(kind, file, averaged=SHUFFLED in path.stem)
    if DIFFERENCE not in found.header.tensors:
        return net
    if base is None:
        raise WeightFileError(
            f"'{path.name}' holds differences to a model's weights, not weights. Load it with 'Load ControlNet Model "
            "(diff)', together with the model it is to steer."
        )
    net = replace(net, base=base.file)
    check_fit(net, base)
    return net


def with_task(net: ControlNet, task: str) -> ControlNet:
    """A network that knows several tasks, told which one pictures are for: one of `TASKS`, or "auto" for none.

    Raises ValueError for a network that knows but one, and for a task that this one does not know.
    """
    name = Path(net.file.path).name
    if task == "auto":
        return replace(net, task=None)
    if net.kind != "union":
        raise ValueError(f"'{name}' knows a single task; only a union ControlNet can be told one of several.")
    number, known = TASKS.index(task), component(net).config["num_control_type"]
    if number >= known:
        raise ValueError(f"'{name}' knows the tasks {', '.join(TASKS[:known])}; it was not trained for {task}.")
    return replace(net, task=number)


def component(net: ControlNet) -> Component:
    """The network that a recipe means."""
    found = _recognise(Path(net.file.path), net.file.digest)
    if net.base is None:
        return found
    from diffusion.control_networks import Differences

    return replace(found, changed=Differences(checkpoint.component(net.base, "unet")))


def check_fit(net: ControlNet, model: Model) -> None:
    """Raise WeightFileError, naming both sides, where a network was made for denoisers of another structure."""
    found, unet = component(net), checkpoint.component(model.file, "unet")
    title = family_named(model.family).title
    if found.part == "adapter":
        check_adapter(found, unet, title)
        return
    ours, theirs = _structure(found.config), _structure(unet.config)
    differing = [name for name, own in ours.items() if own is not None and own != theirs[name]]
    if differing:
        one, other = (" and ".join(_told(name, facts[name]) for name in differing) for facts in (ours, theirs))
        raise WeightFileError(
            f"The ControlNet '{found.header.path.name}' steers a model that {one}, but '{unet.header.path.name}' is a "
            f"model of {title}, which {other}. Load a ControlNet made for {title}."
        )


@lru_cache(maxsize=64)
def _recognise(path: Path, digest: str) -> Component:
    del digest  # part of the key: another content under the same path is another network
    header = read_header(path)
    if LORA in header.tensors:
        raise WeightFileError(
            f"'{path.name}' is a Control-LoRA, which changes a model's own encoder; this version does not read them. "
            "Use the ControlNet it was made of."
        )
    found = controlnet(header) or adapter(header)
    if found is None:
        raise WeightFileError(f"'{path.name}' is no ControlNet and no T2I-Adapter: {seems(header)}")
    refuse_quantised(header)
    return found


def controlnet(header: Header) -> Component | None:
    """The ControlNet of a file, with original names or diffusers' own; None where there is none."""
    for prefix in (CONTROL_PREFIX, ""):
        layout: Layout = "original" if prefix + HINT in header.tensors else "modules"
        if prefix + (HINT if layout == "original" else OWN_HINT) in header.tensors:
            if prefix + FIRST not in header.tensors and prefix + OWN_FIRST not in header.tensors:
                return None  # of a transformer, which has no input blocks
            marks = frozenset({DIFFERENCE})
            return Component("controlnet", header, prefix, layout, _config(header, prefix, layout), marks)
    return None


def _config(header: Header, prefix: str, layout: Layout) -> dict[str, Any]:
    """Configuration of diffusers' `ControlNetModel` or `ControlNetUnionModel`."""
    shapes = _shapes(header, prefix, layout)
    hints = 1 + max(int(name.split(".")[1]) for name in shapes if name.startswith("input_hint_block.")) // 2
    first = shapes[HINT]
    # After the first convolution they come in pairs, of which the second makes the picture smaller.
    widths = (first[0], *(shapes[f"input_hint_block.{2 * place}.weight"][0] for place in range(2, hints - 1, 2)))
    config = encoder(header, shapes, header.config.get("unet", {}).get("attention_heads")) | {
        "conditioning_channels": first[1],
        "conditioning_embedding_out_channels": widths,
    }
    if "task_embedding" not in header.tensors:
        return config
    tasks, width = header.shape("task_embedding")
    config.pop("mid_block_type")  # of which there is one
    return config | {
        "_class_name": UNION,
        "num_control_type": tasks,
        "num_trans_channel": width,
        "num_trans_head": 8,
        "num_trans_layer": count(header.tensors, r"transformer_layes\.(\d+)\."),
        "num_proj_channel": header.shape("spatial_ch_projs.weight")[0],
        "addition_time_embed_dim": header.shape("control_add_embedding.linear_1.weight")[1] // tasks,
    }


def _shapes(header: Header, prefix: str, layout: Layout) -> Shapes:
    """Shapes by original names without prefix."""
    own = {name.removeprefix(prefix): info.shape for name, info in header.tensors.items() if name.startswith(prefix)}
    if layout == "original":
        return own
    own = {name: shape for name, shape in own.items() if not name.startswith((DIFFERENCE, *UNION_ONLY))}
    layers = count(own, r"down_blocks\.0\.resnets\.(\d+)\.")
    try:
        original = control_names(list(own), layers)
    except (ValueError, KeyError) as error:
        raise WeightFileError(
            f"'{header.path.name}' holds a ControlNet of a kind that is not known here: {error}"
        ) from error
    return {file.removeprefix(CONTROL_PREFIX): own[name] for name, file in original.items()}


def _structure(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a denoiser's structure a ControlNet must have, too: width of tokens (None for one that does not attend),
    how many numbers it is told of the picture, widths of levels, layers of a level.
    """
    return {
        "tokens": config["cross_attention_dim"],
        "told": config["projection_class_embeddings_input_dim"] if config.get("addition_embed_type") else 0,
        "widths": tuple(config["block_out_channels"]),
        "layers": config["layers_per_block"],
    }


def _told(name: str, value: Any) -> str:
    """A part of a structure in words that follow "which"."""
    match name:
        case "tokens":
            known = attending_to(value)
            return f"attends to tokens of width {value}{known and f' ({known})'}"
        case "told":
            return f"is told {value} numbers of the picture" if value else "is told nothing of its size"
        case "widths":
            return f"has levels of the widths {', '.join(map(str, value))}"
    return f"has {value} layers in each level"
