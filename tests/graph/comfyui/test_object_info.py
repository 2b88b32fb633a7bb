"""What clients of ComfyUI are told about node types, against what its own server tells."""

import json
from pathlib import Path
from typing import Any

import nodes
from graph.catalogue import Catalogue
from graph.comfyui.object_info import choices_of, node_info, object_info
from graph.spec import InputSpec, NodeSpec, OutputSpec
from tests.every import every

KNOWN: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "object-info.json").read_text(encoding="utf-8")
)
FILES = {"checkpoints": ("a.safetensors", "notes.txt", "sd/b.ckpt", "folder-model"), "input": ("x.png", "y.wav")}

HERE = object_info(Catalogue.of(nodes.MODULES), lambda folder: FILES.get(folder, ()))
SHARED = sorted(KNOWN.keys() & HERE.keys())

DEVIATIONS: dict[tuple[str, str], Any] = {
    # Ours passes the text on, so that it can be used; theirs has no output.
    ("PreviewAny", "output"): ["STRING"],
    ("PreviewAny", "output_is_list"): [False],
    ("PreviewAny", "output_name"): ["STRING"],
    # Theirs asks for its own id to write text below itself; ours shows it as any node does.
    ("GetImageSize", "hidden"): {},
    # Ours takes a single number too.
    ("CreateHookKeyframesFromFloats", "kind of floats_strength"): "FLOATS,FLOAT",
    # Ours may be put into a graph as they are: they begin with a value.
    ("PrimitiveBoolean", "value"): {"default": False},
    ("PrimitiveFloat", "value"): {"default": 0.0},
    ("PrimitiveInt", "value"): {"default": 0},
    ("PrimitiveString", "value"): {"default": ""},
    ("PrimitiveStringMultiline", "value"): {"default": ""},
    # There are no models that work on pixels here, for which it stands.
    ("VAELoader", "vae_name"): ["pixel_space"],
}
"""Where we answer something else on purpose: (node type, part) → what; of an input: options we add, choices we lack."""


def entry_of(entry: list[Any]) -> tuple[Any, dict[str, Any]]:
    """An input in one form: choices in the place of the type, without what only says that they are choices."""
    kind, options = entry[0], dict(entry[1]) if len(entry) > 1 else {}
    if kind == "COMBO" and "options" in options:
        kind = options.pop("options")
        options.pop("multiselect", None)
    options.pop("tooltip", None)
    return kind, options


@every("type_id", SHARED)
def test_inputs_are_those_of_comfyui(type_id: str) -> None:
    known, here = KNOWN[type_id], HERE[type_id]
    for section in ("required", "optional"):
        entries = known["input"].get(section, {})
        assert here["input_order"].get(section, []) == known["input_order"].get(section, [])
        assert list(here["input"].get(section, {})) == here["input_order"].get(section, [])
        for name, entry in entries.items():
            (kind, options), (ours, own) = entry_of(entry), entry_of(here["input"][section][name])
            own_way = DEVIATIONS.get((type_id, name), {})
            assert own == options | (own_way if isinstance(own_way, dict) else {}), name
            if isinstance(kind, list):
                wanted = [choice for choice in kind if choice != "<files>" and choice not in own_way]
                assert [choice for choice in ours if choice in wanted] == wanted
            else:
                assert ours == DEVIATIONS.get((type_id, f"kind of {name}"), kind)


@every("type_id", SHARED)
def test_the_rest_is_that_of_comfyui(type_id: str) -> None:
    known, here = KNOWN[type_id], HERE[type_id]
    hidden = known["input"].get("hidden", {})
    assert here["input"].get("hidden", {}) == DEVIATIONS.get((type_id, "hidden"), hidden)
    for part in ("output", "output_is_list", "output_name", "name", "display_name", "output_node"):
        assert here[part] == DEVIATIONS.get((type_id, part), known[part]), part
    for flag in ("deprecated", "experimental"):
        assert here.get(flag) == known.get(flag)


