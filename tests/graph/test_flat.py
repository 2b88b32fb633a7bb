from dataclasses import replace

import pytest

from graph.errors import InvalidWorkflow
from graph.flat import FlatNode, expand, flatten, upgraded
from graph.workflow import Link, Node, Subgraph, SubgraphInput, SubgraphOutput, Workflow


def scaled(**inputs: object) -> Node:
    return Node("Scale", inputs)


TWICE = Subgraph(
    {
        "one": scaled(factor=2.0),
        "two": scaled(image=Link("one", "IMAGE"), factor=2.0),
    },
    inputs=(
        SubgraphInput("image", (("one", "image"),), "IMAGE"),
        SubgraphInput("factor", (("one", "factor"), ("two", "factor")), "FLOAT"),
    ),
    outputs=(SubgraphOutput("image", Link("two", "IMAGE"), "IMAGE"),),
)


def test_a_flat_workflow_stays_as_it_is(toys):
    flat = flatten(
        Workflow({"n": Node("Number", {"value": 3}), "a": Node("Add", {"a": Link("n", "INT"), "b": 4})}), toys
    )
    assert flat == {
        "n": FlatNode("n", "Number", {"value": 3}, {}),
        "a": FlatNode("a", "Add", {"b": 4}, {"a": ("n", "INT")}),
    }


def test_a_node_of_unknown_type_keeps_all_it_had(toys):
    node = Node("Nowhere", {"a": {"any": 1}, "b": Link("x", "Y")})
    assert flatten(Workflow({"n": node}), toys)["n"] == FlatNode("n", "Nowhere", {"a": {"any": 1}}, {"b": ("x", "Y")})


def test_a_subgraph_is_put_in_place(toys):
    """load → [one → two] → save; what the instance leaves open stays as inside."""
    workflow = Workflow(
        {
            "load": Node("Load", {"name": "a.png"}),
            "twice": Node("subgraph/Twice", {"image": Link("load", "IMAGE")}),
            "save": Node("Save", {"images": Link("twice", "image")}),
        },
        subgraphs={"Twice": TWICE},
    )
    assert flatten(workflow, toys) == {
        "load": FlatNode("load", "Load", {"name": "a.png"}, {}),
        "twice/one": FlatNode("twice/one", "Scale", {"factor": 2.0}, {"image": ("load", "IMAGE")}),
        "twice/two": FlatNode("twice/two", "Scale", {"factor": 2.0}, {"image": ("twice/one", "IMAGE")}),
        "save": FlatNode("save", "Save", {}, {"images": ("twice/two", "IMAGE")}),
    }


def test_an_instance_feeds_settings_to_all_ends(toys):
    workflow = Workflow({"t": Node("subgraph/Twice", {"factor": 3.0})}, subgraphs={"Twice": TWICE})
    flat = flatten(workflow, toys)
    assert [flat[path].settings["factor"] for path in ("t/one", "t/two")] == [3.0, 3.0]


def test_instances_are_independent(toys):
    workflow = Workflow(
        {name: Node("subgraph/Twice", {"factor": factor}) for name, factor in (("a", 1.0), ("b", 2.0))},
        subgraphs={"Twice": TWICE},
    )
    flat = flatten(workflow, toys)
    assert list(flat) == ["a/one", "a/two", "b/one", "b/two"]
    assert (flat["a/one"].settings, flat["b/one"].settings) == ({"factor": 1.0}, {"factor": 2.0})


