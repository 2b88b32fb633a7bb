"""Where things lie: what is named wins over the environment, which wins over the checkout."""

from pathlib import Path

import pytest

from noisewright.home import find_home

ROOT = Path(__file__).parent.parent.parent


def test_a_checkout_keeps_its_data_beside_its_code(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NOISEWRIGHT_DATA", raising=False)
    home = find_home()
    assert home.data == ROOT / "data"
    assert home.bundled == ROOT
    assert (home.templates / "text-to-image.json").is_file()


def test_the_environment_and_then_the_command_line_name_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path / "a"))
    assert find_home().data == tmp_path / "a"
    assert find_home(tmp_path / "b").data == tmp_path / "b"


def test_an_installed_package_has_its_bundle_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NOISEWRIGHT_DATA", raising=False)
    monkeypatch.setattr("noisewright.home.__file__", str(tmp_path / "site-packages" / "noisewright" / "home.py"))
    home = find_home()
    assert home.bundled == tmp_path / "site-packages" / "noisewright_data"
    assert tmp_path not in home.data.parents


def test_the_folders_for_models_and_pictures_are_made(tmp_path: Path):
    find_home(tmp_path / "home").prepare()
    assert (tmp_path / "home" / "models" / "checkpoints").is_dir()
    assert (tmp_path / "home" / "input").is_dir()


def test_a_home_that_cannot_be_made_is_left_alone(tmp_path: Path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    find_home(tmp_path / "file" / "home").prepare()
    assert (tmp_path / "file").is_file()
