import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from diffusion.values import Mask
from graph.files import File
from graph.folders import OutputFolder
from nodes import mask as nodes
from nodes.image import empty_image


class Record:
    """Stands for `graph.record.Record` of a run that says nothing."""

    metadata = "none"
    uses_pictures = False

    def texts(self) -> dict[str, str]:
        return {}


@pytest.mark.parametrize(("channel", "expected"), [("alpha", 1 - 4 / 255), ("red", 1 / 255), ("blue", 3 / 255)])
def test_load_mask(tmp_path, channel, expected):
    PilImage.new("RGBA", (3, 2), (1, 2, 3, 4)).save(tmp_path / "in.png")
    mask = nodes.load_mask(File("in.png", tmp_path / "in.png", ""), channel)
    np.testing.assert_allclose(mask.values.numpy(), np.full((1, 2, 3), expected), atol=1e-6)


def test_a_hole_is_cut_grown_and_turned_round():
    disc = nodes.combine_masks(nodes.solid_mask(0.0, 9, 9), nodes.solid_mask(1.0, 1, 1), 4, 4, "add")
    grown = nodes.grow_mask(disc, 2, tapered_corners=False)
    assert grown.values.sum() == 25
    assert nodes.grow_mask(grown, -2, False).values.sum() == 1
    assert nodes.invert_mask(grown).values.sum() == 81 - 25
    assert nodes.crop_mask(grown, 2, 2, 5, 5).values.min() == 1


def test_feather_and_threshold():
    feathered = nodes.feather_mask(nodes.solid_mask(1.0, 4, 1), left=4)
    assert feathered.values.flatten().tolist() == [0.25, 0.5, 0.75, 1]
    assert nodes.threshold_mask(feathered).values.flatten().tolist() == [0, 0, 1, 1]


def test_pictures_and_masks_become_each_other():
    image = empty_image(2, 2, color=0x00FF00)
    assert nodes.image_to_mask(image, "green").values.unique().tolist() == [1]
    assert nodes.color_to_mask(image, 0x00FF00).values.unique().tolist() == [1]
    assert nodes.color_to_mask(image, 0x00FE00).values.unique().tolist() == [0]
    assert nodes.mask_to_image(Mask(torch.zeros(2, 3, 4))).pixels.shape == (2, 3, 4, 3)


def test_a_preview_shows_each_mask_in_grey(tmp_path):
    masks = Mask(torch.tensor([0.0, 0.5, 1.0, 0.25]).reshape(2, 1, 2))
    saved = nodes.preview_mask(masks, output=OutputFolder(tmp_path / "out", tmp_path / "temp"), record=Record())
    assert (saved.kind, len(saved.paths)) == ("temp", 2)
    with PilImage.open(saved.paths[0]) as picture:
        assert np.asarray(picture).tolist() == [[[0] * 3, [128] * 3]]
