"""Which tensors a file has for a network: names of the module → names, shapes and types in the file, and their content.

The way back of `diffusion.loading`: one tensor of the file may be three of the module, or have rows for columns.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from diffusion.families import Component, TextPlace
from diffusion.families.autoencoder import TINY
from diffusion.merging.applying import Tensors
from diffusion.original_layout import VAE_PREFIX, Place, open_clip_places, unet_names, vae_names
from diffusion.saving.writing import Entry

ALONE = TextPlace("", "modules", "")
"""Where a text encoder that is alone in a file has its tensors: under the names of transformers."""

THIRDS = 3
"""Query, key and value, where they are one tensor."""


def unet_entries(component: Component) -> list[Entry]:
    """A U-Net under its original names."""
    tensors = Tensors(component)
    names = unet_names(list(tensors.shapes), component.config["layers_per_block"])
    return _entries(tensors, {name: Place(file) for name, file in names.items()})


def vae_entries(component: Component, prefix: str = VAE_PREFIX) -> list[Entry]:
    """An autoencoder under its original names; a tiny one under those of diffusers, whatever the prefix."""
    tensors = Tensors(component)
    if is_tiny(component):
        return _entries(tensors, {name: Place(name) for name in tensors.shapes})
    names = vae_names(list(tensors.shapes))
    entries = _entries(tensors, {name: Place(prefix + file.removeprefix(VAE_PREFIX)) for name, file in names.items()})
    return [
        _as_convolution(entry) if ".attn_1." in entry.name and len(entry.shape) == 2 else entry for entry in entries
    ]


def text_entries(component: Component, place: TextPlace = ALONE) -> list[Entry]:
    """A text encoder, where the checkpoints of its family have it, or alone."""
    tensors = Tensors(component)
    if place.layout == "open_clip":
        entries = _entries(tensors, open_clip_places(list(tensors.shapes), place.prefix))
        return entries + (_idle_layer(entries, component) if _lacks_a_layer(component, place) else [])
    return _entries(tensors, {name: Place(place.prefix + _transformers_name(name)) for name in tensors.shapes})


def is_tiny(component: Component) -> bool:
    """Whether an autoencoder is a tiny one."""
    return component.config.get("_class_name") == TINY


def _transformers_name(name: str) -> str:
    bare = name.removeprefix("text_model.")
    return bare if bare.startswith("text_projection.") else f"text_model.{bare}"


def _entries(tensors: Tensors, places: Mapping[str, Place]) -> list[Entry]:
    """The tensors of a module at places in a file."""
    wholes: dict[str, dict[int, str]] = {}
    for name, place in places.items():
        wholes.setdefault(place.name, {})[place.third or 0] = name
    entries = []
    for file, names in wholes.items():
        parts = [names[third] for third in sorted(names)]
        shape, dtype = tensors.shapes[parts[0]], tensors.dtype(parts[0])
        if places[parts[0]].transposed:
            entries.append(Entry(file, dtype, shape[::-1], partial(_transposed, tensors, parts[0])))
        elif places[parts[0]].third is not None:
            read = partial(_joined, tensors, parts, dtype)
            entries.append(Entry(file, dtype, (THIRDS * shape[0], *shape[1:]), read))
        else:
            entries.append(Entry(file, dtype, shape, partial(tensors.read_as_stored, parts[0])))
    return entries


def _transposed(tensors: Tensors, name: str) -> Tensor:
    return tensors.read_as_stored(name).T


def _joined(tensors: Tensors, names: Sequence[str], dtype: torch.dtype) -> Tensor:
    return torch.cat([tensors.read_as_stored(name).to(dtype) for name in names])


def _as_convolution(entry: Entry) -> Entry:
    """A linear layer as the 1×1 convolution that the original has: [out, in, 1, 1]."""
    shape = (*entry.shape, 1, 1)
    return Entry(entry.name, entry.dtype, shape, lambda: entry.read().reshape(shape))


def _lacks_a_layer(component: Component, place: TextPlace) -> bool:
    """Whether a text encoder's file has left out the last layer, as `families.clip.states_of` takes it."""
    return component.layout == "modules" and place.whole not in (None, component.config["num_hidden_layers"])


def _idle_layer(entries: Sequence[Entry], component: Component) -> list[Entry]:
    """The layer that such a file has left out, of which nothing is taken: zeros, with which it adds nothing."""
    last = component.config["num_hidden_layers"] - 1
    stem = f"transformer.resblocks.{last}."
    return [
        Entry(
            entry.name.replace(stem, f"transformer.resblocks.{last + 1}."),
            entry.dtype,
            entry.shape,
            partial(torch.zeros, entry.shape, dtype=entry.dtype),
        )
        for entry in entries
        if stem in entry.name
    ]
