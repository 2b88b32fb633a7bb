import json
from dataclasses import replace

import networkx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.check import check
from graph.flat import flatten
from graph.folders import Folders
from graph.problem import Problem, errors
from graph.settings import coerce
from graph.workflow import (
    Interface,
    InterfaceInput,
    InterfaceOutput,
    Link,
    Node,
    Subgraph,
    SubgraphInput,
    SubgraphOutput,
    Workflow,
    dump,
    load,
)

GOOD = {
    "load": Node("Load", {"name": "a.png"}),
    "scale": Node("Scale", {"image": Link("load", "IMAGE")}),
    "save": Node("Save", {"images": Link("scale", "IMAGE")}),
}


def tuple_of(item: object) -> tuple[object, ...]:
    return (item,)


IDS = st.sampled_from(["a", "b", "c", "load", "scale"])
LINKS = st.builds(Link, IDS, st.sampled_from(["IMAGE", "IMAGE", "IMAGE", "INT", "MASK", "*", "out", "gone"]))
SETTINGS = st.sampled_from([0, 1, 7.0, -3, 1e9, True, None, "area", "x.png", "", [1, 2], {"a": 1}])
WHOLE = st.integers(-1, 3) | LINKS
NODES = st.one_of(
    st.builds(Node, st.just("Number"), st.fixed_dictionaries({}, optional={"value": WHOLE})),
    st.builds(Node, st.just("Add"), st.fixed_dictionaries({"a": WHOLE}, optional={"b": WHOLE})),
    st.builds(Node, st.just("Load"), st.fixed_dictionaries({"name": st.just("a.png")})),
    st.builds(
        Node, st.just("Scale"), st.fixed_dictionaries({"image": LINKS}, optional={"steps": WHOLE, "mask": LINKS})
    ),
    st.builds(Node, st.just("Split"), st.fixed_dictionaries({"image": LINKS})),
    st.builds(Node, st.just("Pass"), st.fixed_dictionaries({"value": LINKS | SETTINGS})),
    st.builds(Node, st.just("Blur"), st.fixed_dictionaries({"picture": LINKS}), st.integers(1, 3)),
    st.builds(Node, st.sampled_from(["subgraph/S", "subgraph/T"]), st.fixed_dictionaries({"in": LINKS})),
    st.builds(Node, st.sampled_from(["Nowhere", "Save"]), st.dictionaries(st.just("images"), LINKS | SETTINGS)),
)
MODES = st.sampled_from(["", "", "", "mute", "bypass"])
GRAPHS = st.dictionaries(IDS, st.builds(replace, NODES, mode=MODES), max_size=5)
SUBGRAPHS = st.builds(
    Subgraph,
    GRAPHS,
    st.builds(SubgraphInput, st.just("in"), st.lists(st.tuples(IDS, st.just("image")), max_size=1).map(tuple)).map(
        tuple_of
    ),
    st.builds(SubgraphOutput, st.just("out"), LINKS).map(tuple_of),
)
WORKFLOWS = st.builds(
    lambda nodes, link, subgraphs: Workflow(
        {**GOOD, **nodes, "save": Node("Save", {"images": link})}, subgraphs=subgraphs
    ),
    GRAPHS,
    LINKS,
    st.fixed_dictionaries({"S": SUBGRAPHS}, optional={"T": SUBGRAPHS}),
)


def summary(problems: list[Problem]) -> list[tuple[object, ...]]:
    return [(item.severity, item.code, item.node, item.input, str(item)) for item in problems]


def test_a_good_workflow_has_no_problems(toys):
    assert check(Workflow(GOOD), toys) == []


