"""What the command line tells of a run."""

from pathlib import Path
from types import MappingProxyType
from typing import Literal

import pytest

from graph.events import NodeFailed, NodeFinished, NodeSkipped
from noisewright.commands.listening import listening


def finished(node: str, reused: Literal["disk"] | None = None, **outputs: object) -> NodeFinished:
    nothing = MappingProxyType[str, object]({})
    return NodeFinished("r", 1, 0.0, node=node, reused=reused, seconds=0.0, outputs=outputs, values=nothing)


def test_paths_are_told_once_and_texts_beside_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "a.png")
    with listening() as tell:
        tell(finished("1", files=[path]))
        tell(finished("2", files=[path], text=["one", "two"]))
        tell(finished("3", text="alone"))
        tell(finished("4", text=[{"no": "text"}]))
    out, err = capsys.readouterr()
    assert out == f"{path}\n"
    assert err == "Node '2' shows: one\nNode '2' shows: two\nNode '3' shows: alone\n"


def test_warnings_are_told_again_with_a_result_that_is_reused(capsys: pytest.CaptureFixture[str]) -> None:
    with listening() as tell:
        tell(finished("1", warnings=["two of ten"]))  # the log has told it just now
        tell(finished("2", reused="disk", warnings=["one of nine", "tiles"]))
    assert capsys.readouterr() == ("", "Node '2': one of nine\nNode '2': tiles\n")


def test_why_nodes_did_not_run_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with listening() as tell:
        for node in ("6", "7"):
            tell(NodeSkipped("r", 1, 0.0, node=node, because="5", reason="nothing detected"))
        tell(NodeSkipped("r", 1, 0.0, node="8", because="4"))
    assert capsys.readouterr() == ("", "Node '5' stopped what depends on it: nothing detected\n")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("IndexError: size 3", "IndexError: size 3. Try 2."),
        ("It failed.", "It failed. Try 2."),
        ("Why?", "Why? Try 2."),
    ],
)
def test_a_failure_and_its_hint_are_two_sentences(message: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with listening() as tell:
        tell(NodeFailed("r", 1, 0.0, node="2", code="error", message=message, hint="Try 2."))
    assert capsys.readouterr().err == f"Error in node '2': {told}\n"
