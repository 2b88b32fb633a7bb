"""Nodes that make, change and keep latents."""

from types import MappingProxyType
from typing import Annotated, Literal

from annotated_types import Ge, Le

from diffusion.values import Latent, Mask
from graph.files import File, InFolder, SavedFiles
from graph.folders import OutputFolder, atomic_write
from graph.node import Default, Help, Hint, node
from graph.record import Record

Side = Annotated[int, Ge(16), Le(16384), Hint(step=8)]
Target = Annotated[int, Ge(0), Le(16384), Default(512), Hint(step=8)]
Place = Annotated[int, Ge(0), Le(16384), Hint(step=8)]
Cut = Annotated[int, Ge(64), Le(16384), Hint(step=8)]
Method = Literal["nearest-exact", "bilinear", "area", "bicubic", "bislerp"]
Rotation = Literal["none", "90 degrees", "180 degrees", "270 degrees"]

QUARTER_TURNS = MappingProxyType({"none": 0, "90 degrees": 1, "180 degrees": 2, "270 degrees": 3})


@node("EmptyLatentImage", category="latent")
def empty_latent(width: Side = 512, height: Side = 512, batch_size: Annotated[int, Ge(1), Le(4096)] = 1) -> Latent:
    """Begin pictures of this size. A sampler makes the latent anew with the factor and channels of its model."""
    from diffusion.latents import empty

    return empty(width, height, batch_size)


@node("SetLatentNoiseMask", category="latent/inpaint")
def set_noise_mask(samples: Latent, mask: Mask) -> Latent:
    """Say what sampling may repaint: all of it where the mask is 1, nothing where it is 0, softly between."""
    from diffusion.latents import with_noise_mask

    return with_noise_mask(samples, mask)


@node("LatentUpscale", category="latent", title="Upscale Latent")
def upscale_to(
    samples: Latent,
    upscale_method: Method,
    width: Annotated[Target, Help("In picture pixels; 0 keeps the shape of the picture.")],
    height: Annotated[Target, Help("In picture pixels; 0 keeps the shape of the picture.")],
    crop: Annotated[Literal["disabled", "center"], Help("Cut to the new shape instead of stretching.")],
) -> Latent:
    """Resize a latent to a picture size, never below 8 latent pixels each way. Width and height 0 change nothing."""
    from diffusion.latents import upscale

    return upscale(samples, width, height, upscale_method, crop)


@node("LatentUpscaleBy", category="latent", title="Upscale Latent By")
def upscale_latent_by(
    samples: Latent, upscale_method: Method, scale_by: Annotated[float, Ge(0.01), Le(8.0), Hint(step=0.01)] = 1.5
) -> Latent:
    """Resize a latent by a factor."""
    from diffusion.latents import upscale_by

    return upscale_by(samples, scale_by, upscale_method)


@node("LatentComposite", category="latent")
def composite_latents(
    samples_to: Latent,
    samples_from: Latent,
    x: Place = 0,
    y: Place = 0,
    feather: Annotated[Place, Help("Picture pixels over which the inner edges fade.")] = 0,
) -> Latent:
    """Lay one latent on another at a place in picture pixels. What hangs over is cut off."""
    from diffusion.latents import composite

    return composite(samples_to, samples_from, x, y, feather)


@node("LatentBlend", category="latent")
def blend_latents(
    samples1: Latent, samples2: Latent, blend_factor: Annotated[float, Ge(0), Le(1), Hint(step=0.01)] = 0.5
) -> Latent:
    """Mix two latents: 1 is the first alone, 0 the second alone. The second is resized to the first."""
    from diffusion.latents import blend

    return blend(samples1, samples2, blend_factor)


@node("LatentRotate", category="latent/transform", title="Rotate Latent")
def rotate_latent(samples: Latent, rotation: Rotation) -> Latent:
    """Turn a latent clockwise, and its noise mask with it."""
    from diffusion.latents import rotate

    return rotate(samples, QUARTER_TURNS[rotation])


@node("LatentFlip", category="latent/transform", title="Flip Latent")
def flip_latent(samples: Latent, flip_method: Literal["x-axis: vertically", "y-axis: horizontally"]) -> Latent:
    """Mirror a latent, and its noise mask with it: top and bottom change places, or left and right."""
    from diffusion.latents import flip

    return flip(samples, vertically=flip_method == "x-axis: vertically")


@node("LatentCrop", category="latent/transform", title="Crop Latent")
def crop_latent(samples: Latent, width: Cut = 512, height: Cut = 512, x: Place = 0, y: Place = 0) -> Latent:
    """Cut a part out of a latent, and of its noise mask. What lies outside the picture is left out."""
    from diffusion.latents import crop

    return crop(samples, width, height, x, y)


@node("LatentFromBatch", category="latent/batch")
def latent_from_batch(
    samples: Latent, batch_index: Annotated[int, Ge(0), Le(63)] = 0, length: Annotated[int, Ge(1), Le(64)] = 1
) -> Latent:
    """Take some pictures out of a batch. Sampled, they become what they would have become in the whole batch."""
    from diffusion.latents import from_batch

    return from_batch(samples, batch_index, length)


@node("RepeatLatentBatch", category="latent/batch")
def repeat_latent_batch(samples: Latent, amount: Annotated[int, Ge(1), Le(64)] = 1) -> Latent:
    """Repeat a batch. Every repetition gets noise of its own."""
    from diffusion.latents import repeat

    return repeat(samples, amount)


@node("SaveLatent", category="latent", title="SaveLatent", output=True)
def save_latent(
    samples: Latent, filename_prefix: str = "latents/ComfyUI", *, output: OutputFolder, record: Record
) -> SavedFiles:
    """Save a latent, the whole batch in one file, with the workflow that made it."""
    from diffusion.latent_files import SUFFIX, to_bytes
    from diffusion.latents import is_picture, picture_size

    height, width = picture_size(samples) if is_picture(samples) else (0, 0)
    paths = output.paths(filename_prefix, 1, SUFFIX, width=width, height=height)
    atomic_write(paths[0], to_bytes(samples, record.texts()))
    return SavedFiles(paths)


@node("LoadLatent", category="latent", title="LoadLatent")
def load_latent(latent: Annotated[File, InFolder("input", (".latent",))]) -> Latent:
    """Load a latent that SaveLatent wrote."""
    from diffusion.latent_files import read

    return read(latent.path)
