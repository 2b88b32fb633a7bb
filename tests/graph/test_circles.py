import networkx
from hypothesis import given
from hypothesis import strategies as st

from graph.circles import circles

names = st.sampled_from("abcdefgh")
graphs = st.dictionaries(names, st.lists(names, max_size=4), max_size=8)


@given(graphs)
def test_one_circle_for_each_knot_that_networkx_finds(origins):
    graph = networkx.DiGraph()
    graph.add_nodes_from(origins)
    graph.add_edges_from((origin, node) for node, feeding in origins.items() for origin in feeding if origin in origins)
    knots = [
        knot
        for knot in networkx.strongly_connected_components(graph)
        if len(knot) > 1 or any(graph.has_edge(node, node) for node in knot)
    ]
    found = circles(origins)
    assert len(found) == len(knots)
    for path in found:
        assert path[0] == path[-1]
        assert len(set(path)) == len(path) - 1
        assert all(graph.has_edge(here, there) for here, there in zip(path, path[1:], strict=False))
        assert any(set(path) <= knot for knot in knots)


def test_the_path_follows_the_flow():
    """a → b → c → a, and d hangs below it."""
    assert circles({"a": ["c"], "b": ["a"], "c": ["b"], "d": ["c"]}) == [["a", "b", "c", "a"]]


def test_a_long_circle_needs_no_recursion():
    size = 20_000
    origins = {str(n): [str((n - 1) % size)] for n in range(size)}
    assert [len(path) for path in circles(origins)] == [size + 1]
