import json
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from diffusion.picture_files import PictureError
from diffusion.values import Image, Mask
from graph.events import NodePreview
from graph.files import File
from graph.folders import OutputFolder
from graph.node import node_type_of
from nodes import image as nodes
from tests.graph.flows import flow
from tests.nodes.bench import Bench

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@dataclass
class Record:
    """Stands for `graph.record.Record` of a run."""

    metadata: str = "full"
    uses_pictures: bool = False
    documents: dict[str, str] = field(default_factory=dict)

    def texts(self) -> dict[str, str]:
        return self.documents if self.metadata == "full" else {}


@pytest.fixture
def output(tmp_path: Path) -> OutputFolder:
    return OutputFolder(tmp_path / "out", tmp_path / "temp")


def batch(*shape: int) -> Image:
    return Image(torch.rand(shape, generator=torch.Generator().manual_seed(4)))


def test_load_image_names_the_outputs_of_the_field(tmp_path):
    levels = np.arange(4 * 5 * 4, dtype=np.uint8).reshape(4, 5, 4)
    PilImage.fromarray(levels).save(tmp_path / "in.png")
    loaded = nodes.load_image(File("in.png", tmp_path / "in.png", ""))
    np.testing.assert_allclose(loaded.IMAGE.pixels[0].numpy(), levels[..., :3] / 255, atol=1e-6)
    np.testing.assert_allclose(loaded.MASK.values[0].numpy(), 1 - levels[..., 3] / 255, atol=1e-6)


def test_load_image_offers_pictures_of_the_input_folder():
    declared = node_type_of(nodes.load_image)
    assert declared is not None
    (spec,) = declared.spec.inputs
    assert (spec.source, spec.hints["image_upload"]) == ("input", True)
    assert {".png", ".jpg", ".webp", ".tif"} <= set(spec.hints["suffixes"])


def test_save_image_writes_one_file_for_each_picture(output):
    images = batch(3, 6, 8, 3)
    result = nodes.save_image(images, "cats/%width%x%height%", output=output, record=Record())
    assert result.kind == "output"
    assert [path.relative_to(output.path).as_posix() for path in result.paths] == [
        f"cats/8x6_{number:05}_.png" for number in (1, 2, 3)
    ]
    for path, pixels in zip(result.paths, images.pixels, strict=True):
        with PilImage.open(path) as picture:
            assert np.array_equal(np.asarray(picture), (pixels * 255).round().byte().numpy())
    again = nodes.save_image(images, "cats/%width%x%height%", output=output, record=Record())
    assert again.paths[0].name == "8x6_00004_.png"


NAMES = ("noisewright", "prompt", "workflow")
DOCUMENTS = {name: json.dumps({"name": name, "ü": 1}, ensure_ascii=False) for name in NAMES}


@pytest.mark.parametrize("metadata", ["full", "minimal", "none"])
@pytest.mark.parametrize("uses_pictures", [False, True])
def test_saved_pictures_tell_as_much_as_is_asked(output, metadata, uses_pictures):
    record = Record(metadata, uses_pictures, DOCUMENTS)
    (path,) = nodes.save_image(batch(1, 4, 4, 3), output=output, record=record).paths
    with PilImage.open(path) as picture:
        texts = dict(picture.text)
    mark = texts.pop("XML:com.adobe.xmp", None)
    assert {key: json.loads(text) for key, text in texts.items()} == (
        {key: json.loads(text) for key, text in DOCUMENTS.items()} if metadata == "full" else {}
    )
    kind = "compositeWithTrainedAlgorithmicMedia" if uses_pictures else "trainedAlgorithmicMedia"
    assert (mark is None) if metadata == "none" else (f'"{SOURCE_TYPES}{kind}"' in mark)


def test_a_broken_batch_leaves_no_file(output, tmp_path):
    images = batch(2, 4, 4, 3)
    images.pixels[1, 0, 0, 0] = float("nan")
    with pytest.raises(PictureError, match="1 of the picture's 96 values"):
        nodes.save_image(images, output=output, record=Record())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_previews_go_to_the_temp_folder(output):
    result = nodes.preview_image(batch(2, 4, 4, 3), output=output, record=Record())
    assert result.kind == "temp"
    assert [path.parent for path in result.paths] == [output.temp] * 2
    assert all(path.is_file() for path in result.paths)


def test_pictures_are_sent_whole_every_time_though_nobody_asks_for_previews(tmp_path):
    workflow = flow(
        made=("EmptyImage", {"width": 6, "height": 4, "batch_size": 2, "color": 0x4080FF}),
        sent=("SaveImageWebsocket", {"images": "made.IMAGE"}),
    )
    bench = Bench(tmp_path)
    for _ in range(2):
        sent = [event for event in bench.events(workflow) if isinstance(event, NodePreview)]
        assert [(event.node, event.mime, event.whole) for event in sent] == [("sent", "image/png", True)] * 2
        with PilImage.open(BytesIO(sent[1].data)) as picture:
            assert (picture.size, picture.getpixel((0, 0))) == ((6, 4), (0x40, 0x80, 0xFF))
    assert list(tmp_path.iterdir()) == []


def test_scaling_nodes():
    image = batch(1, 4, 8, 3)
    assert nodes.scale_image(image, "lanczos", 16, 0, "disabled").pixels.shape == (1, 8, 16, 3)
    assert nodes.scale_image(image, "area", 2, 2, "center").pixels.shape == (1, 2, 2, 3)
    assert nodes.scale_image_by(image, "bicubic", 0.5).pixels.shape == (1, 2, 4, 3)


def test_nodes_that_make_and_join():
    blue = nodes.empty_image(4, 2, 3, 0x0000FF)
    assert blue.pixels.shape == (3, 2, 4, 3)
    yellow = nodes.invert_image(blue)
    assert yellow.pixels[0, 0, 0].tolist() == [1, 1, 0]
    assert nodes.batch_images(blue, batch(1, 6, 6, 3)).pixels.shape == (4, 2, 4, 3)


def test_padding_and_its_mask_have_one_size():
    padded = nodes.pad_image(batch(1, 16, 16, 3), left=8, bottom=16, feathering=4)
    assert padded.IMAGE.pixels.shape == (1, 32, 24, 3)
    assert padded.MASK.values.shape == (1, 32, 24)


def test_composite_with_and_without_a_mask():
    black, white = nodes.empty_image(4, 4), nodes.invert_image(nodes.empty_image(2, 2))
    pasted = nodes.composite_images(black, white, 1, 1, False)
    assert pasted.pixels.sum() == 2 * 2 * 3
    half = nodes.composite_images(black, white, 0, 0, True, Mask(torch.full((1, 3, 3), 0.5)))
    assert half.pixels.unique().tolist() == [0.5]
