"""What the golden files of `test_reading` do not have: bypass on its edges, primitives, texts, values left over."""

from typing import Any

import pytest

from graph.catalogue import Catalogue
from graph.comfyui.api import to_api
from graph.comfyui.reading import read
from graph.flat import flatten
from graph.workflow import Link


def card(name: Any, kind: str, *inputs: tuple[Any, ...], outputs: str = "", **more: Any) -> dict[str, Any]:
    """A node: inputs as (name, type, link), outputs as "name:TYPE name:TYPE"."""
    slots = [
        {"name": key, "type": wire, "link": link, **({"widget": {"name": key}} if rest else {})}
        for key, wire, link, *rest in inputs
    ]
    pairs = [item.split(":") for item in outputs.split()]
    made = [{"name": key, "type": wire, "links": []} for key, wire in pairs]
    return {"id": name, "type": kind, "inputs": slots, "outputs": made, "mode": 0, **more}


def file(*cards: dict[str, Any], links: tuple[tuple[Any, ...], ...] = (), **more: Any) -> dict[str, Any]:
    """An editor file. links: (id, origin, slot, target)."""
    table = [[name, origin, slot, target, 0, "*"] for name, origin, slot, target in links]
    return {"nodes": list(cards), "links": table, "version": 0.4, **more}


LOAD = card(1, "Load", outputs="IMAGE:IMAGE", widgets_values=["a.png"])


def save(*, link: int = 9, kind: str = "IMAGE") -> dict[str, Any]:
    return card(9, "Save", ("images", kind, link), widgets_values=["out"])


def sent(data: dict[str, Any], toys: Any) -> dict[str, Any]:
    """What the workflow of a file becomes for their server: inputs by node."""
    workflow = read(data, toys).workflow
    specs = {name: toys.spec(name) for name in toys.types()}
    return {name: node["inputs"] for name, node in to_api(flatten(workflow, toys), specs, workflow).items()}


def codes(data: dict[str, Any], toys: Any) -> list[tuple[str, str | None, str | None]]:
    return [(problem.code, problem.node, problem.input) for problem in read(data, toys).problems]


# Bypass


def test_a_bypassed_node_whose_socket_of_that_type_is_linked_stays_where_it_is(toys) -> None:
    scale = card(
        2, "Scale", ("image", "IMAGE", 1), outputs="IMAGE:IMAGE", mode=4, widgets_values=[2.0, 20, "area", True]
    )
    data = file(LOAD, scale, save(), links=((1, 1, 0, 2), (9, 2, 0, 9)))
    workflow, problems = read(data, toys)
    assert workflow.nodes["2"].mode == "bypass"
    assert workflow.nodes["9"].inputs["images"] == Link("2", "IMAGE")
    assert problems == []
    assert sent(data, toys)["9"]["images"] == ["1", 0]


def test_a_bypassed_number_passes_on_no_setting_in_their_editor(toys) -> None:
    """Ours would pass on the setting a = 5; theirs looks at sockets only, so Print keeps its widget's value."""
    add = card(2, "Add", outputs="INT:INT", mode=4, widgets_values=[5, 6])
    shown = card(3, "Print", ("value", "INT", 1, True), widgets_values=[8])
    data = file(add, shown, links=((1, 2, 0, 3),))
    assert read(data, toys).workflow.nodes["3"].inputs == {"value": 8}
    assert codes(data, toys) == [("rewired", "3", "value")]


def test_a_bypassed_node_passes_on_the_first_socket_to_what_takes_anything(toys) -> None:
    """`Blend` has mask, image, other: for `*` theirs takes the input in the same place, the mask."""
    stencil = card(1, "Split", outputs="IMAGE:IMAGE MASK:MASK")
    blend = card(2, "Blend", ("mask", "MASK", 1), ("image", "IMAGE", 2), outputs="IMAGE:IMAGE", mode=4)
    data = file(stencil, blend, card(3, "Pass", ("value", "*", 3)), links=((1, 1, 1, 2), (2, 1, 0, 2), (3, 2, 0, 3)))
    assert read(data, toys).workflow.nodes["3"].inputs == {"value": Link("1", "MASK")}
    assert codes(data, toys) == [("rewired", "3", "value")]


