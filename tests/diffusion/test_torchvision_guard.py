"""A torchvision that cannot be imported must not take transformers and diffusers with it. Played in a child process."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(code: str, path: Path) -> str:
    setup = f"import sys; sys.path[:0] = [{str(path)!r}, {str(ROOT)!r}]\n"
    return subprocess.run([sys.executable, "-c", setup + code], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A torchvision as its published build is beside another build of torch."""
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "part.py").write_text("")
    (package / "__init__.py").write_text(
        "import torchvision.part\nraise RuntimeError('operator torchvision::nms does not exist')\n"
    )
    return tmp_path


def test_a_broken_one_is_hidden(broken):
    code = """
from diffusion.torchvision_guard import hide_broken_torchvision
import importlib.util
assert hide_broken_torchvision() and hide_broken_torchvision()
assert not [name for name in sys.modules if name.startswith("torchvision.")]
try:
    import torchvision
except ImportError:
    print("absent")
"""
    assert run(code, broken) == "absent\n"


def test_networks_import_beside_a_broken_one(broken):
    code = """
from diffusion.architectures import AutoencoderKL, CLIPTextModel, UNet2DConditionModel
print(UNet2DConditionModel.__name__)
"""
    assert run(code, broken) == "UNet2DConditionModel\n"


def test_a_working_one_stays(tmp_path: Path):
    (tmp_path / "torchvision.py").write_text("answer = 42\n")
    code = """
from diffusion.torchvision_guard import hide_broken_torchvision
assert not hide_broken_torchvision()
import torchvision
print(torchvision.answer)
"""
    assert run(code, tmp_path) == "42\n"


def test_none_is_no_problem(tmp_path: Path):
    code = """
sys.modules.pop("torchvision", None)
from diffusion.torchvision_guard import hide_broken_torchvision
import importlib.util
importlib.util.find_spec = lambda name: None
print(hide_broken_torchvision(), "torch" in sys.modules)
"""
    assert run(code, tmp_path) == "False False\n"
