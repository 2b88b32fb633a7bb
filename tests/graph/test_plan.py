import json
from typing import Any

import pytest

from graph.cache import Entry, MemoryCache
from graph.catalogue import Catalogue
from graph.errors import FileMissing, GraphError, InvalidWorkflow
from graph.folders import Folders, OutputFolder
from graph.history import History
from graph.plan import Plan, plan
from graph.record import Recording
from graph.run import run
from graph.workflow import load
from tests.graph.flows import document, flow

SERVICES: dict[str, Any] = {"desk": None, "weights": None}


@pytest.fixture(scope="module")
def toys():
    return Catalogue.of(["tests.graph.toy_nodes"])


@pytest.fixture
def cache():
    return MemoryCache(10**6, lambda values: 1)


def keys(planned: Plan) -> dict[str, str]:
    return {node: work.key for node, work in planned.works.items()}


def actions(planned: Plan) -> dict[str, str]:
    return {step.node: step.action for step in planned.steps}


def chain(**changed: Any):
    """n → a → c → k, and b beside it."""
    nodes = {
        "n": ("Number", {"value": 7}),
        "f": ("Fraction", {"value": 2.0}),
        "a": ("Add", {"a": "n.INT", "b": 2}),
        "b": ("Add", {"a": "n.INT", "b": 3}),
        "c": ("Add", {"a": "a.INT", "b": 4}),
        "k": ("Keep", {"a": "c.INT"}),
        "l": ("Keep", {"a": "b.INT"}),
        "m": ("Keep", {"a": "f.FLOAT"}),
    }
    for name, setting in changed.items():
        type_id, inputs = nodes[name]
        nodes[name] = (type_id, {**inputs, **setting})
    return nodes


def planned(toys, nodes, **options) -> Plan:
    return plan(flow(**nodes), toys, services=SERVICES, **options)


def test_a_plan_is_in_order_and_says_what_and_why(toys):
    made = planned(toys, {"k": ("Keep", {"a": "n.INT"}), "n": ("Number", {}), "alone": ("Number", {})})
    assert made.summary() == (
        ("n", "run", "not computed yet", None, "Number"),
        ("k", "run", "not computed yet", None, "Keep"),
    )
    assert [step.type for step in made.steps] == ["Number", "Keep"]
    assert made.unneeded == ()


@pytest.mark.parametrize(
    ("changed", "affected"),
    [
        ({"n": {"value": 8}}, "nabckl"),
        ({"a": {"b": 20}}, "ack"),
        ({"b": {"b": 20}}, "bl"),
        ({"c": {"b": 20}}, "ck"),
        ({"f": {"value": 3.0}}, "fm"),
        ({"c": {"a": "b.INT"}}, "ck"),
    ],
)
def test_changing_a_setting_or_a_link_changes_exactly_the_keys_downstream(toys, changed, affected):
    before, after = keys(planned(toys, chain())), keys(planned(toys, chain(**changed)))
    assert {name for name in after if before[name] != after[name]} == set(affected)


def test_ids_layout_titles_and_the_order_of_things_do_not_count(toys):
    text = document(**chain())
    renamed = json.loads(
        json.dumps(text).replace('"a"', '"zz"').replace('"zz": {"link"', '"a": {"link"').replace('"zz": 1', '"a": 1')
    )
    turned = {**text, "nodes": dict(reversed(text["nodes"].items())), "layout": {"nodes": {"n": {"x": 1, "y": 2}}}}
    for node in turned["nodes"].values():
        node["inputs"] = dict(reversed(node["inputs"].items()))
        node["title"] = "a title"
    first, second, third = (
        keys(plan(load(json.dumps(item)), toys, services=SERVICES)) for item in (text, renamed, turned)
    )
    assert "zz" in second
    assert set(first.values()) == set(second.values())
    assert first == third


@pytest.mark.parametrize(
    "same",
    [
        {"n": {"value": 7.0}},
        {"f": {"value": 2}},
        {"n": {"unknown": 3}},
    ],
)
def test_the_same_setting_written_otherwise_has_the_same_key(toys, same):
    nodes = chain(**same)
    assert keys(planned(toys, nodes)) == keys(planned(toys, chain()))


def test_a_default_is_the_same_whether_it_is_written_or_not(toys):
    written = {"x": ("Choose", {"which": "left", "maybe": None}), "k": ("Keep", {"a": "x.STRING"})}
    left_out = {"x": ("Choose", {}), "k": ("Keep", {"a": "x.STRING"})}
    assert keys(planned(toys, written)) == keys(planned(toys, left_out))


