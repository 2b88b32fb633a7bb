"""Inpainting by a soft mask: the picture is kept where the mask is 0, repainted where it is 1, and mixed in between."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from diffusion.prediction import Frame, Prediction
from diffusion.samplers import Denoise


def constant(mask: Tensor, sigma: Tensor) -> Tensor:
    """The same mask at every noise level."""
    del sigma
    return mask


@dataclass(frozen=True, eq=False)
class Differential:
    """The mask at a noise level when its values say from when on a pixel is repainted: 1 from the start, 0 at the end.

    A pixel is where its value is at least the share of the run's training time that is left (Levin & Fried 2023,
    "Differential Diffusion: Giving Each Pixel Its Strength"). first, last: the noise levels of the run.
    strength: 1: only that, 0: the mask as it is, between: mixed.
    """

    prediction: Prediction
    first: float
    last: float
    strength: float = 1.0

    def __call__(self, mask: Tensor, sigma: Tensor) -> Tensor:
        """The mask at sigma (0-d), of its shape."""
        time = self.prediction.timestep
        begin, end = float(time(self.first)), float(time(max(self.last, self.prediction.sigma_min)))
        left = (float(time(sigma)) - end) / max(begin - end, 1e-6)
        return self.strength * (mask >= left).to(mask.dtype) + (1 - self.strength) * mask


@dataclass(frozen=True, eq=False)
class Inpainted:
    """A denoiser that knows a part of the picture already (Lugmayr et al. 2022, "RePaint", eq. 8, in the answers too).

    The network is shown the kept part as it would look at the noise level, and its answer there is replaced by what is
    known. latent, noise: float32 [B, C, H, W] in model scale and unit variance; mask: [B or 1, 1, H, W] in 0..1, 1 =
    repaint, soft values mix. at: the mask at a noise level.
    """

    denoise: Denoise
    latent: Tensor
    noise: Tensor
    mask: Tensor
    at: Callable[[Tensor, Tensor], Tensor] = constant

    @property
    def frame(self) -> Frame:
        """The wrapped denoiser's."""
        return self.denoise.frame

    def percent_to_sigma(self, percent: float) -> float:
        """The wrapped denoiser's."""
        return self.denoise.percent_to_sigma(percent)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The guided answer, with the known picture where it is kept."""
        mask = self.at(self.mask, sigma)
        return self._kept(self.denoise(self._shown(x, sigma, mask), sigma), mask)

    def both(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The guided and the negative answer; what is known is known to both."""
        mask = self.at(self.mask, sigma)
        guided, negative = self.denoise.both(self._shown(x, sigma, mask), sigma)
        return self._kept(guided, mask), self._kept(negative, mask)

    def _shown(self, x: Tensor, sigma: Tensor, mask: Tensor) -> Tensor:
        return x * mask + self.frame.renoise(self.latent, self.noise, sigma) * (1 - mask)

    def _kept(self, denoised: Tensor, mask: Tensor) -> Tensor:
        return denoised * mask + self.latent * (1 - mask)
