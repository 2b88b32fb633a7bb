"""Adopting: what a folder of another program is, what its models, packs and workflows are, and that nothing of it is
touched or run. The truth for packs is what importing them gives; for files, what was written into them.
"""

import builtins
import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from graph.catalogue import Catalogue
from graph.errors import GraphError
from graph.layouts import check_roots
from nodes.comfyui.adapter import load_pack
from noisewright.adopting import Report, adopt
from noisewright.adopting.installation import find_installation
from noisewright.adopting.models import describe
from noisewright.adopting.pack_code import read_code
from noisewright.adopting.packs import find_packs
from noisewright.adopting.walking import Seen, walk
from noisewright.adopting.workflows import Judged
from noisewright.catalogue import catalogue_of
from noisewright.engine import Engine
from noisewright.home import Home, find_home


def _installations() -> ModuleType:
    """The module beside this file: tests are imported one by one."""
    spec = importlib.util.spec_from_file_location("installations", Path(__file__).with_name("installations.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


made = _installations()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return find_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def catalogue(home: Home) -> Catalogue:
    return catalogue_of(home)


@pytest.fixture(scope="module")
def comfyui(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.comfyui(tmp_path_factory.mktemp("portable") / "ComfyUI")


@pytest.fixture(scope="module")
def report(comfyui: Path, home: Home, catalogue: Catalogue) -> Report:
    """The report on that installation, which must be as it was, with none of its modules imported."""
    before, modules = made.state_of(comfyui), set(sys.modules)
    found = adopt(comfyui, home, catalogue)
    assert made.state_of(comfyui) == before
    assert not [name for name in set(sys.modules) - modules if "custom_nodes" in name or name == "harmful"]
    return found


def judged(report: Report, name: str) -> Judged:
    (found,) = [item for item in report.workflows if item.path.name == name]
    return found


# What it is


def test_an_installation_is_found_also_in_the_folder_it_is_packed_into(comfyui: Path):
    for path in (comfyui, comfyui.parent):
        found = find_installation(path)
        assert (found.program, found.path, found.roots) == ("ComfyUI", comfyui, (comfyui,))
        assert found.workflows == (comfyui / "user" / "default" / "workflows",)
        assert found.packs == (comfyui / "custom_nodes",)


@pytest.mark.parametrize(("forge", "program"), [(False, "A1111"), (True, "Forge")])
def test_web_uis_are_told_apart(tmp_path: Path, forge: bool, program: str):
    root = made.web_ui(tmp_path / "webui", forge=forge)
    assert find_installation(root).program == program
    assert find_installation(tmp_path).path == root
    assert find_installation(root).pictures == (root / "outputs",)


def test_a_folder_of_models_alone(comfyui: Path, home: Home, catalogue: Catalogue):
    found = adopt(comfyui / "models", home, catalogue)
    assert found.installation.program == "models"
    assert {file.kind for file in found.models} == {"checkpoints", "loras", "diffusion_models", "ipadapter"}
    assert found.workflows == ()


def test_a_folder_of_files_that_does_not_say_what_they_are(tmp_path: Path, home: Home, catalogue: Catalogue):
    made.lora(tmp_path / "a.safetensors")
    made.sdxl(tmp_path / "b.safetensors")
    (tmp_path / "c.safetensors").symlink_to(made.SPROUT)
    made.weights(tmp_path / "d.safetensors", {"decoder.conv_in.weight": (8, 4, 3, 3)})
    found = adopt(tmp_path, home, catalogue)
    assert {file.name: file.kind for file in found.models} == {
        "a.safetensors": "loras",
        "b.safetensors": "checkpoints",
        "c.safetensors": "checkpoints",
        "d.safetensors": "vae",
    }


def test_extra_model_paths(tmp_path: Path, comfyui: Path, home: Home, catalogue: Catalogue):
    (tmp_path / "odd").mkdir()
    made.lora(tmp_path / "odd" / "x.safetensors")
    text = f"one:\n  base_path: {comfyui}\n  checkpoints: models/checkpoints/\n  loras: models/loras\n"
    text += "  custom_nodes: custom_nodes\ntwo:\n  loras: odd\n  vae: nowhere\n"
    (tmp_path / "extra_model_paths.yaml").write_text(text)
    found = adopt(tmp_path / "extra_model_paths.yaml", home, catalogue)
    assert found.installation.program == "model paths"
    assert found.installation.roots == (comfyui / "models", tmp_path / "odd")
    assert {"harmful", "image_filters"} <= {pack.name for pack in found.packs}
    assert any("nowhere" in problem for problem in found.problems)
    assert {file.name for file in found.models} >= {"mine/little.safetensors", "x.safetensors"}


def test_an_installation_reads_its_own_extra_paths(tmp_path: Path):
    root = tmp_path / "ComfyUI"
    (root / "models").mkdir(parents=True)
    (root / "custom_nodes").mkdir()
    (tmp_path / "shared" / "loras").mkdir(parents=True)
    (root / "extra_model_paths.yaml").write_text("a:\n  base_path: ../shared\n  loras: loras\n")
    assert [path.resolve() for path in find_installation(root).roots] == [root, tmp_path / "shared"]


def test_an_installation_whose_extra_paths_cannot_be_read_is_looked_at_without(
    tmp_path: Path, comfyui: Path, home: Home, catalogue: Catalogue
):
    root = shutil.copytree(comfyui, tmp_path / "ComfyUI", symlinks=True)
    before = adopt(root, home, catalogue)
    (root / "extra_model_paths.yaml").write_text("a: [")
    found = adopt(root, home, catalogue)
    assert "cannot be read as model paths" in found.problems[0]
    assert found.models == before.models
    assert found.workflows == before.workflows
    check_roots(found.installation.roots)


@pytest.mark.parametrize("name", ["", "nothing", "file.txt", "one"])
def test_what_is_nothing_of_the_kind_is_refused_with_what_was_looked_for(tmp_path: Path, name: str):
    (tmp_path / "file.txt").write_text("")
    (tmp_path / "one" / "vae").mkdir(parents=True)
    (tmp_path / "one" / "model_index.json").write_text("{}")
    with pytest.raises(GraphError, match="Looked for: an installation of ComfyUI"):
        find_installation(tmp_path / name)


# Models


def test_models_are_told_by_kind_family_and_state(report: Report, comfyui: Path):
    found = {f"{file.kind}/{file.name}": (file.family, file.state) for file in report.models}
    assert found == {
        "checkpoints/mine/little.safetensors": ("Stable Diffusion 1", "runs"),
        "checkpoints/large.safetensors": ("Stable Diffusion XL", "not yet"),
        "checkpoints/cut.safetensors": ("", "damaged"),
        "checkpoints/page.safetensors": ("", "damaged"),
        "checkpoints/half.pt": ("", "damaged"),
        "checkpoints/old.ckpt": ("", "unopened"),
        "diffusion_models/flow.safetensors": ("Flux", "not yet"),
        "loras/small.safetensors": ("Stable Diffusion 1", "runs"),
        "loras/wide.safetensors": ("Stable Diffusion XL", "runs"),
        "ipadapter/ip.safetensors": ("", "runs"),
    }
    reasons = {file.name: file.reason for file in report.models}
    assert reasons["cut.safetensors"].startswith("it was cut off: it has 8,")
    assert "web page" in reasons["page.safetensors"]
    sizes = {file.name: file.bytes for file in report.models}
    assert sizes["mine/little.safetensors"] == made.SPROUT.stat().st_size
    assert any("gone.safetensors" in problem for problem in report.problems)


@pytest.mark.parametrize(
    ("kind", "tensors", "metadata", "family"),
    [
        ("loras", {"x.lora_down.weight": (4, 8)}, {"ss_base_model_version": "sdxl_base_v1-0"}, "Stable Diffusion XL"),
        ("loras", {"lora_te2_x.lora_down.weight": (4, 8)}, {}, "Stable Diffusion XL"),
        ("loras", {"x_attn2_to_k.lora_up.weight": (9, 768), "y_attn2_to_k.lora_down.weight": (4, 1024)}, {},
         "Stable Diffusion 2"),
        ("loras", {"transformer.single_transformer_blocks.0.attn.to_k.lora_A.weight": (4, 8)}, {}, "Flux"),
        ("embeddings", {"emb_params": (3, 768)}, {}, "Stable Diffusion 1"),
        ("embeddings", {"clip_l": (3, 768), "clip_g": (3, 1280)}, {}, "Stable Diffusion XL"),
        ("checkpoints", {"model.diffusion_model.joint_blocks.0.x.weight": (3,)}, {}, "Stable Diffusion 3"),
        ("diffusion_models", {"blocks.0.cross_attn.k.weight": (3, 3)}, {}, "Wan"),
        ("vae", {"decoder.conv_in.weight": (8, 16, 3, 3), "encoder.conv_in.weight": (8, 3, 3, 3)}, {},
         "Flux or Stable Diffusion 3"),
        ("controlnet", {"input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768)}, {},
         "Stable Diffusion 1"),
    ],
)  # fmt: skip
def test_families_are_told_by_names_and_shapes(
    tmp_path: Path, kind: str, tensors: dict[str, tuple[int, ...]], metadata: dict[str, str], family: str
):
    path = made.weights(tmp_path / "x.safetensors", tensors, metadata)
    found = describe((kind, Seen("x", path, 0, 0.0)), {"loras", "embeddings"})
    assert found.family == family
    runs = kind in ("loras", "embeddings") and family.startswith("Stable Diffusion") and not family.endswith("3")
    assert found.state == ("runs" if runs else "not yet")


@pytest.mark.parametrize("metadata", [3, None, "x", [1]])
def test_a_header_of_nonsense_is_damage(tmp_path: Path, metadata: object):
    path = made.weights(tmp_path / "x.safetensors", {"a": (1,)}, metadata)
    if metadata is None:
        text = b'{"__metadata__": null}'
        path.write_bytes(len(text).to_bytes(8, "little") + text)
    found = describe(("checkpoints", Seen("x", path, 0, 0.0)), {"loras"})
    assert (found.state, found.reason[:14]) == ("damaged", "it has a damag")


def test_a_sprout_holds_a_vae_that_can_be_used():
    found = describe(("vae", Seen("x", made.SPROUT, 0, 0.0)), {"vae"})
    assert (found.state, found.family) == ("runs", "Stable Diffusion 1, 2 or XL")


def test_neither_torch_is_loaded_nor_a_pickle_opened(comfyui: Path, tmp_path: Path):
    code = f"""
import sys, pickle
from pathlib import Path
from noisewright.adopting import adopt
from noisewright.catalogue import catalogue_of
from noisewright.home import find_home
home = find_home(Path({str(tmp_path)!r}))
adopt(Path({str(comfyui)!r}), home, catalogue_of(home))
print(sorted({{"torch", "numpy", "PIL"}} & set(sys.modules)))
"""
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], cwd=made.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_links_in_a_circle_and_folders_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made.lora(tmp_path / "in" / "a.safetensors")
    (tmp_path / "in" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def refusing(path: str | os.PathLike[str]) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    problems: list[str] = []
    assert [item.name for item in walk(tmp_path, (".safetensors",), problems)] == ["in/a.safetensors"]
    assert problems == [f"'{tmp_path / 'locked'}' cannot be read: Permission denied."]


# Packs


def test_nothing_of_a_pack_is_run(report: Report, comfyui: Path):
    (pack,) = [pack for pack in report.packs if pack.name == "harmful"]
    assert pack.types == ("Harmful Node",)
    assert not (comfyui / "custom_nodes" / "harmful" / "was_imported").exists()


def test_node_types_are_read_from_the_text(report: Report, home: Home, comfyui: Path):
    (pack,) = [pack for pack in report.packs if pack.name == "Power-Things"]
    assert set(pack.types) == {"Power Thing (someone)", "Second Thing", "Third (someone)"}
    assert (pack.unclear, pack.verdict, pack.is_here) == (1, "loads", False)
    source = comfyui / "custom_nodes" / "Power-Things"
    assert pack.bring == f"ln -s {source} {home.custom_nodes / 'Power-Things'}"
    assert "off.disabled" not in {pack.name for pack in report.packs}


def test_schema_nodes_and_texts_put_together(tmp_path: Path):
    (tmp_path / "a.py").write_text(
        "P = 'my'\nclass A:\n    def define_schema(cls):\n        return io.Schema(node_id=P + '_node')\n"
        "NODE_CLASS_MAPPINGS = {**OTHERS, 'one': A} | dict(two=A)\nNODE_CONFIG: dict = {'three': {'class': A}}\n"
        "NODE_CLASS_MAPPINGS |= {name(): A}\nNODE_CLASS_MAPPINGS = {f'My {c.__name__}': c for c in (A, b.B)}\n"
    )
    code = read_code(tmp_path / "a.py")
    assert (set(code.types), code.unclear) == ({"my_node", "one", "two", "three", "My A", "My B"}, 1)


def test_the_judgement_of_packs_is_what_importing_them_gives(home: Home, catalogue: Catalogue):
    """Over the packs that the adapter is tested with. What only running tells, as an exception, is not foreseen."""
    surprises = {"raises_at_import", "needs_at_import", "v3_broken"}
    packs = find_packs((made.PACKS,), home.custom_nodes, catalogue, [], lambda done, total: None)
    assert len(packs) > 15
    for pack in packs:
        if pack.name in surprises or not pack.types:
            continue
        if pack.verdict == "fails":
            with pytest.raises(GraphError):
                load_pack(pack.path)
            continue
        loaded = load_pack(pack.path)
        declared = {found.spec.type for found in loaded.node_types} | set(loaded.errors)
        assert declared <= set(pack.types) or pack.unclear, (pack.name, declared - set(pack.types))
        lacking = any("which Noisewright does not have" in note for note in loaded.notes)
        assert lacking <= (pack.verdict == "partly"), (pack.name, loaded.notes)


def test_a_pack_that_needs_a_package_would_not_load(report: Report):
    verdicts = {pack.name: (pack.verdict, " ".join(pack.reasons)) for pack in report.packs}
    assert verdicts["needs_package"][0] == "fails"
    assert "torchvision_of_nobody" in verdicts["needs_package"][1]
    assert verdicts["image_filters"][0] == verdicts["mask_tools"][0] == "loads"
    assert "comfy.ldm" in verdicts["needs_missing"][1]


def test_a_pack_of_broken_python_and_one_without_nodes(tmp_path: Path, home: Home, catalogue: Catalogue):
    (tmp_path / "broken.py").write_text("def (:\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "__init__.py").write_text("WEB_DIRECTORY = 'js'\n")
    packs = find_packs((tmp_path,), home.custom_nodes, catalogue, [], lambda done, total: None)
    reasons = {pack.name: pack.reasons[0] for pack in packs if pack.verdict == "fails"}
    assert "is no Python that can be read" in reasons["broken"]
    assert "__init__.py" in reasons["empty"]
    assert "NODE_CLASS_MAPPINGS" in reasons["web"]


# Workflows


def test_workflows_that_run_now_really_do(report: Report, comfyui: Path, home: Home):
    """With the option that the report gives, an engine finds nothing wrong with them; with the others it does."""
    with Engine(data=home.data, models=report.installation.roots) as engine:
        for item in report.workflows:
            if item.verdict == "unreadable":
                continue
            problems = [problem for problem in engine.check(item.path) if problem.severity == "error"]
            usable = not {need.kind for need in item.needs} & {"family", "damaged model"}
            assert (item.verdict == "runs") == (not problems and usable), item
    assert {item.path.name for item in report.workflows if item.verdict == "runs"} == {
        "runs.json", "runs-api.json", "0.png", "1.png", "2.png", "old.png",
    }  # fmt: skip


def test_what_a_workflow_would_run_after(report: Report, comfyui: Path, home: Home):
    missing = judged(report, "missing.json")
    assert missing.verdict == "after"
    assert [(need.kind, need.name) for need in missing.needs] == [("model", "nobody-has-it.safetensors")]
    (need,) = judged(report, "misplaced.json").needs
    assert need.how.startswith("There is 'loras/wide.safetensors'")
    (need,) = judged(report, "cut.json").needs
    assert (need.kind, need.within_reach) == ("damaged model", True)
    (need,) = judged(report, "picture.json").needs
    assert (need.kind, need.name) == ("picture", "mine.png")
    assert str(comfyui / "input" / "mine.png") in need.how
    assert str(home.input) in need.how


def test_a_missing_model_whose_address_the_workflow_names(tmp_path: Path, home: Home, catalogue: Catalogue):
    root = tmp_path / "ComfyUI"
    for folder in ("models/checkpoints", "custom_nodes", "workflows"):
        (root / folder).mkdir(parents=True)
    document = json.loads(made.text_of("text-to-image.json").replace("sprout.safetensors", "other.safetensors"))
    document["models"] = [{"name": "other.safetensors", "url": "https://example.org/o", "directory": "checkpoints"}]
    (root / "workflows" / "a.json").write_text(json.dumps(document))
    (item,) = adopt(root, home, catalogue).workflows
    assert item.needs[0].how == "The workflow names where it is from: https://example.org/o"


def test_what_keeps_a_workflow_from_running(report: Report):
    (need,) = judged(report, "shifted.json").needs
    assert (need.kind, need.name) == ("node type", "ModelSamplingAuraFlow")
    (need,) = judged(report, "large.json").needs
    assert (need.kind, need.name) == ("family", "Stable Diffusion XL")
    packs = judged(report, "packs.json")
    assert packs.verdict == "cannot"
    assert [(need.kind, need.name, need.within_reach) for need in packs.needs] == [
        ("pack", "comfyui-impact-pack", True),
        ("pack", "Power-Things", True),
        ("unknown node type", "VHS_VideoCombine", False),
    ]
    assert judged(report, "broken.json").verdict == "unreadable"


def test_a_pack_that_is_found_by_the_name_a_node_says_it_is_from(tmp_path: Path, home: Home, catalogue: Catalogue):
    root = tmp_path / "ComfyUI"
    (root / "models").mkdir(parents=True)
    made.workflow(root / "workflows" / "a.json", "packs-missing.json")
    pack = root / "custom_nodes" / "any-folder"
    pack.mkdir(parents=True)
    (pack / "__init__.py").write_text("import cv2_of_nobody\nNODE_CLASS_MAPPINGS = computed()\n")
    (pack / "pyproject.toml").write_text('[project]\nname = "ComfyUI-Impact-Pack"\n')
    (item,) = adopt(root, home, catalogue).workflows
    (need,) = [need for need in item.needs if need.name == "any-folder"]
    assert (need.kind, need.within_reach) == ("pack", False)
    assert "cv2_of_nobody" in need.text


def test_only_the_newest_pictures_are_looked_at(comfyui: Path, home: Home, catalogue: Catalogue):
    found = adopt(comfyui, home, catalogue, pictures=2)
    assert found.pictures == 2
    assert [item.path.name for item in found.workflows if item.path.suffix == ".png"] == ["0.png", "1.png"]


def test_pictures_of_a_web_ui(tmp_path: Path, home: Home, catalogue: Catalogue):
    found = adopt(made.web_ui(tmp_path / "webui"), home, catalogue)
    assert {item.path.name: item.verdict for item in found.workflows} == {"1.png": "runs", "2.png": "after"}
    (need,) = judged(found, "2.png").needs
    assert (need.kind, need.name) == ("model", "gone.safetensors")
    assert {file.kind: file.state for file in found.models} == {
        "checkpoints": "runs", "loras": "runs", "embeddings": "runs",
    }  # fmt: skip


def test_reasons_are_counted_and_the_most_useful_comes_first(report: Report):
    counted = {reason.need.name: (reason.alone, reason.among) for reason in report.reasons}
    assert counted["ModelSamplingAuraFlow"] == (1, 1)
    assert counted["comfyui-impact-pack"] == (0, 1)
    assert [reason.alone for reason in report.reasons] == sorted((r.alone for r in report.reasons), reverse=True)


def test_a_file_that_cannot_be_opened_is_said_and_nothing_fails(
    comfyui: Path, home: Home, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
):
    opened = builtins.open
    real = Path.open

    def refusing(path: Path, *args: object, **options: object) -> object:
        if path.name in ("runs.json", "large.safetensors"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **options)  # pyright: ignore[reportArgumentType, reportCallIssue]

    monkeypatch.setattr(Path, "open", refusing)
    assert builtins.open is opened
    found = adopt(comfyui, home, catalogue)
    assert judged(found, "runs.json").reason == "it cannot be read: Permission denied"
    (large,) = [file for file in found.models if file.name == "large.safetensors"]
    assert (large.state, large.reason) == ("damaged", "it cannot be read: Permission denied")
