"""Imports go one way: the table of who may import whom, read from the source, imports inside functions included."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

OURS = {"graph", "diffusion", "nodes", "server", "noisewright", "main", "tests", "benchmarks", "docs"}
"""Top-level names of the project."""

MAY_IMPORT = {
    "graph": {"graph"},
    "diffusion": {"diffusion"},
    "nodes": {"nodes", "graph", "diffusion"},
    "server": {"server", "graph"},
    "noisewright": {"noisewright", "graph", "diffusion", "nodes", "server"},
    "main.py": {"noisewright"},
}
"""What of the project each part may import."""

NEVER = {
    "graph": {"torch", "numpy", "PIL", "safetensors", "diffusers", "transformers", "scipy", "aiohttp"},
    "diffusion": {"aiohttp", "torchvision"},
    "nodes": {"aiohttp", "torchvision"},
    "server": {"torch", "diffusers", "transformers"},
}
"""Packages of others that a part does without."""

AT_THE_TOP_OF_NODES = {"graph", "diffusion", "nodes", "annotated_types"} | sys.stdlib_module_names
"""Packages that modules in `nodes` import outside functions: none that takes long."""

TORCH_FREE = (
    "diffusion.values.",
    "diffusion.names.",
    "diffusion.services.",
    "diffusion.preprocessors.ade20k.",
    "diffusion.sampling_values.",
    "diffusion.model_options.",
    "diffusion.hooks.",
)
"""Modules of `diffusion` that load no torch."""


def sources(part: str) -> list[Path]:
    path = ROOT / part
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imports(tree: ast.AST, source: Path) -> Iterator[str]:
    """Full dotted names of everything imported below `tree`; `from a import b` gives `a.b`."""
    package = source.relative_to(ROOT).with_suffix("").parts
    for item in ast.walk(tree):
        if isinstance(item, ast.Import):
            yield from (alias.name for alias in item.names)
        elif isinstance(item, ast.ImportFrom):
            above = ".".join(package[: -item.level]) if item.level else ""
            module = ".".join(filter(None, (above, item.module)))
            yield from (f"{module}.{alias.name}" for alias in item.names)


def parsed(source: Path) -> ast.Module:
    return ast.parse(source.read_text(encoding="utf-8"))


PARTS = [
    pytest.param(part, source, id=str(source.relative_to(ROOT)))
    for part in MAY_IMPORT
    for source in sources(part)
    if source.exists()
]


def test_every_part_is_looked_at() -> None:
    assert {part for part in MAY_IMPORT if sources(part)} >= {"graph", "diffusion", "nodes", "noisewright", "main.py"}


@pytest.mark.parametrize(("part", "source"), PARTS)
def test_a_module_imports_only_what_its_part_may(part: str, source: Path) -> None:
    roots = {name.partition(".")[0] for name in imports(parsed(source), source)}
    assert not (roots & OURS) - MAY_IMPORT[part]
    assert not roots & NEVER.get(part, set())


@pytest.mark.parametrize(("part", "source"), PARTS)
def test_only_the_entry_imports_the_commands(part: str, source: Path) -> None:
    """`main.py` and `python -m noisewright` are one entry; commands may use one another."""
    relative = source.relative_to(ROOT).as_posix()
    if relative in ("main.py", "noisewright/__main__.py") or relative.startswith("noisewright/commands/"):
        return
    reached = imports(parsed(source), source)
    assert not [name for name in reached if f"{name}.".startswith(("noisewright.commands.", "main."))]


@pytest.mark.parametrize("source", sources("nodes"), ids=lambda source: source.name)
def test_node_modules_import_nothing_slow_at_the_top(source: Path) -> None:
    top = ast.Module([item for item in parsed(source).body if isinstance(item, ast.Import | ast.ImportFrom)], [])
    names = set(imports(top, source))
    assert not {name for name in names if name.startswith("diffusion.") and not name.startswith(TORCH_FREE)}
    assert not {name.partition(".")[0] for name in names} - AT_THE_TOP_OF_NODES


def test_every_form_of_import_is_seen() -> None:
    tree = ast.parse("from . import b\nfrom ..x.y import z\nimport p.q\ndef f():\n    from torch import nn")
    assert sorted(imports(tree, ROOT / "one" / "two" / "three.py")) == ["one.two.b", "one.x.y.z", "p.q", "torch.nn"]