def test_only_nodes_that_take_weights_depend_on_the_device(toys):
    nodes = {"n": ("Number", {}), "c": ("Compute", {"a": "n.INT"}), "k": ("Keep", {"a": "c.INT"})}
    one, two = (keys(planned(toys, nodes, environment={"device": name})) for name in ("cpu", "cuda"))
    assert [name for name in one if one[name] != two[name]] == ["c", "k"]


def test_the_code_of_what_is_lent_counts(toys):
    """Weights are lent, not imported: nothing in the node's own code leads to the network that computes."""

    def key(weights: Any) -> str:
        return plan(flow(c=("Compute", {"a": 1})), toys, services={"weights": weights}, outputs=["c"]).works["c"].key

    ours, theirs = (
        type("Ours", (), {"__module__": "diffusion.memory"}),
        type("Theirs", (), {"__module__": "diffusion.values"}),
    )
    assert key(ours()) == key(ours())
    assert key(ours()) != key(theirs())


def test_where_and_what_an_output_node_writes_counts(toys, tmp_path):
    def key(folder: str, metadata: Any = "full") -> str:
        services = {"output": OutputFolder(tmp_path / folder)}
        recording = Recording(metadata=metadata)
        made = plan(flow(s=("Save", {"a": 1})), toys, services=services, recording=recording)
        return made.works["s"].key

    assert key("x") == key("x")
    assert len({key("x"), key("y"), key("x", "none")}) == 3


def test_a_file_counts_by_its_content(toys, tmp_path):
    for name, text in {"a.txt": "one", "b.txt": "one", "c.txt": "two"}.items():
        (tmp_path / "papers").mkdir(exist_ok=True)
        (tmp_path / "papers" / name).write_text(text)
    services = {"files": Folders([tmp_path])}

    def made(name: str) -> Plan:
        return plan(flow(r=("Read", {"file": name}), k=("Keep", {"a": "r.INT"})), toys, services=services)

    assert keys(made("a.txt")) == keys(made("b.txt"))
    assert not set(keys(made("a.txt")).values()) & set(keys(made("c.txt")).values())
    assert made("a.txt").works["r"].arguments["file"].path == tmp_path / "papers" / "a.txt"


def test_a_missing_file_is_told_with_its_node(toys, tmp_path):
    (tmp_path / "papers").mkdir()
    with pytest.raises(
        FileMissing, match=r"Input 'file' of node 'r' \(Read\): There is no file 'x.txt' in the folder 'papers'"
    ):
        plan(
            flow(r=("Read", {"file": "x.txt"}), k=("Keep", {"a": "r.INT"})),
            toys,
            services={"files": Folders([tmp_path])},
        )


def test_a_fingerprint_joins_the_key(toys):
    class Desk:
        def __init__(self, count: int) -> None:
            self.notes = ["x"] * count

    def key(count: int, value: int = 1) -> str:
        nodes = flow(t=("Tide", {"a": value}), k=("Keep", {"a": "t.INT"}))
        return plan(nodes, toys, services={"desk": Desk(count)}).works["t"].key

    assert key(1) == key(1)
    assert key(1) != key(2)


def test_what_has_no_fingerprint_is_never_reused(toys, cache, caplog):
    nodes = flow(t=("Tide", {"a": 1}), k=("Keep", {"a": "t.INT"}))
    one, two = (plan(nodes, toys, services={"desk": None}, cache=cache) for _ in range(2))
    assert one.works["t"].key != two.works["t"].key
    assert one.steps[0].why == "its fingerprint failed: AttributeError: 'NoneType' object has no attribute 'notes'"


def test_what_is_in_the_cache_prunes_all_that_only_it_needed(toys, cache):
    first = planned(toys, chain(), cache=cache)
    cache.put(first.works["c"].key, Entry((13,)))
    cache.put(first.works["l"].key, Entry())
    again = planned(toys, chain(), cache=cache)
    assert actions(again) == {"c": "reuse", "k": "run", "f": "run", "m": "run", "l": "reuse"}
    assert again.unneeded == ("n", "a", "b")
    assert {step.node: step.why for step in again.steps}["c"] == "in memory"