def test_bypassed_nodes_of_unknown_types_are_passed_by(toys) -> None:
    odd = card(2, "Nowhere", ("mask", "MASK", None), ("pic", "IMAGE", 1), outputs="IMAGE:IMAGE", mode=4)
    end = card(3, "Nowhere", ("pic", "IMAGE", 2), outputs="IMAGE:IMAGE", mode=4)
    data = file(LOAD, odd, end, save(), links=((1, 1, 0, 2), (2, 2, 0, 3), (9, 3, 0, 9)))
    assert read(data, toys).workflow.nodes["9"].inputs["images"] == Link("1", "IMAGE")
    message = next(str(problem) for problem in read(data, toys).problems if problem.node == "9")
    assert message == (
        "Node '9' (Save): its input 'images' is linked to a bypassed node, which would pass on something else here. It "
        "is linked to 'IMAGE' of node '1', as in their editor. Link it anew if you stop bypassing that node."
    )


def test_a_bypassed_node_with_nothing_to_pass_on(toys) -> None:
    data = file(card(2, "Load", outputs="IMAGE:IMAGE", mode=4), save(), links=((9, 2, 0, 9),))
    assert "images" not in sent(data, toys)["9"]


# Primitives


def test_a_primitive_gives_its_value_through_reroutes_and_what_happens_after_a_run(toys) -> None:
    primitive = card(1, "PrimitiveNode", outputs="INT:INT", widgets_values=[4, "randomize"])
    reroute = card(2, "Reroute", ("", "*", 1), outputs="INT:INT")
    number = card(3, "Number", ("value", "INT", 2, True), widgets_values=[1, "fixed"])
    workflow, problems = read(file(primitive, reroute, number, links=((1, 1, 0, 2), (2, 2, 0, 3))), toys)
    assert (list(workflow.nodes), problems) == (["3"], [])
    assert workflow.nodes["3"].inputs == {"value": 4}
    assert workflow.nodes["3"].after_run == {"value": "random"}


def test_one_random_number_for_several_inputs_is_no_longer_random(toys) -> None:
    primitive = card(1, "PrimitiveNode", outputs="INT:INT", widgets_values=[4, "randomize"])
    numbers = [card(name, "Number", ("value", "INT", name, True)) for name in (2, 3)]
    workflow, problems = read(file(primitive, *numbers, links=((2, 1, 0, 2), (3, 1, 0, 3))), toys)
    assert [node.inputs for node in workflow.nodes.values()] == [{"value": 4}] * 2
    assert [node.after_run for node in workflow.nodes.values()] == [{}, {}]
    assert [(problem.code, problem.node) for problem in problems] == [("lost_control", "2"), ("lost_control", "3")]


def test_a_primitive_without_a_value_leaves_the_widgets_own(toys) -> None:
    number = card(3, "Number", ("value", "INT", 1, True), widgets_values=[6, "increment"])
    workflow, _ = read(file(card(1, "PrimitiveNode", outputs="INT:INT"), number, links=((1, 1, 0, 3),)), toys)
    assert workflow.nodes["3"].inputs == {"value": 6}
    assert workflow.nodes["3"].after_run == {"value": "increment"}


def test_a_seed_that_is_linked_does_not_change_after_a_run(toys) -> None:
    number = card(2, "Number", ("value", "INT", 1, True), widgets_values=[1, "randomize"])
    workflow, _ = read(file(card(1, "Add", outputs="INT:INT"), number, links=((1, 1, 0, 2),)), toys)
    assert workflow.nodes["2"].after_run == {}


