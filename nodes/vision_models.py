"""Nodes that look at pictures with networks a person has: depth, poses, and masks of what is at a place."""

from typing import Annotated

from annotated_types import Ge, Le

from diffusion.services import Weights
from diffusion.values import DepthModel, Image, Mask, PersonDetector, PoseModel, SegmentAnythingModel
from graph.files import File, InFolder
from graph.node import Help, Hint, node

SAFETENSORS = (".safetensors",)
FOLDER = Help("Inside a folder as transformers' models have it.")
Share = Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01)]


@node("DepthModelLoader", category="loaders", title="Load Depth Model")
def load_depth_model(
    model_name: Annotated[File, InFolder("depth", SAFETENSORS), FOLDER],
) -> DepthModel:
    """Name a network that sees how far things are: Depth Anything or DPT (MiDaS), in transformers' format."""
    from diffusion.vision_models import read_depth_model

    return read_depth_model(model_name.path, model_name.digest)


@node("DepthModelPreprocessor", category="image/preprocessors", title="Depth")
def depth_map(image: Image, depth_model: DepthModel, *, weights: Weights) -> Image:
    """Draw how near things are, the nearer the brighter. For ControlNets and adapters of the kind depth."""
    from diffusion.preprocessors.depth import depth

    return depth(image, depth_model, weights)


@node("SegmentAnythingLoader", category="loaders", title="Load Segment Anything")
def load_segment_anything(
    model_name: Annotated[File, InFolder("sams", SAFETENSORS), FOLDER],
) -> SegmentAnythingModel:
    """Name a network that finds what is at a place: Segment Anything (SAM), in transformers' format."""
    from diffusion.vision_models import read_segment_anything

    return read_segment_anything(model_name.path, model_name.digest)


@node("SegmentAnythingSelect", category="mask", title="Select by Points")
def select_by_points(
    image: Image,
    sam_model: SegmentAnythingModel,
    points: Annotated[str, Hint(placeholder="120, 80; 200, 96"), Help("On what is meant: x, y in pixels; …")] = "",
    negative_points: Annotated[str, Help("Beside what is meant, in the same form.")] = "",
    box: Annotated[str, Help("Around what is meant: left, top, right, bottom in pixels.")] = "",
    *,
    weights: Weights,
) -> Mask:
    """Mask the thing that points are on or a box is around. One point leaves it open whether a part, a thing or a group
    is meant: then the mask that the network trusts most is taken. More points, or a box, say it.
    """
    from diffusion.preprocessors.selection import selected, selection

    return selected(image, selection(points, negative_points, box), sam_model, weights)


@node("PoseModelLoader", category="loaders", title="Load Pose Model")
def load_pose_model(
    model_name: Annotated[File, InFolder("pose", SAFETENSORS), FOLDER],
) -> PoseModel:
    """Name a network that sees where a person's joints are: ViTPose, in transformers' format."""
    from diffusion.vision_models import read_pose_model

    return read_pose_model(model_name.path, model_name.digest)


@node("PersonDetectorLoader", category="loaders", title="Load Person Detector")
def load_person_detector(
    model_name: Annotated[File, InFolder("detection", SAFETENSORS), FOLDER],
) -> PersonDetector:
    """Name a network that finds persons: RT-DETR, in transformers' format."""
    from diffusion.vision_models import read_person_detector

    return read_person_detector(model_name.path, model_name.digest)


@node("PoseModelPreprocessor", category="image/preprocessors", title="Pose")
def pose_skeletons(
    image: Image,
    pose_model: PoseModel,
    person_threshold: Annotated[Share, Help("How sure the detector must be of a person.")] = 0.5,
    joint_threshold: Annotated[Share, Help("How sure the network must be of a joint.")] = 0.3,
    person_detector: Annotated[
        PersonDetector | None, Help("Finds persons; not connected: the picture shows one, from edge to edge.")
    ] = None,
    *,
    weights: Weights,
) -> Image:
    """Draw persons as skeletons in OpenPose's colours. For ControlNets and adapters of the kind openpose."""
    from diffusion.preprocessors.pose import Thresholds, pose

    return pose(image, pose_model, person_detector, weights, Thresholds(person_threshold, joint_threshold))
