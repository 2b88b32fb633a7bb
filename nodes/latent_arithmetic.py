"""Nodes that compute with latents, set them side by side, cut them apart and put them into batches."""

from typing import Annotated, Literal

from annotated_types import Ge, Le

from diffusion.values import Latent, Mask
from graph.node import Default, Help, Hint, node

Place = Annotated[int, Ge(0), Le(16384), Default(0), Hint(step=8)]


@node("LatentAdd", category="latent/advanced", title="LatentAdd")
def add_latents(samples1: Latent, samples2: Latent) -> Latent:
    """Add two latents. The second is resized to the first."""
    from diffusion.latent_arithmetic import added

    return added(samples1, samples2)


@node("LatentSubtract", category="latent/advanced", title="LatentSubtract")
def subtract_latents(samples1: Latent, samples2: Latent) -> Latent:
    """Subtract the second latent from the first, to which it is resized."""
    from diffusion.latent_arithmetic import subtracted

    return subtracted(samples1, samples2)


@node("LatentMultiply", category="latent/advanced", title="LatentMultiply")
def multiply_latent(
    samples: Latent, multiplier: Annotated[float, Ge(-10.0), Le(10.0), Hint(step=0.01)] = 1.0
) -> Latent:
    """Multiply a latent by a number: its contrast and colours, more or less."""
    from diffusion.latent_arithmetic import multiplied

    return multiplied(samples, multiplier)


@node("LatentInterpolate", category="latent/advanced", title="LatentInterpolate")
def interpolate_latents(
    samples1: Latent,
    samples2: Latent,
    ratio: Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01), Help("1: the first alone, 0: the second.")] = 1.0,
) -> Latent:
    """Go from one latent to another, direction and length of each pixel apart, which keeps the contrast."""
    from diffusion.latent_arithmetic import interpolated

    return interpolated(samples1, samples2, ratio)


@node("LatentConcat", category="latent/advanced", title="LatentConcat")
def concatenate_latents(
    samples1: Latent,
    samples2: Latent,
    dim: Annotated[
        Literal["x", "-x", "y", "-y", "t", "-t"],
        Help("Where the second goes: to the right, to the left, below, above. t is for latents of videos."),
    ],
) -> Latent:
    """Set two latents side by side, their noise masks with them."""
    from diffusion.latent_parts import beside

    return beside(samples1, samples2, dim)


@node("LatentCut", category="latent/advanced", title="LatentCut")
def cut_latent(
    samples: Latent,
    dim: Annotated[Literal["x", "y", "t"], Help("Along which side. t is for latents of videos.")],
    index: Annotated[
        int, Ge(-16384), Le(16384), Hint(step=1), Help("First latent pixel that stays; below 0 from the end.")
    ] = 0,
    amount: Annotated[int, Ge(1), Le(16384), Hint(step=1), Help("In latent pixels.")] = 1,
) -> Latent:
    """Keep a strip of a latent, and of its noise mask."""
    from diffusion.latent_parts import cut

    return cut(samples, dim, index, amount)


@node("LatentBatch", category="latent/batch", title="LatentBatch")
def batch_latents(samples1: Latent, samples2: Latent) -> Latent:
    """Join two latents or batches into one batch; the second is resized to the first."""
    from diffusion.latent_parts import batched

    return batched(samples1, samples2)


@node("LatentBatchSeedBehavior", category="latent/advanced", title="LatentBatchSeedBehavior")
def set_seed_behavior(
    samples: Latent,
    seed_behavior: Annotated[
        Literal["random", "fixed"], Help("Fixed: every picture begins with the noise of the first.")
    ] = "fixed",
) -> Latent:
    """Say whether the pictures of a batch begin with the same noise or each with its own."""
    from diffusion.latent_parts import with_seeds

    return with_seeds(samples, fixed=seed_behavior == "fixed")


@node("LatentCompositeMasked", category="latent", title="LatentCompositeMasked")
def composite_latents_masked(
    destination: Latent,
    source: Latent,
    x: Place,
    y: Place,
    resize_source: Annotated[bool, Default(False), Help("First resize the source to the destination.")],
    mask: Annotated[Mask | None, Help("Where the source covers; everywhere if not connected.")] = None,
) -> Latent:
    """Lay one latent on another with its upper left corner at (x, y), in picture pixels."""
    from diffusion.latent_parts import composited

    return composited(destination, source, x, y, resize_source=resize_source, mask=mask)
