"""The lock on a data folder, held by real processes that are really killed."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from graph.errors import GraphError
from server.occupied import Occupied, occupied

ROOT = Path(__file__).resolve().parents[2]

HOLDING = """
import sys
from pathlib import Path
from server.occupied import occupied

with occupied(Path(sys.argv[1])) as place:
    place.tell("http://127.0.0.1:8188")
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_told_who_has_it(tmp_path: Path):
    with holder(tmp_path) as process:
        with pytest.raises(Occupied) as caught, occupied(tmp_path):
            pass
        for part in (str(tmp_path), f"process {process.pid}", "http://127.0.0.1:8188", "--data"):
            assert part in str(caught.value)
        with occupied(tmp_path / "other"), occupied(tmp_path, "download"):
            pass
        process.communicate("")
    assert process.returncode == 0
    with occupied(tmp_path):
        pass


def test_it_is_free_after_kill_9(tmp_path: Path):
    for _ in range(3):
        with holder(tmp_path) as process:
            process.kill()
        assert (tmp_path / "server.json").exists()
        with occupied(tmp_path):
            assert str(os.getpid()) in (tmp_path / "server.json").read_text()
        assert not (tmp_path / "server.json").exists()


def test_once_within_a_process(tmp_path: Path):
    found: list[str] = []

    def attempt() -> None:
        try:
            with occupied(tmp_path):
                found.append("held")
        except Occupied as error:
            found.append(str(error))

    with occupied(tmp_path, address="http://here"):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    attempt()
    assert "http://here" in found[0]
    assert found[1] == "held"


def test_it_is_free_after_an_error(tmp_path: Path):
    with pytest.raises(LookupError), occupied(tmp_path):
        raise LookupError
    with occupied(tmp_path):
        pass


@pytest.mark.parametrize("note", [b"", b"[]", b"\xff", b'{"pid": "x"}', b"{}"])
def test_a_note_that_says_nothing_is_no_obstacle(tmp_path: Path, note: bytes):
    with occupied(tmp_path):
        (tmp_path / "server.json").write_bytes(note)
        with pytest.raises(Occupied, match="serves the data folder"), occupied(tmp_path):
            pass


def test_a_folder_that_cannot_be(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(GraphError, match=r"cannot be written: .* --data"), occupied(tmp_path / "file" / "folder"):
        pass
