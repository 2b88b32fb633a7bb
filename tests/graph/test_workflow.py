import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.errors import WorkflowError
from graph.workflow import (
    Interface,
    InterfaceInput,
    InterfaceOutput,
    Link,
    Malformed,
    Node,
    Subgraph,
    SubgraphInput,
    SubgraphOutput,
    Workflow,
    dump,
    from_json,
    load,
    load_with_problems,
    to_json,
)

CANONICAL = """\
{
  "format": "noisewright/workflow",
  "version": 1,
  "title": "Two pictures",
  "nodes": {
    "load": {
      "type": "Load",
      "inputs": {
        "name": "ä.png"
      }
    },
    "scale": {
      "type": "Scale",
      "version": 2,
      "title": "Larger",
      "mode": "bypass",
      "inputs": {
        "image": {"link": ["load", "IMAGE"]},
        "curve": {"value": {"points": [0, 1.5]}},
        "sizes": [1, 2, 3],
        "seed": 18446744073709551615,
        "nothing": null
      },
      "after_run": {"seed": "random"},
      "x-colour": {"deep": [1, {"a": {}}]}
    },
    "inner": {
      "type": "subgraph/Twice",
      "inputs": {}
    }
  },
  "subgraphs": {
    "Twice": {
      "inputs": [
        {"name": "image", "type": "IMAGE", "to": [["one", "image"], ["two", "image"]]}
      ],
      "outputs": [
        {"name": "image", "type": "IMAGE", "from": ["two", "IMAGE"], "x-note": 1}
      ],
      "nodes": {
        "one": {
          "type": "Scale",
          "inputs": {}
        }
      },
      "layout": {
        "nodes": {
          "one": {"x": 0, "y": -7.5}
        }
      }
    }
  },
  "interface": {
    "inputs": [
      {"name": "seed", "node": "scale", "input": "seed", "label": "Seed"}
    ],
    "outputs": [
      {"node": "scale", "output": "IMAGE"}
    ]
  },
  "layout": {
    "nodes": {
      "load": {"x": 0, "y": 0},
      "scale": {"x": 320, "y": 0}
    },
    "frames": [
      {"title": "All", "x": -20, "y": -40, "width": 700, "height": 300, "nodes": ["load", "scale"]}
    ],
    "x-view": {"zoom": 1}
  },
  "requires": {
    "models": {
      "sprout.safetensors": {"sha256": "00", "size": 1}
    }
  },
  "x-tool": "mine"
}
"""


def document(**more: object) -> str:
    return json.dumps({"format": "noisewright/workflow", "version": 1, "nodes": {}, **more})


def test_the_canonical_text_is_kept_byte_by_byte():
    assert dump(load(CANONICAL)) == CANONICAL


def test_the_canonical_text_says_what_the_document_said():
    assert json.loads(dump(load(CANONICAL))) == json.loads(CANONICAL)


def test_what_was_read():
    workflow = load(CANONICAL)
    scale = workflow.nodes["scale"]
    assert scale.inputs == {
        "image": Link("load", "IMAGE"),
        "curve": {"points": [0, 1.5]},
        "sizes": [1, 2, 3],
        "seed": 2**64 - 1,
        "nothing": None,
    }
    assert (scale.type, scale.version, scale.title, scale.mode) == ("Scale", 2, "Larger", "bypass")
    assert scale.after_run == {"seed": "random"}
    assert scale.extra == {"x-colour": {"deep": [1, {"a": {}}]}}
    assert workflow.interface == Interface(
        (InterfaceInput("seed", "scale", "seed", "Seed"),), (InterfaceOutput("scale", "IMAGE"),)
    )
    twice = workflow.subgraphs["Twice"]
    assert twice.inputs == (SubgraphInput("image", (("one", "image"), ("two", "image")), "IMAGE"),)
    assert twice.outputs == (SubgraphOutput("image", Link("two", "IMAGE"), "IMAGE", {"x-note": 1}),)
    assert workflow.extra == {"x-tool": "mine"}


def test_made_in_python_as_read():
    made = Workflow(
        nodes={"a": Node("Number", {"value": 3}), "b": Node("Add", {"a": Link("a", "INT"), "b": {"odd": 1}})},
        title="Sum",
    )
    assert load(dump(made)) == made


