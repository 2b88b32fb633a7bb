"""Virtual nodes of packs: a file with them means the same as the file with plain links in their place."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nodes
from graph.catalogue import Catalogue
from graph.check import check
from graph.comfyui.editor import EditorGraph
from graph.comfyui.editor_parsing import read_editor
from graph.comfyui.reading import read
from graph.comfyui.virtual import SWITCHBOARDS, resolve
from graph.comfyui.wireless import is_wireless
from graph.flat import FlatNode, flatten

CATALOGUE = Catalogue.of(dict.fromkeys((*nodes.MODULES, "nodes.primitive")))
SLOTS = {
    "CheckpointLoaderSimple": ([], [("MODEL", "MODEL"), ("CLIP", "CLIP"), ("VAE", "VAE")]),
    "CLIPTextEncode": ([("clip", "CLIP")], [("CONDITIONING", "CONDITIONING")]),
    "EmptyLatentImage": ([], [("LATENT", "LATENT")]),
    "KSampler": (
        [("model", "MODEL"), ("positive", "CONDITIONING"), ("negative", "CONDITIONING"), ("latent_image", "LATENT")],
        [("LATENT", "LATENT")],
    ),
    "VAEDecode": ([("samples", "LATENT"), ("vae", "VAE")], [("IMAGE", "IMAGE")]),
    "SaveImage": ([("images", "IMAGE")], []),
}
WIDGETS = {
    "CheckpointLoaderSimple": ["sprout.safetensors"],
    "CLIPTextEncode": ["red apple"],
    "EmptyLatentImage": [64, 64, 1],
    "KSampler": [7, "fixed", 20, 4.0, "dpmpp_2m", "karras", 1.0],
    "VAEDecode": [],
    "SaveImage": ["apple"],
}


class Canvas:
    """An editor file being drawn: nodes with the slots their type has, and links between them."""

    def __init__(self) -> None:
        self.nodes: dict[int, dict[str, Any]] = {}
        self.links: list[list[Any]] = []
        self.extra: dict[str, Any] = {}

    def node(
        self,
        name: int,
        type_id: str,
        *,
        inputs: list[tuple[str, str]] | None = None,
        outputs: list[tuple[str, str]] | None = None,
        widgets: list[Any] | None = None,
        **more: Any,
    ) -> int:
        usual = SLOTS.get(type_id, ([], []))
        self.nodes[name] = {
            "id": name,
            "type": type_id,
            "pos": [100 * name, 0],
            "size": [80, 40],
            "mode": 0,
            "inputs": [{"name": item, "type": wire, "link": None} for item, wire in inputs or usual[0]],
            "outputs": [{"name": item, "type": wire, "links": None} for item, wire in outputs or usual[1]],
            "widgets_values": WIDGETS.get(type_id, []) if widgets is None else widgets,
            "properties": {},
            **more,
        }
        return name

    def link(self, origin: int, slot: int, target: int, place: int) -> None:
        name = len(self.links) + 1
        wire = self.nodes[origin]["outputs"][slot]["type"] if origin in self.nodes else "*"
        self.links.append([name, origin, slot, target, place, wire])
        self.nodes[target]["inputs"][place]["link"] = name

    def document(self) -> dict[str, Any]:
        return {
            "last_node_id": 99,
            "nodes": list(self.nodes.values()),
            "links": self.links,
            "groups": [],
            "extra": self.extra,
            "version": 0.4,
        }


def apple(*, wired: bool = True) -> Canvas:
    """Text to image: 1 checkpoint, 2 and 3 prompts, 4 size, 5 sampler, 6 decoder, 7 saver."""
    canvas = Canvas()
    for name, type_id in enumerate(
        ("CheckpointLoaderSimple", "CLIPTextEncode", "CLIPTextEncode", "EmptyLatentImage", "KSampler", "VAEDecode",
         "SaveImage"), 1,
    ):  # fmt: skip
        canvas.node(name, type_id)
    if wired:
        for link in PLAIN:
            canvas.link(*link)
    return canvas


PLAIN = [
    (1, 1, 2, 0), (1, 1, 3, 0), (1, 0, 5, 0), (2, 0, 5, 1), (3, 0, 5, 2), (4, 0, 5, 3), (5, 0, 6, 0), (1, 2, 6, 1),
    (6, 0, 7, 0),
]  # fmt: skip


def flat(document: Mapping[str, Any], *codes: str) -> dict[str, FlatNode]:
    """The flat graph; all problems must have one of these codes."""
    workflow, problems = read(document, CATALOGUE)
    assert {problem.code for problem in problems} <= set(codes), problems
    return flatten(workflow, CATALOGUE)


def settings(found: Mapping[str, FlatNode]) -> dict[str, tuple[Any, Any]]:
    return {name: (dict(node.settings), dict(node.links)) for name, node in found.items()}


EXPECTED = flat(apple().document())


def test_the_plain_file_is_ready():
    assert check(read(apple().document(), CATALOGUE).workflow, CATALOGUE) == []


# Set/Get and reroutes


@pytest.mark.parametrize(("setter", "getter"), [("SetNode", "GetNode"), ("easy setNode", "easy getNode")])
def test_set_and_get(setter: str, getter: str):
    canvas = apple(wired=False)
    for name, slot, wire in ((10, 0, "MODEL"), (11, 1, "CLIP"), (12, 2, "VAE")):
        canvas.node(name, setter, inputs=[(wire, wire)], outputs=[("*", "*")], widgets=[wire.lower()])
        canvas.node(name + 10, getter, outputs=[(wire, wire)], widgets=[wire.lower()])
        canvas.link(1, slot, name, 0)
    for link in ((21, 0, 2, 0), (21, 0, 3, 0), (20, 0, 5, 0), (22, 0, 6, 1)):
        canvas.link(*link)
    for link in PLAIN:
        if link[0] != 1:
            canvas.link(*link)
    assert settings(flat(canvas.document(), "rewired")) == settings(EXPECTED)
    (problem,) = read(canvas.document(), CATALOGUE).problems
    assert f"3 {setter}" in problem.message
    assert f"3 {getter}" in problem.message


def test_a_set_node_hands_on_and_a_get_node_may_feed_one():
    canvas = apple()
    canvas.node(10, "SetNode", inputs=[("VAE", "VAE")], outputs=[("*", "*")], widgets=["one"])
    canvas.node(11, "GetNode", outputs=[("VAE", "VAE")], widgets=["one"])
    canvas.node(12, "SetNode", inputs=[("VAE", "VAE")], outputs=[("*", "*")], widgets=["two"])
    for link in ((1, 2, 10, 0), (11, 0, 12, 0), (12, 0, 6, 1)):
        canvas.link(*link)
    assert settings(flat(canvas.document(), "rewired")) == settings(EXPECTED)


def test_names_that_are_not_set_or_set_twice_or_in_a_circle_are_problems():
    canvas = apple()
    canvas.node(10, "GetNode", outputs=[("VAE", "VAE")], widgets=["nowhere"])
    canvas.link(10, 0, 6, 1)
    problems = read(canvas.document(), CATALOGUE).problems
    assert [problem.code for problem in problems] == ["lost_link", "rewired"]
    assert "Node '6' (VAEDecode): the input 'vae' gets 'nowhere', which nothing sets." in problems[0].message
    canvas.node(11, "SetNode", inputs=[("*", "*")], outputs=[("*", "*")], widgets=["nowhere"])
    canvas.link(10, 0, 11, 0)
    assert [problem.code for problem in read(canvas.document(), CATALOGUE).problems] == ["lost_link", "rewired"]
    canvas.link(1, 2, 11, 0)
    canvas.node(12, "SetNode", inputs=[("*", "*")], outputs=[("*", "*")], widgets=["nowhere"])
    canvas.link(1, 0, 12, 0)
    assert [problem.code for problem in read(canvas.document(), CATALOGUE).problems] == ["duplicate_id", "rewired"]
    assert settings(flat(canvas.document(), "duplicate_id", "rewired")) == settings(EXPECTED)


@pytest.mark.parametrize("type_id", ["Reroute (rgthree)", "AnyRerouter", "ReroutePrimitive|pysssss"])
def test_reroutes_of_packs_in_a_row(type_id: str):
    canvas = apple()
    for name in range(20, 30):
        canvas.node(name, type_id, inputs=[("", "*")], outputs=[("", "*")])
        canvas.link(name - 1 if name > 20 else 1, 0 if name > 20 else 2, name, 0)
    canvas.node(30, "Reroute", inputs=[("", "*")], outputs=[("", "VAE")])
    canvas.link(29, 0, 30, 0)
    canvas.link(30, 0, 6, 1)
    assert settings(flat(canvas.document(), "rewired")) == settings(EXPECTED)


def in_subgraph(inner_type: str, **more: Any) -> dict[str, Any]:
    """The apple with its decoder in a subgraph, and in it a node that gives the VAE."""
    canvas = apple(wired=False)
    key = "0b3cd2b6-9a80-4b7e-8f1c-2b7a3b7d8a11"
    canvas.node(6, key, inputs=[("samples", "LATENT")], outputs=[("IMAGE", "IMAGE")], widgets=[])
    for link in PLAIN:
        if link[2:] != (6, 1):
            canvas.link(*link)
    inner = Canvas()
    inner.node(6, "VAEDecode")
    inner.node(8, inner_type, outputs=[("VAE", "VAE")], **more)
    inner.link(8, 0, 6, 1)
    inner.nodes[6]["inputs"][0]["link"] = 50
    links = [
        dict(zip(("id", "origin_id", "origin_slot", "target_id", "target_slot", "type"), link, strict=True))
        for link in [*inner.links, [50, -10, 0, 6, 0, "LATENT"], [51, 6, 0, -20, 0, "IMAGE"]]
    ]
    definition = {
        "id": key,
        "name": "decode",
        "version": 1,
        "nodes": list(inner.nodes.values()),
        "links": links,
        "inputs": [{"id": "a", "name": "samples", "type": "LATENT", "linkIds": [50]}],
        "outputs": [{"id": "b", "name": "IMAGE", "type": "IMAGE", "linkIds": [51]}],
    }
    return {**canvas.document(), "definitions": {"subgraphs": [definition]}}


def test_get_inside_a_subgraph_of_what_is_set_outside():
    document = in_subgraph("GetNode", widgets=["vae"])
    setter = Canvas()
    setter.node(10, "SetNode", inputs=[("VAE", "VAE")], outputs=[("*", "*")], widgets=["vae"])
    setter.nodes[10]["inputs"][0]["link"] = 90
    document["nodes"] += setter.nodes.values()
    document["links"].append([90, 1, 2, 10, 0, "VAE"])
    found = flat(document, "rewired")
    assert found["6/6"].links == {"samples": ("5", "LATENT"), "vae": ("1", "VAE")}
    assert found["7"].links == {"images": ("6/6", "IMAGE")}


def test_get_inside_a_subgraph_of_what_nobody_sets():
    found = flat(in_subgraph("GetNode", widgets=["vae"]), "rewired", "lost_link")
    assert found["6/6"].links == {"samples": ("5", "LATENT")}


def test_a_subgraph_inside_itself_ends():
    document = in_subgraph("GetNode", widgets=["vae"])
    definition = document["definitions"]["subgraphs"][0]
    definition["nodes"].append({"id": 9, "type": definition["id"], "inputs": [], "outputs": []})
    resolved, _ = resolve(read_editor(document)[0])
    assert not any(is_wireless(node) for graph in graphs_of(resolved) for node in graph.nodes.values())


def graphs_of(document: Any) -> list[EditorGraph]:
    return [document.graph, *document.definitions.values(), *document.group_nodes.values()]


# Cards


def test_labels_and_bookmarks_become_notes():
    canvas = apple()
    canvas.node(10, "Label (rgthree)", title="Step one\\nload", properties={"fontSize": 12})
    canvas.node(11, "Bookmark (rgthree)", title="★ here", widgets=["1", 1])
    workflow, problems = read(canvas.document(), CATALOGUE)
    assert problems == []
    assert [note["text"] for note in workflow.layout["notes"]] == ["Step one\nload", "★ here"]
    assert settings(flatten(workflow, CATALOGUE)) == settings(EXPECTED)


@pytest.mark.parametrize("type_id", sorted(SWITCHBOARDS))
def test_what_only_switches_modes_goes_and_is_kept_in_the_document(type_id: str):
    canvas = apple()
    canvas.node(10, type_id, inputs=[("KSampler", "*")], outputs=[("OPT_CONNECTION", "*")], widgets=[True])
    canvas.link(5, 0, 10, 0)
    workflow, problems = read(canvas.document(), CATALOGUE)
    assert [problem.code for problem in problems] == ["rewired"]
    assert type_id in problems[0].message
    assert settings(flatten(workflow, CATALOGUE)) == settings(EXPECTED)
    assert workflow.extra["x-comfyui"]["extra"]["virtual_nodes"][0]["id"] == 10


@pytest.mark.parametrize(
    ("type_id", "widgets", "ours", "name"),
    [
        ("StringConstant", ["one"], "StringConstant", "string"),
        ("StringConstantMultiline", ["one", True], "PrimitiveStringMultiline", "value"),
    ],
)
def test_constants(type_id: str, widgets: list[Any], ours: str, name: str):
    canvas = apple()
    canvas.node(10, type_id, outputs=[("STRING", "STRING")], widgets=widgets)
    canvas.nodes[2]["inputs"].append({"name": "text", "type": "STRING", "link": None, "widget": {"name": "text"}})
    canvas.link(10, 0, 2, 1)
    workflow, problems = read(canvas.document(), CATALOGUE)
    assert workflow.nodes["10"].type == ours
    assert workflow.nodes["10"].inputs == {name: "one"}
    assert workflow.nodes["2"].inputs["text"] == ("10", "STRING")
    assert problems == []


def test_a_text_that_strips_its_line_breaks_says_that_it_does_not_here():
    canvas = apple()
    canvas.node(10, "StringConstantMultiline", outputs=[("STRING", "STRING")], widgets=["a\nb", True])
    assert [problem.code for problem in read(canvas.document(), CATALOGUE).problems] == ["changed_value"]


# Use Everywhere


def everywhere() -> Canvas:
    """The apple without the links from the checkpoint."""
    canvas = apple(wired=False)
    for link in PLAIN:
        if link[0] != 1:
            canvas.link(*link)
    return canvas


def test_anything_everywhere():
    canvas = everywhere()
    canvas.node(10, "Anything Everywhere3", inputs=[("anything", "*"), ("anything2", "*"), ("anything3", "*")])
    for slot in range(3):
        canvas.link(1, slot, 10, slot)
    assert settings(flat(canvas.document(), "rewired")) == settings(EXPECTED)
    (problem,) = read(canvas.document(), CATALOGUE).problems
    assert "'5.model'" in problem.message


def test_a_link_that_is_there_is_not_replaced_and_a_bypassed_sender_sends_nothing():
    canvas = apple()
    canvas.node(8, "CheckpointLoaderSimple", widgets=["other.safetensors"])
    canvas.node(10, "Anything Everywhere", inputs=[("VAE", "*")])
    canvas.link(8, 2, 10, 0)
    assert dict(flat(canvas.document(), "rewired")["6"].links) == EXPECTED["6"].links
    silent = everywhere()
    silent.node(10, "Anything Everywhere", inputs=[("VAE", "*")], mode=4)
    silent.link(1, 2, 10, 0)
    assert "vae" not in flat(silent.document(), "rewired")["6"].links


def test_prompts_everywhere_and_a_pattern_of_titles():
    canvas = everywhere()
    for place in (1, 2):
        canvas.nodes[5]["inputs"][place]["link"] = None
    canvas.node(10, "Prompts Everywhere", inputs=[("+ve", "CONDITIONING"), ("-ve", "CONDITIONING")])
    canvas.link(2, 0, 10, 0)
    canvas.link(3, 0, 10, 1)
    canvas.node(11, "Anything Everywhere?", inputs=[("CLIP", "*")], widgets=["^Good", "cl.p", ".*"])
    canvas.nodes[2]["title"] = "Good things"
    canvas.link(1, 1, 11, 0)
    found = flat(canvas.document(), "rewired")
    assert found["5"].links["positive"] == ("2", "CONDITIONING")
    assert found["5"].links["negative"] == ("3", "CONDITIONING")
    assert found["2"].links == {"clip": ("1", "CLIP")}
    assert found["3"].links == {}


def test_priorities_and_clashes():
    canvas = everywhere()
    canvas.node(8, "CheckpointLoaderSimple", widgets=["other.safetensors"])
    for name, type_id, origin in ((10, "Anything Everywhere", 1), (11, "Anything Everywhere?", 8)):
        canvas.node(name, type_id, inputs=[("VAE", "*")], widgets=[".*", "vae", ".*"] if name == 11 else [])
        canvas.link(origin, 2, name, 0)
    assert flat(canvas.document(), "rewired")["6"].links["vae"] == ("8", "VAE")
    canvas.nodes[11]["type"], canvas.nodes[11]["widgets_values"] = "Anything Everywhere", []
    problems = read(canvas.document(), CATALOGUE).problems
    (clash,) = [problem for problem in problems if problem.code == "lost_link"]
    assert clash.message == "Node '6' (VAEDecode): the input 'vae' is sent something by the nodes '10' and '11' alike."
    canvas.extra = {"ue_links": [{"downstream": 6, "downstream_slot": 1, "upstream": 8, "controller": 11}]}
    assert flat(canvas.document(), "rewired")["6"].links["vae"] == ("8", "VAE")


def test_group_and_colour():
    canvas = everywhere()
    canvas.node(10, "Anything Everywhere", inputs=[("CLIP", "*")], properties={"group_restricted": 1})
    canvas.link(1, 1, 10, 0)
    canvas.nodes[10]["pos"] = [200, 0]
    document = canvas.document()
    document["groups"] = [{"title": "g", "bounding": [180, -10, 90, 100]}]
    found = flat(document, "rewired")
    assert [found[name].links for name in ("2", "3")] == [{"clip": ("1", "CLIP")}, {}]
    canvas.nodes[10]["properties"] = {"ue_properties": {"version": "7.0", "color_restricted": 2}}
    canvas.nodes[10]["bgcolor"] = canvas.nodes[2]["bgcolor"] = "#533"
    found = flat(canvas.document(), "rewired")
    assert [found[name].links for name in ("2", "3")] == [{}, {"clip": ("1", "CLIP")}]


def test_seed_everywhere():
    canvas = apple()
    canvas.node(10, "Seed Everywhere", outputs=[("int", "INT")], widgets=[123, "increment"])
    canvas.nodes[5]["properties"] = {"ue_properties": {"widget_ue_connectable": {"seed": True}}}
    workflow, problems = read(canvas.document(), CATALOGUE)
    assert workflow.nodes["10"].type == "PrimitiveInt"
    assert workflow.nodes["10"].inputs == {"value": 123}
    assert workflow.nodes["10"].after_run == {"value": "increment"}
    assert workflow.nodes["5"].inputs["seed"][0] == "10"
    assert [problem.code for problem in problems] == ["rewired"]


@pytest.mark.parametrize("pattern", ["(a+)+$", "[", "(?P<x>a)", "a*" * 5, "(a|a)" * 30, "x" * 300])
def test_patterns_that_do_harm_fit_nothing(pattern: str):
    canvas = everywhere()
    canvas.node(10, "Anything Everywhere?", inputs=[("VAE", "*")], widgets=[pattern, ".*", ".*"])
    canvas.link(1, 2, 10, 0)
    canvas.nodes[6]["title"] = "a" * 5000
    codes = [problem.code for problem in read(canvas.document(), CATALOGUE).problems]
    assert codes == ["ignored_input", "rewired"]


# Any file


def test_what_has_no_virtual_nodes_is_not_touched():
    document, _ = read_editor(apple().document())
    resolved, problems = resolve(document)
    assert resolved == document
    assert problems == []


TYPES = st.sampled_from(
    ["SetNode", "GetNode", "Reroute (rgthree)", "Anything Everywhere?", "Seed Everywhere", "Prompts Everywhere",
     "INTConstant", "Label (rgthree)", "Fast Muter (rgthree)", "KSampler", "inner"]
)  # fmt: skip
SLOT = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "seed", "VAE"]), "type": st.sampled_from(["*", "VAE", "INT", ""])},
    optional={"link": st.integers(0, 9), "widget": st.just({"name": "seed"})},
)
NODE = st.fixed_dictionaries(
    {"id": st.integers(0, 6), "type": TYPES, "inputs": st.lists(SLOT, max_size=3)},
    optional={
        "widgets_values": st.lists(st.sampled_from(["x", "y", 1, None, [1]]), max_size=3),
        "outputs": st.lists(SLOT, max_size=2),
        "mode": st.sampled_from([0, 2, 4]),
        "properties": st.sampled_from(
            [{"ue_properties": 3}, {"ue_properties": {"priority": "x", "widget_ue_connectable": {"seed": 1}}}, {}]
        ),
    },
)
LINK = st.tuples(*[st.integers(0, 9), st.integers(-10, 6), st.integers(0, 2), st.integers(0, 6), st.integers(0, 2)])
GRAPH = st.fixed_dictionaries({"nodes": st.lists(NODE, max_size=8), "links": st.lists(LINK.map(list), max_size=10)})


@given(GRAPH, GRAPH)
def test_any_graph_comes_out_without_virtual_nodes(outer: dict[str, Any], inner: dict[str, Any]):
    definition = {**inner, "id": "inner", "name": "inner", "inputs": [{"name": "a"}], "outputs": [{"name": "b"}]}
    document, _ = read_editor({**outer, "definitions": {"subgraphs": [definition]}, "version": 0.4})
    resolved, _ = resolve(document)
    for graph in graphs_of(resolved):
        for node in graph.nodes.values():
            assert not is_wireless(node)
            assert "Everywhere" not in node.type
            assert all(slot.link is None or slot.link in graph.links for slot in node.inputs)
    assert resolve(resolved)[0].graph.nodes == resolved.graph.nodes


def test_a_chain_of_thousands_of_names():
    canvas = Canvas()
    canvas.node(0, "CheckpointLoaderSimple")
    for name in range(1, 4000):
        kind = ("SetNode", "GetNode")[name % 2 == 0]
        canvas.node(name, kind, inputs=[("VAE", "VAE")], outputs=[("VAE", "VAE")], widgets=[f"n{(name + 1) // 2}"])
        if kind == "SetNode":
            canvas.link(name - 1, 2 if name == 1 else 0, name, 0)
    canvas.node(4001, "GetNode", outputs=[("VAE", "VAE")], widgets=["n2000"])
    canvas.node(4002, "VAEDecode")
    canvas.link(4001, 0, 4002, 1)
    assert flat(canvas.document(), "rewired")["4002"].links == {"vae": ("0", "VAE")}
