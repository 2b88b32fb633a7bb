"""`data backup`, as the command line has it."""

import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from noisewright.commands import main


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "workflows").mkdir(parents=True)
    (home / "workflows" / "a.json").write_text("{}")
    (home / "input").mkdir()
    (home / "input" / "cat.png").write_bytes(b"cat")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "dog.png").write_bytes(b"dog")
    (home / "settings.toml").write_text(f"output = {str(tmp_path / 'pictures')!r}")
    with closing(sqlite3.connect(home / "noisewright.db")) as connection:
        connection.execute("CREATE TABLE runs (a)")
    return home


def test_a_backup(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["data", "backup", str(tmp_path / "x.zip"), "--data", str(home)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'x.zip'}\n"
    assert err.startswith("3 files, ")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert set(archive.namelist()) == {"noisewright.db", "settings.toml", "workflows/a.json"}


def test_with_files_from_where_the_settings_say(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    assert main(["data", "backup", "x.zip", "--with-files", "--data", str(home)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'x.zip'}\n"
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert {"input/cat.png", "output/dog.png"} < set(archive.namelist())


def test_a_file_that_is_there(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "x.zip").write_bytes(b"precious")
    assert main(["data", "backup", str(tmp_path / "x.zip"), "--data", str(home)]) == 2
    out, err = capsys.readouterr()
    assert (out, "is there already" in err) == ("", True)
    assert (tmp_path / "x.zip").read_bytes() == b"precious"
