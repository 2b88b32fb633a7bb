import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graph.codec import Codecs
from graph.states import KEPT, DiskStates, MemoryStates

ROOT = Path(__file__).parent.parent.parent


def test_the_last_state_of_a_key_is_kept_until_it_is_dropped():
    states = MemoryStates()
    assert states.load("a") is None
    states.save("a", 1)
    states.save("a", {"x": 2})
    assert states.load("a") == {"x": 2}
    states.drop("a")
    states.drop("a")
    assert states.load("a") is None


def test_only_so_many_are_kept():
    states = MemoryStates(limit=2)
    for key in "aba":
        states.save(key, key)
    states.save("c", "c")
    assert [states.load(key) for key in "abc"] == ["a", None, "c"]
    assert len(states) == 2


@pytest.fixture
def now() -> list[float]:
    return [0.0]


def states_in(folder: Path, now: list[float]) -> DiskStates:
    return DiskStates(folder, Codecs(), clock=lambda: now[0])


def test_states_outlive_the_process(tmp_path, now):
    states = states_in(tmp_path, now)
    assert states.load("a") is None
    states.save("a", {"index": 1, "memory": {"x": [1.5, None]}})
    assert states.load("a") == states_in(tmp_path, now).load("a") == {"index": 1, "memory": {"x": [1.5, None]}}


def test_a_state_is_written_at_most_every_two_seconds(tmp_path, now):
    states = states_in(tmp_path, now)
    for index, at in enumerate((0.0, 0.5, 1.9, 2.0, 2.1)):
        now[0] = at
        states.save("a", index)
        assert states.load("a") == index
        assert states_in(tmp_path, now).load("a") == (0 if at < 2 else 3)
    states.flush()
    assert states_in(tmp_path, now).load("a") == 4


def test_each_node_has_its_own_time(tmp_path, now):
    states = states_in(tmp_path, now)
    for index in range(3):
        for key in "ab":
            states.save(key, index)
    states.save("c", 7)
    assert [states_in(tmp_path, now).load(key) for key in "abc"] == [0, 0, 7]


def test_a_finished_node_leaves_nothing_behind(tmp_path, now):
    states = states_in(tmp_path, now)
    states.save("a", 1)
    states.save("a", 2)
    states.drop("a")
    states.drop("b")
    states.flush()
    assert states.load("a") is None
    assert list(tmp_path.iterdir()) == []
    states.save("a", 3)
    other = states_in(tmp_path, now)
    other.drop("a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_state_is_none(tmp_path, now, damage, caplog):
    states = states_in(tmp_path, now)
    states.save("a", {"x": "y" * 1000})
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    if damage == "other":
        states.save("b", 1)
        (other,) = set(tmp_path.iterdir()) - {path}
        damaged = other.read_bytes()
    else:
        damaged = {"cut": data[:-1], "flipped": data[:-9] + b"z" + data[-8:], "empty": b""}[damage]
    path.write_bytes(damaged)
    assert states_in(tmp_path, now).load("a") is None
    assert not path.exists()
    assert "begins anew" in caplog.text


def test_what_has_no_codec_stays_in_memory(tmp_path, now):
    states = states_in(tmp_path, now)
    state = object()
    states.save("a", state)
    assert states.load("a") is state
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_costs_a_line_in_the_log(tmp_path, now, caplog):
    (tmp_path / "file").write_text("")
    states = states_in(tmp_path / "file", now)
    states.save("a", 1)
    states.save("b", 1)
    assert states.load("a") == 1
    assert states_in(tmp_path / "file", now).load("a") is None
    states.drop("a")
    states.clear()
    assert caplog.text.count("is not kept") == 1


def test_old_states_are_pruned(tmp_path, now):
    states = states_in(tmp_path, now)
    for index in range(KEPT + 10):
        now[0] += 10
        states.save(str(index), index)
        (path,) = [path for path in tmp_path.iterdir() if path.stat().st_mtime > time.time() - 1000]
        then = time.time() - 10_000 + index
        os.utime(path, (then, then))
        if index == KEPT + 9:
            os.utime(path, (1, 1))
    (tmp_path / ".x.part").write_text("")
    os.utime(tmp_path / ".x.part", (1, 1))
    later = states_in(tmp_path, now)
    later.drop("nothing")
    left = [index for index in range(KEPT + 10) if later.load(str(index)) is not None]
    assert left == list(range(9, KEPT + 9))
    assert len(list(tmp_path.iterdir())) == KEPT


def test_clear(tmp_path, now):
    states = states_in(tmp_path, now)
    states.save("a", 1)
    states_in(tmp_path, now).clear()
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from graph.codec import Codecs
from graph.states import DiskStates
now = [0.0]
states = DiskStates(Path(sys.argv[1]), Codecs(), clock=lambda: now[0])
for index in range(10):
    now[0] = 0.9 * index
    states.save("a", {"index": index})
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="processes end in other ways there")
def test_one_who_is_killed_goes_on_from_the_last_state_written(tmp_path, now):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert states_in(tmp_path, now).load("a") == {"index": 9}
