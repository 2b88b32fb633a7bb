"""Lessons: what they show, what they never show, and that captions tell the truth."""

import torch
from PIL import Image

from diffusion.training.lessons import Lessons, held_out, moved
from diffusion.training.sheet import write_sheet
from tests.diffusion.discs import GLYPHS


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_what_is_held_out_is_never_shown():
    assert held_out(GLYPHS) == [0]
    captions, pictures = Lessons(GLYPHS).draw(300, seeded())
    assert pictures.shape == (300, 3, 64, 64)
    assert not any("night" in caption for caption in captions)
    assert {name for name in ("ruby", "leaf", "sky") if any(name in caption for caption in captions)} == {
        "ruby",
        "leaf",
        "sky",
    }


def test_captions_tell_what_is_shown():
    captions, pictures = Lessons(GLYPHS).draw(100, seeded())
    for caption, picture in zip(captions, pictures, strict=True):
        if caption in ("ruby", "leaf", "sky"):
            red, green, blue = picture[:, 32, 32].tolist()
            assert max(("ruby", red), ("leaf", green), ("sky", blue), key=lambda item: item[1])[0] == caption


def test_some_captions_are_dropped_and_the_same_seed_gives_the_same_lesson():
    lessons = Lessons(GLYPHS)
    captions, pictures = lessons.draw(400, seeded(), dropped=0.25)
    assert 60 < captions.count("") < 140
    again, same = lessons.draw(400, seeded(), dropped=0.25)
    assert again == captions
    assert torch.equal(same, pictures)


def test_pictures_are_mirrored_and_moved_by_up_to_eight_pixels():
    """A single dark pixel tells where its picture went."""
    pictures = torch.ones(200, 3, 64, 64)
    pictures[:, :, 20, 30] = 0
    rows, columns = moved(pictures, seeded())[:, 0].eq(0).nonzero()[:, 1:].unbind(1)
    assert set(rows.tolist()) == set(range(12, 29))
    assert set(columns.tolist()) == set(range(22, 39)) | set(range(25, 42))  # 30, and mirrored 33


def test_margins_are_drawn_out():
    ground = torch.rand(3, 1, 1, generator=seeded()).expand(3, 16, 16)
    assert torch.equal(moved(ground[None], seeded())[0], ground)


def test_a_sheet_has_a_row_a_batch(tmp_path):
    rows = [torch.zeros(3, 3, 4, 4), torch.ones(3, 3, 4, 4)]
    write_sheet(tmp_path / "sheet.png", rows)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (24, 16)
        assert (sheet.getpixel((0, 7)), sheet.getpixel((0, 8))) == ((0, 0, 0), (255, 255, 255))
