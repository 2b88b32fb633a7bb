"""Vectors that Python and TypeScript share: what fits, circles, what would run, what a new node holds.

`python -m tests.graph.vectors` writes them anew, by asking the engine. `test_vectors.py` proves that the engine still
says so, and `web/tests/graph/vectors.test.ts` that the editor agrees.
"""

import json
import random
from pathlib import Path
from typing import Any

from graph.catalogue import Catalogue
from graph.check import check
from graph.circles import circles
from graph.flat import flatten
from graph.reading import from_json
from graph.settings import takes_settings
from graph.spec import InputSpec, NodeSpec, OutputSpec, accepts

FOLDER = Path(__file__).parent.parent / "vectors"

WIRES = (
    "*",
    "INT",
    "FLOAT",
    "STRING",
    "BOOLEAN",
    "COMBO",
    "IMAGE",
    "MASK",
    "LATENT",
    "INT,FLOAT",
    "FLOAT,INT",
    "IMAGE,MASK",
    "MASK,LATENT",
    "STRING,IMAGE",
    "COMBO,INT",
    "INT,FLOAT,STRING,BOOLEAN",
    "IMAGES",
    "MODEL",
)


def _takes(name: str, wire: str, **more: Any) -> InputSpec:
    return InputSpec(name=name, type=wire, **{"required": False} | more)


def _type(name: str, inputs: list[InputSpec], outputs: list[str], **more: Any) -> NodeSpec:
    return NodeSpec(
        type=name,
        title=name,
        category="vectors",
        help="",
        inputs=tuple(inputs),
        outputs=tuple(OutputSpec(name=f"{wire}_{at}", type=wire) for at, wire in enumerate(outputs)),
        **more,
    )


SPECS = (
    _type("Load", [_takes("file", "COMBO", required=True, source="input")], ["IMAGE", "MASK"]),
    _type(
        "Number",
        [_takes("value", "INT", default=3, hints={"control_after_generate": True}), _takes("least", "INT", default=0)],
        ["INT"],
    ),
    _type("Real", [_takes("value", "FLOAT", default=0.5)], ["FLOAT", "INT"]),
    _type("Text", [_takes("text", "STRING", required=True), _takes("other", "STRING", optional=True)], ["STRING"]),
    _type(
        "Blank",
        [_takes("width", "INT", required=True, minimum=16), _takes("tall", "BOOLEAN", required=True)],
        ["LATENT"],
    ),
    _type(
        "Scale",
        [
            _takes("image", "IMAGE", required=True),
            _takes("method", "COMBO", required=True, choices=("area", "nearest")),
            _takes("factor", "FLOAT", default=1.5, minimum=0.1, maximum=8.0),
        ],
        ["IMAGE"],
    ),
    _type("Turn", [_takes("angle", "INT", default=90), _takes("image", "IMAGE", required=True)], ["IMAGE", "MASK"]),
    _type("Join", [_takes("a", "IMAGE"), _takes("b", "IMAGE"), _takes("mask", "MASK", optional=True)], ["IMAGE"]),
    _type("Either", [_takes("what", "IMAGE,MASK", required=True), _takes("also", "LATENT")], ["IMAGE,MASK", "LATENT"]),
    _type("Any", [_takes("first", "*"), _takes("second", "*")], ["*", "*"]),
    _type(
        "Crossed",
        [_takes("mask", "MASK"), _takes("image", "IMAGE"), _takes("n", "INT,FLOAT", default=2)],
        ["IMAGE", "MASK", "FLOAT"],
    ),
    _type("Encode", [_takes("pixels", "IMAGE", required=True)], ["LATENT"]),
    _type("Decode", [_takes("samples", "LATENT", required=True)], ["IMAGE"]),
    _type(
        "Choose",
        [_takes("which", "COMBO", default="b", choices=("a", "b")), _takes("name", "STRING", default="")],
        ["COMBO", "STRING"],
    ),
    _type("Save", [_takes("images", "IMAGE", required=True), _takes("name", "STRING", default="x")], [], output=True),
    _type("Renamed", [_takes("image", "IMAGE", required=True)], ["IMAGE"], replaces=("Former",)),
    _type(
        "Later",
        [_takes("image", "IMAGE", required=True), _takes("n", "INT", required=True, minimum=4)],
        ["IMAGE"],
        version=1,
    ),
    _type("Open", [_takes("image", "IMAGE")], ["IMAGE", "FLOAT"], others=_takes("", "FLOAT")),
)
"""Node types that stand for all kinds of inputs and outputs."""

