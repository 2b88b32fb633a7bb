"""What a family of models is, and what one network of a model is made of. Loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from diffusion.header import Header
from diffusion.values import LatentSpace

if TYPE_CHECKING:
    from torch import Tensor

    from diffusion.prediction import Prediction

Part = Literal[
    "unet",
    "text_encoder",
    "text_encoder_2",
    "vae",
    "upscaler",
    "controlnet",
    "adapter",
    "clip_vision",
    "ip_adapter",
    "style_model",
    "photomaker",
    "vision",
]
"""The networks of a model, by the names of their folders in a diffusers model, and those that stand alone."""

TEXT_PARTS: tuple[Part, ...] = ("text_encoder", "text_encoder_2")
"""Those that read text, in the order in which their states stand side by side."""

Layout = Literal["original", "open_clip", "modules", "numbered"]
"""How a file names a network's tensors: as the first checkpoints did, as OpenCLIP does, as diffusers and transformers
do, or by the numbers of its layers alone.
"""


@dataclass(frozen=True)
class TextStates:
    """What is taken of a text encoder. layer: whose states, −1 the last. normed: they go through the final norm.
    padding: the token that fills up a chunk behind its end token.
    """

    layer: int = -1
    normed: bool = True
    padding: int = 49407


class Changed(Protocol):
    """What weights go through as they are read."""

    @property
    def shortfalls(self) -> Sequence[str]:
        """What of it could not be done, in sentences."""
        ...

    def __call__(self, name: str, weight: Tensor) -> Tensor:
        """The weight, float32, that a module's tensor has in place of the file's."""
        ...


@dataclass(frozen=True, eq=False)
class Component:
    """One network: its tensors in a file, and how its module is built.

    prefix: of its names in the file. config: arguments of the module's configuration. ignored: names under the prefix
    that carry no weights. states: of a text encoder, what is taken of it. rounding: number type to which its weights
    are rounded when they are read; "": none. changed: what they then go through, such as a merge with another model.
    compiler: the backend of torch.compile that makes its code; "": none is asked for.
    """

    part: Part
    header: Header
    prefix: str
    layout: Layout
    config: Mapping[str, Any]
    ignored: frozenset[str] = frozenset()
    states: TextStates = TextStates()
    rounding: str = ""
    changed: Changed | None = None
    compiler: str = ""

    @property
    def names(self) -> list[str]:
        """Names of its tensors in the file, in the file's order."""
        return [name for name in self.header.tensors if name.startswith(self.prefix) and name not in self.ignored]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A recognised model, or a part of one: its networks and the latent space they share.

    prediction: what the network's answer means, where the file says other than its family.
    """

    components: Mapping[Part, Component]
    space: LatentSpace
    prediction: Callable[[], Prediction] | None = None


Folder = Mapping[Part | Literal["scheduler"], tuple[Header | None, Mapping[str, Any]]]
"""A diffusers folder: the header and config.json of each network, and the scheduler's configuration, without header."""


def _no_checkpoint(header: Header) -> Checkpoint | None:
    del header
    return None


def _no_component(header: Header, part: Part) -> Component | None:
    del header, part
    return None


@dataclass(frozen=True)
class TextPlace:
    """Where the checkpoints of a family have a text encoder.

    prefix, layout: of its names there. name: what it is called alone in a file ("clip_l"). whole: how many layers the
    published model has, where files with transformers' names leave out the last one.
    """

    prefix: str
    layout: Layout
    name: str
    whole: int | None = None


@dataclass(frozen=True)
class Family:
    """A family of models.

    recognise: a header → the model, or None where it is not of this family; raises WeightFileError where it is of this
    family but cannot be used. assemble: the parts of a diffusers folder → the same. vae, unet: a file with an
    autoencoder or a denoiser, whatever else is in it → that part alone. text_encoder: a file with one text encoder
    alone → it, as that part of the family. widths: of the text encoders' states, by part, in the published models.
    prediction: what the network's answer means where the file does not say. texts: where its checkpoints have their
    text encoders, by part.
    """

    name: str
    title: str
    recognise: Callable[[Header], Checkpoint | None]
    assemble: Callable[[Folder], Checkpoint | None]
    vae: Callable[[Header], Checkpoint | None]
    prediction: Callable[[], Prediction]
    unet: Callable[[Header], Checkpoint | None] = _no_checkpoint
    text_encoder: Callable[[Header, Part], Component | None] = _no_component
    widths: Mapping[Part, int] = field(default_factory=lambda: MappingProxyType({}))
    texts: Mapping[Part, TextPlace] = field(default_factory=lambda: MappingProxyType({}))