@pytest.mark.parametrize(
    ("changes", "code", "node", "input_name", "text"),
    [
        ({"scale": Node("Scael", {"image": Link("load", "IMAGE")})},
         "unknown_type", "scale", None, "Node 'scale' is of type 'Scael', which does not exist. Did you mean 'Scale'?"),
        ({"scale": Node("Qqqqq", {})},
         "unknown_type", "scale", None,
         "Node 'scale' is of type 'Qqqqq', which does not exist. It may come from a pack that is not installed."),
        ({"scale": Node("Broken", {})},
         "broken_pack", "scale", None,
         "Node 'scale' is of type 'Broken', but its module 'broken' cannot be imported: ImportError: no module "
         "named 'cv'. "
         "Mend or update the pack it comes from."),
        ({"scale": Node("subgraph/Twic", {})},
         "unknown_subgraph", "scale", None,
         "Node 'scale' uses the subgraph 'Twic', which the workflow does not have. Did you mean 'Twice'?"),
        ({"scale": Node("Scale", {"image": Link("load", "IMAGE"), "factr": 2.0})},
         "unknown_input", "scale", "factr", "Node 'scale' (Scale) has no input 'factr'. Did you mean 'factor'?"),
        ({"scale": Node("Scale", {"image": Link("load", "IMAGE"), "xyz": Link("load", "IMAGE")})},
         "unknown_input", "scale", "xyz",
         "Node 'scale' (Scale) has no input 'xyz'. There is 'image', 'factor', 'steps', 'method', 'smooth' and "
         "'mask'."),
        ({"scale": Node("Scale", {})},
         "missing_input", "scale", "image",
         "Node 'scale' (Scale): the input 'image' (IMAGE) holds nothing, but the node needs it. "
         "Link it to an output of type IMAGE."),
        ({"load": Node("Load", {})},
         "missing_input", "load", "name",
         "Node 'load' (Load): the input 'name' (COMBO) holds nothing, but the node needs it. Give it a value or "
         "a link."),
        ({"load": Node("Load", {"name": "a.png"}, mode="mute")},
         "missing_input", "scale", "image",
         "Node 'scale' (Scale): the input 'image' (IMAGE) holds nothing, but the node needs it. "
         "Its link ends at node 'load', which is muted: enable that node, or link it elsewhere."),
        ({"load": Node("Load", {"name": "a.png"}, mode="bypass")},
         "missing_input", "scale", "image",
         "Node 'scale' (Scale): the input 'image' (IMAGE) holds nothing, but the node needs it. "
         "Its link ends at node 'load', which is bypassed and has nothing to pass on: enable that node, or link "
         "it elsewhere."),
        ({"scale": Node("Scale", {"image": Link("laod", "IMAGE")})},
         "dangling_link", "scale", "image",
         "Node 'scale' (Scale): 'image' is linked to node 'laod', which does not exist. Did you mean 'load'?"),
        ({"scale": Node("Scale", {"image": Link("load", "IMAG")})},
         "dangling_link", "scale", "image",
         "Node 'scale' (Scale): 'image' is linked to output 'IMAG' of node 'load' (Load), which has no such output. "
         "Did you mean 'IMAGE'?"),
        ({"load": Node("Scale", {}, mode="bypass"), "scale": Node("Scale", {"image": Link("load", "MASK")})},
         "dangling_link", "scale", "image",
         "Node 'scale' (Scale): 'image' is linked to output 'MASK' of node 'load', which has no such output and "
         "is bypassed. "
         "Link it to another output."),
        ({"t": Node("subgraph/Twice", {}), "scale": Node("Scale", {"image": Link("t", "imag")})},
         "dangling_link", "scale", "image",
         "Node 'scale' (Scale): 'image' is linked to output 'imag' of node 't', which has no such output. Did "
         "you mean 'image'?"),
        ({"n": Node("Number", {}), "scale": Node("Scale", {"image": Link("n", "INT")})},
         "wrong_link_type", "scale", "image",
         "Node 'scale' (Scale): 'image' takes IMAGE, but output 'INT' of node 'n' (Number) is INT. "
         "Link it to an output of type IMAGE."),
        ({"p": Node("Split", {"image": Link("load", "IMAGE")}), "scale": Node("Scale", {"image": Link("p", "MASK")})},
         "wrong_link_type", "scale", "image",
         "Node 'scale' (Scale): 'image' takes IMAGE, but output 'MASK' of node 'p' (Split) is MASK. Link it to "
         "'IMAGE' there."),
        ({"scale": Node("Scale", {"image": Link("load", "IMAGE"), "steps": 0})},
         "out_of_range", "scale", "steps",
         "Node 'scale' (Scale): 'steps' is 0, but must be at least 1. Set it to a value from 1 to 100."),
        ({"scale": Node("Scale", {"image": Link("load", "IMAGE"), "steps": True})},
         "wrong_type", "scale", "steps",
         "Node 'scale' (Scale): 'steps' takes a whole number, but is true. Set it to a whole "
         "number from 1 to 100."),
        ({"scale": Node("Scale", {"image": Link("load", "IMAGE"), "method": "aera"})},
         "not_a_choice", "scale", "method",
         "Node 'scale' (Scale): 'method' is \"aera\", which is not one of its choices. Did you mean 'area'?"),
        ({"scale": Node("Scale", {"image": "a.png"})},
         "wrong_type", "scale", "image",
         "Node 'scale' (Scale): 'image' takes a link from an output of type IMAGE, but is a text: \"a.png\". "
         "Link it to a node that gives IMAGE."),
        ({"scale": Node("Blur", {"image": Link("load", "IMAGE")}, version=7)},
         "newer_node", "scale", None,
         "Node 'scale' cannot be used as it was saved: it was saved as version 7 of Blur, but version 2 is the "
         "newest here. "
         "Update the program or the pack it comes from."),
        ({"a/b": Node("Load", {"name": "a.png"}), "scale": Node("Scale", {"image": Link("a/b", "IMAGE")})},
         "bad_id", "a/b", None, "Node 'a/b' has an id that cannot be used. Give it another id: '/' joins the "
                                "ids of a path."),
        ({"scale": Node("Scale", {"image": Link("load", "IMAGE")}, extra={"mode": "off"})},
         "wrong_value", "scale", None,
         "Node 'scale': 'mode' is \"off\", but must be \"mute\" or \"bypass\". Set it to \"mute\" or "
         "\"bypass\", or leave it out."),
        ({"scale": Node("Scale", {"image": Link("load", "IMAGE")}, extra={"titel": "x", "x-own": 1})},
         "unknown_key", "scale", None,
         "Node 'scale' has the key 'titel', which the format does not know. Did you mean 'title'?"),
    ],
)  # fmt: skip
def test_one_thing_wrong(toys, changes, code, node, input_name, text):
    twice = Subgraph({"s": Node("Load", {"name": "b.png"})}, (), (SubgraphOutput("image", Link("s", "IMAGE")),))
    problems = check(Workflow({**GOOD, **changes}, subgraphs={"Twice": twice}), toys)
    assert summary(problems) == [("error", code, node, input_name, text)]


