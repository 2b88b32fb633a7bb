import json

from graph.comfyui.api import to_api
from graph.flat import flatten
from graph.workflow import Link, Node, Subgraph, SubgraphInput, SubgraphOutput, Workflow


def api(workflow, toys):
    specs = {type_id: toys.spec(type_id) for type_id in toys.types()}
    made = to_api(flatten(workflow, toys), specs, workflow)
    return json.loads(json.dumps(made))


def test_links_by_slot_defaults_filled_in_and_titles(toys):
    workflow = Workflow(
        {
            "load": Node("Load", {"name": "a.png"}, title="My picture"),
            "split": Node("Split", {"image": Link("load", "IMAGE")}),
            "scale": Node("Scale", {"image": Link("split", "IMAGE"), "mask": Link("split", "MASK"), "factor": 2}),
        }
    )
    assert api(workflow, toys) == {
        "load": {"class_type": "Load", "inputs": {"name": "a.png"}, "_meta": {"title": "My picture"}},
        "split": {"class_type": "Split", "inputs": {"image": ["load", 0]}, "_meta": {"title": "Split"}},
        "scale": {
            "class_type": "Scale",
            "inputs": {
                "image": ["split", 0],
                "factor": 2.0,
                "steps": 20,
                "method": "nearest",
                "smooth": False,
                "mask": ["split", 1],
            },
            "_meta": {"title": "Scale"},
        },
    }


def test_every_two_item_list_is_a_link_so_lists_are_wrapped(toys):
    workflow = Workflow({"c": Node("Collect", {"numbers": [3, 4]}), "p": Node("Pass", {"value": {"__value__": 1}})})
    made = api(workflow, toys)
    assert made["c"]["inputs"] == {"numbers": {"__value__": [3, 4]}}
    assert made["p"]["inputs"] == {"value": {"__value__": {"__value__": 1}}}


def test_paths_are_joined_by_colons(toys):
    inner = Subgraph(
        {"n": Node("Number", {"value": 1}, title="Inner")},
        (SubgraphInput("v", (("n", "value"),)),),
        (SubgraphOutput("INT", Link("n", "INT")),),
    )
    workflow = Workflow(
        {"s": Node("subgraph/S", {"v": 5}), "print": Node("Print", {"value": Link("s", "INT")})}, subgraphs={"S": inner}
    )
    made = api(workflow, toys)
    assert made["s:n"] == {"class_type": "Number", "inputs": {"value": 5}, "_meta": {"title": "Inner"}}
    assert made["print"]["inputs"] == {"value": ["s:n", 0]}


def test_paths_stay_where_colons_would_make_two_one(toys):
    workflow = Workflow(
        {"s": Node("subgraph/S"), "s:n": Node("Number")}, subgraphs={"S": Subgraph({"n": Node("Number")})}
    )
    assert set(api(workflow, toys)) == {"s/n", "s:n"}


def test_large_integers_given_as_text_become_numbers(toys):
    made = api(Workflow({"n": Node("Number", {"value": "18446744073709551615"})}), toys)
    assert made["n"]["inputs"] == {"value": 2**64 - 1}


def test_settings_that_do_not_fit_and_file_names_stay_as_they_are_written(toys):
    made = api(Workflow({"l": Node("Load", {"name": "a\\b.png"}), "n": Node("Number", {"value": "x"})}), toys)
    assert made["l"]["inputs"] == {"name": "a\\b.png"}
    assert made["n"]["inputs"] == {"value": "x"}


def test_outputs_of_nodes_of_unknown_type_have_the_numbers_their_file_gave(toys):
    unknown = Node("Nowhere", extra={"x-comfyui": {"outputs": ["A", "B"]}})
    inputs = {"value": Link("x", "B"), "three": Link("x", "3"), "lost": Link("x", "C")}
    made = api(Workflow({"x": unknown, "p": Node("Print", inputs)}), toys)
    assert made["p"]["inputs"] == {"value": ["x", 1], "three": ["x", 3]}
    assert made["x"] == {"class_type": "Nowhere", "inputs": {}, "_meta": {"title": "Nowhere"}}


def test_nodes_of_unknown_type_and_links_to_them_are_left_out(toys):
    workflow = Workflow({"x": Node("Nowhere"), "s": Node("Save", {"images": Link("x", "IMAGE"), "odd": True})})
    assert api(workflow, toys) == {
        "s": {"class_type": "Save", "inputs": {"prefix": "out", "odd": True}, "_meta": {"title": "Save"}}
    }
