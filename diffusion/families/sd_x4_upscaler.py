"""Stable Diffusion's upscaler (Rombach et al. 2022, §4.4; Stability AI 2022, "x4-upscaling"): Stable Diffusion 2's text
encoder, a U-Net that sees a small picture beside the latent and is told how much noise lies on it, and an autoencoder
that makes sixteen pixels of one, so that the small picture is as large as the latent. Velocity is predicted (Salimans &
Ho 2022). Loads no torch.
"""

from functools import partial

from diffusion.families.marks import prediction, said
from diffusion.families.sd2 import CLIP_H
from diffusion.families.stable_diffusion import Structure, family
from diffusion.values import LatentSpace

BETAS = (0.0001, 0.02)
"""The first and the last beta of its noise levels, both of the latent's and of the small picture's."""

HIGHEST_LEVEL = 350
"""The most noise on the small picture that it was trained on, of 1000 levels."""

SD_X4_UPSCALER = family(
    Structure(
        "sd-x4-upscaler",
        "Stable Diffusion x4 upscaler",
        fits=lambda unet: bool(unet.get("num_class_embeds")),
        texts=(CLIP_H,),
        space=LatentSpace("sd-x4-upscaler", channels=4, factor=4, scale=0.08333),
        prediction=partial(prediction, "v", betas=BETAS),
        said=partial(said, usual="v", betas=BETAS),
        beside=3,
    )
)
