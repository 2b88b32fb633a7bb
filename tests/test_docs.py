"""The documents are true: Python runs as a reader would type it, commands and options exist, links lead somewhere."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from noisewright.commands import parsed

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"^(?:[^`\n]*&& )?python main\.py ((?:[^\n]*\\\n)*[^\n&]*)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")

RUN = """
import sys
from pathlib import Path
from types import ModuleType

page = sys.modules["a_page"] = ModuleType("a_page")
for file in sorted(Path(sys.argv[1]).glob("*.py"), key=lambda file: int(file.stem)):
    exec(compile("\\n" * int(file.stem) + file.read_text(encoding="utf-8"), sys.argv[2], "exec"), vars(page))
"""


@pytest.mark.parametrize("name", ["families.md", "python.md", "writing-nodes.md"])
def test_the_python_of_a_page_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = ROOT / "docs" / name
    text = page.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) == text.count("```python") > 0
    (tmp_path / "blocks").mkdir()
    for block in blocks:  # named by the line they begin at, so that a traceback points into the page
        (tmp_path / "blocks" / f"{text.count(chr(10), 0, block.start(1))}.py").write_text(block[1], encoding="utf-8")
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path / "home"))
    words = [sys.executable, "-c", RUN, str(tmp_path / "blocks"), str(page)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_have_the_options_they_are_shown_with(page: Path):
    for words in COMMAND.findall(page.read_text(encoding="utf-8")):
        assert parsed(shlex.split(words.replace("\\\n", " "))), words


def test_commands_are_found():
    assert sum(len(COMMAND.findall(page.read_text(encoding="utf-8"))) for page in PAGES) >= 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda page: page.name[:4])
def test_a_decision_has_its_number_and_three_parts(page: Path):
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 40