def test_all_at_once_in_order(toys):
    workflow = load(
        json.dumps(
            {
                "format": "noisewright/workflow",
                "version": 1,
                "nods": {},
                "nodes": {
                    "a": {"type": "Load", "inputs": {"name": 3}},
                    "b": {"type": "Scale", "inputs": {"image": {"links": ["a", "IMAGE"]}, "factor": 9, "method": "x"}},
                    "c": {"type": "Save", "inputs": {"images": {"link": ["b", "IMAGE"]}, "prefix": None}},
                },
            }
        )
    )
    assert [(item.code, item.node, item.input) for item in check(workflow, toys)] == [
        ("unknown_key", None, None),
        ("malformed_input", "b", "image"),
        ("wrong_type", "a", "name"),
        ("out_of_range", "b", "factor"),
        ("not_a_choice", "b", "method"),
        ("missing_input", "b", "image"),
        ("wrong_type", "c", "prefix"),
    ]


@pytest.mark.parametrize(("value", "output"), [(Link("n", "INT"), "INT"), (7, None), (7.0, None), (str(2**60), None)])
def test_what_is_fine(toys, value, output):
    """Integers for FLOAT, 7.0 for INT, large integers as text, INT links to FLOAT inputs, absent inputs with a "
    "default."""
    nodes = {
        **GOOD,
        "n": Node("Number", {"value": 7 if isinstance(value, Link) else value}),
        "scale": Node("Scale", {"image": Link("load", "IMAGE"), "factor": Link("n", "INT"), "mask": None}),
    }
    assert check(Workflow(nodes), toys) == []
    assert output is None or isinstance(value, Link)


def test_islands_give_warnings(toys):
    """load → scale → save is finished; the Scale beside it is not, and nothing wanted needs it."""
    workflow = Workflow({**GOOD, "island": Node("Scale", {"steps": 0})})
    assert [(item.severity, item.code, item.node) for item in check(workflow, toys)] == [
        ("warning", "out_of_range", "island"),
        ("warning", "missing_input", "island"),
    ]


def test_a_node_of_unknown_type_at_an_end_may_be_an_output(toys):
    """It feeds nothing, so it may be what the person wants; in the middle of an island it is not."""
    end = Workflow({**GOOD, "end": Node("SaveElsewhere", {"images": Link("scale", "IMAGE")})})
    assert [(item.severity, item.node) for item in check(end, toys)] == [("error", "end")]
    middle = Workflow({**GOOD, "x": Node("Nowhere", {}), "island": Node("Scale", {"image": Link("x", "IMAGE")})})
    assert [(item.severity, item.node) for item in check(middle, toys)] == [("warning", "x")]


