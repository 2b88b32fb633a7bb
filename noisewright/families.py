"""What families of models in packs are written with. Loads torch."""

from diffusion.families import Checkpoint, Component, Family, Part, families, family_named
from diffusion.header import Header, TensorInfo, WeightFileError
from diffusion.prediction import EpsPrediction, FlowPrediction, Prediction, VPrediction, discrete_sigmas

__all__ = [
    "Checkpoint", "Component", "EpsPrediction", "Family", "FlowPrediction", "Header", "Part", "Prediction",
    "TensorInfo", "VPrediction", "WeightFileError", "discrete_sigmas", "families", "family_named",
]  # fmt: skip
