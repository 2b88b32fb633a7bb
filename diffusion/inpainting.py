"""Inpainting by a soft mask: the picture is kept where the mask is 0, repainted where it is 1, and mixed in between."""

from dataclasses import dataclass

from torch import Tensor

from diffusion.prediction import Frame
from diffusion.samplers import Denoise


@dataclass(frozen=True, eq=False)
class Inpainted:
    """A denoiser that knows a part of the picture already (Lugmayr et al. 2022, "RePaint", eq. 8, in the answers too).

    The network is shown the kept part as it would look at the noise level, and its answer there is replaced by what is
    known. latent, noise: float32 [B, C, H, W] in model scale and unit variance; mask: [B or 1, 1, H, W] in 0..1, 1 =
    repaint, soft values mix.
    """

    denoise: Denoise
    latent: Tensor
    noise: Tensor
    mask: Tensor

    @property
    def frame(self) -> Frame:
        """The wrapped denoiser's."""
        return self.denoise.frame

    def percent_to_sigma(self, percent: float) -> float:
        """The wrapped denoiser's."""
        return self.denoise.percent_to_sigma(percent)

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The guided answer, with the known picture where it is kept."""
        return self._kept(self.denoise(self._shown(x, sigma), sigma))

    def both(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The guided and the negative answer; what is known is known to both."""
        guided, negative = self.denoise.both(self._shown(x, sigma), sigma)
        return self._kept(guided), self._kept(negative)

    def _shown(self, x: Tensor, sigma: Tensor) -> Tensor:
        return x * self.mask + self.frame.renoise(self.latent, self.noise, sigma) * (1 - self.mask)

    def _kept(self, denoised: Tensor) -> Tensor:
        return denoised * self.mask + self.latent * (1 - self.mask)
