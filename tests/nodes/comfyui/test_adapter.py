"""Packs as people write them for ComfyUI: what of them becomes a node type, and what is said of the rest."""

import subprocess
import sys
from pathlib import Path

import pytest

from graph.errors import GraphError
from graph.spec import InputSpec, NodeSpec, accepts
from nodes.comfyui.adapter import load_pack
from tests.nodes.comfyui.workbench import PACKS, Workbench

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "b.png").touch()
    (tmp_path / "input" / "a.png").touch()
    (tmp_path / "models" / "loras").mkdir(parents=True)
    (tmp_path / "models" / "loras" / "red.safetensors").write_bytes(b"1")
    return Workbench(tmp_path, "image_filters", "mask_tools", "text_and_numbers", "latent_tools", "bad_manners")


def spec_of(bench: Workbench, type_id: str) -> NodeSpec:
    return bench.type(type_id).spec


def input_of(bench: Workbench, type_id: str, name: str) -> InputSpec:
    found = spec_of(bench, type_id).input(name)
    assert found is not None
    return found


def test_importing_the_adapter_loads_nothing_slow() -> None:
    code = "import sys, nodes.comfyui.adapter; print({'torch', 'numpy', 'PIL', 'aiohttp'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "set()", done.stderr


def test_a_class_becomes_a_node_type(bench: Workbench) -> None:
    spec = spec_of(bench, "BoxBlur //Filters")
    assert (spec.title, spec.category, spec.pack) == ("Box Blur", "Filters/Blur", "image_filters")
    assert spec.help == "Blurs a picture evenly."
    assert [item.name for item in spec.inputs] == ["image", "radius", "edges", "mask", "strength"]
    radius = input_of(bench, "BoxBlur //Filters", "radius")
    assert (radius.type, radius.default, radius.minimum, radius.maximum) == ("INT", 2, 0, 64)
    assert radius.help == "In pixels"
    assert radius.hints == {"step": 1, "display": "slider"}
    edges = input_of(bench, "BoxBlur //Filters", "edges")
    assert (edges.type, edges.choices, edges.default) == ("COMBO", ("reflect", "replicate", "constant"), "replicate")
    assert input_of(bench, "BoxBlur //Filters", "image").required
    assert input_of(bench, "BoxBlur //Filters", "mask").optional
    assert spec.progress
    assert [(item.name, item.type) for item in spec_of(bench, "Grayscale //Filters").outputs] == [
        ("image", "IMAGE"),
        ("luminance", "MASK"),
    ]


def test_titles_and_help_have_stand_ins(bench: Workbench) -> None:
    assert spec_of(bench, "Grayscale //Filters").title == "Grayscale //Filters"
    assert spec_of(bench, "MaskBounds").help == "Finds where a mask is."
    assert spec_of(bench, "MaskBounds").category == "mask_tools"


def test_outputs_of_one_type_get_names_of_their_own(bench: Workbench) -> None:
    assert [item.name for item in spec_of(bench, "MaskBounds").outputs] == ["INT", "INT_2", "INT_3", "INT_4"]


def test_types_that_equal_all_others_are_wildcards(bench: Workbench) -> None:
    anything = input_of(bench, "Passage", "anything").type
    assert anything == "*"
    assert type(anything) is str
    assert accepts(anything, "IMAGE")
    assert spec_of(bench, "Passage").outputs[0].type == "*"
    assert input_of(bench, "SimpleMath", "a").type == "INT,FLOAT"


def test_choices_may_be_numbers_or_many(bench: Workbench) -> None:
    size = input_of(bench, "Settings", "size")
    assert (size.type, size.choices, size.default, size.hints) == ("INT", None, 768, {"choices": [512, 768, 1024]})
    assert input_of(bench, "Settings", "factor").type == "FLOAT"
    assert input_of(bench, "Settings", "mixed").type == "*"
    assert input_of(bench, "Settings", "word").choices == ("a", "b")
    assert len(input_of(bench, "Settings", "numbers").choices or ()) == 3000


def test_a_list_of_samplers_and_an_output_of_choices(bench: Workbench) -> None:
    assert "dpmpp_2m" in (input_of(bench, "PickSampler", "sampler_name").choices or ())
    assert "AYS" in (input_of(bench, "PickSampler", "scheduler").choices or ())
    assert [item.type for item in spec_of(bench, "PickSampler").outputs] == ["COMBO", "STRING"]


def test_files_are_no_fixed_choices(bench: Workbench) -> None:
    image = input_of(bench, "ListedPreview", "image")
    assert (image.choices, image.source, image.hints["choices"]) == (None, None, ["a.png", "b.png"])
    assert input_of(bench, "ListedPreview", "model").choices is None
    assert input_of(bench, "ListedPreview", "lora").source == "loras"
    assert input_of(bench, "RandomLine", "file").hints["choices"] == ["colours.txt"]


