"""Hypernetworks: small networks that change what a model's attention makes its keys and values of.

The format of the files is that of AUTOMATIC1111's web UI: for each width of tokens or features (768, 320, …) two
networks, one for keys and one for values, as state dicts of linear layers ("linear.0.weight", …) with layer norms
between them if `is_layer_norm`; `activation_func` names what follows each linear layer, the last one only with
`activate_output`. What is heeded is x + strength · network(x), also in self-attention. Dropout is for training.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.changes import Call, Change, Place
from diffusion.checkpoint import component
from diffusion.families import looks_like
from diffusion.header import WeightFileError, read_header, torch_content
from diffusion.lora.clone import clone
from diffusion.model_options import Hypernetwork
from diffusion.values import Model, WeightFile

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType({
    "linear": nn.Identity, "relu": nn.ReLU, "leakyrelu": nn.LeakyReLU, "elu": nn.ELU, "swish": nn.Hardswish,
    "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "celu": nn.CELU, "gelu": nn.GELU, "hardshrink": nn.Hardshrink,
    "hardsigmoid": nn.Hardsigmoid, "hardswish": nn.Hardswish, "hardtanh": nn.Hardtanh, "logsigmoid": nn.LogSigmoid,
    "mish": nn.Mish, "relu6": nn.ReLU6, "selu": nn.SELU, "silu": nn.SiLU, "softplus": nn.Softplus,
    "softshrink": nn.Softshrink, "softsign": nn.Softsign, "tanhshrink": nn.Tanhshrink,
})  # fmt: skip
"""By the names in files: torch's own in lower case, and "swish" for its piecewise linear kind."""

TENSOR = re.compile(r"linear\.?(\d+)\.(weight|bias)")

Pair = tuple[nn.Module, nn.Module]
"""What is added to what keys, and to what values, are made of: [B, M, C] → [B, M, C]."""


@dataclass(frozen=True, eq=False)
class Heeding(Change):
    """A hypernetwork at work. pairs: by width, float32 on the CPU. strength: times what they add."""

    pairs: Mapping[int, Pair]
    strength: float
    _placed: dict[tuple[int, torch.device, torch.dtype], Pair] = field(default_factory=dict, init=False, repr=False)

    def projecting(self, keyed: Tensor, valued: Tensor, place: Place, call: Call) -> tuple[Tensor, Tensor]:
        """Both with what is added to them, where there is a pair for their width."""
        del place, call
        if keyed.shape[-1] not in self.pairs:
            return keyed, valued
        for_keys, for_values = self._at(keyed)
        return keyed + self.strength * for_keys(keyed), valued + self.strength * for_values(valued)

    def _at(self, seen: Tensor) -> Pair:
        """The pair for the width of what is seen, where and in the number type in which that is."""
        width = seen.shape[-1]
        place = width, seen.device, seen.dtype
        if place not in self._placed:
            for_keys, for_values = (clone(network).to(seen.device, seen.dtype) for network in self.pairs[width])
            self._placed[place] = for_keys, for_values
        return self._placed[place]


def with_hypernetwork(file: WeightFile, model: Model, strength: float) -> Model:
    """A model with a hypernetwork over its attention; several in a row act one after the other.

    Reads the structure of the file. Raises WeightFileError where it is none, or, naming both sides, where it was made
    for another model.
    """
    path = Path(file.path)
    _require_fit(path.name, read_pairs(path, "meta"), model)
    return model.with_option(Hypernetwork(file, strength))


def heeding(option: Hypernetwork) -> Heeding:
    """The change that an option means: reads the file. Raises WeightFileError."""
    return Heeding(read_pairs(Path(option.file.path), "cpu"), option.strength)


