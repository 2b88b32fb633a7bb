"""A graph built in Python is the document one would have written, and mistakes are told where they are made."""

import pytest

from graph.catalogue import Catalogue
from graph.check import check
from graph.document import Link
from graph.errors import GraphError
from graph.flow import Flow, types_of
from graph.node import node
from graph.workflow import dump, load
from tests.graph.conftest import add, blur, collect, load_picture, number, pass_on, save, scale, split

APPLE = "apple.png"


def test_a_flow_of_functions_is_a_workflow_without_problems(toys: Catalogue):
    flow = Flow("Numbers")
    first = flow.add(number, value=3)
    flow.add("Print", value=flow.add(add, "sum", a=first, b=4).INT)
    workflow = flow.workflow()
    assert check(workflow, toys) == []
    assert workflow.title == "Numbers"
    assert list(workflow.nodes) == ["Number", "sum", "Print"]
    assert workflow.nodes["sum"].inputs == {"a": Link("Number", "INT"), "b": 4}
    assert load(dump(workflow)) == workflow


def test_outputs_are_attributes_and_items(toys: Catalogue):
    flow = Flow(catalogue=toys)
    parts = flow.add("Split", image=flow.add("Load", name=APPLE))
    assert parts.MASK == parts["MASK"] == parts[1] == Link("Split", "MASK")
    assert dir(parts) == ["IMAGE", "MASK"]
    assert str(parts) == "Split"
    assert not hasattr(parts, "_repr_html_")


def test_names_are_made_up_and_kept_apart():
    flow = Flow()
    names = [str(flow.add(number)) for _ in range(3)] + [str(flow.add("subgraph/One"))]
    assert names == ["Number", "Number_2", "Number_3", "subgraph_One"]
    flow = Flow()
    flow.add(number, "Number_2")
    assert [str(flow.add(number)) for _ in range(3)] == ["Number", "Number_3", "Number_4"]


def test_the_version_of_a_node_type_goes_into_the_document(toys: Catalogue):
    assert Flow().workflow().nodes == {}
    flow = Flow(catalogue=toys)
    flow.add(blur, image=flow.add(load_picture, name=APPLE))
    flow.add("Soften", "old", image=Link("Load", "IMAGE"))
    assert flow.nodes["Blur"].version == 2
    assert flow.nodes["old"].type == "Blur"


def test_without_a_catalogue_what_is_named_by_text_is_taken_as_written():
    flow = Flow()
    made = flow.add("Unknown", anything=object())
    assert (made.OUT.node, made.OUT.output) == ("Unknown", "OUT")
    with pytest.raises(GraphError, match=r"The outputs of node 'Unknown' are not known here. Name one of them"):
        made[0]
    with pytest.raises(GraphError, match=r"Input 'a' of node 'Add': The outputs of node 'Unknown' are not known here"):
        flow.add(add, a=made)


def test_other_values_than_settings_pass(toys: Catalogue):
    """As expansions need it: only the node knows what they are."""
    thing = object()
    flow = Flow(catalogue=toys)
    flow.add("Scale", image=thing, steps=thing, mask=None)
    assert flow.nodes["Scale"].inputs == {"image": thing, "steps": thing, "mask": None}


@pytest.mark.parametrize(
    ("mistake", "expected"),
    [
        (lambda flow: flow.add(print), "<built-in function print> is no node type: it is not declared with @node."),
        (lambda flow: flow.add("Numbr"), "There is no node type 'Numbr'. Did you mean 'Number'?"),
        (lambda flow: flow.add("Xyzzy"), "There is no node type 'Xyzzy'."),
        (lambda flow: flow.add("Broken"), "There is no node type 'Broken': its module 'broken' cannot be imported: "),
        (lambda flow: flow.add(number, "one"), "There is a node 'one' already. Give this one another name."),
        (lambda flow: flow.add(number, valeu=1), "Node type 'Number' has no input 'valeu'. Did you mean 'value'?"),
        (lambda flow: flow.add("Number", x=1), "Node type 'Number' has no input 'x'. There is 'value'."),
        (
            lambda flow: flow.add(number, value=-1),
            "Input 'value' of node 'Number' (Number) is -1, but must be at least 0. Set it to a value from 0 to",
        ),
        (
            lambda flow: flow.add(scale, "big", image=Link("picture", "IMAGE"), method="bicubik"),
            "Input 'method' of node 'big' (Scale) is \"bicubik\", which is not one of its choices. "
            "Did you mean 'bicubic'?",
        ),
        (
            lambda flow: flow.add(add, a=Link("picture", "IMAGE")),
            "Input 'a' of node 'Add' (Add) takes INT, but 'IMAGE' of node 'picture' gives IMAGE.",
        ),
        (
            lambda flow: flow.add(scale, image=flow.add(split, "parts", image=Link("picture", "IMAGE"))),
            "Input 'image' of node 'Scale': Node 'parts' (Split) has 2 outputs: 'IMAGE' and 'MASK'. Say which one.",
        ),
        (
            lambda flow: flow.add(add, a=flow.add(save, images=Link("picture", "IMAGE"))),
            "Input 'a' of node 'Add': Node 'Save' (Save) has no output to link to.",
        ),
        (
            lambda flow: flow.add(add, a=Flow().add(number, "else")),
            "Input 'a' of node 'Add' is given a node of another flow, 'else'.",
        ),
        (lambda flow: flow.add(number).IMT, "Node 'Number' has no output 'IMT'. Did you mean 'INT'?"),
        (lambda flow: flow.add(number)[1], "Node 'Number' has no output 1. It has 'INT'."),
    ],
)
def test_a_mistake_is_told_at_once(mistake, expected: str, toys: Catalogue):
    flow = Flow(catalogue=toys)
    flow.add(load_picture, "picture", name=APPLE)
    flow.add(number, "one")
    before = set(flow.nodes)
    with pytest.raises(GraphError) as raised:
        mistake(flow)
    assert str(raised.value).startswith(expected)
    assert set(flow.nodes) - before <= {"parts", "Save", "Number"}


def test_links_that_fit_pass(toys: Catalogue):
    flow = Flow(catalogue=toys)
    one = flow.add(number)
    flow.add(scale, image=flow.add(load_picture, name=APPLE), factor=one)  # FLOAT takes INT
    flow.add(add, a=flow.add(pass_on, value=one))
    flow.add(collect, numbers=[1, 2], labels="x")
    flow.add(add, a=Link("later", "ANY"))
    flow.add(add, a=Link("/outside", "INT"))


def test_node_types_of_a_notebook_are_told_apart(toys: Catalogue):
    @node("Number", category="mine")
    def mine(value: int = 0) -> int:
        """Another number."""
        return value

    flow = Flow()
    flow.add(add, a=flow.add(number))
    assert types_of(flow, toys) == {}
    flow.add(mine)
    assert [declared.function for declared in types_of(flow, toys).values()] == [mine]


def test_thousands_of_nodes_are_quickly_named():
    flow = Flow()
    last = flow.add(number)
    for _ in range(20_000):
        last = flow.add(add, a=last)
    assert str(last) == "Add_20000"