VALUES: dict[str, tuple[Any, ...]] = {
    "INT": (1, 7),
    "FLOAT": (0.25, 2),
    "STRING": ("", "text"),
    "BOOLEAN": (True, False),
    "COMBO": ("area", "b"),
    "*": ({"value": {"any": [1, None]}}, None, [1, "two"]),
}


def catalogue() -> Catalogue:
    """The catalogue of these types."""
    return Catalogue({spec.type: spec for spec in SPECS})


def specs() -> dict[str, Any]:
    """The types as servers tell them."""
    return {spec.type: spec.model_dump(mode="json") for spec in SPECS}


# What the engine says


def fits() -> list[str]:
    """For each wanted type a row with 1 for each given type that fits."""
    return ["".join(str(int(accepts(wanted, given))) for given in WIRES) for wanted in WIRES]


def circles_of(nodes: dict[str, list[str]]) -> list[list[str]]:
    """The circles of a graph, node → what feeds it."""
    return circles(nodes)


def flat_of(document: dict[str, Any]) -> dict[str, Any]:
    """The flat graph: path → type, settings, links."""
    flat = flatten(from_json(document), catalogue())
    return {
        path: [node.type, dict(node.settings), {name: list(link) for name, link in node.links.items()}]
        for path, node in flat.items()
    }


def faults_of(document: dict[str, Any], link: list[str]) -> list[str]:
    """The codes of what is wrong with a graph only once it has that link: node, output, node, input."""
    origin, output, node, name = link
    inputs = {key: value for key, value in document["nodes"][node]["inputs"].items() if key != name}
    before = _with_inputs(document, node, inputs)
    after = _with_inputs(document, node, {**inputs, name: {"link": [origin, output]}})
    of_links = ("wrong_link_type", "cycle", "dangling_link", "unknown_input")
    known, found = (
        {(item.code, item.node, item.input) for item in check(from_json(each), catalogue()) if item.code in of_links}
        for each in (before, after)
    )
    return sorted({code for code, _, _ in found - known})


def lacks(type_id: str, node: dict[str, Any]) -> list[str]:
    """Inputs that a person can set, but for files, of which the check complains on a node that stands alone."""
    problems = check(from_json({"format": "noisewright/workflow", "version": 1, "nodes": {"n": node}}), catalogue())
    spec = catalogue().spec(type_id)
    settable = {item.name for item in spec.inputs if takes_settings(item) and not item.source} if spec else set()
    return sorted({item.input for item in problems if item.input in settable})


def _with_inputs(document: dict[str, Any], node: str, inputs: dict[str, Any]) -> dict[str, Any]:
    nodes = document["nodes"]
    return {**document, "nodes": {**nodes, node: {**nodes[node], "inputs": inputs}}}


# Random graphs