def test_subgraphs_in_subgraphs(toys):
    """Values go in through two levels, and come out through two."""
    outer = Subgraph(
        {"inner": Node("subgraph/Twice", {}), "after": scaled(image=Link("inner", "image"))},
        inputs=(
            SubgraphInput("picture", (("inner", "image"),)),
            SubgraphInput("f", (("inner", "factor"), ("after", "factor"))),
        ),
        outputs=(SubgraphOutput("early", Link("inner", "image")), SubgraphOutput("late", Link("after", "IMAGE"))),
    )
    workflow = Workflow(
        {
            "load": Node("Load", {"name": "a"}),
            "o": Node("subgraph/Outer", {"picture": Link("load", "IMAGE"), "f": 0.5}),
            "s1": Node("Save", {"images": Link("o", "early")}),
            "s2": Node("Save", {"images": Link("o", "late")}),
        },
        subgraphs={"Twice": TWICE, "Outer": outer},
    )
    flat = flatten(workflow, toys)
    assert list(flat) == ["load", "o/inner/one", "o/inner/two", "o/after", "s1", "s2"]
    assert flat["o/inner/one"] == FlatNode("o/inner/one", "Scale", {"factor": 0.5}, {"image": ("load", "IMAGE")})
    assert flat["o/after"].links == {"image": ("o/inner/two", "IMAGE")}
    assert flat["s1"].links == {"images": ("o/inner/two", "IMAGE")}
    assert flat["s2"].links == {"images": ("o/after", "IMAGE")}


def test_one_instance_feeds_another(toys):
    workflow = Workflow(
        {"b": Node("subgraph/Twice", {"image": Link("a", "image")}), "a": Node("subgraph/Twice")},
        subgraphs={"Twice": TWICE},
    )
    assert flatten(workflow, toys)["b/one"].links == {"image": ("a/two", "IMAGE")}


def test_a_muted_node_is_absent_and_links_to_it_vanish(toys):
    workflow = Workflow({"l": Node("Load", {}, mode="mute"), "s": scaled(image=Link("l", "IMAGE"))})
    expansion = expand(workflow, toys)
    assert expansion.flat == {"s": FlatNode("s", "Scale", {}, {})}
    assert expansion.absent == {"l": "mute"}
    assert expansion.lost == {("s", "image"): "l"}


def test_a_bypassed_node_passes_its_input_of_the_same_type(toys):
    """load → scale (bypassed) → save."""
    workflow = Workflow(
        {
            "load": Node("Load", {"name": "a"}),
            "scale": Node("Scale", {"image": Link("load", "IMAGE")}, mode="bypass"),
            "save": Node("Save", {"images": Link("scale", "IMAGE")}),
        }
    )
    assert flatten(workflow, toys)["save"].links == {"images": ("load", "IMAGE")}


def test_the_type_decides_and_not_the_place(toys):
    """Blend gives IMAGE first, but takes MASK first: IMAGE comes from `image`."""
    workflow = Workflow(
        {
            "blend": Node(
                "Blend",
                {"mask": Link("m", "MASK"), "image": Link("i", "IMAGE"), "other": Link("o", "IMAGE")},
                mode="bypass",
            ),
            "save": Node("Save", {"images": Link("blend", "IMAGE")}),
            "pass": Node("Pass", {"value": Link("blend", "IMAGE")}),
        }
    )
    flat = flatten(workflow, toys)
    assert flat["save"].links == {"images": ("i", "IMAGE")}
    assert flat["pass"].links == {"value": ("i", "IMAGE")}


def test_an_output_without_an_input_of_its_type_passes_nothing(toys):
    workflow = Workflow(
        {
            "split": Node("Split", {"image": Link("i", "IMAGE")}, mode="bypass"),
            "scale": scaled(image=Link("split", "IMAGE"), mask=Link("split", "MASK")),
        }
    )
    expansion = expand(workflow, toys)
    assert expansion.flat["scale"].links == {"image": ("i", "IMAGE")}
    assert expansion.lost == {("scale", "mask"): "split"}


@pytest.mark.parametrize(("inputs", "passed"), [({"a": 3}, 3), ({"a": Link("n", "INT")}, None), ({}, None)])
def test_a_bypassed_node_passes_settings_too(toys, inputs, passed):
    workflow = Workflow(
        {"add": Node("Add", inputs, mode="bypass"), "print": Node("Print", {"value": Link("add", "INT")})}
    )
    node = flatten(workflow, toys)["print"]
    assert node.settings == ({} if passed is None else {"value": passed})
    assert node.links == ({"value": ("n", "INT")} if isinstance(inputs.get("a"), Link) else {})