def test_every_deviation_is_one() -> None:
    for (type_id, part), here in DEVIATIONS.items():
        known, inputs = KNOWN[type_id], KNOWN[type_id]["input"]
        theirs = known[part] if part in known else inputs.get(part) or inputs["required"].get(part)
        assert theirs != here
        assert part in ("hidden", "vae_name") or HERE[type_id].get(part, here) == here


def test_it_is_json_with_the_numbers_clients_expect() -> None:
    text = json.dumps(HERE, allow_nan=False)
    seed, cfg = (json.loads(text)["KSampler"]["input"]["required"][name] for name in ("seed", "cfg"))
    assert seed == ["INT", {"default": 0, "min": 0, "max": 2**64 - 1, "control_after_generate": True}]
    assert cfg == ["FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0, "step": 0.1, "round": 0.01}]


def test_files_are_offered_by_their_endings() -> None:
    ckpt = HERE["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"]
    assert ckpt == [["a.safetensors", "sd/b.ckpt", "folder-model"], {}]
    assert HERE["LoadImage"]["input"]["required"]["image"] == [["x.png"], {"image_upload": True}]


def test_a_folder_is_looked_up_once() -> None:
    asked: list[str] = []
    object_info(Catalogue.of(nodes.MODULES), lambda folder: asked.append(folder) or ())
    assert sorted(asked) == sorted(set(asked))


def test_a_node_type_of_a_pack() -> None:
    judged = {"choices": ["x", 1], "min": 0, "widget": "COMBO"}
    spec = NodeSpec(
        type="Odd",
        title="An odd one",
        category="pack",
        help="What it does.",
        inputs=(
            InputSpec(name="amount", type="INT", required=False, default=1, minimum=0, help="how much"),
            InputSpec(name="judged", type="*", required=True, hints=judged, as_is=True),
            InputSpec(name="mask", type="MASK", required=False, optional=True, lazy=True),
            InputSpec(name="any", type="*", required=True, hints={"widget": "IMAGE", "forceInput": True}),
        ),
        outputs=(OutputSpec(name="all", type="IMAGE", list=True),),
        output=True,
        by_id=True,
        deprecated=True,
        services=("record",),
        pack="odd_pack",
    )
    assert node_info(spec, lambda folder: ()) == {
        "input": {
            "required": {
                "amount": ["INT", {"default": 1, "min": 0, "tooltip": "how much"}],
                "judged": [["x", 1], {"min": 0}],
                "any": ["IMAGE", {"forceInput": True}],
            },
            "optional": {"mask": ["MASK", {"lazy": True}]},
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO", "unique_id": "UNIQUE_ID"},
        },
        "input_order": {
            "required": ["amount", "judged", "any"],
            "optional": ["mask"],
            "hidden": ["prompt", "extra_pnginfo", "unique_id"],
        },
        "output": ["IMAGE"],
        "output_is_list": [True],
        "output_name": ["all"],
        "name": "Odd",
        "display_name": "An odd one",
        "description": "What it does.",
        "python_module": "custom_nodes.odd_pack",
        "category": "pack",
        "output_node": True,
        "deprecated": True,
    }


def test_files_that_a_pack_judges_are_those_that_there_are_now() -> None:
    hints = {"choices": ["old.png"], "image_upload": True}
    item = InputSpec(name="image", type="COMBO", required=True, hints=hints)
    assert choices_of(item, FILES.__getitem__) == ["x.png", "y.wav"]
    hints = {"choices": [1, 2]}
    assert choices_of(InputSpec(name="n", type="INT", required=True, hints=hints), FILES.__getitem__) == [1, 2]


def test_what_only_we_have_need_not_be_given() -> None:
    sections = HERE["RandomChoice"]["input"]
    assert (list(sections["required"]), list(sections["optional"])) == (["values"], ["seed"])
