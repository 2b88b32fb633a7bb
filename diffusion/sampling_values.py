"""The values of which a sampling run is put together: its noise, its guider, its sampler, its noise levels.

They are recipes and numbers, and load no torch: `diffusion.sampling` walks the run they describe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal

from diffusion.values import Conditioning, Model

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Sigmas:
    """The noise levels of a run. levels: float32 [n + 1] on the CPU; fewer than two mean that there is no step."""

    wire: ClassVar[str] = "SIGMAS"
    levels: Tensor

    def __post_init__(self) -> None:
        if self.levels.ndim != 1:
            raise ValueError(f"Sigmas.levels must be [n + 1]; got shape {tuple(self.levels.shape)}.")


@dataclass(frozen=True)
class SamplerRecipe:
    """A sampler by its name in `diffusion.names`, and what is set for it; what is not has the sampler's default."""

    wire: ClassVar[str] = "SAMPLER"
    name: str
    options: Mapping[str, float | str | bool] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Variation:
    """A run that begins near another one's noise. seed: 0..2^64 - 1, of what is mixed in. strength: 0: nothing, 1: it
    alone, between: along the sphere (`diffusion.noise.slerp`), each picture of a batch towards its own noise.
    of: the place of the one picture that the whole batch varies; None: each the one at its place.
    """

    seed: int
    strength: float
    of: int | None = None


@dataclass(frozen=True)
class NoiseRecipe:
    """The noise that a run begins with. seed: 0..2^64 - 1, also of the noise that samplers add on the way.

    added: False where the latent is noisy already, and no noise is put on it. variation: another seed's, mixed in.
    """

    wire: ClassVar[str] = "NOISE"
    seed: int
    added: bool = True
    variation: Variation | None = None


@dataclass(frozen=True, eq=False)
class Guider:
    """A model, what it is asked for, and how its answers become one: one of the kinds below."""

    wire: ClassVar[str] = "GUIDER"
    model: Model


@dataclass(frozen=True, eq=False)
class BasicGuider(Guider):
    """The answer to one conditioning, as it is."""

    conditioning: Conditioning


@dataclass(frozen=True, eq=False)
class CfgGuider(Guider):
    """Classifier-free guidance. cfg: its scale; 1 leaves the negative side out."""

    positive: Conditioning
    negative: Conditioning
    cfg: float


@dataclass(frozen=True, eq=False)
class DualCfgGuider(Guider):
    """Guidance from the negative side by way of `second` to `first`, each way with a scale of its own.

    cfg_first: of the way from second to first. cfg_second: of that from the negative side to the second. style:
    "regular" adds both ways to the negative answer; "nested" stretches the way from it to the end of the first one.
    """

    first: Conditioning
    second: Conditioning
    negative: Conditioning
    cfg_first: float
    cfg_second: float
    style: Literal["regular", "nested"] = "regular"


@dataclass(frozen=True, eq=False)
class PerpNegGuider(Guider):
    """Guidance away from what of the negative side is not in the positive one. empty: the conditioning of no text."""

    positive: Conditioning
    negative: Conditioning
    empty: Conditioning
    cfg: float
    neg_scale: float


PARTS: tuple[type, ...] = (Sigmas, SamplerRecipe, NoiseRecipe, Variation)
"""What holds no model: it can be kept on disk."""

GUIDERS: tuple[type, ...] = (BasicGuider, CfgGuider, DualCfgGuider, PerpNegGuider)
"""All kinds of guiders."""