class _Maker:
    """Random documents: definitions that use those before them, then a graph that uses all."""

    def __init__(self, seed: int, *, modes: bool) -> None:
        self.dice = random.Random(seed)
        self.modes = modes
        self.sockets = {
            spec.type: (
                [(item.name, item.type) for item in spec.inputs],
                [(item.name, item.type) for item in spec.outputs],
            )
            for spec in SPECS
        } | {"Former": ([("image", "IMAGE")], [("IMAGE_0", "IMAGE")])}
        self.definitions: dict[str, Any] = {}

    def document(self, size: int, definitions: int) -> dict[str, Any]:
        for at in range(definitions):
            self.define(f"Sub {at}", self.dice.randint(2, 5))
        document = {"format": "noisewright/workflow", "version": 1, "nodes": self.nodes(size)}
        return {**document, "subgraphs": self.definitions} if self.definitions else document

    def nodes(self, size: int) -> dict[str, Any]:
        """Nodes linked to those before them, mostly where the types fit."""
        nodes: dict[str, Any] = {}
        for at in range(size):
            kind = self.dice.choice(list(self.sockets))
            inputs: dict[str, Any] = {}
            for name, wire in self.sockets[kind][0]:
                value = self.value(nodes, wire)
                if value != ():
                    inputs[name] = value
            node: dict[str, Any] = {"type": kind, "inputs": inputs}
            if self.modes and self.dice.random() < 0.4:
                node["mode"] = self.dice.choice(["bypass", "bypass", "mute"])
            nodes[f"n{at}"] = node
        return nodes

    def value(self, nodes: dict[str, Any], wire: str) -> Any:
        """A link or a setting for an input; () for nothing."""
        fitting = [
            {"link": [name, output]}
            for name, node in nodes.items()
            for output, given in self.sockets[node["type"]][1]
            if accepts(wire, given)
        ]
        chance = self.dice.random()
        if fitting and chance < 0.75:
            return self.dice.choice(fitting)
        settings = VALUES.get(wire.split(",")[0])
        return self.dice.choice(settings) if settings and chance > 0.4 else ()

    def define(self, name: str, size: int) -> None:
        """A definition: some of its nodes' inputs are its inputs, some of their outputs its outputs."""
        nodes = self.nodes(size)
        sockets = [(node, key, wire) for node in nodes for key, wire in self.sockets[nodes[node]["type"]][0]]
        self.dice.shuffle(sockets)
        inputs: list[dict[str, Any]] = []
        for node, key, wire in sockets[: self.dice.randint(1, 4)]:
            same = [item for item in inputs if item["type"] == wire]
            if same and self.dice.random() < 0.5:
                same[0]["to"].append([node, key])
            else:
                inputs.append({"name": f"in{len(inputs)}", "type": wire, "to": [[node, key]]})
        given = [(node, key, wire) for node in nodes for key, wire in self.sockets[nodes[node]["type"]][1]]
        chosen = self.dice.sample(given, min(len(given), self.dice.randint(1, 3)))
        outputs = [
            {"name": f"out{at}", "type": wire, "from": [node, key]} for at, (node, key, wire) in enumerate(chosen)
        ]
        self.definitions[name] = {"inputs": inputs, "outputs": outputs, "nodes": nodes}
        ends = [(item["name"], item["type"]) for item in inputs], [(item["name"], item["type"]) for item in outputs]
        self.sockets[f"subgraph/{name}"] = ends

    def candidates(self, document: dict[str, Any], count: int) -> list[list[str]]:
        """Links that may be or not, between sockets of the outermost graph; a few of them to what is not there."""
        nodes = document["nodes"]
        outputs = [[name, key] for name, node in nodes.items() for key, _ in self.sockets[node["type"]][1]]
        inputs = [[name, key] for name, node in nodes.items() for key, _ in self.sockets[node["type"]][0]]
        found = [[*self.dice.choice(outputs), *self.dice.choice(inputs)] for _ in range(count)]
        return [*found, [outputs[0][0], "nowhere", *inputs[0]], [*outputs[0], inputs[-1][0], "nowhere"]]


def random_origins(seed: int) -> dict[str, list[str]]:
    """A random graph, node → what feeds it, with and without circles, with names that are no node."""
    dice = random.Random(seed)
    size = dice.randint(1, 12)
    names = [f"n{at}" for at in range(size)]
    dice.shuffle(names)
    chance = dice.choice([0.05, 0.1, 0.2, 0.3])
    return {name: [other for other in [*names, "gone"] if dice.random() < chance] for name in names}


def vectors() -> dict[str, Any]:
    """All vectors, by file."""
    judged = []
    for seed in range(30):
        maker = _Maker(1000 + seed, modes=False)
        document = maker.document(8, seed % 3)
        links = [[link, faults_of(document, link)] for link in maker.candidates(document, 24)]
        judged.append({"document": document, "links": links})
    resolved = [_Maker(seed, modes=True).document(4 + seed % 9, seed % 4) for seed in range(90)]
    graphs = [random_origins(seed) for seed in range(200)]
    return {
        "types": {"types": list(WIRES), "fits": fits()},
        "circles": [{"nodes": nodes, "circles": circles_of(nodes)} for nodes in graphs],
        "links": {"specs": specs(), "cases": judged},
        "bypass": {
            "specs": specs(),
            "cases": [{"document": document, "flat": flat_of(document)} for document in resolved],
        },
        "defaults": {"specs": specs(), "nodes": NEW},
    }


NEW: dict[str, Any] = {
    "Load": {"type": "Load", "inputs": {}},
    "Number": {"type": "Number", "inputs": {}, "after_run": {"value": "random"}},
    "Real": {"type": "Real", "inputs": {}},
    "Text": {"type": "Text", "inputs": {"text": ""}},
    "Blank": {"type": "Blank", "inputs": {"width": 16, "tall": False}},
    "Scale": {"type": "Scale", "inputs": {"method": "area"}},
    "Turn": {"type": "Turn", "inputs": {}},
    "Choose": {"type": "Choose", "inputs": {}},
    "Save": {"type": "Save", "inputs": {}},
    "Later": {"type": "Later", "inputs": {"n": 4}},
}
"""What the editor puts into new nodes. That nothing a person could set is lacking then, the engine says."""


def text_of(vector: Any) -> str:
    """A file's text: one line for each case."""
    return (
        json.dumps(vector, separators=(",", ":"), ensure_ascii=False).replace('{"document":', '\n{"document":') + "\n"
    )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, vector in vectors().items():
        (FOLDER / f"{name}.json").write_text(text_of(vector), encoding="utf-8")
