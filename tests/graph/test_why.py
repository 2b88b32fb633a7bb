"""Why a node computes, in words, for every kind of change."""

from collections.abc import Mapping

import pytest

from graph.history import Past
from graph.why import why

THEN = Past(
    "Sample",
    {"seed": 1, "text": "apple"},
    {"lora": (("a.safetensors", "1"),)},
    {"model": ("loader", "MODEL")},
    "code",
    {"precision": "fp32", "torch": "2.12"},
    "",
    "old",
)
LOADER = Past("Load", key="loaded")


def told(node: Past, loader: Past = LOADER) -> str:
    now = {"sample": node._replace(key="new"), "loader": loader}
    return why("sample", now, {"sample": THEN, "loader": LOADER})


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"settings": {"seed": 2, "text": "apple"}}, "setting 'seed' was 1, is 2"),
        ({"settings": {"seed": 1, "text": 'a "pear"'}}, 'setting \'text\' was "apple", is "a \\"pear\\""'),
        ({"settings": {"seed": True, "text": "apple"}}, "setting 'seed' was 1, is true"),
        ({"settings": {"seed": 1, "text": "apple", "new": None}}, "setting 'new' is null now"),
        ({"settings": {"seed": 1}}, "setting 'text' was \"apple\", is not set now"),
        (
            {"settings": {"seed": 1}, "links": {**THEN.links, "text": ("words", "STRING")}},
            "input 'text' is linked to 'words.STRING' now",
        ),
        ({"links": {}}, "input 'model' is no longer linked to 'loader.MODEL'"),
        (
            {"links": {"model": ("lora", "MODEL")}},
            "input 'model' was linked to 'loader.MODEL', is to 'lora.MODEL'",
        ),
        ({"files": {"lora": (("a.safetensors", "2"),)}}, "file 'a.safetensors' has changed"),
        ({"files": {"lora": (("b.safetensors", "2"),)}}, 'file \'lora\' was "a.safetensors", is "b.safetensors"'),
        ({"files": {}}, "setting 'lora' was \"a.safetensors\", is not set now"),
        ({"code": "other"}, "its code has changed"),
        ({"fingerprint": "9"}, 'its fingerprint was "", is "9"'),
        ({"environment": {"precision": "bf16", "torch": "2.12"}}, "precision was fp32, is bf16"),
        ({"environment": {"precision": "fp32"}}, "torch was 2.12, is not known"),
        ({}, "what it depends on has changed"),
    ],
)
def test_each_change_is_told(changed: Mapping[str, object], expected: str):
    assert told(THEN._replace(**changed)) == expected


def test_a_file_of_another_name_with_the_same_content_is_no_change():
    assert told(THEN._replace(files={"lora": (("b.safetensors", "1"),)}, code="x")) == "its code has changed"


def test_several_changes_are_joined_and_then_counted():
    settings = {"seed": 2, "text": "pear"}
    assert (
        told(THEN._replace(settings=settings))
        == "setting 'seed' was 1, is 2; setting 'text' was \"apple\", is \"pear\""
    )
    many = dict.fromkeys("abcdef", 1)
    text = told(THEN._replace(settings=THEN.settings | many))
    assert text == "setting 'a' is 1 now; setting 'b' is 1 now; setting 'c' is 1 now; 3 more changes"


def test_long_values_are_shortened():
    text = told(THEN._replace(settings={"seed": 1, "text": "tree " * 1000}))
    assert len(text) < 100
    assert text.endswith("…")


def test_what_is_upstream_is_named():
    assert told(THEN, LOADER._replace(key="another")) == "node 'loader' has changed"


def test_a_node_that_is_new_or_of_another_type():
    assert why("sample", {"sample": THEN}, {}) == "not run before"
    assert told(THEN._replace(type="SampleAdvanced")) == "it was a 'Sample'"


def test_a_result_that_is_no_longer_kept():
    assert why("sample", {"sample": THEN}, {"sample": THEN}) == "computed before, but its result is not kept"
