"""Noisewright: a node-based workflow engine for latent diffusion. Packs, notebooks and docs import from here alone.

What needs torch at once stands in modules beside this one: `noisewright.sampling`, `noisewright.families`.
"""

__version__ = "0.1.0"

from importlib import import_module
from typing import TYPE_CHECKING, Any

from diffusion.added import family, register_value, sampler, scheduler
from diffusion.services import Weights

# isort: off
from diffusion.values import (
    Area, Conditioning, ConditioningEntry, Image, Latent, LatentSpace, Mask, Model, TextEncoder, UpscaleModel, Vae,
    WeightFile,
)  # fmt: skip
from graph import (
    Catalogue, Default, Event, File, Folders, GraphError, Help, Hint, InFolder, MemoryCache, OneOf, OutputFolder,
    Preview, Problem, Progress, SavedFiles, Steps, Workflow, check, dump, load, node, plan, run, set_inputs,
)  # fmt: skip

# isort: on
from graph.flow import Flow
from graph.node import Lazy
from graph.result import Blocked, Expansion, Result

if TYPE_CHECKING:
    from noisewright.engine import Engine

__all__ = [
    "Area", "Blocked", "Catalogue", "Conditioning", "ConditioningEntry", "Default", "Engine", "Event", "Expansion",
    "File", "Flow", "Folders", "GraphError", "Help", "Hint", "Image", "InFolder", "Latent", "LatentSpace", "Lazy",
    "Mask", "MemoryCache", "Model", "OneOf", "OutputFolder", "Preview", "Problem", "Progress", "Result", "SavedFiles",
    "Steps", "TextEncoder", "UpscaleModel", "Vae", "WeightFile", "Weights", "Workflow", "check", "dump", "family",
    "load", "node", "plan", "register_value", "run", "sampler", "scheduler", "set_inputs",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """`Engine`, once somebody asks for it: what packs compute does not depend on it."""
    if name == "Engine":
        return import_module("noisewright.engine").Engine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
