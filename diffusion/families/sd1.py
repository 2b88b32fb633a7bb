"""Stable Diffusion 1.x (Rombach et al. 2022): one CLIP text encoder, attention behind 1×1 convolutions, noise (eps)
predicted. Loads no torch.
"""

from diffusion.families.clip import TextKind
from diffusion.families.marks import prediction, said
from diffusion.families.stable_diffusion import Structure, family
from diffusion.values import LatentSpace

RGB = ((0.1722, 0.0693, 0.0335), (0.0624, 0.2014, 0.0749), (-0.1596, 0.1257, 0.1052), (-0.0654, -0.0937, -0.3723))
"""Least-squares fit of the picture to the latent in model scale, with bias 0.5."""

SPACE = LatentSpace("sd1", channels=4, factor=8, scale=0.18215, rgb=RGB, rgb_bias=(0.5, 0.5, 0.5))

SD1 = family(
    Structure(
        "sd1",
        "Stable Diffusion 1",
        fits=lambda unet: not unet.get("addition_embed_type") and not unet.get("use_linear_projection"),
        texts=(TextKind("text_encoder", "cond_stage_model.transformer.", width=768),),
        space=SPACE,
        prediction=prediction,
        said=said,
    )
)
