"""VAE nodes: pictures ⇄ latents."""

from typing import Annotated

from annotated_types import Ge, Le

from diffusion.services import Weights
from diffusion.values import Image, Latent, Mask, Vae
from graph.node import Help, Hint, node

Overlap = Annotated[
    int,
    Ge(0),
    Le(4096),
    Hint(step=32),
    Help("How many pixels neighbouring tiles share; at most a quarter of a tile is used."),
]
Frames = Annotated[
    int, Ge(8), Le(4096), Hint(step=4), Help("Frames of a tile in time; only autoencoders of videos use it.")
]
SharedFrames = Annotated[
    int, Ge(4), Le(4096), Hint(step=4), Help("Frames that tiles share; only autoencoders of videos use it.")
]
TileSide = Help("Side of a tile in pixels.")


@node("VAEDecode", category="latent", title="VAE Decode")
def decode_latent(samples: Latent, vae: Vae, *, weights: Weights) -> Image:
    """Turn latents into pictures. Pictures above 1536×1536 pixels are decoded in tiles."""
    from diffusion.vae import decode

    return decode(samples, vae, weights)


@node("VAEDecodeTiled", category="latent", title="VAE Decode (Tiled)")
def decode_latent_in_tiles(
    samples: Latent,
    vae: Vae,
    tile_size: Annotated[int, Ge(64), Le(4096), Hint(step=32), TileSide] = 512,
    overlap: Overlap = 64,
    temporal_size: Frames = 64,
    temporal_overlap: SharedFrames = 8,
    *,
    weights: Weights,
) -> Image:
    """Turn latents into pictures tile by tile, which takes less memory; tiles are faded into each other."""
    from diffusion.vae import Tiles, decode

    del temporal_size, temporal_overlap
    return decode(samples, vae, weights, Tiles(tile_size, overlap))


@node("VAEEncode", category="latent", title="VAE Encode")
def encode_image(pixels: Image, vae: Vae, *, weights: Weights) -> Latent:
    """Turn pictures into latents. Sides that do not fit the autoencoder are cropped around the centre; alpha is left
    out.
    """
    from diffusion.vae import encode

    return encode(pixels, vae, weights)


@node("VAEEncodeTiled", category="latent", title="VAE Encode (Tiled)")
def encode_image_in_tiles(
    pixels: Image,
    vae: Vae,
    tile_size: Annotated[int, Ge(64), Le(4096), Hint(step=64), TileSide] = 512,
    overlap: Overlap = 64,
    temporal_size: Frames = 64,
    temporal_overlap: SharedFrames = 8,
    *,
    weights: Weights,
) -> Latent:
    """Turn pictures into latents tile by tile, which takes less memory; tiles are faded into each other."""
    from diffusion.vae import Tiles, encode

    del temporal_size, temporal_overlap
    return encode(pixels, vae, weights, Tiles(tile_size, overlap))


@node("VAEEncodeForInpaint", category="latent/inpaint", title="VAE Encode (for Inpainting)")
def encode_image_for_inpainting(
    pixels: Image,
    vae: Vae,
    mask: Mask,
    grow_mask_by: Annotated[int, Ge(0), Le(64), Hint(step=1), Help("How far the mask is grown, in pixels.")] = 6,
    *,
    weights: Weights,
) -> Latent:
    """Encode a picture for repainting what the mask covers with full denoise: that part is made grey, and the mask is
    grown.
    """
    from diffusion.vae import encode_for_inpainting

    return encode_for_inpainting(pixels, mask, vae, weights, grow_mask_by)
