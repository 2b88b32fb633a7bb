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
    Event,
    File,
    Folders,
    GraphError,
    Help,
    Hint,
    InFolder,
    MemoryCache,
    OneOf,
    OutputFolder,
    Preview,
    Problem,
    Progress,
    SavedFiles,
    Steps,
    Workflow,
    check,
    dump,
    load,
    node,
    plan,
    run,
    set_inputs,
)

__all__ = [
    "Area", "Catalogue", "Conditioning", "ConditioningEntry", "Default", "Event", "File", "Folders", "GraphError",
    "Help", "Hint", "Image", "InFolder", "Latent", "LatentSpace", "Mask", "MemoryCache", "Model", "OneOf",
    "OutputFolder", "Preview", "Problem", "Progress", "SavedFiles", "Steps", "TextEncoder", "Vae", "WeightFile",
    "Weights", "Workflow", "check", "dump", "load", "node", "plan", "run", "set_inputs",
]  # fmt: skip
