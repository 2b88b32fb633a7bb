"""Networks from folders as transformers writes them; the truth is transformers' own model and processor."""

import json
from pathlib import Path

import pytest

from diffusion.header import WeightFileError
from diffusion.memory import Weights
from diffusion.values import DepthModel, PersonDetector, PoseModel, SegmentAnythingModel, WeightFile
from diffusion.vision_models import read_depth_model, read_person_detector, read_pose_model, read_segment_anything
from tests.diffusion.preprocessors.written import write_depth_anything, write_rt_detr, write_sam, write_vitpose


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    home = tmp_path_factory.mktemp("models")
    return write_depth_anything(home / "anything"), write_sam(home / "sam")


def test_a_folder_is_recognised_by_its_config(folders):
    depth, sam = folders
    assert read_depth_model(depth, "1") == DepthModel("depth_anything", WeightFile(str(depth), "1"))
    assert read_segment_anything(sam, "2") == SegmentAnythingModel("sam", WeightFile(str(sam), "2"))


def test_networks_for_poses_are_recognised(tmp_path):
    pose, finder = write_vitpose(tmp_path / "pose"), write_rt_detr(tmp_path / "finder")
    assert read_pose_model(pose, "3") == PoseModel("vitpose", WeightFile(str(pose), "3"))
    assert read_person_detector(finder, "4") == PersonDetector("rt_detr", WeightFile(str(finder), "4"))
    with pytest.raises(WeightFileError, match="'pose' is not a network that finds persons"):
        read_person_detector(pose, "")


def test_another_kind_is_told(folders):
    depth, sam = folders
    with pytest.raises(WeightFileError, match=r"'sam' is not a network for depth .* config.json says 'sam'"):
        read_depth_model(sam, "")
    with pytest.raises(WeightFileError, match=r"'anything' is not a network for selecting .* says 'depth_anything'"):
        read_segment_anything(depth, "")


@pytest.mark.parametrize("missing", ["config.json", "preprocessor_config.json"])
def test_a_file_alone_is_told(tmp_path, missing):
    path = write_depth_anything(tmp_path / "alone")
    (path.parent / missing).unlink()
    with pytest.raises(WeightFileError, match=f"Beside 'alone/model.safetensors' there is no {missing}"):
        read_depth_model(path, "")


def test_what_is_no_json_is_told(tmp_path):
    path = write_depth_anything(tmp_path / "broken")
    (path.parent / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(WeightFileError, match=r"'broken/config.json' is no JSON"):
        read_depth_model(path, "")


def test_weights_that_do_not_fit_the_config_are_told(tmp_path):
    path = write_depth_anything(tmp_path / "other")
    config = json.loads((path.parent / "config.json").read_text(encoding="utf-8"))
    config["backbone_config"]["num_hidden_layers"] = 5
    (path.parent / "config.json").write_text(json.dumps(config), encoding="utf-8")
    model = read_depth_model(path, "")
    lent = Weights("cpu", "fp32").lend(model)
    with pytest.raises(WeightFileError, match=r"does not fit its config.json: \d+ missing keys, such as backbone"):
        lent.__enter__()


def test_it_is_lent_and_counted(folders):
    weights = Weights("cpu", "fp32")
    model = read_depth_model(folders[0], "1")
    with weights.lend(model), weights.lend(model):
        assert weights.loads == 1
    assert weights.bytes_held > 0
    weights.release()
    assert weights.bytes_held == 0