def test_only_wanted_outputs_count(toys):
    workflow = Workflow({**GOOD, "other": Node("Save", {})})
    assert [item.severity for item in check(workflow, toys)] == ["error"]
    assert [item.severity for item in check(workflow, toys, outputs=["save"])] == ["warning"]
    assert summary(check(workflow, toys, outputs=["sav", "save"]))[-1] == (
        "error", "unknown_output", None, None,
        "The wanted output 'sav' is not a node that runs. Did you mean 'save'?",
    )  # fmt: skip


def test_an_instance_stands_for_the_outputs_inside(toys):
    inner = Subgraph({"save": Node("Save", {})}, (SubgraphInput("i", (("save", "images"),)),))
    workflow = Workflow({**GOOD, "sub": Node("subgraph/S", {})}, subgraphs={"S": inner})
    assert [(item.severity, item.node) for item in check(workflow, toys, outputs=["sub"])] == [("error", "sub/save")]
    assert [(item.severity, item.node) for item in check(workflow, toys, outputs=["save"])] == [("warning", "sub/save")]


@pytest.mark.parametrize("nodes", [{}, {"n": Node("Number", {})}])
def test_nothing_to_make(toys, nodes):
    assert summary(check(Workflow(nodes), toys)) == [
        ("error", "no_output", None, None,
         "The workflow has no node that makes an output. Add an output node: 'Save' and 'Print'."),
    ]  # fmt: skip


def test_a_circle_with_its_path(toys):
    workflow = Workflow(
        {
            "a": Node("Scale", {"image": Link("c", "IMAGE")}),
            "b": Node("Scale", {"image": Link("a", "IMAGE")}),
            "c": Node("Scale", {"image": Link("b", "IMAGE")}),
            "save": Node("Save", {"images": Link("c", "IMAGE")}),
        }
    )
    assert summary(check(workflow, toys)) == [
        ("error", "cycle", "a", None,
         "Nodes wait for each other in a circle: a → b → c → a. Remove one of these links."),
    ]  # fmt: skip


def test_a_large_circle_is_shortened(toys):
    nodes = {str(n): Node("Add", {"a": Link(str((n - 1) % 10_000), "INT")}) for n in range(10_000)}
    (problem,) = check(Workflow({**nodes, "p": Node("Print", {"value": Link("5", "INT")})}), toys)
    assert problem.code == "cycle"
    assert problem.message == (
        "Nodes wait for each other in a circle: 0 → 1 → 2 → 3 → 4 → 5 → 6 → 7 → 8 → 9 → 10 → 11 → "
        "… 9978 more … → 9990 → 9991 → 9992 → 9993 → 9994 → 9995 → 9996 → 9997 → 9998 → 9999 → 0."
    )


def test_files(toys, tmp_path):
    """A file that is there, one that is somewhere else under the same base name, one that is not there."""
    (tmp_path / "deep").mkdir()
    for name in ("a.png", "deep/b.png"):
        (tmp_path / name).write_bytes(b"x")
    files = Folders(places={"pictures": (tmp_path,)})

    def found(name):
        return check(Workflow({**GOOD, "load": Node("Load", {"name": name})}), toys, files)

    assert found("a.png") == found("deep\\b.png") == []
    (substituted,) = found("old/b.png")
    assert (substituted.severity, substituted.code) == ("warning", "substituted_file")
    assert (
        substituted.message
        == "Node 'load' (Load): 'old/b.png' is not in 'pictures'; 'deep/b.png' is used in its place."
    )
    (missing,) = found("c.png")
    assert (missing.severity, missing.code, missing.node, missing.input) == ("error", "missing_file", "load", "name")
    assert "'c.png'" in missing.message
    assert check(Workflow({**GOOD, "load": Node("Load", {"name": "c.png"})}), toys) == []


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        (Subgraph({}, (SubgraphInput("i", (("gone", "x"),)),)),
         "Subgraph 'S': input 'i' leads to node 'gone', which is not there. There is nothing."),
        (Subgraph({"s": Node("Scale")}, (SubgraphInput("i", (("s", "imag"),)),)),
         "Subgraph 'S': input 'i' leads to input 'imag' of node 's' (Scale), which has no such input. Did you "
         "mean 'image'?"),
        (Subgraph({"s": Node("Scale")}, (SubgraphInput("i", (("s", "image"),)), SubgraphInput("j", (("s", "image"),)))),
         "Subgraph 'S': two of its inputs lead to input 'image' of node 's'. Keep one of them."),
        (Subgraph({"s": Node("Scale")}, (SubgraphInput("i", ()), SubgraphInput("i", ()))),
         "Subgraph 'S': it has two inputs named 'i'. Rename one of them."),
        (Subgraph({}, (), (SubgraphOutput("o", Link("gone", "x")),)),
         "Subgraph 'S': output 'o' comes from node 'gone', which is not there. There is nothing."),
        (Subgraph({"s": Node("Scale")}, (), (SubgraphOutput("o", Link("s", "IMAG")),)),
         "Subgraph 'S': output 'o' comes from output 'IMAG' of node 's' (Scale), which has no such output. "
         "Did you mean 'IMAGE'?"),
    ],
)  # fmt: skip
def test_bad_definitions_stand_once_and_are_warnings_where_they_are_not_used(toys, definition, text):
    unused = check(Workflow(GOOD, subgraphs={"S": definition}), toys)
    assert [(item.severity, item.code, item.subgraph, str(item)) for item in unused] == [
        ("warning", "bad_subgraph", "S", text)
    ]


