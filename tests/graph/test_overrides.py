import pytest

from graph.errors import SettingError
from graph.overrides import set_inputs
from graph.workflow import Interface, InterfaceInput, Link, Node, Subgraph, SubgraphInput, Workflow

WORKFLOW = Workflow(
    {
        "load": Node("Load", {"name": "a.png"}),
        "scale": Node("Scale", {"image": Link("load", "IMAGE"), "factor": 2.0}),
        "a": Node("Number", {"value": 1}),
        "b.c": Node("Number", {"value": 2}),
        "sum": Node("Add", {"a": Link("a", "INT"), "b": 5}),
        "blend": Node("Blend", {}),
        "list": Node("Collect", {"numbers": [1]}),
        "old": Node("Blur", {"picture": Link("load", "IMAGE"), "strength": 3.0}),
        "sub": Node("subgraph/S", {}),
    },
    subgraphs={"S": Subgraph({"n": Node("subgraph/T")}, (SubgraphInput("level", (("n", "steps"),)),)),
               "T": Subgraph({"s": Node("Scale")}, (SubgraphInput("steps", (("s", "steps"),)),))},
    interface=Interface((InterfaceInput("size", "scale", "factor"), InterfaceInput("gone", "nowhere", "x"))),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "node", "input_name", "value"),
    [
        ("size", "3", "scale", "factor", 3.0),
        ("scale.steps", "7", "scale", "steps", 7),
        ("steps", "7", "scale", "steps", 7),
        ("method", "area", "scale", "method", "area"),
        ("smooth", "TRUE", "scale", "smooth", True),
        ("a.value", "18446744073709551615", "a", "value", 2**64 - 1),
        ("b.c.value", "9", "b.c", "value", 9),
        ("sum.a", "4", "sum", "a", 4),
        ("note", "@@home", "blend", "note", "@home"),
        ("note", "", "blend", "note", ""),
        ("numbers", "[3, 4]", "list", "numbers", [3, 4]),
        ("name", "sub\\b.png", "load", "name", "sub/b.png"),
        ("level", "9", "sub", "level", 9),
    ],
)
def test_a_setting_is_found_and_read_as_its_type(toys, name, text, node, input_name, value):
    changed = set_inputs(WORKFLOW, {name: text}, toys).nodes[node].inputs[input_name]
    assert changed == value
    assert type(changed) is type(value)


def test_the_workflow_itself_is_not_changed(toys):
    set_inputs(WORKFLOW, {"steps": "7"}, toys)
    assert "steps" not in WORKFLOW.nodes["scale"].inputs


def test_other_values_than_text_are_taken_as_they_are(toys):
    assert set_inputs(WORKFLOW, {"size": 3}, toys).nodes["scale"].inputs["factor"] == 3.0


def test_text_from_a_file(toys, tmp_path):
    path = tmp_path / "note.txt"
    path.write_bytes(b"\xef\xbb\xbfred apple,\r\ngreen leaf\r\n")
    assert set_inputs(WORKFLOW, {"note": f"@{path}"}, toys).nodes["blend"].inputs["note"] == "red apple,\ngreen leaf"


def test_an_old_node_is_upgraded_first(toys):
    old = set_inputs(WORKFLOW, {"amount": "0.5"}, toys).nodes["old"]
    assert (old.version, old.inputs) == (2, {"image": Link("load", "IMAGE"), "amount": 0.5})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("step", "7", "There is nothing named 'step' to set. Did you mean 'steps'?"),
        (
            "??",
            "7",
            "There is nothing named '??' to set. It has 'size', 'gone', 'load.name', 'scale.factor', 'scale.steps', "
            "'scale.method', 'scale.smooth', 'a.value' and 7 more.",
        ),
        ("value", "7", "Setting 'value' is an input of 2 nodes. Say which: 'a.value' and 'b.c.value'."),
        ("scale.stepz", "7", "Node 'scale' (Scale) has no input 'stepz' to set. Did you mean 'scale.steps'?"),
        ("a.xyz", "7", "Node 'a' (Number) has no input 'xyz' to set. It has 'value'."),
        ("gone", "7", "Setting 'gone' leads to node 'nowhere', which is not in the workflow."),
        ("steps", "0", "Setting 'steps' is 0, but must be at least 1. Set it to a value from 1 to 100."),
        ("steps", "many", "Setting 'steps' takes a whole number, but is a text: \"many\". Set it to a whole "
                          "number from 1 to 100."),
        ("level", "0", "Setting 'level' is 0, but must be at least 1. Set it to a value from 1 to 100."),
        ("method", "aera", "Setting 'method' is \"aera\", which is not one of its choices. Did you mean 'area'?"),
        (
            "scale.image",
            "x.png",
            "Setting 'scale.image' takes a link from an output of type IMAGE, but is a text: \"x.png\". "
            "Link it to a node that gives IMAGE.",
        ),
        ("note", "@/no/such", "'note' cannot be set: the file '/no/such' cannot be read: No such file or directory."),
    ],
)  # fmt: skip
def test_what_cannot_be_set(toys, name, text, message):
    with pytest.raises(SettingError) as caught:
        set_inputs(WORKFLOW, {name: text}, toys)
    assert str(caught.value) == message


def test_a_workflow_without_settings(toys):
    with pytest.raises(SettingError, match="There is nothing named 'x' to set. The workflow has no settings."):
        set_inputs(Workflow({}), {"x": "1"}, toys)
