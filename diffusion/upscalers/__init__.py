"""Networks that make pictures larger, one file a kind: recognised by the names and shapes in a file's header."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from diffusion.families.family import Component
from diffusion.header import Header, WeightFileError, read_header
from diffusion.tensors import Residence
from diffusion.upscalers import foreign
from diffusion.upscalers.architecture import Architecture, Enlarger
from diffusion.upscalers.compact import COMPACT
from diffusion.upscalers.esrgan import ESRGAN
from diffusion.values import UpscaleModel, WeightFile

__all__ = ["ARCHITECTURES", "FOREIGN", "Enlarger", "build", "component", "load_foreign", "names", "read_upscaler"]

ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType({kind.name: kind for kind in (ESRGAN, COMPACT)})
"""Kinds that are built in, in the order in which they may recognise a file."""

FOREIGN = "spandrel"
"""The architecture of what only spandrel knows."""

PREFIXES = ("", "params_ema.", "params.", "module.", "netG.")
"""What trainers put before the names of a network's tensors, the preferred first: an average before the last state."""

CHANNELS = (1, 3)
"""How many channels a network may take: brightness, or red, green and blue."""


def read_upscaler(path: Path, digest: str) -> UpscaleModel:
    """Recognise an upscaling network. Reads the header, and all tensors only where spandrel has to recognise it.

    Raises WeightFileError, in a sentence that names what the file looks like, where it is none that can be used.
    """
    recognised = _recognise(path, digest)
    config = recognised.config
    scale = config["scale"] if config["architecture"] == FOREIGN else _on_meta(config).scale
    return UpscaleModel(config["architecture"], WeightFile(str(path.resolve()), digest), scale)


def component(file: WeightFile) -> Component:
    """The network of a file that `read_upscaler` has recognised."""
    return _recognise(Path(file.path), file.digest)


def build(config: Mapping[str, Any]) -> Enlarger:
    """The module of a component's configuration, on the device of the moment."""
    shape = {name: value for name, value in config.items() if name != "architecture"}
    return ARCHITECTURES[config["architecture"]].build(**shape)


def names(found: Component) -> Mapping[str, str]:
    """The module's names → names in the file, bare of prefix."""
    return ARCHITECTURES[found.config["architecture"]].names(name.removeprefix(found.prefix) for name in found.names)


def load_foreign(header: Header, residence: Residence) -> nn.Module:
    """The network of a component of the architecture `FOREIGN`, ready to compute."""
    return foreign.load(header, residence)


@lru_cache(maxsize=64)
def _recognise(path: Path, digest: str) -> Component:
    del digest  # part of the key: another content under the same path is another network
    header = read_header(path)
    for prefix in PREFIXES:
        given = [name.removeprefix(prefix) for name in header.tensors if name.startswith(prefix)]
        for architecture in ARCHITECTURES.values():
            found = {name: prefix + own for name, own in architecture.names(given).items()}
            shape = architecture.shape(header, found)
            if shape is not None:
                _account_for_all(header, prefix, architecture)
                config = {"architecture": architecture.name, **shape}
                return _checked(Component("upscaler", header, prefix, "modules", config), shape["channels"])
    network = foreign.load(header, Residence(torch.device("cpu"), torch.float32))
    config = {"architecture": FOREIGN, "title": network.title, "scale": network.scale}
    return _checked(Component("upscaler", header, "", "modules", config), network.channels)


def _on_meta(config: Mapping[str, Any]) -> Enlarger:
    with torch.device("meta"):
        return build(config)


def _account_for_all(header: Header, prefix: str, architecture: Architecture) -> None:
    """Beside the average, a file may hold the last state; nothing else."""
    others = tuple(other for other in PREFIXES if other and other != prefix)
    strangers = [name for name in header.tensors if not name.startswith((prefix, *others))]
    if strangers:
        raise WeightFileError(
            f"'{header.path.name}' looks like a network of {architecture.title}, but {len(strangers)} of its tensors "
            f"do not belong to it: {', '.join(strangers[:3])}{', …' if len(strangers) > 3 else ''}."
        )


def _checked(found: Component, channels: int) -> Component:
    if channels not in CHANNELS:
        raise WeightFileError(
            f"'{found.header.path.name}' is an upscaling network that takes {channels} channels; pictures have 1 or 3."
        )
    return found