def test_a_default_passes_through_a_bypassed_node(toys):
    workflow = Workflow({"n": Node("Number", {}, mode="bypass"), "print": Node("Print", {"value": Link("n", "INT")})})
    assert flatten(workflow, toys)["print"].settings == {"value": 0}


def test_a_long_chain_of_bypassed_nodes_with_many_ends(toys):
    """10,000 bypassed nodes in a row, a consumer at each."""
    size = 10_000
    nodes = {"b0": Node("Pass", {"value": Link("source", "IMAGE")}, mode="bypass")}
    nodes |= {f"b{n}": Node("Pass", {"value": Link(f"b{n - 1}", "*")}, mode="bypass") for n in range(1, size)}
    nodes |= {f"s{n}": Node("Save", {"images": Link(f"b{n}", "*")}) for n in reversed(range(size))}
    flat = flatten(Workflow(nodes), toys)
    assert {node.links["images"] for node in flat.values()} == {("source", "IMAGE")}


def test_a_circle_of_bypassed_nodes_passes_nothing(toys):
    workflow = Workflow(
        {
            "a": Node("Pass", {"value": Link("b", "*")}, mode="bypass"),
            "b": Node("Pass", {"value": Link("a", "*")}, mode="bypass"),
            "s": Node("Save", {"images": Link("a", "*")}),
        }
    )
    assert flatten(workflow, toys)["s"].links == {}


@pytest.mark.parametrize(
    ("outer", "inner", "links"),
    [
        ("bypass", "", {"images": ("load", "IMAGE")}),
        ("mute", "", {}),
        ("", "bypass", {"images": ("t/one", "IMAGE")}),
        ("bypass", "mute", {}),
        ("mute", "bypass", {}),
    ],
)
def test_the_mode_of_an_instance_is_that_of_its_nodes(toys, outer, inner, links):
    twice = Subgraph(
        {**TWICE.nodes, "two": Node("Scale", {"image": Link("one", "IMAGE")}, mode=inner)}, TWICE.inputs, TWICE.outputs
    )
    workflow = Workflow(
        {
            "load": Node("Load", {"name": "a"}),
            "t": Node("subgraph/Twice", {"image": Link("load", "IMAGE")}, mode=outer),
            "save": Node("Save", {"images": Link("t", "image")}),
        },
        subgraphs={"Twice": twice},
    )
    flat = flatten(workflow, toys)
    assert flat["save"].links == links
    assert ("t/one" in flat) == (outer == "")


def test_a_subgraph_in_itself_is_refused_with_its_path(toys):
    workflow = Workflow(
        {"a": Node("subgraph/A")},
        subgraphs={
            "A": Subgraph({"b": Node("subgraph/B")}),
            "B": Subgraph({"n": Node("Number"), "a": Node("subgraph/A")}),
        },
    )
    with pytest.raises(InvalidWorkflow) as caught:
        flatten(workflow, toys)
    assert str(caught.value) == (
        "Node 'a/b/a' puts the subgraph 'A' inside itself: 'A' → 'B' → 'A'. Remove one of these uses."
    )
    assert caught.value.problems[0].code == "subgraph_recursion"


def test_a_muted_subgraph_in_itself_does_no_harm(toys):
    workflow = Workflow(
        {"a": Node("subgraph/A")},
        subgraphs={"A": Subgraph({"a": Node("subgraph/A", mode="mute"), "n": Node("Number")})},
    )
    assert list(flatten(workflow, toys)) == ["a/n"]


