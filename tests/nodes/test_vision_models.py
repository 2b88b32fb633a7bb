"""Nodes that look at pictures: each passes its inputs on in the right places."""

import torch

from diffusion.memory import Weights
from diffusion.preprocessors.depth import depth
from diffusion.preprocessors.pose import Thresholds, pose
from diffusion.preprocessors.selection import Selection, selected
from diffusion.values import Image
from graph.files import File
from nodes import vision_models as nodes
from tests.diffusion.preprocessors.written import write_depth_anything, write_rt_detr, write_sam, write_vitpose

WEIGHTS = Weights("cpu", "fp32")
IMAGE = Image(torch.rand(1, 32, 48, 3, generator=torch.Generator().manual_seed(0)))


def test_depth(tmp_path):
    path = write_depth_anything(tmp_path / "net")
    model = nodes.load_depth_model(File("net/model.safetensors", path, "d"))
    assert (model.kind, model.file.digest) == ("depth_anything", "d")
    assert torch.equal(nodes.depth_map(IMAGE, model, weights=WEIGHTS).pixels, depth(IMAGE, model, WEIGHTS).pixels)


def test_selecting(tmp_path):
    path = write_sam(tmp_path / "sam")
    model = nodes.load_segment_anything(File("sam/model.safetensors", path, "s"))
    found = nodes.select_by_points(IMAGE, model, "3, 4; 30, 20", "1,1", "2, 2, 40, 30", weights=WEIGHTS)
    meant = Selection(((3, 4), (30, 20)), ((1, 1),), (2, 2, 40, 30))
    assert torch.equal(found.values, selected(IMAGE, meant, model, WEIGHTS).values)


def test_poses(tmp_path):
    path, finder = write_vitpose(tmp_path / "pose"), write_rt_detr(tmp_path / "finder")
    model = nodes.load_pose_model(File("pose/model.safetensors", path, "p"))
    detector = nodes.load_person_detector(File("finder/model.safetensors", finder, "f"))
    found = nodes.pose_skeletons(IMAGE, model, 0.2, 0.0, detector, weights=WEIGHTS)
    expected = pose(IMAGE, model, detector, WEIGHTS, Thresholds(0.2, 0.0))
    assert expected.pixels.any()
    assert torch.equal(found.pixels, expected.pixels)
    whole = nodes.pose_skeletons(IMAGE, model, weights=WEIGHTS)
    assert torch.equal(whole.pixels, pose(IMAGE, model, None, WEIGHTS).pixels)
