"""Every template runs from start to end with the bundled models alone, and is canonical, valid and pictured."""

import json
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

import nodes
from graph.catalogue import Catalogue
from graph.check import check
from graph.workflow import dump, load
from noisewright.commands import main

ROOT = Path(__file__).parent.parent
TEMPLATES = sorted((ROOT / "workflows").glob("*.json"))
SIZES = {
    "outpaint": (128, 64),
    "two-pass": (96, 96),
    "prompt-areas": (128, 64),
    "crop-inpaint-stitch": (176, 64),
    "tiled-upscale": (128, 128),
    "upscale": (256, 256),
    "two-controls": (128, 64),
    "regional-prompts": (128, 64),
    "evening": (256, 256),
}
COUNTS = {"prompt-list": 3, "loop": 4, "variation": 4, "image-variations": 4}
SCHEMA = json.loads((ROOT / "docs" / "workflow.schema.json").read_text(encoding="utf-8"))


def test_the_templates_are_those_that_are_promised():
    promised = {"text-to-image", "image-to-image", "inpaint", "outpaint", "two-pass", "prompt-areas"}
    promised |= {"prompt-list", "loop", "variation"}
    promised |= {"crop-inpaint-stitch"}
    promised |= {"tiled-upscale", "upscale", "control", "two-controls", "lora-stack", "style-transfer"}
    promised |= {"image-variations", "regional-prompts", "evening"}
    assert {path.stem for path in TEMPLATES} == promised


def test_text_to_image_is_plain():
    workflow = load(ROOT / "workflows" / "text-to-image.json")
    (sampler,) = [node for node in workflow.nodes.values() if node.type == "KSampler"]
    assert isinstance(sampler.inputs["seed"], int)
    positive = sampler.inputs["positive"]
    assert workflow.nodes[positive.node].type == "CLIPTextEncode"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_is_canonical_valid_and_without_problems(path: Path):
    text = path.read_text(encoding="utf-8")
    workflow = load(path)
    assert dump(workflow) == text
    Draft202012Validator(SCHEMA).validate(json.loads(text))
    assert check(workflow, Catalogue.of(nodes.MODULES)) == []
    assert set(workflow.layout["nodes"]) == set(workflow.nodes)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_runs_and_draws_something(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path))
    assert main(["run", str(path), "--guard"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert len(lines) == COUNTS.get(path.stem, 1)
    for line in lines:
        with Image.open(line) as picture:
            assert picture.size == SIZES.get(path.stem, (64, 64))
            assert load(picture.text["noisewright"]) == load(path)  # pyright: ignore[reportAttributeAccessIssue]
            assert np.asarray(picture).std() > 10


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_has_a_small_picture(path: Path):
    drawn = path.parent / "pictures" / f"{path.stem}.webp"
    assert drawn.stat().st_size <= 12_000
    with Image.open(drawn) as picture:
        assert (picture.format, max(picture.size)) == ("WEBP", 256)


def test_every_picture_is_of_a_template():
    drawn = {path.stem for path in (ROOT / "workflows" / "pictures").iterdir()}
    assert drawn == {path.stem for path in TEMPLATES}
