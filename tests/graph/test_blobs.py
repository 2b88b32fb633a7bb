import errno
import os
import time
from pathlib import Path

import pytest

from graph.blobs import FILE, STALE_SECONDS, Blobs
from graph.codec import content_digest
from graph.errors import CacheDamaged


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def kept(blobs: Blobs, data: bytes) -> str:
    digest = content_digest("toy", data)
    blobs.place(blobs.stage(digest, data))
    return digest


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 10_000])
def test_what_is_placed_is_read(blobs: Blobs, data: bytes):
    digest = kept(blobs, data)
    assert blobs.has(digest, len(data))
    assert blobs.read("toy", digest, len(data)) == data
    assert files(blobs.folder) == [blobs.folder / digest[:2] / digest[2:]]


def test_what_is_staged_only_is_not_there(blobs: Blobs):
    staged = blobs.stage("ab" * 32, b"data")
    assert not blobs.has("ab" * 32, 4)
    staged.discard()
    staged.discard()
    assert files(blobs.folder) == []


def test_a_file_is_copied_with_its_digest(blobs: Blobs, tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"picture" * 500_000)
    staged = blobs.stage_file(tmp_path / "a.png")
    blobs.place(staged)
    assert staged.digest == content_digest(FILE, b"picture" * 500_000)
    assert blobs.read(FILE, staged.digest, staged.size) == b"picture" * 500_000


@pytest.mark.parametrize("damage", [b"", b"dat", b"data!", b"dote", b"dat\0"])
def test_what_is_not_what_was_written_is_deleted(blobs: Blobs, damage: bytes):
    digest = kept(blobs, b"data")
    (blobs.folder / digest[:2] / digest[2:]).write_bytes(damage)
    assert blobs.has(digest, 4) == (len(damage) == 4)
    with pytest.raises(CacheDamaged, match="is damaged"):
        blobs.read("toy", digest, 4)
    assert files(blobs.folder) == []


def test_another_codec_is_another_digest(blobs: Blobs):
    digest = kept(blobs, b"data")
    with pytest.raises(CacheDamaged, match="is damaged"):
        blobs.read("other", digest, 4)


def test_what_is_gone_is_said(blobs: Blobs):
    with pytest.raises(CacheDamaged, match="cannot be read: No such file"):
        blobs.read("toy", "ab" * 32, 4)


def test_a_full_disk_leaves_nothing_behind(blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Full:
        def __init__(self, path: Path, mode: str, **_: object) -> None:
            self.file = open(path, mode)  # noqa: SIM115

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> int:
            self.file.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("graph.blobs.open", Full, raising=False)
    with pytest.raises(OSError, match="No space left"):
        blobs.stage("ab" * 32, b"data")
    assert files(blobs.folder) == []


def test_sweeping_deletes_what_nothing_names(blobs: Blobs):
    digests = [kept(blobs, b"%d" % index) for index in range(20)]
    assert blobs.sweep(lambda shelf: set(shelf) & set(digests[:5])) == 15
    assert {path.parent.name + path.name for path in files(blobs.folder)} == set(digests[:5])
    assert Blobs(blobs.folder / "nowhere").sweep(lambda shelf: ()) == 0


def test_tidying_deletes_what_was_left_behind(blobs: Blobs):
    old, new = blobs.stage("ab" * 32, b"old"), blobs.stage("cd" * 32, b"new")
    then = time.time() - STALE_SECONDS - 1
    os.utime(old.path, (then, then))
    blobs.tidy()
    assert files(blobs.folder) == [new.path]
