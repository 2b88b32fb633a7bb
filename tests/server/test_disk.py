"""What the disk says, and what is written so that nothing is lost."""

import errno
import os
from pathlib import Path

import pytest

from server.api import Refusal
from server.disk import STALE_SECONDS, beside, disk_errors, sweep, write_durably


@pytest.mark.parametrize(
    ("number", "how"),
    [
        (errno.ENOSPC, (507, "no_space")),
        (errno.EROFS, (503, "not_permitted")),
        (errno.ENOENT, (404, "no_file")),
        (errno.ENAMETOOLONG, (400, "bad_name")),
        (errno.EIO, (503, "disk_failed")),
    ],
)
def test_errors_become_refusals_without_the_place(tmp_path: Path, number: int, how: tuple[int, str]) -> None:
    with pytest.raises(Refusal) as caught, disk_errors("a.png"):
        raise OSError(number, os.strerror(number), str(tmp_path))
    assert (caught.value.status, caught.value.info.code) == how
    assert "'a.png'" in caught.value.info.message
    assert str(tmp_path) not in caught.value.info.message


def test_a_client_that_goes_away_is_no_matter_of_the_disk() -> None:
    with pytest.raises(ConnectionResetError), disk_errors("a.png"):
        raise ConnectionResetError


def test_a_write_that_fails_keeps_the_old_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    write_durably(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "failed")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(OSError, match="failed"):
                write_durably(path, b"new")
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]
    write_durably(path, b"new")
    assert path.read_bytes() == b"new"


def test_what_killed_processes_left_is_swept_after_a_day(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    left, fresh, whole = beside(tmp_path / "b" / "x.png"), beside(tmp_path / "y.png"), tmp_path / "z.part"
    for path in (left, fresh, whole):
        path.touch()
    for path in (left, whole):
        os.utime(path, (1, 1))
    assert sweep([tmp_path, tmp_path / "missing"], now=2.0 + STALE_SECONDS) == 1
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == sorted([fresh.name, whole.name])
