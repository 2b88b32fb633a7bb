"""The public names: what packs and notebooks import is exactly what `noisewright` and the modules beside it list."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import noisewright
from graph.node import node_type_of

ROOT = Path(__file__).parents[2]

PUBLIC = ("noisewright", "noisewright.families", "noisewright.sampling", "noisewright.testing")
"""The modules that packs and notebooks import from."""

DOCUMENTED = re.compile(r"^from (noisewright[\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_listed_name_is_there_and_the_list_is_sorted(name: str):
    module = importlib.import_module(name)
    assert all(hasattr(module, item) for item in module.__all__)
    assert module.__all__ == sorted(module.__all__)


def test_the_face_is_small():
    assert len((ROOT / "noisewright" / "__init__.py").read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("file", sorted((ROOT / "docs").glob("*.md")), ids=lambda file: file.name)
def test_documents_import_public_names_alone(file: Path):
    for module, names in DOCUMENTED.findall(file.read_text(encoding="utf-8")):
        assert module in PUBLIC
        known = importlib.import_module(module).__all__
        assert {name.strip() for name in names.strip("()").split(",") if name.strip()} <= set(known)


@pytest.mark.parametrize("file", sorted((ROOT / "noisewright" / "pack_template").rglob("*.py.template")), ids=str)
def test_a_new_pack_imports_public_names_alone(file: Path):
    for module, names in DOCUMENTED.findall(file.read_text(encoding="utf-8")):
        assert {name.strip() for name in names.split(",")} <= set(importlib.import_module(module).__all__)


def test_packs_begin_without_torch():
    code = "import sys\nfrom noisewright import *\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_node_declared_with_public_names_alone_is_a_node_type():
    from noisewright import Image, node

    @node("Twice", category="test")
    def twice(image: Image) -> Image:
        """Double a picture's values."""
        return Image(image.pixels * 2)

    declared = node_type_of(twice)
    assert declared is not None
    assert [item.type for item in declared.spec.inputs] == ["IMAGE"]


def test_the_version_is_said():
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", noisewright.__version__)
