"""Guidance of a run whose latent changes its size on the way."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from diffusion.asking import Backbone
from diffusion.guidance import Guided
from diffusion.guiders import denoiser_of
from diffusion.prediction import Frame
from diffusion.regions import Region
from diffusion.sampling_values import Guider
from diffusion.values import Shown

Shape = tuple[int, ...]


@dataclass(eq=False)
class Growing:
    """A guided network for latents of several sizes, laid anew for each. guided: by shape. shape: of the latent that it
    was asked about last, or will be asked about first. memory: as that of `Guided`; it does not outlast a size.
    """

    guided: dict[Shape, Guided]
    shape: Shape
    memory: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.guided = {shape: replace(each, memory=self.memory) for shape, each in self.guided.items()}

    @property
    def sides(self) -> Sequence[Sequence[Region]]:
        """The regions of each side, for latents of `shape`."""
        return self.guided[self.shape].sides

    @property
    def frame(self) -> Frame:
        """How latent and noise mix."""
        return self.guided[self.shape].frame

    def percent_to_sigma(self, percent: float) -> float:
        """The noise level after `percent` of the way from noise to picture."""
        return self.guided[self.shape].percent_to_sigma(percent)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The guided answer to x at the noise level sigma."""
        return self._for(x)(x, sigma)

    def both(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The guided and the negative answer."""
        return self._for(x).both(x, sigma)

    def _for(self, x: Tensor) -> Guided:
        shape = tuple(x.shape)
        if shape != self.shape:
            self.memory.clear()
            self.shape = shape
        return self.guided[shape]


def growing(
    guider: Guider,
    network: Backbone,
    first: Sequence[int],
    shapes: Sequence[Sequence[int]],
    shown: Shown | None = None,
    seed: int = 0,
    index: int = 0,
) -> Growing:
    """The network of the guider's model, guided as it says, for latents of all these shapes [B, C, H, W].

    first: the shape that the run begins with, to which areas in pixels belong; they grow with the latent. shapes:
    behind each step. shown, seed: as for `denoiser_of`, which raises. index: of the step that was done last, 0 if none
    was.
    """
    sizes = [tuple(shape) for shape in (first, *shapes)]
    guided = {size: denoiser_of(guider, network, size, shown, seed, first) for size in dict.fromkeys(sizes)}
    return Growing(guided, sizes[index])
