"""Every installed dependency has its tested version in constraints.txt, and torchvision is not among them."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINNED = {line.split("==")[0].lower().replace("_", "-"): line.split("==")[1] for line in LINES if "==" in line}


def requirements(distribution: str) -> set[str]:
    """Names of what a distribution needs everywhere, without its extras."""
    needed = importlib.metadata.requires(distribution) or []
    plain = [text for text in needed if ";" not in text]
    return {re.split(r"[^A-Za-z0-9._-]", text)[0].lower().replace("_", "-") for text in plain}


def test_everything_we_need_is_pinned_transitively():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    pending = {re.split(r"[^A-Za-z0-9._-]", text)[0].lower() for text in declared}
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending |= requirements(name)
    assert sorted(seen - PINNED.keys()) == []


def test_torch_is_pinned_to_the_tested_release():
    assert PINNED["torch"] == "2.13.0"


def test_nothing_pulls_in_torchvision():
    assert "torchvision" not in PINNED
    assert all("torchvision" not in requirements(name) for name in PINNED if _installed(name))


def _installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
