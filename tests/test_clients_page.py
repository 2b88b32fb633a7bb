"""The examples of docs/clients.md run, against one started server, and print what stands below them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.server.started import ROOT, Started, started

PAGE = ROOT / "docs" / "clients.md"
TEXT = PAGE.read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8188"
EXAMPLE = re.compile(r"^```(sh|python|js)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
MARK = "~~~ the next example ~~~"

SECONDS = 120.0
"""How long an example may take: the first waits until the worker has loaded torch."""


class Example(NamedTuple):
    """A block of code. line: where it begins. printed: what stands below it, `…` for anything."""

    line: int
    language: str
    code: str
    printed: str


EXAMPLES = [
    Example(TEXT.count("\n", 0, found.start()) + 1, found[1], found[2], found[3] or "")
    for found in EXAMPLE.finditer(TEXT)
]


def of(language: str) -> list[Example]:
    return [example for example in EXAMPLES if example.language == language]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    if sys.platform == "win32":
        pytest.skip("The examples are for a POSIX shell.")
    with started(tmp_path_factory.mktemp("clients") / "home", "--devices", "cpu") as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to be in: like the checkout as far as workflows go."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "workflows").symlink_to(ROOT / "workflows")
    return folder


def output(words: Sequence[str], folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(example: Example, printed: str) -> None:
    lines = [
        ".*\n" if line == "…\n" else re.escape(line).replace("…", "[^\n]*") for line in example.printed.splitlines(True)
    ]
    pattern = "".join(f"(?:{line})*?" if line == ".*\n" else line for line in lines)
    assert re.fullmatch(pattern, printed), f"docs/clients.md, line {example.line}, prints:\n{printed}"


def test_the_page_has_examples():
    assert TEXT.count("```sh\n") == len(of("sh")) >= 8
    assert TEXT.count("```python\n") == len(of("python")) >= 3
    assert TEXT.count("```js\n") == len(of("js")) >= 1
    assert all(example.printed for example in EXAMPLES)


def test_the_shell_examples_run_one_after_another(server: Started, folder: Path):
    missing = [name for name in ("bash", "curl", "jq") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"There is no {missing[0]}.")
    blocks = [example.code.replace(ADDRESS, server.address) for example in of("sh")]
    printed = output(["bash", "-euo", "pipefail", "-c", f"echo '{MARK}'\n".join(blocks)], folder)
    for example, part in zip(of("sh"), printed.split(f"{MARK}\n"), strict=True):
        check(example, part)
    assert (folder / "apple.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "small.webp").read_bytes().startswith(b"RIFF")


@pytest.mark.parametrize("example", of("python"), ids=lambda example: f"line-{example.line}")
def test_python_examples_run(server: Started, folder: Path, example: Example):
    check(example, output([sys.executable, "-c", example.code.replace(ADDRESS, server.address)], folder))


@pytest.mark.parametrize("example", of("js"), ids=lambda example: f"line-{example.line}")
def test_javascript_examples_run(server: Started, folder: Path, example: Example):
    node = shutil.which("node")
    if node is None or int(output([node, "--version"], folder).strip("v\n").partition(".")[0]) < 20:
        pytest.skip("There is no Node 20.")
    (folder / "example.mjs").write_text(example.code.replace(ADDRESS, server.address), encoding="utf-8")
    check(example, output([node, "example.mjs"], folder))


def test_the_pictures_are_pictures(folder: Path):
    for file in folder.glob("*.png"):
        assert file.read_bytes().startswith(b"\x89PNG"), file
