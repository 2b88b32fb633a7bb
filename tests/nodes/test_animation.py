"""Nodes that save moving pictures."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from diffusion.values import Image
from graph.comfyui.pictures import documents_in
from graph.folders import OutputFolder
from nodes import animation as nodes


@dataclass
class Record:
    """Stands for `graph.record.Record` of a run."""

    metadata: str = "full"
    uses_pictures: bool = False
    documents: dict[str, str] = field(default_factory=lambda: {"prompt": '{"1": {}}'})

    def texts(self) -> dict[str, str]:
        return self.documents if self.metadata == "full" else {}


@pytest.fixture
def output(tmp_path: Path) -> OutputFolder:
    return OutputFolder(tmp_path / "out", tmp_path / "temp")


IMAGES = Image(torch.randint(0, 256, (3, 6, 8, 3), generator=torch.Generator().manual_seed(4)) / 255)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_a_batch_becomes_one_file_that_says_how_it_was_made(output, suffix):
    if suffix == ".png":
        saved = nodes.save_animated_png(IMAGES, "walk/%width%x%height%", 10.0, 9, output=output, record=Record())
    else:
        saved = nodes.save_animated_webp(
            IMAGES, "walk/%width%x%height%", 10.0, True, 80, "fastest", output=output, record=Record()
        )
    (path,) = saved.paths
    assert path.relative_to(output.path).as_posix() == f"walk/8x6_00001_{suffix}"
    assert json.loads(documents_in(path.read_bytes())["prompt"]) == {"1": {}}
    with PilImage.open(path) as picture:
        assert picture.n_frames == 3  # pyright: ignore[reportAttributeAccessIssue]
        picture.seek(2)
        assert np.array_equal(np.asarray(picture.convert("RGB")), (IMAGES.pixels[2] * 255).round().byte().numpy())


@pytest.mark.parametrize("metadata", ["full", "minimal", "none"])
def test_files_tell_as_much_as_is_asked(output, metadata):
    (path,) = nodes.save_animated_png(IMAGES, "a", 6.0, 4, output=output, record=Record(metadata)).paths
    data = path.read_bytes()
    assert ("prompt" in documents_in(data)) == (metadata == "full")
    assert (b"trainedAlgorithmicMedia" in data) == (metadata != "none")