def test_order_is_the_documents_within_fields_and_the_formats_between_them():
    text = document(title="T", **{"x-late": 1, "layout": {"nodes": {"b": {}}}})
    shuffled = json.dumps(dict(reversed(json.loads(text).items())))
    assert list(json.loads(dump(load(shuffled)))) == ["format", "version", "title", "nodes", "layout", "x-late"]
    nodes = {name: {"inputs": {"z": 1, "a": 2}, "type": "N"} for name in ("z", "m", "a")}
    written = json.loads(dump(load(document(nodes=nodes))))["nodes"]
    assert list(written) == ["z", "m", "a"]
    assert list(written["z"]) == ["type", "inputs"]
    assert list(written["z"]["inputs"]) == ["z", "a"]


def test_a_node_keeps_all_it_had():
    raw = {
        "type": "FromElsewhere",
        "inputs": {"a": {"neither": 1}, "b": {"link": ["x"]}, "c": {"link": ["x", "Y"], "more": 1}},
        "mode": "sleep",
        "version": "two",
        "after_run": {"seed": "sometimes"},
        "widgets": [1, 2],
    }
    workflow = load(document(nodes={"n": raw}))
    assert workflow.nodes["n"].inputs["a"] == Malformed({"neither": 1})
    assert json.loads(dump(workflow))["nodes"]["n"] == raw


def test_bytes_with_and_without_a_byte_order_mark():
    assert load(CANONICAL.encode()) == load(b"\xef\xbb\xbf" + CANONICAL.encode()) == load("\ufeff" + CANONICAL)


def test_a_file(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text(CANONICAL, encoding="utf-8")
    assert load(path) == load(CANONICAL)


def test_half_a_surrogate_pair_is_written_escaped():
    text = dump(load(document(title="\ud800!")))
    assert '"\\ud800!"' in text
    assert text.encode()
    assert load(text).title == "\ud800!"


API = {"3": {"class_type": "KSampler", "inputs": {"seed": 5}}}
EDITOR = {"last_node_id": 3, "nodes": [], "links": [], "version": 0.4}
LATER = "Reading it takes a catalogue of node types."


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "The workflow is empty."),
        ("{", "The workflow is not JSON: Expecting property name enclosed in double quotes at line 1, column 2."),
        (b"\xff\xfe{}", "The workflow is not UTF-8 text: invalid start byte at byte 0."),
        (
            b"\x89PNG\r\n",
            "The workflow is a picture that carries no workflow.",
        ),
        ("[1]", 'The workflow is a list, not an object with "format": "noisewright/workflow".'),
        (
            '{"a": 1}',
            'The workflow does not say "format": "noisewright/workflow", so it is no workflow of noisewright.',
        ),
        ('{"format": "x/y"}', 'The workflow has the format "x/y", not "noisewright/workflow".'),
        (json.dumps(API), f'The workflow is in ComfyUI\'s API format (nodes with "class_type"). {LATER}'),
        (json.dumps({"prompt": API}), f'The workflow is in ComfyUI\'s API format (nodes with "class_type"). {LATER}'),
        (
            json.dumps(EDITOR),
            f'The workflow is a workflow of ComfyUI\'s editor ("nodes" and "links" in lists). {LATER}',
        ),
        (
            document(version=2),
            "The workflow is of format version 2, but this program reads versions up to 1. "
            "Open it with a newer program, or save it there in an older version.",
        ),
        (document(version="1"), 'The workflow has the format version "1"; it must be a whole number from 1 to 1.'),
        (document(version=True), "The workflow has the format version true; it must be a whole number from 1 to 1."),
        (document(nodes=[]), "The workflow cannot be read: nodes is a list, not an object of nodes by id."),
        (document(nodes={"a": 5}), "The workflow cannot be read: nodes.a is a number, not a node."),
        (
            document(nodes={"a": {"inputs": {}}}),
            'The workflow cannot be read: nodes.a has no "type" that names its node type.',
        ),
        (
            document(nodes={"a": {"type": "A", "inputs": []}}),
            "The workflow cannot be read: nodes.a.inputs is a list, not an object of inputs by name.",
        ),
        (document(subgraphs=[]), "The workflow cannot be read: subgraphs is a list, not an object."),
        (document(subgraphs={"s": 1}), "The workflow cannot be read: subgraphs.s is a number, not a subgraph."),
        (
            document(subgraphs={"s": {"nodes": {"a": 1}}}),
            "The workflow cannot be read: subgraphs.s.nodes.a is a number, not a node.",
        ),
        (
            document(subgraphs={"s": {"inputs": {}}}),
            "The workflow cannot be read: subgraphs.s.inputs is an object, not a list.",
        ),
        (
            document(subgraphs={"s": {"inputs": [{"name": "a", "to": [["b"]]}]}}),
            'The workflow cannot be read: subgraphs.s.inputs[0].to is [["b"]], not a list of [node, input] pairs.',
        ),
        (
            document(subgraphs={"s": {"outputs": [{"name": "a"}]}}),
            "The workflow cannot be read: subgraphs.s.outputs[0].from is null, not [node, output].",
        ),
        (
            document(interface={"inputs": [3]}),
            "The workflow cannot be read: interface.inputs[0] is a number, not an object.",
        ),
        (
            document(interface={"inputs": [{"name": 3}]}),
            'The workflow cannot be read: interface.inputs[0] has no text "name"; it is 3.',
        ),
        (document(layout=None), "The workflow cannot be read: layout is null, not an object."),
        ('{"nodes": {"a": 1, "a": 2}}', "The workflow has the key 'a' twice in one object."),
        ('{"a": NaN}', "The workflow has the number NaN, which is not JSON."),
        ('{"a": ' + "[" * 100_000, "The workflow is nested more than 100 levels deep."),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(source, message):
    with pytest.raises(WorkflowError) as caught:
        load(source)
    assert str(caught.value) == message


