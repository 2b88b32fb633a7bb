"""What must start at once loads nothing slow: in a fresh process the declarations leave torch and its like alone."""

import subprocess
import sys
from pathlib import Path

import pytest

import nodes

ROOT = Path(__file__).parent.parent

SLOW = ("torch", "numpy", "PIL", "diffusers", "transformers", "scipy", "safetensors", "torchsde", "accelerate")


def modules_of(package: str) -> list[str]:
    """Every module of a package of ours, by its dotted name."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]


def loaded_by(*names: str) -> set[str]:
    """Slow packages that a fresh process holds after importing these modules."""
    code = f"import importlib, sys\nfor name in {names!r}:\n    importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stdout.split()} & set(SLOW)


@pytest.mark.parametrize(
    "names",
    [
        ("nodes", *nodes.MODULES),
        ("diffusion", "diffusion.values", "diffusion.names", "diffusion.services"),
        tuple(modules_of("graph")),
        ("noisewright", "noisewright.commands"),
    ],
    ids=["nodes", "values and names", "graph", "command line"],
)
def test_importing_loads_nothing_slow(names: tuple[str, ...]) -> None:
    assert loaded_by(*names) == set()


def test_the_check_sees_what_is_loaded() -> None:
    assert "numpy" in loaded_by("numpy")
