"""Networks that look at pictures, of kinds that transformers has, from a folder as its models are shared in.

Such a folder holds the weights (safetensors), config.json, which says what kind they are of, and
preprocessor_config.json, which says how pictures are prepared. Nothing in it is run.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import nn

from diffusion.architectures import transformers_class
from diffusion.families import Component
from diffusion.header import Header, WeightFileError, read_header
from diffusion.tensors import Residence
from diffusion.values import DepthModel, PersonDetector, PoseModel, SegmentAnythingModel, WeightFile

DEPTH: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "depth_anything": ("DepthAnythingForDepthEstimation", "DPTImageProcessorPil"),
        "dpt": ("DPTForDepthEstimation", "DPTImageProcessorPil"),
    }
)
"""Kinds that know how far things are, as config.json names them: the classes of the network and of what prepares
pictures for it. Those that need no torchvision are taken.
"""

SELECTION: Mapping[str, tuple[str, str]] = MappingProxyType({"sam": ("SamModel", "SamImageProcessorPil")})
"""Kinds that find what is at a place (Kirillov et al. 2023)."""

POSE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"vitpose": ("VitPoseForPoseEstimation", "VitPoseImageProcessorPil")}
)
"""Kinds that know where joints are."""

DETECTION: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"rt_detr": ("RTDetrForObjectDetection", "RTDetrImageProcessorPil")}
)
"""Kinds that find persons."""

CLASSES: Mapping[str, tuple[str, str]] = MappingProxyType({**DEPTH, **SELECTION, **POSE, **DETECTION})

VisionModel = DepthModel | SegmentAnythingModel | PoseModel | PersonDetector
"""Recipes of them."""


def read_depth_model(path: Path, digest: str) -> DepthModel:
    """The recipe of a network for depth. path: of its weights. Raises WeightFileError for another kind."""
    return DepthModel(_kind(path, DEPTH, "a network for depth"), WeightFile(str(path), digest))


def read_segment_anything(path: Path, digest: str) -> SegmentAnythingModel:
    """The recipe of a network that selects. path: of its weights. Raises WeightFileError for another kind."""
    return SegmentAnythingModel(_kind(path, SELECTION, "a network for selecting"), WeightFile(str(path), digest))


def read_pose_model(path: Path, digest: str) -> PoseModel:
    """The recipe of a network for poses. path: of its weights. Raises WeightFileError for another kind."""
    return PoseModel(_kind(path, POSE, "a network for poses"), WeightFile(str(path), digest))


def read_person_detector(path: Path, digest: str) -> PersonDetector:
    """The recipe of a network that finds persons. path: of its weights. Raises WeightFileError for another kind."""
    return PersonDetector(_kind(path, DETECTION, "a network that finds persons"), WeightFile(str(path), digest))


def component(recipe: VisionModel) -> Component:
    """The network a recipe means, known from the header of its file."""
    return Component("vision", read_header(Path(recipe.file.path)), "", "modules", {"model_type": recipe.kind})


def load(header: Header, kind: str, residence: Residence) -> nn.Module:
    """The network of a file, with what prepares pictures for it as its `image_processor`.

    Raises WeightFileError where weights are missing, left over or of another shape.
    """
    network, processor = (transformers_class(name) for name in CLASSES[kind])
    transformers_class("logging").disable_progress_bar()  # what is loaded is told by whoever lends it
    folder, name = header.path.parent, f"{header.path.parent.name}/{header.path.name}"
    try:
        module, found = network.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=residence.dtype,
            output_loading_info=True,
        )
        module.image_processor = processor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise WeightFileError(f"'{name}' cannot be loaded: {str(error).splitlines()[0]}") from error
    for fault in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if found[fault]:
            some = ", ".join(sorted(str(key) for key in found[fault])[:3])
            raise WeightFileError(
                f"'{name}' does not fit its config.json: {len(found[fault])} {fault.replace('_', ' ')}, such as {some}."
            )
    return module.requires_grad_(False).eval().to(residence.device)


def _kind(path: Path, kinds: Mapping[str, tuple[str, str]], what: str) -> str:
    """The kind that config.json beside a file names, if it is one of these and its pictures can be prepared."""
    for needed in ("config.json", "preprocessor_config.json"):
        if not (path.parent / needed).is_file():
            raise WeightFileError(
                f"Beside '{path.parent.name}/{path.name}' there is no {needed}. Put the whole folder of the model "
                "there, with config.json and preprocessor_config.json."
            )
    try:
        config: Any = json.loads((path.parent / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightFileError(f"'{path.parent.name}/config.json' is no JSON: {error}.") from error
    kind = str(config.get("model_type")) if isinstance(config, dict) else ""
    if path.name != "model.safetensors" or kind not in kinds:
        said = f"config.json says '{kind}'" if kind not in kinds else f"the file is named '{path.name}'"
        raise WeightFileError(
            f"'{path.parent.name}' is not {what} that is known here: {said}. Known are the kinds {', '.join(kinds)}, "
            "in a file named model.safetensors."
        )
    return kind
