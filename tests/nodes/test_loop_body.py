"""Bodies of loops against networkx, and copies of them."""

import random

import networkx
import pytest

from graph.document import Link
from graph.flat import FlatNode
from graph.flow import Flow
from graph.folders import Folders
from nodes.loop_body import Copies, Structure, beside, body_of, grown_from, named
from tests.nodes.bench import CATALOGUE


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


def test_what_an_end_of_the_loop_gives_comes_after_it():
    """start → a → end → b, and b needs the start, too; an end is known by its link to `flow`."""
    flat = flat_of(start="", a="start", end="a", b="end start", c="end")
    flat["end"] = FlatNode("end", "Toy", {}, {"flow": ("start", "flow"), "in0": ("a", "out")})
    assert body_of(flat, "start", ["a"]) == ("a",)
    assert body_of(flat, "start", ["b"]) == ("b",)
    assert body_of(flat, "start", ["c"]) == ()


def test_beside_the_way_are_output_nodes_that_need_the_start_and_not_the_end():
    """All but `start` and `end` are output nodes; x/shown stands in what x has expanded into."""
    flat = flat_of(
        start="", on_the_way="start", end="start on_the_way", side="on_the_way", before="", after="end start", x="start"
    )
    flat["end"] = FlatNode("end", "Toy", {}, {"flow": ("start", "flow"), "in0": ("on_the_way", "out")})
    flat |= {"x/shown": FlatNode("x/shown", "Toy", {}, {"in0": ("start", "out")})}
    flat |= {"subgraph/shown": FlatNode("subgraph/shown", "Toy", {}, {"in0": ("side", "out")})}
    assert beside(flat, "start", "end", lambda type_id: type_id == "Toy") == ("side", "x", "subgraph/shown")
    assert beside(flat, "start", "end", lambda type_id: False) == ()


def test_where_a_node_has_grown_from():
    flat = flat_of(**{"x": "", "x/y": "", "x/2/z": "", "x/y/a": "", "group/b": ""})
    found = {node: grown_from(flat, node) for node in flat}
    assert found == {"x": "", "x/y": "x", "x/2/z": "x", "x/y/a": "x/y", "group/b": ""}


# Structures


class Graph:
    """start → a (+ 5) → save, with once → a; all parts may be changed."""

    def __init__(self, tmp_path) -> None:
        self.papers = Folders(places={"papers": [tmp_path]})
        self.paper = tmp_path / "paper.txt"
        self.paper.write_text("one")
        self.flat = {
            "once": FlatNode("once", "Read", {"file": "paper.txt"}, {}),
            "start": FlatNode("start", "Toy", {}, {}),
            "a": FlatNode("a", "Add", {}, {"a": ("start", "value1"), "b": ("once", "INT")}),
            "save": FlatNode("save", "Save", {"prefix": "x"}, {"a": ("a", "INT")}),
        }

    def digest(self, *nodes: str, covered: tuple[str, ...] = ()) -> str:
        structure = Structure(self.flat, CATALOGUE, self.papers, "start", covered)
        return structure.of(nodes or ("save",))

    def set(self, node: str, **settings) -> None:
        old = self.flat[node]
        self.flat[node] = FlatNode(old.id, old.type, {**old.settings, **settings}, old.links)


@pytest.fixture
def graph(tmp_path) -> Graph:
    return Graph(tmp_path)


def test_a_structure_is_the_same_for_other_ids(graph):
    before = graph.digest()
    ids = {"once": "n1", "a": "n2", "save": "n3", "start": "start"}
    graph.flat = {
        ids[node.id]: FlatNode(
            ids[node.id],
            node.type,
            node.settings,
            {name: (ids[source], out) for name, (source, out) in node.links.items()},
        )
        for node in reversed(graph.flat.values())
    }
    assert graph.digest("n3") == before
    assert graph.digest("n2") != before


def test_a_structure_changes_with_settings_links_and_files(graph):
    found = {graph.digest()}
    graph.set("save", prefix="y")
    found.add(graph.digest())
    graph.set("a", more=1)
    found.add(graph.digest())
    graph.flat["a"] = FlatNode("a", "Add", {}, {"a": ("start", "value2"), "b": ("once", "INT")})
    found.add(graph.digest())
    graph.paper.write_text("two, and longer")
    found.add(graph.digest())
    assert len(found) == 5
    assert graph.digest() in found


def test_of_what_is_covered_the_files_do_not_count_and_unknown_is_what_is_not_pure(graph):
    before = graph.digest(covered=("once",))
    graph.paper.write_text("two, and longer")
    assert graph.digest(covered=("once",)) == before
    graph.flat["once"] = FlatNode("once", "Tide", {"a": 1}, {})
    assert graph.digest(covered=("once",)) == graph.digest(covered=("once",))
    assert graph.digest() != graph.digest()
    graph.flat["a"] = FlatNode("a", "Add", {}, {"a": ("end/1.a#a", "value")})
    assert graph.digest() != graph.digest()


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
