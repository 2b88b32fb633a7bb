"""`cache stats|verify|clear`, as the command line has it."""

import argparse
import json
from pathlib import Path

import pytest

from graph.cache import Entry
from graph.codec import Codecs
from noisewright.commands import cache as command
from noisewright.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home", tmp_path)
    results = command.disk_cache(home, Codecs())
    for number in range(3):
        results.put(str(number), Entry((number, f"large {number}" * 2000)))
    results.close()
    command.disk_states(home, Codecs()).save("key", {"index": 1})
    return home


def said(home: Home, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    code = command.execute(parser.parse_args(["cache", *words]), home)
    out, err = capsys.readouterr()
    assert err == ""
    return code, out


def test_stats(home: Home, capsys: pytest.CaptureFixture[str]):
    code, out = said(home, capsys, "stats")
    assert code == 0
    assert out.splitlines()[0].split(maxsplit=1) == ["folder", str(home.results)]
    assert out.splitlines()[1].split() == ["entries", "3"]
    assert "kB" in out
    facts = json.loads(said(home, capsys, "stats", "--json")[1])
    assert (facts["entries"], facts["blobs"]) == (3, 3)


def test_verify(home: Home, capsys: pytest.CaptureFixture[str]):
    assert said(home, capsys, "verify")[0] == 0
    blob = next(path for path in home.results.rglob("*") if len(path.name) == 62)
    blob.write_bytes(b"damaged")
    code, out = said(home, capsys, "verify", "--json")
    assert (code, json.loads(out)) == (1, {"entries": 2, "blobs": 2, "damaged": 1, "orphans": 0, "sound": True})
    code, out = said(home, capsys, "verify")
    assert code == 0
    assert out.splitlines()[-1].split() == ["sound", "yes"]


def test_clear(home: Home, capsys: pytest.CaptureFixture[str]):
    code, out = said(home, capsys, "clear")
    assert code == 0
    assert out.splitlines()[0].split() == ["removed", "entries", "3"]
    assert json.loads(said(home, capsys, "stats", "--json")[1])["entries"] == 0
    assert list(home.states.iterdir()) == []
