"""Selecting by points, against transformers' own processor and model."""

import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from diffusion.architectures import transformers_class as kind
from diffusion.memory import Weights
from diffusion.preprocessors.selection import Selection, selected, selection
from diffusion.values import Image
from diffusion.vision_models import read_segment_anything
from tests.diffusion.preprocessors.written import write_sam

WEIGHTS = Weights("cpu", "fp32")
IMAGE = Image(torch.randint(0, 256, (2, 40, 70, 3), generator=torch.Generator().manual_seed(0)) / 255)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_sam(tmp_path_factory.mktemp("models") / "sam")


def by_transformers(folder, levels: np.ndarray, meant: Selection) -> np.ndarray:
    """The mask of the best score, by transformers' processor for pictures and points."""
    model = kind("SamModel").from_pretrained(folder, local_files_only=True).eval()
    processor = kind("SamProcessor")(kind("SamImageProcessorPil").from_pretrained(folder))
    asked = {}
    if meant.wanted or meant.unwanted:
        asked["input_points"] = [[[list(point) for point in (*meant.wanted, *meant.unwanted)]]]
        asked["input_labels"] = [[[1] * len(meant.wanted) + [0] * len(meant.unwanted)]]
    if meant.box:
        asked["input_boxes"] = [[list(meant.box)]]
    prepared = processor(PilImage.fromarray(levels), return_tensors="pt", **asked)
    sizes = prepared.pop("original_sizes"), prepared.pop("reshaped_input_sizes")
    prepared = {
        name: each.float() if each.is_floating_point() else each
        for name, each in prepared.items()
        if torch.is_tensor(each)
    }
    with torch.no_grad():
        answer = model(**prepared, multimask_output=meant.is_open)
    masks = processor.image_processor.post_process_masks(answer.pred_masks, *sizes)[0][0]
    return masks[int(answer.iou_scores[0, 0].argmax())].numpy()


@pytest.mark.parametrize(
    "meant",
    [
        Selection(((20, 12),)),
        Selection(((20, 12), (60, 30.5)), ((5, 5),)),
        Selection((), (), (10, 8, 50, 33)),
        Selection(((20, 12),), ((5, 5),), (10, 8, 50, 33)),
    ],
    ids=["a point", "points", "a box", "points in a box"],
)
def test_masks_are_transformers_own(path, meant):
    found = selected(IMAGE, meant, read_segment_anything(path, "sam"), WEIGHTS).values
    assert found.shape == (2, 40, 70)
    for pixels, mask in zip(IMAGE.pixels, found, strict=True):
        expected = by_transformers(path.parent, (pixels * 255).round().byte().numpy(), meant)
        assert 0 < expected.mean() < 1
        assert (mask.bool().numpy() == expected).mean() > 0.999


@pytest.mark.parametrize(
    ("wanted", "unwanted", "box", "expected"),
    [
        ("120, 80", "", "", Selection(((120, 80),))),
        (" 1,2 ;3.5 , 4;", "5,6", "", Selection(((1, 2), (3.5, 4)), ((5, 6),))),
        ("1,2\n3,4", "", "", Selection(((1, 2), (3, 4)))),
        ("", "", "1, 2, 30, 40", Selection((), (), (1, 2, 30, 40))),
    ],
)
def test_texts_are_read(wanted, unwanted, box, expected):
    assert selection(wanted, unwanted, box) == expected


@pytest.mark.parametrize(
    ("wanted", "unwanted", "box", "sentence"),
    [
        ("", "", "", "Nothing says what to select"),
        ("", "3,4", "", "Nothing says what to select"),
        ("1", "", "", "A point is written \"x, y\"; got '1'"),
        ("1,2;x,y", "", "", "got 'x,y'"),
        ("1,2,3", "", "", "got '1,2,3'"),
        ("", "", "1,2,3", 'A box is written "left, top, right, bottom"'),
        ("", "", "1,2,3,4;5,6,7,8", "One box can be given, not 2"),
        ("", "", "5,2,3,4", "has no inside"),
    ],
)
def test_what_cannot_be_read_is_told(wanted, unwanted, box, sentence):
    with pytest.raises(ValueError, match=sentence):
        selection(wanted, unwanted, box)


def test_points_outside_are_told(path):
    with pytest.raises(ValueError, match=r"The point \(70, 3\) lies outside the picture, which is 70×40 pixels"):
        selected(IMAGE, Selection(((70, 3),)), read_segment_anything(path, "sam"), WEIGHTS)
