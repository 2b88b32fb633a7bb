import pytest

from graph.errors import GraphError
from graph.flat import Flat, FlatNode
from graph.order import ordered


def graph(text: str) -> Flat:
    """A flat graph from lines such as "c: a b" (c takes results of a and b)."""
    flat: Flat = {}
    for line in text.strip().splitlines():
        name, _, sources = line.strip().partition(":")
        links = {f"in{index}": (source, "INT") for index, source in enumerate(sources.split())}
        flat[name] = FlatNode(name, "Toy", {}, links)
    return flat


def order(text: str, wanted: str) -> str:
    """Nodes whose names begin with M load models."""
    return " ".join(ordered(graph(text), wanted.split(), lambda node: node.id.startswith("M")))


def test_every_node_comes_after_those_it_needs_and_the_rest_stays_away():
    """a → b → d, a → c → d; e is not wanted."""
    assert order("d: b c\nb: a\nc: a\na:\ne: d", "d") == "a b c d"


def test_one_output_is_finished_before_the_next_is_begun():
    assert order("x: a1\ny: b1\na1: a\nb1: b\na:\nb:", "x y") == "a a1 x b b1 y"


def test_what_holds_more_at_once_comes_first():
    """A picture is loaded only after the long way to the other one is done.

    picture ─┐
    a ─ c ───┴ blend        (c needs a and b at once)
    b ─┘
    """
    assert order("blend: picture c\npicture:\nc: a b\na:\nb:", "blend") == "a b c picture blend"


def test_what_is_computed_from_one_model_follows_each_other():
    """Pictures of the models M1, M2, M1, M2 in one grid: M1 is needed once, then M2."""
    text = "grid: a b c d\na: M1\nb: M2\nc: M1\nd: M2\nM1:\nM2:"
    assert order(text, "grid") == "M1 a c M2 b d grid"


def test_wanted_nodes_of_one_model_follow_each_other():
    text = "w1: a\nw2: b\nw3: c\nw4:\na: M1\nb: M2\nc: M1\nM1:\nM2:"
    assert order(text, "w1 w2 w3 w4") == "M1 a w1 c w3 M2 b w2 w4"


def test_a_lora_belongs_to_the_model_it_changes():
    text = "grid: a b c\na: Mlora1\nb: M2\nc: Mlora2\nMlora1: M1\nMlora2: M1\nM1:\nM2:"
    assert order(text, "grid") == "M1 Mlora1 a Mlora2 c M2 b grid"


def test_two_links_from_one_node_are_one_need():
    assert order("b: a a a\na:", "b") == "a b"


@pytest.mark.parametrize(
    ("text", "circle"),
    [
        ("a: a", "'a' → 'a'"),
        ("w: a\na: b\nb: c\nc: a x\nx:", "'c' → 'b' → 'a' → 'c'"),
        ("w: a b\na: b\nb: c\nc: a", "'c' → 'b' → 'a' → 'c'"),
    ],
)
def test_a_circle_is_told_in_the_direction_of_its_links(text, circle):
    with pytest.raises(GraphError, match="The links form a circle: (.*). Remove one of them.") as caught:
        order(text, text[0])
    assert circle in str(caught.value)


def test_a_link_to_nowhere():
    with pytest.raises(GraphError, match="There is no node 'ghost' in the workflow. Node 'a' is linked to it."):
        order("a: ghost", "a")


def test_ten_thousand_nodes_in_a_row_need_no_recursion():
    count = 10_000
    text = "n0:\n" + "\n".join(f"n{index}: n{index - 1}" for index in range(1, count))
    assert order(text, f"n{count - 1}").split() == [f"n{index}" for index in range(count)]


def test_a_ladder_of_diamonds_is_linear():
    """Each rung takes both outputs of the one below: 2**200 ways lead to the top, 600 nodes are visited."""
    lines = ["top0:"]
    for rung in range(1, 201):
        lines += [f"l{rung}: top{rung - 1}", f"r{rung}: top{rung - 1}", f"top{rung}: l{rung} r{rung}"]
    assert len(order("\n".join(lines), "top200").split()) == 601
