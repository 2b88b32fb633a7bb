"""Bodies of loops against networkx, and copies of them."""

import random

import networkx

from graph.document import Link
from graph.flat import FlatNode
from graph.flow import Flow
from nodes.loop_body import Copies, body_of, named


def flat_of(**sources: str) -> dict[str, FlatNode]:
    """Nodes by id, with the ids that each takes its inputs from."""
    return {
        name: FlatNode(name, "Toy", {}, {f"in{index}": (source, "out") for index, source in enumerate(text.split())})
        for name, text in sources.items()
    }


def test_the_body_is_what_lies_between_start_and_end():
    """before → start → a → b → end, with c beside (needs nothing of the start), d behind a (leads nowhere)."""
    flat = flat_of(before="", start="before", a="start", c="before", b="a c", d="a", end="b")
    assert body_of(flat, "start", ["b"]) == ("a", "b")
    assert body_of(flat, "start", ["c"]) == ()
    assert body_of(flat, "start", ["start"]) == ()
    assert sorted(body_of(flat, "start", ["b", "d"])) == ["a", "b", "d"]


def test_what_is_not_among_the_nodes_belongs_to_no_body():
    assert body_of(flat_of(start="", a="start #value"), "start", ["a", "#value"]) == ("a",)


def test_random_graphs_have_the_bodies_that_networkx_finds():
    draw = random.Random(5)  # noqa: S311 — for graphs
    for _ in range(200):
        count = draw.randint(2, 14)
        sources = {
            f"n{index}": " ".join(f"n{other}" for other in range(index) if draw.random() < 0.3)
            for index in range(count)
        }
        graph = networkx.DiGraph()
        graph.add_nodes_from(sources)
        graph.add_edges_from((source, name) for name, text in sources.items() for source in text.split())
        start, ends = "n0", [f"n{draw.randrange(count)}" for _ in range(2)]
        after = networkx.descendants(graph, start)
        leading = set().union(*(networkx.ancestors(graph, end) | {end} for end in ends))
        body = body_of(flat_of(**sources), start, ends)
        assert set(body) == after & leading
        places = {name: place for place, name in enumerate(body)}
        assert all(places[one] < places[two] for one, two in graph.edges if {one, two} <= places.keys())


def test_a_chain_of_ten_thousand_nodes():
    sources = {"n0": ""} | {f"n{index}": f"n{index - 1}" for index in range(1, 10_000)}
    assert len(body_of(flat_of(**sources), "n0", ["n9999"])) == 9999


def test_names_are_the_ends_of_paths_and_told_apart_by_number():
    assert named(["a/x", "x", "b/x", "y"]) == {"a/x": "x", "x": "x_2", "b/x": "x_3", "y": "y"}
    assert named(["a/x"], lambda name: f"3.{name}") == {"a/x": "3.x"}


def test_copies_have_links_to_each_other_to_what_is_given_and_out():
    flat = {
        "once": FlatNode("once", "Load", {}, {}),
        "a": FlatNode("a", "Add", {"b": 5}, {"a": ("start", "value1"), "model": ("once", "MODEL")}),
        "b": FlatNode("b", "Add", {}, {"a": ("a", "INT"), "b": ("start", "index")}),
    }
    flow = Flow()
    copies = Copies(flat, {"a": "1.a", "b": "1.b"}, {("start", "value1"): Link("/n", "INT"), ("start", "index"): 1})
    copies.add(flow, "a")
    copies.add(flow, "b")
    assert flow.nodes["1.a"].inputs == {"b": 5, "a": Link("/n", "INT"), "model": Link("/once", "MODEL")}
    assert flow.nodes["1.b"].inputs == {"a": Link("1.a", "INT"), "b": 1}
    assert copies.linked("b", "INT") == Link("1.b", "INT")
