"""Operations on latents as values: for a latent, and for the way that guidance goes."""

from typing import Annotated

from annotated_types import Ge, Le

from diffusion.model_options import OperatedGuidance
from diffusion.values import Latent, LatentOperation, Model, Sharpen, TonemapReinhard
from graph.node import Help, Hint, node

CATEGORY = "latent/advanced/operations"


@node("LatentApplyOperation", category=CATEGORY, title="LatentApplyOperation")
def apply_operation(samples: Latent, operation: LatentOperation) -> Latent:
    """Change a latent by an operation, such as one that sharpens."""
    from diffusion.latent_operations import operated_latent

    return operated_latent(operation, samples)


@node("LatentApplyOperationCFG", category=CATEGORY, title="LatentApplyOperationCFG")
def apply_operation_to_guidance(model: Model, operation: LatentOperation) -> Model:
    """Change guidance by an operation: in each step, what the positive answer has over the negative one."""
    return model.with_option(OperatedGuidance(operation))


@node("LatentOperationTonemapReinhard", category=CATEGORY, title="LatentOperationTonemapReinhard")
def tonemap(
    multiplier: Annotated[float, Ge(0.0), Le(100.0), Hint(step=0.01), Help("Higher: less is changed.")] = 1.0,
) -> LatentOperation:
    """Make strong values weaker (Reinhard et al. 2002): on guidance, it takes back oversaturation."""
    return TonemapReinhard(multiplier)


@node("LatentOperationSharpen", category=CATEGORY, title="LatentOperationSharpen")
def sharpen(
    sharpen_radius: Annotated[int, Ge(1), Le(31), Hint(step=1), Help("In latent pixels.")] = 9,
    sigma: Annotated[float, Ge(0.1), Le(10.0), Hint(step=0.1), Help("How wide the blur is, in radii.")] = 1.0,
    alpha: Annotated[float, Ge(0.0), Le(5.0), Hint(step=0.01), Help("How much it is sharpened.")] = 0.1,
) -> LatentOperation:
    """Sharpen edges by what differs from the neighbourhood."""
    return Sharpen(sharpen_radius, sigma, alpha)
