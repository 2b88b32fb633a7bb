"""What is warned of while a node computes is shown at that node, and at no other."""

import logging

import pytest

from graph.cache import MemoryCache
from graph.catalogue import Catalogue
from graph.events import NodeFinished
from graph.hearing import MOST
from graph.plan import plan
from graph.run import run
from tests.graph.flows import flow

LOGGER = "tests.graph.warning_nodes"


def shown(workflow, cache=None) -> dict[str, dict]:
    """What each node shows."""
    made = plan(workflow, Catalogue.of([LOGGER]), outputs=list(workflow.nodes), services={}, cache=cache)
    events = list(run(made, services={}, cache=cache))
    return {event.node: dict(event.outputs) for event in events if isinstance(event, NodeFinished)}


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("Warn", {"warnings": ["It is odd."]}),
        ("WarnInSteps", {"warnings": ["Step 0 is odd.", "Step 1 is odd."]}),
        ("WarnLater", {"warnings": ["Soon it is odd.", "Now it is odd."]}),
        ("WarnShowing", {"text": ["shown"], "warnings": ["It is odd."]}),
        ("WarnGrowing", {"warnings": ["It grows odd."]}),
    ],
)
def test_a_warning_is_shown_at_its_node(kind, found):
    assert shown(flow(a=(kind, {"text": "odd"})))["a"] == found


def test_a_node_of_which_nothing_is_to_be_said_shows_nothing():
    assert shown(flow(a=("Warn", {"text": "odd", "times": 0})))["a"] == {}


def test_the_same_is_said_once_and_not_everything():
    assert shown(flow(a=("Warn", {"text": "odd", "times": 5})))["a"] == {"warnings": ["It is odd."]}
    assert shown(flow(a=("WarnEach", {"count": MOST + 5})))["a"]["warnings"] == [str(each) for each in range(MOST)]


def test_a_warning_that_cannot_be_written_is_no_failure(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(LOGGER), "propagate", False)
    assert shown(flow(a=("WarnBadly", {"text": "odd"})))["a"] == {}
    assert "TypeError" in capsys.readouterr().err


def test_nodes_at_work_at_once_are_told_apart():
    """`async` nodes take turns on one thread."""
    texts = {name: (kind, {"text": name}) for name, kind in (("a", "WarnLater"), ("b", "WarnLater"), ("c", "Warn"))}
    assert shown(flow(**texts)) == {
        "a": {"warnings": ["Soon it is a.", "Now it is a."]},
        "b": {"warnings": ["Soon it is b.", "Now it is b."]},
        "c": {"warnings": ["It is c."]},
    }


def test_a_result_that_is_used_again_is_warned_of_again():
    cache = MemoryCache(10**6, lambda values: 1)
    workflow = flow(a=("Warn", {"text": "odd"}), b=("Warn", {"text": "a.STRING", "times": 0}))
    first, second = shown(workflow, cache), shown(workflow, cache)
    assert first["a"] == second["a"] == {"warnings": ["It is odd."]}
    assert first["b"] == {}
