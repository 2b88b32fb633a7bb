"""The vectors in tests/vectors are what the engine says. The editor is held to the same files."""

import json
from typing import Any

import pytest

from tests.graph import vectors
from tests.graph.vectors import FOLDER


def read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def test_types_that_fit():
    assert read("types") == {"types": list(vectors.WIRES), "fits": vectors.fits()}


def test_circles():
    cases = read("circles")
    assert [vectors.circles_of(case["nodes"]) for case in cases] == [case["circles"] for case in cases]
    assert sum(bool(case["circles"]) for case in cases) >= 40


def test_links_that_may_be():
    cases = read("links")["cases"]
    for case in cases:
        for link, faults in case["links"]:
            assert vectors.faults_of(case["document"], link) == faults, link
    found = [faults for case in cases for _, faults in case["links"]]
    assert {code for faults in found for code in faults} == {
        "wrong_link_type",
        "cycle",
        "dangling_link",
        "unknown_input",
    }
    assert sum(not faults for faults in found) >= 100


def test_what_would_run():
    cases = read("bypass")["cases"]
    assert len(cases) >= 60
    for case in cases:
        assert vectors.flat_of(case["document"]) == case["flat"]


@pytest.mark.parametrize("type_id", vectors.NEW)
def test_new_nodes_lack_nothing_a_person_could_set(type_id):
    node = read("defaults")["nodes"][type_id]
    assert node == vectors.NEW[type_id]
    assert vectors.lacks(type_id, node) == []


@pytest.mark.parametrize("name", ["links", "bypass", "defaults"])
def test_the_node_types_are_those_of_today(name):
    assert read(name)["specs"] == vectors.specs()
