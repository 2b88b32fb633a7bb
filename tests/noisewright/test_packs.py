"""`packs list` and `packs new`, and packs in the life of a program: found, run, reused, and told what is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from graph.errors import GraphError
from graph.events import NodeFinished
from noisewright.commands import main
from noisewright.commands.packs import new_pack
from noisewright.engine import Engine
from tests.graph.packs import declaring, forgotten, write_pack

ROOT = Path(__file__).parents[2]

SAMPLERS = """
import torch
from noisewright import sampler, scheduler
from noisewright.sampling import Moment, Prediction, Step, stepwise

@sampler("acme_euler")
@stepwise
def acme_euler(at: Moment) -> Step:
    denoised = at.denoise(at.x, at.sigma)
    return at.step(at.x + (at.x - denoised) / at.sigma * (at.sigma_next - at.sigma) * SHARE, denoised)

@scheduler("acme_even")
def acme_even(prediction: Prediction, steps: int) -> torch.Tensor:
    return torch.linspace(prediction.sigma_max, 0, steps + 1)

SHARE = 1.0
"""

VALUES = """
from dataclasses import dataclass
from typing import ClassVar
from noisewright import node, register_value

@dataclass(frozen=True)
class Curve:
    wire: ClassVar[str] = "CURVE"
    points: tuple[float, ...]

register_value(Curve)

@node("AcmeCurve", category="acme")
def curve(steps: int) -> Curve:
    \"\"\"A curve.\"\"\"
    import diffusion.values as counted
    counted.__dict__.setdefault("calls", []).append("curve")
    return Curve(tuple(range(steps)))

@node("AcmeTop", category="acme")
def top(curve: Curve, offset: int = 0) -> float:
    \"\"\"Its highest point.\"\"\"
    import diffusion.values as counted
    counted.__dict__.setdefault("calls", []).append("top")
    return float(max(curve.points) + offset)
"""


@pytest.fixture(autouse=True)
def _forget():
    with forgotten():
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder."""
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path / "home"))
    return tmp_path / "home"


