"""Ids of nodes, there and back."""

import json

from graph.catalogue import Catalogue
from graph.comfyui.api import to_api
from graph.comfyui.api_reading import workflow_of_api
from graph.flat import flatten
from graph.spec import InputSpec, NodeSpec, OutputSpec
from graph.workflow import Link, Node, Subgraph, SubgraphOutput, Workflow
from server.comfyui.ids import Ids, Place

NUMBER = NodeSpec(
    type="Number",
    title="Number",
    category="",
    help="",
    inputs=(InputSpec(name="value", type="INT", required=False, default=0),),
    outputs=(OutputSpec(name="INT", type="INT"),),
)
TOYS = Catalogue({"Number": NUMBER})
PROMPT = {name: {"class_type": "Number", "inputs": {}} for name in ("3", "a/b", "a_b", "1:2", "5.0", "")}


def sent() -> Ids:
    return Ids.of(PROMPT, workflow_of_api(PROMPT, TOYS)[0])


def test_every_node_of_a_prompt_has_its_id_back() -> None:
    ids = sent()
    assert sorted(ids.theirs.values()) == sorted(PROMPT)
    for name in PROMPT:
        path = ids.ours(name)
        assert path is not None
        assert ids.place(path) == Place(name, name, None, name)


def test_nodes_that_others_have_become_are_shown_with_these() -> None:
    ids = sent()
    assert ids.place("3/0.0.1") == Place("3.0.0.1", "3", "3", "3")
    assert ids.place("3/loop/2/add") == Place("3.loop.2.add", "3", "3.loop.2", "3")
    assert ids.ours("3.loop.2.add") == "3/loop/2/add"
    assert ids.ours("3.0.0.1") == "3/0.0.1"
    assert ids.ours("9") is None


def test_single_calls_belong_to_their_node() -> None:
    ids = sent()
    assert ids.folded("3/0") == "3"
    assert ids.folded("3/inner/12") == "3/inner"
    assert ids.folded("3/2/inner") == "3/2/inner"


def test_they_are_kept_as_json() -> None:
    ids = sent()
    again = Ids.from_json(json.loads(json.dumps(ids.to_json())))
    assert again.theirs == ids.theirs
    assert Ids.from_json([1]).theirs == {}


def inside(workflow: Workflow) -> Ids:
    flat = flatten(workflow, TOYS)
    return Ids.of_flat(flat, to_api(flat, {"Number": NUMBER}, workflow), workflow)


def test_nodes_of_subgraphs_are_nodes_of_the_prompt() -> None:
    inner = Subgraph({"n": Node("Number"), "0": Node("Number")}, (), (SubgraphOutput("INT", Link("n", "INT")),))
    ids = inside(Workflow({"s": Node("subgraph/S"), "x": Node("Nowhere")}, subgraphs={"S": inner}))
    assert ids.theirs == {"s/n": "s:n", "s/0": "s:0"}
    assert ids.place("s/n/new") == Place("s:n.new", "s:n", "s:n", "s:n")
    assert ids.folded("s/0") == "s/0"
    assert ids.ours("s:n") == "s/n"


def test_paths_stay_where_two_would_be_one() -> None:
    inner = Subgraph({"n": Node("Number")})
    ids = inside(Workflow({"s": Node("subgraph/S"), "s:n": Node("Number")}, subgraphs={"S": inner}))
    assert ids.theirs == {"s/n": "s/n", "s:n": "s:n"}