def test_a_bad_definition_in_use_is_an_error(toys):
    """Two uses, one error."""
    definition = Subgraph(
        {"s": Node("Load", {"name": "x"})},
        (SubgraphInput("i", (("gone", "x"),)),),
        (SubgraphOutput("o", Link("s", "IMAGE")),),
    )
    nodes = {name: Node("subgraph/S", {"j": 3}) for name in ("a", "b")} | {
        "pass": Node("Blend", {"mask": Link("m", "MASK"), "image": Link("a", "o"), "other": Link("b", "o")}),
        "m": Node("Split", {"image": Link("a", "o")}),
        "save": Node("Save", {"images": Link("pass", "IMAGE")}),
    }
    problems = check(Workflow(nodes, subgraphs={"S": definition}), toys)
    assert [(item.severity, item.code, item.subgraph, item.node) for item in problems] == [
        ("error", "unknown_input", None, "a"),
        ("error", "unknown_input", None, "b"),
        ("error", "bad_subgraph", "S", None),
    ]


def test_problems_inside_a_subgraph_have_the_path_of_the_node(toys):
    definition = Subgraph({"save": Node("Save", {"prefix": 3})}, (SubgraphInput("i", (("save", "images"),)),))
    workflow = Workflow({**GOOD, "sub": Node("subgraph/S", {"i": Link("load", "IMAGE")})}, subgraphs={"S": definition})
    assert summary(check(workflow, toys)) == [
        ("error", "wrong_type", "sub/save", "prefix",
         "Node 'sub/save' (Save): 'prefix' takes a text, but is a number: 3. Write it in quotes."),
    ]  # fmt: skip


def test_a_subgraph_in_itself(toys):
    workflow = Workflow({**GOOD, "s": Node("subgraph/S")}, subgraphs={"S": Subgraph({"i": Node("subgraph/S")})})
    assert summary(check(workflow, toys)) == [
        ("error", "subgraph_recursion", "s/i", None,
         "Node 's/i' puts the subgraph 'S' inside itself: 'S' → 'S'. Remove one of these uses."),
    ]  # fmt: skip


