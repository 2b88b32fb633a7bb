"""Upscaling nodes: each hands its settings to the function that computes."""

from pathlib import Path

import pytest
import torch
from PIL import Image as Picture
from safetensors.torch import save_file

from diffusion import upscaling as computing
from diffusion.header import WeightFileError
from diffusion.memory import Weights
from diffusion.values import Image
from graph.files import File
from graph.node import node_type_of
from graph.progress import Progress
from nodes.upscaling import load_upscale_model, upscale_image, upscale_image_in_tiles
from tests.diffusion.tiny import write_tiny_checkpoint
from tests.diffusion.upscalers.written import compact_tensors

WEIGHTS = Weights("cpu", "fp32")
IMAGE = Image(torch.rand(1, 48, 40, 3, generator=torch.Generator().manual_seed(0)))


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> File:
    path = tmp_path_factory.mktemp("models") / "net.safetensors"
    save_file(compact_tensors(), path)
    return File("net.safetensors", path, "abc")


def through(steps):
    said = []
    while True:
        try:
            said.append(next(steps))
        except StopIteration as stop:
            return stop.value, said


def test_a_file_is_named(file):
    model = load_upscale_model(file)
    assert (model.architecture, model.scale, model.file.digest) == ("compact", 4, "abc")
    assert node_type_of(load_upscale_model).spec.lane == "cpu"


def test_a_picture_is_enlarged_whole(file):
    model = load_upscale_model(file)
    result, said = through(upscale_image(model, IMAGE, weights=WEIGHTS))
    assert torch.equal(result.pixels, through(computing.upscale(IMAGE, model, WEIGHTS))[0].pixels)
    assert result.pixels.shape == (1, 192, 160, 3)
    assert said == [Progress(1, 1)]


def test_a_picture_is_enlarged_in_tiles(file):
    model = load_upscale_model(file)
    result, said = through(upscale_image_in_tiles(model, IMAGE, 32, 8, weights=WEIGHTS))
    wanted = through(computing.upscale(IMAGE, model, WEIGHTS, computing.Tiles(32, 8)))[0]
    assert torch.equal(result.pixels, wanted.pixels)
    assert said == [Progress(done, 4) for done in (1, 2, 3, 4)]


def test_declared_as_the_field_knows_them():
    specs = [node_type_of(function).spec for function in (load_upscale_model, upscale_image)]
    assert [spec.type for spec in specs] == ["UpscaleModelLoader", "ImageUpscaleWithModel"]
    assert [[(item.name, item.type, item.required) for item in spec.inputs] for spec in specs] == [
        [("model_name", "COMBO", True)],
        [("upscale_model", "UPSCALE_MODEL", True), ("image", "IMAGE", True)],
    ]
    assert [[(item.name, item.type) for item in spec.outputs] for spec in specs] == [
        [("UPSCALE_MODEL", "UPSCALE_MODEL")],
        [("IMAGE", "IMAGE")],
    ]
    assert specs[0].inputs[0].source == "upscale_models"


def test_a_checkpoint_a_lora_and_a_picture_are_refused(tmp_path: Path):
    checkpoint = write_tiny_checkpoint(tmp_path / "checkpoint.safetensors")
    lora = tmp_path / "lora.safetensors"
    save_file({"lora_unet_mid_block.lora_down.weight": torch.zeros(1, 1)}, lora)
    picture = tmp_path / "picture.pth"
    Picture.new("RGB", (8, 8)).save(picture, "PNG")
    for path, told in (
        (checkpoint, "'checkpoint.safetensors' is no upscaling model: it looks like "),
        (lora, "'lora.safetensors' is no upscaling model: it looks like a LoRA, which changes a model but is none."),
        (picture, "'picture.pth' is no file of weights: it looks like a picture; choose a file of weights."),
    ):
        with pytest.raises(WeightFileError) as error:
            load_upscale_model(File(path.name, path, path.name))
        assert str(error.value).startswith(told)
