import os
import stat
from pathlib import Path

import pytest

from graph.atomic import atomic_file, atomic_write, reservation_of


def test_writes_into_a_folder_that_it_makes(tmp_path):
    path = tmp_path / "a" / "b.bin"
    atomic_write(path, b"one")
    atomic_write(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["b.bin"]


def test_a_file_has_the_permissions_of_one_written_plainly(tmp_path):
    atomic_write(tmp_path / "a", b"")
    (tmp_path / "b").write_bytes(b"")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "b").stat().st_mode)


def test_nothing_is_left_of_a_file_that_could_not_be_written(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        atomic_write(path, b"after")
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_ends_the_reservation_of_its_name(tmp_path):
    path = Path(tmp_path / "a.png")
    reservation_of(path).touch()
    atomic_write(path, b"")
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_file_in_pieces_has_its_name_at_the_end_alone(tmp_path):
    path = tmp_path / "a" / "b.bin"
    with atomic_file(path) as file:
        file.write(b"one")
        assert not path.exists()
        file.write(b" two")
    assert path.read_bytes() == b"one two"


def test_nothing_is_left_of_pieces_that_did_not_come(tmp_path):
    def broken() -> None:
        with atomic_file(tmp_path / "a.bin") as file:
            file.write(b"one")
            raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        broken()
    assert os.listdir(tmp_path) == []
