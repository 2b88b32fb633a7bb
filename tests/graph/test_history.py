"""What earlier runs did is there in another process, and a store that is broken costs only explanations."""

import math
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

import pytest

from graph.history import RUNS, History, Past, Timed

PAST = {
    "loader": Past("Load", {}, {"name": (("a.safetensors", "sha256:1"),)}, {}, "code", {}, "", "k1", 0.5),
    "sample": Past(
        "Sample",
        {"seed": 2**63, "cfg": 7.0, "text": "ä", "list": [1, {"a": None}], "on": True},
        {},
        {"model": ("loader", "MODEL"), "clip": ("loader", "CLIP 2")},
        "code 2",
        {"precision": "fp32"},
        "tide",
        "k2",
        None,
    ),
}


def stored_in(path: Path) -> History:
    return History(path / "cache" / "history.db")


@pytest.mark.parametrize("kept", [True, False])
def test_what_a_run_did_comes_back_as_it_was(kept: bool, tmp_path: Path):
    history = stored_in(tmp_path) if kept else History()
    assert history.last("a.json") == {}
    history.remember("a.json", PAST)
    assert (stored_in(tmp_path) if kept else history).last("a.json") == PAST
    assert history.last("b.json") == {}


def test_mappings_of_all_kinds_are_kept(tmp_path: Path):
    history = stored_in(tmp_path)
    history.remember("a", {"x": Past("X", MappingProxyType({"a": MappingProxyType({"b": 1})}))})
    assert history.last("a") == {"x": Past("X", {"a": {"b": 1}})}


def test_the_last_run_takes_the_place_of_the_one_before(tmp_path: Path):
    history = stored_in(tmp_path)
    history.remember("a", PAST)
    history.remember("a", {"x": Past("X")})
    assert history.last("a") == {"x": Past("X")}


def test_only_so_many_files_are_remembered(tmp_path: Path):
    history = stored_in(tmp_path)
    for number in range(RUNS + 3):
        history.remember(f"{number}", {"x": Past("X")})
    known = [bool(history.last(f"{number}")) for number in range(RUNS + 3)]
    assert known == [False] * 3 + [True] * RUNS


def test_times_are_expected_by_signature_then_by_type(tmp_path: Path):
    history = stored_in(tmp_path)
    assert history.expected("Sample", "steps=4") is None
    history.learn([Timed("Sample", "steps=4", 2.0), Timed("Sample", "steps=8", 4.0)])
    for known in (history, stored_in(tmp_path)):
        assert known.expected("Sample", "steps=4") == 2.0
        assert known.expected("Sample", "steps=5") == 3.0
        assert known.expected("Decode", "steps=4") is None


def test_a_mean_of_few_times_is_their_mean_and_follows_the_latest():
    history = History()
    history.learn(Timed("X", "", seconds) for seconds in (1.0, 2.0, 6.0))
    assert math.isclose(history.expected("X") or 0, 3.0)
    history.learn([Timed("X", "", 10.0)] * 60)
    assert math.isclose(history.expected("X") or 0, 10.0, rel_tol=0.01)


def test_several_processes_share_a_store(tmp_path: Path):
    def write(number: int) -> None:
        history = stored_in(tmp_path)
        for turn in range(5):
            history.remember(f"{number}", {"x": Past("X", {"turn": turn})})
            history.learn([Timed(f"T{number}", "", 1.0)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    history = stored_in(tmp_path)
    assert [history.last(f"{number}") for number in range(4)] == [{"x": Past("X", {"turn": 4})}] * 4
    assert [history.expected(f"T{number}") for number in range(4)] == [1.0] * 4


def test_a_damaged_store_is_begun_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "history.db").write_bytes(b"no database at all" * 100)
    history = stored_in(tmp_path)
    assert history.last("a") == {}
    assert "damaged" in caplog.text
    history.remember("a", PAST)
    assert history.last("a") == PAST


@pytest.mark.parametrize("blob", [b"", b"x", "text", None])
def test_a_damaged_entry_is_no_entry(blob: object, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    history = stored_in(tmp_path)
    history.remember("a", PAST)
    with sqlite3.connect(tmp_path / "cache" / "history.db") as store:
        store.execute("UPDATE runs SET nodes = ?", (blob,))
    store.close()
    assert history.last("a") == {}
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize(
    "text", ["[]", '{"x": 1}', '{"x": []}', '{"x": ["X", {}, {"a": 1}, {}]}', '{"x": [1,2,3,4,5,6,7,8,9,0]}']
)
def test_an_entry_of_another_shape_is_no_entry(text: str, tmp_path: Path):
    import zlib

    history = stored_in(tmp_path)
    history.remember("a", PAST)
    with sqlite3.connect(tmp_path / "cache" / "history.db") as store:
        store.execute("UPDATE runs SET nodes = ?", (zlib.compress(text.encode()),))
    store.close()
    assert history.last("a") == {}


def test_a_store_of_another_format_is_begun_anew(tmp_path: Path):
    (tmp_path / "cache").mkdir()
    with sqlite3.connect(tmp_path / "cache" / "history.db") as store:
        store.executescript("CREATE TABLE runs (other TEXT); PRAGMA user_version = 99")
    store.close()
    history = stored_in(tmp_path)
    history.remember("a", PAST)
    assert history.last("a") == PAST


def test_a_place_that_cannot_be_written_costs_only_explanations(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "cache").write_text("in the way", encoding="utf-8")
    history = stored_in(tmp_path)
    history.remember("a", PAST)
    assert history.last("a") == {}
    history.learn([Timed("X", "", 1.0)])
    assert history.expected("X") == 1.0
    assert "not remembered" in caplog.text
