"""`convert`: everything that can be read becomes a file of ours or API JSON; what could not be mapped is said."""

import argparse
import io
import json
import sys
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from graph.errors import GraphError, WorkflowError
from graph.workflow import dump, load
from noisewright.commands import convert
from noisewright.home import find_home

ROOT = Path(__file__).parent.parent.parent
TEMPLATE = ROOT / "workflows" / "text-to-image.json"
GOLDEN = ROOT / "tests" / "golden" / "0.1.0" / "text-to-image.png"
INFOTEXT = "a cat\nSteps: 20, Sampler: Euler a, Seed: 4, Size: 64x64, Model: m, ENSD: 31337, RNG: CPU"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path / "home"))


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    convert.add(parser.add_subparsers())
    home = find_home(None)
    home.prepare()
    return convert.execute(parser.parse_args(["convert", *map(str, words)]), home)


def test_ours_stays_ours(tmp_path: Path):
    assert run(TEMPLATE, tmp_path / "out.json") == 0
    assert (tmp_path / "out.json").read_bytes() == TEMPLATE.read_bytes()


def test_the_file_that_is_read_is_never_replaced(tmp_path: Path):
    mine = tmp_path / "mine.json"
    mine.write_bytes(TEMPLATE.read_bytes())
    with pytest.raises(GraphError, match="OUT is the file that is read"):
        run(mine, mine)
    assert mine.read_bytes() == TEMPLATE.read_bytes()


def test_a_picture_becomes_the_workflow_it_carries(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(GOLDEN, "-") == 0
    out, err = capsys.readouterr()
    assert out == TEMPLATE.read_text(encoding="utf-8")
    assert err == ""


def test_to_api_and_back(tmp_path: Path):
    api, back = tmp_path / "api.json", tmp_path / "back.json"
    assert run(TEMPLATE, api, "--to", "api") == 0
    prompt = json.loads(api.read_text(encoding="utf-8"))
    assert prompt["sample"]["class_type"] == "KSampler"
    assert prompt["sample"]["inputs"]["model"] == ["checkpoint", 0]
    assert run(api, back) == 0
    found, expected = load(back), load(TEMPLATE)
    assert {name: dict(node.inputs) for name, node in found.nodes.items()} == {
        name: dict(node.inputs) for name, node in expected.nodes.items()
    }


def test_an_infotext_in_a_picture_and_what_is_said_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", INFOTEXT)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=info)
    assert run(tmp_path / "a.png", tmp_path / "new" / "a.json") == 0
    assert "The setting 'ENSD' (\"31337\") has no counterpart" in capsys.readouterr().err
    workflow = load(tmp_path / "new" / "a.json")
    assert workflow.nodes["sample"].inputs["sampler_name"] == "euler_ancestral"
    assert dump(workflow) == (tmp_path / "new" / "a.json").read_text(encoding="utf-8")


def test_from_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(INFOTEXT.encode())))
    assert run("-", "-") == 0
    assert json.loads(capsys.readouterr().out)["nodes"]["size"]["inputs"]["width"] == 64


def test_nodes_without_outputs_that_are_known_are_left_out_of_api_json_with_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    document = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    document["nodes"]["decode"]["type"] = "Nonsense"
    (tmp_path / "in.json").write_text(json.dumps(document), encoding="utf-8")
    assert run(tmp_path / "in.json", tmp_path / "out.json", "--to", "api") == 0
    assert "left out are the nodes of unknown types: 'Nonsense'." in capsys.readouterr().err


def test_what_cannot_be_read_or_written(tmp_path: Path):
    (tmp_path / "in.json").write_text("{]", encoding="utf-8")
    with pytest.raises(WorkflowError, match="is not JSON"):
        run(tmp_path / "in.json", tmp_path / "out.json")
    with pytest.raises(GraphError, match="There is no file"):
        run(tmp_path / "nowhere.json", tmp_path / "out.json")
    with pytest.raises(GraphError, match="is no .json file"):
        run(GOLDEN, tmp_path / "out.png")
    with pytest.raises(GraphError, match="cannot be written"):
        run(GOLDEN, tmp_path / "in.json" / "out.json")
    assert not (tmp_path / "out.json").exists()