def test_list_tells_what_each_pack_brings_and_what_is_wrong(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["packs", "list"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "There are no packs in" in err
    write_pack(home / "packs", "acme", declaring("AcmeBlur") + declaring("VAEDecode").replace("def f", "def g"))
    write_pack(home / "packs", "broken", "raise OSError('no camera was found')\n" + declaring("Gone"))
    assert main(["packs", "list"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "acme    2 node types",
        "broken  cannot be imported: OSError: no camera was found (__init__.py, line 1)",
    ]
    assert err.splitlines() == ["Reading the pack 'acme' …", "Reading the pack 'broken' …"]
    assert main(["packs", "list", "broken"]) == 0
    assert "OSError: no camera was found\n  Gone" in capsys.readouterr().out
    assert main(["packs", "list", "acme"]) == 0
    page = capsys.readouterr().out
    assert "AcmeBlur        A node of a pack." in page
    assert "'VAEDecode' is built in, so the one of the pack 'acme' is 'acme/VAEDecode'" in page
    assert main(["packs", "list", "acne"]) == 2
    assert "Did you mean 'acme'" in capsys.readouterr().err
    assert main(["packs", "list", "--again"]) == 0
    assert capsys.readouterr().err.count("Reading the pack") == 2


def test_nodes_knows_those_of_packs(home: Path, capsys: pytest.CaptureFixture[str]):
    write_pack(home / "packs", "acme", declaring("AcmeBlur"))
    assert main(["nodes", "acme/AcmeBlur"]) == 0
    assert "AcmeBlur — Acme Blur (packs)" in capsys.readouterr().out
    write_pack(home / "packs", "broken", "raise OSError('no camera was found')")
    assert main(["nodes"]) == 0
    out, err = capsys.readouterr()
    assert "AcmeBlur " in out
    assert "The pack 'broken' cannot be imported: OSError: no camera was found (__init__.py, line 1)." in err


WARNS = """
import logging
from noisewright import node

@node("AcmeWarns", category="acme")
def warns(a: int = 1) -> int:
    \"\"\"Warn by a logger of its module.\"\"\"
    logging.getLogger(__name__).warning("%d is little.", a)
    return a
"""

COMFYUI_WARNS = """
import logging

class Warns:
    RETURN_TYPES, FUNCTION, CATEGORY = ("INT",), "warn", "acme"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"a": ("INT", {"default": 1})}}

    def warn(self, a):
        logging.getLogger(__name__).warning("%d is little.", a)
        return (a,)

NODE_CLASS_MAPPINGS = {"AcmeWarns": Warns}
"""


@pytest.mark.parametrize(("folder", "text"), [("packs", WARNS), ("custom_nodes", COMFYUI_WARNS)])
def test_what_a_pack_warns_of_is_shown_at_its_node(home: Path, folder: str, text: str):
    write_pack(home / folder, "acme", text)
    with Engine(keep="nothing") as engine:
        flow = engine.flow()
        node = str(flow.add("acme/AcmeWarns"))
        (finished,) = [event for event in engine.events(flow, node) if isinstance(event, NodeFinished)]
    assert finished.outputs == {"warnings": ["1 is little."]}


def test_a_new_pack_is_green_at_once(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["packs", "new", "acme_filters"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert folder == home / "packs" / "acme_filters"
    assert not [path for path in folder.rglob("*") if path.suffix == ".template" or "$" in path.name]

    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout

    assert main(["packs", "list"]) == 0
    assert capsys.readouterr().out == "acme_filters  1 node type, 1 template\n"
    assert main(["run", str(folder / "templates" / "acme_filters.json")]) == 0
    (path,) = capsys.readouterr().out.split()
    assert Path(path).is_file()

    words = ["ruff", "check", "--isolated", "--select", "E,F,I", "--line-length", "120", str(folder)]
    assert subprocess.run([sys.executable, "-m", *words], check=False).returncode == 0


def test_a_new_pack_can_be_installed(home: Path, tmp_path: Path):
    pytest.importorskip("hatchling")
    from zipfile import ZipFile

    folder = new_pack("acme_filters", tmp_path)
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = set(ZipFile(wheel).namelist())
    assert {"acme_filters/__init__.py", "acme_filters/tint.py", "acme_filters/templates/acme_filters.json"} <= names
    assert not [name for name in names if "tests" in name]
    facts = ZipFile(wheel).read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    assert facts.split() == ["[noisewright.nodes]", "acme_filters", "=", "acme_filters"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Acme", "Use small letters"),
        ("acme-filters", "Use small letters"),
        ("../x", "Use small letters"),
        ("subgraph", "cannot be named"),
        ("json", "an installed Python module"),
        ("torch", "an installed Python module"),
        ("there", "already"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name: str, said: str, tmp_path: Path):
    (tmp_path / "there").mkdir()
    with pytest.raises(GraphError, match=said):
        new_pack(name, tmp_path)


def text_to_image(path: Path, **settings: object) -> Path:
    """The template with three small steps, and these settings of its sampler."""
    document = json.loads((ROOT / "workflows" / "text-to-image.json").read_text(encoding="utf-8"))
    document["nodes"]["sample"]["inputs"].update(steps=3, **settings)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_sampler_of_a_pack_is_a_choice_and_runs_and_its_code_counts(home: Path, tmp_path: Path):
    torch = pytest.importorskip("torch")
    write_pack(home / "packs", "acme", samplers=SAMPLERS)
    ours = text_to_image(tmp_path / "a.json", sampler_name="euler", scheduler="acme_even")
    theirs = text_to_image(tmp_path / "b.json", sampler_name="acme_euler", scheduler="acme_even")
    with Engine(precision="fp32") as engine:
        assert engine.check(theirs) == []
        one = engine.run(ours, "sample")["sample.LATENT"]
        two = engine.run(theirs, "sample")["sample.LATENT"]
        assert torch.allclose(one.samples, two.samples, atol=1e-4)
    with Engine(precision="fp32") as engine:
        assert engine.run(theirs, "sample").nodes["sample"].reused == "disk"
    file = home / "packs" / "acme" / "samplers.py"
    file.write_text(file.read_text().replace("SHARE = 1.0", "SHARE = 0.9"))
    with forgotten(), Engine(precision="fp32") as engine:
        assert engine.run(ours, "sample").nodes["sample"].reused is None  # the scheduler is theirs, too
        three = engine.run(theirs, "sample")
        assert three.nodes["sample"].reused is None
        assert not torch.allclose(three["sample.LATENT"].samples, two.samples, atol=1e-4)


def test_values_of_a_pack_are_kept_and_read_by_another_process(home: Path, tmp_path: Path):
    write_pack(home / "packs", "acme", curve=VALUES)
    program = """
import sys
from noisewright.engine import Engine
for offset in sys.argv[1:]:
    with Engine() as engine:
        flow = engine.flow()
        curve = flow.add("AcmeCurve", steps=4)
        top = flow.add("AcmeTop", curve=curve, offset=int(offset))
        outcome = engine.run(flow, top)
        import diffusion.values
        print(outcome[top], *getattr(diffusion.values, "calls", []))
"""

    def said(*offsets: int) -> list[str]:
        words = [sys.executable, "-c", program, *map(str, offsets)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    assert said(0) == ["3.0 curve top"]
    assert said(0, 5) == ["3.0", "8.0 top"]


def test_check_plan_and_help_load_no_torch_because_a_pack_does(home: Path, tmp_path: Path):
    write_pack(home / "packs", "acme", "import torch\n" + declaring("AcmeBlur"), samplers=SAMPLERS)
    workflow = text_to_image(tmp_path / "a.json", sampler_name="euler")
    main(["packs", "list"])
    code = (
        "import sys\nfrom noisewright.commands import main\n"
        "for words in sys.argv[1:]:\n    print('::', words, main(words.split(':')), 'torch' in sys.modules)"
    )
    lines = [f"check:{workflow}", f"plan:{workflow}", "nodes", "packs:list"]
    done = subprocess.run([sys.executable, "-c", code, *lines], cwd=ROOT, capture_output=True, text=True, check=True)
    said = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert said == [f":: {words} 0 False" for words in lines]


def test_a_pack_is_not_written_into_a_file(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert main(["packs", "new", "acme_filters", "--to", str(tmp_path / "file")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"Error: '{tmp_path / 'file'}' is a file. Name the folder that shall hold the pack.\n"
    assert main(["packs", "new", "acme_filters", "--to", str(tmp_path / "file" / "below")]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"Error: The pack cannot be written into '{tmp_path / 'file' / 'below'}': ")
    assert err.endswith(". Name another with --to.\n")
