import json
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from diffusion.animation_files import animated_png, animated_webp
from diffusion.picture_files import PictureError
from diffusion.values import Image
from graph.comfyui.pictures import documents_in

TEXTS = {
    "noisewright": json.dumps({"title": "ü"}, ensure_ascii=False),
    "prompt": '{"1": {}}',
    "workflow": '{"nodes": []}',
}
TOLD = {key: json.loads(text) for key, text in TEXTS.items()}
MARK = "trainedAlgorithmicMedia"


def batch(*shape: int) -> Image:
    return Image(torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(4)) / 255)


def frames(data: bytes) -> list[np.ndarray]:
    with PilImage.open(BytesIO(data)) as picture:
        found = []
        for index in range(getattr(picture, "n_frames", 1)):
            picture.seek(index)
            found.append(np.asarray(picture.convert("RGBA")))
    return found


def expected(image: Image) -> list[np.ndarray]:
    levels = (image.pixels * 255).round().byte().numpy()
    modes = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
    pictures = [
        PilImage.fromarray(each[..., 0] if each.shape[2] == 1 else each, modes[each.shape[2]]) for each in levels
    ]
    return [np.asarray(picture.convert("RGBA")) for picture in pictures]


def durations(data: bytes) -> list[int]:
    with PilImage.open(BytesIO(data)) as picture:
        assert picture.info["loop"] == 0
        found = []
        for index in range(picture.n_frames):  # pyright: ignore[reportAttributeAccessIssue]
            picture.seek(index)
            picture.load()
            found.append(round(picture.info["duration"]))
    return found


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("save", [animated_png, animated_webp])
def test_frames_come_back_with_their_pixels_texts_and_durations(save, channels):
    image = batch(3, 6, 8, channels)
    if channels in (2, 4):
        image.pixels[..., -1] = image.pixels[..., -1].clamp(min=0.5)  # WebP forgets the colours of what is clear
    data = save(image, 12.0, texts=TEXTS, source_type=MARK)
    for found, wanted in zip(frames(data), expected(image), strict=True):
        assert np.array_equal(found, wanted)
    assert {key: json.loads(text) for key, text in documents_in(data).items() if key in TEXTS} == TOLD
    assert durations(data) == [83] * 3
    assert MARK.encode() in data


@pytest.mark.parametrize("save", [animated_png, animated_webp])
def test_nothing_is_said_where_nothing_shall_be(save):
    data = save(batch(2, 6, 8, 3), 6.0, texts={}, source_type=None)
    assert documents_in(data) == {}
    assert b"xmpmeta" not in data


@pytest.mark.parametrize("save", [animated_png, animated_webp])
def test_one_picture_is_a_file_of_one_frame(save):
    image = batch(1, 6, 8, 3)
    (found,) = frames(save(image, 6.0, texts={}, source_type=None))
    assert np.array_equal(found, expected(image)[0])


def test_webp_with_losses_is_smaller():
    image = batch(2, 64, 64, 3)
    exact, lossy = (
        animated_webp(image, 6.0, texts={}, source_type=None, lossless=lossless, quality=20, effort=0)
        for lossless in (True, False)
    )
    assert len(lossy) < len(exact) / 2
    assert not np.array_equal(frames(lossy)[0], expected(image)[0])


@pytest.mark.parametrize("save", [animated_png, animated_webp])
def test_broken_values_are_refused(save):
    image = batch(2, 4, 4, 3)
    image.pixels[1, 0, 0, 0] = float("nan")
    with pytest.raises(PictureError, match="1 of the picture's 96 values"):
        save(image, 6.0, texts={}, source_type=None)