def test_only_whole_numbers_change_after_a_run(toys) -> None:
    spec = toys.spec("Scale")
    hinted = [item.model_copy(update={"hints": {"control_after_generate": True}}) for item in spec.inputs[3:4]]
    catalogue = Catalogue({"T": spec.model_copy(update={"type": "T", "inputs": tuple(hinted)})})
    workflow, problems = read(file(card(1, "T", widgets_values=["area", "increment", ""])), catalogue)
    assert (workflow.nodes["1"].inputs, workflow.nodes["1"].after_run) == ({"method": "area"}, {})
    assert [str(problem) for problem in problems] == [
        "Node '1' (T): 'method' would change after each run (increment); here only whole numbers do."
    ]


# Values


def test_values_that_belong_to_no_input_are_said_and_kept(toys) -> None:
    data = file(card(1, "Number", widgets_values=[5, "fixed", "x", None]))
    workflow, problems = read(data, toys)
    assert workflow.nodes["1"].extra == {"x-comfyui": {"widgets_values": [5, "fixed", "x", None]}}
    assert [str(problem) for problem in problems] == [
        "Node '1' (Number): 2 of its widget values belong to no input: [\"x\", null]. They are kept under 'x-comfyui'."
    ]


def test_values_by_name_overrule_values_by_position(toys) -> None:
    named = {"value": 7, "control_after_generate": "randomize", "odd": 1}
    workflow, problems = read(file(card(1, "Number", widgets_values=[5, "fixed"], widgets_values_named=named)), toys)
    assert workflow.nodes["1"].inputs == {"value": 7}
    assert workflow.nodes["1"].after_run == {"value": "random"}
    assert [problem.code for problem in problems] == ["unmapped_values"]


def test_values_of_another_type_are_read_as_their_server_does_and_said(toys) -> None:
    data = file(card(1, "Scale", widgets_values=["1.5", 20.0, "area", True]))
    workflow, problems = read(data, toys)
    assert workflow.nodes["1"].inputs == {"factor": 1.5, "steps": 20.0, "method": "area", "smooth": True}
    assert [str(problem) for problem in problems] == [
        "Node '1' (Scale): 'factor' is \"1.5\" in the file; it is read as 1.5."
    ]


def test_null_is_no_value(toys) -> None:
    workflow, problems = read(file(card(1, "Scale", widgets_values=[None, 5])), toys)
    assert (workflow.nodes["1"].inputs, problems) == ({"steps": 5}, [])


def test_a_node_saved_before_its_type_changed_is_of_todays_version(toys) -> None:
    workflow, _ = read(file(card(1, "Blur", widgets_values=[2.0])), toys)
    assert (workflow.nodes["1"].version, workflow.nodes["1"].inputs) == (2, {"amount": 2.0})


def test_links_to_inputs_that_a_type_does_not_have_are_kept_for_check_to_name(toys) -> None:
    data = file(LOAD, card(9, "Save", ("picture", "IMAGE", 1)), links=((1, 1, 0, 9),))
    assert read(data, toys).workflow.nodes["9"].inputs == {"picture": Link("1", "IMAGE")}


def test_an_output_that_a_type_does_not_have_keeps_its_number(toys) -> None:
    data = file(LOAD, save(), links=((9, 1, 7, 9),))
    assert read(data, toys).workflow.nodes["9"].inputs["images"] == Link("1", "7")


def test_a_link_from_a_node_that_is_not_there(toys) -> None:
    data = file(save(), links=((9, 404, 0, 9),))
    workflow, problems = read(data, toys)
    assert "images" not in workflow.nodes["9"].inputs
    assert [str(problem) for problem in problems] == ["A link begins at node '404', which the file does not have."]


@pytest.mark.parametrize(("theirs", "ours"), [("a/b", "a_b"), ("a:b", "a:b"), ("ü x", "ü x")])
def test_ids_that_ours_cannot_have(toys, theirs: str, ours: str) -> None:
    workflow, _ = read(file({**LOAD, "id": theirs}, save(), links=((9, theirs, 0, 9),)), toys)
    assert workflow.nodes["9"].inputs["images"] == Link(ours, "IMAGE")


