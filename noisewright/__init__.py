"""Noisewright: a node-based workflow engine for latent diffusion. Packs, notebooks and docs import from here alone."""

__version__ = "0.1.0"

from diffusion.services import Weights
from diffusion.values import (
    Area,
    Conditioning,
    ConditioningEntry,
    Image,
    Latent,
    LatentSpace,
    Mask,
    Model,
    TextEncoder,
    Vae,
    WeightFile,
)
from graph import (
    Catalogue,
    Default,
    File,
    GraphError,
    Help,
    Hint,
    InFolder,
    OneOf,
    Preview,
    Problem,
    Progress,
    SavedFiles,
    Steps,
    Workflow,
    check,
    node,
    plan,
    run,
)

__all__ = [
    "Area", "Catalogue", "Conditioning", "ConditioningEntry", "Default", "File", "GraphError", "Help", "Hint", "Image",
    "InFolder", "Latent", "LatentSpace", "Mask", "Model", "OneOf", "Preview", "Problem", "Progress", "SavedFiles",
    "Steps", "TextEncoder", "Vae", "WeightFile", "Weights", "Workflow", "check", "node", "plan", "run",
]  # fmt: skip
