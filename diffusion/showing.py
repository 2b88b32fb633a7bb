"""Pictures for models that are shown one beside the noisy latent: to repaint a part of it, or to follow an instruction.

Both kinds are trained with more input channels than a latent has (Rombach et al. 2022; Brooks et al. 2023).
"""

import torch
from torch.nn.functional import interpolate

from diffusion.services import Weights
from diffusion.vae import cropped, encode, in_colour
from diffusion.values import Image, Latent, Mask, Shown, Vae


def to_repaint(image: Image, mask: Mask, vae: Vae, weights: Weights) -> tuple[Shown, Latent]:
    """What an inpainting model is shown, and the whole picture's latent with the mask as its noise mask.

    What is to be repainted (where the mask, resized bilinearly to the picture, rounds to 1) is made grey before the
    picture is encoded. Sides that are no multiples of the autoencoder's factor are cropped around the centre, those of
    the mask with them.
    """
    pixels = in_colour(image)
    resized = interpolate(mask.values[:, None].float(), size=pixels.shape[-2:], mode="bilinear")
    pixels, resized = (cropped(each, vae.space.factor) for each in (pixels, resized))
    grey = (pixels - 0.5) * (1 - resized.round()) + 0.5
    whole, kept = (encode(Image(each.permute(0, 2, 3, 1)), vae, weights) for each in (pixels, grey))
    return Shown(kept.samples, resized[:, 0]), Latent(whole.samples, whole.space, noise_mask=resized[:, 0])


def to_instruct(image: Image, vae: Vae, weights: Weights) -> tuple[Shown, Latent]:
    """What an instruct-pix2pix model is shown, and a latent of zeros of the same size to begin with."""
    given = encode(image, vae, weights)
    return Shown(given.samples), Latent(torch.zeros_like(given.samples), given.space)