def test_a_failed_upgrade_is_told_once(toys):
    workflow = Workflow({**GOOD, "scale": Node("Blur", {"picture": Link("load", "IMAGE"), "strength": "boom"})})
    assert summary(check(workflow, toys)) == [
        ("error", "upgrade_failed", "scale", None,
         "Node 'scale' cannot be used as it was saved: upgrading it from version 1 to 2 of Blur failed: "
         "KeyError: 'boom'. "
         "Put a new node in its place."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("interface", "text"),
    [
        (Interface((InterfaceInput("f", "scael", "factor"),)),
         "Interface: input 'f' leads to node 'scael', which is not there. Did you mean 'scale'?"),
        (Interface((InterfaceInput("f", "scale", "factr"),)),
         "Interface: input 'f' leads to input 'factr' of node 'scale' (Scale), which has no such input. Did you "
         "mean 'factor'?"),
        (Interface((InterfaceInput("f", "scale", "image"),)),
         "Interface: input 'f' leads to input 'image' of node 'scale', which is linked. A value given there "
         "replaces the link."),
        (Interface((InterfaceInput("f", "scale", "factor"), InterfaceInput("f", "scale", "steps"))),
         "Interface: two inputs have the name 'f'. Rename one of them."),
        (Interface((), (InterfaceOutput("sav"),)),
         "Interface: an output comes from node 'sav', which is not there. Did you mean 'save'?"),
        (Interface((), (InterfaceOutput("scale", "IMAG"),)),
         "Interface: an output comes from output 'IMAG' of node 'scale' (Scale), which has no such output. Did "
         "you mean 'IMAGE'?"),
        (Interface(extra={"inputz": []}),
         "'interface' has the key 'inputz', which the format does not know. Did you mean 'inputs'?"),
    ],
)  # fmt: skip
def test_interface_entries_that_lead_nowhere_are_warnings(toys, interface, text):
    assert [(item.severity, str(item)) for item in check(Workflow(GOOD, interface=interface), toys)] == [
        ("warning", text)
    ]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"layout": {"nodes": {"a": {"x": 0, "z": 0}}}},
         "'layout': the entry 'a' of 'nodes' has the key 'z', which the format does not know. Keys of your own "
         "begin with 'x-'."),
        ({"layout": {"nodes": []}}, "'layout': 'nodes' is a list, but must be an object."),
        ({"layout": {"frames": [3]}}, "'layout': the entry 0 of 'frames' is a number, but must be an object."),
        ({"layout": {"frame": []}}, "'layout' has the key 'frame', which the format does not know. Did you mean "
                                    "'frames'?"),
        ({"requires": {"models": {"m": {"sha": ""}}}},
         "'requires': the entry 'm' of 'models' has the key 'sha', which the format does not know. Did you mean "
         "'sha256'?"),
    ],
)  # fmt: skip
def test_layout_and_requires_never_stop_a_run(toys, more, text):
    problems = check(Workflow(GOOD, **more), toys)
    assert [(item.severity, str(item)) for item in problems] == [("warning", text)]


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (Node("Number", {}, after_run={"valu": "random"}),
         "Node 'n' (Number): 'after_run' changes the input 'valu', which it does not have. Did you mean 'value'?"),
        (Node("Collect", {"numbers": []}, after_run={"labels": "random"}),
         "Node 'n' (Collect): 'after_run' changes the input 'labels', whose type is STRING. "
         "Only INT inputs can be changed after a run."),
        (Node("Add", {"a": Link("m", "INT")}, after_run={"a": "increment"}),
         "Node 'n' (Add): 'after_run' changes the input 'a', which is linked. Remove the link or the entry in "
         "'after_run'."),
    ],
)  # fmt: skip
def test_after_run(toys, node, text):
    problems = check(Workflow({**GOOD, "n": node, "m": Node("Number", after_run={"value": "random"})}), toys)
    assert [(item.severity, str(item)) for item in problems] == [("warning", text)]


def test_a_type_that_is_there_twice_is_told_once(toys):
    catalogue = type(toys)({name: toys.spec(name) for name in toys.types()}, errors={"Load": "it is declared twice"})
    problems = check(Workflow({**GOOD, "more": Node("Load", {"name": "x"})}), catalogue)
    assert [(item.severity, str(item)) for item in problems] == [("warning", "Node type 'Load': it is declared twice.")]


def test_wrong_names_by_the_thousand_stay_quick(toys):
    """Suggestions are for people: after so many comparisons hints become short, and every problem is still told."""
    nodes = {f"save{n}": Node("Save", {"images": Link(f"sive{n}", "IMAGE")}) for n in range(5_000)}
    problems = check(Workflow(nodes), toys)
    assert len(errors(problems)) == 5_000
    assert "Did you mean" in problems[0].hint
    assert "Did you mean" not in problems[-1].hint


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WORKFLOWS)
def test_what_has_no_errors_can_run(toys, workflow):
    """Whatever the document: `check` answers; and where it finds no error, all that the outputs need is there."""
    problems = check(load(dump(workflow)), toys)
    if errors(problems):
        return
    flat = flatten(workflow, toys)
    links = {(origin, path) for path, node in flat.items() for origin, _ in node.links.values()}
    graph = networkx.DiGraph()
    graph.add_nodes_from(flat)
    graph.add_edges_from(links)
    ends = [path for path in flat if toys.spec(flat[path].type) and toys.spec(flat[path].type).output]
    assert ends
    needed = set(ends).union(*(networkx.ancestors(graph, path) for path in ends))
    assert networkx.is_directed_acyclic_graph(graph.subgraph(needed))
    for path in needed:
        spec = toys.spec(flat[path].type)
        for item in spec.inputs:
            if item.name in flat[path].links:
                origin, output = flat[path].links[item.name]
                assert toys.spec(flat[origin].type).output_named(output)
            elif item.name in flat[path].settings:
                coerce(item, flat[path].settings[item.name])
            else:
                assert not item.required
