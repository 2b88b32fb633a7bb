"""`comfy.sample`: the noise that sampling begins with, and sampling."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from nodes.comfyui.absent import Lacking, lacking_attribute

if TYPE_CHECKING:
    from torch import Tensor


def prepare_noise(latent_image: "Tensor", seed: int, noise_inds: Sequence[int] | None = None) -> "Tensor":
    """Noise of the shape of a latent, the same for the same seed. noise_inds: which item of a batch each takes."""
    from diffusion.noise import initial_noise

    return initial_noise(latent_image.shape, seed % 2**64, noise_inds)


def fix_empty_latent_channels(model: Any, latent_image: "Tensor") -> "Tensor":
    """The latent as it is: sampling gives an empty one as many channels as the model's latents have."""
    del model
    return latent_image


def sample(
    model: Any,
    noise: "Tensor",
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Any,
    negative: Any,
    latent_image: "Tensor",
    denoise: float = 1.0,
    disable_noise: bool = False,
    start_step: int | None = None,
    last_step: int | None = None,
    force_full_denoise: bool = False,
    noise_mask: "Tensor | None" = None,
    sigmas: "Tensor | None" = None,
    callback: Any = None,
    disable_pbar: bool = False,
    seed: int | None = None,
) -> "Tensor":
    """Sample as `nodes.common_ksampler` does; its progress is the node's, so that `callback` is not called.

    Raises Lacking for noise other than `prepare_noise` gives for this seed, and for noise levels of the caller's own.
    """
    from nodes.comfyui.shims.nodes import common_ksampler

    del callback, disable_pbar
    if sigmas is not None:
        raise Lacking("comfy.sample.sample(sigmas=…)")
    is_none = disable_noise or not noise.count_nonzero()
    if not is_none and (seed is None or not noise.equal(prepare_noise(latent_image, seed))):
        raise Lacking("comfy.sample.sample(noise=…) with noise that is not prepare_noise(latent, seed)")
    latent = {"samples": latent_image} | ({} if noise_mask is None else {"noise_mask": noise_mask})
    words = {"disable_noise": is_none, "start_step": start_step, "last_step": last_step}
    settings = (steps, cfg, sampler_name, scheduler, positive, negative)
    found = common_ksampler(
        model, seed or 0, *settings, latent, denoise=denoise, force_full_denoise=force_full_denoise, **words
    )
    return found[0]["samples"]


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("comfy.sample", name)
