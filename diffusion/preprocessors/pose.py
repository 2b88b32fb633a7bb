"""Poses of persons: where they are (RT-DETR, Zhao et al. 2023), and where their joints (ViTPose, Xu et al. 2022)."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.lease import Lease
from diffusion.picture_files import eight_bit
from diffusion.preprocessors.skeleton import Joint, drawn
from diffusion.services import Weights
from diffusion.tensors import Residence
from diffusion.values import Image, PersonDetector, PoseModel

PERSON = "person"
"""What detectors call one."""

COCO_DATASET = 0
"""Which of the data sets that ViTPose++ was trained with is asked for: COCO, whose joints are those of a body."""

PersonBox = tuple[float, float, float, float]
"""Left, top, width and height, in pixels."""


@dataclass(frozen=True)
class Thresholds:
    """How sure a network must be, in 0..1, of a person and of a joint."""

    person: float = 0.5
    joint: float = 0.3


class Finder:
    """What `Weights.lend(person_detector)` gives."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def __call__(self, picture: Any, threshold: float) -> list[PersonBox]:
        """Where persons are, the surest first. picture: Pillow's, in colour."""
        module: Any = self._lease.run
        pixels = module.image_processor([picture], return_tensors="pt")["pixel_values"]

        def forward(network: nn.Module, residence: Residence) -> tuple[Tensor, Tensor]:
            seen = network(pixels.to(residence.device, residence.dtype))
            return seen.logits, seen.pred_boxes

        logits, boxes = (each.to("cpu", torch.float32) for each in self._lease.compute(forward))
        (found,) = module.image_processor.post_process_object_detection(
            SimpleNamespace(logits=logits, pred_boxes=boxes),
            threshold=threshold,
            target_sizes=[(picture.height, picture.width)],
        )
        names = module.config.id2label
        corners = [
            box for box, label in zip(found["boxes"].tolist(), found["labels"].tolist(), strict=True)
            if names[label] == PERSON
        ]  # fmt: skip
        return [(left, top, right - left, bottom - top) for left, top, right, bottom in corners]


class PoseSight:
    """What `Weights.lend(pose_model)` gives."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def __call__(self, picture: Any, boxes: Sequence[PersonBox], threshold: float) -> list[list[Joint]]:
        """The joints of the person in each box, in COCO's order. picture: Pillow's, in colour."""
        if not boxes:
            return []
        module: Any = self._lease.run
        places = [[list(box) for box in boxes]]
        pixels = module.image_processor([picture], boxes=places, return_tensors="pt")["pixel_values"]
        several = getattr(module.config.backbone_config, "num_experts", 1) > 1

        def forward(network: nn.Module, residence: Residence) -> Tensor:
            chosen = torch.full((len(pixels),), COCO_DATASET, device=residence.device) if several else None
            return network(pixels.to(residence.device, residence.dtype), dataset_index=chosen).heatmaps

        heatmaps = self._lease.compute(forward).to("cpu", torch.float32)
        (persons,) = module.image_processor.post_process_pose_estimation(
            SimpleNamespace(heatmaps=heatmaps), boxes=places
        )
        return [
            [
                (x, y) if score > threshold else None
                for (x, y), score in zip(person["keypoints"].tolist(), person["scores"].tolist(), strict=True)
            ]
            for person in persons
        ]


def pose(
    image: Image, model: PoseModel, detector: PersonDetector | None, weights: Weights, sure: Thresholds | None = None
) -> Image:
    """Skeletons in OpenPose's colours on black, of the pictures' size, [B, H, W, 3]; alpha is left out.

    detector: finds persons; None: each picture shows one, from edge to edge. sure: None: as sure as is usual.
    """
    sure = sure or Thresholds()
    pictures = [picture.convert("RGB") for picture in eight_bit(image)]
    with weights.lend(detector) if detector else nullcontext() as finder:
        whole = [(0.0, 0.0, float(image.pixels.shape[2]), float(image.pixels.shape[1]))]
        boxes = [finder(picture, sure.person) if finder else whole for picture in pictures]
    with weights.lend(model) as sight:
        persons = [sight(picture, found, sure.joint) for picture, found in zip(pictures, boxes, strict=True)]
    return Image(torch.stack([drawn(found, *image.pixels.shape[1:3]) for found in persons]))