def test_seeds_change_after_a_run_and_large_numbers_stay_whole(bench: Workbench) -> None:
    seed = input_of(bench, "AddLatentNoise", "seed")
    assert seed.hints["control_after_generate"] is True
    assert seed.maximum == 2**64 - 1


def test_a_link_only_input_keeps_the_default_of_its_function(bench: Workbench) -> None:
    text = input_of(bench, "Concat|tools", "text_c")
    assert (text.required, text.default) == (False, None)


def test_sloppy_declarations_are_understood(bench: Workbench) -> None:
    inputs = {item.name: item for item in spec_of(bench, "Sloppy").inputs}
    assert inputs["text"].type == "STRING"
    assert inputs["mode"].choices == ("fast", "slow")
    assert (inputs["n"].default, inputs["n"].minimum, inputs["n"].maximum) == (5, 0, None)
    assert inputs["flag"].default is True
    assert inputs["x"].default == 1.0
    assert (inputs["pick"].choices, inputs["pick"].default) == (("a", "b"), None)
    assert [item.name for item in spec_of(bench, "Sloppy").outputs] == ["only"]


@pytest.mark.parametrize(
    ("type_id", "reason"),
    [
        ("RaisingInputs", "asking its class failed: RuntimeError: no network (__init__.py, line "),
        ("NoFunction", "its class has no FUNCTION"),
        ("MissingMethod", "its FUNCTION is 'walk', which its class does not have"),
        ("BadInputs", "its INPUT_TYPES gives ['image'], no dict"),
        ("BadEntry", "its input 'image' is declared as 3, not as (type, options)"),
        ("BadReturnTypes", "its RETURN_TYPES is 'IMAGE', not a tuple of types"),
        ("NotAClass", "what stands for its class is a str"),
    ],
)
def test_nonsense_is_an_entry_and_the_rest_of_the_pack_works(bench: Workbench, type_id: str, reason: str) -> None:
    assert (bench.catalogue.error(type_id) or "").startswith(reason)
    assert bench.catalogue.spec("Mutates") is not None


def test_specs_are_data(bench: Workbench) -> None:
    for pack in bench.packs.values():
        for found in pack.node_types:
            assert NodeSpec.model_validate_json(found.spec.model_dump_json()) == found.spec


def test_what_has_no_effect_is_told() -> None:
    pack = load_pack(PACKS / "has_routes.py")
    told = " ".join(pack.notes)
    assert "'/has_routes/files'" in told
    assert "'/has_routes/upload'" in told
    assert "browser files ('js')" in told


def test_a_pack_that_raises_raises_here() -> None:
    with pytest.raises(RuntimeError, match="another version"):
        load_pack(PACKS / "raises_at_import")


def test_a_missing_package_is_named() -> None:
    with pytest.raises(GraphError, match="needs the Python package 'torchvision_of_nobody', which is not installed"):
        load_pack(PACKS / "needs_package.py")


def test_a_missing_name_that_is_used_at_import_is_named() -> None:
    with pytest.raises(GraphError, match=r"needs 'comfy\.ops\.cast_bias_weight', which Noisewright does not have"):
        load_pack(PACKS / "needs_at_import.py")


def test_a_folder_without_an_init_is_no_pack(tmp_path: Path) -> None:
    (tmp_path / "custom_nodes" / "empty").mkdir(parents=True)
    with pytest.raises(GraphError, match="holds no __init__"):
        load_pack(tmp_path / "custom_nodes" / "empty")


def test_a_pack_without_node_types_says_so(tmp_path: Path) -> None:
    path = tmp_path / "custom_nodes" / "nothing.py"
    path.parent.mkdir()
    path.write_text("x = 1")
    with pytest.raises(GraphError, match="neither NODE_CLASS_MAPPINGS nor comfy_entrypoint"):
        load_pack(path)


def test_missing_names_are_noted_and_fail_only_the_nodes_that_use_them(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "needs_missing")
    told = " ".join(bench.packs["needs_missing"].notes)
    for name in ("comfy.model_patcher", "comfy.ldm.modules.attention", "comfy.utils.convert_old_quants"):
        assert f"'{name}'" in told
    assert bench.call("Works", n=1) == (2,)
    for type_id, name in (
        ("UsesPatcher", "comfy.model_patcher.ModelPatcher"),
        ("UsesAttention", "comfy.ldm.modules.attention.optimized_attention"),
        ("UsesUtility", "comfy.utils.something_new"),
    ):
        with pytest.raises((ImportError, AttributeError), match=f"needs '{name}', which Noisewright does not have"):
            bench.call(type_id, n=1)
    assert "needs 'comfy_extras.nodes_video.SaveWEBM'" in (bench.catalogue.error("Films") or "")