def test_a_bomb_of_subgraphs_is_refused(toys):
    """Twelve levels of ten uses each would be a million million nodes."""
    levels = {
        f"L{level}": Subgraph({str(n): Node(f"subgraph/L{level + 1}" if level < 12 else "Number") for n in range(10)})
        for level in range(1, 13)
    }
    with pytest.raises(InvalidWorkflow, match="more than 200,000 nodes"):
        flatten(Workflow({"a": Node("subgraph/L1")}, subgraphs=levels), toys)


def test_subgraphs_nested_a_thousand_deep(toys):
    """Far beyond what recursion would bear."""
    size = 2_000
    definitions = {f"S{n}": Subgraph({"n": Node(f"subgraph/S{n + 1}")}) for n in range(size)}
    definitions[f"S{size}"] = Subgraph({"x": Node("Number")})
    assert list(flatten(Workflow({"n": Node("subgraph/S0")}, subgraphs=definitions), toys)) == ["n/" * (size + 1) + "x"]


def test_a_link_to_nothing_stays(toys):
    """`check` reports it."""
    workflow = Workflow(
        {
            "s": Node("Save", {"images": Link("gone", "IMAGE")}),
            "t": Node("subgraph/Twice"),
            "u": Node("Save", {"images": Link("t", "x")}),
        },
        subgraphs={"Twice": TWICE},
    )
    flat = flatten(workflow, toys)
    assert flat["s"].links == {"images": ("gone", "IMAGE")}
    assert flat["u"].links == {"images": ("t", "x")}


def test_an_old_node_is_upgraded(toys):
    workflow = Workflow({"b": Node("Blur", {"picture": Link("l", "IMAGE"), "strength": 2.0}, version=1)})
    assert flatten(workflow, toys)["b"] == FlatNode("b", "Blur", {"amount": 2.0}, {"image": ("l", "IMAGE")})


def test_an_old_node_in_a_subgraph_is_fed_by_its_old_names(toys):
    soft = Subgraph({"blur": Node("Blur")}, (SubgraphInput("in", (("blur", "picture"),)),), ())
    workflow = Workflow({"s": Node("subgraph/Soft", {"in": Link("l", "IMAGE")})}, subgraphs={"Soft": soft})
    assert flatten(workflow, toys)["s/blur"].links == {"image": ("l", "IMAGE")}


def test_a_former_type_is_read_as_the_one_that_replaces_it(toys):
    node = Node("Soften", {"image": Link("l", "IMAGE")}, version=2)
    assert flatten(Workflow({"b": node}), toys)["b"].type == "Blur"


@pytest.mark.parametrize(
    ("node", "code", "message"),
    [
        (
            Node("Blur", {}, version=3),
            "newer_node",
            "Node 'b' cannot be used as it was saved: it was saved as version 3 of Blur, but version 2 is the "
            "newest here.",
        ),
        (
            Node("Blur", {"strength": "boom"}, version=1),
            "upgrade_failed",
            "Node 'b' cannot be used as it was saved: upgrading it from version 1 to 2 of Blur failed: "
            "KeyError: 'boom'.",
        ),
    ],
)
def test_nodes_that_cannot_be_upgraded(toys, node, code, message):
    """They are left out of the flat graph, with the reason kept for `check`. One that is muted is no problem."""
    workflow = Workflow({"b": node, "n": Node("Number")})
    problem = expand(workflow, toys).outdated["b"]
    assert (problem.code, problem.message) == (code, message)
    assert list(flatten(workflow, toys)) == ["n"]
    assert not expand(Workflow({"b": replace(node, mode="mute")}), toys).outdated


def test_upgraded_leaves_todays_nodes_alone(toys):
    node = Node("Scale", {"factor": 2.0})
    assert upgraded(node, toys) is node
    assert upgraded(Node("Nowhere", version=9), toys) == Node("Nowhere", version=9)
    assert upgraded(Node("Blur", {"picture": 1}), toys) == Node("Blur", {"image": 1, "amount": 1.0}, 2)
