"""Imports go one way: the table of who may import whom, read from the source, imports inside functions included."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

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


@cache
def imported(source: Path) -> frozenset[str]:
    return frozenset(imports(parsed(source), source))


def where(source: Path) -> str:
    return source.relative_to(ROOT).as_posix()


PARTS = [(part, source) for part in MAY_IMPORT for source in sources(part) if source.exists()]


def test_every_part_is_looked_at() -> None:
    assert {part for part in MAY_IMPORT if sources(part)} >= {"graph", "diffusion", "nodes", "noisewright", "main.py"}
    assert {part for part, _ in PARTS} == MAY_IMPORT.keys()


def test_a_module_imports_only_what_its_part_may() -> None:
    wrong: dict[str, set[str]] = {}
    for part, source in PARTS:
        roots = {name.partition(".")[0] for name in imported(source)}
        wrong[where(source)] = (roots & OURS) - MAY_IMPORT[part] | roots & NEVER.get(part, set())
    assert not {source: found for source, found in wrong.items() if found}


def test_only_the_entry_imports_the_commands() -> None:
    """`main.py` and `python -m noisewright` are one entry; commands may use one another."""
    wrong: dict[str, list[str]] = {}
    for _, source in PARTS:
        if where(source) in ("main.py", "noisewright/__main__.py") or "noisewright/commands/" in where(source):
            continue
        reached = [name for name in imported(source) if f"{name}.".startswith(("noisewright.commands.", "main."))]
        wrong[where(source)] = reached
    assert not {source: found for source, found in wrong.items() if found}


def test_node_modules_import_nothing_slow_at_the_top() -> None:
    wrong: dict[str, set[str]] = {}
    for source in sources("nodes"):
        top = ast.Module([item for item in parsed(source).body if isinstance(item, ast.Import | ast.ImportFrom)], [])
        found = set(imports(top, source))
        ours = {name for name in found if name.startswith("diffusion.") and not name.startswith(TORCH_FREE)}
        wrong[where(source)] = ours | {name for name in found if name.partition(".")[0] not in AT_THE_TOP_OF_NODES}
    assert wrong
    assert not {source: found for source, found in wrong.items() if found}


def test_every_form_of_import_is_seen() -> None:
    tree = ast.parse("from . import b\nfrom ..x.y import z\nimport p.q\ndef f():\n    from torch import nn")
    assert sorted(imports(tree, ROOT / "one" / "two" / "three.py")) == ["one.two.b", "one.x.y.z", "p.q", "torch.nn"]
