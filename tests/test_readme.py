"""The README is true: its commands stand on one line each, its code runs, its links lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_line_with_main_py_run_is_the_whole_first_command():
    line = next(line for line in README.splitlines() if "main.py run" in line)
    assert line == "pip install -c constraints.txt -e . && python main.py run workflows/text-to-image.json"


def test_the_first_line_with_pytest_installs_and_runs_the_tests():
    line = next(line for line in README.splitlines() if "pytest" in line)
    assert line == "pip install -c constraints.txt -e '.[test]' && python -m pytest -n 2 --dist loadfile"


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL), ids=lambda code: code[:20])
def test_python_blocks_run(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path))
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_lead_to_files(target: str):
    assert (ROOT / target).exists(), target


def test_the_readme_fits_two_screens():
    assert len(README.splitlines()) <= 120