def test_a_file_that_is_not_there(tmp_path: Path):
    path = tmp_path / "none.json"
    with pytest.raises(WorkflowError, match="cannot be read: No such file or directory") as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_file_is_named_in_the_message(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text("{")
    with pytest.raises(WorkflowError) as caught:
        load(path)
    assert str(caught.value).startswith(f"'{path}' is not JSON: ")


def test_node_at_follows_paths_into_subgraphs():
    inner = Subgraph({"b": Node("B"), "deep": Node("subgraph/T")})
    workflow = Workflow({"a": Node("subgraph/S")}, subgraphs={"S": inner, "T": Subgraph({"c": Node("C")})})
    assert workflow.node_at("a/b") == Node("B")
    assert workflow.node_at("a/deep/c") == Node("C")
    assert workflow.node_at("a") == Node("subgraph/S")
    assert workflow.node_at("a/x") is workflow.node_at("x/b") is workflow.node_at("a/b/c") is None


names = st.text(max_size=6)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | names
    | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
extras = st.dictionaries(names.map("x-{}".format) | names, json_values, max_size=2)
inputs = st.dictionaries(
    names,
    json_values
    | st.fixed_dictionaries({"link": st.lists(names, min_size=2, max_size=2)})
    | st.fixed_dictionaries({"value": json_values}),
    max_size=3,
)


def fields(required: dict[str, st.SearchStrategy], optional: dict[str, st.SearchStrategy]) -> st.SearchStrategy:
    """Objects with these fields, and with others of anybody's own."""
    known = st.fixed_dictionaries(required, optional={key: value | json_values for key, value in optional.items()})
    return st.tuples(extras, known).map(lambda parts: {**parts[0], **parts[1]})


node_objects = fields(
    {"type": names},
    {
        "version": st.integers(1, 9),
        "title": names,
        "mode": st.sampled_from(["mute", "bypass"]),
        "after_run": st.dictionaries(names, st.sampled_from(["random", "increment"])),
    },
).flatmap(lambda node: inputs.map(lambda given: {**node, "inputs": given}))
pairs = st.lists(names, min_size=2, max_size=2)
node_tables = st.dictionaries(names, node_objects, max_size=3)
free = st.dictionaries(names, json_values, max_size=2)
subgraphs = st.fixed_dictionaries(
    {
        "nodes": node_tables,
        "inputs": st.lists(fields({"name": names, "to": st.lists(pairs, max_size=2)}, {"type": names}), max_size=2),
        "outputs": st.lists(fields({"name": names, "from": pairs}, {"type": names}), max_size=2),
        "layout": free,
    }
)
interfaces = st.fixed_dictionaries(
    {
        "inputs": st.lists(fields({"name": names, "node": names, "input": names}, {"label": names}), max_size=2),
        "outputs": st.lists(fields({"node": names}, {"label": names, "output": names}), max_size=2),
    }
)
documents = st.fixed_dictionaries(
    {"format": st.just("noisewright/workflow"), "version": st.just(1)},
    optional={
        "title": names | json_values,
        "nodes": node_tables,
        "subgraphs": st.dictionaries(names, subgraphs, max_size=2),
        "interface": interfaces,
        "layout": free,
        "requires": free,
        "x-own": json_values,
    },
)


@settings(max_examples=50)
@given(documents)
def test_a_round_trip_changes_nothing(raw):
    first = from_json(json.loads(json.dumps(raw)))
    text = dump(first)
    second = load(text.encode())
    assert second == first
    assert dump(second) == text
    assert json.loads(text) == to_json(first)


def normal(value: object) -> object:
    """A JSON value without what says nothing: empty things, defaults, the wrapping of values."""
    if isinstance(value, dict):
        if set(value) == {"value"}:
            return normal(value["value"])
        kept = {key: normal(item) for key, item in value.items() if (key, item) not in (("type", "*"), ("version", 1))}
        return {key: item for key, item in kept.items() if item not in ("", {}, [])}
    return [normal(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=50)
@given(documents)
def test_nothing_is_lost(raw):
    assert normal(json.loads(dump(from_json(raw)))) == normal(raw)


# Documents of other programs


def theirs(toys, source: object) -> list[str]:
    loaded = load_with_problems(source if isinstance(source, str | bytes) else json.dumps(source), toys)
    return [*loaded.workflow.nodes, *(str(problem) for problem in loaded.problems)]


LOAD_NODE = {"class_type": "Load", "inputs": {"name": "a.png"}}


def test_with_a_catalogue_foreign_documents_are_read(toys):
    editor = {"nodes": [{"id": 5, "type": "Load", "widgets_values": ["a.png"]}], "links": [], "version": 0.4}
    assert theirs(toys, {"3": LOAD_NODE}) == ["3"]
    assert theirs(toys, {"prompt": {"3": LOAD_NODE}}) == ["3"]
    assert theirs(toys, json.dumps(editor).encode("utf-8-sig")) == ["5"]
    assert load(json.dumps(editor), toys).nodes["5"].inputs == {"name": "a.png"}
    assert theirs(toys, CANONICAL) == list(load(CANONICAL).nodes)


def test_not_quite_json_of_theirs_is_read_and_said(toys):
    text = json.dumps({"3": {**LOAD_NODE, "is_changed": [float("nan")]}})
    assert theirs(toys, text) == ["3", "The file has the number NaN, which is not JSON. It is read as null."]
    large = '{"3": {"class_type": "Load", "inputs": {"name": "a.png", "x": 1e999, "y": 0.5}}}'
    assert "The file has the number 1e999, which is not JSON. It is read as null." in theirs(toys, large)
    twice = '{"3": {"class_type": "Load"}, "3": {"class_type": "Load", "inputs": {"name": "b.png"}}}'
    assert load(twice, toys).nodes["3"].inputs == {"name": "b.png"}
    with pytest.raises(WorkflowError, match=r"^The workflow has the number NaN, which is not JSON\.$"):
        load('{"format": "noisewright/workflow", "version": NaN}', toys)


def test_an_infotext_is_read(toys):
    loaded = load_with_problems("red apple\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 64x64", toys)
    assert loaded.workflow.nodes["sample"].inputs["seed"] == 5


def picture(**texts: str) -> bytes:
    from PIL import Image, PngImagePlugin

    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    stream = io.BytesIO()
    Image.new("RGB", (2, 2)).save(stream, "PNG", pnginfo=info)
    return stream.getvalue()


def test_a_picture_gives_the_best_that_it_carries_and_that_can_be_read(toys):
    prompt = json.dumps({"3": LOAD_NODE})
    assert theirs(toys, picture(prompt=prompt)) == ["3"]
    assert theirs(toys, picture(prompt=prompt, noisewright=CANONICAL)) == list(load(CANONICAL).nodes)
    assert load(picture(noisewright=CANONICAL)) == load(CANONICAL)
    assert theirs(toys, picture(prompt=prompt, workflow="{}")) == [
        "3",
        "What the picture carries as 'workflow' is passed over: "
        'it does not say "format": "noisewright/workflow", so it is no workflow of noisewright.',
    ]
    with pytest.raises(WorkflowError, match=r"^The workflow is a picture whose workflow is not JSON: Expecting value"):
        load(picture(prompt="x"), toys)
    with pytest.raises(WorkflowError, match=r"^The workflow is a picture that carries no workflow\.$"):
        load(picture(comment="x"), toys)


def test_without_a_catalogue_a_picture_with_a_foreign_workflow_is_refused(toys):
    with pytest.raises(WorkflowError, match=r"in ComfyUI's API format .* takes a catalogue of node types\.$"):
        load(picture(prompt=json.dumps({"3": LOAD_NODE})))
