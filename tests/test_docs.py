"""The Python in the documents runs: every block of a page, in order, as a reader would type it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)

RUN = """
import sys
from pathlib import Path
from types import ModuleType

page = sys.modules["a_page"] = ModuleType("a_page")
for file in sorted(Path(sys.argv[1]).glob("*.py"), key=lambda file: int(file.stem)):
    exec(compile("\\n" * int(file.stem) + file.read_text(encoding="utf-8"), sys.argv[2], "exec"), vars(page))
"""


@pytest.mark.parametrize("name", ["python.md", "writing-nodes.md"])
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
