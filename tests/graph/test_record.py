import json
from typing import Any

import pytest

from graph.catalogue import Catalogue
from graph.folders import Folders, OutputFolder
from graph.plan import plan
from graph.record import Record, Recording
from graph.workflow import dump, load
from tests.graph.flows import flow
from tests.graph.toy_nodes import Desk

NODES: dict[str, Any] = {
    "r": ("Read", {"file": "sub\\a.txt"}),
    "c": ("Count", {"a": "r.INT", "seed": 18446744073709551615}),
    "s": ("Save", {"a": "c.INT"}),
    "p": ("Look", {"picture": "cat.png"}),
    "t": ("Tide", {"a": "p.INT"}),
    "s2": ("Save", {"a": "t.INT", "prefix": "é"}),
}


@pytest.fixture
def record(tmp_path):
    for name in ("models/papers/sub/a.txt", "input/cat.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    services = {
        "files": Folders([tmp_path / "models"], [tmp_path / "input"]),
        "output": OutputFolder(tmp_path / "out"),
        "desk": Desk(),
    }
    catalogue = Catalogue.of(["tests.graph.toy_nodes"])

    def record(node: str, **options: Any) -> Record:
        environment = {"device": "cpu", "precision": "fp32", "torch": "2.13.0"}
        recording = Recording(**{"app": {"name": "toy", "version": "1"}, **options})
        return Record(
            plan(flow(**NODES), catalogue, services=services, environment=environment, recording=recording), node
        )

    return record


def test_facts_are_those_of_what_the_node_depends_on(record, tmp_path):
    facts = record("s").facts()
    digest = facts["weights"][0].pop("digest")
    assert digest.startswith("sha256:")
    assert facts == {
        "app": {"name": "toy", "version": "1"},
        "node_types": {"Count": 1, "Read": 1, "Save": 1},
        "weights": [{"folder": "papers", "name": "sub/a.txt"}],
        "fingerprints": {},
        "seeds": {"c.seed": 18446744073709551615},
        "environment": {"device": "cpu", "precision": "fp32", "torch": "2.13.0"},
    }
    other = record("s2").facts()
    assert (other["weights"], other["seeds"], other["fingerprints"]) == ([], {}, {})  # known once it runs


def test_an_input_picture_is_noticed_where_it_takes_part(record):
    assert not record("s").uses_pictures
    assert record("s2").uses_pictures


def test_texts_hold_the_workflow_in_both_formats_and_the_facts(record):
    made = record("s", client_workflow='{"nodes":[]}')
    texts = made.texts()
    assert list(texts) == ["noisewright", "prompt", "workflow", "noisewright_run"]
    assert dump(load(texts["noisewright"])) == texts["noisewright"] == dump(flow(**NODES))
    prompt = json.loads(texts["prompt"])
    assert prompt["c"]["class_type"] == "Count"
    assert prompt["s"]["inputs"]["a"] == ["c", 0]
    assert texts["workflow"] == '{"nodes":[]}'
    assert json.loads(texts["noisewright_run"]) == made.facts()
    assert "workflow" not in record("s").texts()


@pytest.mark.parametrize("metadata", ["minimal", "none"])
def test_less_is_told_where_less_is_wanted(record, metadata):
    made = record("s", metadata=metadata)
    assert made.texts() == {}
    assert made.metadata == metadata


def test_the_same_work_tells_the_same(record):
    assert record("s").texts() == record("s").texts()
