"""Nodes that leave a model on the disk are found, wherever they stand, and no others."""

import json
from typing import Any

import pytest

from graph.catalogue import Catalogue
from graph.workflow import load
from server.lasting import model_files
from tests.server.crews import catalogue_json, document

CATALOGUE = Catalogue.from_json(json.loads(catalogue_json()))
SAVING = ("CheckpointSave", "ModelSave", "CLIPSave", "VAESave", "LoraSave")


def found(made: dict[str, Any], *wanted: str) -> list[str]:
    return [str(problem.node) for problem in model_files(load(json.dumps(made)), CATALOGUE, wanted)]


def with_saver(kind: str = "CheckpointSave", **more: Any) -> dict[str, Any]:
    made = document()
    made["nodes"]["keep"] = {"type": kind, "inputs": {}, **more}
    return made


@pytest.mark.parametrize("kind", SAVING)
def test_each_of_them_is_found_where_it_would_run(kind: str):
    assert found(with_saver(kind)) == ["keep"]
    assert found(with_saver(kind), "save", "keep") == ["keep"]
    assert found(with_saver(kind), "save") == []
    assert found(with_saver(kind, mode="mute")) == []


def test_nothing_else_that_is_here_is_one():
    outputs = [kind for kind in CATALOGUE.types() if (spec := CATALOGUE.spec(kind)) is not None and spec.output]
    assert "SaveImage" in outputs
    assert [kind for kind in outputs if found(with_saver(kind))] == sorted(SAVING, key=outputs.index)


def test_one_inside_a_subgraph_is_found_by_its_path():
    made = document()
    made["subgraphs"] = {"inner": {"nodes": {"keep": {"type": "VAESave", "inputs": {}}}, "inputs": [], "outputs": []}}
    made["nodes"]["use"] = {"type": "subgraph/inner", "inputs": {}}
    assert found(made) == found(made, "use") == ["use/keep"]
    assert found(made, "save") == []
