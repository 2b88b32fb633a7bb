"""Poses, against transformers' own models, processors and post-processing."""

import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from diffusion.architectures import transformers_class as kind
from diffusion.memory import Weights
from diffusion.preprocessors.pose import Thresholds, pose
from diffusion.preprocessors.skeleton import drawn
from diffusion.values import Image
from diffusion.vision_models import read_person_detector, read_pose_model
from tests.diffusion.preprocessors.written import write_rt_detr, write_vitpose

WEIGHTS = Weights("cpu", "fp32")
IMAGE = Image(torch.randint(0, 256, (2, 60, 80, 3), generator=torch.Generator().manual_seed(0)) / 255)
WHOLE = [0.0, 0.0, 80.0, 60.0]


def pictures() -> list[PilImage.Image]:
    return [PilImage.fromarray((pixels * 255).round().byte().numpy()) for pixels in IMAGE.pixels]


def joints(folder, picture: PilImage.Image, boxes: list[list[float]], threshold: float, **asked):
    """For each box the joints above a threshold, as transformers finds them."""
    model = kind("VitPoseForPoseEstimation").from_pretrained(folder, local_files_only=True).eval()
    processor = kind("VitPoseImageProcessorPil").from_pretrained(folder)
    prepared = processor(picture, boxes=[boxes], return_tensors="pt")
    with torch.no_grad():
        seen = model(**prepared, **asked)
    (found,) = processor.post_process_pose_estimation(seen, boxes=[boxes], threshold=threshold)
    persons = []
    for each in found:
        points: list[tuple[float, float] | None] = [None] * 17
        for point, label in zip(each["keypoints"].tolist(), each["labels"].tolist(), strict=True):
            points[label] = (point[0], point[1])
        persons.append(points)
    return persons


def persons_on(folder, picture: PilImage.Image, threshold: float) -> list[list[float]]:
    model = kind("RTDetrForObjectDetection").from_pretrained(folder, local_files_only=True).eval()
    processor = kind("RTDetrImageProcessorPil").from_pretrained(folder)
    with torch.no_grad():
        seen = model(**processor(picture, return_tensors="pt"))
    (found,) = processor.post_process_object_detection(seen, threshold=threshold, target_sizes=[(60, 80)])
    boxes = found["boxes"][found["labels"] == 0]
    boxes[:, 2:] -= boxes[:, :2]
    return boxes.tolist()


@pytest.mark.parametrize("experts", [1, 3])
def test_without_a_detector_the_picture_shows_one_person(tmp_path, experts):
    path = write_vitpose(tmp_path / "pose", experts)
    sure = Thresholds(joint=0.0)
    found = pose(IMAGE, read_pose_model(path, str(experts)), None, WEIGHTS, sure).pixels
    asked = {"dataset_index": torch.zeros(1, dtype=torch.long)} if experts > 1 else {}
    for picture, result in zip(pictures(), found, strict=True):
        expected = drawn(joints(path.parent, picture, [WHOLE], 0.0, **asked), 60, 80)
        assert expected.any()
        np.testing.assert_allclose(result, expected, atol=1e-6)


def test_each_person_that_is_found_is_drawn(tmp_path):
    path, finder = write_vitpose(tmp_path / "pose"), write_rt_detr(tmp_path / "finder")
    threshold = 0.245  # persons and bicycles are above it and below
    boxes = [persons_on(finder.parent, picture, threshold) for picture in pictures()]
    assert all(0 < len(found) < 12 for found in boxes)
    detector, sure = read_person_detector(finder, "f"), Thresholds(person=threshold, joint=0.0)
    result = pose(IMAGE, read_pose_model(path, "p"), detector, WEIGHTS, sure).pixels
    for picture, found, canvas in zip(pictures(), boxes, result, strict=True):
        expected = drawn(joints(path.parent, picture, found, 0.0), 60, 80)
        np.testing.assert_allclose(canvas, expected, atol=1e-6)


def test_where_nobody_is_found_the_picture_is_black(tmp_path):
    path, finder = write_vitpose(tmp_path / "pose"), write_rt_detr(tmp_path / "finder")
    sure = Thresholds(person=1.0)
    result = pose(IMAGE, read_pose_model(path, "p"), read_person_detector(finder, "f"), WEIGHTS, sure)
    assert not result.pixels.any()


def test_joints_that_are_doubtful_are_left_out(tmp_path):
    model = read_pose_model(write_vitpose(tmp_path / "pose"), "p")
    assert not pose(IMAGE, model, None, WEIGHTS, Thresholds(joint=1e9)).pixels.any()
