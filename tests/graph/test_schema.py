import json
from pathlib import Path

import jsonschema
import pytest

from graph import shape
from graph.schema import schema, schema_text
from graph.workflow import dump, load

ROOT = Path(__file__).parents[2]
VALIDATOR = jsonschema.Draft202012Validator(schema())


def document(**more: object) -> dict[str, object]:
    return {"format": "noisewright/workflow", "version": 1, **more}


def test_the_published_file_is_the_generated_one():
    published = (ROOT / "docs" / "workflow.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), (
        "Write it anew: python -c \"from graph.schema import *; print(schema_text(), end='')\""
    )


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", sorted((ROOT / "workflows").glob("*.json")), ids=lambda path: path.stem)
def test_templates_are_valid_before_and_after_saving(path):
    VALIDATOR.validate(json.loads(path.read_text(encoding="utf-8")))
    VALIDATOR.validate(json.loads(dump(load(path))))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"x-own": {"a": 1}, "title": "T"},
        {"nodes": {"a": {"type": "A"}}},
        {"nodes": {"a": {"type": "A", "inputs": {"i": [1, {"b": 2}], "j": {"value": {"k": 1}}, "l": None}, "x-y": 0}}},
        {"nodes": {"3:1": {"type": "A", "version": 2, "mode": "mute", "after_run": {"seed": "random"}}}},
        {"subgraphs": {"S": {"nodes": {"a": {"type": "A"}}, "inputs": [{"name": "i", "to": [["a", "b"]]}]}}},
        {"layout": {"nodes": {"a": {"x": 1.5, "y": 2, "collapsed": True}}, "notes": [{"text": "hi", "x": 0, "y": 0}]}},
        {"layout": {"nodes": {"a": {"fields": {"cfg": {"minimum": 1, "maximum": 9.5, "step": 0.5, "filter": "xl"}}}}}},
        {"requires": {"models": {"m": {"sha256": "0" * 64, "size": 3}}, "packs": {"p": {"version": "1.0"}}}},
    ],
)
def test_valid_documents(more):
    VALIDATOR.validate(document(**more))
    load(json.dumps(document(**more)))


@pytest.mark.parametrize(
    "more",
    [
        {"version": 2},
        {"format": "other"},
        {"node": {}},
        {"nodes": []},
        {"nodes": {"a/b": {"type": "A"}}},
        {"nodes": {"": {"type": "A"}}},
        {"nodes": {"a": {}}},
        {"nodes": {"a": {"type": "A", "mode": "off"}}},
        {"nodes": {"a": {"type": "A", "inputs": {"i": {"link": ["b"]}}}}},
        {"nodes": {"a": {"type": "A", "inputs": {"i": {"link": ["b", "C", "d"]}}}}},
        {"nodes": {"a": {"type": "A", "inputs": {"i": {"bare": 1}}}}},
        {"nodes": {"a": {"type": "A", "inputs": {"i": {"value": 1, "x-y": 2}}}}},
        {"nodes": {"a": {"type": "A", "after_run": {"seed": "often"}}}},
        {"nodes": {"a": {"type": "A", "version": 0}}},
        {"subgraphs": {"S": {"outputs": [{"name": "o"}]}}},
        {"interface": {"inputs": [{"name": "i"}]}},
        {"layout": {"nodes": {"a": {"left": 1}}}},
        {"requires": {"models": {"m": {"sha256": "short"}}}},
    ],
)
def test_invalid_documents(more):
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(document(**more))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        (None, shape.WORKFLOW),
        ("Node", shape.NODE),
        ("Subgraph", shape.SUBGRAPH),
        ("SubgraphInput", shape.SUBGRAPH_INPUT),
        ("SubgraphOutput", shape.SUBGRAPH_OUTPUT),
        ("Interface", shape.INTERFACE),
        ("InterfaceInput", shape.INTERFACE_INPUT),
        ("InterfaceOutput", shape.INTERFACE_OUTPUT),
        ("Layout", shape.LAYOUT),
        ("Requires", shape.REQUIRES),
        ("NodeLayout", shape.LAYOUT["nodes"]),
        ("Frame", shape.LAYOUT["frames"]),
        ("Note", shape.LAYOUT["notes"]),
        ("RequiredModel", shape.REQUIRES["models"]),
        ("RequiredPack", shape.REQUIRES["packs"]),
    ],
)
def test_check_knows_the_same_keys(name, fields):
    part = schema()["$defs"][name] if name else schema()
    assert set(part["properties"]) == set(fields)
