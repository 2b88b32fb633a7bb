"""`comfy.sample`: the noise that sampling begins with."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from nodes.comfyui.absent import lacking_attribute

if TYPE_CHECKING:
    from torch import Tensor


def prepare_noise(latent_image: "Tensor", seed: int, noise_inds: Sequence[int] | None = None) -> "Tensor":
    """Noise of the shape of a latent, the same for the same seed. noise_inds: which item of a batch each takes."""
    from diffusion.noise import initial_noise

    return initial_noise(latent_image.shape, seed % 2**64, noise_inds)


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("comfy.sample", name)
