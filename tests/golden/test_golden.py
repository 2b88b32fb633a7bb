"""Files of every released version open today, mean the same, and give the same picture, or it is said what changed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import nodes
from graph.catalogue import Catalogue
from graph.check import check
from graph.flat import flatten
from graph.workflow import load
from noisewright.commands import main

HERE = Path(__file__).parent
CATALOGUE = Catalogue.of(nodes.MODULES)
CHANGES: dict[str, str] = json.loads((HERE / "changes.json").read_text(encoding="utf-8"))
WORKFLOWS = sorted(HERE.glob("*/*.json"))
PICTURES = sorted(HERE.glob("*/*.png"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def flat_json(path: Path) -> dict[str, Any]:
    return {
        name: {
            "type": node.type,
            "settings": dict(node.settings),
            "links": {key: list(end) for key, end in node.links.items()},
        }
        for name, node in flatten(load(path, CATALOGUE), CATALOGUE).items()
    }


def test_there_are_files_of_every_release():
    assert {"0.1.0"} <= {path.parent.name for path in PICTURES} <= {path.parent.name for path in WORKFLOWS}


@pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
def test_a_workflow_opens_and_means_the_same(path: Path):
    assert check(load(path, CATALOGUE), CATALOGUE) == []
    if name_of(path) not in CHANGES:
        expected = json.loads((path.parent / "flat" / path.name).read_text(encoding="utf-8"))
        assert flat_json(path) == expected


@pytest.mark.parametrize("path", PICTURES, ids=name_of)
def test_a_picture_opens_as_the_workflow_that_made_it(path: Path):
    assert load(path, CATALOGUE) == load(path.with_suffix(".json"), CATALOGUE)


@pytest.mark.parametrize("path", PICTURES, ids=name_of)
def test_a_picture_carries_the_same_graph_for_comfyui(path: Path, tmp_path: Path):
    with Image.open(path) as picture:
        prompt = picture.text["prompt"]  # pyright: ignore[reportAttributeAccessIssue]
    (tmp_path / "prompt.json").write_text(prompt, encoding="utf-8")
    assert flat_json(tmp_path / "prompt.json") == flat_json(path)


@pytest.mark.parametrize("path", [path for path in PICTURES if name_of(path) not in CHANGES], ids=name_of)
def test_the_same_picture_comes_out(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path))
    assert main(["run", str(path.with_suffix(".json")), "--precision", "fp32", "--device", "cpu"]) == 0
    with Image.open(path) as then, Image.open(capsys.readouterr().out.strip()) as now:
        difference = np.abs(np.asarray(then, np.int16) - np.asarray(now, np.int16))
    assert difference.max() <= 4
    assert difference.mean() <= 0.25


def test_what_changed_is_said_in_the_changelog():
    changelog = " ".join((HERE.parent.parent / "CHANGELOG.md").read_text(encoding="utf-8").split())
    known = {name_of(path) for path in (*WORKFLOWS, *PICTURES)}
    for name, sentence in CHANGES.items():
        assert name in known
        assert " ".join(sentence.split()) in changelog
