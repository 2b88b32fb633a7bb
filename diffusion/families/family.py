"""What a family of models is, and what one network of a model is made of. Loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from diffusion.header import Header
from diffusion.values import LatentSpace

if TYPE_CHECKING:
    from diffusion.prediction import Prediction

Part = Literal["unet", "text_encoder", "vae"]
"""The networks of a model, by the names of their folders in a diffusers model."""


@dataclass(frozen=True, eq=False)
class Component:
    """One network: its tensors in a file, and how its module is built.

    prefix: of its names in the file. layout: "original" names are converted, "modules" are diffusers' or transformers'
    own. config: arguments of the module's configuration. ignored: names under the prefix that carry no weights.
    """

    part: Part
    header: Header
    prefix: str
    layout: Literal["original", "modules"]
    config: Mapping[str, Any]
    ignored: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        """Names of its tensors in the file, in the file's order."""
        return [name for name in self.header.tensors if name.startswith(self.prefix) and name not in self.ignored]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A recognised model: its networks and the latent space they share."""

    components: Mapping[Part, Component]
    space: LatentSpace


@dataclass(frozen=True)
class Family:
    """A family of models.

    recognise: a header → the model, or None where it is not of this family; raises WeightFileError where it is of this
    family but cannot be used. assemble: the parts of a diffusers folder → the same. prediction: what the network's
    answer means.
    """

    name: str
    title: str
    recognise: Callable[[Header], Checkpoint | None]
    assemble: Callable[[Mapping[Part, tuple[Header, Mapping[str, Any]]]], Checkpoint | None]
    vae: Callable[[Header], Checkpoint | None]
    prediction: Callable[[], Prediction]