def test_the_same_work_asked_twice_runs_once(toys):
    nodes = {
        "n": ("Number", {"value": 7}),
        "n2": ("Number", {"value": 7.0}),
        "a": ("Add", {"a": "n.INT"}),
        "a2": ("Add", {"a": "n2.INT"}),
        "k": ("Keep", {"a": "a.INT"}),
        "k2": ("Keep", {"a": "a2.INT"}),
    }
    made = planned(toys, nodes)
    assert actions(made) == {"n": "run", "a": "run", "k": "run", "k2": "reuse"}
    assert made.steps[-1].why == "the same work as node 'k'"


def test_only_the_wanted_outputs_are_planned(toys):
    assert list(actions(planned(toys, chain(), outputs=["l"]))) == ["n", "b", "l"]
    assert list(actions(planned(toys, chain(), outputs=["c"]))) == ["n", "a", "c"]
    with pytest.raises(GraphError, match="There is no node 'kk' to take a result from. Did you mean 'k'?"):
        planned(toys, chain(), outputs=["kk"])


def test_a_subgraph_stands_for_the_outputs_inside(toys):
    text = {
        "format": "noisewright/workflow",
        "version": 1,
        "nodes": {"s": {"type": "subgraph/Pack", "inputs": {}}, "k": {"type": "Keep", "inputs": {"a": 1}}},
        "subgraphs": {
            "Pack": {
                "nodes": {
                    "n": {"type": "Number", "inputs": {}},
                    "k": {"type": "Keep", "inputs": {"a": {"link": ["n", "INT"]}}},
                }
            }
        },
    }
    assert list(actions(plan(load(json.dumps(text)), toys, services={}, outputs=["s"]))) == ["s/n", "s/k"]


def test_a_subgraph_without_outputs_inside_stands_for_what_gives_its_own(toys):
    number = {"type": "Number", "inputs": {}}
    text = {
        "format": "noisewright/workflow",
        "version": 1,
        "nodes": {"s": {"type": "subgraph/Outer", "inputs": {}}, "m": {"type": "subgraph/Mute", "inputs": {}}},
        "subgraphs": {
            "Outer": {
                "nodes": {"i": {"type": "subgraph/Inner", "inputs": {}}, "unused": number},
                "outputs": [
                    {"name": "x", "type": "INT", "from": ["i", "second"]},
                    {"name": "y", "type": "INT", "from": ["i", "second"]},
                ],
            },
            "Inner": {
                "nodes": {"a": number, "b": number},
                "outputs": [
                    {"name": "first", "type": "INT", "from": ["a", "INT"]},
                    {"name": "second", "type": "INT", "from": ["b", "INT"]},
                ],
            },
            "Mute": {
                "nodes": {"n": {**number, "mode": "mute"}},
                "outputs": [{"name": "x", "type": "INT", "from": ["n", "INT"]}],
            },
        },
    }
    document = load(json.dumps(text))
    assert list(actions(plan(document, toys, services={}, outputs=["s"]))) == ["s/i/b"]
    assert list(actions(plan(document, toys, services={}, outputs=["s/i"]))) == ["s/i/a", "s/i/b"]
    with pytest.raises(GraphError, match="There is no node 'm' to take a result from."):
        plan(document, toys, services={}, outputs=["m"])


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"k": ("Kept", {"a": 1})}, "Node 'k' is of unknown type 'Kept'. Did you mean 'Keep'?"),
        ({"a": ("Add", {"b": 1})}, r"Node 'a' \(Add\) has nothing at its input 'a', which it needs."),
        ({"a": ("Add", {"a": "x"})}, r"Input 'a' of node 'a' \(Add\) "),
        ({"f": ("Fraction", {"value": 11})}, r"Input 'value' of node 'f' \(Fraction\) is 11"),
        (
            {"n": ("Number", {}), "k": ("Keep", {"a": "n.INTT"})},
            r"Input 'a' of node 'k' is linked to the output 'INTT' of node 'n' \(Number\), .* Did you mean 'INT'\?",
        ),
        (
            {"s": ("Save", {"a": 1})},
            r"Node 's' \(Save\) asks for the service 'output', which is not there. There is 'around', 'desk'",
        ),
        (
            {"r": ("Read", {"file": "x"})},
            "Input 'file' of node 'r' .* names a file, but the service 'files' is not there.",
        ),
    ],
)
def test_what_cannot_run_is_one_sentence(toys, nodes, message):
    with pytest.raises(GraphError, match=message):
        planned(toys, nodes, outputs=list(nodes)[-1:])