# Subgraphs


def definition(*cards: dict[str, Any], links: tuple[tuple[Any, ...], ...], **more: Any) -> dict[str, Any]:
    """links: (id, origin, slot, target, target slot)."""
    table = [
        dict(zip(("id", "origin_id", "origin_slot", "target_id", "target_slot"), link, strict=True)) for link in links
    ]
    return {"id": "def", "name": "Sub", "nodes": list(cards), "links": table, **more}


def test_an_output_that_is_an_input_leads_past_the_instance(toys) -> None:
    through = definition(links=((1, -10, 0, -20, 0),), inputs=[{"name": "in"}], outputs=[{"name": "out"}])
    use = card(2, "def", ("in", "IMAGE", 1), outputs="out:IMAGE")
    data = file(LOAD, use, save(), links=((1, 1, 0, 2), (9, 2, 0, 9)), definitions={"subgraphs": [through]})
    workflow, problems = read(data, toys)
    assert workflow.nodes["9"].inputs["images"] == Link("1", "IMAGE")
    assert problems == []


def test_a_port_that_leads_through_a_bypassed_node_of_unknown_type(toys) -> None:
    odd = card(5, "Nowhere", ("image", "IMAGE", 1), outputs="IMAGE:IMAGE", mode=4)
    scale = card(6, "Scale", ("image", "IMAGE", 2), outputs="IMAGE:IMAGE")
    links = ((1, -10, 0, 5, 0), (2, 5, 0, 6, 0), (3, 6, 0, -20, 0))
    inner = definition(odd, scale, links=links, inputs=[{"name": "in"}], outputs=[{"name": "out"}])
    use = card(2, "def", ("in", "IMAGE", 1), outputs="out:IMAGE")
    data = file(LOAD, use, save(), links=((1, 1, 0, 2), (9, 2, 0, 9)), definitions={"subgraphs": [inner]})
    found = sent(data, toys)
    assert found["2:6"]["image"] == ["1", 0]
    assert found["9"]["images"] == ["2:6", 0]
    assert ("rewired", "6", "image") in codes(data, toys)


def test_values_of_an_instance_that_fit_no_port_are_said_and_kept(toys) -> None:
    inner = definition(card(1, "Number", widgets_values=[1, "fixed"]), links=(), inputs=[], outputs=[])
    data = file(card(2, "def", widgets_values=[1, 2, 3]), definitions={"subgraphs": [inner]})
    workflow, problems = read(data, toys)
    assert workflow.nodes["2"].extra["x-comfyui"]["widgets_values"] == [1, 2, 3]
    assert [(problem.code, problem.node) for problem in problems] == [("unmapped_values", "2")]


def test_a_widget_of_an_inner_instance_is_shown_two_levels_up(toys) -> None:
    inner = {**definition(card(1, "Number", widgets_values=[1, "increment"]), links=()), "id": "in", "name": "In"}
    proxies = {"proxyWidgets": [["1", "value"]]}
    middle = {**definition(card(7, "in", widgets_values=[2], properties=proxies), links=()), "id": "mid", "name": "Mid"}
    use = card(2, "mid", widgets_values=[3], properties={"proxyWidgets": [["7", "value"]]})
    data = file(use, definitions={"subgraphs": [middle, inner]})
    workflow, problems = read(data, toys)
    assert problems == []
    assert sent(data, toys)["2:7:1"] == {"value": 3}
    assert workflow.nodes["2"].after_run == {"value": "increment"}


def test_a_definition_that_is_not_in_the_file(toys) -> None:
    kind = "9b0f8b66-5a4e-4a4e-9f52-0d2f3f1c0a01"
    problems = read(file(card(2, kind), card(3, "workflow>Mine")), toys).problems
    assert [str(problem) for problem in problems] == [
        f"Node '2' ({kind}): it uses a subgraph, whose definition is not in the file.",
        "Node '3' (workflow>Mine): it uses the group node 'Mine', whose definition is not in the file.",
    ]