def read_pairs(path: Path, device: str) -> Mapping[int, Pair]:
    """The networks in a file, by width, float32. device: "meta" for their structure alone, or "cpu".

    Raises WeightFileError where it is no hypernetwork, is damaged, or has an activation that is not known.
    """
    header = read_header(path)
    if header.format != "torch":
        raise WeightFileError(f"'{path.name}' is no hypernetwork: it looks like {looks_like(header)}.")
    content = torch_content(path, device)
    found = (
        {int(key): pair for key, pair in content.items() if _is_pair(key, pair)} if isinstance(content, dict) else {}
    )
    if not found:
        raise WeightFileError(
            f"'{path.name}' is no hypernetwork: it has no pair of networks for any width, and looks like "
            f"{looks_like(header)}."
        )
    said = {
        "activation": _activation(path, content.get("activation_func") or "linear"),
        "is_last_active": bool(content.get("activate_output", True)),  # files older than the setting were made so
    }
    for_keys, for_values = (
        {width: _network(path, width, pair[place], **said) for width, pair in found.items()} for place in (0, 1)
    )
    return MappingProxyType({width: (for_keys[width], for_values[width]) for width in found})


def _is_pair(key: object, value: object) -> bool:
    is_width = isinstance(key, int) or (isinstance(key, str) and key.isdecimal())
    return is_width and isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(v, dict) for v in value)


def _activation(path: Path, name: str) -> Callable[[], nn.Module]:
    found = ACTIVATIONS.get(name.lower())
    if found is None:
        near = get_close_matches(name.lower(), ACTIVATIONS, 1)
        hint = f" Did its author mean '{near[0]}'?" if near else ""
        raise WeightFileError(f"'{path.name}': its activation '{name}' is not one of {', '.join(ACTIVATIONS)}.{hint}")
    return found


def _network(
    path: Path, width: int, tensors: Mapping[str, Any], activation: Callable[[], nn.Module], *, is_last_active: bool
) -> nn.Module:
    """One network. tensors: by name, "linear.N.weight" or, in old files, "linearN.weight"; matrices are linear layers,
    vectors layer norms.
    """
    layers: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if match := TENSOR.fullmatch(name):
            layers.setdefault(int(match[1]), {})[match[2]] = tensor.float()
    ordered = [layers[number] for number in sorted(layers)]
    last = max((place for place, layer in enumerate(ordered) if layer["weight"].ndim == 2), default=-1)
    modules, at = list[nn.Module](), width
    for place, layer in enumerate(ordered):
        weight, bias = layer.get("weight"), layer.get("bias")
        if weight is None or bias is None or weight.shape[-1] != at or weight.shape[:1] != bias.shape:
            raise _damaged(path, width)
        at = len(weight)
        if weight.ndim == 1:
            modules.append(_filled(nn.LayerNorm(at, device="meta"), weight, bias))
            continue
        modules.append(_filled(nn.Linear(weight.shape[1], at, device="meta"), weight, bias))
        if place < last or is_last_active:
            modules.append(activation())
    if last < 0 or at != width:
        raise _damaged(path, width)
    return nn.Sequential(*modules).eval().requires_grad_(False)


def _filled(module: nn.Module, weight: Tensor, bias: Tensor) -> nn.Module:
    module.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    return module


def _damaged(path: Path, width: int) -> WeightFileError:
    return WeightFileError(
        f"'{path.name}' is a damaged hypernetwork: its layers for width {width} do not lead from {width} numbers back "
        f"to {width}. Download or export it again."
    )


def _require_fit(name: str, pairs: Mapping[int, Pair], model: Model) -> None:
    """A file may have widths that a model has not, if it has that of the model's tokens: it was made for several."""
    config = component(model.file, "unet").config
    tokens = config["cross_attention_dim"]
    kinds = zip(config["block_out_channels"], config["down_block_types"], strict=True)
    features = {width for width, kind in kinds if "Attn" in kind} | {config["block_out_channels"][-1]}
    if pairs.keys() <= {tokens, *features} or tokens in pairs:
        return
    raise WeightFileError(
        f"The hypernetwork '{name}' is for another kind of model: it changes what is {_listed(pairs)} wide, but "
        f"'{Path(model.file.path).name}' attends to tokens {tokens} wide, and to features {_listed(features)} wide. "
        "Use one that was made for this kind of model."
    )


def _listed(widths: Sequence[int] | Mapping[int, Pair] | set[int]) -> str:
    *others, last = map(str, sorted(widths))
    return f"{', '.join(others)} or {last}" if others else last