def test_a_type_that_could_not_be_loaded_says_why():
    catalogue = Catalogue({}, errors={"Gone": "its module 'x' cannot be imported: ImportError: no"})
    with pytest.raises(
        GraphError, match="Node 'g' is of type 'Gone', but its module 'x' cannot be imported: ImportError: no."
    ):
        plan(flow(g=("Gone", {})), catalogue, services={}, outputs=["g"])


def test_a_subgraph_inside_itself_is_refused(toys):
    text = {
        "format": "noisewright/workflow",
        "version": 1,
        "nodes": {"s": {"type": "subgraph/S", "inputs": {}}},
        "subgraphs": {"S": {"nodes": {"s": {"type": "subgraph/S", "inputs": {}}}}},
    }
    with pytest.raises(InvalidWorkflow):
        plan(load(json.dumps(text)), toys, services={})


def test_nodes_that_are_not_wanted_may_be_broken(toys):
    nodes = {"k": ("Keep", {"a": 1}), "x": ("NoSuchType", {}), "y": ("Add", {})}
    assert actions(planned(toys, nodes)) == {"k": "run"}


def test_a_plan_holds_no_results(toys, cache):
    """Entries live in the cache and in runs; a plan may be kept for long."""
    first = planned(toys, chain(), cache=cache)
    list(run(first, services={**SERVICES, "desk": type("Desk", (), {"notes": []})()}, cache=cache))
    assert "Entry" not in repr(planned(toys, chain(), cache=cache).steps)


def remembered(toys, nodes, cache=None) -> tuple[Plan, History]:
    """A plan that was run, with a history of the run in which every node took half a second."""
    history = History()
    made = planned(toys, nodes, cache=cache)
    seconds = dict.fromkeys(made.works, 0.5)
    history.remember("here", made.past(seconds))
    history.learn(made.times(seconds))
    return made, history


def test_a_plan_says_what_has_changed_since_the_last_run(toys, cache):
    _, history = remembered(toys, chain())
    changed = planned(toys, chain(n={"value": 8}, b={"b": 9}), history=history, name="here", cache=cache)
    told = {step.node: (step.action, step.why) for step in changed.steps}
    assert told["n"] == ("run", "setting 'value' was 7, is 8")
    assert told["b"] == ("run", "setting 'b' was 3, is 9; node 'n' has changed")
    assert told["f"] == ("run", "computed before, but its result is not kept")
    assert {node: action for node, (action, _) in told.items() if node in "ack"} == {
        "a": "perhaps",
        "c": "perhaps",
        "k": "perhaps",
    }
    assert told["a"][1] == "node 'n' has changed"


def test_a_node_that_was_not_there_in_the_last_run_is_new(toys):
    nodes = chain()
    del nodes["m"]
    _, history = remembered(toys, nodes)
    steps = {step.node: step for step in planned(toys, chain(), history=history, name="here").steps}
    assert (steps["m"].action, steps["m"].why) == ("run", "not run before")
    assert {step.why for step in planned(toys, chain(), history=history, name="elsewhere").steps} == {
        "not computed yet"
    }


def test_a_plan_tells_how_long_nodes_took_before(toys):
    _, history = remembered(toys, chain())
    seconds = {step.node: step.seconds for step in planned(toys, chain(), history=history).steps}
    assert seconds == dict.fromkeys(seconds, 0.5)
    assert all(step.seconds is None for step in planned(toys, chain()).steps)


def test_what_is_only_perhaps_needed_is_so_through_and_through(dynamic):
    nodes = {
        "n": ("Number", {"value": 1}),
        "yes": ("Times", {"a": "n.INT"}),
        "e": ("Either", {"which": False, "yes": "yes.INT"}),
    }
    made = plan(flow(**nodes), dynamic, services=SERVICES, outputs=["e"])
    told = {step.node: (step.action, step.why) for step in made.steps}
    assert told == {
        "n": ("perhaps", "only if a node asks for it"),
        "yes": ("perhaps", "only if a node asks for it"),
        "e": ("run", "not computed yet"),
    }
    nodes["k"] = ("Keep", {"a": "n.INT"})
    made = plan(flow(**nodes), dynamic, services=SERVICES, outputs=["e", "k"])
    assert {step.node: step.action for step in made.steps} == {"n": "run", "yes": "perhaps", "e": "run", "k": "run"}


@pytest.fixture(scope="module")
def dynamic():
    return Catalogue.of(["tests.graph.toy_nodes", "tests.graph.dynamic_nodes"])