def test_outputs_that_lead_through_a_bypassed_node_or_come_from_a_primitive(toys) -> None:
    odd = card(5, "Nowhere", ("image", "IMAGE", 1), outputs="IMAGE:IMAGE", mode=4)
    scale = card(6, "Scale", outputs="IMAGE:IMAGE")
    constant = card(7, "PrimitiveNode", outputs="INT:INT", widgets_values=[3])
    links = ((1, 6, 0, 5, 0), (2, 5, 0, -20, 0), (3, 7, 0, -20, 1))
    ports = [{"name": "picture", "type": "IMAGE"}, {"name": "number", "type": "INT"}, {"name": "nothing"}]
    inner = definition(odd, scale, constant, links=links, outputs=ports)
    use = card(2, "def", outputs="picture:IMAGE number:INT nothing:*")
    shown = card(3, "Print", ("value", "INT", 3, True), widgets_values=[8])
    data = file(use, save(), shown, links=((9, 2, 0, 9), (3, 2, 1, 3)), definitions={"subgraphs": [inner]})
    workflow, problems = read(data, toys)
    assert [(item.name, item.origin) for item in workflow.subgraphs["Sub"].outputs] == [("picture", ("6", "IMAGE"))]
    assert workflow.nodes["3"].inputs == {"value": 8}
    said = [str(problem) for problem in problems if problem.node is None]
    assert said == [
        "Subgraph 'Sub': its output 'picture' is linked to a bypassed node, which would pass on something else here. "
        "It is linked to 'IMAGE' of node '6', as in their editor. Link it anew if you stop bypassing that node.",
        "Subgraph 'Sub': its output 'number' is the value of a primitive. Only nodes have outputs; it is left out.",
    ]


def test_links_to_inputs_that_a_subgraph_does_not_have(toys) -> None:
    use = card(2, "def", ("gone", "IMAGE", 1))
    data = file(LOAD, use, links=((1, 1, 0, 2),), definitions={"subgraphs": [definition(links=())]})
    assert [str(problem) for problem in read(data, toys).problems] == [
        "Node '2' (def): 1 of its links lead to inputs that the subgraph 'Sub' does not have. They are left out."
    ]


PORTED = definition(
    card(1, "Number", ("value", "INT", 1, True), widgets_values=[1, "fixed"]),
    card(4, "Nowhere", outputs="x:INT"),
    card(5, "Load", widgets_values=["a.png"]),
    links=((1, -10, 0, 1, 0),),
    inputs=[{"name": "n", "type": "INT"}],
)


@pytest.mark.parametrize(
    ("more", "inputs", "after"),
    [
        ({"widgets_values": [7]}, {"n": 7}, {}),
        ({"widgets_values": [7, "increment"]}, {"n": 7}, {"n": "increment"}),
        ({"widgets_values": []}, {}, {}),
        ({"widgets_values_named": {"n": 9}}, {"n": 9}, {}),
        ({"widgets_values": [3, "b"], "properties": {"proxyWidgets": [["-1", "n"], ["5", "name"]]}},
         {"n": 3, "name": "b"}, {}),
        ({"widgets_values": ["b", 3], "properties": {"proxyWidgets": [[5, "name"], [1, "value"]]}},
         {"n": 3, "name": "b"}, {}),
        ({"widgets_values": [5], "properties": {"proxyWidgets": [["4", "odd"]]}}, {"odd": 5}, {}),
        ({"widgets_values": [None], "properties": {"proxyWidgets": [["-1", "n"]]}}, {}, {}),
    ],
)  # fmt: skip
def test_widgets_that_an_instance_shows(toys, more: dict[str, Any], inputs: Any, after: Any) -> None:
    workflow, problems = read(file(card(2, "def", **more), definitions={"subgraphs": [PORTED]}), toys)
    assert (workflow.nodes["2"].inputs, workflow.nodes["2"].after_run) == (inputs, after)
    assert "unmapped_values" not in {problem.code for problem in problems}


