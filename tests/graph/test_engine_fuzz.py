"""The short form of benchmarks/engine_fuzz.py: random workflows against a reference that knows no threads or caches."""

from collections import Counter

import pytest

from benchmarks.engine_fuzz import CACHES, round_of
from tests.graph.fuzz_nodes import Ref
from tests.graph.fuzz_workflows import Outcome, Reference, Several, Shut


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("kind", CACHES)
def test_random_workflows_give_what_the_reference_says(tmp_path, kind, width):
    counts: Counter[str] = Counter()
    for seed in range(6):
        round_of(1000 * width + seed, tmp_path / str(seed), counts, kind=kind, width=width)
    assert counts["compared"] >= 12


def test_the_reference_by_hand():
    nodes = {
        "n": ("FzNumber", {"value": 7}),
        "list": ("FzSpread", {"a": Ref("n"), "most": 3}),
        "gate": ("FzGate", {"a": Ref("list")}),
        "sum": ("FzTotal", {"items": Ref("list"), "offset": Ref("n")}),
        "all": ("FzTotal", {"items": Ref("gate")}),
        "bad": ("FzFrail", {"a": Ref("list"), "c": 1}),
        "pick": ("FzPick", {"which": Ref("n"), "yes": Ref("gate"), "no": Ref("bad")}),
        "tree": ("FzTree", {"a": Ref("n"), "depth": 1}),
    }
    reference = Reference(nodes, 0)
    assert reference.of("list").outputs["TOKEN"] == Several((7, 8, 9))
    assert reference.of("gate").outputs["TOKEN"] == Several((7, 8, Shut("9 is shut out")))
    assert reference.of("sum").outputs == {"total": 31, "parts": Several((7, 8, 9))}
    assert reference.of("all").state == "blocked"
    assert reference.of("bad") == Outcome("failed")
    assert reference.of("pick").outputs["TOKEN"] == Several((7, 8, Shut("9 is shut out")))
    assert reference.of("tree").outputs["TOKEN"] == (7 * 3 + 1) * 3 + (50 * 3 + 1) * 5
