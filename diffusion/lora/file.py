"""A LoRA file, read by its header: which layers it changes, and by which tensors. Loads no torch for safetensors."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from diffusion.families import seems
from diffusion.header import Header, WeightFileError, read_header
from diffusion.lora import names

ADAPTER_METADATA = "lora_adapter_metadata"
"""Where diffusers keeps peft's configuration, as JSON with keys like `unet.lora_alpha`."""

OTHER_KINDS = (
    (re.compile(r".+\.(a[12]|b[12]|bm[12])\.weight"), "GLoRA"),
    (re.compile(r".+\.(on_input|ia3_l(\..+)?)"), "(IA)³"),
    (re.compile(r".+[._]vera_lambda_[bd](\..+)?"), "VeRA"),
)
"""How tensors are named in files of changes of kinds that are only recognised."""


@dataclass(frozen=True, eq=False)
class Entry:
    """All that a file says about one layer.

    stem: how it calls the layer. part, place: the network, and the layer in it, as of `names.place`. tensors: names in
    the file by role, as of `names.split`. alpha: where the file says it in its metadata instead of by a tensor.
    """

    stem: str
    part: str
    place: str
    tensors: Mapping[str, str]
    alpha: float | None = None


@dataclass(frozen=True, eq=False)
class LoraFile:
    """A file of changes. strangers: names of tensors in it that belong to no change."""

    header: Header
    entries: tuple[Entry, ...]
    strangers: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's name."""
        return self.header.path.name


@lru_cache(maxsize=64)
def read_lora(path: Path, digest: str) -> LoraFile:
    """What a file changes, from its header alone. Raises WeightFileError, saying what it looks like, if it is none."""
    del digest  # part of the key: another content under the same path is another file
    header = read_header(path)
    stems: dict[str, dict[str, str]] = {}
    strangers = []
    for name in header.tensors:
        found = names.split(name)
        if found is None:
            strangers.append(name)
        else:
            stems.setdefault(found[0], {})[found[1]] = name
    entries = tuple(_entry(header, stem, tensors) for stem, tensors in stems.items())
    if not any(set(entry.tensors) - {"alpha"} for entry in entries):
        if other := _other_kind(header):
            raise WeightFileError(
                f"'{path.name}' changes a model in the way of {other}, which this version does not know: it knows "
                "LoRA, LoCon, LoHa, LoKr, DoRA, OFT, BOFT, and differences of weights, biases and norms. Use a file of "
                "one of these kinds."
            )
        raise WeightFileError(f"'{path.name}' is no LoRA: {seems(header)}")
    return LoraFile(header, entries, tuple(strangers))


def _other_kind(header: Header) -> str:
    """The name of the kind of change, where it is one that is only recognised; "" otherwise."""
    found = (title for pattern, title in OTHER_KINDS if any(pattern.fullmatch(name) for name in header.tensors))
    return next(found, "")


def _entry(header: Header, stem: str, tensors: Mapping[str, str]) -> Entry:
    part, place = names.place(stem)
    told = None
    if "alpha" not in tensors and "down" in tensors:
        told = _told_alpha(_adapter(header), part, stem, header.shape(tensors["down"])[0])
    return Entry(stem, part, place, tensors, told)


def _adapter(header: Header) -> Mapping[str, Any]:
    try:
        adapter = json.loads(header.metadata.get(ADAPTER_METADATA, "{}"))
    except ValueError as error:
        raise WeightFileError(f"'{header.path.name}': its '{ADAPTER_METADATA}' is no JSON: {error}.") from error
    return adapter if isinstance(adapter, dict) else {}


def _told_alpha(adapter: Mapping[str, Any], part: str, stem: str, rank: int) -> float | None:
    """Alpha as peft's configuration has it: one for all layers, others by pattern; `rslora` divides by √rank."""
    alpha = adapter.get(f"{part}.lora_alpha")
    for pattern, other in (adapter.get(f"{part}.alpha_pattern") or {}).items():
        if re.fullmatch(rf"(.*\.)?({pattern})", stem):
            alpha = other
            break
    if alpha is None:
        return None
    return alpha * math.sqrt(rank) if adapter.get(f"{part}.use_rslora") else float(alpha)