@pytest.mark.parametrize(
    "proxies", [[["1", "none"]], [["-1", "none"]], [["404", "value"]], [5], [["1"]], [["1", "value"], ["5", "name"]]]
)
def test_widgets_that_are_not_there(toys, proxies: Any) -> None:
    use = card(2, "def", widgets_values=[1], properties={"proxyWidgets": proxies})
    workflow, problems = read(file(use, definitions={"subgraphs": [PORTED]}), toys)
    assert workflow.nodes["2"].inputs == {}
    assert workflow.nodes["2"].extra["x-comfyui"]["widgets_values"] == [1]
    assert ("unmapped_values", "2") in {(problem.code, problem.node) for problem in problems}


# Group nodes


def group(*widgets: Any, slots: tuple[str, ...] = ("a", "Second a")) -> dict[str, Any]:
    """A file with a group of two `Nowhere` and a `Number`; an instance whose slots are linked to a picture each."""
    inner = [
        {
            "type": "Nowhere",
            "title": title,
            "inputs": [{"name": "a", "type": "IMAGE", "link": 77}],
            "widgets_values": [],
        }
        for title in ("First", "Second")
    ]
    inner.append({"type": "Number", "outputs": [{"name": "INT", "type": "INT"}], "widgets_values": [1, "fixed"]})
    inputs = [(slot, "IMAGE", index + 1) for index, slot in enumerate(slots)]
    loads = [{**LOAD, "id": f"load{index}"} for index in range(len(slots))]
    links = tuple((index + 1, f"load{index}", 0, 5) for index in range(len(slots)))
    extra = {"groupNodes": {"G": {"nodes": inner, "links": [[7]], "external": [[2, 0, "INT"], 5]}}}
    return file(*loads, card(5, "workflow/G", *inputs, widgets_values=list(widgets)), links=links, extra=extra)


def test_a_group_node_names_its_slots_after_inner_titles(toys) -> None:
    found = sent(group(), toys)
    assert found["5:0"] == {"a": ["load0", 0]}
    assert found["5:1"] == {"a": ["load1", 0]}
    assert found["5:2"] == {"value": 1}


def test_a_group_node_sets_inner_widgets_by_position(toys) -> None:
    assert sent(group(6, "increment"), toys)["5:2"] == {"value": 6}
    assert read(group(6, "increment"), toys).workflow.nodes["5"].after_run == {"value": "increment"}
    assert sent(group(1, "fixed"), toys)["5:2"] == {"value": 1}


def test_values_of_a_group_node_that_do_not_fit(toys) -> None:
    assert ("unmapped_values", "5", None) in codes(group(6), toys)
    assert ("unmapped_values", "5", None) in codes(group(6, {"x": 1}), toys)


def test_slots_of_a_group_node_that_it_does_not_have(toys) -> None:
    assert ("lost_link", "5", None) in codes(group(slots=("a", "zzz")), toys)


# Texts


def test_texts_that_their_editor_would_change_first_are_said(toys) -> None:
    spec = toys.spec("Save")
    prefix, text = spec.inputs[1], spec.inputs[1]
    inputs = (
        prefix.model_copy(update={"name": "filename_prefix"}),
        text.model_copy(update={"name": "text", "hints": {"dynamicPrompts": True}}),
    )
    catalogue = Catalogue({"T": spec.model_copy(update={"type": "T", "inputs": inputs})})

    def said(*values: str) -> list[str | None]:
        return [problem.input for problem in read(file(card(1, "T", widgets_values=list(values))), catalogue).problems]

    assert said("ComfyUI", "a {red|green} apple") == ["text"]
    assert said("ComfyUI", "an apple // not seen") == ["text"]
    assert said("ComfyUI", r"\{a\|b\} (apple:1.2) {braces}") == []
    assert said("%date:yyyy-MM-dd%/x", "") == []  # which is resolved when the file is saved
    assert said("%KSampler.seed%", "") == ["filename_prefix"]
    assert said("%year%-%month%_%width%", "") == []
